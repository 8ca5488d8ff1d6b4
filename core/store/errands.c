/* Jobs that are sent ahead of their batch: a drain of one batch also sends what the batch's jobs
 * wait for, the earlier jobs of their records, in whatever batch these are. */
#include "core/store/exchange.h"

enum { ERRAND_STATE, ERRAND_FIND };

static const char *const sql[] = {
    /* left: by this run to the next one; last: by an earlier one to this */
    [ERRAND_STATE] = "SELECT s.state, s.not_before_ms, s.waits_for IS -:run_id AND NOT EXISTS "
                     "(SELECT 1 FROM attempt a WHERE a.job_id = s.job_id AND a.ended_ms IS NULL) "
                     "AS is_left, s.waits_for > -:run_id AND s.waits_for <= 0 AS last FROM job_row "
                     "r LEFT JOIN job_state s ON s.job_id = r.id WHERE r.id = :job_id",
    /* of a batch's jobs that were put off by an earlier process: what they wait for elsewhere, and
     * what that waits for in turn */
    [ERRAND_FIND] =
        "WITH RECURSIVE stake (job_id) AS (SELECT waits_for FROM job_state "
        "WHERE job_id > :first_id AND job_id < :end_id AND waits_for > 0 "
        "AND (waits_for < :first_id OR waits_for > :end_id) UNION SELECT s.waits_for FROM stake "
        "CROSS JOIN job_state s ON s.job_id = stake.job_id WHERE s.waits_for > 0) "
        "SELECT job_id FROM stake",
};

const struct db_statements errand_statements = {sql, sizeof sql / sizeof *sql};

void errand_add(struct turn *turn, int64_t job_id)
{
    if (open_batches_find(turn->open, id_batch(job_id))->in_question)
        return;
    id_list_add(&turn->store->errands, job_id);
    turn->errands_added = true;
}

bool errand_standing(struct turn *turn, int64_t job_id, struct standing *standing, struct err *err)
{
    struct db_statement *statement = db_get(turn->store, DB_ERRANDS, ERRAND_STATE, err);
    enum job_state state;
    bool row, fine;

    *standing = (struct standing){.is_over = true};
    db_bind_int64(statement, DB_JOB_ID, job_id);
    db_bind_int64(statement, DB_RUN_ID, turn->exchange->run_id);
    if (!db_step(turn->store, statement, &row, err, "look at a job that others wait for"))
        return false;
    if (!row)
        return true;
    fine = db_column_job_state(turn->store, statement, &state, err);
    standing->is_fresh = db_column_is_null(statement, DB_STATE);
    standing->is_over = !job_state_is_open(state) || db_column_int(statement, DB_IS_LEFT);
    standing->not_before_ms = db_column_int64(statement, DB_NOT_BEFORE_MS);
    standing->is_due = db_column_int(statement, DB_LAST) ||
                       (standing->not_before_ms &&
                        (standing->not_before_ms <= turn->exchange->now_ms ||
                         standing->not_before_ms > turn->exchange->now_ms + POLICY_DELAY_MAX_MS));
    db_reset(statement);
    return fine;
}

bool errands_find(struct store *store, int64_t batch_id, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_ERRANDS, ERRAND_FIND, err);

    if (store->errands_batch_id == batch_id)
        return true;
    store->errands.count = 0;
    db_bind_batch(statement, batch_id);
    if (batch_id && !db_collect(store, statement, &store->errands, err,
                                "look for what the batch's jobs wait for"))
        return false;
    store->errands_batch_id = batch_id;
    return true;
}

/* It stays an errand until it is at its end, for what it is answered with may have it sent again.
 */
static bool claim_errand(struct turn *turn, int64_t job_id, struct err *err)
{
    struct exchange *exchange = turn->exchange;
    unsigned claimed = exchange->claimed;
    struct standing standing;

    turn->batch = open_batches_find(turn->open, id_batch(job_id));
    if (!turn->batch)
        return true;
    if (!errand_standing(turn, job_id, &standing, err))
        return false;
    if (standing.is_over)
        return true;
    if (standing.is_fresh && !claim_fresh_job(turn, job_id, err))
        return false;
    if (standing.is_due && !claim_due_job(turn, job_id, err))
        return false;
    if (!standing.is_due && standing.not_before_ms &&
        (!exchange->next_due_ms || standing.not_before_ms < exchange->next_due_ms))
        exchange->next_due_ms = standing.not_before_ms;
    exchange->errands += exchange->claimed - claimed;
    id_list_add(&turn->store->errands, job_id);
    return true;
}

bool errands_claim(struct turn *turn, struct err *err)
{
    struct id_list *errands = &turn->store->errands;
    size_t count = errands->count, done = 0;
    bool fine = true;

    while (fine && done < count && !claim_is_full(turn))
        fine = claim_errand(turn, errands->items[done++], err);
    id_list_drop(errands, done);
    return fine;
}
