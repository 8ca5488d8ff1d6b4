/* Inside core/store only: the connection, its prepared statements, and its transactions. */
#pragma once

#include "core/base/buf.h"
#include "core/job/correlation.h"
#include "core/job/id.h"
#include "core/store/names.h"
#include "core/store/store.h"

#include <sqlite3.h>

/* Which file owns a statement, and its table of SQL texts; a statement is prepared at its first use
 * and kept. */
/* clang-format off */
#define DB_OWNER_LIST(X) \
    X(DB_RUNS, run_statements) \
    X(DB_BATCHES, batch_statements) \
    X(DB_UNFILED, unfiled_statements) \
    X(DB_CHUNKS, chunk_statements) \
    X(DB_KEYS, key_statements) \
    X(DB_CLAIMS, claim_statements) \
    X(DB_FIRST_CLAIMS, first_claim_statements) \
    X(DB_ORDERS, order_statements) \
    X(DB_OPEN_BATCHES, open_batch_statements) \
    X(DB_TURNS, turn_statements) \
    X(DB_SUMMARIES, summary_statements) \
    X(DB_DECISIONS, decide_statements) \
    X(DB_CANCELS, cancel_statements) \
    X(DB_HISTORIES, history_statements) \
    X(DB_EXPORTS, export_statements) \
    X(DB_CENSUSES, census_statements) \
    X(DB_PRUNES, prune_statements) \
    X(DB_SWEEPS, sweep_statements) \
    X(DB_FILED, filed_statements) \
    X(DB_AUDITS, audit_statements) \
    X(DB_NOTIFICATIONS, notification_statements) \
    X(DB_KNOWN, known_statements) \
    X(DB_KNOWN_CLAIMS, known_claim_statements) \
    X(DB_DELIVERIES, delivery_statements) \
    X(DB_BEFORES, before_statements) \
    X(DB_UNDOS, undo_statements) \
    X(DB_WAITING, waiting_statements)
/* clang-format on */

#define DB_OWNER_ENTRY(owner, table) owner,
#define DB_OWNER_TABLE(owner, table) extern const struct db_statements table;

enum db_owner { DB_OWNER_LIST(DB_OWNER_ENTRY) DB_OWNERS };

struct db_statements {
    const char *const *sql;
    unsigned count;
};

DB_OWNER_LIST(DB_OWNER_TABLE)

enum {
    DB_STATEMENTS_MAX = 32,
    DB_PARAMETERS_MAX = 255, /* of a statement */
    CHAIN_NOTES = 256,
    SAMPLE_MAX = 64,                /* jobs of a sample that are kept */
    DB_APPLICATION_ID = 0x52665279, /* "RfRy" */
};

/* A prepared statement. Parameters (`:job_id`) and columns (`job_id`, or what follows AS) are used
 * by their names, whose places are looked up once, when it is prepared. */
struct db_statement {
    sqlite3_stmt *stmt;
    unsigned char parameters[DB_NAMES], columns[DB_NAMES]; /* from 1; 0: no such name */
    int shift; /* of an INSERT of several rows, of which the first has names: the parameters before
                  the row that is bound */
#ifdef ROWFERRY_CRASH_POINTS
    bool bound[DB_PARAMETERS_MAX]; /* since db_get, by their places from 0 */
#endif
};

/* What a claim was chained to (order.c): the version that the server returned for the last applied
 * row of its record in the batch. */
struct chain_note {
    int64_t job_id;
    bool has_returned;
    int64_t returned;
};

/* A walk over the rows of `known` (known.c), where records are looked for in the order in which
 * they are stored. */
struct known_walk {
    int64_t from_id;      /* the row that was found last; 0: there is no walk */
    int64_t looked_up_id; /* the row that was found last by its record; 0: none */
    bool is_open;         /* the statement is at a row ... */
    bool is_ahead;        /* ... which has not been found yet */
    bool is_used;         /* it has found a row since it is open */
};

struct open_batches;

struct store {
    struct open_batches *open; /* of the last turn; NULL before the first */
    sqlite3 *db;
    char *path;
    struct db_statement *statements[DB_OWNERS][DB_STATEMENTS_MAX];
    struct db_statement unprepared; /* without stmt, with all names */
    unsigned probes;            /* of the queue so far, which decide the place of the next one */
    int64_t sample[SAMPLE_MAX]; /* the ids of the jobs that the last ones found */
    struct chain_note chains[CHAIN_NOTES]; /* by job id */
    bool jobs_reopened;    /* a decision opened some job again that is not finished */
    bool jobs_wait;        /* some job waits for an earlier one of its record */
    int64_t keys_batch_id; /* the batch that batch_load_keys was called for last */
    int64_t keys_count;    /* and how many record ids came */
    struct buf texts;      /* what db_keep_texts gave out */
    struct known_walk walk;
    int64_t prior_batch_id; /* the batch whose jobs wait for these */
    struct id_list prior;   /* jobs that others wait for, and that are in no batch that is claimed
                                 from; first in, first out */
};

/* All violations of a rejected row (r of rejected_row) in one text, and what the server said about
 * the fields of a job. */
#define DB_VIOLATIONS                                                                              \
    "(SELECT group_concat(iif(v.field = '', '', v.field || ': ') || v.message, '; ') "             \
    "FROM violation v WHERE v.batch_id = r.batch_id AND v.row_no = r.row_no)"
#define DB_SERVER_VIOLATIONS(job_id)                                                               \
    "(SELECT group_concat(iif(v.field = '', '', v.field || ': ') "                                 \
    "|| coalesce(nullif(v.message, ''), v.code), '; ') "                                           \
    "FROM server_violation v WHERE v.job_id = " job_id ")"

/* The owner's table, for the test that looks at every query plan. */
const struct db_statements *db_statements_of(enum db_owner owner);

/* The prepared statement, reset by whoever stepped it last; its parameters are all bound again
 * after each db_get, which builds with crash points hold to. Where it cannot be prepared, err says
 * why (ERR_STORE, or ERR_INTERNAL for a name that is not in names.h), and what is returned takes
 * what is bound and fails at its first step, so that only steps need a check. */
struct db_statement *db_get(struct store *store, enum db_owner owner, unsigned index,
                            struct err *err);

/* The same of a statement that no table has, for db_finalize to end, which accepts NULL. Returns
 * NULL where it cannot be prepared. */
struct db_statement *db_prepare(struct store *store, const char *sql, struct err *err);
void db_finalize(struct db_statement *statement);

/* Returns `file:PATH?QUERY` for sqlite3_open_v2 (https://www.sqlite.org/uri.html). The caller frees
 * it. */
char *db_uri(const char *path, const char *query);

/* ERR_STORE with SQLite's message and, where it helps, what to do. Returns false. */
bool db_fail(struct store *store, struct err *err, const char *doing);

/* Runs a statement that gives no rows, and resets it. */
bool db_run(struct store *store, struct db_statement *statement, struct err *err,
            const char *doing);

/* Gets a statement with one parameter, a whole number, and runs it. */
bool db_run_on(struct store *store, enum db_owner owner, unsigned index, enum db_name name,
               int64_t value, struct err *err, const char *doing);

/* Steps once. *row: whether there is a row; when there is none, the statement is reset. */
bool db_step(struct store *store, struct db_statement *statement, bool *row, struct err *err,
             const char *doing);

/* Steps unless *fine is false already. Returns whether there is a row; *fine becomes false where
 * the step fails. For `while (db_next(...)) fine = take(row);`, with db_reset after it. */
bool db_next(struct store *store, struct db_statement *statement, bool *fine, struct err *err,
             const char *doing);

/* Reads the column of the one row of a statement, and resets it; without a row, *value stays. */
bool db_read_int64(struct store *store, struct db_statement *statement, enum db_name column,
                   int64_t *value, struct err *err, const char *doing);

/* Replaces what is in buf by the text of a column. */
void db_copy_text(struct db_statement *statement, enum db_name name, struct buf *buf);

/* Copies columns of the statement's row to store->texts, because a statement left open would hold
 * its snapshot and make the next transaction of this connection fail at once. */
void db_keep_texts(struct store *store, struct db_statement *statement, const enum db_name *columns,
                   size_t count, const char **texts);

/* Appends to list the ids that the statement finds, in its column job_id. */
bool db_collect(struct store *store, struct db_statement *statement, struct id_list *list,
                struct err *err, const char *doing);

/* BEGIN IMMEDIATE, COMMIT; db_rollback after a failure inside, keeps err. */
bool db_begin(struct store *store, struct err *err);
bool db_commit(struct store *store, struct err *err);
void db_rollback(struct store *store);

/* Commits when all was fine, and else rolls back and returns false. */
bool db_end(struct store *store, bool fine, struct err *err);

/* Runs fixed SQL without results (pragmas, migrations). */
bool db_exec(struct store *store, const char *sql, struct err *err);

/* The first column of the first row of fixed SQL, 0 without a row. */
bool db_exec_int(struct store *store, const char *sql, int64_t *value, struct err *err);

/* Ends the process: the code uses a name that is not in the statement. */
_Noreturn void db_has_no(const struct db_statement *statement, enum db_name name);

static inline int db_parameter(struct db_statement *statement, enum db_name name)
{
    int place = statement->parameters[name] + statement->shift;

    if (!statement->parameters[name])
        db_has_no(statement, name);
#ifdef ROWFERRY_CRASH_POINTS
    /* SQLite refuses a place after the last one, and nobody looks */
    if (statement->stmt && place > sqlite3_bind_parameter_count(statement->stmt))
        db_has_no(statement, name);
    statement->bound[place - 1] = true;
#endif
    return place;
}

static inline int db_column(const struct db_statement *statement, enum db_name name)
{
    if (!statement->columns[name])
        db_has_no(statement, name);
    return statement->columns[name] - 1;
}

static inline void db_reset(struct db_statement *statement)
{
    sqlite3_reset(statement->stmt);
}

/* Bytes and texts outlive the statement's step. */
static inline void db_bind_null(struct db_statement *statement, enum db_name name)
{
    sqlite3_bind_null(statement->stmt, db_parameter(statement, name));
}

static inline void db_bind_int64(struct db_statement *statement, enum db_name name, int64_t value)
{
    sqlite3_bind_int64(statement->stmt, db_parameter(statement, name), value);
}

/* NULL where the value is not known. */
static inline void db_bind_known(struct db_statement *statement, enum db_name name, bool known,
                                 int64_t value)
{
    if (known)
        db_bind_int64(statement, name, value);
    else
        db_bind_null(statement, name);
}

/* Binds the ends of a batch's ids; batch 0: of all ids. */
static inline void db_bind_batch(struct db_statement *statement, int64_t batch_id)
{
    db_bind_int64(statement, DB_FIRST_ID, id_before(batch_id));
    db_bind_int64(statement, DB_END_ID, id_end(batch_id));
}

static inline void db_bind_double(struct db_statement *statement, enum db_name name, double value)
{
    sqlite3_bind_double(statement->stmt, db_parameter(statement, name), value);
}

static inline void db_bind_blob(struct db_statement *statement, enum db_name name,
                                const void *bytes, size_t size)
{
    sqlite3_bind_blob64(statement->stmt, db_parameter(statement, name), bytes ? bytes : "", size,
                        SQLITE_STATIC);
}

/* A span without bytes is bound as ''. */
static inline void db_bind_span(struct db_statement *statement, enum db_name name, struct span span)
{
    sqlite3_bind_text64(statement->stmt, db_parameter(statement, name), span.data ? span.data : "",
                        span.size, SQLITE_STATIC, SQLITE_UTF8);
}

/* NULL is bound as NULL. */
static inline void db_bind_text(struct db_statement *statement, enum db_name name, const char *text)
{
    sqlite3_bind_text(statement->stmt, db_parameter(statement, name), text, -1, SQLITE_STATIC);
}

static inline bool db_column_is_null(struct db_statement *statement, enum db_name name)
{
    return sqlite3_column_type(statement->stmt, db_column(statement, name)) == SQLITE_NULL;
}

static inline int64_t db_column_int64(struct db_statement *statement, enum db_name name)
{
    return sqlite3_column_int64(statement->stmt, db_column(statement, name));
}

static inline int db_column_int(struct db_statement *statement, enum db_name name)
{
    return sqlite3_column_int(statement->stmt, db_column(statement, name));
}

static inline const char *db_column_text(struct db_statement *statement, enum db_name name)
{
    return (const char *)sqlite3_column_text(statement->stmt, db_column(statement, name));
}

static inline struct span db_column_span(struct db_statement *statement, enum db_name name)
{
    const char *text = db_column_text(statement, name);

    return (struct span){text,
                         (size_t)sqlite3_column_bytes(statement->stmt, db_column(statement, name))};
}

/* Reads the state of a job (NULL: pending, because it was never claimed) or of a batch from the
 * column `state`. ERR_STORE if core/job/state.h does not have the word. */
bool db_column_job_state(struct store *store, struct db_statement *statement, enum job_state *state,
                         struct err *err);
bool db_column_batch_state(struct store *store, struct db_statement *statement,
                           enum batch_state *state, struct err *err);

/* Makes the key of a batch from the columns schema, content_hash, occurrence and rows_before.
 * False: none of its jobs was ever open. */
bool db_column_key(struct db_statement *statement, struct correlation_key *key);

/* Reads the id of a job from the column correlation_id; without one, it is made of the key of the
 * job's batch (NULL: it has none). False: there is no id. */
bool db_column_correlation(struct db_statement *statement, const struct correlation_key *key,
                           int64_t job_id, unsigned char id[CORRELATION_SIZE]);

/* Bytes as they are. */
static inline struct span db_column_blob(struct db_statement *statement, enum db_name name)
{
    int column = db_column(statement, name);
    const char *bytes = sqlite3_column_blob(statement->stmt, column);

    return (struct span){bytes, (size_t)sqlite3_column_bytes(statement->stmt, column)};
}
