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
    SETTLE_FETCH,
    SETTLE_BASE,
    SETTLE_NO_BASE,
    SETTLE_ARBITRATE,
    SETTLE_PAGE,
    SETTLE_ARBITRATED,
    SETTLE_FORGET_VIOLATIONS,
    SETTLE_VIOLATION,
};

static const char *const sql[] = {
    [SETTLE_JOB] = "UPDATE job_state SET state = ?2, attempts = ?3, readbacks = ?4, doubt = ?5, "
                   "unsettled = ?6, not_before_ms = ?7, run_id = ?8, run_retries = ?9, "
                   "server_version = coalesce(?10, server_version), http_status = ?11, "
                   "error_code = iif(?15, error_code, ?12), "
                   "error_message = iif(?15, error_message, ?13), updated_ms = ?14 "
                   "WHERE job_id = ?1",
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
    /* after an audit, what the record was is known from before */
    [SETTLE_CONFLICT] =
        "INSERT INTO conflict (job_id, submitted_version, server_version, server_record, "
        "detected_ms, evidence, resolution, resolved_ms) VALUES (?1, ?2, "
        "coalesce(?3, (SELECT server_version FROM arbitration WHERE job_id = ?1)), "
        "coalesce(?4, (SELECT server_record FROM arbitration WHERE job_id = ?1)), ?5, ?6, ?7, "
        "iif(?7 IS NULL, NULL, ?5))",
    [SETTLE_FETCH] = "UPDATE job_state SET waits_for = NULL WHERE job_id = ?1",
    [SETTLE_BASE] = "INSERT INTO rebase (job_id, rounds, version, fields) VALUES (?1, ?2, ?3, ?4) "
                    "ON CONFLICT (job_id) DO UPDATE SET rounds = ?2, version = ?3, fields = ?4",
    [SETTLE_NO_BASE] = "INSERT INTO rebase (job_id, rounds) VALUES (?1, ?2) "
                       "ON CONFLICT (job_id) DO UPDATE SET version = NULL, fields = NULL",
    /* asked again from the first page: since when it is asked stays */
    [SETTLE_ARBITRATE] =
        "INSERT INTO arbitration (job_id, since_ms, server_version, server_record) "
        "VALUES (?1, ?2, ?3, ?4) ON CONFLICT (job_id) DO UPDATE SET page = 1",
    /* a look is as old as its first page: what shows up there meanwhile is not seen */
    [SETTLE_PAGE] = "UPDATE arbitration SET page = page + 1, look_ms = since_ms + ?2 "
                    "WHERE job_id = ?1",
    [SETTLE_ARBITRATED] = "DELETE FROM arbitration WHERE job_id = ?1",
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

static void bind_server_version(sqlite3_stmt *statement, int index,
                                const struct claim_outcome *outcome)
{
    if (outcome->has_server_version)
        sqlite3_bind_int64(statement, index, outcome->server_version);
    else
        sqlite3_bind_null(statement, index);
}

static bool settle_job(struct store *store, const struct exchange *exchange,
                       const struct claim *claim, enum job_state state, struct err *err)
{
    const struct claim_outcome *outcome = &claim->outcome;
    sqlite3_stmt *statement = get(store, SETTLE_JOB, err);
    bool uncounted = claim->request == REQUEST_UPDATE && !outcome->left;

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
    bind_server_version(statement, 10, outcome);
    bind_status(statement, 11, outcome->job_status ? outcome->job_status : outcome->http_status);
    bind_or_null(statement, 12, outcome->error_code);
    bind_or_null(statement, 13, outcome->error_message);
    sqlite3_bind_int64(statement, 14, exchange->now_ms);
    sqlite3_bind_int(statement, 15, outcome->error_stays);
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
    sqlite3_bind_int64(statement, 3, (int64_t)claim->attempts - (claim->request == REQUEST_UPDATE));
    sqlite3_bind_int64(statement, 4, claim->outcome.not_before_ms);
    sqlite3_bind_int64(statement, 5, exchange->now_ms);
    return db_run(store, statement, err, "put a job back");
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

/* How a conflict was settled by itself; NULL: it waits for a person. */
static const char *resolution_of(const struct claim_outcome *outcome)
{
    if (outcome->state == JOB_DISMISSED)
        return "dismiss";
    return outcome->state == JOB_PENDING ? "rebase" : NULL;
}

static bool write_conflict(struct store *store, const struct exchange *exchange,
                           const struct claim *claim, struct err *err)
{
    sqlite3_stmt *statement = get(store, SETTLE_CONFLICT, err);

    if (!statement)
        return false;
    sqlite3_bind_int64(statement, 1, claim->job_id);
    sqlite3_bind_int64(statement, 2, claim->version);
    bind_server_version(statement, 3, &claim->outcome);
    db_bind_text(statement, 4, claim->outcome.server_record);
    sqlite3_bind_int64(statement, 5, exchange->now_ms);
    db_bind_text(statement, 6, claim->outcome.proven ? "proven" : "unproven");
    db_bind_text(statement, 7, resolution_of(&claim->outcome));
    return db_run(store, statement, err, "write a conflict");
}

/* What the job asks next, where its state alone does not tell. */
static bool write_next(struct store *store, const struct exchange *exchange,
                       const struct claim *claim, struct err *err)
{
    static const unsigned statements[] = {
        [POLICY_NEXT_FETCH] = SETTLE_NO_BASE,
        [POLICY_NEXT_SEND] = SETTLE_BASE,
        [POLICY_NEXT_AUDIT] = SETTLE_ARBITRATE,
        [POLICY_NEXT_PAGE] = SETTLE_PAGE,
    };
    const struct claim_outcome *outcome = &claim->outcome;
    sqlite3_stmt *statement;

    if (outcome->next == POLICY_BY_STATE)
        return true;
    statement = get(store, statements[outcome->next], err);
    if (!statement)
        return false;
    sqlite3_bind_int64(statement, 1, claim->job_id);
    if (outcome->next == POLICY_NEXT_FETCH) {
        sqlite3_bind_int64(statement, 2, claim->rounds);
    } else if (outcome->next == POLICY_NEXT_SEND) {
        sqlite3_bind_int64(statement, 2, (int64_t)claim->rounds + 1);
        sqlite3_bind_int64(statement, 3, outcome->server_version);
        db_bind_text(statement, 4, outcome->fields);
    } else if (outcome->next == POLICY_NEXT_AUDIT) {
        sqlite3_bind_int64(statement, 2, exchange->now_ms);
        bind_server_version(statement, 3, outcome);
        db_bind_text(statement, 4, outcome->server_record);
    } else {
        sqlite3_bind_int64(statement, 2, claim->asked_ms);
    }
    return db_run(store, statement, err, "write what is asked next");
}

/* A statement on the job alone. */
static bool run_on_job(struct store *store, unsigned index, const struct claim *claim,
                       struct err *err, const char *doing)
{
    sqlite3_stmt *statement = get(store, index, err);

    if (!statement)
        return false;
    sqlite3_bind_int64(statement, 1, claim->job_id);
    return db_run(store, statement, err, doing);
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

/* A fetch that ends a job passes through `sending`. */
static bool may_move(const struct claim *claim, enum job_state from, enum job_state to)
{
    return job_state_can_move(from, to) ||
           (claim->request == REQUEST_FETCH && job_state_can_move(JOB_SENDING, to)) ||
           (claim->outcome.conflict && job_state_can_move(from, JOB_CONFLICT) &&
            job_state_can_move(JOB_CONFLICT, to));
}

/* What hangs on the job's state and on the attempt. */
static bool settle_rest(struct store *store, const struct exchange *exchange,
                        const struct claim *claim, enum job_state to, struct err *err)
{
    const struct claim_outcome *outcome = &claim->outcome;
    enum job_state from = job_state_of_request(claim->request);

    if (outcome->conflict && !write_conflict(store, exchange, claim, err))
        return false;
    if (!write_next(store, exchange, claim, err))
        return false;
    if (claim->request == REQUEST_AUDIT && to != JOB_UNKNOWN &&
        !run_on_job(store, SETTLE_ARBITRATED, claim, err, "end an arbitration"))
        return false;
    /* the retries of this run are used up: due when the next one begins */
    if (job_state_is_open(to) && outcome->run_retries > exchange->max_retries &&
        !run_on_job(store, SETTLE_LEAVE, claim, err, "leave a job to the next run"))
        return false;
    /* what a refusal named does not hold for a job that turns out not to be refused */
    if (from == JOB_UNKNOWN && claim->put_status && to != JOB_UNKNOWN && to != JOB_REFUSED &&
        !run_on_job(store, SETTLE_FORGET_VIOLATIONS, claim, err, "forget the server's violations"))
        return false;
    return !outcome->violation_count || write_violations(store, claim, err);
}

bool settle_claim(struct store *store, const struct exchange *exchange, struct open_batch *batch,
                  const struct claim *claim, struct err *err)
{
    const struct claim_outcome *outcome = &claim->outcome;
    enum job_state from = job_state_of_request(claim->request);
    enum job_state to = outcome->state;

    if (outcome->untouched)
        to = from == JOB_UNKNOWN ? JOB_UNKNOWN : JOB_PENDING;
    if (!may_move(claim, from, to))
        return err_set(err, ERR_INTERNAL, "job %lld: no way from %s to %s",
                       (long long)claim->job_id, job_state_name(from), job_state_name(to));
    if (!(outcome->untouched ? put_back : settle_job)(store, exchange, claim, to, err) ||
        !settle_attempt(store, claim, err))
        return false;
    if (claim->request == REQUEST_FETCH &&
        !run_on_job(store, SETTLE_FETCH, claim, err, "settle a fetch"))
        return false;
    batch->deltas[from]--;
    batch->deltas[to]++;
    if (!outcome->untouched && !settle_rest(store, exchange, claim, to, err))
        return false;
    return job_state_is_open(to) || !store->jobs_wait || wake(store, exchange, claim, err);
}
