#include "core/store/known.h"

#include "core/store/db.h"

enum { LAG_MS = 1000 /* how old the state can be that a read shows */ };

enum {
    KNOWN_LEARN,
    KNOWN_LEARN_AT,
    KNOWN_CONTRADICT,
    KNOWN_FORGET,
    KNOWN_FORGET_SCHEMA,
    KNOWN_REFUTE,
    KNOWN_NOTIFY,
    KNOWN_DOUBT,
    KNOWN_FIND,
    KNOWN_AFTER,
    KNOWN_IN_DOUBT,
    KNOWN_SENT,
    KNOWN_SCHEMA,
    KNOWN_COUNT
};

#define OF_RECORD "WHERE schema = :schema AND record_id = :record_id "

static const char *const sql[] = {
#define IS_NEWER                                                                                   \
    "CASE WHEN known.version IS NOT NULL THEN :version > known.version "                           \
    "OR (:version = known.version AND (:seen_ms >= known.since_ms OR known.since_ms > :now_ms)) "  \
    "WHEN known.fields IS NULL THEN :seen_ms >= known.since_ms OR known.since_ms > :now_ms "       \
    "ELSE :seen_ms >= known.since_ms + :lag_ms OR known.since_ms > :now_ms "                       \
    "OR :fields = known.fields END"
#define TO_SIGHT                                                                                   \
    "SET version = :version, fields = :fields, seen_ms = :seen_ms, since_ms = :seen_ms, "          \
    "source = :source "
    [KNOWN_LEARN] =
        "INSERT INTO known (schema, record_id, version, fields, seen_ms, since_ms, "
        "source) VALUES (:schema, :record_id, :version, :fields, :seen_ms, :seen_ms, "
        ":source) ON CONFLICT (schema, record_id) DO UPDATE " TO_SIGHT "WHERE " IS_NEWER,
    /* the same for a row whose place is known, which is a third faster */
    [KNOWN_LEARN_AT] = "UPDATE known " TO_SIGHT OF_RECORD "AND rowid = :id AND " IS_NEWER,
    /* after the two above, which changed nothing */
    [KNOWN_CONTRADICT] =
        "UPDATE known SET version = NULL, fields = NULL, seen_ms = max(since_ms, :seen_ms), "
        "since_ms = max(since_ms, :seen_ms), source = :source " OF_RECORD
        "AND fields IS NOT NULL AND iif(version IS NULL, 1, "
        "version > :version AND (since_ms < :seen_ms OR since_ms > :now_ms))",
    [KNOWN_FORGET] =
        "INSERT INTO known (schema, record_id, seen_ms, since_ms, source) "
        "VALUES (:schema, :record_id, :seen_ms, :seen_ms, :source) "
        "ON CONFLICT (schema, record_id) DO UPDATE SET version = NULL, fields = NULL, "
        "seen_ms = excluded.seen_ms, since_ms = excluded.since_ms, source = excluded.source",
    [KNOWN_FORGET_SCHEMA] = "DELETE FROM known WHERE schema = :schema",
    [KNOWN_REFUTE] =
        "UPDATE known SET version = NULL, fields = NULL, seen_ms = :seen_ms, since_ms = :seen_ms, "
        "source = 'put' " OF_RECORD "AND version = :version",
    /* two notifications are compared by the server's clock alone */
    [KNOWN_NOTIFY] =
        "INSERT INTO known (schema, record_id, fields, seen_ms, since_ms, source) "
        "VALUES (:schema, :record_id, :fields, :modified_ms, :now_ms, 'notification') "
        "ON CONFLICT (schema, record_id) DO UPDATE SET version = NULL, fields = excluded.fields, "
        "seen_ms = excluded.seen_ms, since_ms = excluded.since_ms, source = excluded.source "
        "WHERE excluded.seen_ms > known.seen_ms + iif(known.source = 'notification' "
        "AND known.fields IS NOT NULL, 0, :slack_ms)",
    /* after KNOWN_NOTIFY, which changed nothing */
    [KNOWN_DOUBT] =
        "UPDATE known SET version = NULL, fields = NULL, seen_ms = :now_ms, since_ms = :now_ms, "
        "source = 'notification' " OF_RECORD "AND fields IS NOT NULL AND fields IS NOT :fields "
        "AND (:modified_ms = 0 OR :modified_ms >= seen_ms - iif(source = 'notification', 0, "
        ":slack_ms))",
    [KNOWN_FIND] = "SELECT rowid AS id, version, fields, seen_ms, source FROM known " OF_RECORD
                   "AND fields IS NOT NULL",
    [KNOWN_AFTER] = "SELECT rowid AS id, schema, record_id, version, fields, seen_ms, source "
                    "FROM known WHERE rowid > :after ORDER BY rowid",
    [KNOWN_IN_DOUBT] =
        "SELECT k.job_id FROM record_job k CROSS JOIN batch b ON b.id = k.job_id / " ID_ROWS_SQL
        " CROSS JOIN job_state s ON s.job_id = k.job_id WHERE k.record_id = :record_id "
        "AND b.schema = :schema AND (s.state IN ('sending', 'unknown') OR s.doubt) "
        "AND s.state " IN_OPEN " LIMIT 1",
    [KNOWN_SENT] =
        "SELECT k.job_id FROM record_job k CROSS JOIN batch b ON b.id = k.job_id / " ID_ROWS_SQL
        " CROSS JOIN job_state s ON s.job_id = k.job_id WHERE k.record_id = :record_id "
        "AND b.schema = :schema AND s.correlation_id = :correlation_id "
        "AND (s.attempts > 0 OR s.state = 'applied') LIMIT 1",
    [KNOWN_SCHEMA] = "SELECT min(schema) AS schema FROM known WHERE schema > :schema",
    /* in the order of the table: the index leads to rows all over it */
    [KNOWN_COUNT] = "SELECT count(*) AS records, min(seen_ms) AS oldest_ms, "
                    "max(seen_ms) AS newest_ms FROM known NOT INDEXED "
                    "WHERE schema = :schema AND fields IS NOT NULL",
};

const struct db_statements known_statements = {sql, sizeof sql / sizeof *sql};

static const char *const sources[] = {
    [KNOWN_BY_PUT] = "put", [KNOWN_BY_GET] = "get", [KNOWN_BY_NOTIFICATION] = "notification"};

/* The statement, with the record bound to it. */
static struct db_statement *get(struct store *store, unsigned index, struct span schema,
                                struct span record_id, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_KNOWN, index, err);

    db_bind_span(statement, DB_SCHEMA, schema);
    db_bind_span(statement, DB_RECORD_ID, record_id);
    return statement;
}

/* Runs one of the statements that store a sight, or what is made of it. */
static bool learn_by(struct store *store, unsigned index, const struct known_sight *sight,
                     int64_t now_ms, bool *changed, struct err *err)
{
    struct db_statement *statement = get(store, index, sight->schema, sight->record_id, err);

    db_bind_int64(statement, DB_VERSION, sight->version);
    db_bind_int64(statement, DB_SEEN_MS, sight->asked_ms);
    db_bind_text(statement, DB_SOURCE, sources[sight->source]);
    db_bind_int64(statement, DB_NOW_MS, now_ms);
    if (index != KNOWN_CONTRADICT) {
        db_bind_span(statement, DB_FIELDS, sight->fields);
        db_bind_int64(statement, DB_LAG_MS, LAG_MS);
    }
    if (index == KNOWN_LEARN_AT)
        db_bind_int64(statement, DB_ID, sight->known_id);
    if (!db_run(store, statement, err, "store what a record holds"))
        return false;
    *changed = sqlite3_changes(store->db) > 0;
    return true;
}

bool known_learn(struct store *store, const struct known_sight *sight, int64_t now_ms,
                 struct err *err)
{
    static const unsigned steps[] = {KNOWN_LEARN_AT, KNOWN_LEARN, KNOWN_CONTRADICT};
    bool fine = true, changed = false;

    for (unsigned i = !sight->known_id; fine && !changed && i < sizeof steps / sizeof *steps; i++)
        fine = learn_by(store, steps[i], sight, now_ms, &changed, err);
    return fine;
}

bool known_forget(struct store *store, struct span schema, struct span record_id,
                  enum known_source source, int64_t at_ms, struct err *err)
{
    struct db_statement *statement = get(store, KNOWN_FORGET, schema, record_id, err);

    db_bind_int64(statement, DB_SEEN_MS, at_ms);
    db_bind_text(statement, DB_SOURCE, sources[source]);
    return db_run(store, statement, err, "forget what a record holds");
}

bool known_forget_schema(struct store *store, struct span schema, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_KNOWN, KNOWN_FORGET_SCHEMA, err);

    db_bind_span(statement, DB_SCHEMA, schema);
    return db_run(store, statement, err, "forget what the records of a schema hold");
}

bool known_refute(struct store *store, struct span schema, struct span record_id, int64_t version,
                  int64_t at_ms, struct err *err)
{
    struct db_statement *statement = get(store, KNOWN_REFUTE, schema, record_id, err);

    db_bind_int64(statement, DB_VERSION, version);
    db_bind_int64(statement, DB_SEEN_MS, at_ms);
    return db_run(store, statement, err, "forget a version that is wrong");
}

bool known_notify(struct store *store, struct span schema, struct span record_id,
                  struct span fields, int64_t modified_ms, int64_t now_ms, struct err *err)
{
    bool takes = fields.size && modified_ms;
    struct db_statement *statement =
        get(store, takes ? KNOWN_NOTIFY : KNOWN_DOUBT, schema, record_id, err);

    for (unsigned i = takes ? 0 : 1; i < 2; i++) {
        if (fields.size)
            db_bind_span(statement, DB_FIELDS, fields);
        else
            db_bind_null(statement, DB_FIELDS);
        db_bind_int64(statement, DB_MODIFIED_MS, modified_ms);
        db_bind_int64(statement, DB_NOW_MS, now_ms);
        db_bind_int64(statement, DB_SLACK_MS, KNOWN_SLACK_MS);
        if (!db_run(store, statement, err, "store what a notification says"))
            return false;
        if (sqlite3_changes(store->db) > 0)
            return true;
        statement = get(store, KNOWN_DOUBT, schema, record_id, err);
    }
    return true;
}

/* Fills *known from the statement's row. */
static void take(struct db_statement *statement, struct known *known)
{
    const char *source = db_column_text(statement, DB_SOURCE);

    known->id = db_column_int64(statement, DB_ID);
    known->has_version = !db_column_is_null(statement, DB_VERSION);
    known->version = db_column_int64(statement, DB_VERSION);
    known->seen_ms = db_column_int64(statement, DB_SEEN_MS);
    known->source = KNOWN_BY_PUT;
    while (known->source < KNOWN_BY_NOTIFICATION && strcmp(source, sources[known->source]) != 0)
        known->source++;
    db_copy_text(statement, DB_FIELDS, &known->fields);
}

bool known_find(struct store *store, struct span schema, struct span record_id, struct known *known,
                struct err *err)
{
    struct db_statement *statement = get(store, KNOWN_FIND, schema, record_id, err);
    bool fine = true;

    known->is_known = db_next(store, statement, &fine, err, "look for what a record holds");
    if (known->is_known)
        take(statement, known);
    db_reset(statement);
    return fine;
}

/* Looks at the row that comes next in the walk. *found: it is that of the record. */
static bool look_on(struct store *store, struct span schema, struct span record_id,
                    struct known *known, bool *found, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_KNOWN, KNOWN_AFTER, err);
    struct known_walk *walk = &store->walk;
    bool fine = true;

    if (!walk->is_open)
        db_bind_int64(statement, DB_AFTER, walk->from_id);
    if (!walk->is_ahead)
        walk->is_open = walk->is_ahead =
            db_next(store, statement, &fine, err, "look for what the next record holds");
    if (!walk->is_open)
        walk->from_id = 0;
    *found = walk->is_open && span_equal(db_column_span(statement, DB_RECORD_ID), record_id) &&
             span_equal(db_column_span(statement, DB_SCHEMA), schema);
    if (!*found)
        return fine;
    walk->from_id = db_column_int64(statement, DB_ID);
    walk->is_ahead = false;
    walk->is_used = true;
    known->is_known = !db_column_is_null(statement, DB_FIELDS);
    if (known->is_known)
        take(statement, known);
    return fine;
}

bool known_find_next(struct store *store, struct span schema, struct span record_id,
                     struct known *known, struct err *err)
{
    struct known_walk *walk = &store->walk;
    bool found = false;

    if (walk->from_id && !look_on(store, schema, record_id, known, &found, err))
        return false;
    if (found)
        return true;
    if (!known_find(store, schema, record_id, known, err))
        return false;
    if (known->is_known && known->id == walk->looked_up_id + 1) {
        known_stop(store);
        walk->from_id = known->id;
    }
    walk->looked_up_id = known->is_known ? known->id : 0;
    return true;
}

void known_stop(struct store *store)
{
    struct known_walk *walk = &store->walk;

    if (walk->is_open) {
        db_reset(store->statements[DB_KNOWN][KNOWN_AFTER]);
        if (!walk->is_used)
            walk->from_id = 0;
    }
    walk->is_open = walk->is_ahead = walk->is_used = false;
}

/* Whether a job that the statement looks for is there. */
static bool has_job(struct store *store, struct db_statement *statement, bool *has, struct err *err)
{
    bool fine = true;

    *has = db_next(store, statement, &fine, err, "look for updates of the record");
    db_reset(statement);
    return fine;
}

/* Whether the job that the record carries is one that this database sent; true without one. */
static bool is_known_job(struct store *store, const struct known_sight *sight, bool *is_sent,
                         struct err *err)
{
    struct db_statement *sent;

    *is_sent = true;
    if (!sight->correlation || !correlation_is_made(sight->correlation))
        return true;
    sent = get(store, KNOWN_SENT, sight->schema, sight->record_id, err);
    db_bind_blob(sent, DB_CORRELATION_ID, sight->correlation, CORRELATION_SIZE);
    return has_job(store, sent, is_sent, err);
}

static bool keep_inside(struct store *store, const struct known_sight *sight, int64_t now_ms,
                        struct err *err)
{
    struct db_statement *doubt = get(store, KNOWN_IN_DOUBT, sight->schema, sight->record_id, err);
    bool in_doubt, is_sent;

    return has_job(store, doubt, &in_doubt, err) && is_known_job(store, sight, &is_sent, err) &&
           (in_doubt || !is_sent || known_learn(store, sight, now_ms, err));
}

bool known_keep(struct store *store, const struct known_sight *sight, int64_t now_ms,
                struct err *err)
{
    return db_begin(store, err) && db_end(store, keep_inside(store, sight, now_ms, err), err);
}

/* Finds the next schema after the one in *schema, which becomes empty after the last. */
static bool next_schema(struct store *store, struct buf *schema, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_KNOWN, KNOWN_SCHEMA, err);
    struct buf before = *schema;
    bool fine = true;

    *schema = (struct buf){0};
    db_bind_span(statement, DB_SCHEMA, buf_span(&before));
    if (db_next(store, statement, &fine, err, "look for what is known"))
        buf_append_span(schema, db_column_span(statement, DB_SCHEMA));
    db_reset(statement);
    buf_release(&before);
    return fine;
}

bool known_count(struct store *store,
                 bool (*visit)(void *context, const struct known_count *count, struct err *err),
                 void *context, struct err *err)
{
    struct known_count count = {0};
    struct buf schema = {0};
    bool fine = next_schema(store, &schema, err);

    while (fine && schema.size) {
        struct db_statement *statement = db_get(store, DB_KNOWN, KNOWN_COUNT, err);

        db_bind_span(statement, DB_SCHEMA, buf_span(&schema));
        if (db_next(store, statement, &fine, err, "count what is known"))
            count = (struct known_count){
                .schema = buf_text(&schema),
                .records = (uint64_t)db_column_int64(statement, DB_RECORDS),
                .oldest_ms = db_column_int64(statement, DB_OLDEST_MS),
                .newest_ms = db_column_int64(statement, DB_NEWEST_MS),
            };
        db_reset(statement);
        fine = fine && (!count.records || visit(context, &count, err)) &&
               next_schema(store, &schema, err);
    }
    buf_release(&schema);
    return fine;
}
