#include "core/store/chunk.h"

#include "core/base/mem.h"
#include "core/store/db.h"
#include "core/store/lock.h"

#include <stdlib.h>

/* Rows of one INSERT: binding many rows at once costs half of what one at a time does. */
enum { JOBS_AT_ONCE = 32, JOB_PARAMETERS = 5 };

/* Without an id SQLite gives the row the one after the newest: it searches no place for the row,
 * which is a tenth of what intake executes. The parameters of the first row have names; those of
 * the others have the places after them. */
#define JOB_SQL                                                                                    \
    "INSERT INTO job_row (line_no, record_id, version, fields, tags) "                             \
    "VALUES (:line_no, :record_id, :version, :fields, :tags)"
#define JOB_NEXT    ",(?,?,?,?,?)"
#define JOB_NEXT_5  JOB_NEXT JOB_NEXT JOB_NEXT JOB_NEXT JOB_NEXT
#define JOB_NEXT_31 JOB_NEXT_5 JOB_NEXT_5 JOB_NEXT_5 JOB_NEXT_5 JOB_NEXT_5 JOB_NEXT_5 JOB_NEXT

enum {
    CHUNK_NEWEST,
    CHUNK_JOB,
    CHUNK_NEXT_JOB,
    CHUNK_NEXT_JOBS,
    CHUNK_REJECT,
    CHUNK_VIOLATION,
    CHUNK_REJECTIONS,
    CHUNK_PROGRESS,
    CHUNK_TALLY,
};

static const char *const sql[] = {
    [CHUNK_NEWEST] = "SELECT coalesce(max(id), 0) AS id FROM job_row",
    [CHUNK_JOB] = "INSERT INTO job_row (id, line_no, record_id, version, fields, tags) "
                  "VALUES (:id, :line_no, :record_id, :version, :fields, :tags)",
    [CHUNK_NEXT_JOB] = JOB_SQL,
    [CHUNK_NEXT_JOBS] = JOB_SQL JOB_NEXT_31,
    [CHUNK_REJECT] = "INSERT INTO rejected_row (batch_id, row_no, line_no, record_id, raw) "
                     "VALUES (:batch_id, :row_no, :line_no, :record_id, :raw)",
    [CHUNK_VIOLATION] = "INSERT INTO violation (batch_id, row_no, place, field, rule, message) "
                        "VALUES (:batch_id, :row_no, :place, :field, :rule, :message)",
    [CHUNK_REJECTIONS] =
        "INSERT INTO rejection_tally (batch_id, field, rule, rows) "
        "SELECT batch_id, field, rule, count(DISTINCT row_no) FROM violation "
        "WHERE batch_id = :batch_id AND row_no >= :first_row AND row_no <= :last_row "
        "GROUP BY batch_id, field, rule ON CONFLICT (batch_id, field, rule) "
        "DO UPDATE SET rows = rows + excluded.rows",
    [CHUNK_PROGRESS] =
        "UPDATE batch SET rows_read = :rows_read, rows_rejected = rows_rejected + :rows_rejected, "
        "bytes_done = :bytes_done, lines_done = :lines_done, prefix_hash = :prefix_hash "
        "WHERE id = :batch_id AND state = 'loading'",
    [CHUNK_TALLY] = "UPDATE batch_tally SET pending = pending + :rows WHERE batch_id = :batch_id",
};

const struct db_statements chunk_statements = {sql, sizeof sql / sizeof *sql};

void intake_chunk_release(struct intake_chunk *chunk)
{
    free(chunk->rows);
    free(chunk->rejects);
    free(chunk->violations);
    buf_release(&chunk->text);
    *chunk = (struct intake_chunk){0};
}

void intake_chunk_reset(struct intake_chunk *chunk)
{
    chunk->row_count = 0;
    chunk->reject_count = 0;
    chunk->violation_count = 0;
    buf_reset(&chunk->text);
}

/* Room for one item more in an array of the chunk; returns the array. */
static void *grown(void *items, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return items;
    *capacity = *capacity ? *capacity * 2 : 256;
    return mem_resize(items, *capacity, size);
}

struct intake_row *intake_chunk_add_row(struct intake_chunk *chunk)
{
    chunk->rows = grown(chunk->rows, chunk->row_count, &chunk->row_capacity, sizeof *chunk->rows);
    return &chunk->rows[chunk->row_count++];
}

struct intake_reject *intake_chunk_add_reject(struct intake_chunk *chunk)
{
    chunk->rejects =
        grown(chunk->rejects, chunk->reject_count, &chunk->reject_capacity, sizeof *chunk->rejects);
    return &chunk->rejects[chunk->reject_count++];
}

struct intake_violation *intake_chunk_add_violation(struct intake_chunk *chunk)
{
    chunk->violations = grown(chunk->violations, chunk->violation_count, &chunk->violation_capacity,
                              sizeof *chunk->violations);
    return &chunk->violations[chunk->violation_count++];
}

static struct span text_at(const struct intake_chunk *chunk, size_t start, size_t size)
{
    return (struct span){chunk->text.data + start, size};
}

/* The parameters but the id. */
static void bind_job(struct db_statement *statement, int place, const struct intake_chunk *chunk,
                     const struct intake_row *row)
{
    statement->shift = place * JOB_PARAMETERS;
    db_bind_int64(statement, DB_LINE_NO, (int64_t)row->line_no);
    db_bind_span(statement, DB_RECORD_ID, text_at(chunk, row->record_id, row->record_id_size));
    if (row->has_version)
        db_bind_int64(statement, DB_VERSION, row->version);
    else
        db_bind_null(statement, DB_VERSION);
    db_bind_span(statement, DB_FIELDS, text_at(chunk, row->fields, row->fields_size));
    if (row->tags_size)
        db_bind_span(statement, DB_TAGS, text_at(chunk, row->tags, row->tags_size));
    else
        db_bind_null(statement, DB_TAGS);
}

/* Rows that follow each other in the file, and the newest job, are inserted without ids. */
static bool insert_jobs(struct store *store, int64_t batch_id, const struct intake_chunk *chunk,
                        struct err *err)
{
    const struct intake_row *rows = chunk->rows;
    int64_t newest;
    size_t count;

    if (!db_read_int64(store, db_get(store, DB_CHUNKS, CHUNK_NEWEST, err), DB_ID, &newest, err,
                       "find the newest job"))
        return false;
    for (size_t i = 0; i < chunk->row_count; i += count) {
        int64_t id = id_of(batch_id, rows[i].row_no);
        size_t last = i + JOBS_AT_ONCE - 1;
        bool follows = id == newest + 1;
        struct db_statement *statement;

        count = follows && last < chunk->row_count &&
                        rows[last].row_no - rows[i].row_no == JOBS_AT_ONCE - 1
                    ? JOBS_AT_ONCE
                    : 1;
        statement = db_get(store, DB_CHUNKS,
                           !follows     ? CHUNK_JOB
                           : count == 1 ? CHUNK_NEXT_JOB
                                        : CHUNK_NEXT_JOBS,
                           err);
        for (size_t k = 0; k < count; k++)
            bind_job(statement, (int)k, chunk, &rows[i + k]);
        if (!follows)
            db_bind_int64(statement, DB_ID, id);
        if (!db_run(store, statement, err, "insert jobs"))
            return false;
        id += (int64_t)count - 1;
        if (sqlite3_last_insert_rowid(store->db) != id)
            return err_set(err, ERR_INTERNAL, "a job was stored as %lld instead of %lld",
                           (long long)sqlite3_last_insert_rowid(store->db), (long long)id);
        newest = id > newest ? id : newest;
    }
    return true;
}

static bool insert_violations(struct store *store, int64_t batch_id,
                              const struct intake_chunk *chunk, const struct intake_reject *reject,
                              struct err *err)
{
    struct db_statement *statement = db_get(store, DB_CHUNKS, CHUNK_VIOLATION, err);

    for (size_t i = 0; i < reject->violation_count; i++) {
        const struct intake_violation *found = &chunk->violations[reject->first_violation + i];

        db_bind_int64(statement, DB_BATCH_ID, batch_id);
        db_bind_int64(statement, DB_ROW_NO, reject->row_no);
        db_bind_int64(statement, DB_PLACE, (int64_t)i);
        db_bind_span(statement, DB_FIELD, text_at(chunk, found->field, found->field_size));
        db_bind_span(statement, DB_RULE, text_at(chunk, found->rule, found->rule_size));
        db_bind_span(statement, DB_MESSAGE, text_at(chunk, found->message, found->message_size));
        if (!db_run(store, statement, err, "insert a violation"))
            return false;
    }
    return true;
}

static bool insert_rejects(struct store *store, int64_t batch_id, const struct intake_chunk *chunk,
                           struct err *err)
{
    struct db_statement *statement = db_get(store, DB_CHUNKS, CHUNK_REJECT, err);

    for (size_t i = 0; i < chunk->reject_count; i++) {
        const struct intake_reject *reject = &chunk->rejects[i];

        db_bind_int64(statement, DB_BATCH_ID, batch_id);
        db_bind_int64(statement, DB_ROW_NO, reject->row_no);
        db_bind_int64(statement, DB_LINE_NO, (int64_t)reject->line_no);
        if (reject->record_id_size)
            db_bind_span(statement, DB_RECORD_ID,
                         text_at(chunk, reject->record_id, reject->record_id_size));
        else
            db_bind_null(statement, DB_RECORD_ID);
        db_bind_blob(statement, DB_RAW, chunk->text.data + reject->raw, reject->raw_size);
        if (!db_run(store, statement, err, "insert a rejected row") ||
            !insert_violations(store, batch_id, chunk, reject, err))
            return false;
    }
    return true;
}

/* By field and rule, once they are in: a chunk rejects none or few rows, or many for one reason. */
static bool count_rejections(struct store *store, int64_t batch_id,
                             const struct intake_chunk *chunk, struct err *err)
{
    struct db_statement *statement;

    if (chunk->reject_count == 0)
        return true;
    statement = db_get(store, DB_CHUNKS, CHUNK_REJECTIONS, err);
    db_bind_int64(statement, DB_BATCH_ID, batch_id);
    db_bind_int64(statement, DB_FIRST_ROW, chunk->rejects[0].row_no);
    db_bind_int64(statement, DB_LAST_ROW, chunk->rejects[chunk->reject_count - 1].row_no);
    return db_run(store, statement, err, "count the rejected rows");
}

static bool write_progress(struct store *store, int64_t batch_id, const struct intake_chunk *chunk,
                           struct err *err)
{
    struct db_statement *progress = db_get(store, DB_CHUNKS, CHUNK_PROGRESS, err);
    struct db_statement *tally = db_get(store, DB_CHUNKS, CHUNK_TALLY, err);

    db_bind_int64(progress, DB_BATCH_ID, batch_id);
    db_bind_int64(progress, DB_ROWS_READ, chunk->progress.rows);
    db_bind_int64(progress, DB_ROWS_REJECTED, (int64_t)chunk->reject_count);
    db_bind_int64(progress, DB_BYTES_DONE, (int64_t)chunk->progress.bytes);
    db_bind_int64(progress, DB_LINES_DONE, (int64_t)chunk->progress.lines);
    db_bind_text(progress, DB_PREFIX_HASH, chunk->progress.prefix_hash);
    if (!db_run(store, progress, err, "write the progress"))
        return false;
    if (sqlite3_changes(store->db) != 1)
        return lock_shared_batch(batch_id, err);
    db_bind_int64(tally, DB_BATCH_ID, batch_id);
    db_bind_int64(tally, DB_ROWS, (int64_t)chunk->row_count);
    return db_run(store, tally, err, "count the jobs");
}

bool batch_load(struct store *store, int64_t batch_id, const struct intake_chunk *chunk,
                struct err *err)
{
    if (!db_begin(store, err))
        return false;
    if (!insert_jobs(store, batch_id, chunk, err) || !insert_rejects(store, batch_id, chunk, err) ||
        !count_rejections(store, batch_id, chunk, err) ||
        !write_progress(store, batch_id, chunk, err)) {
        if ((sqlite3_errcode(store->db) & 0xff) == SQLITE_CONSTRAINT)
            lock_shared_batch(batch_id, err);
        db_rollback(store);
        return false;
    }
    return db_commit(store, err);
}
