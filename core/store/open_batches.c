#include "core/store/open_batches.h"

#include "core/base/mem.h"

#include <stdlib.h>

enum { OPEN_VERSION, OPEN_BATCHES, OPEN_COUNT, OPEN_DONE };

#define ADD(state, name) #name " = " #name " + :" #name ", "
#define TALLY_ADDED      JOB_STATE_LIST(ADD, ADD)

static const char *const sql[] = {
    [OPEN_VERSION] = "SELECT data_version FROM pragma_data_version",
    [OPEN_BATCHES] =
        "SELECT b.id, b.schema, b.target, "
        "b.target_columns, b.content_hash, b.occurrence, b.rows_before, b.keeps_before, b.undoes, "
        "t.next_job_id, " SQL_COUNTERS " FROM batch b JOIN batch_tally t ON t.batch_id = b.id "
        "WHERE b.state " IN_BATCHES_UNFINISHED " AND b.state = 'open' ORDER BY b.id",
    [OPEN_COUNT] = "UPDATE batch_tally SET " TALLY_ADDED
                   "next_job_id = max(next_job_id, :next_job_id) WHERE batch_id = :batch_id",
    [OPEN_DONE] = "UPDATE batch SET state = 'done', finished_ms = :now_ms, finished_run_id = "
                  "nullif(:run_id, 0) "
                  "WHERE id = :batch_id AND state = 'open' AND (SELECT " SQL_OPEN_JOBS
                  " FROM batch_tally WHERE batch_id = :batch_id) = 0",
};

const struct db_statements open_batch_statements = {sql, sizeof sql / sizeof *sql};

struct open_batch *open_batches_find(const struct open_batches *open, int64_t batch_id)
{
    size_t first = 0, end = open->count;

    while (first < end) {
        size_t middle = first + (end - first) / 2;

        if (open->items[middle].id == batch_id)
            return &open->items[middle];
        if (open->items[middle].id < batch_id)
            first = middle + 1;
        else
            end = middle;
    }
    return NULL;
}

static void release(struct open_batch *batch)
{
    free(batch->schema);
    free((char *)batch->parts.columns);
}

static void forget(struct open_batches *open)
{
    for (size_t i = 0; i < open->count; i++)
        release(&open->items[i]);
    open->count = 0;
    open->is_valid = false;
}

void open_batches_close(struct store *store)
{
    if (!store->open)
        return;
    forget(store->open);
    free(store->open->items);
    free(store->open);
}

static struct open_batch *add_batch(struct open_batches *open)
{
    enum { AT_ONCE = 64 };

    if (open->count % AT_ONCE == 0)
        open->items = mem_resize(open->items, open->count + AT_ONCE, sizeof *open->items);
    return &open->items[open->count++];
}

static bool read_open(struct store *store, int64_t batch_id, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_OPEN_BATCHES, OPEN_BATCHES, err);
    bool fine = true;

    while (fine && db_next(store, statement, &fine, err, "read the open batches")) {
        struct open_batch *batch = add_batch(store->open);

        *batch = (struct open_batch){
            .id = db_column_int64(statement, DB_ID),
            .schema = mem_strdup(db_column_text(statement, DB_SCHEMA)),
            .keeps_before = db_column_int(statement, DB_KEEPS_BEFORE),
            .undoes = db_column_int(statement, DB_UNDOES),
            .parts = {db_column_int64(statement, DB_ID), !db_column_is_null(statement, DB_TARGET),
                      mem_strdup(db_column_text(statement, DB_TARGET_COLUMNS))},
            .next_job_id = db_column_int64(statement, DB_NEXT_JOB_ID),
        };
        if (!db_column_key(statement, &batch->key))
            fine = err_set(err, ERR_STORE, "batch %lld is open without a count of earlier ones",
                           (long long)batch->id);
        batch->in_question = !batch_id || batch->id == batch_id;
        for (int state = 0; state < JOB_STATES; state++)
            batch->counts[state] = db_column_int64(statement, db_name_of_state(state));
    }
    return fine;
}

bool open_batches_refresh(struct store *store, int64_t batch_id, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_OPEN_BATCHES, OPEN_VERSION, err);
    int64_t version = 0, changes = sqlite3_total_changes64(store->db);
    struct open_batches *open = store->open;
    if (!open)
        open = store->open = mem_calloc(1, sizeof *open);
    if (!db_read_int64(store, statement, DB_DATA_VERSION, &version, err,
                       "look for others' changes"))
        return false;
    if (open->is_valid && open->data_version == version && open->changes == changes &&
        open->batch_id == batch_id)
        return true;
    forget(open);
    open->data_version = version;
    open->changes = changes;
    open->batch_id = batch_id;
    open->is_valid = read_open(store, batch_id, err);
    return open->is_valid;
}

void open_batches_forget(struct store *store)
{
    if (store->open)
        store->open->is_valid = false;
}

/* The open jobs of a batch, as of the end of the transaction. */
static int64_t open_jobs(const struct open_batch *batch)
{
    int64_t count = 0;

    for (int state = 0; state < JOB_STATES; state++)
        if (job_state_is_open((enum job_state)state))
            count += batch->counts[state] + batch->deltas[state];
    return count;
}

void open_batches_keep(struct store *store)
{
    struct open_batches *open = store->open;
    size_t kept = 0;

    for (size_t i = 0; i < open->count; i++) {
        struct open_batch *batch = &open->items[i];

        for (int state = 0; state < JOB_STATES; state++) {
            batch->counts[state] += batch->deltas[state];
            batch->deltas[state] = 0;
        }
        batch->cursor_moved = false;
        if (open_jobs(batch) > 0)
            open->items[kept++] = *batch;
        else
            release(batch);
    }
    open->count = kept;
    open->changes = sqlite3_total_changes64(store->db);
}

static bool is_changed(const struct open_batch *batch)
{
    bool changed = batch->cursor_moved;

    for (int state = 0; state < JOB_STATES; state++)
        changed = changed || batch->deltas[state];
    return changed;
}

bool open_batches_count(struct store *store, int64_t batch_id, const int64_t deltas[JOB_STATES],
                        int64_t next_job_id, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_OPEN_BATCHES, OPEN_COUNT, err);

    db_bind_int64(statement, DB_BATCH_ID, batch_id);
    for (int state = 0; state < JOB_STATES; state++)
        db_bind_int64(statement, db_name_of_state(state), deltas[state]);
    db_bind_int64(statement, DB_NEXT_JOB_ID, next_job_id);
    return db_run(store, statement, err, "count the jobs");
}

bool open_batches_done(struct store *store, int64_t batch_id, int64_t now_ms, int64_t run_id,
                       struct err *err)
{
    struct db_statement *statement = db_get(store, DB_OPEN_BATCHES, OPEN_DONE, err);

    db_bind_int64(statement, DB_BATCH_ID, batch_id);
    db_bind_int64(statement, DB_NOW_MS, now_ms);
    db_bind_int64(statement, DB_RUN_ID, run_id);
    return db_run(store, statement, err, "finish the batch");
}

bool open_batches_write(struct store *store, int64_t now_ms, int64_t run_id, uint64_t *left,
                        uint64_t *ended, struct err *err)
{
    *left = *ended = 0;
    for (size_t i = 0; i < store->open->count; i++) {
        const struct open_batch *batch = &store->open->items[i];
        int64_t open = open_jobs(batch);

        if (batch->in_question)
            *left += (uint64_t)open;
        for (int state = 0; state < JOB_STATES; state++)
            if (!job_state_is_open((enum job_state)state))
                *ended += (uint64_t)batch->deltas[state];
        if (!is_changed(batch))
            continue;
        if (!open_batches_count(store, batch->id, batch->deltas, batch->next_job_id, err) ||
            (open == 0 && !open_batches_done(store, batch->id, now_ms, run_id, err)))
            return false;
    }
    return true;
}
