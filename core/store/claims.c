#include "core/store/claims.h"

#include "core/store/before.h"
#include "core/store/claim_row.h"
#include "core/store/first_claims.h"
#include "core/store/order.h"

enum {
    CLAIM_BYTES_MAX = 8 << 20, /* texts of one turn's claims */
    VISITS_MAX = 512,          /* batches that a turn looks into */
    PASSED_MAX = 2048,         /* jobs that have to wait or are skipped, in one turn */
    PROBE_ROWS = 64,           /* rows from one place on, of which one is to be sent */
    PROBE_REACH = 1024,        /* places from there on that are looked at */
};

enum {
    CLAIM_DUE,
    CLAIM_NEXT_DUE,
    CLAIM_MUST_BE_DUE,
    CLAIM_FRESH,
    CLAIM_AHEAD,
    CLAIM_FRESH_AMONG,
    CLAIM_LAST_ROW,
    CLAIM_LAST,
    CLAIM_LAST_REVERSED,
    CLAIM_JOB,
    CLAIM_AGAIN,
    CLAIM_ASK,
    CLAIM_ASKED_NOW,
    CLAIM_FETCH_FIRST,
    CLAIM_FETCH_AGAIN,
    CLAIM_WAIT_FIRST,
    CLAIM_WAIT_AGAIN,
    CLAIM_ATTEMPT,
    CLAIM_TOKEN,
};

/* The latest earlier job of the record, from the oldest open batch on. */
#define PREVIOUS                                                                                   \
    "(SELECT k.job_id FROM record_job k WHERE k.record_id = r.record_id "                          \
    "AND k.job_id >= :oldest_id AND k.job_id < r.id ORDER BY k.job_id DESC LIMIT 1) AS "           \
    "previous_id "

static const char *const sql[] = {
    [CLAIM_DUE] = "SELECT job_id FROM job_state WHERE job_id / " ID_ROWS_SQL " = :batch_id "
                  "AND state " IN_DUE " AND not_before_ms IS NOT NULL "
                  "AND not_before_ms <= :now_ms ORDER BY not_before_ms LIMIT :wanted",
    [CLAIM_NEXT_DUE] =
        "SELECT min(not_before_ms) AS due_ms FROM job_state WHERE job_id / " ID_ROWS_SQL
        " = :batch_id "
        "AND state " IN_DUE " AND not_before_ms IS NOT NULL",
    /* later than any delay: a clock was ahead. A part at a time, because it holds the write lock */
    [CLAIM_MUST_BE_DUE] =
        "UPDATE job_state SET not_before_ms = :now_ms WHERE job_id IN (SELECT job_id FROM "
        "job_state "
        "WHERE job_id / " ID_ROWS_SQL " = :batch_id AND state " IN_DUE
        " AND not_before_ms IS NOT NULL AND not_before_ms > :due_ms ORDER BY not_before_ms LIMIT "
        "500)",
    /* one that was sent ahead of its batch has a state */
    [CLAIM_FRESH] = "SELECT r.id, r.record_id, r.version, r.fields, r.tags, " PREVIOUS
                    "FROM job_row r WHERE r.id >= :first_id AND r.id < :end_id ORDER BY r.id",
    [CLAIM_AHEAD] =
        "SELECT job_id FROM job_state WHERE job_id >= :first_id AND job_id < :end_id LIMIT 1",
    [CLAIM_FRESH_AMONG] =
        "SELECT r.id, r.record_id, r.version, r.fields, r.tags, " PREVIOUS "FROM job_row r "
        "LEFT JOIN job_state s ON s.job_id = r.id "
        "WHERE r.id >= :first_id AND r.id < :end_id AND s.job_id IS NULL ORDER BY r.id",
    [CLAIM_LAST_ROW] =
        "SELECT max(id) AS last_id FROM job_row WHERE id >= :first_id AND id < :end_id",
    /* waits_for of a job that waits for no other: -RUN if that run has left it to the next one, 0
       if this run has put it after the others; what this run has left is outside the range */
    [CLAIM_LAST] = "SELECT job_id FROM job_state WHERE waits_for > -:run_id AND waits_for <= 0 "
                   "AND job_id > :first_id AND job_id < :end_id ORDER BY waits_for, job_id LIMIT 1",
    [CLAIM_LAST_REVERSED] =
        "SELECT job_id FROM job_state WHERE waits_for > -:run_id AND waits_for <= 0 "
        "AND job_id > :first_id AND job_id < :end_id ORDER BY waits_for DESC, job_id DESC LIMIT 1",
    [CLAIM_JOB] =
        "SELECT r.id, r.record_id, r.version, r.fields, r.tags, s.state, s.attempts, "
        "s.readbacks, s.doubt, s.run_id, s.run_retries, s.sent_version, s.correlation_id, "
        "s.http_status, b.rounds, b.version AS base_version, b.fields AS base_fields, "
        "b.token AS base_token, b.under, b.creates, s.error_code AS put_code, "
        "a.since_ms, a.look_ms, a.page, a.server_version, a.was_there, a.seen, "
        "a.page_hash, a.entry_user, a.own_user, a.is_copied, a.entry IS NOT NULL AS has_entry, "
        "p.http_status AS put_status, p.error AS put_error, s.attempts_before, s.looks_again, "
        "EXISTS (SELECT 1 FROM reopened_job o WHERE o.record_id = r.record_id "
        "AND o.job_id = r.id) AS is_reopened FROM job_row r JOIN job_state s ON s.job_id = r.id "
        "LEFT JOIN rebase b ON b.job_id = r.id LEFT JOIN arbitration a ON a.job_id = r.id "
        "LEFT JOIN attempt p ON p.id = (SELECT id FROM attempt WHERE job_id = r.id "
        "AND method = 'PUT' ORDER BY id DESC LIMIT 1) WHERE r.id = :job_id",
    [CLAIM_AGAIN] =
        "UPDATE job_state SET state = 'sending', attempts = :attempts, not_before_ms = NULL, "
        "waits_for = NULL, sent_version = :version, "
        "correlation_id = :correlation_id, updated_ms = :now_ms WHERE job_id = :job_id",
    [CLAIM_ASK] =
        "UPDATE job_state SET not_before_ms = NULL, waits_for = NULL, updated_ms = :now_ms "
        "WHERE job_id = :job_id",
    [CLAIM_ASKED_NOW] =
        "UPDATE arbitration SET since_ms = :now_ms WHERE job_id = :job_id AND since_ms > :now_ms",
    /* pending in hand: if this run is killed, the next one takes it up */
    [CLAIM_FETCH_FIRST] =
        "INSERT INTO job_state (job_id, state, run_id, waits_for, "
        "correlation_id, updated_ms) VALUES (:job_id, 'pending', :run_id, -:run_id, "
        ":correlation_id, :now_ms)",
    [CLAIM_FETCH_AGAIN] = "UPDATE job_state SET not_before_ms = NULL, waits_for = -:run_id, "
                          "updated_ms = :now_ms WHERE job_id = :job_id",
    [CLAIM_WAIT_FIRST] = "INSERT INTO job_state (job_id, state, waits_for, updated_ms) "
                         "VALUES (:job_id, 'pending', :waits_for, :now_ms)",
    [CLAIM_WAIT_AGAIN] = "UPDATE job_state SET not_before_ms = NULL, waits_for = :waits_for, "
                         "updated_ms = :now_ms WHERE job_id = :job_id",
    [CLAIM_ATTEMPT] = "INSERT INTO attempt (job_id, run_id, method, started_ms, sent_version) "
                      "VALUES (:job_id, :run_id, :method, :now_ms, :version)",
    [CLAIM_TOKEN] = "UPDATE attempt SET sent_token = :token WHERE id = :attempt_id",
};

const struct db_statements claim_statements = {sql, sizeof sql / sizeof *sql};

/* A turn while it claims. */
struct turn {
    struct store *store;
    struct exchange *exchange;
    struct open_batch *batch; /* the one that is walked */
    size_t bytes;
    unsigned passed;    /* jobs that turned out to wait, or were skipped */
    unsigned unwritten; /* the last claims, whose rows are still to be inserted */
    struct known known; /* of the last record */
    bool prior_added;
};

static struct db_statement *get(struct turn *turn, unsigned index, struct err *err)
{
    return db_get(turn->store, DB_CLAIMS, index, err);
}

static bool is_full(const struct turn *turn)
{
    return turn->exchange->claimed == turn->exchange->wanted || turn->bytes >= CLAIM_BYTES_MAX;
}

static bool put_off(struct turn *turn, const struct claim *claim, bool fresh, int64_t waits_for,
                    struct err *err)
{
    struct db_statement *statement = get(turn, fresh ? CLAIM_WAIT_FIRST : CLAIM_WAIT_AGAIN, err);

    turn->store->jobs_wait = true;
    turn->passed++;
    db_bind_int64(statement, DB_JOB_ID, claim->job_id);
    db_bind_int64(statement, DB_WAITS_FOR, waits_for);
    db_bind_int64(statement, DB_NOW_MS, turn->exchange->now_ms);
    if (!db_run(turn->store, statement, err, "put a job off"))
        return false;
    if (!open_batches_find(turn->store->open, id_batch(waits_for))->in_question) {
        id_list_add(&turn->store->prior, waits_for);
        turn->prior_added = true;
    }
    return true;
}

/* Asks once what the schema file of the batch says about its jobs. */
static bool ask_schema(struct turn *turn, struct err *err)
{
    const struct known_decider *decider = turn->exchange->decider;
    struct open_batch *batch = turn->batch;
    struct span schema = span_of(batch->schema);

    if (batch->asked || !decider)
        return true;
    batch->keeps_known = decider->keeps(decider->context, schema);
    batch->asked = (batch->keeps_known || known_forget_schema(turn->store, schema, err)) &&
                   decider->target(decider->context, schema, &batch->parts, &batch->facts, err);
    return batch->asked;
}

/* Looks for what saves a row the fetch. *done: it saved the update too. */
static bool use_known(struct turn *turn, struct claim *claim, bool fresh, bool *done,
                      struct err *err)
{
    struct exchange *exchange = turn->exchange;
    enum known_use use = KNOWN_FETCH;

    if (turn->batch->keeps_known && claim->attempts == 0 && claim->rounds == 0 && !claim->doubt &&
        !known_claim_use(turn->store, exchange->decider, claim, exchange->now_ms, &turn->known,
                         &use, err))
        return false;
    *done = use == KNOWN_SKIP;
    if (!*done)
        return true;
    turn->passed += 2; /* it takes twice as long as to put a job off */
    exchange->skipped++;
    turn->batch->deltas[JOB_PENDING]--;
    turn->batch->deltas[JOB_UNCHANGED]++;
    return known_claim_skip(turn->store, claim, &turn->known, fresh, exchange->run_id,
                            exchange->now_ms, err) &&
           order_ended(turn->store, claim, exchange->now_ms, err);
}

/* Keeps the token that an update carries in place of a version. */
static bool note_token(struct store *store, const struct claim *claim, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_CLAIMS, CLAIM_TOKEN, err);

    db_bind_int64(statement, DB_ATTEMPT_ID, claim->attempt_id);
    db_bind_span(statement, DB_TOKEN, claim_token(claim));
    return db_run(store, statement, err, "note the token of an attempt");
}

static void bind_run(const struct exchange *exchange, struct db_statement *statement)
{
    db_bind_int64(statement, DB_RUN_ID, exchange->run_id);
    db_bind_int64(statement, DB_NOW_MS, exchange->now_ms);
}

bool claim_attempt(struct store *store, const struct exchange *exchange, struct claim *claim,
                   struct err *err)
{
    struct db_statement *statement = db_get(store, DB_CLAIMS, CLAIM_ATTEMPT, err);

    bind_run(exchange, statement);
    db_bind_int64(statement, DB_JOB_ID, claim->job_id);
    db_bind_text(statement, DB_METHOD, claim->request == REQUEST_UPDATE ? "PUT" : "GET");
    db_bind_known(statement, DB_VERSION, claim->request == REQUEST_UPDATE && claim->has_version,
                  claim->version);
    if (!db_run(store, statement, err, "begin an attempt"))
        return false;
    claim->attempt_id = sqlite3_last_insert_rowid(store->db);
    claim->claimed_ms = exchange->now_ms;
    return claim->request != REQUEST_UPDATE || !claim->token_size || note_token(store, claim, err);
}

/* Inserts what take_fresh left for many claims at once. */
static bool write_claims(struct turn *turn, struct err *err)
{
    struct exchange *exchange = turn->exchange;
    unsigned count = turn->unwritten;

    turn->unwritten = 0;
    return first_claims_write(turn->store, exchange->claims + exchange->claimed - count, count,
                              exchange->run_id, exchange->now_ms, err);
}

static void add_claim(struct turn *turn, struct claim *claim)
{
    claim->spread = turn->exchange->spread;
    claim->keeps_record = turn->batch->keeps_known;
    turn->exchange->claimed++;
    turn->bytes += claim->text.size;
}

/* Has the claim in hand: its attempt begins. */
static bool begin_attempt(struct turn *turn, struct claim *claim, struct err *err)
{
    if (!write_claims(turn, err) || !claim_attempt(turn->store, turn->exchange, claim, err))
        return false;
    add_claim(turn, claim);
    return true;
}

static bool take_again(struct turn *turn, struct claim *claim, struct err *err)
{
    struct db_statement *statement = get(turn, CLAIM_AGAIN, err);

    claim->attempts++;
    db_bind_int64(statement, DB_ATTEMPTS, claim->attempts);
    db_bind_int64(statement, DB_JOB_ID, claim->job_id);
    db_bind_known(statement, DB_VERSION, claim->has_version, claim->version);
    db_bind_blob(statement, DB_CORRELATION_ID, claim->correlation, sizeof claim->correlation);
    db_bind_int64(statement, DB_NOW_MS, turn->exchange->now_ms);
    turn->batch->deltas[JOB_PENDING]--;
    turn->batch->deltas[JOB_SENDING]++;
    return db_run(turn->store, statement, err, "claim a job") && begin_attempt(turn, claim, err);
}

/* The log was first asked when the clock was ahead: it counts as asked from now on. */
static bool ask_from_now(struct turn *turn, struct claim *claim, struct err *err)
{
    struct db_statement *statement = get(turn, CLAIM_ASKED_NOW, err);

    claim->asked_ahead = false;
    db_bind_int64(statement, DB_JOB_ID, claim->job_id);
    db_bind_int64(statement, DB_NOW_MS, turn->exchange->now_ms);
    turn->exchange->ahead++;
    return db_run(turn->store, statement, err, "set when the audit log was first asked");
}

/* A GET: the job's state stays as it is. */
static bool take_get(struct turn *turn, struct claim *claim, struct err *err)
{
    bool fetch = claim->request == REQUEST_FETCH;
    struct db_statement *statement = get(turn, fetch ? CLAIM_FETCH_AGAIN : CLAIM_ASK, err);

    if (claim->asked_ahead && !ask_from_now(turn, claim, err))
        return false;
    db_bind_int64(statement, DB_JOB_ID, claim->job_id);
    db_bind_int64(statement, DB_NOW_MS, turn->exchange->now_ms);
    if (fetch)
        db_bind_int64(statement, DB_RUN_ID, turn->exchange->run_id);
    return db_run(turn->store, statement, err, "claim a read-back") &&
           order_find_siblings(turn->store, claim, !fetch, err) && begin_attempt(turn, claim, err);
}

/* A job that was never claimed: a PUT, whose rows are inserted with those of others, or a GET of
 * the record that it is to be built on. */
static bool take_fresh(struct turn *turn, struct claim *claim, struct err *err)
{
    struct db_statement *statement;

    correlation_make(&turn->batch->key, id_row(claim->job_id), claim->correlation);
    if (claim->request != REQUEST_FETCH) {
        claim->attempts = 1;
        claim->is_first = true;
        turn->batch->deltas[JOB_PENDING]--;
        turn->batch->deltas[JOB_SENDING]++;
        add_claim(turn, claim);
        turn->unwritten++;
        return true;
    }
    statement = get(turn, CLAIM_FETCH_FIRST, err);
    bind_run(turn->exchange, statement);
    db_bind_int64(statement, DB_JOB_ID, claim->job_id);
    db_bind_blob(statement, DB_CORRELATION_ID, claim->correlation, sizeof claim->correlation);
    return db_run(turn->store, statement, err, "claim a job to be fetched") &&
           order_find_siblings(turn->store, claim, false, err) && begin_attempt(turn, claim, err);
}

/* Notes what the batch of a claim that was just read demands. */
static void read_batch(const struct turn *turn, struct claim *claim)
{
    claim->keeps_before = turn->batch->keeps_before;
    claim->is_exact = turn->batch->undoes;
    claim->is_look = false;
}

/* Makes the update of a batch that keeps what records held a look at the record, which comes first,
 * unless that was done for the version that it carries. */
static bool look_first(struct turn *turn, struct claim *claim, struct err *err)
{
    bool looked;

    if (!claim->keeps_before || claim->request != REQUEST_UPDATE)
        return true;
    if (!before_is_written(turn->store, claim->job_id, claim->version, &looked, err))
        return false;
    if (!looked) {
        claim->request = REQUEST_FETCH;
        claim->is_look = true;
    }
    return true;
}

/* A row whose record has earlier rows in the batch is sent with what came back for the last one. If
 * that showed no token, the record is read first. */
static bool chain(struct turn *turn, struct claim *claim, struct order *order, struct err *err)
{
    if (claim->lock == TARGET_NONE)
        return true;
    if (claim->lock == TARGET_STEP || !order->previous_applied || order->has_returned)
        return order_chain_version(turn->store, turn->batch, claim, order, err);
    claim->request = REQUEST_FETCH;
    claim->has_version = false;
    return true;
}

/* Claims a job that was claimed before: it is sent again, read back, or put off again. */
static bool claim_due_job(struct turn *turn, int64_t job_id, struct err *err)
{
    struct claim *claim = turn->exchange->claims[turn->exchange->claimed];
    struct db_statement *statement = get(turn, CLAIM_JOB, err);
    struct order order;
    bool row, sent, done;

    if (!ask_schema(turn, err))
        return false;
    db_bind_int64(statement, DB_JOB_ID, job_id);
    if (!db_step(turn->store, statement, &row, err, "read a job"))
        return false;
    if (!row)
        return err_set(err, ERR_STORE, "job %lld has a state and no row", (long long)job_id);
    claim_row_read_again(statement, turn->batch, turn->exchange->run_id, turn->exchange->now_ms,
                         claim, &sent);
    read_batch(turn, claim);
    db_column_correlation(statement, &turn->batch->key, claim->job_id, claim->correlation);
    db_reset(statement);
    if (job_state_of_request(claim->request) == JOB_UNKNOWN)
        return take_get(turn, claim, err);
    if (!order_look(turn->store, turn->batch, claim, &order, err))
        return false;
    if (order.waits_for)
        return put_off(turn, claim, false, order.waits_for, err);
    if (claim->request == REQUEST_FETCH) {
        if (!use_known(turn, claim, false, &done, err))
            return false;
        if (done)
            return true;
    } else if (order.previous_id && !sent && !chain(turn, claim, &order, err)) {
        return false;
    }
    return look_first(turn, claim, err) &&
           (claim->request == REQUEST_FETCH ? take_get : take_again)(turn, claim, err);
}

/* *more: there may be others, since as many were found as were asked for, or jobs may have waited
 * for one that was skipped. */
static bool claim_some_due(struct turn *turn, bool *more, struct err *err)
{
    struct db_statement *statement = get(turn, CLAIM_DUE, err);
    unsigned wanted = turn->exchange->wanted - turn->exchange->claimed;
    unsigned skipped = turn->exchange->skipped;
    struct id_list ids = {0};
    bool fine;

    db_bind_int64(statement, DB_BATCH_ID, turn->batch->id);
    db_bind_int64(statement, DB_NOW_MS, turn->exchange->now_ms);
    db_bind_int64(statement, DB_WANTED, wanted);
    /* collected first, because claiming changes the index that is walked */
    fine = db_collect(turn->store, statement, &ids, err, "look for due jobs");
    *more = ids.count == wanted;
    for (size_t i = 0; fine && i < ids.count && !is_full(turn); i++)
        fine = claim_due_job(turn, ids.items[i], err);
    *more = *more || turn->exchange->skipped > skipped;
    id_list_release(&ids);
    return fine;
}

/* Claims due jobs. Those that turn out to wait are put off, so that they do not delay others. */
static bool claim_due(struct turn *turn, struct err *err)
{
    bool more = true;

    while (more && !is_full(turn) && turn->passed < PASSED_MAX)
        if (!claim_some_due(turn, &more, err))
            return false;
    return true;
}

/* Claims the job of a row of CLAIM_FRESH or CLAIM_FRESH_AMONG. Whoever walks over them ends with
 * write_claims. */
static bool claim_fresh_row(struct turn *turn, struct db_statement *row, struct err *err)
{
    struct claim *claim = turn->exchange->claims[turn->exchange->claimed];
    struct order order = {0};
    bool done = false;

    if (!ask_schema(turn, err))
        return false;
    claim_row_read(row, turn->batch, DB_FIELDS, claim);
    read_batch(turn, claim);
    if (!db_column_is_null(row, DB_PREVIOUS_ID) &&
        !order_look(turn->store, turn->batch, claim, &order, err))
        return false;
    if (order.waits_for)
        return put_off(turn, claim, true, order.waits_for, err);
    if (claim->request == REQUEST_FETCH) {
        if (!use_known(turn, claim, true, &done, err))
            return false;
        if (done)
            return true;
    } else if (order.previous_id && !chain(turn, claim, &order, err))
        return false;
    return look_first(turn, claim, err) && take_fresh(turn, claim, err);
}

static void bind_fresh(struct turn *turn, struct db_statement *statement, int64_t from, int64_t end)
{
    db_bind_int64(statement, DB_OLDEST_ID, id_before(turn->store->open->items[0].id));
    db_bind_int64(statement, DB_FIRST_ID, from);
    db_bind_int64(statement, DB_END_ID, end);
}

/* A statement over the batch's jobs from its cursor on. */
static struct db_statement *from_cursor(struct turn *turn, unsigned index, struct err *err)
{
    struct db_statement *statement = get(turn, index, err);

    db_bind_int64(statement, DB_FIRST_ID, turn->batch->next_job_id);
    db_bind_int64(statement, DB_END_ID, id_end(turn->batch->id));
    return statement;
}

/* Claims jobs that were never claimed, from the batch's cursor on. Looking once for jobs that were
 * sent ahead saves a look at each job. *more: some may be left. */
static bool claim_fresh(struct turn *turn, bool *more, struct err *err)
{
    struct db_statement *statement = from_cursor(turn, CLAIM_AHEAD, err);
    bool fine = true, ahead;

    ahead = db_next(turn->store, statement, &fine, err, "look for jobs sent ahead");
    db_reset(statement);
    statement = get(turn, ahead ? CLAIM_FRESH_AMONG : CLAIM_FRESH, err);
    bind_fresh(turn, statement, turn->batch->next_job_id, id_end(turn->batch->id));
    *more = true;
    /* rows that must wait are put off and passed, but not without end in one transaction */
    while (fine && !is_full(turn) && turn->passed < PASSED_MAX) {
        *more = db_next(turn->store, statement, &fine, err, "look for fresh jobs");
        if (!*more)
            break;
        turn->batch->next_job_id = db_column_int64(statement, DB_ID) + 1;
        turn->batch->cursor_moved = true;
        fine = claim_fresh_row(turn, statement, err);
    }
    db_reset(statement);
    return fine && write_claims(turn, err);
}

static bool claim_fresh_job(struct turn *turn, int64_t job_id, struct err *err)
{
    struct db_statement *statement = get(turn, CLAIM_FRESH, err);
    bool fine = true;

    bind_fresh(turn, statement, job_id, job_id + 1);
    if (db_next(turn->store, statement, &fine, err, "look for a fresh job"))
        fine = claim_fresh_row(turn, statement, err);
    db_reset(statement);
    return fine && write_claims(turn, err);
}

static void note_due(struct exchange *exchange, int64_t due_ms)
{
    if (due_ms && (!exchange->next_due_ms || due_ms < exchange->next_due_ms))
        exchange->next_due_ms = due_ms;
}

/* Reads when the next waiting job of the batch is due. Jobs that were put off for longer than any
 * delay, because the clock was ahead, become due now. */
static bool read_next_due(struct turn *turn, struct err *err)
{
    int64_t now_ms = turn->exchange->now_ms, latest_ms = now_ms + POLICY_DELAY_MAX_MS;
    struct db_statement *statement = get(turn, CLAIM_NEXT_DUE, err);
    struct open_batch *batch = turn->batch;
    bool fine;

    batch->due_ms = 0;
    db_bind_int64(statement, DB_BATCH_ID, batch->id);
    fine = db_read_int64(turn->store, statement, DB_DUE_MS, &batch->due_ms, err,
                         "look for the next due job");
    batch->is_quiet = fine && turn->passed < PASSED_MAX;
    if (batch->due_ms > latest_ms) {
        statement = get(turn, CLAIM_MUST_BE_DUE, err);
        db_bind_int64(statement, DB_BATCH_ID, batch->id);
        db_bind_int64(statement, DB_NOW_MS, now_ms);
        db_bind_int64(statement, DB_DUE_MS, latest_ms);
        fine = db_run(turn->store, statement, err, "set when jobs are due");
        turn->exchange->ahead++;
        batch->due_ms = now_ms;
    }
    note_due(turn->exchange, batch->due_ms);
    return fine;
}

/* Claims jobs of the sample first, so that each of them comes to an answer. */
static bool claim_sampled(struct turn *turn, struct err *err)
{
    struct store *store = turn->store;

    for (unsigned i = 0; i < SAMPLE_MAX && !is_full(turn); i++) {
        struct order_standing standing;

        turn->batch = open_batches_find(turn->store->open, id_batch(store->sample[i]));
        if (!turn->batch)
            continue;
        if (!order_find_standing(store, store->sample[i], turn->exchange->run_id,
                                 turn->exchange->now_ms, &standing, err) ||
            (standing.is_due && !claim_due_job(turn, store->sample[i], err)))
            return false;
    }
    return true;
}

/* Claims the first fresh row from `from` on, before `end`, that can be sent. *any: there was a
 * fresh one. */
static bool probe(struct turn *turn, int64_t from, int64_t end, bool *any, struct err *err)
{
    struct db_statement *statement = get(turn, CLAIM_FRESH_AMONG, err);
    unsigned claimed = turn->exchange->claimed;
    bool fine = true;

    *any = false;
    bind_fresh(turn, statement, from, from + PROBE_REACH < end ? from + PROBE_REACH : end);
    for (unsigned i = 0; i < PROBE_ROWS && turn->exchange->claimed == claimed &&
                         db_next(turn->store, statement, &fine, err, "look for a job elsewhere");
         i++) {
        *any = true;
        fine = claim_fresh_row(turn, statement, err);
    }
    db_reset(statement);
    fine = fine && write_claims(turn, err);
    if (fine && turn->exchange->claimed > claimed)
        turn->store->sample[turn->store->probes % SAMPLE_MAX] =
            turn->exchange->claims[claimed]->job_id;
    return fine;
}

/* Probes the batch at a place, 0 to 1 of what is left after its cursor; at the cursor itself if the
 * jobs at that place have been sent. */
static bool probe_batch(struct turn *turn, double place, struct err *err)
{
    struct db_statement *statement = from_cursor(turn, CLAIM_LAST_ROW, err);
    struct open_batch *batch = turn->batch;
    int64_t from = batch->next_job_id, end = -1;
    bool any = false;

    if (!db_read_int64(turn->store, statement, DB_LAST_ID, &end, err,
                       "look for a batch's last job"))
        return false;
    if (++end <= from)
        return true;
    if (!probe(turn, from + (int64_t)((double)(end - from) * place), end, &any, err))
        return false;
    if (!any && !probe(turn, from, end, &any, err))
        return false;
    if (!any) {
        batch->next_job_id = from + PROBE_REACH < end ? from + PROBE_REACH : end;
        batch->cursor_moved = true;
    }
    return true;
}

static double fraction(double value)
{
    return value - (double)(int64_t)value;
}

/* A sample of the whole queue: fresh jobs of batches and places that are far from one another. The
 * places of the n-th probe are the fractions of n / g and n / g^2, which leave no gaps (g the
 * plastic number; M. Roberts' R2 sequence). */
static bool claim_spread(struct turn *turn, struct err *err)
{
    struct store *store = turn->store;
    size_t count = turn->store->open->count;
    unsigned tries = turn->exchange->wanted + PROBE_ROWS;

    if (!claim_sampled(turn, err))
        return false;
    for (unsigned i = 0; i < tries && count && !is_full(turn); i++) {
        double n = ++store->probes, batch = fraction(n * 0.7548776662466927);

        turn->batch = &turn->store->open->items[(size_t)(batch * (double)count)];
        if (turn->batch->in_question && !probe_batch(turn, fraction(n * 0.5698402909980532), err))
            return false;
    }
    return true;
}

/* Finds the next of the jobs that are tried last; 0: none. from_end: the last of them. */
static bool find_last(struct turn *turn, bool from_end, int64_t *job_id, struct err *err)
{
    struct db_statement *statement = get(turn, from_end ? CLAIM_LAST_REVERSED : CLAIM_LAST, err);
    *job_id = 0;
    db_bind_int64(statement, DB_RUN_ID, turn->exchange->run_id);
    db_bind_batch(statement, turn->exchange->batch_id);
    return db_read_int64(turn->store, statement, DB_JOB_ID, job_id, err,
                         "look for jobs that are tried last");
}

/* Claims what an earlier run has left and what this one has put after the others, when nothing else
 * can be sent. A sample is taken from both ends. */
static bool claim_last(struct turn *turn, struct err *err)
{
    for (unsigned i = 0; i < PASSED_MAX && !is_full(turn); i++) {
        int64_t job_id;

        if (!find_last(turn, turn->exchange->spread && i % 2, &job_id, err))
            return false;
        if (!job_id)
            return true;
        turn->batch = open_batches_find(turn->store->open, id_batch(job_id));
        if (!turn->batch)
            return err_set(err, ERR_STORE, "job %lld waits, and its batch is not open",
                           (long long)job_id);
        if (!claim_due_job(turn, job_id, err))
            return false;
    }
    if (!is_full(turn))
        turn->exchange->next_due_ms = turn->exchange->now_ms;
    return true;
}

/* Whether nothing of the batch can be claimed now, as an earlier turn found. */
static bool is_asleep(struct turn *turn)
{
    const struct open_batch *batch = turn->batch;

    if (!batch->in_question)
        return true;
    if (!batch->is_quiet ||
        (batch->due_ms && (batch->due_ms <= turn->exchange->now_ms ||
                           batch->due_ms > turn->exchange->now_ms + POLICY_DELAY_MAX_MS)))
        return false;
    note_due(turn->exchange, batch->due_ms);
    return true;
}

/* *rest: the batch has more than one turn may look at. */
static bool visit_batch(struct turn *turn, bool *rest, struct err *err)
{
    bool more = false;

    if (!claim_due(turn, err) || (!is_full(turn) && !claim_fresh(turn, &more, err)))
        return false;
    turn->batch->is_quiet = false;
    *rest = *rest || more;
    return is_full(turn) || more || read_next_due(turn, err);
}

/* In the order of the queue: oldest batch first, in each the due jobs, then fresh ones. */
static bool claim_in_order(struct turn *turn, struct err *err)
{
    struct exchange *exchange = turn->exchange;
    struct open_batches *open = turn->store->open;
    bool rest = open->from_id != 0;
    unsigned visits = 0;
    size_t i = 0;

    while (i < open->count && open->items[i].id < open->from_id)
        i++;
    open->from_id = 0;
    for (; i < open->count && !is_full(turn); i++) {
        turn->batch = &open->items[i];
        if (is_asleep(turn))
            continue;
        if (visits++ == VISITS_MAX) {
            open->from_id = turn->batch->id;
            rest = true;
            break;
        }
        if (!visit_batch(turn, &rest, err))
            return false;
    }
    if (rest && !is_full(turn))
        exchange->next_due_ms = exchange->now_ms;
    return rest || is_full(turn) || claim_last(turn, err);
}

/* Claims a job that one of the exchange's batch waits for. It stays in the list until it is at its
 * end, because its answer can have it sent again. */
static bool claim_prior_job(struct turn *turn, int64_t job_id, struct err *err)
{
    struct exchange *exchange = turn->exchange;
    unsigned claimed = exchange->claimed;
    struct order_standing standing;

    turn->batch = open_batches_find(turn->store->open, id_batch(job_id));
    if (!turn->batch)
        return true;
    if (!order_find_standing(turn->store, job_id, exchange->run_id, exchange->now_ms, &standing,
                             err))
        return false;
    if (standing.is_over)
        return true;
    if (standing.is_fresh && !claim_fresh_job(turn, job_id, err))
        return false;
    if (standing.is_due && !claim_due_job(turn, job_id, err))
        return false;
    if (!standing.is_due)
        note_due(exchange, standing.not_before_ms);
    exchange->prior += exchange->claimed - claimed;
    id_list_add(&turn->store->prior, job_id);
    return true;
}

static bool claim_prior(struct turn *turn, struct err *err)
{
    struct id_list *prior = &turn->store->prior;
    size_t count = prior->count, done = 0;
    bool fine = true;

    while (fine && done < count && !is_full(turn))
        fine = claim_prior_job(turn, prior->items[done++], err);
    id_list_drop(prior, done);
    return fine;
}

static bool claim_all(struct turn *turn, struct err *err)
{
    struct exchange *exchange = turn->exchange;

    if (exchange->spread && !claim_spread(turn, err))
        return false;
    if (!exchange->spread && !claim_prior(turn, err))
        return false;
    /* if no sample is left, all jobs are the sample */
    if (!exchange->claimed && !is_full(turn) &&
        ((exchange->spread && !claim_prior(turn, err)) || !claim_in_order(turn, err)))
        return false;
    if (turn->prior_added && !is_full(turn))
        exchange->next_due_ms = exchange->now_ms;
    return true;
}

bool claim_jobs(struct store *store, struct exchange *exchange, struct err *err)
{
    struct turn turn = {.store = store, .exchange = exchange};
    bool fine = claim_all(&turn, err);

    known_stop(store);
    buf_release(&turn.known.fields);
    return fine;
}
