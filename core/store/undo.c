#include "core/store/undo.h"

#include "core/store/before.h"
#include "core/store/db.h"

enum { PAGE_ROWS = 4096 };

enum { UNDO_JOBS, UNDO_LAST, UNDO_APPLIED, UNDO_BEFORE };

static const char *const sql[] = {
    [UNDO_JOBS] =
        "SELECT r.id, r.record_id, s.state, s.unsettled FROM job_row r LEFT JOIN job_state s "
        "ON s.job_id = r.id WHERE r.id > :after AND r.id <= :last "
        "AND (:record_id IS NULL OR r.record_id = :record_id) ORDER BY r.id",
    [UNDO_LAST] = "SELECT k.job_id FROM record_job k CROSS JOIN job_state s ON s.job_id = k.job_id "
                  "WHERE k.record_id = :record_id AND k.job_id > :first_id AND k.job_id < :end_id "
                  "AND s.state = 'applied' ORDER BY k.job_id DESC LIMIT 1",
    /* by what the server made of them: --even-if-superseded can send an earlier row later */
    [UNDO_APPLIED] =
        "SELECT k.job_id, s.server_version FROM record_job k "
        "CROSS JOIN job_state s ON s.job_id = k.job_id "
        "WHERE k.record_id = :record_id AND k.job_id > :first_id AND k.job_id < :end_id "
        "AND s.state = 'applied' ORDER BY s.server_version DESC",
    /* an update with version v can only replace version v */
    [UNDO_BEFORE] = "SELECT size, fields FROM before_update WHERE job_id = :job_id "
                    "AND version = :version - 1 AND size IS NOT NULL",
};

const struct db_statements undo_statements = {sql, sizeof sql / sizeof *sql};

/* A statement over the jobs of a record in the page's batch. */
static struct db_statement *of_record(struct store *store, unsigned index,
                                      const struct undo_page *page, struct span record_id,
                                      struct err *err)
{
    struct db_statement *statement = db_get(store, DB_UNDOS, index, err);

    db_bind_batch(statement, page->batch_id);
    db_bind_span(statement, DB_RECORD_ID, record_id);
    return statement;
}

static bool is_last(struct store *store, const struct undo_page *page, const struct undo_job *job,
                    bool *last, struct err *err)
{
    struct db_statement *statement = of_record(store, UNDO_LAST, page, job->record_id, err);
    bool fine = true;

    *last = db_next(store, statement, &fine, err, "look for later updates") &&
            db_column_int64(statement, DB_JOB_ID) == job->job_id;
    db_reset(statement);
    return fine;
}

/* Fills what the record was made by. *first_id, *first_version: the first of the updates in a row,
 * and the version that it made. */
static bool find_run(struct store *store, const struct undo_page *page, struct undo_job *job,
                     int64_t *first_id, int64_t *first_version, struct err *err)
{
    struct db_statement *statement = of_record(store, UNDO_APPLIED, page, job->record_id, err);
    bool fine = true;

    while (db_next(store, statement, &fine, err, "look for earlier updates")) {
        int64_t version = db_column_int64(statement, DB_SERVER_VERSION);

        if (!job->jobs)
            job->version = version;
        if (job->overtaken || (job->jobs && version != *first_version - 1)) {
            job->overtaken++;
            continue;
        }
        job->jobs++;
        *first_id = db_column_int64(statement, DB_JOB_ID);
        *first_version = version;
    }
    return fine;
}

/* text: scratch that job->fields points into. */
static bool read_before(struct store *store, int64_t job_id, int64_t version, struct undo_job *job,
                        struct buf *text, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_UNDOS, UNDO_BEFORE, err);
    bool fine = true;

    db_bind_int64(statement, DB_JOB_ID, job_id);
    db_bind_int64(statement, DB_VERSION, version);
    buf_reset(text);
    job->kept = db_next(store, statement, &fine, err, "read what a record held before");
    if (job->kept)
        fine = before_unpack(db_column_blob(statement, DB_FIELDS),
                             (size_t)db_column_int64(statement, DB_SIZE), text, err);
    job->fields = buf_span(text);
    db_reset(statement);
    return fine;
}

/* Reads one job, and visits it if it is to be. */
static bool take(struct store *store, struct undo_page *page, struct db_statement *statement,
                 struct buf *text, bool *enough, struct err *err)
{
    struct undo_job job = {.job_id = db_column_int64(statement, DB_ID),
                           .record_id = db_column_span(statement, DB_RECORD_ID),
                           .unsettled = db_column_int(statement, DB_UNSETTLED) != 0};
    int64_t first_id = 0, first_version = 0;
    bool last = true;

    page->after = id_row(job.job_id);
    if (!db_column_job_state(store, statement, &job.state, err))
        return false;
    if (!(page->states & 1u << job.state))
        return true;
    if (job.state == JOB_APPLIED) {
        if (!is_last(store, page, &job, &last, err))
            return false;
        if (last && (!find_run(store, page, &job, &first_id, &first_version, err) ||
                     !read_before(store, first_id, first_version, &job, text, err)))
            return false;
    }
    return !last || page->visit(page->context, &job, enough, err);
}

bool undo_next(struct store *store, struct undo_page *page, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_UNDOS, UNDO_JOBS, err);
    uint32_t last = page->after < ID_ROWS - PAGE_ROWS ? page->after + PAGE_ROWS : ID_ROWS - 1;
    int64_t base = id_before(page->batch_id);
    struct buf text = {0};
    bool fine = true, enough = false;

    db_bind_int64(statement, DB_AFTER, base + page->after);
    db_bind_int64(statement, DB_LAST, base + last);
    db_bind_text(statement, DB_RECORD_ID, page->record_id);
    while (!enough && db_next(store, statement, &fine, err, "read the jobs of a batch"))
        fine = take(store, page, statement, &text, &enough, err);
    db_reset(statement);
    if (!enough)
        page->after = last;
    buf_release(&text);
    return fine;
}
