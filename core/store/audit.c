#include "core/store/audit.h"

#include "core/store/db.h"

#include <string.h>

enum {
    AUDIT_EXPECT,
    AUDIT_DUE,
    AUDIT_TAKE_DUE,
    AUDIT_TAKE_ALL,
    AUDIT_COUNT,
    AUDIT_BATCH,
    AUDIT_END,
    AUDIT_JOBS,
    AUDIT_LAST_ATTEMPT,
    AUDIT_VERDICT,
    AUDIT_WRITE,
    AUDIT_TALLY,
};

#define ADD(verdict, name)     #name " = " #name " + :" #name
#define AND_ADD(verdict, name) ", " ADD(verdict, name)
#define VERDICTS_ADDED         VERDICT_LIST(ADD, AND_ADD)

/* Only the guide's target, in whatever variant, has an audit log that updates are looked up in. */
#define HAS_LOG "coalesce(target, 'guide') = 'guide'"

static const char *const sql[] = {
    [AUDIT_EXPECT] = "INSERT INTO batch_audit (batch_id, due) SELECT id, 1 FROM batch "
                     "WHERE state " IN_BATCHES_UNFINISHED " AND state = 'open' AND " HAS_LOG " "
                     "ON CONFLICT (batch_id) DO UPDATE SET due = 1",
    [AUDIT_DUE] = "SELECT u.batch_id FROM batch_audit u JOIN batch b ON b.id = u.batch_id "
                  "WHERE u.due AND b.pruned_ms IS NULL "
                  "AND (:batch_id = 0 OR u.batch_id = :batch_id) LIMIT 1",
    [AUDIT_TAKE_DUE] = "UPDATE batch_audit SET run_id = :run_id WHERE due "
                       "AND (:batch_id = 0 OR batch_id = :batch_id)",
    [AUDIT_TAKE_ALL] =
        "INSERT INTO batch_audit (batch_id, due, run_id) SELECT b.id, 0, :run_id FROM batch b "
        "JOIN batch_tally t ON t.batch_id = b.id LEFT JOIN batch_audit u ON u.batch_id = b.id "
        "WHERE b.pruned_ms IS NULL AND t.applied > coalesce(u.verified, 0) AND " HAS_LOG " "
        "AND (:batch_id = 0 OR b.id = :batch_id) "
        "ON CONFLICT (batch_id) DO UPDATE SET run_id = excluded.run_id",
    [AUDIT_COUNT] =
        "SELECT coalesce(sum(t.applied - u.verified - u.mismatch - iif(:again, 0, u.missing)), 0) "
        "AS jobs FROM batch_audit u JOIN batch_tally t ON t.batch_id = u.batch_id "
        "WHERE u.run_id = :run_id",
    [AUDIT_BATCH] = "SELECT b.id, b.schema FROM batch_audit u JOIN batch b ON b.id = u.batch_id "
                    "WHERE u.run_id = :run_id AND u.batch_id > :batch_id AND b.pruned_ms IS NULL "
                    "ORDER BY u.batch_id LIMIT 1",
    [AUDIT_END] = "UPDATE batch_audit SET due = 0 WHERE batch_id = :batch_id AND due",
    [AUDIT_JOBS] =
        "SELECT s.job_id, s.correlation_id, s.server_version, s.updated_ms, r.record_id "
        "FROM job_state s LEFT JOIN audit a ON a.job_id = s.job_id "
        "CROSS JOIN job_row r ON r.id = s.job_id "
        "WHERE s.job_id > :after AND s.job_id < :end_id AND s.state = 'applied' "
        "AND (a.job_id IS NULL OR (:again AND a.verdict = 'missing' AND a.run_id <> :run_id)) "
        "ORDER BY s.job_id",
    [AUDIT_LAST_ATTEMPT] = "SELECT method FROM attempt WHERE job_id = :job_id ORDER BY id DESC "
                           "LIMIT 1",
    [AUDIT_VERDICT] = "SELECT verdict FROM audit WHERE job_id = :job_id",
    [AUDIT_WRITE] =
        "INSERT INTO audit (job_id, verdict, entry, checked_ms, run_id) "
        "SELECT job_id, :verdict, :entry, :now_ms, :run_id FROM job_state WHERE job_id = :job_id "
        "AND state = 'applied' ON CONFLICT (job_id) DO UPDATE SET verdict = excluded.verdict, "
        "entry = excluded.entry, checked_ms = excluded.checked_ms, run_id = excluded.run_id",
    [AUDIT_TALLY] = "UPDATE batch_audit SET " VERDICTS_ADDED " WHERE batch_id = :batch_id",
};

const struct db_statements audit_statements = {sql, sizeof sql / sizeof *sql};

bool audit_expect(struct store *store, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_AUDITS, AUDIT_EXPECT, err);

    return statement && db_run(store, statement, err, "note which batches are to be audited");
}

bool audit_is_due(struct store *store, int64_t batch_id, bool *due, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_AUDITS, AUDIT_DUE, err);

    db_bind_int64(statement, DB_BATCH_ID, batch_id);
    if (!db_step(store, statement, due, err, "look for audits that are due"))
        return false;
    db_reset(statement);
    return true;
}

bool audit_begin(struct store *store, const struct audit_scope *scope, uint64_t *jobs,
                 struct err *err)
{
    struct db_statement *take =
        db_get(store, DB_AUDITS, scope->again ? AUDIT_TAKE_ALL : AUDIT_TAKE_DUE, err);
    struct db_statement *count = db_get(store, DB_AUDITS, AUDIT_COUNT, err);
    int64_t number = 0;

    db_bind_int64(take, DB_RUN_ID, scope->run_id);
    db_bind_int64(take, DB_BATCH_ID, scope->batch_id);
    db_bind_int64(count, DB_RUN_ID, scope->run_id);
    db_bind_int64(count, DB_AGAIN, scope->again);
    if (!db_run(store, take, err, "take the batches to be audited") ||
        !db_read_int64(store, count, DB_JOBS, &number, err, "count the jobs to be audited"))
        return false;
    *jobs = (uint64_t)number;
    return true;
}

bool audit_next_batch(struct store *store, const struct audit_scope *scope, int64_t *batch_id,
                      struct buf *schema, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_AUDITS, AUDIT_BATCH, err);
    bool row;

    db_bind_int64(statement, DB_RUN_ID, scope->run_id);
    db_bind_int64(statement, DB_BATCH_ID, *batch_id);
    if (!db_step(store, statement, &row, err, "look for the next batch to be audited"))
        return false;
    *batch_id = row ? db_column_int64(statement, DB_ID) : 0;
    buf_reset(schema);
    if (row)
        buf_append_span(schema, db_column_span(statement, DB_SCHEMA));
    db_reset(statement);
    return true;
}

bool audit_end_batch(struct store *store, int64_t batch_id, struct err *err)
{
    return db_run_on(store, DB_AUDITS, AUDIT_END, DB_BATCH_ID, batch_id, err,
                     "note that a batch is audited");
}

/* Whether the last request of the job, which settled it, was a PUT. */
static bool is_answered(struct store *store, int64_t job_id, bool *answered, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_AUDITS, AUDIT_LAST_ATTEMPT, err);
    bool row;

    db_bind_int64(statement, DB_JOB_ID, job_id);
    if (!db_step(store, statement, &row, err, "read the last attempt of a job"))
        return false;
    *answered = row && strcmp(db_column_text(statement, DB_METHOD), "PUT") == 0;
    db_reset(statement);
    return true;
}

/* The job of the statement's row; false: the sample does not have it. */
static bool read_job(struct db_statement *statement, double share, struct audit_job *job,
                     struct buf *texts)
{
    struct span correlation = db_column_blob(statement, DB_CORRELATION_ID);
    struct span record_id;

    *job = (struct audit_job){
        .job_id = db_column_int64(statement, DB_JOB_ID),
        .has_version = !db_column_is_null(statement, DB_SERVER_VERSION),
        .version = db_column_int64(statement, DB_SERVER_VERSION),
        .applied_ms = db_column_int64(statement, DB_UPDATED_MS),
        .record_id = texts->size,
    };
    if (correlation.size == sizeof job->correlation)
        memcpy(job->correlation, correlation.data, correlation.size);
    if (!verdict_samples(share, job->correlation))
        return false;
    record_id = db_column_span(statement, DB_RECORD_ID);
    job->record_id_size = record_id.size;
    buf_append_span(texts, record_id);
    return true;
}

bool audit_next_jobs(struct store *store, const struct audit_scope *scope, int64_t after,
                     struct audit_job *jobs, unsigned wanted, unsigned *count, struct buf *texts,
                     struct err *err)
{
    struct db_statement *statement = db_get(store, DB_AUDITS, AUDIT_JOBS, err);
    bool fine = true;

    *count = 0;
    db_bind_int64(statement, DB_AFTER, after);
    db_bind_int64(statement, DB_END_ID, id_end(id_batch(after)));
    db_bind_int64(statement, DB_AGAIN, scope->again);
    db_bind_int64(statement, DB_RUN_ID, scope->run_id);
    while (*count < wanted &&
           db_next(store, statement, &fine, err, "read the jobs to be audited")) {
        struct audit_job *job = &jobs[*count];

        if (read_job(statement, scope->share, job, texts)) {
            fine = is_answered(store, job->job_id, &job->is_answered, err);
            job->is_answered = job->is_answered && job->has_version;
            (*count)++;
        }
    }
    db_reset(statement);
    return fine;
}

/* The verdict so far. */
static bool read_verdict(struct store *store, int64_t job_id, enum verdict *verdict,
                         struct err *err)
{
    struct db_statement *statement = db_get(store, DB_AUDITS, AUDIT_VERDICT, err);
    bool row;

    *verdict = VERDICT_NONE;
    db_bind_int64(statement, DB_JOB_ID, job_id);
    if (!db_step(store, statement, &row, err, "read an audit"))
        return false;
    if (!row)
        return true;
    while (*verdict + 1 < VERDICTS &&
           strcmp(db_column_text(statement, DB_VERDICT), verdict_name(*verdict)) != 0)
        (*verdict)++;
    db_reset(statement);
    return true;
}

/* Adds what changed in a batch to its counters. */
static bool write_tally(struct store *store, int64_t batch_id, int64_t changes[VERDICTS],
                        struct err *err)
{
    struct db_statement *statement = db_get(store, DB_AUDITS, AUDIT_TALLY, err);

    db_bind_int64(statement, DB_BATCH_ID, batch_id);
    for (int verdict = VERDICT_VERIFIED; verdict < VERDICTS; verdict++)
        db_bind_int64(statement, db_name_of_verdict(verdict), changes[verdict]);
    memset(changes, 0, VERDICTS * sizeof *changes);
    return db_run(store, statement, err, "count audits");
}

static bool write_one(struct store *store, const struct audit_result *result, const char *texts,
                      int64_t run_id, int64_t now_ms, int64_t changes[VERDICTS], struct err *err)
{
    struct db_statement *statement = db_get(store, DB_AUDITS, AUDIT_WRITE, err);
    enum verdict before;

    if (!read_verdict(store, result->job_id, &before, err))
        return false;
    db_bind_int64(statement, DB_JOB_ID, result->job_id);
    db_bind_text(statement, DB_VERDICT, verdict_name(result->verdict));
    if (result->entry_size)
        db_bind_span(statement, DB_ENTRY, (struct span){texts + result->entry, result->entry_size});
    else
        db_bind_null(statement, DB_ENTRY);
    db_bind_int64(statement, DB_NOW_MS, now_ms);
    db_bind_int64(statement, DB_RUN_ID, run_id);
    if (!db_run(store, statement, err, "write an audit"))
        return false;
    if (sqlite3_changes(store->db) == 0)
        return true;
    changes[before]--;
    changes[result->verdict]++;
    return true;
}

static bool write_all(struct store *store, const struct audit_result *results, size_t count,
                      const char *texts, int64_t run_id, int64_t now_ms, struct err *err)
{
    int64_t changes[VERDICTS] = {0};

    for (size_t i = 0; i < count; i++) {
        int64_t batch_id = id_batch(results[i].job_id);

        if (!write_one(store, &results[i], texts, run_id, now_ms, changes, err))
            return false;
        if ((i + 1 == count || id_batch(results[i + 1].job_id) != batch_id) &&
            !write_tally(store, batch_id, changes, err))
            return false;
    }
    return true;
}

bool audit_write(struct store *store, const struct audit_result *results, size_t count,
                 const char *texts, int64_t run_id, int64_t now_ms, struct err *err)
{
    return db_begin(store, err) &&
           db_end(store, write_all(store, results, count, texts, run_id, now_ms, err), err);
}
