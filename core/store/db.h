/* Inside core/store only: the connection, its prepared statements, and its transactions. */
#ifndef ROWFERRY_STORE_DB_H
#define ROWFERRY_STORE_DB_H

#include "core/base/buf.h"
#include "core/store/store.h"

#include <sqlite3.h>

/* Which file owns a statement. Each owner has a table of SQL texts; a statement is prepared at its
 * first use and kept. */
enum db_owner {
    DB_RUNS,
    DB_BATCHES,
    DB_UNFILED,
    DB_CHUNKS,
    DB_KEYS,
    DB_CLAIMS,
    DB_ERRANDS,
    DB_ORDERS,
    DB_SETTLES,
    DB_TURNS,
    DB_SUMMARIES,
    DB_DECISIONS,
    DB_RESOLVES,
    DB_RETRIES,
    DB_CANCELS,
    DB_HISTORIES,
    DB_EXPORTS,
    DB_CENSUSES,
    DB_PRUNES,
    DB_SWEEPS,
    DB_OWNERS
};

struct db_statements {
    const char *const *sql;
    unsigned count;
};

/* Tables defined by the owners, entered in db.c. */
extern const struct db_statements run_statements, batch_statements, unfiled_statements,
    chunk_statements, key_statements, claim_statements, errand_statements, order_statements,
    settle_statements, turn_statements, summary_statements, decide_statements, resolve_statements,
    retry_statements, cancel_statements, history_statements, export_statements, census_statements,
    prune_statements, sweep_statements;

enum { DB_STATEMENTS_MAX = 32 };

struct store {
    sqlite3 *db;
    char *path;
    sqlite3_stmt *statements[DB_OWNERS][DB_STATEMENTS_MAX];
    bool jobs_wait;        /* some job waits for an earlier one of its record, or may */
    int64_t keys_batch_id; /* the batch that batch_load_keys was called for last */
    int64_t keys_count;    /* and how many record ids came */
    struct buf texts;      /* what batch_next_unfinished gave out */
    struct buf errands;    /* ids (int64_t) of jobs that others wait for, and that are in no batch
                              that is claimed from; first in, first out */
};

/* What is wrong with a rejected row, r of rejected_row, in one text, and what the server says of
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

/* The prepared statement, reset by whoever stepped it last; its parameters are all bound anew at
 * each use. NULL with ERR_STORE. */
sqlite3_stmt *db_get(struct store *store, enum db_owner owner, unsigned index, struct err *err);

/* ERR_STORE with SQLite's message and, where it helps, what to do. Returns false. */
bool db_fail(struct store *store, struct err *err, const char *doing);

/* Runs a statement that gives no rows, and resets it. */
bool db_run(struct store *store, sqlite3_stmt *statement, struct err *err, const char *doing);

/* Steps once: *row tells whether there is one. The statement is reset when there is none. */
bool db_step(struct store *store, sqlite3_stmt *statement, bool *row, struct err *err,
             const char *doing);

/* BEGIN IMMEDIATE, COMMIT; db_rollback after a failure inside, keeps err. */
bool db_begin(struct store *store, struct err *err);
bool db_commit(struct store *store, struct err *err);
void db_rollback(struct store *store);

/* Runs fixed SQL without results (pragmas, migrations). */
bool db_exec(struct store *store, const char *sql, struct err *err);

/* The first column of the first row of fixed SQL, 0 without a row. */
bool db_exec_int(struct store *store, const char *sql, int64_t *value, struct err *err);

/* Text that outlives the statement's step; a span without bytes is bound as ''. */
static inline void db_bind_span(sqlite3_stmt *statement, int index, struct span span)
{
    sqlite3_bind_text64(statement, index, span.data ? span.data : "", span.size, SQLITE_STATIC,
                        SQLITE_UTF8);
}

static inline void db_bind_text(sqlite3_stmt *statement, int index, const char *text)
{
    if (text)
        sqlite3_bind_text(statement, index, text, -1, SQLITE_STATIC);
    else
        sqlite3_bind_null(statement, index);
}

static inline struct span db_column_span(sqlite3_stmt *statement, int index)
{
    const char *text = (const char *)sqlite3_column_text(statement, index);

    return (struct span){text, (size_t)sqlite3_column_bytes(statement, index)};
}

#endif
