#include "core/store/summary.h"

#include "core/store/db.h"

#define COLUMNS                                                                                    \
    "SELECT b.id, b.source, b.schema, b.state, b.reason, b.rows_read, b.rows_rejected, "           \
    "b.rows_discarded, b.request_rows, b.created_ms, b.finished_ms, " SQL_COUNTERS                 \
    ", b.pruned_ms, "                                                                              \
    "u.verified, u.missing, u.mismatch, u.due AS is_due FROM batch b "                             \
    "JOIN batch_tally t ON t.batch_id = b.id LEFT JOIN batch_audit u ON u.batch_id = b.id "

static const char *const sql[] = {
    [SUMMARY_ALL] = COLUMNS "WHERE :id IS NOT NULL ORDER BY b.id",
    [SUMMARY_ONE] = COLUMNS "WHERE b.id = :id",
    [SUMMARY_INTAKE] = COLUMNS "WHERE b.loaded_run_id = :id ORDER BY b.id",
    [SUMMARY_WORKED] = COLUMNS "WHERE b.state " IN_BATCHES_UNFINISHED " OR b.loaded_run_id = :id "
                               "OR b.finished_run_id = :id OR u.run_id = :id ORDER BY b.id",
    [SUMMARY_DRAINED] = COLUMNS "WHERE b.state = 'open' OR (b.finished_run_id = :id "
                                "AND b.state = 'done') OR u.run_id = :id ORDER BY b.id",
    [SUMMARY_AUDITED] = COLUMNS "WHERE u.run_id = :id ORDER BY b.id",
};

const struct db_statements summary_statements = {sql, sizeof sql / sizeof *sql};

static bool read_counts(struct store *store, struct db_statement *statement,
                        struct batch_counts *batch, struct err *err)
{
    const char *reason = db_column_text(statement, DB_REASON);
    uint64_t request_rows = (uint64_t)db_column_int64(statement, DB_REQUEST_ROWS);

    *batch = (struct batch_counts){
        .id = db_column_int64(statement, DB_ID),
        .source = db_column_text(statement, DB_SOURCE),
        .schema = db_column_text(statement, DB_SCHEMA),
        .reason = reason ? reason : "",
        .rows_read = (uint64_t)db_column_int64(statement, DB_ROWS_READ),
        .rows_rejected = (uint64_t)db_column_int64(statement, DB_ROWS_REJECTED),
        .rows_discarded = (uint64_t)db_column_int64(statement, DB_ROWS_DISCARDED),
        .created_ms = db_column_int64(statement, DB_CREATED_MS),
        .finished_ms = db_column_int64(statement, DB_FINISHED_MS),
        .pruned_ms = db_column_int64(statement, DB_PRUNED_MS),
        .audits_due =
            db_column_int(statement, DB_IS_DUE) && db_column_is_null(statement, DB_PRUNED_MS),
    };
    for (int state = 0; state < JOB_STATES; state++) {
        batch->by_state[state] = (uint64_t)db_column_int64(statement, db_name_of_state(state));
        batch->jobs += batch->by_state[state];
        if (job_state_is_open((enum job_state)state))
            batch->requests_left += batch->by_state[state];
    }
    if (request_rows > 1)
        batch->requests_left = (batch->requests_left + request_rows - 1) / request_rows;
    for (int verdict = VERDICT_VERIFIED; verdict < VERDICTS; verdict++)
        batch->by_verdict[verdict] =
            (uint64_t)db_column_int64(statement, db_name_of_verdict(verdict));
    return db_column_batch_state(store, statement, &batch->state, err);
}

bool summary_batches(struct store *store, enum summary_scope scope, int64_t id,
                     bool (*visit)(void *context, const struct batch_counts *batch,
                                   struct err *err),
                     void *context, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_SUMMARIES, scope, err);
    struct batch_counts batch;
    bool fine = true;

    db_bind_int64(statement, DB_ID, id);
    while (db_next(store, statement, &fine, err, "read the batches"))
        fine = read_counts(store, statement, &batch, err) && visit(context, &batch, err);
    db_reset(statement);
    return fine;
}

bool summary_balance(const struct batch_counts *batch, struct err *err)
{
    bool loading = batch->state == BATCH_LOADING;

    /* a refused batch whose discarding was interrupted still has its jobs, and they count as such
     */
    if (loading || batch->rows_read == batch->rows_rejected + batch->jobs + batch->rows_discarded)
        return true;
    return err_set(
        err, ERR_INTERNAL,
        "batch %lld: the row counts do not add up: %llu rows read, %llu rejected, %llu jobs, "
        "%llu discarded",
        (long long)batch->id, (unsigned long long)batch->rows_read,
        (unsigned long long)batch->rows_rejected, (unsigned long long)batch->jobs,
        (unsigned long long)batch->rows_discarded);
}
