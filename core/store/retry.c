#include "core/store/retry.h"

#include "core/store/db.h"

enum { RETRY_FIND, RETRY_FIND_RECORD, RETRY_FORGET_VIOLATIONS, RETRY_REBASE };

#define WANTED                                                                                     \
    "AND ((s.state = 'failed' AND :failed) OR (s.state = 'refused' AND :refused)) AND "            \
    "s.updated_ms >= :since_ms "

static const char *const sql[] = {
    /* only batches that count some are walked */
    [RETRY_FIND] =
        "SELECT s.job_id FROM batch_tally t JOIN batch b ON b.id = t.batch_id "
        "AND b.pruned_ms IS NULL CROSS JOIN job_state s ON s.job_id > t.batch_id * " ID_ROWS_SQL
        " AND s.job_id < (t.batch_id + 1) * " ID_ROWS_SQL
        " WHERE (:batch_id = 0 OR t.batch_id = :batch_id) AND t.failed + t.refused > 0 " WANTED
        "ORDER BY t.batch_id, s.job_id",
    [RETRY_FIND_RECORD] =
        "SELECT s.job_id FROM record_job k JOIN job_state s "
        "ON s.job_id = k.job_id JOIN batch b ON b.id = k.job_id / " ID_ROWS_SQL
        " AND b.pruned_ms IS NULL WHERE k.record_id = :record_id "
        "AND (:batch_id = 0 OR k.job_id / " ID_ROWS_SQL " = :batch_id) " WANTED "ORDER BY k.job_id",
    [RETRY_FORGET_VIOLATIONS] = "DELETE FROM server_violation WHERE job_id = :job_id",
    [RETRY_REBASE] = "UPDATE rebase SET rounds = 0, version = NULL, fields = NULL "
                     "WHERE job_id = :job_id",
};

const struct db_statements retry_statements = {sql, sizeof sql / sizeof *sql};

bool retry_find(struct store *store, const struct retry_choice *choice, struct id_list *job_ids,
                struct err *err)
{
    struct db_statement *statement =
        db_get(store, DB_RETRIES, choice->record_id ? RETRY_FIND_RECORD : RETRY_FIND, err);

    db_bind_int64(statement, DB_BATCH_ID, choice->batch_id);
    db_bind_int64(statement, DB_FAILED, (choice->states & 1u << JOB_FAILED) != 0);
    db_bind_int64(statement, DB_REFUSED, (choice->states & 1u << JOB_REFUSED) != 0);
    db_bind_int64(statement, DB_SINCE_MS, choice->since_ms);
    if (choice->record_id)
        db_bind_text(statement, DB_RECORD_ID, choice->record_id);
    return db_collect(store, statement, job_ids, err, "look for jobs to be tried again");
}

static bool settle(struct store *store, const struct decision *decision, const struct decided *job,
                   struct err *err)
{
    struct db_statement *violations = db_get(store, DB_RETRIES, RETRY_FORGET_VIOLATIONS, err);
    struct db_statement *rebase = db_get(store, DB_RETRIES, RETRY_REBASE, err);

    (void)decision;
    db_bind_int64(violations, DB_JOB_ID, job->job_id);
    db_bind_int64(rebase, DB_JOB_ID, job->job_id);
    return db_run(store, violations, err, "forget what the server said") &&
           /* a read-back compares with what was sent */
           (job->to == JOB_UNKNOWN || db_run(store, rebase, err, "have the record fetched"));
}

bool retry_jobs(struct store *store, const struct decision *decision, const struct id_list *job_ids,
                struct err *err)
{
    struct decision whole = *decision;

    whole.from = JOB_SET(JOB_RETRIABLE_LIST);
    whole.to = JOB_PENDING;
    whole.settle = settle;
    return decide_jobs(store, &whole, job_ids, err);
}
