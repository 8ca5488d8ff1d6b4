/* What became of a claimed job, written; see claims.h. */
#include "core/store/exchange.h"

enum {
    SETTLE_JOB,
    SETTLE_PUT_BACK,
    SETTLE_LEAVE,
    SETTLE_ATTEMPT,
    SETTLE_FORGET_ATTEMPT,
    SETTLE_WAKE,
    SETTLE_CONFLICT,
    SETTLE_FORGET_VIOLATIONS,
    SETTLE_VIOLATION,
};

static const char *const sql[] = {
    [SETTLE_JOB] = "UPDATE job_state SET state = ?2, attempts = ?3, readbacks = ?4, doubt = ?5, "
                   "unsettled = ?6, not_before_ms = ?7, run_id = ?8, run_retries = ?9, "
                   "server_version = coalesce(?10, server_version), http_status = ?11, "
                   "error_code = ?12, error_message = ?13, updated_ms = ?14 WHERE job_id = ?1",
    /* sent_version: what a job that was never sent would have carried */
    [SETTLE_PUT_BACK] = "UPDATE job_state SET state = ?2, attempts = ?3, not_before_ms = ?4, "
                        "sent_version = iif(?3, sent_version, NULL), updated_ms = ?5 "
                        "WHERE job_id = ?1",
    /* out of the index of due jobs, which every turn walks from its beginning */
    [SETTLE_LEAVE] = "UPDATE job_state SET not_before_ms = NULL, waits_for = 0 WHERE job_id = ?1",
    [SETTLE_ATTEMPT] = "UPDATE attempt SET ended_ms = ?2, latency_us = ?3, http_status = ?4, "
                       "error = ?5, evidence = ?6, correlation_header = ?7 WHERE id = ?1",
    [SETTLE_FORGET_ATTEMPT] = "DELETE FROM attempt WHERE id = ?1",
    [SETTLE_WAKE] = "UPDATE job_state SET not_before_ms = ?2, waits_for = NULL "
                    "WHERE waits_for = ?1",
    [SETTLE_CONFLICT] = "INSERT INTO conflict (job_id, submitted_version, server_version, "
                        "server_record, detected_ms) VALUES (?1, ?2, ?3, ?4, ?5)",
    [SETTLE_FORGET_VIOLATIONS] = "DELETE FROM server_violation WHERE job_id = ?1",
    [SETTLE_VIOLATION] = "INSERT INTO server_violation (job_id, field, code, message) "
                         "VALUES (?1, ?2, ?3, ?4)",
};

const struct db_statements settle_statements = {sql, sizeof sql / sizeof *sql};

static sqlite3_stmt *get(struct store *store, unsigned index, struct err *err)
{
    return db_get(store, DB_SETTLES, index, err);
}

/* '' in the outcome is NULL in the table. */
static void bind_or_null(sqlite3_stmt *statement, int index, const char *text)
{
    db_bind_text(statement, index, text[0] ? text : NULL);
}

static void bind_status(sqlite3_stmt *statement, int index, int http_status)
{
    if (http_status)
        sqlite3_bind_int(statement, index, http_status);
    else
        sqlite3_bind_null(statement, index);
}

static bool settle_job(struct store *store, const struct exchange *exchange,
                       const struct claim *claim, enum job_state state, struct err *err)
{
    const struct claim_outcome *outcome = &claim->outcome;
    sqlite3_stmt *statement = get(store, SETTLE_JOB, err);
    bool uncounted = !claim->read_back && !outcome->left;

    if (!statement)
        return false;
    sqlite3_bind_int64(statement, 1, claim->job_id);
    db_bind_text(statement, 2, job_state_name(state));
    sqlite3_bind_int64(statement, 3, (int64_t)claim->attempts - uncounted);
    sqlite3_bind_int64(statement, 4, outcome->readbacks);
    sqlite3_bind_int(statement, 5, outcome->doubt);
    sqlite3_bind_int(statement, 6, outcome->unsettled);
    if (job_state_is_open(state))
        sqlite3_bind_int64(statement, 7, outcome->not_before_ms);
    else
        sqlite3_bind_null(statement, 7);
    sqlite3_bind_int64(statement, 8, exchange->run_id);
    sqlite3_bind_int64(statement, 9, outcome->run_retries);
    if (outcome->has_server_version)
        sqlite3_bind_int64(statement, 10, outcome->server_version);
    else
        sqlite3_bind_null(statement, 10);
    bind_status(statement, 11, outcome->job_status ? outcome->job_status : outcome->http_status);
    bind_or_null(statement, 12, outcome->error_code);
    bind_or_null(statement, 13, outcome->error_message);
    sqlite3_bind_int64(statement, 14, exchange->now_ms);
    return db_run(store, statement, err, "settle a job");
}

/* Nothing happened: what the job carries from before, texts and counts, stays as it is. */
static bool put_back(struct store *store, const struct exchange *exchange,
                     const struct claim *claim, enum job_state state, struct err *err)
{
    sqlite3_stmt *statement = get(store, SETTLE_PUT_BACK, err);

    if (!statement)
        return false;
    sqlite3_bind_int64(statement, 1, claim->job_id);
    db_bind_text(statement, 2, job_state_name(state));
    sqlite3_bind_int64(statement, 3, (int64_t)claim->attempts - !claim->read_back);
    sqlite3_bind_int64(statement, 4, claim->outcome.not_before_ms);
    sqlite3_bind_int64(statement, 5, exchange->now_ms);
    return db_run(store, statement, err, "put a job back");
}

/* The retries of this run are used up: due when the next one begins. */
static bool leave(struct store *store, const struct claim *claim, struct err *err)
{
    sqlite3_stmt *statement = get(store, SETTLE_LEAVE, err);

    if (!statement)
        return false;
    sqlite3_bind_int64(statement, 1, claim->job_id);
    return db_run(store, statement, err, "leave a job to the next run");
}

static bool settle_attempt(struct store *store, const struct claim *claim, struct err *err)
{
    const struct claim_outcome *outcome = &claim->outcome;
    sqlite3_stmt *statement =
        get(store, outcome->untouched ? SETTLE_FORGET_ATTEMPT : SETTLE_ATTEMPT, err);

    if (!statement)
        return false;
    sqlite3_bind_int64(statement, 1, claim->attempt_id);
    if (!outcome->untouched) {
        sqlite3_bind_int64(statement, 2, outcome->ended_ms);
        sqlite3_bind_int64(statement, 3, outcome->latency_us);
        bind_status(statement, 4, outcome->http_status);
        bind_or_null(statement, 5, outcome->attempt_error);
        bind_or_null(statement, 6, outcome->evidence);
        bind_or_null(statement, 7, outcome->correlation_header);
    }
    return db_run(store, statement, err, "settle an attempt");
}

/* Jobs of the same record that waited for this one are due now. */
static bool wake(struct store *store, const struct exchange *exchange, const struct claim *claim,
                 struct err *err)
{
    sqlite3_stmt *statement = get(store, SETTLE_WAKE, err);

    if (!statement)
        return false;
    sqlite3_bind_int64(statement, 1, claim->job_id);
    sqlite3_bind_int64(statement, 2, exchange->now_ms);
    return db_run(store, statement, err, "wake a waiting job");
}

static bool write_conflict(struct store *store, const struct exchange *exchange,
                           const struct claim *claim, struct err *err)
{
    sqlite3_stmt *statement = get(store, SETTLE_CONFLICT, err);

    if (!statement)
        return false;
    sqlite3_bind_int64(statement, 1, claim->job_id);
    sqlite3_bind_int64(statement, 2, claim->version);
    if (claim->outcome.has_server_version)
        sqlite3_bind_int64(statement, 3, claim->outcome.server_version);
    else
        sqlite3_bind_null(statement, 3);
    db_bind_text(statement, 4, claim->outcome.server_record);
    sqlite3_bind_int64(statement, 5, exchange->now_ms);
    return db_run(store, statement, err, "write a conflict");
}

static bool write_violations(struct store *store, const struct claim *claim, struct err *err)
{
    sqlite3_stmt *forget = get(store, SETTLE_FORGET_VIOLATIONS, err);
    sqlite3_stmt *statement = get(store, SETTLE_VIOLATION, err);

    if (!forget || !statement)
        return false;
    sqlite3_bind_int64(forget, 1, claim->job_id);
    if (!db_run(store, forget, err, "replace the server's violations"))
        return false;
    for (size_t i = 0; i < claim->outcome.violation_count; i++) {
        const struct claim_violation *violation = &claim->outcome.violations[i];

        sqlite3_bind_int64(statement, 1, claim->job_id);
        db_bind_text(statement, 2, violation->field);
        db_bind_text(statement, 3, violation->code);
        db_bind_text(statement, 4, violation->message);
        if (!db_run(store, statement, err, "write a violation of the server's"))
            return false;
    }
    return true;
}

bool settle_claim(struct store *store, const struct exchange *exchange, struct open_batch *batch,
                  const struct claim *claim, struct err *err)
{
    const struct claim_outcome *outcome = &claim->outcome;
    enum job_state from = claim->read_back ? JOB_UNKNOWN : JOB_SENDING;
    enum job_state to = outcome->state;

    if (outcome->untouched)
        to = claim->read_back ? JOB_UNKNOWN : JOB_PENDING;
    if (!job_state_can_move(from, to))
        return err_set(err, ERR_INTERNAL, "job %lld: no way from %s to %s",
                       (long long)claim->job_id, job_state_name(from), job_state_name(to));
    if (!(outcome->untouched ? put_back : settle_job)(store, exchange, claim, to, err) ||
        !settle_attempt(store, claim, err))
        return false;
    if (job_state_is_open(to) && !outcome->untouched &&
        outcome->run_retries > exchange->max_retries && !leave(store, claim, err))
        return false;
    batch->deltas[from]--;
    batch->deltas[to]++;
    if (to == JOB_CONFLICT && !write_conflict(store, exchange, claim, err))
        return false;
    if (outcome->violation_count && !write_violations(store, claim, err))
        return false;
    return job_state_is_open(to) || !store->jobs_wait || wake(store, exchange, claim, err);
}
