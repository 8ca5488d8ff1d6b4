#include "core/store/batches.h"

#include "core/base/clock.h"
#include "core/base/crash.h"
#include "core/base/mem.h"
#include "core/store/db.h"
#include "core/store/keys.h"
#include "core/store/lock.h"

#include <stdio.h>

/* Rows deleted in one transaction, so that no other writer waits for long. */
enum {
    DISCARD_ROWS = 4096,
    FORGET_ROWS = 16, /* between two looks at the clock; one may have 1 MB */
    HOLD_US = 20000,
};

enum {
    BATCH_KNOWN,
    BATCH_WAITING,
    BATCH_FIND_LOADING,
    BATCH_NEWER,
    BATCH_READ_AS,
    BATCH_READ_SHORTER,
    BATCH_BEGIN,
    BATCH_TALLY,
    BATCH_HEADER_SET,
    BATCH_MARK,
    BATCH_HEADER,
    BATCH_COUNT_JOBS,
    BATCH_COUNT_REJECTS,
    BATCH_ROWS,
    BATCH_SET_OPEN,
    BATCH_REFUSE,
    BATCH_DISCARD_KEYS,
    BATCH_DISCARD_JOBS,
    BATCH_DISCARDED,
    BATCH_UNREAD,
    BATCH_LAST_REJECT,
    BATCH_FORGET_KEYS,
    BATCH_FORGET_REJECTIONS,
    BATCH_FORGET_VIOLATIONS,
    BATCH_FORGET_REJECTS,
    BATCH_FORGET_EMPTY,
    BATCH_UNREJECTED,
    BATCH_RESTART,
    BATCH_RESTART_TALLY,
    BATCH_LAST_JOB,
};

#define READ_COLUMNS                                                                               \
    "SELECT id, schema, format, options, content_hash, size_bytes, bytes_done, prefix_hash, "      \
    "rows_before + rows_read AS rows "                                                             \
    "FROM batch WHERE state " IN_BATCHES_READ " "

static const char *const sql[] = {
    [BATCH_KNOWN] = "SELECT id, content_hash, size_bytes FROM batch WHERE schema = :schema "
                    "AND state " IN_BATCHES_READ " ORDER BY id DESC LIMIT 1",
    [BATCH_WAITING] =
        "SELECT id, state = 'refused' AS is_refused, over_limit, rows_rejected, reason "
        "FROM batch WHERE schema = :schema AND filing <> 0 AND filed_ms IS NULL "
        "AND (state " IN_BATCHES_READ " OR (state = 'refused' AND schema_hash = :schema_hash "
        "AND options = :options)) AND path = :path AND device = :device AND inode = :inode "
        "AND size_bytes = :size_bytes AND mtime_ns = :mtime_ns ORDER BY id DESC LIMIT 1",
    [BATCH_FIND_LOADING] = "SELECT id, source FROM batch WHERE state " IN_BATCHES_UNFINISHED
                           " AND state = 'loading' AND +schema = :schema ORDER BY id LIMIT 1",
    [BATCH_NEWER] = "SELECT id FROM batch WHERE schema = :schema AND id > :after "
                    "AND state " IN_BATCHES_READ " ORDER BY id LIMIT 1",
    [BATCH_READ_AS] = READ_COLUMNS "AND id = :batch_id",
    [BATCH_READ_SHORTER] = READ_COLUMNS
    "AND schema = :schema AND filing IN (1, 2) AND filed_ms IS NOT NULL AND path = :path "
    "AND device = :device AND inode = :inode AND size_bytes < :size_bytes "
    "ORDER BY id DESC LIMIT 1",
    [BATCH_BEGIN] =
        "INSERT INTO batch (source, schema, format, content_hash, size_bytes, state, created_ms, "
        "loaded_run_id, path, device, inode, mtime_ns, schema_hash, options, filing, rows_before, "
        "target, target_columns, request_rows) VALUES (:source, :schema, :format, :content_hash, "
        ":size_bytes, 'loading', :now_ms, :run_id, :path, :device, :inode, :mtime_ns, "
        ":schema_hash, :options, :filing, :rows_before, :target, :target_columns, :request_rows)",
    [BATCH_TALLY] =
        "INSERT INTO batch_tally (batch_id, next_job_id) VALUES (:batch_id, :next_job_id)",
    [BATCH_HEADER_SET] = "UPDATE batch SET header = :header WHERE id = :batch_id",
    [BATCH_MARK] = "UPDATE batch SET keeps_before = :keeps_before, undoes = :undoes "
                   "WHERE id = :batch_id",
    [BATCH_HEADER] = "SELECT header FROM batch WHERE id = :batch_id",
    [BATCH_COUNT_JOBS] =
        "SELECT count(*) AS number FROM job_row WHERE id > :first_id AND id < :end_id",
    [BATCH_COUNT_REJECTS] =
        "SELECT count(*) AS number FROM rejected_row WHERE batch_id = :batch_id",
    [BATCH_ROWS] = "SELECT rows_read AS number FROM batch WHERE id = :batch_id",
    [BATCH_SET_OPEN] =
        "UPDATE batch SET state = :state, content_hash = :content_hash, size_bytes = :size_bytes, "
        "occurrence = iif(:number, (SELECT count(*) FROM batch e WHERE e.schema = batch.schema "
        "AND e.content_hash = :content_hash AND e.occurrence IS NOT NULL), NULL), "
        "loaded_run_id = :run_id, finished_ms = :finished_ms, finished_run_id = :finished_run_id "
        "WHERE id = :batch_id AND state = 'loading'",
    [BATCH_REFUSE] =
        "UPDATE batch SET state = 'refused', reason = :reason, loaded_run_id = :run_id, "
        "finished_run_id = :run_id, finished_ms = :now_ms, over_limit = :over_limit "
        "WHERE id = :batch_id AND state = 'loading'",
    [BATCH_DISCARD_KEYS] =
        "DELETE FROM record_job WHERE (record_id, job_id) IN "
        "(SELECT record_id, id FROM job_row WHERE id > :first_id AND id <= :last_id)",
    [BATCH_DISCARD_JOBS] = "DELETE FROM job_row WHERE id > :first_id AND id <= :last_id",
    [BATCH_DISCARDED] =
        "UPDATE batch SET rows_discarded = rows_discarded + :rows WHERE id = :batch_id",
    /* without the hash, a batch whose restart was interrupted is restarted again, not continued */
    [BATCH_UNREAD] =
        "UPDATE batch SET rows_read = rows_read - :rows, schema_hash = '' WHERE id = :batch_id",
    [BATCH_LAST_REJECT] = "SELECT max(row_no) AS number FROM (SELECT row_no FROM rejected_row "
                          "WHERE batch_id = :batch_id ORDER BY row_no LIMIT :wanted)",
    [BATCH_FORGET_KEYS] =
        "DELETE FROM record_rejection WHERE (record_id, rejection_id) IN (SELECT record_id, "
        "batch_id * " ID_ROWS_SQL " + row_no FROM rejected_row WHERE batch_id = :batch_id "
        "AND row_no <= :last_row)",
    [BATCH_FORGET_REJECTIONS] =
        "INSERT INTO rejection_tally (batch_id, field, rule, rows) SELECT batch_id, field, rule, "
        "-count(DISTINCT row_no) FROM violation WHERE batch_id = :batch_id AND row_no <= :last_row "
        "GROUP BY batch_id, field, rule ON CONFLICT (batch_id, field, rule) "
        "DO UPDATE SET rows = rows + excluded.rows",
    [BATCH_FORGET_VIOLATIONS] =
        "DELETE FROM violation WHERE batch_id = :batch_id AND row_no <= :last_row",
    [BATCH_FORGET_REJECTS] =
        "DELETE FROM rejected_row WHERE batch_id = :batch_id AND row_no <= :last_row",
    [BATCH_FORGET_EMPTY] = "DELETE FROM rejection_tally WHERE batch_id = :batch_id AND rows = 0",
    [BATCH_UNREJECTED] = "UPDATE batch SET rows_read = rows_read - :rows, "
                         "rows_rejected = rows_rejected - :rows, schema_hash = '' "
                         "WHERE id = :batch_id",
    [BATCH_RESTART] =
        "UPDATE batch SET rows_read = 0, rows_rejected = 0, bytes_done = 0, "
        "lines_done = 0, prefix_hash = '', header = NULL, keeps_before = 0, undoes = 0, "
        "content_hash = :content_hash, "
        "size_bytes = :size_bytes, device = :device, inode = :inode, mtime_ns = :mtime_ns, "
        "schema_hash = :schema_hash, "
        "options = :options, target = :target, target_columns = :target_columns, "
        "request_rows = :request_rows WHERE id = :batch_id",
    [BATCH_RESTART_TALLY] =
        "UPDATE batch_tally SET pending = pending - :rows WHERE batch_id = :batch_id",
    [BATCH_LAST_JOB] = "SELECT max(id) AS number FROM (SELECT id FROM job_row "
                       "WHERE id > :first_id AND id < :end_id ORDER BY id LIMIT :wanted)",
};

const struct db_statements batch_statements = {sql, sizeof sql / sizeof *sql};

/* The identity of the file that a batch is made from. */
static void bind_file(struct db_statement *statement, const struct batch_origin *origin)
{
    db_bind_int64(statement, DB_DEVICE, (int64_t)origin->device);
    db_bind_int64(statement, DB_INODE, (int64_t)origin->inode);
    db_bind_int64(statement, DB_SIZE_BYTES, (int64_t)origin->size_bytes);
    db_bind_int64(statement, DB_MTIME_NS, origin->mtime_ns);
}

bool batch_known(struct store *store, const char *schema, const char *content_hash,
                 uint64_t size_bytes, int64_t *batch_id, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_BATCHES, BATCH_KNOWN, err);
    bool fine = true;

    *batch_id = 0;
    db_bind_text(statement, DB_SCHEMA, schema);
    if (db_next(store, statement, &fine, err, "look for a known file") &&
        span_is(db_column_span(statement, DB_CONTENT_HASH), content_hash) &&
        (uint64_t)db_column_int64(statement, DB_SIZE_BYTES) == size_bytes)
        *batch_id = db_column_int64(statement, DB_ID);
    db_reset(statement);
    return fine;
}

bool batch_waiting(struct store *store, const struct batch_origin *origin,
                   struct batch_waiting *waiting, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_BATCHES, BATCH_WAITING, err);
    bool fine = true;

    *waiting = (struct batch_waiting){0};
    db_bind_text(statement, DB_SCHEMA, origin->schema);
    db_bind_text(statement, DB_PATH, origin->path);
    bind_file(statement, origin);
    db_bind_text(statement, DB_SCHEMA_HASH, origin->schema_hash);
    db_bind_text(statement, DB_OPTIONS, origin->options);
    if (db_next(store, statement, &fine, err, "look for a file that waits")) {
        const char *reason = db_column_text(statement, DB_REASON);

        waiting->id = db_column_int64(statement, DB_ID);
        waiting->refused = db_column_int(statement, DB_IS_REFUSED);
        waiting->over_limit = db_column_int(statement, DB_OVER_LIMIT);
        waiting->rows_rejected = (uint64_t)db_column_int64(statement, DB_ROWS_REJECTED);
        snprintf(waiting->reason, sizeof waiting->reason, "%s", reason ? reason : "");
    }
    db_reset(statement);
    return fine;
}

static bool read_read(struct store *store, struct db_statement *statement, struct batch_read *batch,
                      struct err *err)
{
    static const enum db_name names[] = {DB_SCHEMA, DB_FORMAT, DB_OPTIONS, DB_CONTENT_HASH};
    const char *texts[sizeof names / sizeof *names];
    bool row;

    *batch = (struct batch_read){0};
    if (!db_step(store, statement, &row, err, "look for what was read of a file"))
        return false;
    if (!row)
        return true;
    db_keep_texts(store, statement, names, sizeof names / sizeof *names, texts);
    batch->id = db_column_int64(statement, DB_ID);
    batch->schema = texts[0];
    batch->format = texts[1];
    batch->options = texts[2];
    batch->content_hash = texts[3];
    batch->size_bytes = (uint64_t)db_column_int64(statement, DB_SIZE_BYTES);
    batch->bytes = (uint64_t)db_column_int64(statement, DB_BYTES_DONE);
    batch->rows = db_column_int64(statement, DB_ROWS);
    snprintf(batch->prefix_hash, sizeof batch->prefix_hash, "%s",
             db_column_text(statement, DB_PREFIX_HASH));
    db_reset(statement);
    return true;
}

bool batch_read_as(struct store *store, int64_t batch_id, struct batch_read *batch, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_BATCHES, BATCH_READ_AS, err);

    db_bind_int64(statement, DB_BATCH_ID, batch_id);
    return read_read(store, statement, batch, err);
}

bool batch_read_shorter(struct store *store, const struct batch_origin *origin,
                        struct batch_read *batch, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_BATCHES, BATCH_READ_SHORTER, err);

    db_bind_text(statement, DB_SCHEMA, origin->schema);
    db_bind_text(statement, DB_PATH, origin->path);
    db_bind_int64(statement, DB_DEVICE, (int64_t)origin->device);
    db_bind_int64(statement, DB_INODE, (int64_t)origin->inode);
    db_bind_int64(statement, DB_SIZE_BYTES, (int64_t)origin->size_bytes);
    return read_read(store, statement, batch, err);
}

bool batch_loading(struct store *store, const char *schema, int64_t *batch_id, const char **source,
                   struct err *err)
{
    struct db_statement *statement = db_get(store, DB_BATCHES, BATCH_FIND_LOADING, err);
    bool fine = true;

    *batch_id = 0;
    db_bind_text(statement, DB_SCHEMA, schema);
    if (db_next(store, statement, &fine, err, "look for a file that is not read completely")) {
        *batch_id = db_column_int64(statement, DB_ID);
        db_keep_texts(store, statement, &(enum db_name){DB_SOURCE}, 1, source);
    }
    db_reset(statement);
    return fine;
}

bool batch_newer(struct store *store, const char *schema, int64_t batch_id, int64_t *newer,
                 struct err *err)
{
    struct db_statement *statement = db_get(store, DB_BATCHES, BATCH_NEWER, err);
    *newer = 0;
    db_bind_text(statement, DB_SCHEMA, schema);
    db_bind_int64(statement, DB_AFTER, batch_id);
    return db_read_int64(store, statement, DB_ID, newer, err, "look for later batches");
}

static bool insert_batch(struct store *store, const struct batch_origin *origin, int64_t run_id,
                         int64_t now_ms, int64_t *batch_id, struct err *err)
{
    struct db_statement *batch = db_get(store, DB_BATCHES, BATCH_BEGIN, err),
                        *tally = db_get(store, DB_BATCHES, BATCH_TALLY, err);

    db_bind_text(batch, DB_SOURCE, origin->source);
    db_bind_text(batch, DB_SCHEMA, origin->schema);
    db_bind_text(batch, DB_FORMAT, origin->format);
    db_bind_text(batch, DB_CONTENT_HASH, origin->content_hash);
    db_bind_int64(batch, DB_NOW_MS, now_ms);
    db_bind_int64(batch, DB_RUN_ID, run_id);
    db_bind_text(batch, DB_PATH, origin->path);
    bind_file(batch, origin);
    db_bind_text(batch, DB_SCHEMA_HASH, origin->schema_hash);
    db_bind_text(batch, DB_OPTIONS, origin->options);
    db_bind_int64(batch, DB_FILING, (int)origin->filing);
    db_bind_int64(batch, DB_ROWS_BEFORE, origin->rows_before);
    db_bind_text(batch, DB_TARGET, origin->target);
    db_bind_text(batch, DB_TARGET_COLUMNS, origin->target_columns);
    db_bind_int64(batch, DB_REQUEST_ROWS, origin->request_rows);
    if (!db_run(store, batch, err, "begin a batch"))
        return false;
    *batch_id = sqlite3_last_insert_rowid(store->db);
    db_bind_int64(tally, DB_BATCH_ID, *batch_id);
    db_bind_int64(tally, DB_NEXT_JOB_ID, id_before(*batch_id));
    return db_run(store, tally, err, "begin a batch");
}

bool batch_begin(struct store *store, const struct batch_origin *origin, int64_t run_id,
                 int64_t now_ms, int64_t *batch_id, struct err *err)
{
    return db_begin(store, err) &&
           db_end(store, insert_batch(store, origin, run_id, now_ms, batch_id, err), err);
}

bool batch_mark(struct store *store, int64_t batch_id, bool keeps_before, bool undoes,
                struct err *err)
{
    struct db_statement *statement = db_get(store, DB_BATCHES, BATCH_MARK, err);

    db_bind_int64(statement, DB_BATCH_ID, batch_id);
    db_bind_int64(statement, DB_KEEPS_BEFORE, keeps_before);
    db_bind_int64(statement, DB_UNDOES, undoes);
    return db_run(store, statement, err, "note how a batch is sent");
}

bool batch_set_header(struct store *store, int64_t batch_id, struct span header, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_BATCHES, BATCH_HEADER_SET, err);

    db_bind_int64(statement, DB_BATCH_ID, batch_id);
    db_bind_blob(statement, DB_HEADER, header.data, header.size);
    return db_run(store, statement, err, "keep the header");
}

bool batch_header(struct store *store, int64_t batch_id, struct buf *header, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_BATCHES, BATCH_HEADER, err);
    bool fine = true;

    db_bind_int64(statement, DB_BATCH_ID, batch_id);
    if (db_next(store, statement, &fine, err, "read the header"))
        buf_append_span(header, db_column_blob(statement, DB_HEADER));
    db_reset(statement);
    return fine;
}

/* Counts what is in the tables, without the counters. */
static bool count_rows(struct store *store, int64_t batch_id, int64_t *jobs, int64_t *rejects,
                       int64_t *read, struct err *err)
{
    struct db_statement *job_count = db_get(store, DB_BATCHES, BATCH_COUNT_JOBS, err);
    struct db_statement *reject_count = db_get(store, DB_BATCHES, BATCH_COUNT_REJECTS, err);
    struct db_statement *rows = db_get(store, DB_BATCHES, BATCH_ROWS, err);

    db_bind_batch(job_count, batch_id);
    db_bind_int64(reject_count, DB_BATCH_ID, batch_id);
    db_bind_int64(rows, DB_BATCH_ID, batch_id);
    *jobs = *rejects = *read = 0;
    return db_read_int64(store, job_count, DB_NUMBER, jobs, err, "count jobs") &&
           db_read_int64(store, reject_count, DB_NUMBER, rejects, err, "count rejected rows") &&
           db_read_int64(store, rows, DB_NUMBER, read, err, "read the number of rows");
}

/* Enters the record ids; those of jobs only if batch_load_keys entered fewer than the batch has. */
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
    struct db_statement *statement = db_get(store, DB_BATCHES, BATCH_SET_OPEN, err);
    int64_t jobs, rejects, read;

    if (!count_rows(store, batch_id, &jobs, &rejects, &read, err))
        return false;
    if (read != jobs + rejects)
        return err_set(err, ERR_INTERNAL,
                       "batch %lld: the row counts do not add up: %lld rows read, %lld jobs, %lld "
                       "rejected",
                       (long long)batch_id, (long long)read, (long long)jobs, (long long)rejects);
    if (!complete_keys(store, batch_id, jobs, rejects, err) || !store_set_durable(store, true, err))
        return false;
    db_bind_int64(statement, DB_BATCH_ID, batch_id);
    db_bind_text(statement, DB_STATE, batch_state_name(jobs ? BATCH_OPEN : BATCH_DONE));
    db_bind_int64(statement, DB_NUMBER, jobs);
    db_bind_text(statement, DB_CONTENT_HASH, content_hash);
    db_bind_int64(statement, DB_SIZE_BYTES, (int64_t)size_bytes);
    db_bind_int64(statement, DB_RUN_ID, run_id);
    db_bind_known(statement, DB_FINISHED_MS, !jobs, now_ms);
    db_bind_known(statement, DB_FINISHED_RUN_ID, !jobs, run_id);
    if (!db_run(store, statement, err, "open the batch"))
        return false;
    return sqlite3_changes(store->db) == 1 || lock_shared_batch(batch_id, err);
}

bool batch_refuse(struct store *store, int64_t batch_id, const char *reason, bool over_limit,
                  int64_t run_id, int64_t now_ms, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_BATCHES, BATCH_REFUSE, err);

    db_bind_int64(statement, DB_BATCH_ID, batch_id);
    db_bind_text(statement, DB_REASON, reason);
    db_bind_int64(statement, DB_RUN_ID, run_id);
    db_bind_int64(statement, DB_NOW_MS, now_ms);
    db_bind_int64(statement, DB_OVER_LIMIT, over_limit);
    return db_run(store, statement, err, "refuse the batch");
}

/* Deletes the next jobs of the batch in the running transaction; *deleted 0: none was left. */
static bool delete_some(struct store *store, int64_t batch_id, int64_t *deleted, struct err *err)
{
    struct db_statement *last = db_get(store, DB_BATCHES, BATCH_LAST_JOB, err);
    struct db_statement *keys = db_get(store, DB_BATCHES, BATCH_DISCARD_KEYS, err);
    struct db_statement *jobs = db_get(store, DB_BATCHES, BATCH_DISCARD_JOBS, err);
    struct db_statement *tally = db_get(store, DB_BATCHES, BATCH_RESTART_TALLY, err);
    int64_t last_id;

    *deleted = 0;
    db_bind_batch(last, batch_id);
    db_bind_int64(last, DB_WANTED, DISCARD_ROWS);
    if (!db_read_int64(store, last, DB_NUMBER, &last_id, err, "find the last job"))
        return false;
    if (!last_id)
        return true;
    db_bind_int64(keys, DB_FIRST_ID, id_before(batch_id));
    db_bind_int64(keys, DB_LAST_ID, last_id);
    db_bind_int64(jobs, DB_FIRST_ID, id_before(batch_id));
    db_bind_int64(jobs, DB_LAST_ID, last_id);
    if (!db_run(store, keys, err, "discard keys") || !db_run(store, jobs, err, "discard jobs"))
        return false;
    *deleted = sqlite3_changes(store->db);
    db_bind_int64(tally, DB_BATCH_ID, batch_id);
    db_bind_int64(tally, DB_ROWS, *deleted);
    return db_run(store, tally, err, "count the jobs");
}

static bool discard_step(struct store *store, int64_t batch_id, bool counts, int64_t *deleted,
                         struct err *err)
{
    struct db_statement *statement =
        db_get(store, DB_BATCHES, counts ? BATCH_DISCARDED : BATCH_UNREAD, err);

    if (!delete_some(store, batch_id, deleted, err))
        return false;
    db_bind_int64(statement, DB_BATCH_ID, batch_id);
    db_bind_int64(statement, DB_ROWS, *deleted);
    return db_run(store, statement, err, "count discarded rows");
}

/* Deletes all jobs of a batch in bounded transactions; they count as discarded, or else as not
 * read. */
static bool discard(struct store *store, int64_t batch_id, bool counts, struct err *err)
{
    int64_t deleted = 1;

    while (deleted) {
        if (!db_begin(store, err) ||
            !db_end(store, discard_step(store, batch_id, counts, &deleted, err), err))
            return false;
        crash_point(CRASH_DISCARD_COMMITTED);
    }
    return true;
}

bool batch_discard(struct store *store, int64_t batch_id, struct err *err)
{
    return discard(store, batch_id, true, err);
}

/* Deletes the next rejected rows with what is known of them, the keys first, which are found by the
 * rows. *deleted 0: none was left. */
static bool forget_piece(struct store *store, int64_t batch_id, int64_t *deleted, struct err *err)
{
    struct db_statement *last = db_get(store, DB_BATCHES, BATCH_LAST_REJECT, err);
    int64_t last_row;

    *deleted = 0;
    db_bind_int64(last, DB_BATCH_ID, batch_id);
    db_bind_int64(last, DB_WANTED, FORGET_ROWS);
    if (!db_read_int64(store, last, DB_NUMBER, &last_row, err, "find the last row"))
        return false;
    for (unsigned i = BATCH_FORGET_KEYS; last_row && i <= BATCH_FORGET_REJECTS; i++) {
        struct db_statement *statement = db_get(store, DB_BATCHES, i, err);

        db_bind_int64(statement, DB_BATCH_ID, batch_id);
        db_bind_int64(statement, DB_LAST_ROW, last_row);
        if (!db_run(store, statement, err, "begin again"))
            return false;
        *deleted = sqlite3_changes(store->db);
    }
    return true;
}

/* As many pieces as the time allows. *more: there may be others. */
static bool forget_some(struct store *store, int64_t batch_id, bool *more, struct err *err)
{
    struct db_statement *empty = db_get(store, DB_BATCHES, BATCH_FORGET_EMPTY, err);
    struct db_statement *unread = db_get(store, DB_BATCHES, BATCH_UNREJECTED, err);
    int64_t begun_us = clock_monotonic_us(), rows = 0, deleted;

    do {
        if (!forget_piece(store, batch_id, &deleted, err))
            return false;
        rows += deleted;
    } while (deleted && clock_monotonic_us() - begun_us < HOLD_US);
    *more = deleted > 0;
    db_bind_int64(empty, DB_BATCH_ID, batch_id);
    db_bind_int64(unread, DB_BATCH_ID, batch_id);
    db_bind_int64(unread, DB_ROWS, rows);
    return db_run(store, empty, err, "begin again") && db_run(store, unread, err, "begin again");
}

/* Deletes the rejected rows of a batch in bounded transactions. After each, the row counts add up,
 * and an interrupted restart is begun again. */
static bool forget_rejects(struct store *store, int64_t batch_id, struct err *err)
{
    bool more = true;

    while (more) {
        if (!db_begin(store, err) || !db_end(store, forget_some(store, batch_id, &more, err), err))
            return false;
        crash_point(CRASH_REJECTS_FORGOTTEN);
    }
    return true;
}

static bool forget(struct store *store, int64_t batch_id, const struct batch_origin *origin,
                   struct err *err)
{
    struct db_statement *batch = db_get(store, DB_BATCHES, BATCH_RESTART, err);

    db_bind_int64(batch, DB_BATCH_ID, batch_id);
    db_bind_text(batch, DB_CONTENT_HASH, origin->content_hash);
    bind_file(batch, origin);
    db_bind_text(batch, DB_SCHEMA_HASH, origin->schema_hash);
    db_bind_text(batch, DB_OPTIONS, origin->options);
    db_bind_text(batch, DB_TARGET, origin->target);
    db_bind_text(batch, DB_TARGET_COLUMNS, origin->target_columns);
    db_bind_int64(batch, DB_REQUEST_ROWS, origin->request_rows);
    return db_run(store, batch, err, "begin again");
}

bool batch_restart(struct store *store, int64_t batch_id, const struct batch_origin *origin,
                   struct err *err)
{
    store->keys_batch_id = 0;
    return discard(store, batch_id, false, err) && forget_rejects(store, batch_id, err) &&
           db_begin(store, err) && db_end(store, forget(store, batch_id, origin, err), err);
}
