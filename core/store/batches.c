/* Batches from their beginning to their end; see intake.h. */
#include "core/base/crash.h"
#include "core/base/mem.h"
#include "core/store/db.h"
#include "core/store/intake.h"
#include "core/store/keys.h"

/* Rows deleted in one transaction, so that no other writer waits for long. */
enum { DISCARD_ROWS = 8192 };

enum {
    BATCH_KNOWN,
    BATCH_WAITING,
    BATCH_BEGIN,
    BATCH_TALLY,
    BATCH_HEADER_SET,
    BATCH_HEADER,
    BATCH_COUNT_JOBS,
    BATCH_COUNT_REJECTS,
    BATCH_ROWS,
    BATCH_OPEN,
    BATCH_REFUSE,
    BATCH_DISCARD_KEYS,
    BATCH_DISCARD_JOBS,
    BATCH_DISCARDED,
    BATCH_UNREAD,
    BATCH_FORGET_VIOLATIONS,
    BATCH_FORGET_REJECTIONS,
    BATCH_FORGET_KEYS,
    BATCH_FORGET_REJECTS,
    BATCH_RESTART,
    BATCH_RESTART_TALLY,
    BATCH_LAST_JOB,
};

static const char *const sql[] = {
    [BATCH_KNOWN] = "SELECT id, content_hash, size_bytes FROM batch WHERE schema = ?1 "
                    "AND state IN ('open', 'done') ORDER BY id DESC LIMIT 1",
    [BATCH_WAITING] = "SELECT id FROM batch WHERE schema = ?1 AND filing <> 0 "
                      "AND filed_ms IS NULL AND state IN ('open', 'done') AND path = ?2 "
                      "AND device = ?3 AND inode = ?4 AND size_bytes = ?5 AND mtime_ns = ?6 "
                      "ORDER BY id DESC LIMIT 1",
    [BATCH_BEGIN] =
        "INSERT INTO batch (source, schema, format, content_hash, size_bytes, state, "
        "created_ms, loaded_run_id, path, device, inode, mtime_ns, schema_hash, options, "
        "filing) VALUES (?1, ?2, ?3, ?4, ?5, 'loading', ?6, ?7, ?8, ?9, ?10, ?11, ?12, "
        "?13, ?14)",
    [BATCH_TALLY] = "INSERT INTO batch_tally (batch_id, next_job_id) VALUES (?1, ?2)",
    [BATCH_HEADER_SET] = "UPDATE batch SET header = ?2 WHERE id = ?1",
    [BATCH_HEADER] = "SELECT header FROM batch WHERE id = ?1",
    [BATCH_COUNT_JOBS] = "SELECT count(*) FROM job_row WHERE id > ?1 AND id < ?2",
    [BATCH_COUNT_REJECTS] = "SELECT count(*) FROM rejected_row WHERE batch_id = ?1",
    [BATCH_ROWS] = "SELECT rows_read FROM batch WHERE id = ?1",
    [BATCH_OPEN] = "UPDATE batch SET state = ?2, content_hash = ?3, size_bytes = ?4, "
                   "loaded_run_id = ?5, finished_ms = ?6, finished_run_id = ?7 "
                   "WHERE id = ?1 AND state = 'loading'",
    [BATCH_REFUSE] = "UPDATE batch SET state = 'refused', reason = ?2, loaded_run_id = ?3, "
                     "finished_run_id = ?3, finished_ms = ?4 WHERE id = ?1 AND state = 'loading'",
    [BATCH_DISCARD_KEYS] = "DELETE FROM record_job WHERE (record_id, job_id) IN "
                           "(SELECT record_id, id FROM job_row WHERE id > ?1 AND id <= ?2)",
    [BATCH_DISCARD_JOBS] = "DELETE FROM job_row WHERE id > ?1 AND id <= ?2",
    [BATCH_DISCARDED] = "UPDATE batch SET rows_discarded = rows_discarded + ?2 WHERE id = ?1",
    /* without the hash it is begun anew, rather than gone on with, should this be interrupted */
    [BATCH_UNREAD] = "UPDATE batch SET rows_read = rows_read - ?2, schema_hash = '' WHERE id = ?1",
    [BATCH_FORGET_VIOLATIONS] = "DELETE FROM violation WHERE batch_id = ?1",
    [BATCH_FORGET_REJECTIONS] = "DELETE FROM rejection_tally WHERE batch_id = ?1",
    [BATCH_FORGET_KEYS] = "DELETE FROM record_rejection WHERE (record_id, rejection_id) IN "
                          "(SELECT record_id, batch_id * 1000000000 + row_no FROM rejected_row "
                          "WHERE batch_id = ?1)",
    [BATCH_FORGET_REJECTS] = "DELETE FROM rejected_row WHERE batch_id = ?1",
    [BATCH_RESTART] = "UPDATE batch SET rows_read = 0, rows_rejected = 0, bytes_done = 0, "
                      "lines_done = 0, prefix_hash = '', header = NULL, content_hash = ?2, "
                      "size_bytes = ?3, device = ?4, inode = ?5, mtime_ns = ?6, schema_hash = ?7, "
                      "options = ?8 WHERE id = ?1",
    [BATCH_RESTART_TALLY] = "UPDATE batch_tally SET pending = pending - ?2 WHERE batch_id = ?1",
    [BATCH_LAST_JOB] = "SELECT max(id) FROM (SELECT id FROM job_row WHERE id > ?1 AND id < ?2 "
                       "ORDER BY id LIMIT ?3)",
};

const struct db_statements batch_statements = {sql, sizeof sql / sizeof *sql};

static sqlite3_stmt *get(struct store *store, unsigned index, struct err *err)
{
    return db_get(store, DB_BATCHES, index, err);
}

bool batch_known(struct store *store, const char *schema, const char *content_hash,
                 uint64_t size_bytes, int64_t *batch_id, struct err *err)
{
    sqlite3_stmt *statement = get(store, BATCH_KNOWN, err);
    bool row;

    *batch_id = 0;
    if (!statement)
        return false;
    db_bind_text(statement, 1, schema);
    if (!db_step(store, statement, &row, err, "look for a known file"))
        return false;
    if (row && span_is(db_column_span(statement, 1), content_hash) &&
        (uint64_t)sqlite3_column_int64(statement, 2) == size_bytes)
        *batch_id = sqlite3_column_int64(statement, 0);
    sqlite3_reset(statement);
    return true;
}

bool batch_waiting(struct store *store, const struct batch_origin *origin, int64_t *batch_id,
                   struct err *err)
{
    sqlite3_stmt *statement = get(store, BATCH_WAITING, err);
    bool row;

    *batch_id = 0;
    if (!statement)
        return false;
    db_bind_text(statement, 1, origin->schema);
    db_bind_text(statement, 2, origin->path);
    sqlite3_bind_int64(statement, 3, (int64_t)origin->device);
    sqlite3_bind_int64(statement, 4, (int64_t)origin->inode);
    sqlite3_bind_int64(statement, 5, (int64_t)origin->size_bytes);
    sqlite3_bind_int64(statement, 6, origin->mtime_ns);
    if (!db_step(store, statement, &row, err, "look for a file that waits"))
        return false;
    if (row)
        *batch_id = sqlite3_column_int64(statement, 0);
    sqlite3_reset(statement);
    return true;
}

static bool insert_batch(struct store *store, const struct batch_origin *origin, int64_t run_id,
                         int64_t now_ms, int64_t *batch_id, struct err *err)
{
    sqlite3_stmt *batch = get(store, BATCH_BEGIN, err), *tally = get(store, BATCH_TALLY, err);

    if (!batch || !tally)
        return false;
    db_bind_text(batch, 1, origin->source);
    db_bind_text(batch, 2, origin->schema);
    db_bind_text(batch, 3, origin->format);
    db_bind_text(batch, 4, origin->content_hash);
    sqlite3_bind_int64(batch, 5, (int64_t)origin->size_bytes);
    sqlite3_bind_int64(batch, 6, now_ms);
    sqlite3_bind_int64(batch, 7, run_id);
    db_bind_text(batch, 8, origin->path);
    sqlite3_bind_int64(batch, 9, (int64_t)origin->device);
    sqlite3_bind_int64(batch, 10, (int64_t)origin->inode);
    sqlite3_bind_int64(batch, 11, origin->mtime_ns);
    db_bind_text(batch, 12, origin->schema_hash);
    db_bind_text(batch, 13, origin->options);
    sqlite3_bind_int(batch, 14, (int)origin->filing);
    if (!db_run(store, batch, err, "begin a batch"))
        return false;
    *batch_id = sqlite3_last_insert_rowid(store->db);
    sqlite3_bind_int64(tally, 1, *batch_id);
    sqlite3_bind_int64(tally, 2, *batch_id * JOB_ROWS);
    return db_run(store, tally, err, "begin a batch");
}

bool batch_begin(struct store *store, const struct batch_origin *origin, int64_t run_id,
                 int64_t now_ms, int64_t *batch_id, struct err *err)
{
    if (!db_begin(store, err))
        return false;
    if (!insert_batch(store, origin, run_id, now_ms, batch_id, err)) {
        db_rollback(store);
        return false;
    }
    return db_commit(store, err);
}

bool batch_set_header(struct store *store, int64_t batch_id, struct span header, struct err *err)
{
    sqlite3_stmt *statement = get(store, BATCH_HEADER_SET, err);

    if (!statement)
        return false;
    sqlite3_bind_int64(statement, 1, batch_id);
    sqlite3_bind_blob64(statement, 2, header.data ? header.data : "", header.size, SQLITE_STATIC);
    return db_run(store, statement, err, "keep the header");
}

bool batch_header(struct store *store, int64_t batch_id, struct buf *header, struct err *err)
{
    sqlite3_stmt *statement = get(store, BATCH_HEADER, err);
    bool row;

    if (!statement)
        return false;
    sqlite3_bind_int64(statement, 1, batch_id);
    if (!db_step(store, statement, &row, err, "read the header"))
        return false;
    if (row) {
        const void *bytes = sqlite3_column_blob(statement, 0);

        buf_append(header, bytes, (size_t)sqlite3_column_bytes(statement, 0));
        sqlite3_reset(statement);
    }
    return true;
}

/* One number from a statement whose parameters are bound. */
static bool read_number(struct store *store, sqlite3_stmt *statement, int64_t *number,
                        struct err *err)
{
    bool row;

    if (!db_step(store, statement, &row, err, "count rows"))
        return false;
    *number = row ? sqlite3_column_int64(statement, 0) : 0;
    sqlite3_reset(statement);
    return true;
}

/* What is in the tables, counted anew rather than taken from the counters. */
static bool count_rows(struct store *store, int64_t batch_id, int64_t *jobs, int64_t *rejects,
                       int64_t *read, struct err *err)
{
    sqlite3_stmt *job_count = get(store, BATCH_COUNT_JOBS, err);
    sqlite3_stmt *reject_count = get(store, BATCH_COUNT_REJECTS, err);
    sqlite3_stmt *rows = get(store, BATCH_ROWS, err);

    if (!job_count || !reject_count || !rows)
        return false;
    sqlite3_bind_int64(job_count, 1, batch_id * JOB_ROWS);
    sqlite3_bind_int64(job_count, 2, (batch_id + 1) * JOB_ROWS);
    sqlite3_bind_int64(reject_count, 1, batch_id);
    sqlite3_bind_int64(rows, 1, batch_id);
    return read_number(store, job_count, jobs, err) &&
           read_number(store, reject_count, rejects, err) && read_number(store, rows, read, err);
}

/* The record ids, those of jobs unless batch_load_keys brought as many as the batch has. */
static bool complete_keys(struct store *store, int64_t batch_id, int64_t jobs, int64_t rejects,
                          struct err *err)
{
    bool all = store->keys_batch_id == batch_id && store->keys_count == jobs;

    store->keys_batch_id = 0;
    if (all && !rejects)
        return true;
    return store_set_durable(store, false, err) && (all || keys_enter(store, batch_id, err)) &&
           (!rejects || keys_enter_rejected(store, batch_id, err));
}

bool batch_open(struct store *store, int64_t batch_id, const char *content_hash,
                uint64_t size_bytes, int64_t run_id, int64_t now_ms, struct err *err)
{
    sqlite3_stmt *statement = get(store, BATCH_OPEN, err);
    int64_t jobs, rejects, read;

    if (!statement || !count_rows(store, batch_id, &jobs, &rejects, &read, err))
        return false;
    if (read != jobs + rejects)
        return err_set(err, ERR_INTERNAL,
                       "batch %lld: the books do not balance: %lld rows read, %lld jobs, %lld "
                       "rejected",
                       (long long)batch_id, (long long)read, (long long)jobs, (long long)rejects);
    if (!complete_keys(store, batch_id, jobs, rejects, err) || !store_set_durable(store, true, err))
        return false;
    sqlite3_bind_int64(statement, 1, batch_id);
    db_bind_text(statement, 2, jobs ? "open" : "done");
    db_bind_text(statement, 3, content_hash);
    sqlite3_bind_int64(statement, 4, (int64_t)size_bytes);
    sqlite3_bind_int64(statement, 5, run_id);
    if (jobs) {
        sqlite3_bind_null(statement, 6);
        sqlite3_bind_null(statement, 7);
    } else {
        sqlite3_bind_int64(statement, 6, now_ms);
        sqlite3_bind_int64(statement, 7, run_id);
    }
    if (!db_run(store, statement, err, "open the batch"))
        return false;
    return sqlite3_changes(store->db) == 1 ||
           err_set(err, ERR_INTERNAL, "batch %lld is not being loaded", (long long)batch_id);
}

bool batch_refuse(struct store *store, int64_t batch_id, const char *reason, int64_t run_id,
                  int64_t now_ms, struct err *err)
{
    sqlite3_stmt *statement = get(store, BATCH_REFUSE, err);

    if (!statement)
        return false;
    sqlite3_bind_int64(statement, 1, batch_id);
    db_bind_text(statement, 2, reason);
    sqlite3_bind_int64(statement, 3, run_id);
    sqlite3_bind_int64(statement, 4, now_ms);
    return db_run(store, statement, err, "refuse the batch");
}

/* Deletes the next jobs of the batch in the running transaction; *deleted 0: none was left. */
static bool delete_some(struct store *store, int64_t batch_id, int64_t *deleted, struct err *err)
{
    sqlite3_stmt *last = get(store, BATCH_LAST_JOB, err);
    sqlite3_stmt *keys = get(store, BATCH_DISCARD_KEYS, err);
    sqlite3_stmt *jobs = get(store, BATCH_DISCARD_JOBS, err);
    sqlite3_stmt *tally = get(store, BATCH_RESTART_TALLY, err);
    int64_t last_id;

    *deleted = 0;
    if (!last || !keys || !jobs || !tally)
        return false;
    sqlite3_bind_int64(last, 1, batch_id * JOB_ROWS);
    sqlite3_bind_int64(last, 2, (batch_id + 1) * JOB_ROWS);
    sqlite3_bind_int64(last, 3, DISCARD_ROWS);
    if (!read_number(store, last, &last_id, err))
        return false;
    if (!last_id)
        return true;
    sqlite3_bind_int64(keys, 1, batch_id * JOB_ROWS);
    sqlite3_bind_int64(keys, 2, last_id);
    sqlite3_bind_int64(jobs, 1, batch_id * JOB_ROWS);
    sqlite3_bind_int64(jobs, 2, last_id);
    if (!db_run(store, keys, err, "discard keys") || !db_run(store, jobs, err, "discard jobs"))
        return false;
    *deleted = sqlite3_changes(store->db);
    sqlite3_bind_int64(tally, 1, batch_id);
    sqlite3_bind_int64(tally, 2, *deleted);
    return db_run(store, tally, err, "count the jobs");
}

static bool discard_step(struct store *store, int64_t batch_id, bool counts, int64_t *deleted,
                         struct err *err)
{
    sqlite3_stmt *statement = get(store, counts ? BATCH_DISCARDED : BATCH_UNREAD, err);

    if (!statement || !delete_some(store, batch_id, deleted, err))
        return false;
    sqlite3_bind_int64(statement, 1, batch_id);
    sqlite3_bind_int64(statement, 2, *deleted);
    return db_run(store, statement, err, "count discarded rows");
}

/* Deletes all jobs of a batch, a bounded transaction at a time; they count as discarded, or else as
 * not read. */
static bool discard(struct store *store, int64_t batch_id, bool counts, struct err *err)
{
    int64_t deleted = 1;

    while (deleted) {
        if (!db_begin(store, err))
            return false;
        if (!discard_step(store, batch_id, counts, &deleted, err)) {
            db_rollback(store);
            return false;
        }
        if (!db_commit(store, err))
            return false;
        crash_point(CRASH_DISCARD_COMMITTED);
    }
    return true;
}

bool batch_discard(struct store *store, int64_t batch_id, struct err *err)
{
    return discard(store, batch_id, true, err);
}

/* What is known of its rejected rows: the keys first, which are found by the rows. */
static bool forget_rejects(struct store *store, int64_t batch_id, struct err *err)
{
    static const unsigned steps[] = {BATCH_FORGET_KEYS, BATCH_FORGET_VIOLATIONS,
                                     BATCH_FORGET_REJECTIONS, BATCH_FORGET_REJECTS};

    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        sqlite3_stmt *statement = get(store, steps[i], err);

        if (!statement)
            return false;
        sqlite3_bind_int64(statement, 1, batch_id);
        if (!db_run(store, statement, err, "begin anew"))
            return false;
    }
    return true;
}

static bool forget(struct store *store, int64_t batch_id, const struct batch_origin *origin,
                   struct err *err)
{
    sqlite3_stmt *batch = get(store, BATCH_RESTART, err);

    if (!batch)
        return false;
    sqlite3_bind_int64(batch, 1, batch_id);
    db_bind_text(batch, 2, origin->content_hash);
    sqlite3_bind_int64(batch, 3, (int64_t)origin->size_bytes);
    sqlite3_bind_int64(batch, 4, (int64_t)origin->device);
    sqlite3_bind_int64(batch, 5, (int64_t)origin->inode);
    sqlite3_bind_int64(batch, 6, origin->mtime_ns);
    db_bind_text(batch, 7, origin->schema_hash);
    db_bind_text(batch, 8, origin->options);
    return forget_rejects(store, batch_id, err) && db_run(store, batch, err, "begin anew");
}

bool batch_restart(struct store *store, int64_t batch_id, const struct batch_origin *origin,
                   struct err *err)
{
    store->keys_batch_id = 0;
    if (!discard(store, batch_id, false, err) || !db_begin(store, err))
        return false;
    if (!forget(store, batch_id, origin, err)) {
        db_rollback(store);
        return false;
    }
    return db_commit(store, err);
}
