/* What became of a claimed job, written; see exchange.h. */
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

/* The job is as this drain claimed it: nobody else has touched it since. */
#define AS_CLAIMED                                                                                 \
    "WHERE job_id = :job_id AND state = :claimed_as AND not_before_ms IS NULL "                    \
    "AND updated_ms = :claimed_ms AND attempts = :claimed_attempts"

static const char *const sql[] = {
    [SETTLE_JOB] =
        "UPDATE job_state SET state = :state, attempts = :attempts, readbacks = :readbacks, doubt "
        "= :doubt, "
        "unsettled = :unsettled, not_before_ms = :not_before_ms, run_id = :run_id, run_retries = "
        ":run_retries, "
        "server_version = coalesce(:server_version, server_version), http_status = :http_status, "
        "error_code = iif(:code_stays, error_code, :error_code), "
        "error_message = iif(:error_stays, error_message, :error_message), updated_ms = :now_ms, "
        "attempts_before = attempts_before + :excused, looks_again = :looks_again " AS_CLAIMED,
    /* sent_version: what a job that was never sent would have carried */
    [SETTLE_PUT_BACK] = "UPDATE job_state SET state = :state, attempts = :attempts, not_before_ms "
                        "= :not_before_ms, "
                        "sent_version = iif(:attempts OR doubt, sent_version, NULL), updated_ms = "
                        ":now_ms " AS_CLAIMED,
    /* out of the index of due jobs, which every turn walks from its beginning */
    [SETTLE_LEAVE] = "UPDATE job_state SET not_before_ms = NULL, waits_for = -:run_id "
                     "WHERE job_id = :job_id",
    [SETTLE_ATTEMPT] = "UPDATE attempt SET ended_ms = :ended_ms, latency_us = :latency_us, "
                       "http_status = :http_status, "
                       "error = :error, evidence = :evidence, correlation_header = "
                       ":correlation_header WHERE id = :attempt_id",
    [SETTLE_FORGET_ATTEMPT] = "DELETE FROM attempt WHERE id = :attempt_id",
    [SETTLE_WAKE] = "UPDATE job_state SET not_before_ms = :now_ms, waits_for = NULL "
                    "WHERE waits_for = :job_id RETURNING job_id AS job_id",
    /* after an audit, what the record was is known from before */
    [SETTLE_CONFLICT] =
        "INSERT INTO conflict (job_id, submitted_version, server_version, server_record, "
        "detected_ms, evidence, resolution, resolved_ms, audit_entry) VALUES (:job_id, :version, "
        "coalesce(:server_version, (SELECT server_version FROM arbitration WHERE job_id = "
        ":job_id)), "
        "coalesce(:server_record, (SELECT server_record FROM arbitration WHERE job_id = :job_id)), "
        ":now_ms, :evidence, :resolution, "
        "iif(:resolution IS NULL, NULL, :now_ms), :audit_entry)",
    [SETTLE_FETCH] = "UPDATE job_state SET waits_for = NULL WHERE job_id = :job_id",
    [SETTLE_BASE] =
        "INSERT INTO rebase (job_id, rounds, version, fields) VALUES (:job_id, :rounds, :version, "
        ":fields) "
        "ON CONFLICT (job_id) DO UPDATE SET rounds = :rounds, version = :version, fields = :fields",
    [SETTLE_NO_BASE] = "INSERT INTO rebase (job_id, rounds) VALUES (:job_id, :rounds) "
                       "ON CONFLICT (job_id) DO UPDATE SET version = NULL, fields = NULL",
    /* asked again from the first page: since when it is asked stays */
    [SETTLE_ARBITRATE] =
        "INSERT INTO arbitration (job_id, since_ms, server_version, server_record, was_there) "
        "VALUES (:job_id, :now_ms, :server_version, :server_record, :was_there) "
        "ON CONFLICT (job_id) DO UPDATE SET page = 1",
    /* a look is as old as its first page: what shows up there meanwhile is not seen */
    [SETTLE_PAGE] = "UPDATE arbitration SET page = page + 1, look_ms = since_ms + :asked_ms, "
                    "seen = :seen, page_hash = :page_hash, entry_user = :entry_user, "
                    "own_user = :own_user WHERE job_id = :job_id",
    [SETTLE_ARBITRATED] = "DELETE FROM arbitration WHERE job_id = :job_id",
    [SETTLE_FORGET_VIOLATIONS] = "DELETE FROM server_violation WHERE job_id = :job_id",
    [SETTLE_VIOLATION] = "INSERT INTO server_violation (job_id, field, code, message) "
                         "VALUES (:job_id, :field, :code, :message)",
};

const struct db_statements settle_statements = {sql, sizeof sql / sizeof *sql};

static struct db_statement *get(struct store *store, unsigned index, struct err *err)
{
    return db_get(store, DB_SETTLES, index, err);
}

/* '' in the outcome is NULL in the table. */
static void bind_or_null(struct db_statement *statement, enum db_name name, const char *text)
{
    db_bind_text(statement, name, text[0] ? text : NULL);
}

static void bind_status(struct db_statement *statement, enum db_name name, int http_status)
{
    if (http_status > 0)
        db_bind_int64(statement, name, http_status);
    else
        db_bind_null(statement, name);
}

static void bind_server_version(struct db_statement *statement, enum db_name name,
                                const struct claim_outcome *outcome)
{
    if (outcome->has_server_version)
        db_bind_int64(statement, name, outcome->server_version);
    else
        db_bind_null(statement, name);
}

static void bind_claim(struct db_statement *statement, const struct claim *claim)
{
    db_bind_int64(statement, DB_JOB_ID, claim->job_id);
    db_bind_text(statement, DB_CLAIMED_AS, job_state_name(job_state_of_request(claim->request)));
    db_bind_int64(statement, DB_CLAIMED_MS, claim->claimed_ms);
    db_bind_int64(statement, DB_CLAIMED_ATTEMPTS, claim->attempts);
}

static bool settle_job(struct store *store, const struct exchange *exchange,
                       const struct claim *claim, enum job_state state, struct err *err)
{
    const struct claim_outcome *outcome = &claim->outcome;
    struct db_statement *statement = get(store, SETTLE_JOB, err);
    bool uncounted = claim->request == REQUEST_UPDATE && !outcome->left;

    bind_claim(statement, claim);
    db_bind_text(statement, DB_STATE, job_state_name(state));
    db_bind_int64(statement, DB_ATTEMPTS, (int64_t)claim->attempts - uncounted);
    db_bind_int64(statement, DB_READBACKS, outcome->readbacks);
    db_bind_int64(statement, DB_DOUBT, outcome->doubt);
    db_bind_int64(statement, DB_UNSETTLED, outcome->unsettled);
    if (job_state_is_open(state))
        db_bind_int64(statement, DB_NOT_BEFORE_MS, outcome->not_before_ms);
    else
        db_bind_null(statement, DB_NOT_BEFORE_MS);
    db_bind_int64(statement, DB_RUN_ID, exchange->run_id);
    db_bind_int64(statement, DB_RUN_RETRIES, outcome->run_retries);
    bind_server_version(statement, DB_SERVER_VERSION, outcome);
    bind_status(statement, DB_HTTP_STATUS,
                outcome->job_status ? outcome->job_status : outcome->http_status);
    bind_or_null(statement, DB_ERROR_CODE, outcome->error_code);
    bind_or_null(statement, DB_ERROR_MESSAGE, outcome->error_message);
    db_bind_int64(statement, DB_NOW_MS, exchange->now_ms);
    db_bind_int64(statement, DB_ERROR_STAYS, outcome->error_stays);
    db_bind_int64(statement, DB_CODE_STAYS, outcome->error_stays || outcome->code_stays);
    db_bind_int64(statement, DB_LOOKS_AGAIN, outcome->looks_again);
    /* only an update counts as an attempt, so only one can be excused */
    db_bind_int64(statement, DB_EXCUSED,
                  outcome->excused && outcome->left && claim->request == REQUEST_UPDATE);
    return db_run(store, statement, err, "settle a job");
}

/* Nothing happened: what the job carries from before, texts and counts, stays as it is. */
static bool put_back(struct store *store, const struct exchange *exchange,
                     const struct claim *claim, enum job_state state, struct err *err)
{
    struct db_statement *statement = get(store, SETTLE_PUT_BACK, err);

    bind_claim(statement, claim);
    db_bind_text(statement, DB_STATE, job_state_name(state));
    db_bind_int64(statement, DB_ATTEMPTS,
                  (int64_t)claim->attempts - (claim->request == REQUEST_UPDATE));
    db_bind_int64(statement, DB_NOT_BEFORE_MS, claim->outcome.not_before_ms);
    db_bind_int64(statement, DB_NOW_MS, exchange->now_ms);
    return db_run(store, statement, err, "put a job back");
}

static bool settle_attempt(struct store *store, const struct claim *claim, struct err *err)
{
    const struct claim_outcome *outcome = &claim->outcome;
    struct db_statement *statement =
        get(store, outcome->untouched ? SETTLE_FORGET_ATTEMPT : SETTLE_ATTEMPT, err);

    db_bind_int64(statement, DB_ATTEMPT_ID, claim->attempt_id);
    if (!outcome->untouched) {
        db_bind_int64(statement, DB_ENDED_MS, outcome->ended_ms);
        db_bind_int64(statement, DB_LATENCY_US, outcome->latency_us);
        bind_status(statement, DB_HTTP_STATUS, outcome->http_status);
        bind_or_null(statement, DB_ERROR, outcome->attempt_error);
        bind_or_null(statement, DB_EVIDENCE, outcome->evidence);
        bind_or_null(statement, DB_CORRELATION_HEADER, outcome->correlation_header);
    }
    return db_run(store, statement, err, "settle an attempt");
}

/* Jobs of the same record that waited for this one are due now. */
static bool wake(struct store *store, const struct exchange *exchange, const struct claim *claim,
                 struct err *err)
{
    struct db_statement *statement = get(store, SETTLE_WAKE, err);
    bool row = true;

    db_bind_int64(statement, DB_JOB_ID, claim->job_id);
    db_bind_int64(statement, DB_NOW_MS, exchange->now_ms);
    while (row) {
        struct open_batch *batch;

        if (!db_step(store, statement, &row, err, "wake a waiting job"))
            return false;
        batch =
            row ? open_batches_find(store->open, id_batch(db_column_int64(statement, DB_JOB_ID)))
                : NULL;
        if (batch)
            batch->is_quiet = false;
    }
    return true;
}

/* How a conflict was settled by itself; NULL: it waits for a person. */
static const char *resolution_of(const struct claim_outcome *outcome)
{
    if (outcome->state == JOB_DISMISSED)
        return "dismiss";
    return outcome->state == JOB_PENDING ? "rebase" : NULL;
}

static const char *evidence_of(const struct claim_outcome *outcome)
{
    if (outcome->ahead)
        return "ahead";
    return outcome->proven ? "proven" : "unproven";
}

static bool write_conflict(struct store *store, const struct exchange *exchange,
                           const struct claim *claim, struct err *err)
{
    struct db_statement *statement = get(store, SETTLE_CONFLICT, err);

    db_bind_int64(statement, DB_JOB_ID, claim->job_id);
    db_bind_int64(statement, DB_VERSION, claim->version);
    bind_server_version(statement, DB_SERVER_VERSION, &claim->outcome);
    db_bind_text(statement, DB_SERVER_RECORD, claim->outcome.server_record);
    db_bind_int64(statement, DB_NOW_MS, exchange->now_ms);
    db_bind_text(statement, DB_EVIDENCE, evidence_of(&claim->outcome));
    db_bind_text(statement, DB_AUDIT_ENTRY, claim->outcome.audit_entry);
    db_bind_text(statement, DB_RESOLUTION, resolution_of(&claim->outcome));
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
    struct db_statement *statement;

    if (outcome->next == POLICY_BY_STATE)
        return true;
    statement = get(store, statements[outcome->next], err);
    if (!statement)
        return false;
    db_bind_int64(statement, DB_JOB_ID, claim->job_id);
    if (outcome->next == POLICY_NEXT_FETCH) {
        db_bind_int64(statement, DB_ROUNDS, claim->rounds);
    } else if (outcome->next == POLICY_NEXT_SEND) {
        db_bind_int64(statement, DB_ROUNDS, (int64_t)claim->rounds + 1);
        db_bind_int64(statement, DB_VERSION, outcome->server_version);
        db_bind_text(statement, DB_FIELDS, outcome->fields);
    } else if (outcome->next == POLICY_NEXT_AUDIT) {
        db_bind_int64(statement, DB_NOW_MS, exchange->now_ms);
        bind_server_version(statement, DB_SERVER_VERSION, outcome);
        db_bind_text(statement, DB_SERVER_RECORD, outcome->server_record);
        db_bind_int64(statement, DB_WAS_THERE, outcome->was_there);
    } else {
        db_bind_int64(statement, DB_ASKED_MS, claim->asked_ms);
        db_bind_int64(statement, DB_SEEN, (int64_t)outcome->seen);
        db_bind_int64(statement, DB_PAGE_HASH, (int64_t)outcome->page_hash);
        bind_or_null(statement, DB_ENTRY_USER, outcome->entry_user);
        bind_or_null(statement, DB_OWN_USER, outcome->own_user);
    }
    return db_run(store, statement, err, "write what is asked next");
}

/* A statement on the job alone. */
static bool run_on_job(struct store *store, unsigned index, const struct claim *claim,
                       struct err *err, const char *doing)
{
    struct db_statement *statement = get(store, index, err);

    db_bind_int64(statement, DB_JOB_ID, claim->job_id);
    return db_run(store, statement, err, doing);
}

/* To the next run; run_id 0: to the end of this one. */
static bool leave(struct store *store, const struct claim *claim, int64_t run_id, struct err *err)
{
    struct db_statement *statement = get(store, SETTLE_LEAVE, err);

    db_bind_int64(statement, DB_JOB_ID, claim->job_id);
    db_bind_int64(statement, DB_RUN_ID, run_id);
    return db_run(store, statement, err, "put a job behind the others");
}

static bool write_violations(struct store *store, const struct claim *claim, struct err *err)
{
    struct db_statement *forget = get(store, SETTLE_FORGET_VIOLATIONS, err);
    struct db_statement *statement = get(store, SETTLE_VIOLATION, err);

    db_bind_int64(forget, DB_JOB_ID, claim->job_id);
    if (!db_run(store, forget, err, "replace the server's violations"))
        return false;
    for (size_t i = 0; i < claim->outcome.violation_count; i++) {
        const struct claim_violation *violation = &claim->outcome.violations[i];

        db_bind_int64(statement, DB_JOB_ID, claim->job_id);
        db_bind_text(statement, DB_FIELD, violation->field);
        db_bind_text(statement, DB_CODE, violation->code);
        db_bind_text(statement, DB_MESSAGE, violation->message);
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
    /* the retries of this run are used up: the next one tries it last */
    if (job_state_is_open(to) && outcome->run_retries > exchange->max_retries &&
        !leave(store, claim, exchange->run_id, err))
        return false;
    /* what a refusal named does not hold for a job that turns out not to be refused */
    if (from == JOB_UNKNOWN && claim->put_status && to != JOB_UNKNOWN && to != JOB_REFUSED &&
        !run_on_job(store, SETTLE_FORGET_VIOLATIONS, claim, err, "forget the server's violations"))
        return false;
    /* one that is pending again was not refused after all */
    return !outcome->violation_count || to == JOB_PENDING || write_violations(store, claim, err);
}

bool settle_claim(struct store *store, const struct exchange *exchange, struct open_batch *batch,
                  const struct claim *claim, bool *taken, struct err *err)
{
    const struct claim_outcome *outcome = &claim->outcome;
    enum job_state from = job_state_of_request(claim->request);
    enum job_state to = outcome->state;

    if (outcome->untouched)
        to = from == JOB_UNKNOWN ? JOB_UNKNOWN : JOB_PENDING;
    if (!may_move(claim, from, to))
        return err_set(err, ERR_INTERNAL, "job %lld: no way from %s to %s",
                       (long long)claim->job_id, job_state_name(from), job_state_name(to));
    if (!(outcome->untouched ? put_back : settle_job)(store, exchange, claim, to, err))
        return false;
    *taken = sqlite3_changes(store->db) == 0;
    if (*taken)
        return true;
    if (!settle_attempt(store, claim, err))
        return false;
    if (claim->request == REQUEST_FETCH &&
        !run_on_job(store, SETTLE_FETCH, claim, err, "settle a fetch"))
        return false;
    batch->deltas[from]--;
    batch->deltas[to]++;
    if (outcome->untouched && outcome->last && !leave(store, claim, 0, err))
        return false;
    if (!outcome->untouched && !settle_rest(store, exchange, claim, to, err))
        return false;
    if (job_state_is_open(to))
        return true;
    return (!claim->is_reopened || order_ended(store, claim, err)) &&
           (!store->jobs_wait || wake(store, exchange, claim, err));
}
