#include "core/store/notification.h"

#include "core/base/buf.h"
#include "core/base/crash.h"
#include "core/store/db.h"
#include "core/store/delivery.h"
#include "core/store/known.h"
#include "core/store/states.h"

#include <stdio.h>
#include <string.h>

enum {
    NOTIFICATION_INSERT,
    NOTIFICATION_CANDIDATES,
    NOTIFICATION_BETWEEN,
    NOTIFICATION_WAITING,
    NOTIFICATION_READ,
    NOTIFICATION_DECIDE,
    NOTIFICATION_TALLY,
    NOTIFICATION_COUNT,
};

static const char *const sql[] = {
    [NOTIFICATION_INSERT] =
        "INSERT INTO notification (received_ms, action, schema, record_id, body, state, reason, "
        "same_key, modified_ms, job_id) VALUES (:now_ms, :action, :schema, :record_id, :body, "
        ":state, :reason, :same_key, :modified_ms, :job_id) ON CONFLICT (same_key) DO NOTHING",
    [NOTIFICATION_CANDIDATES] =
        "SELECT k.job_id, s.state, s.correlation_id, coalesce(l.fields, r.fields) AS fields, "
        "a.started_ms, a.ended_ms, (SELECT max(n.modified_ms) FROM notification n "
        "WHERE n.job_id = k.job_id AND n.state = 'echo') AS seen FROM record_job k "
        "CROSS JOIN job_state s ON s.job_id = k.job_id AND s.correlation_id IS NOT NULL "
        "CROSS JOIN batch b ON b.id = k.job_id / " ID_ROWS_SQL " AND b.pruned_ms IS NULL "
        "AND (:schema = '' OR b.schema = :schema) CROSS JOIN job_row r ON r.id = k.job_id "
        "LEFT JOIN rebase l ON l.job_id = k.job_id "
        "LEFT JOIN attempt a ON a.id = (SELECT t.id FROM attempt t WHERE t.job_id = k.job_id "
        "AND t.method = 'PUT' ORDER BY abs(t.started_ms - :modified_ms) LIMIT 1) "
        "WHERE k.record_id = :record_id ORDER BY k.job_id DESC LIMIT :wanted",
    [NOTIFICATION_BETWEEN] =
        "SELECT body FROM notification WHERE record_id = :record_id AND received_ms >= :since_ms "
        "AND modified_ms BETWEEN :after AND :before_ms ORDER BY id DESC LIMIT :wanted",
    [NOTIFICATION_WAITING] =
        "SELECT n.id FROM notification n LEFT JOIN job_state s ON s.job_id = n.job_id "
        "WHERE n.job_id IS NOT NULL AND n.state = 'accepted' "
        "AND coalesce(s.state, '') NOT " IN_OPEN " LIMIT :wanted",
    [NOTIFICATION_READ] = "SELECT action, schema, record_id, body, modified_ms FROM notification "
                          "WHERE id = :id",
    [NOTIFICATION_DECIDE] = "UPDATE notification SET state = :state, reason = :reason, "
                            "job_id = :job_id WHERE id = :id",
    [NOTIFICATION_TALLY] = "UPDATE notification_tally SET accepted = accepted + :accepted, "
                           "not_accepted = not_accepted + :not_accepted, echo = echo + :echo, "
                           "pending = pending + :pending WHERE id = 1",
    [NOTIFICATION_COUNT] = "SELECT accepted, not_accepted, echo, pending, delivered, failed "
                           "FROM notification_tally WHERE id = 1",
};

const struct db_statements notification_statements = {sql, sizeof sql / sizeof *sql};

static const char *const state_names[] = {
    [NOTIFICATION_ACCEPTED] = "accepted",
    [NOTIFICATION_NOT_ACCEPTED] = "not_accepted",
    [NOTIFICATION_ECHO] = "echo",
};

bool notification_candidates(struct store *store, const struct notification *notification,
                             int64_t modified_ms,
                             bool (*visit)(void *context,
                                           const struct notification_candidate *candidate,
                                           bool *go_on, struct err *err),
                             void *context, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_NOTIFICATIONS, NOTIFICATION_CANDIDATES, err);
    bool fine = true, go_on = true;

    db_bind_span(statement, DB_RECORD_ID, notification->record_id);
    db_bind_span(statement, DB_SCHEMA, notification->schema);
    db_bind_int64(statement, DB_MODIFIED_MS, modified_ms);
    db_bind_int64(statement, DB_WANTED, NOTIFICATION_CANDIDATES_MAX);
    while (go_on && db_next(store, statement, &fine, err, "look for jobs of the record")) {
        struct notification_candidate candidate = {0};

        candidate.job_id = db_column_int64(statement, DB_JOB_ID);
        job_state_parse(db_column_text(statement, DB_STATE), &candidate.state);
        candidate.correlation =
            (const unsigned char *)db_column_blob(statement, DB_CORRELATION_ID).data;
        candidate.fields = db_column_span(statement, DB_FIELDS);
        candidate.started_ms = db_column_int64(statement, DB_STARTED_MS);
        candidate.ended_ms = db_column_int64(statement, DB_ENDED_MS);
        candidate.echo_ms = db_column_int64(statement, DB_SEEN);
        fine = visit(context, &candidate, &go_on, err);
    }
    db_reset(statement);
    return fine;
}

bool notification_between(struct store *store, struct span record_id, int64_t since_ms,
                          int64_t after_ms, int64_t before_ms,
                          void (*visit)(void *context, struct span body), void *context,
                          struct err *err)
{
    struct db_statement *statement = db_get(store, DB_NOTIFICATIONS, NOTIFICATION_BETWEEN, err);
    bool fine = true;

    db_bind_span(statement, DB_RECORD_ID, record_id);
    db_bind_int64(statement, DB_SINCE_MS, since_ms);
    db_bind_int64(statement, DB_AFTER, after_ms);
    db_bind_int64(statement, DB_BEFORE_MS, before_ms);
    db_bind_int64(statement, DB_WANTED, NOTIFICATION_CANDIDATES_MAX);
    while (db_next(store, statement, &fine, err, "look for notifications of the record"))
        visit(context, db_column_span(statement, DB_BODY));
    return fine;
}

/* How the counters change in one transaction. */
struct deltas {
    int64_t by_state[NOTIFICATION_STATES];
    int64_t pending; /* deliveries */
};

static bool tally(struct store *store, const struct deltas *deltas, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_NOTIFICATIONS, NOTIFICATION_TALLY, err);

    db_bind_int64(statement, DB_ACCEPTED, deltas->by_state[NOTIFICATION_ACCEPTED]);
    db_bind_int64(statement, DB_NOT_ACCEPTED, deltas->by_state[NOTIFICATION_NOT_ACCEPTED]);
    db_bind_int64(statement, DB_ECHO, deltas->by_state[NOTIFICATION_ECHO]);
    db_bind_int64(statement, DB_PENDING, deltas->pending);
    return db_run(store, statement, err, "count notifications");
}

/* Binds what a verdict makes of a notification; refusal: why it is not accepted, or NULL. Returns
 * the state. */
static enum notification_state bind_verdict(struct db_statement *statement, const char *refusal,
                                            const struct notification_verdict *verdict,
                                            char reason[64])
{
    enum notification_state state = refusal ? NOTIFICATION_NOT_ACCEPTED
                                    : verdict->end == NOTIFICATION_OF_JOB ? NOTIFICATION_ECHO
                                                                          : NOTIFICATION_ACCEPTED;

    if (state == NOTIFICATION_ECHO) {
        char job[ID_TEXT_SIZE];

        snprintf(reason, 64, "our own update, job %s", id_print(verdict->job_id, job));
        refusal = reason;
    }
    db_bind_text(statement, DB_STATE, state_names[state]);
    db_bind_text(statement, DB_REASON, refusal);
    db_bind_known(statement, DB_JOB_ID,
                  refusal ? state == NOTIFICATION_ECHO : verdict->end == NOTIFICATION_WAITS,
                  verdict->job_id);
    return state;
}

/* Whether what the notification says is to be known. An echo is not: the end of its job decides. */
static bool is_to_be_known(const struct notification_decider *decider, struct span schema,
                           const struct notification_verdict *verdict)
{
    return verdict->end == NOTIFICATION_FOREIGN && decider->knows &&
           decider->knows(decider->context, schema);
}

static bool add(struct store *store, struct notification *notification,
                const struct notification_decider *decider, int64_t now_ms, struct deltas *deltas,
                struct err *err)
{
    struct notification_verdict verdict = {NOTIFICATION_FOREIGN, 0};
    struct db_statement *statement = db_get(store, DB_NOTIFICATIONS, NOTIFICATION_INSERT, err);
    enum notification_state state;
    int64_t modified_ms = notification->modified_ms ? notification->modified_ms : now_ms;
    char reason[64];
    bool knows;

    if (!notification->refusal && !decider->decide(decider->context, notification, &verdict, err))
        return false;
    knows = is_to_be_known(decider, notification->schema, &verdict);
    if (decider->delivers_echoes && verdict.end == NOTIFICATION_WAITS)
        verdict.end = NOTIFICATION_FOREIGN;
    db_bind_int64(statement, DB_NOW_MS, now_ms);
    db_bind_span(statement, DB_ACTION, notification->action);
    db_bind_span(statement, DB_SCHEMA, notification->schema);
    db_bind_span(statement, DB_RECORD_ID, notification->record_id);
    db_bind_span(statement, DB_BODY, notification->body);
    db_bind_blob(statement, DB_SAME_KEY, notification->key, sizeof notification->key);
    db_bind_int64(statement, DB_MODIFIED_MS, modified_ms);
    state = bind_verdict(statement, notification->refusal, &verdict, reason);
    if (!db_run(store, statement, err, "store a notification"))
        return false;
    notification->is_repeated = sqlite3_changes(store->db) == 0;
    if (notification->is_repeated)
        return true;
    notification->id = sqlite3_last_insert_rowid(store->db);
    notification->state = state;
    deltas->by_state[state]++;
    if (knows && !known_notify(store, notification->schema, notification->record_id,
                               notification->refusal ? (struct span){0} : notification->fields,
                               notification->modified_ms, now_ms, err))
        return false;
    if (state == NOTIFICATION_NOT_ACCEPTED ||
        (state == NOTIFICATION_ECHO && !decider->delivers_echoes))
        return true;
    deltas->pending++;
    return delivery_begin(store, notification->id, notification->record_id,
                          verdict.end == NOTIFICATION_WAITS, now_ms, err);
}

bool notifications_add(struct store *store, struct notification *const *notifications, size_t count,
                       const struct notification_decider *decider, int64_t now_ms, struct err *err)
{
    struct deltas deltas = {0};
    bool fine = db_begin(store, err);

    for (size_t i = 0; fine && i < count; i++)
        fine = add(store, notifications[i], decider, now_ms, &deltas, err);
    crash_point(CRASH_NOTIFICATION_READ);
    fine = db_end(store, fine && tally(store, &deltas, err), err);
    crash_point(CRASH_NOTIFICATION_COMMITTED);
    return fine;
}

/* A stored notification that waits; texts holds what it points to. */
static bool read_waiting(struct store *store, int64_t id, struct notification *notification,
                         struct buf texts[4], struct err *err)
{
    static const enum db_name names[] = {DB_ACTION, DB_SCHEMA, DB_RECORD_ID, DB_BODY};
    struct db_statement *statement = db_get(store, DB_NOTIFICATIONS, NOTIFICATION_READ, err);
    bool row;

    db_bind_int64(statement, DB_ID, id);
    if (!db_step(store, statement, &row, err, "read a notification"))
        return false;
    if (!row)
        return err_set(err, ERR_STORE, "database %s: notification %lld is gone", store->path,
                       (long long)id);
    for (unsigned i = 0; i < 4; i++)
        db_copy_text(statement, names[i], &texts[i]);
    *notification = (struct notification){
        .action = buf_span(&texts[0]),
        .schema = buf_span(&texts[1]),
        .record_id = buf_span(&texts[2]),
        .body = buf_span(&texts[3]),
        .modified_ms = db_column_int64(statement, DB_MODIFIED_MS),
        .id = id,
    };
    db_reset(statement);
    return true;
}

static bool decide_waiting(struct store *store, const struct notification *notification,
                           const struct notification_decider *decider, int64_t now_ms,
                           struct deltas *deltas, uint64_t *decided, struct err *err)
{
    struct notification_verdict verdict = {NOTIFICATION_FOREIGN, 0};
    struct db_statement *statement = db_get(store, DB_NOTIFICATIONS, NOTIFICATION_DECIDE, err);
    char reason[64];

    if (!decider->decide(decider->context, notification, &verdict, err))
        return false;
    if (is_to_be_known(decider, notification->schema, &verdict) &&
        !known_notify(store, notification->schema, notification->record_id, (struct span){0},
                      notification->modified_ms, now_ms, err))
        return false;
    if (verdict.end == NOTIFICATION_WAITS && decider->delivers_echoes)
        verdict.end = NOTIFICATION_FOREIGN;
    db_bind_int64(statement, DB_ID, notification->id);
    if (bind_verdict(statement, NULL, &verdict, reason) == NOTIFICATION_ECHO) {
        deltas->by_state[NOTIFICATION_ACCEPTED]--;
        deltas->by_state[NOTIFICATION_ECHO]++;
    }
    if (!db_run(store, statement, err, "decide about a notification"))
        return false;
    if (verdict.end == NOTIFICATION_WAITS)
        return true;
    ++*decided;
    if (verdict.end == NOTIFICATION_OF_JOB && !decider->delivers_echoes) {
        deltas->pending--;
        return delivery_drop(store, notification->id, notification->record_id, now_ms, err);
    }
    return delivery_free(store, notification->id, notification->record_id, now_ms, err);
}

enum { WAITING_MAX = 256 };

/* The ids of notifications whose job is finished. */
static bool find_waiting(struct store *store, int64_t ids[WAITING_MAX], size_t *count,
                         struct err *err)
{
    struct db_statement *statement = db_get(store, DB_NOTIFICATIONS, NOTIFICATION_WAITING, err);
    bool fine = true;

    *count = 0;
    db_bind_int64(statement, DB_WANTED, WAITING_MAX);
    while (*count < WAITING_MAX &&
           db_next(store, statement, &fine, err, "look for notifications that wait"))
        ids[(*count)++] = db_column_int64(statement, DB_ID);
    db_reset(statement);
    return fine;
}

bool notifications_decide(struct store *store, const struct notification_decider *decider,
                          int64_t now_ms, uint64_t *decided, struct err *err)
{
    int64_t ids[WAITING_MAX];
    struct deltas deltas = {0};
    struct notification notification;
    struct buf texts[4] = {{0}};
    bool fine;
    size_t count;

    *decided = 0;
    if (!find_waiting(store, ids, &count, err))
        return false;
    if (count == 0)
        return true;
    fine = db_begin(store, err);
    for (size_t i = 0; fine && i < count; i++)
        fine = read_waiting(store, ids[i], &notification, texts, err) &&
               decide_waiting(store, &notification, decider, now_ms, &deltas, decided, err);
    for (unsigned i = 0; i < 4; i++)
        buf_release(&texts[i]);
    return db_end(store, fine && tally(store, &deltas, err), err);
}

bool notification_count(struct store *store, struct notification_counts *counts, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_NOTIFICATIONS, NOTIFICATION_COUNT, err);
    static const enum db_name names[] = {DB_ACCEPTED, DB_NOT_ACCEPTED, DB_ECHO,
                                         DB_PENDING,  DB_DELIVERED,    DB_FAILED};
    uint64_t values[6] = {0};
    bool row;

    *counts = (struct notification_counts){0};
    if (!db_step(store, statement, &row, err, "count notifications"))
        return false;
    for (unsigned i = 0; row && i < 6; i++)
        values[i] = (uint64_t)db_column_int64(statement, names[i]);
    memcpy(counts->by_state, values, sizeof counts->by_state);
    counts->pending = values[3];
    counts->delivered = values[4];
    counts->failed = values[5];
    db_reset(statement);
    return true;
}
