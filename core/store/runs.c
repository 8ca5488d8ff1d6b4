#include "core/store/db.h"
#include "core/store/summary.h"

#include <stdio.h>

enum { RUN_BEGIN, RUN_END, RUN_LAST, RUN_LAST_ENDED, PAUSE_READ, PAUSE_WRITE, PAUSE_CLEAR };

#define RUN_COLUMNS "SELECT id, command, started_ms, ended_ms, exit_status, requests FROM run "

static const char *const sql[] = {
    [RUN_BEGIN] = "INSERT INTO run (command, version, started_ms) VALUES (?1, ?2, ?3)",
    [RUN_END] =
        "UPDATE run SET ended_ms = ?2, exit_status = ?3, requests = ?4, latency_avg_ms = ?5, "
        "latency_p50_ms = ?6, latency_p95_ms = ?7, latency_p99_ms = ?8, error_rate = ?9, "
        "validation_failures = ?10, throttled = ?11 WHERE id = ?1",
    [RUN_LAST] = RUN_COLUMNS "WHERE id < ?1 ORDER BY id DESC LIMIT 1",
    [RUN_LAST_ENDED] = RUN_COLUMNS "WHERE command = ?1 AND ended_ms IS NOT NULL "
                                   "AND (?2 < 0 OR exit_status = ?2) ORDER BY id DESC LIMIT 1",
    [PAUSE_READ] = "SELECT not_before_ms, reason FROM pause WHERE scope = 'api'",
    [PAUSE_WRITE] = "INSERT OR REPLACE INTO pause (scope, not_before_ms, reason, run_id) "
                    "VALUES ('api', ?1, ?2, ?3)",
    [PAUSE_CLEAR] = "DELETE FROM pause WHERE scope = 'api'",
};

const struct db_statements run_statements = {sql, sizeof sql / sizeof *sql};

bool run_begin(struct store *store, const char *command, const char *version, int64_t now_ms,
               int64_t *run_id, struct err *err)
{
    sqlite3_stmt *statement = db_get(store, DB_RUNS, RUN_BEGIN, err);

    if (!statement)
        return false;
    db_bind_text(statement, 1, command);
    db_bind_text(statement, 2, version);
    sqlite3_bind_int64(statement, 3, now_ms);
    if (!db_run(store, statement, err, "begin the run"))
        return false;
    *run_id = sqlite3_last_insert_rowid(store->db);
    return true;
}

bool run_end(struct store *store, int64_t run_id, int64_t now_ms, int exit_status,
             const struct store_run *run, struct err *err)
{
    sqlite3_stmt *statement = db_get(store, DB_RUNS, RUN_END, err);

    if (!statement)
        return false;
    sqlite3_bind_int64(statement, 1, run_id);
    sqlite3_bind_int64(statement, 2, now_ms);
    sqlite3_bind_int(statement, 3, exit_status);
    sqlite3_bind_int64(statement, 4, (int64_t)run->requests);
    sqlite3_bind_double(statement, 5, (double)run->latency_avg_us / 1000);
    sqlite3_bind_double(statement, 6, (double)run->latency_p50_us / 1000);
    sqlite3_bind_double(statement, 7, (double)run->latency_p95_us / 1000);
    sqlite3_bind_double(statement, 8, (double)run->latency_p99_us / 1000);
    sqlite3_bind_double(statement, 9, run->error_rate);
    sqlite3_bind_int64(statement, 10, (int64_t)run->validation_failures);
    sqlite3_bind_int64(statement, 11, (int64_t)run->throttled);
    return db_run(store, statement, err, "end the run");
}

/* The row of a statement with RUN_COLUMNS, whose parameters are bound. */
static bool read_run(struct store *store, sqlite3_stmt *statement, struct run_info *run,
                     struct err *err)
{
    bool row;

    *run = (struct run_info){0};
    if (!db_step(store, statement, &row, err, "read the last run"))
        return false;
    if (row) {
        run->id = sqlite3_column_int64(statement, 0);
        snprintf(run->command, sizeof run->command, "%s", sqlite3_column_text(statement, 1));
        run->started_ms = sqlite3_column_int64(statement, 2);
        run->ended_ms = sqlite3_column_int64(statement, 3);
        run->exit_status = sqlite3_column_int(statement, 4);
        run->requests = (uint64_t)sqlite3_column_int64(statement, 5);
        sqlite3_reset(statement);
    }
    return true;
}

bool run_last(struct store *store, int64_t before_id, struct run_info *run, struct err *err)
{
    sqlite3_stmt *statement = db_get(store, DB_RUNS, RUN_LAST, err);

    if (!statement)
        return false;
    sqlite3_bind_int64(statement, 1, before_id);
    return read_run(store, statement, run, err);
}

bool run_last_ended(struct store *store, const char *command, int exit_status, struct run_info *run,
                    struct err *err)
{
    sqlite3_stmt *statement = db_get(store, DB_RUNS, RUN_LAST_ENDED, err);

    if (!statement)
        return false;
    db_bind_text(statement, 1, command);
    sqlite3_bind_int(statement, 2, exit_status);
    return read_run(store, statement, run, err);
}

bool pause_read(struct store *store, int64_t *not_before_ms, char *reason, size_t reason_size,
                struct err *err)
{
    sqlite3_stmt *statement = db_get(store, DB_RUNS, PAUSE_READ, err);
    bool row;

    *not_before_ms = 0;
    if (!statement || !db_step(store, statement, &row, err, "read the pause"))
        return false;
    if (row) {
        *not_before_ms = sqlite3_column_int64(statement, 0);
        snprintf(reason, reason_size, "%s", sqlite3_column_text(statement, 1));
        sqlite3_reset(statement);
    }
    return true;
}

bool pause_write(struct store *store, int64_t not_before_ms, const char *reason, int64_t run_id,
                 struct err *err)
{
    sqlite3_stmt *statement =
        db_get(store, DB_RUNS, not_before_ms ? PAUSE_WRITE : PAUSE_CLEAR, err);

    if (!statement)
        return false;
    if (not_before_ms) {
        sqlite3_bind_int64(statement, 1, not_before_ms);
        db_bind_text(statement, 2, reason);
        sqlite3_bind_int64(statement, 3, run_id);
    }
    return db_run(store, statement, err, "write the pause");
}
