#include "core/store/exchange.h"

#include "core/base/crash.h"
#include "core/store/before.h"
#include "core/store/order.h"

enum { RECOVER_JOBS = 1024 }; /* of one transaction, so that no other writer waits for long */

enum {
    SETTLE_JOB,
    SETTLE_APPLIED,
    SETTLE_PUT_BACK,
    SETTLE_REPEAT,
    SETTLE_LEAVE,
    SETTLE_ATTEMPT,
    SETTLE_FORGET_ATTEMPT,
    SETTLE_CONFLICT,
    SETTLE_FETCH,
    SETTLE_BASE,
    SETTLE_NO_BASE,
    SETTLE_ARBITRATE,
    SETTLE_PAGE,
    SETTLE_TOKEN,
    SETTLE_ARBITRATED,
    SETTLE_FORGET_VIOLATIONS,
    SETTLE_VIOLATION,
    TURN_FACTS,
    TURN_IN_HAND,
    TURN_INTERRUPTED,
    TURN_UNCOUNT,
    TURN_NEVER_LEFT,
    TURN_RECOVER,
    TURN_RECOVER_GET,
    TURN_LEAVE
};

/* The job is as this drain claimed it: nobody else has changed it since. */
#define AS_CLAIMED                                                                                 \
    "WHERE job_id = :job_id AND state = :claimed_as AND not_before_ms IS NULL "                    \
    "AND updated_ms = :claimed_ms AND attempts = :claimed_attempts"

/* The attempt is of the run of the mark. */
#define OF_MARK "run_id = (SELECT id FROM run WHERE id = :run_id AND started_ms = :started_ms)"

static const char *const sql[] = {
    [SETTLE_JOB] =
        "UPDATE job_state "
        "SET state = :state, attempts = :attempts, readbacks = :readbacks, doubt = :doubt, "
        "unsettled = :unsettled, not_before_ms = :not_before_ms, run_id = :run_id, "
        "run_retries = :run_retries, server_version = coalesce(:server_version, server_version), "
        "http_status = :http_status, error_code = iif(:code_stays, error_code, :error_code), "
        "error_message = iif(:error_stays, error_message, :error_message), updated_ms = :now_ms, "
        "attempts_before = attempts_before + :excused, looks_again = :looks_again " AS_CLAIMED,
    /* at the first attempt: what SETTLE_JOB writes besides is in the row already */
    [SETTLE_APPLIED] =
        "UPDATE job_state SET state = 'applied', server_version = :server_version, "
        "http_status = :http_status, updated_ms = :now_ms WHERE job_id = :job_id "
        "AND state = 'sending' AND not_before_ms IS NULL AND updated_ms = :claimed_ms "
        "AND attempts = 1",
    /* sent_version of a job that was never sent is what it would have carried */
    [SETTLE_PUT_BACK] = "UPDATE job_state SET state = :state, attempts = :attempts, not_before_ms "
                        "= :not_before_ms, "
                        "sent_version = iif(:attempts OR doubt, sent_version, NULL), updated_ms = "
                        ":now_ms " AS_CLAIMED,
    [SETTLE_REPEAT] = "UPDATE job_state SET attempts = attempts + 1, attempts_before = "
                      "attempts_before + 1, doubt = :doubt, updated_ms = :now_ms " AS_CLAIMED,
    /* takes it out of the index of due jobs, which every turn reads from its beginning */
    [SETTLE_LEAVE] = "UPDATE job_state SET not_before_ms = NULL, waits_for = -:run_id "
                     "WHERE job_id = :job_id",
    [SETTLE_ATTEMPT] = "UPDATE attempt SET ended_ms = :ended_ms, latency_us = :latency_us, "
                       "http_status = :http_status, "
                       "error = :error, evidence = :evidence, correlation_header = "
                       ":correlation_header WHERE id = :attempt_id",
    [SETTLE_FORGET_ATTEMPT] = "DELETE FROM attempt WHERE id = :attempt_id",
    /* after an audit, the record is known from before */
    [SETTLE_CONFLICT] =
        "INSERT INTO conflict (job_id, submitted_version, server_version, server_record, "
        "detected_ms, evidence, resolution, resolved_ms, audit_entry) VALUES (:job_id, :version, "
        "coalesce(:server_version, (SELECT server_version FROM arbitration WHERE job_id = "
        ":job_id)), "
        "coalesce(:server_record, (SELECT server_record FROM arbitration WHERE job_id = :job_id)), "
        ":now_ms, :evidence, :resolution, iif(:resolution IS NULL, NULL, :now_ms), "
        "coalesce(:audit_entry, (SELECT entry FROM arbitration WHERE job_id = :job_id)))",
    [SETTLE_FETCH] = "UPDATE job_state SET waits_for = NULL WHERE job_id = :job_id",
    [SETTLE_BASE] =
        "INSERT INTO rebase (job_id, rounds, version, fields, token, under, creates) VALUES "
        "(:job_id, :rounds, :version, :fields, :token, :under, :creates) ON CONFLICT (job_id) "
        "DO UPDATE SET rounds = :rounds, version = :version, fields = :fields, token = :token, "
        "under = :under, creates = :creates",
    [SETTLE_NO_BASE] = "INSERT INTO rebase (job_id, rounds) VALUES (:job_id, :rounds) "
                       "ON CONFLICT (job_id) DO UPDATE SET version = NULL, fields = NULL, "
                       "token = NULL, under = NULL, creates = 0",
    /* asked again from the first page; since_ms does not change */
    [SETTLE_ARBITRATE] =
        "INSERT INTO arbitration (job_id, since_ms, server_version, server_record, was_there, "
        "is_copied) VALUES (:job_id, :now_ms, :server_version, :server_record, :was_there, "
        ":is_copied) ON CONFLICT (job_id) DO UPDATE SET page = 1, entry = NULL",
    /* a look is as old as its first page: entries that appear there later are not seen */
    [SETTLE_PAGE] = "UPDATE arbitration SET page = page + 1, look_ms = since_ms + :asked_ms, "
                    "seen = :seen, page_hash = :page_hash, entry_user = :entry_user, "
                    "own_user = :own_user, entry = coalesce(:audit_entry, entry) "
                    "WHERE job_id = :job_id",
    [SETTLE_TOKEN] = "UPDATE job_state SET server_token = :token WHERE job_id = :job_id",
    [SETTLE_ARBITRATED] = "DELETE FROM arbitration WHERE job_id = :job_id",
    [SETTLE_FORGET_VIOLATIONS] = "DELETE FROM server_violation WHERE job_id = :job_id",
    [SETTLE_VIOLATION] = "INSERT INTO server_violation (job_id, field, code, message) "
                         "VALUES (:job_id, :field, :code, :message)",
    [TURN_FACTS] = "SELECT EXISTS (SELECT 1 FROM job_state WHERE waits_for > 0) AS is_waiting, "
                   "EXISTS (SELECT 1 FROM reopened_job WHERE record_id >= '') AS is_reopened",
    [TURN_IN_HAND] =
        "SELECT job_id, state FROM job_state WHERE job_id > :first_id AND job_id < :end_id "
        "AND (state = 'sending' OR (state = 'unknown' AND not_before_ms IS NULL "
        "AND waits_for IS NULL))",
    [TURN_INTERRUPTED] =
        "SELECT b.id FROM batch b JOIN batch_tally t ON t.batch_id = b.id WHERE b.id > :after "
        "AND b.state " IN_BATCHES_UNFINISHED " AND b.state = 'open' AND t.sending + t.unknown > 0 "
        "ORDER BY b.id LIMIT 1",
    [TURN_UNCOUNT] =
        "UPDATE job_state SET attempts = attempts - 1 WHERE state = 'sending' AND job_id IN "
        "(SELECT job_id FROM attempt WHERE id > :attempt_id AND " OF_MARK
        " AND ended_ms IS NULL AND method = 'PUT')",
    [TURN_NEVER_LEFT] = "UPDATE attempt SET ended_ms = :now_ms, error = 'rowferry was killed "
                        "before it started this request' "
                        "WHERE id > :attempt_id AND " OF_MARK " AND ended_ms IS NULL",
    [TURN_RECOVER] = "UPDATE job_state SET state = 'unknown', doubt = 1, not_before_ms = :now_ms, "
                     "updated_ms = :now_ms WHERE job_id = :job_id AND state = 'sending'",
    /* a read-back that was interrupted leaves no doubt of its own */
    [TURN_RECOVER_GET] = "UPDATE job_state SET not_before_ms = :now_ms, updated_ms = :now_ms "
                         "WHERE job_id = :job_id AND state = 'unknown' AND not_before_ms IS NULL "
                         "AND waits_for IS NULL",
    [TURN_LEAVE] =
        "UPDATE job_state SET not_before_ms = NULL, waits_for = -:run_id WHERE job_id = :job_id "
        "AND state " IN_DUE " AND not_before_ms IS NOT NULL",
};

const struct db_statements turn_statements = {sql, sizeof sql / sizeof *sql};

/* '' in the outcome is NULL in the table. */
static void bind_or_null(struct db_statement *statement, enum db_name name, const char *text)
{
    db_bind_text(statement, name, text[0] ? text : NULL);
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
    struct db_statement *statement = db_get(store, DB_TURNS, SETTLE_JOB, err);
    bool uncounted = claim->request == REQUEST_UPDATE && !outcome->left;
    int status = outcome->job_status ? outcome->job_status : outcome->http_status;

    bind_claim(statement, claim);
    db_bind_text(statement, DB_STATE, job_state_name(state));
    db_bind_int64(statement, DB_ATTEMPTS, (int64_t)claim->attempts - uncounted);
    db_bind_int64(statement, DB_READBACKS, outcome->readbacks);
    db_bind_int64(statement, DB_DOUBT, outcome->doubt);
    db_bind_int64(statement, DB_UNSETTLED, outcome->unsettled);
    db_bind_known(statement, DB_NOT_BEFORE_MS, job_state_is_open(state), outcome->not_before_ms);
    db_bind_int64(statement, DB_RUN_ID, exchange->run_id);
    db_bind_int64(statement, DB_RUN_RETRIES, outcome->run_retries);
    db_bind_known(statement, DB_SERVER_VERSION, outcome->has_server_version,
                  outcome->server_version);
    db_bind_known(statement, DB_HTTP_STATUS, status > 0, status);
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

/* Whether SETTLE_APPLIED writes all of the outcome. */
static bool is_plain(const struct claim *claim)
{
    const struct claim_outcome *outcome = &claim->outcome;

    return claim->is_first && outcome->state == JOB_APPLIED && outcome->left && !outcome->excused &&
           !outcome->doubt && !outcome->unsettled && !outcome->readbacks && !outcome->run_retries &&
           !outcome->looks_again && !outcome->job_status && !outcome->error_code[0] &&
           !outcome->error_message[0];
}

static bool settle_applied(struct store *store, const struct exchange *exchange,
                           const struct claim *claim, enum job_state state, struct err *err)
{
    const struct claim_outcome *outcome = &claim->outcome;
    struct db_statement *statement = db_get(store, DB_TURNS, SETTLE_APPLIED, err);

    (void)state;
    db_bind_int64(statement, DB_JOB_ID, claim->job_id);
    db_bind_int64(statement, DB_CLAIMED_MS, claim->claimed_ms);
    db_bind_known(statement, DB_SERVER_VERSION, outcome->has_server_version,
                  outcome->server_version);
    db_bind_known(statement, DB_HTTP_STATUS, outcome->http_status > 0, outcome->http_status);
    db_bind_int64(statement, DB_NOW_MS, exchange->now_ms);
    return db_run(store, statement, err, "settle a job");
}

/* Puts a job back to which nothing happened: its texts and counts stay as they are. */
static bool put_back(struct store *store, const struct exchange *exchange,
                     const struct claim *claim, enum job_state state, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_TURNS, SETTLE_PUT_BACK, err);

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
        db_get(store, DB_TURNS, outcome->untouched ? SETTLE_FORGET_ATTEMPT : SETTLE_ATTEMPT, err);

    db_bind_int64(statement, DB_ATTEMPT_ID, claim->attempt_id);
    if (!outcome->untouched) {
        db_bind_int64(statement, DB_ENDED_MS, outcome->ended_ms);
        db_bind_int64(statement, DB_LATENCY_US, outcome->latency_us);
        db_bind_known(statement, DB_HTTP_STATUS, outcome->http_status > 0, outcome->http_status);
        bind_or_null(statement, DB_ERROR, outcome->attempt_error);
        bind_or_null(statement, DB_EVIDENCE, outcome->evidence);
        bind_or_null(statement, DB_CORRELATION_HEADER, outcome->correlation_header);
    }
    return db_run(store, statement, err, "settle an attempt");
}

/* How --on-conflict settled the conflict; NULL: it waits for a person. */
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
    struct db_statement *statement = db_get(store, DB_TURNS, SETTLE_CONFLICT, err);

    db_bind_int64(statement, DB_JOB_ID, claim->job_id);
    db_bind_known(statement, DB_VERSION, claim->lock == TARGET_STEP || claim->has_version,
                  claim->version);
    db_bind_known(statement, DB_SERVER_VERSION, claim->outcome.has_server_version,
                  claim->outcome.server_version);
    db_bind_text(statement, DB_SERVER_RECORD, claim->outcome.server_record);
    db_bind_int64(statement, DB_NOW_MS, exchange->now_ms);
    db_bind_text(statement, DB_EVIDENCE, evidence_of(&claim->outcome));
    db_bind_text(statement, DB_AUDIT_ENTRY, claim->outcome.audit_entry);
    db_bind_text(statement, DB_RESOLUTION, resolution_of(&claim->outcome));
    return db_run(store, statement, err, "write a conflict");
}

/* Writes what the job asks next, if its state does not say so. */
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
    bool is_step = claim->lock == TARGET_STEP;
    struct db_statement *statement;

    /* what follows a look is sent as it is */
    if (outcome->next == POLICY_BY_STATE || claim->is_look)
        return true;
    statement = db_get(store, DB_TURNS, statements[outcome->next], err);
    db_bind_int64(statement, DB_JOB_ID, claim->job_id);
    if (outcome->next == POLICY_NEXT_FETCH) {
        db_bind_int64(statement, DB_ROUNDS, claim->rounds);
    } else if (outcome->next == POLICY_NEXT_SEND) {
        db_bind_int64(statement, DB_ROUNDS, (int64_t)claim->rounds + 1);
        db_bind_known(statement, DB_VERSION,
                      is_step ? !outcome->creates : outcome->has_base_version,
                      is_step ? outcome->server_version : outcome->base_version);
        db_bind_text(statement, DB_FIELDS, outcome->fields);
        db_bind_text(statement, DB_TOKEN, outcome->token);
        db_bind_text(statement, DB_UNDER, outcome->under);
        db_bind_int64(statement, DB_CREATES, outcome->creates);
    } else if (outcome->next == POLICY_NEXT_AUDIT) {
        db_bind_int64(statement, DB_NOW_MS, exchange->now_ms);
        db_bind_known(statement, DB_SERVER_VERSION, outcome->has_server_version,
                      outcome->server_version);
        db_bind_text(statement, DB_SERVER_RECORD, outcome->server_record);
        db_bind_int64(statement, DB_WAS_THERE, outcome->was_there);
        db_bind_int64(statement, DB_IS_COPIED, outcome->is_copied);
    } else {
        db_bind_int64(statement, DB_ASKED_MS, claim->asked_ms);
        db_bind_int64(statement, DB_SEEN, (int64_t)outcome->seen);
        db_bind_int64(statement, DB_PAGE_HASH, (int64_t)outcome->page_hash);
        bind_or_null(statement, DB_ENTRY_USER, outcome->entry_user);
        bind_or_null(statement, DB_OWN_USER, outcome->own_user);
        db_bind_text(statement, DB_AUDIT_ENTRY, outcome->audit_entry);
    }
    return db_run(store, statement, err, "write what is asked next");
}

/* Leaves the job to the next run; run_id 0: to the end of this one. */
static bool leave(struct store *store, const struct claim *claim, int64_t run_id, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_TURNS, SETTLE_LEAVE, err);

    db_bind_int64(statement, DB_JOB_ID, claim->job_id);
    db_bind_int64(statement, DB_RUN_ID, run_id);
    return db_run(store, statement, err, "put a job after the others");
}

static bool write_violations(struct store *store, const struct claim *claim, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_TURNS, SETTLE_VIOLATION, err);

    if (!db_run_on(store, DB_TURNS, SETTLE_FORGET_VIOLATIONS, DB_JOB_ID, claim->job_id, err,
                   "replace the server's violations"))
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

/* Keeps the token that the server showed last. */
static bool write_token(struct store *store, const struct claim *claim, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_TURNS, SETTLE_TOKEN, err);

    db_bind_int64(statement, DB_JOB_ID, claim->job_id);
    db_bind_text(statement, DB_TOKEN, claim->outcome.token);
    return db_run(store, statement, err, "keep the token of a record");
}

/* Writes what depends on the job's state and on the attempt. */
static bool settle_rest(struct store *store, const struct exchange *exchange,
                        const struct claim *claim, enum job_state to, struct err *err)
{
    const struct claim_outcome *outcome = &claim->outcome;
    enum job_state from = job_state_of_request(claim->request);

    if (outcome->conflict && !write_conflict(store, exchange, claim, err))
        return false;
    if (!write_next(store, exchange, claim, err))
        return false;
    if (outcome->next == POLICY_NEXT_SEND && claim->keeps_before &&
        !before_write(store, claim->job_id,
                      claim->is_look ? claim->version : outcome->server_version, outcome->before,
                      err))
        return false;
    if (outcome->token && !write_token(store, claim, err))
        return false;
    if (claim->request == REQUEST_AUDIT && to != JOB_UNKNOWN &&
        !db_run_on(store, DB_TURNS, SETTLE_ARBITRATED, DB_JOB_ID, claim->job_id, err,
                   "end an arbitration"))
        return false;
    /* the retries of this run are used up: the next one tries it last */
    if (job_state_is_open(to) && outcome->run_retries > exchange->max_retries &&
        !leave(store, claim, exchange->run_id, err))
        return false;
    /* the violations of a refusal are wrong for a job that turns out not to be refused */
    if (from == JOB_UNKNOWN && claim->put_status && to != JOB_UNKNOWN && to != JOB_REFUSED &&
        !db_run_on(store, DB_TURNS, SETTLE_FORGET_VIOLATIONS, DB_JOB_ID, claim->job_id, err,
                   "forget the server's violations"))
        return false;
    /* one that is pending again was not refused after all */
    return !outcome->violation_count || to == JOB_PENDING || write_violations(store, claim, err);
}

/* Stores what the answer shows of the record. */
static bool learn(struct store *store, struct exchange *exchange, const struct claim *claim,
                  struct err *err)
{
    bool drifted;

    if (!known_claim_learn(store, exchange->decider, claim, exchange->now_ms, &drifted, err))
        return false;
    exchange->drifted += drifted;
    return true;
}

/* Writes one outcome: job, attempt, and what depends on them. *taken: another process has changed
 * the job since it was claimed, and nothing was written. */
static bool settle_claim(struct store *store, struct exchange *exchange, struct open_batch *batch,
                         const struct claim *claim, bool *taken, struct err *err)
{
    const struct claim_outcome *outcome = &claim->outcome;
    enum job_state from = job_state_of_request(claim->request);
    enum job_state to = outcome->state;

    if (outcome->untouched)
        to = from == JOB_UNKNOWN ? JOB_UNKNOWN : JOB_PENDING;
    if (!may_move(claim, from, to))
        return err_set(err, ERR_INTERNAL, "job %lld cannot move from %s to %s",
                       (long long)claim->job_id, job_state_name(from), job_state_name(to));
    if (!(outcome->untouched ? put_back
          : is_plain(claim)  ? settle_applied
                             : settle_job)(store, exchange, claim, to, err))
        return false;
    *taken = sqlite3_changes(store->db) == 0;
    if (*taken)
        return true;
    if (!settle_attempt(store, claim, err))
        return false;
    if (claim->request == REQUEST_FETCH &&
        !db_run_on(store, DB_TURNS, SETTLE_FETCH, DB_JOB_ID, claim->job_id, err, "settle a fetch"))
        return false;
    batch->deltas[from]--;
    batch->deltas[to]++;
    exchange->fetched +=
        claim->request == REQUEST_FETCH && outcome->has_server_version && !claim->rounds;
    if (outcome->untouched && outcome->last && !leave(store, claim, 0, err))
        return false;
    if (!outcome->untouched && !settle_rest(store, exchange, claim, to, err))
        return false;
    if (claim->keeps_record && !learn(store, exchange, claim, err))
        return false;
    return job_state_is_open(to) || order_ended(store, claim, exchange->now_ms, err);
}

/* Ends the attempt of a job that stays in hand, and begins its next one. */
static bool repeat_claim(struct store *store, const struct exchange *exchange, struct claim *claim,
                         bool *taken, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_TURNS, SETTLE_REPEAT, err);

    bind_claim(statement, claim);
    db_bind_int64(statement, DB_DOUBT, claim->outcome.doubt);
    db_bind_int64(statement, DB_NOW_MS, exchange->now_ms);
    if (!db_run(store, statement, err, "send a job again"))
        return false;
    *taken = sqlite3_changes(store->db) == 0;
    claim->is_first = false;
    claim->attempts++;
    claim->attempts_before++;
    return *taken ||
           (settle_attempt(store, claim, err) && claim_attempt(store, exchange, claim, err));
}

static bool settle_all(struct store *store, struct exchange *exchange, struct err *err)
{
    for (unsigned i = 0; i < exchange->settled_count; i++) {
        struct claim *claim = exchange->settled[i];
        struct open_batch *batch = open_batches_find(store->open, id_batch(claim->job_id));
        bool taken = !batch;

        if (batch)
            batch->is_quiet = false;
        if (batch && claim->outcome.repeats && !repeat_claim(store, exchange, claim, &taken, err))
            return false;
        if (batch && !claim->outcome.repeats &&
            !settle_claim(store, exchange, batch, claim, &taken, err))
            return false;
        if (taken)
            exchange->taken_id = claim->job_id;
    }
    return true;
}

/* Whether there is anything that an ordinary turn need not look for. */
static bool read_facts(struct store *store, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_TURNS, TURN_FACTS, err);
    bool fine = true;

    if (db_next(store, statement, &fine, err, "look for waiting jobs")) {
        store->jobs_wait = db_column_int(statement, DB_IS_WAITING);
        store->jobs_reopened = db_column_int(statement, DB_IS_REOPENED);
    }
    db_reset(statement);
    return fine;
}

static bool exchange_inside(struct store *store, struct exchange *exchange, struct err *err)
{
    bool fine = open_batches_refresh(store, exchange->batch_id, err) && read_facts(store, err) &&
                settle_all(store, exchange, err) && claim_jobs(store, exchange, err) &&
                open_batches_write(store, exchange->now_ms, exchange->run_id, &exchange->left,
                                   &exchange->finished, err);

    crash_point(CRASH_TURN_WRITTEN);
    return fine;
}

bool jobs_exchange(struct store *store, struct exchange *exchange, struct err *err)
{
    bool fine;

    exchange->claimed = exchange->prior = exchange->ahead = 0;
    exchange->skipped = exchange->fetched = exchange->drifted = 0;
    exchange->taken_id = 0;
    exchange->next_due_ms = 0;
    /* before the transaction, so that nobody has to wait for it; again inside, for what changed in
     * between */
    fine = order_find_prior(store, exchange->batch_id, err) &&
           open_batches_refresh(store, exchange->batch_id, err) && db_begin(store, err) &&
           db_end(store, exchange_inside(store, exchange, err), err);
    if (!fine) {
        open_batches_forget(store);
        return false;
    }
    open_batches_keep(store);
    for (unsigned i = 0; i < exchange->settled_count; i++)
        claim_release_outcome(&exchange->settled[i]->outcome);
    return true;
}

static bool leave_inside(struct store *store, const int64_t *job_ids, size_t count, int64_t run_id,
                         struct err *err)
{
    struct db_statement *statement = db_get(store, DB_TURNS, TURN_LEAVE, err);
    bool fine = true;

    for (size_t i = 0; fine && i < count; i++) {
        db_bind_int64(statement, DB_JOB_ID, job_ids[i]);
        db_bind_int64(statement, DB_RUN_ID, run_id);
        fine = db_run(store, statement, err, "leave a job to the next run");
    }
    return fine;
}

bool jobs_leave(struct store *store, const int64_t *job_ids, size_t count, int64_t run_id,
                struct err *err)
{
    return db_begin(store, err) &&
           db_end(store, leave_inside(store, job_ids, count, run_id, err), err);
}

static bool uncount_inside(struct store *store, const struct lock_mark *mark, int64_t now_ms,
                           struct err *err)
{
    struct db_statement *jobs = db_get(store, DB_TURNS, TURN_UNCOUNT, err);
    struct db_statement *attempts = db_get(store, DB_TURNS, TURN_NEVER_LEFT, err);

    db_bind_int64(jobs, DB_ATTEMPT_ID, mark->attempt_id);
    db_bind_int64(jobs, DB_RUN_ID, mark->run_id);
    db_bind_int64(jobs, DB_STARTED_MS, mark->started_ms);
    db_bind_int64(attempts, DB_ATTEMPT_ID, mark->attempt_id);
    db_bind_int64(attempts, DB_RUN_ID, mark->run_id);
    db_bind_int64(attempts, DB_STARTED_MS, mark->started_ms);
    db_bind_int64(attempts, DB_NOW_MS, now_ms);
    return db_run(store, jobs, err, "uncount what never left") &&
           db_run(store, attempts, err, "end what never left");
}

bool jobs_uncount(struct store *store, const struct lock_mark *mark, int64_t now_ms,
                  struct err *err)
{
    return db_begin(store, err) && db_end(store, uncount_inside(store, mark, now_ms, err), err);
}

/* Finds the jobs of one batch that an earlier process had in hand: a walk over its jobs, for which
 * nobody has to wait. */
static bool find_in_hand(struct store *store, int64_t batch_id, struct id_list *job_ids,
                         struct err *err)
{
    struct db_statement *statement = db_get(store, DB_TURNS, TURN_IN_HAND, err);

    db_bind_batch(statement, batch_id);
    return db_collect(store, statement, job_ids, err, "look for interrupted jobs");
}

/* *recovered counts those that were `sending`; what changed meanwhile stays as it is. */
static bool recover_inside(struct store *store, int64_t batch_id, const int64_t *job_ids,
                           size_t count, int64_t now_ms, uint64_t *recovered, struct err *err)
{
    static const unsigned steps[] = {TURN_RECOVER, TURN_RECOVER_GET};
    int64_t deltas[JOB_STATES] = {0};

    for (size_t i = 0; i < 2 * count; i++) {
        struct db_statement *statement = db_get(store, DB_TURNS, steps[i % 2], err);

        db_bind_int64(statement, DB_JOB_ID, job_ids[i / 2]);
        db_bind_int64(statement, DB_NOW_MS, now_ms);
        if (!db_run(store, statement, err, "take up an interrupted job"))
            return false;
        if (i % 2 == 0)
            deltas[JOB_UNKNOWN] += sqlite3_changes(store->db);
    }
    deltas[JOB_SENDING] = -deltas[JOB_UNKNOWN];
    *recovered += (uint64_t)deltas[JOB_UNKNOWN];
    return open_batches_count(store, batch_id, deltas, 0, err);
}

/* A bounded number of jobs in each transaction: what is left of them after a crash is found again.
 */
static bool recover_batch(struct store *store, int64_t batch_id, int64_t now_ms,
                          uint64_t *recovered, struct err *err)
{
    struct id_list job_ids = {0};
    bool fine = find_in_hand(store, batch_id, &job_ids, err);
    size_t total = job_ids.count;

    for (size_t done = 0; fine && done < total; done += RECOVER_JOBS) {
        size_t count = total - done < RECOVER_JOBS ? total - done : RECOVER_JOBS;

        fine = db_begin(store, err) && db_end(store,
                                              recover_inside(store, batch_id, job_ids.items + done,
                                                             count, now_ms, recovered, err),
                                              err);
        crash_point(CRASH_RECOVER_COMMITTED);
    }
    id_list_release(&job_ids);
    return fine;
}

bool jobs_recover(struct store *store, int64_t now_ms, uint64_t *recovered, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_TURNS, TURN_INTERRUPTED, err);
    int64_t batch_id = 0;
    bool fine = true;

    *recovered = 0;
    do {
        db_bind_int64(statement, DB_AFTER, batch_id);
        batch_id = db_next(store, statement, &fine, err, "look for interrupted batches")
                       ? db_column_int64(statement, DB_ID)
                       : 0;
        db_reset(statement);
        fine = fine && (!batch_id || recover_batch(store, batch_id, now_ms, recovered, err));
    } while (fine && batch_id);
    return fine;
}
