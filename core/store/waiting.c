#include "core/store/waiting.h"

#include "core/store/db.h"

enum { AT_ONCE = 64, BYTES_MAX = 4 << 20 };

enum { WAITING_JOBS };

static const char *const sql[] = {
    /* one that has a row in rebase is built on the record as it is fetched, too */
    [WAITING_JOBS] =
        "SELECT r.id, r.record_id, iif(b.job_id IS NULL, r.version, NULL) AS version, r.fields, "
        "EXISTS (SELECT 1 FROM record_job k WHERE k.record_id = r.record_id "
        "AND k.job_id > :first_id AND k.job_id < :end_id AND k.job_id <> r.id) AS has_others, "
        "(SELECT undoes FROM batch WHERE id = r.id / " ID_ROWS_SQL ") AS undoes "
        "FROM job_row r LEFT JOIN job_state s ON s.job_id = r.id "
        "LEFT JOIN rebase b ON b.job_id = r.id "
        "WHERE r.id > :after AND r.id < :end_id AND coalesce(s.state, 'pending') " IN_OPEN
        " ORDER BY r.id LIMIT :wanted",
};

const struct db_statements waiting_statements = {sql, sizeof sql / sizeof *sql};

/* Some jobs with their texts, which are offsets into text while it grows. */
struct page {
    struct waiting_job jobs[AT_ONCE];
    size_t starts[AT_ONCE];
    unsigned count;
    struct buf text;
};

static bool read_page(struct store *store, int64_t batch_id, int64_t after, struct page *page,
                      struct err *err)
{
    struct db_statement *statement = db_get(store, DB_WAITING, WAITING_JOBS, err);
    bool fine = true;

    page->count = 0;
    buf_reset(&page->text);
    db_bind_batch(statement, batch_id);
    db_bind_int64(statement, DB_AFTER, after);
    db_bind_int64(statement, DB_WANTED, AT_ONCE);
    while (page->text.size < BYTES_MAX &&
           db_next(store, statement, &fine, err, "read jobs that wait")) {
        struct waiting_job *job = &page->jobs[page->count];

        *job = (struct waiting_job){
            .job_id = db_column_int64(statement, DB_ID),
            .has_version = !db_column_is_null(statement, DB_VERSION),
            .is_whole = db_column_int(statement, DB_UNDOES),
            .has_others = db_column_int(statement, DB_HAS_OTHERS),
            .version = db_column_int64(statement, DB_VERSION),
            .record_id = db_column_span(statement, DB_RECORD_ID),
            .fields = db_column_span(statement, DB_FIELDS),
        };
        page->starts[page->count++] = page->text.size;
        buf_append_span(&page->text, job->record_id);
        buf_append_span(&page->text, job->fields);
    }
    db_reset(statement);
    for (unsigned i = 0; i < page->count; i++) {
        page->jobs[i].record_id.data = page->text.data + page->starts[i];
        page->jobs[i].fields.data = page->jobs[i].record_id.data + page->jobs[i].record_id.size;
    }
    return fine;
}

bool waiting_jobs(struct store *store, int64_t batch_id,
                  bool (*visit)(void *context, const struct waiting_job *job, struct err *err),
                  void *context, struct err *err)
{
    struct page page = {0};
    int64_t after = id_before(batch_id);
    bool fine;

    do {
        fine = read_page(store, batch_id, after, &page, err);
        for (unsigned i = 0; fine && i < page.count; i++) {
            after = page.jobs[i].job_id;
            fine = visit(context, &page.jobs[i], err);
        }
    } while (fine && page.count > 0);
    buf_release(&page.text);
    return fine;
}
