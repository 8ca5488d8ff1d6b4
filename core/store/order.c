#include "core/store/order.h"

/* A job was claimed only when nothing earlier of its record was open. So the search backwards ends
 * at the first earlier job that was sent, however many there are before that one, with one
 * exception: a decision may have opened an earlier one again. Those are in reopened_job until they
 * end. */
enum {
    ORDER_EARLIER,
    ORDER_REOPENED,
    ORDER_FIRST,
    ORDER_RETURNED,
    ORDER_ENDED,
    ORDER_WAKE,
    ORDER_SIBLINGS,
    ORDER_STANDING,
    ORDER_PRIOR
};

enum {
    SIBLINGS_MAX = 32, /* on each side */
    LATER_MAX = 256,   /* on one side */
};

static const char *const sql[] = {
    [ORDER_EARLIER] =
        "SELECT k.job_id, b.schema, b.state = 'open' AS is_open, s.state, "
        "s.server_version FROM record_job k "
        "CROSS JOIN batch b ON b.id = k.job_id / " ID_ROWS_SQL
        " LEFT JOIN job_state s ON s.job_id = k.job_id WHERE k.record_id = :record_id "
        "AND k.job_id >= :first_id AND k.job_id < :end_id "
        "ORDER BY k.job_id DESC LIMIT 1",
    [ORDER_REOPENED] =
        "SELECT k.job_id FROM reopened_job k CROSS JOIN batch b ON b.id = k.job_id / " ID_ROWS_SQL
        " WHERE k.record_id = :record_id AND k.job_id < :end_id AND b.schema = :schema "
        "ORDER BY k.job_id DESC LIMIT 1",
    [ORDER_FIRST] = "SELECT r.version FROM record_job k CROSS JOIN job_row r ON r.id = k.job_id "
                    "WHERE k.record_id = :record_id AND k.job_id > :first_id "
                    "ORDER BY k.job_id LIMIT 1",
    [ORDER_RETURNED] =
        "SELECT s.server_version FROM record_job k CROSS JOIN job_state s ON s.job_id = k.job_id "
        "WHERE k.record_id = :record_id AND k.job_id > :first_id AND k.job_id < :end_id "
        "AND s.state " IN_LANDED " ORDER BY k.job_id DESC LIMIT 1",
    [ORDER_ENDED] = "DELETE FROM reopened_job WHERE record_id = :record_id AND job_id = :job_id",
    [ORDER_WAKE] = "UPDATE job_state SET not_before_ms = :now_ms, waits_for = NULL "
                   "WHERE waits_for = :job_id RETURNING job_id AS job_id",
    /* a record can have many jobs: those that were sent right before and after this one do */
    [ORDER_SIBLINGS] =
        "SELECT k.job_id, s.correlation_id, s.attempts > 0 OR s.doubt AS is_sent, "
        "iif(s.state = 'applied', s.server_version, NULL) AS made_version, "
        "iif(s.state = 'applied', s.server_token, NULL) AS made_token, "
        "b.schema, b.content_hash, b.occurrence, b.rows_before "
        "FROM (SELECT * FROM (SELECT job_id FROM record_job WHERE record_id = :record_id "
        "AND job_id < :job_id ORDER BY job_id DESC LIMIT :before) "
        "UNION ALL SELECT * FROM (SELECT job_id FROM record_job WHERE record_id = :record_id "
        "AND job_id > :job_id ORDER BY job_id LIMIT :wanted)) k "
        "CROSS JOIN batch b ON b.id = k.job_id / " ID_ROWS_SQL " AND b.schema = :schema "
        "LEFT JOIN job_state s ON s.job_id = k.job_id",
    /* left: by this run to the next one; last: by an earlier one to this */
    [ORDER_STANDING] =
        "SELECT s.state, s.not_before_ms, s.waits_for IS -:run_id AND NOT EXISTS "
        "(SELECT 1 FROM attempt a WHERE a.job_id = s.job_id AND a.ended_ms IS NULL) "
        "AS is_left, s.waits_for > -:run_id AND s.waits_for <= 0 AS last FROM job_row "
        "r LEFT JOIN job_state s ON s.job_id = r.id WHERE r.id = :job_id",
    /* of a batch's jobs that were put off by an earlier process: what they wait for elsewhere, and
     * what that waits for in turn */
    [ORDER_PRIOR] =
        "WITH RECURSIVE stake (job_id) AS (SELECT waits_for FROM job_state "
        "WHERE job_id > :first_id AND job_id < :end_id AND waits_for > 0 "
        "AND (waits_for < :first_id OR waits_for > :end_id) UNION SELECT s.waits_for FROM stake "
        "CROSS JOIN job_state s ON s.job_id = stake.job_id WHERE s.waits_for > 0) "
        "SELECT job_id FROM stake",
};

const struct db_statements order_statements = {sql, sizeof sql / sizeof *sql};

/* What one step back finds. */
struct earlier {
    int64_t job_id;
    bool is_open;    /* it is of the same schema, and not finished */
    bool was_sent;   /* it is of the same schema, and finished after it was claimed */
    int64_t skip_to; /* where the search continues otherwise */
};

static struct chain_note *chain_of(struct store *store, int64_t job_id)
{
    return &store->chains[job_id % CHAIN_NOTES];
}

static bool read_earlier(struct store *store, const struct open_batch *batch,
                         struct db_statement *statement, struct order *order,
                         struct earlier *earlier, struct err *err)
{
    bool same_schema = span_is(db_column_span(statement, DB_SCHEMA), batch->schema);
    bool batch_is_open = db_column_int(statement, DB_IS_OPEN);
    int64_t job_id = db_column_int64(statement, DB_JOB_ID);
    enum job_state state;

    if (!db_column_job_state(store, statement, &state, err))
        return false;
    *earlier = (struct earlier){
        .job_id = job_id,
        .is_open = same_schema && batch_is_open && job_state_is_open(state),
        .was_sent = same_schema && !job_state_is_open(state) && state != JOB_CANCELLED,
        .skip_to = same_schema && batch_is_open ? job_id : id_before(id_batch(job_id)),
    };
    if (id_batch(job_id) == batch->id && !order->previous_id) {
        order->previous_id = job_id;
        order->previous_applied = JOB_SET(JOB_LANDED_LIST) & 1u << state;
        order->has_returned =
            order->previous_applied && !db_column_is_null(statement, DB_SERVER_VERSION);
        order->returned = db_column_int64(statement, DB_SERVER_VERSION);
    }
    return true;
}

/* Goes one step back from end_id. *found: there is an earlier job. */
static bool step_back(struct store *store, const struct open_batch *batch,
                      const struct claim *claim, int64_t end_id, struct order *order,
                      struct earlier *earlier, bool *found, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_ORDERS, ORDER_EARLIER, err);
    bool fine;

    db_bind_span(statement, DB_RECORD_ID, claim_record_id(claim));
    db_bind_int64(statement, DB_FIRST_ID, id_before(store->open->items[0].id));
    db_bind_int64(statement, DB_END_ID, end_id);
    if (!db_step(store, statement, found, err, "look for earlier jobs"))
        return false;
    fine = !*found || read_earlier(store, batch, statement, order, earlier, err);
    db_reset(statement);
    return fine;
}

/* The latest earlier job that a decision opened again. */
static bool find_reopened(struct store *store, const struct claim *claim, struct order *order,
                          struct err *err)
{
    struct db_statement *statement = db_get(store, DB_ORDERS, ORDER_REOPENED, err);
    db_bind_span(statement, DB_RECORD_ID, claim_record_id(claim));
    db_bind_int64(statement, DB_END_ID, claim->job_id);
    db_bind_span(statement, DB_SCHEMA, claim_schema(claim));
    return db_read_int64(store, statement, DB_JOB_ID, &order->waits_for, err,
                         "look for jobs that were opened again");
}

bool order_look(struct store *store, const struct open_batch *batch, const struct claim *claim,
                struct order *order, struct err *err)
{
    struct earlier earlier = {.skip_to = claim->job_id};
    bool found = true;

    *order = (struct order){0};
    while (found && !earlier.is_open && !earlier.was_sent)
        if (!step_back(store, batch, claim, earlier.skip_to, order, &earlier, &found, err))
            return false;
    if (found && earlier.is_open)
        order->waits_for = earlier.job_id;
    return !found || earlier.is_open || !store->jobs_reopened ||
           find_reopened(store, claim, order, err);
}

/* Finds the version that the server returned for the last applied row of the batch, if that is not
 * the row before. */
static bool find_returned(struct store *store, const struct open_batch *batch,
                          const struct claim *claim, struct order *order, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_ORDERS, ORDER_RETURNED, err);
    bool fine = true;

    db_bind_span(statement, DB_RECORD_ID, claim_record_id(claim));
    db_bind_int64(statement, DB_FIRST_ID, id_before(batch->id));
    db_bind_int64(statement, DB_END_ID, order->previous_id);
    if (db_next(store, statement, &fine, err, "look for the version that came back")) {
        order->has_returned = !db_column_is_null(statement, DB_SERVER_VERSION);
        order->returned = db_column_int64(statement, DB_SERVER_VERSION);
    }
    db_reset(statement);
    return fine;
}

static bool read_returned(struct store *store, const struct open_batch *batch,
                          const struct claim *claim, struct order *order, struct err *err)
{
    struct chain_note *note = chain_of(store, order->previous_id);

    if (order->previous_applied)
        return true;
    if (note->job_id != order->previous_id)
        return find_returned(store, batch, claim, order, err);
    order->has_returned = note->has_returned;
    order->returned = note->returned;
    return true;
}

bool order_chain_version(struct store *store, const struct open_batch *batch, struct claim *claim,
                         struct order *order, struct err *err)
{
    struct db_statement *statement;
    bool fine = read_returned(store, batch, claim, order, err);

    if (!fine)
        return false;
    *chain_of(store, claim->job_id) =
        (struct chain_note){claim->job_id, order->has_returned, order->returned};
    if (!order->has_returned)
        return true;
    statement = db_get(store, DB_ORDERS, ORDER_FIRST, err);
    db_bind_span(statement, DB_RECORD_ID, claim_record_id(claim));
    db_bind_int64(statement, DB_FIRST_ID, id_before(batch->id));
    if (db_next(store, statement, &fine, err, "look for the first version") &&
        !db_column_is_null(statement, DB_VERSION) &&
        claim->version >= db_column_int64(statement, DB_VERSION) &&
        claim->version <= order->returned)
        claim->version = order->returned;
    db_reset(statement);
    return fine;
}

/* Notes that a job which a decision had opened again is finished. */
static bool end_reopened(struct store *store, const struct claim *claim, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_ORDERS, ORDER_ENDED, err);

    memset(store->chains, 0, sizeof store->chains);
    db_bind_span(statement, DB_RECORD_ID, claim_record_id(claim));
    db_bind_int64(statement, DB_JOB_ID, claim->job_id);
    return db_run(store, statement, err, "end a job that was opened again");
}

static bool wake(struct store *store, const struct claim *claim, int64_t now_ms, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_ORDERS, ORDER_WAKE, err);
    bool fine = true;

    db_bind_int64(statement, DB_JOB_ID, claim->job_id);
    db_bind_int64(statement, DB_NOW_MS, now_ms);
    while (db_next(store, statement, &fine, err, "wake a waiting job")) {
        struct open_batch *batch =
            open_batches_find(store->open, id_batch(db_column_int64(statement, DB_JOB_ID)));

        if (batch)
            batch->is_quiet = false;
    }
    return fine;
}

bool order_ended(struct store *store, const struct claim *claim, int64_t now_ms, struct err *err)
{
    return (!claim->is_reopened || end_reopened(store, claim, err)) &&
           (!store->jobs_wait || wake(store, claim, now_ms, err));
}

static void keep_token(struct claim_sibling *sibling, struct span token)
{
    if (token.size && token.size < sizeof sibling->made_token)
        memcpy(sibling->made_token, token.data, token.size);
}

bool order_find_siblings(struct store *store, struct claim *claim, bool both_sides, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_ORDERS, ORDER_SIBLINGS, err);
    struct correlation_key key;
    int64_t batch_id = 0;
    bool fine = true, has_key = false;

    db_bind_span(statement, DB_RECORD_ID, claim_record_id(claim));
    db_bind_int64(statement, DB_JOB_ID, claim->job_id);
    db_bind_span(statement, DB_SCHEMA, claim_schema(claim));
    db_bind_int64(statement, DB_BEFORE, both_sides ? SIBLINGS_MAX : 0);
    db_bind_int64(statement, DB_WANTED, both_sides ? SIBLINGS_MAX : LATER_MAX);
    while (db_next(store, statement, &fine, err, "look for other jobs of the record")) {
        struct claim_sibling sibling = {.job_id = db_column_int64(statement, DB_JOB_ID),
                                        .is_sent = db_column_int(statement, DB_IS_SENT),
                                        .made_version = -1};

        if (id_batch(sibling.job_id) != batch_id) {
            batch_id = id_batch(sibling.job_id);
            has_key = db_column_key(statement, &key);
        }
        if (!db_column_correlation(statement, has_key ? &key : NULL, sibling.job_id,
                                   sibling.correlation))
            continue;
        if (!db_column_is_null(statement, DB_MADE_VERSION))
            sibling.made_version = db_column_int64(statement, DB_MADE_VERSION);
        keep_token(&sibling, db_column_span(statement, DB_MADE_TOKEN));
        buf_append(&claim->siblings, (const char *)&sibling, sizeof sibling);
    }
    return fine;
}

bool order_find_standing(struct store *store, int64_t job_id, int64_t run_id, int64_t now_ms,
                         struct order_standing *standing, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_ORDERS, ORDER_STANDING, err);
    enum job_state state;
    bool fine = true;

    *standing = (struct order_standing){.is_over = true};
    db_bind_int64(statement, DB_JOB_ID, job_id);
    db_bind_int64(statement, DB_RUN_ID, run_id);
    if (db_next(store, statement, &fine, err, "look at a job that others wait for")) {
        fine = db_column_job_state(store, statement, &state, err);
        standing->is_fresh = db_column_is_null(statement, DB_STATE);
        standing->is_over = !job_state_is_open(state) || db_column_int(statement, DB_IS_LEFT);
        standing->not_before_ms = db_column_int64(statement, DB_NOT_BEFORE_MS);
        standing->is_due =
            db_column_int(statement, DB_LAST) ||
            (standing->not_before_ms && (standing->not_before_ms <= now_ms ||
                                         standing->not_before_ms > now_ms + POLICY_DELAY_MAX_MS));
    }
    db_reset(statement);
    return fine;
}

bool order_find_prior(struct store *store, int64_t batch_id, struct err *err)
{
    struct db_statement *statement;

    if (store->prior_batch_id == batch_id)
        return true;
    store->prior.count = 0;
    if (batch_id) {
        statement = db_get(store, DB_ORDERS, ORDER_PRIOR, err);
        db_bind_batch(statement, batch_id);
        if (!db_collect(store, statement, &store->prior, err,
                        "look for what the batch's jobs wait for"))
            return false;
    }
    store->prior_batch_id = batch_id;
    return true;
}
