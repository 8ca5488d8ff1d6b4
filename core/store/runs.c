#include "core/store/runs.h"

#include "core/base/clock.h"
#include "core/store/db.h"

#include <stdio.h>
#include <string.h>

enum {
    RUN_BEGIN,
    RUN_END,
    RUN_LAST,
    RUN_LAST_ENDED,
    RUN_PLACE,
    RUN_SET_PLACE,
    RUN_FORGET,
    PAUSE_READ,
    PAUSE_WRITE,
    PAUSE_CLEAR
};

#define RUN_COLUMNS "SELECT id, command, started_ms, ended_ms, exit_status, requests FROM run "

static const char *const sql[] = {
    [RUN_BEGIN] =
        "INSERT INTO run (command, version, started_ms) VALUES (:command, :version, :now_ms)",
    [RUN_END] =
        "UPDATE run SET ended_ms = :now_ms, exit_status = :exit_status, requests = :requests, "
        "latency_avg_ms = :latency_avg_ms, "
        "latency_p50_ms = :latency_p50_ms, latency_p95_ms = :latency_p95_ms, latency_p99_ms = "
        ":latency_p99_ms, error_rate = :error_rate, "
        "validation_failures = :validation_failures, throttled = :throttled WHERE id = :run_id",
    [RUN_LAST] = RUN_COLUMNS "WHERE id < :run_id ORDER BY id DESC LIMIT 1",
    [RUN_LAST_ENDED] =
        RUN_COLUMNS "WHERE command = :command AND ended_ms IS NOT NULL "
                    "AND (:exit_status < 0 OR exit_status = :exit_status) ORDER BY id DESC LIMIT 1",
    [RUN_PLACE] = "SELECT place FROM run WHERE place IS NOT NULL ORDER BY id DESC LIMIT 1",
    [RUN_SET_PLACE] = "UPDATE run SET place = :place WHERE id = :run_id",
    [RUN_FORGET] = "DELETE FROM known",
    [PAUSE_READ] = "SELECT not_before_ms, set_ms, reason FROM pause WHERE scope = :scope",
    [PAUSE_WRITE] = "INSERT OR REPLACE INTO pause (scope, not_before_ms, set_ms, reason, run_id) "
                    "VALUES (:scope, :not_before_ms, :set_ms, :reason, :run_id)",
    [PAUSE_CLEAR] = "DELETE FROM pause WHERE scope = :scope",
};

const struct db_statements run_statements = {sql, sizeof sql / sizeof *sql};

bool run_begin(struct store *store, const char *command, const char *version, int64_t now_ms,
               int64_t *run_id, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_RUNS, RUN_BEGIN, err);

    db_bind_text(statement, DB_COMMAND, command);
    db_bind_text(statement, DB_VERSION, version);
    db_bind_int64(statement, DB_NOW_MS, now_ms);
    if (!db_run(store, statement, err, "begin the run"))
        return false;
    *run_id = sqlite3_last_insert_rowid(store->db);
    return true;
}

/* Whether the last run that sent requests sent them to another place. */
static bool has_moved(struct store *store, const char *place, bool *moved, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_RUNS, RUN_PLACE, err);
    bool fine = true;

    *moved = db_next(store, statement, &fine, err, "read where the last run sent requests") &&
             strcmp(db_column_text(statement, DB_PLACE), place) != 0;
    db_reset(statement);
    return fine;
}

static bool place_inside(struct store *store, int64_t run_id, const char *place, bool *forgotten,
                         struct err *err)
{
    struct db_statement *statement;

    if (!has_moved(store, place, forgotten, err) ||
        (*forgotten && !db_run(store, db_get(store, DB_RUNS, RUN_FORGET, err), err,
                               "forget what is known of another place")))
        return false;
    *forgotten = *forgotten && sqlite3_changes(store->db) > 0;
    statement = db_get(store, DB_RUNS, RUN_SET_PLACE, err);
    db_bind_text(statement, DB_PLACE, place);
    db_bind_int64(statement, DB_RUN_ID, run_id);
    return db_run(store, statement, err, "note where the run sends requests");
}

bool run_place(struct store *store, int64_t run_id, const char *place, bool *forgotten,
               struct err *err)
{
    return db_begin(store, err) &&
           db_end(store, place_inside(store, run_id, place, forgotten, err), err);
}

bool run_end(struct store *store, int64_t run_id, int64_t now_ms, int exit_status,
             const struct store_run *run, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_RUNS, RUN_END, err);

    db_bind_int64(statement, DB_RUN_ID, run_id);
    db_bind_int64(statement, DB_NOW_MS, now_ms);
    db_bind_int64(statement, DB_EXIT_STATUS, exit_status);
    db_bind_int64(statement, DB_REQUESTS, (int64_t)run->requests);
    db_bind_double(statement, DB_LATENCY_AVG_MS, (double)run->latency_avg_us / 1000);
    db_bind_double(statement, DB_LATENCY_P50_MS, (double)run->latency_p50_us / 1000);
    db_bind_double(statement, DB_LATENCY_P95_MS, (double)run->latency_p95_us / 1000);
    db_bind_double(statement, DB_LATENCY_P99_MS, (double)run->latency_p99_us / 1000);
    db_bind_double(statement, DB_ERROR_RATE, run->error_rate);
    db_bind_int64(statement, DB_VALIDATION_FAILURES, (int64_t)run->validation_failures);
    db_bind_int64(statement, DB_THROTTLED, (int64_t)run->throttled);
    return db_run(store, statement, err, "end the run");
}

/* The row of a statement with RUN_COLUMNS, whose parameters are bound. */
static bool read_run(struct store *store, struct db_statement *statement, struct run_info *run,
                     struct err *err)
{
    bool fine = true;

    *run = (struct run_info){0};
    if (db_next(store, statement, &fine, err, "read the last run")) {
        run->id = db_column_int64(statement, DB_ID);
        snprintf(run->command, sizeof run->command, "%s", db_column_text(statement, DB_COMMAND));
        run->started_ms = db_column_int64(statement, DB_STARTED_MS);
        run->ended_ms = db_column_int64(statement, DB_ENDED_MS);
        run->exit_status = db_column_int(statement, DB_EXIT_STATUS);
        run->requests = (uint64_t)db_column_int64(statement, DB_REQUESTS);
    }
    db_reset(statement);
    return fine;
}

bool run_last(struct store *store, int64_t before_id, struct run_info *run, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_RUNS, RUN_LAST, err);

    db_bind_int64(statement, DB_RUN_ID, before_id);
    return read_run(store, statement, run, err);
}

bool run_last_ended(struct store *store, const char *command, int exit_status, struct run_info *run,
                    struct err *err)
{
    struct db_statement *statement = db_get(store, DB_RUNS, RUN_LAST_ENDED, err);

    db_bind_text(statement, DB_COMMAND, command);
    db_bind_int64(statement, DB_EXIT_STATUS, exit_status);
    return read_run(store, statement, run, err);
}

/* The stored end of a pause, or an earlier one if the pause would last too long. */
static int64_t capped_end_ms(int64_t until_ms, int64_t set_ms, int64_t now_ms)
{
    int64_t length_ms =
        set_ms > 0 && until_ms - set_ms < PAUSE_MAX_MS ? until_ms - set_ms : PAUSE_MAX_MS;

    if (length_ms < 0)
        length_ms = 0;
    return until_ms < now_ms + length_ms ? until_ms : now_ms + length_ms;
}

/* Replaces the stored end in the reason with the pause's end. */
static void name_end(struct pause_info *pause)
{
    char *end = strstr(pause->reason, PAUSE_UNTIL), until[CLOCK_ISO_SIZE];

    if (!end)
        return;
    end += strlen(PAUSE_UNTIL);
    snprintf(end, sizeof pause->reason - (size_t)(end - pause->reason), "%s",
             clock_iso(pause->until_ms, until));
}

bool pause_read(struct store *store, const char *scope, int64_t now_ms, struct pause_info *pause,
                struct err *err)
{
    struct db_statement *statement = db_get(store, DB_RUNS, PAUSE_READ, err);
    bool fine = true;

    *pause = (struct pause_info){0};
    db_bind_text(statement, DB_SCOPE, scope);
    if (db_next(store, statement, &fine, err, "read the pause")) {
        int64_t until_ms = db_column_int64(statement, DB_NOT_BEFORE_MS);

        pause->until_ms = capped_end_ms(until_ms, db_column_int64(statement, DB_SET_MS), now_ms);
        pause->ahead_ms = until_ms - pause->until_ms;
        snprintf(pause->reason, sizeof pause->reason, "%s", db_column_text(statement, DB_REASON));
        if (pause->ahead_ms > 0)
            name_end(pause);
    }
    db_reset(statement);
    return fine;
}

bool pause_write(struct store *store, const char *scope, int64_t now_ms, int64_t until_ms,
                 const char *reason, int64_t run_id, struct err *err)
{
    struct db_statement *statement =
        db_get(store, DB_RUNS, until_ms ? PAUSE_WRITE : PAUSE_CLEAR, err);

    db_bind_text(statement, DB_SCOPE, scope);
    if (until_ms) {
        db_bind_int64(statement, DB_NOT_BEFORE_MS, until_ms);
        db_bind_int64(statement, DB_SET_MS, now_ms);
        db_bind_text(statement, DB_REASON, reason);
        db_bind_int64(statement, DB_RUN_ID, run_id);
    }
    return db_run(store, statement, err, "write the pause");
}
