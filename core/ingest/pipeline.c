#include "core/ingest/pipeline.h"

#include "core/base/crash.h"
#include "core/base/stop.h"
#include "core/ingest/sorter.h"
#include "core/store/checkpointer.h"
#include "core/store/keys.h"
#include "core/store/lock.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

enum {
    PARCELS = 4, /* one is filled and one inserted; the others absorb differences in speed */
    CHECKPOINT_EVERY = 2, /* parcels; the log is synced each time */
    STOP_LOOK_MS = 100,   /* how often a wait for rows checks for a signal */
};

/* A chunk that is passed between the threads. It belongs to the parsing thread until it is full,
 * then to the inserting one; both read only `full`, under the lock. */
struct parcel {
    struct intake_chunk chunk;
    bool full;
    bool keys;   /* record ids in order, not rows */
    bool last;   /* the last one */
    bool over;   /* too many rows are rejected: insert it, then report err */
    bool failed; /* err says why */
    struct err err;
};

struct mailbox {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    bool closed; /* the inserting side stops */
    struct parcel parcels[PARCELS];
    const struct pipeline *pipeline;
    /* of the parsing thread */
    struct row row;
    struct violations violations;
    uint64_t accepted, rejected;       /* in the tables and in the chunks */
    struct sorter *sorter;             /* NULL: record ids are not sorted here */
    bool merging;                      /* all rows are passed on, record ids follow */
    uint32_t skipped;                  /* rows that an earlier batch has read */
    struct checkpointer *checkpointer; /* NULL until there is enough to copy */
};

/* --- the parsing side --- */

static size_t put(struct buf *text, struct span span)
{
    size_t offset = text->size;

    buf_append_span(text, span);
    return offset;
}

static void add_row(struct intake_chunk *chunk, const struct row *row)
{
    struct intake_row *job = intake_chunk_add_row(chunk);

    *job = (struct intake_row){
        .row_no = row->row_no,
        .line_no = row->line_no,
        .has_version = row->has_version,
        .version = row->version,
        .record_id = put(&chunk->text, row->record_id),
        .record_id_size = row->record_id.size,
        .fields = put(&chunk->text, row->fields),
        .fields_size = row->fields.size,
        .tags = put(&chunk->text, row->tags),
        .tags_size = row->tags.size,
    };
}

static void add_reject(struct intake_chunk *chunk, const struct row *row,
                       const struct violations *violations)
{
    struct intake_reject *reject = intake_chunk_add_reject(chunk);

    *reject = (struct intake_reject){
        .row_no = row->row_no,
        .line_no = row->line_no,
        .record_id = put(&chunk->text, row->record_id),
        .record_id_size = row->record_id.size,
        .raw = put(&chunk->text, row->raw),
        .raw_size = row->raw.size,
        .first_violation = chunk->violation_count,
        .violation_count = violations->count,
    };
    for (size_t i = 0; i < violations->count; i++) {
        struct intake_violation *violation = intake_chunk_add_violation(chunk);
        struct span field = violation_field(violations, i), rule = violation_rule(violations, i),
                    message = violation_message(violations, i);

        *violation = (struct intake_violation){
            .field = put(&chunk->text, field),
            .field_size = field.size,
            .rule = put(&chunk->text, rule),
            .rule_size = rule.size,
            .message = put(&chunk->text, message),
            .message_size = message.size,
        };
    }
}

static bool has_room(const struct intake_chunk *chunk)
{
    return chunk->row_count + chunk->reject_count < PIPELINE_ROWS &&
           chunk->violation_count < PIPELINE_VIOLATIONS && chunk->text.size < PIPELINE_TEXT;
}

/* Returns whether an earlier batch has read this row: not so for a last row that was cut off. */
static bool was_read(const struct mailbox *box)
{
    const struct span raw = box->row.raw;
    struct reader_position position;
    size_t size = raw.size;

    /* a character of the line end can be two bytes */
    while (size > 0 && strchr("\r\n", raw.data[size - 1]))
        size--;
    reader_position(box->pipeline->reader, &position);
    return position.bytes - (raw.size - size) <= box->pipeline->skip_bytes;
}

/* Reads a row. A stream can block for ever: only here can the thread be cancelled, without a lock.
 */
static enum row_step next_row(struct mailbox *box, struct err *err)
{
    enum row_step step;

    if (box->pipeline->endless)
        pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
    do
        step = reader_next(box->pipeline->reader, &box->row, &box->violations, err);
    while (step == ROW_STEP_ROW && box->pipeline->skip_bytes && was_read(box) && ++box->skipped);
    box->row.row_no -= box->skipped;
    if (box->pipeline->endless)
        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    return step;
}

static void note_position(const struct mailbox *box, struct intake_chunk *chunk)
{
    struct reader_position position;

    reader_position(box->pipeline->reader, &position);
    chunk->progress = (struct batch_progress){
        .bytes = position.bytes,
        .lines = position.lines,
        .rows = position.rows - box->skipped,
    };
    memcpy(chunk->progress.prefix_hash, position.hash, sizeof position.hash);
}

static void fill_rows(struct mailbox *box, struct parcel *parcel)
{
    struct intake_chunk *chunk = &parcel->chunk;
    enum row_step step = ROW_STEP_ROW;
    bool fine = true;

    intake_chunk_reset(chunk);
    while (fine && has_room(chunk)) {
        step = next_row(box, &parcel->err);
        if (step != ROW_STEP_ROW)
            break;
        fine = checker_check(box->pipeline->checker, &box->row, &box->violations, &parcel->err);
        if (!fine)
            break;
        if (box->violations.count == 0) {
            add_row(chunk, &box->row);
            box->accepted++;
            fine = !box->sorter ||
                   sorter_add(box->sorter, box->row.record_id, box->row.row_no, &parcel->err);
        } else {
            add_reject(chunk, &box->row, &box->violations);
            parcel->over = !limits_allow(box->pipeline->limits, box->pipeline->source,
                                         box->accepted, ++box->rejected, &parcel->err);
            fine = !parcel->over;
        }
    }
    parcel->over =
        parcel->over || (fine && !limits_allow(box->pipeline->limits, box->pipeline->source,
                                               box->accepted, box->rejected, &parcel->err));
    if (parcel->over) {
        parcel->last = true;
        note_position(box, chunk);
        return;
    }
    parcel->failed = !fine || step == ROW_STEP_ERROR;
    parcel->last = parcel->failed || step == ROW_STEP_END;
    if (parcel->failed)
        return;
    note_position(box, chunk);
}

static void fill_keys(struct mailbox *box, struct parcel *parcel)
{
    struct intake_chunk *chunk = &parcel->chunk;
    struct span key;
    uint32_t row_no;
    bool found = true;

    intake_chunk_reset(chunk);
    while (chunk->row_count < PIPELINE_KEYS && chunk->text.size < PIPELINE_TEXT) {
        parcel->failed = !sorter_next(box->sorter, &found, &key, &row_no, &parcel->err);
        parcel->last = parcel->failed || !found;
        if (parcel->last)
            return;
        *intake_chunk_add_row(chunk) = (struct intake_row){
            .row_no = row_no,
            .record_id = put(&chunk->text, key),
            .record_id_size = key.size,
        };
    }
}

/* Fills a chunk: with rows, and after the last of them with sorted record ids. */
static void fill(struct mailbox *box, struct parcel *parcel)
{
    parcel->keys = box->merging;
    if (box->merging) {
        fill_keys(box, parcel);
        return;
    }
    fill_rows(box, parcel);
    if (!parcel->last || parcel->failed || parcel->over || !box->sorter)
        return;
    box->merging = sorter_finish(box->sorter, &parcel->err);
    parcel->failed = !box->merging;
    parcel->last = parcel->failed;
}

/* Waits for an empty parcel. False: the other side stops. */
static bool take_empty(struct mailbox *box, const struct parcel *parcel)
{
    bool open;

    pthread_mutex_lock(&box->lock);
    while (parcel->full && !box->closed)
        pthread_cond_wait(&box->moved, &box->lock);
    open = !box->closed;
    pthread_mutex_unlock(&box->lock);
    return open;
}

static void hand_over(struct mailbox *box, struct parcel *parcel, bool full)
{
    pthread_mutex_lock(&box->lock);
    parcel->full = full;
    pthread_cond_signal(&box->moved);
    pthread_mutex_unlock(&box->lock);
}

static void *parse(void *context)
{
    struct mailbox *box = context;
    bool last = false;

    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    for (unsigned i = 0; !last; i = (i + 1) % PARCELS) {
        struct parcel *parcel = &box->parcels[i];

        if (!take_empty(box, parcel))
            break;
        fill(box, parcel);
        last = parcel->last;
        hand_over(box, parcel, true);
        if (last || i % CHECKPOINT_EVERY != 1)
            continue;
        /* from this thread, because the inserting one has more to do */
        if (!box->checkpointer)
            box->checkpointer = checkpointer_open(box->pipeline->store);
        checkpointer_run(box->checkpointer);
    }
    return NULL;
}

/* --- the inserting side --- */

static struct timespec soon(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    time.tv_nsec += STOP_LOOK_MS * 1000000L;
    if (time.tv_nsec >= 1000000000L) {
        time.tv_nsec -= 1000000000L;
        time.tv_sec++;
    }
    return time;
}

/* Waits for a full parcel. False: a signal came first. */
static bool take_full(struct mailbox *box, const struct parcel *parcel)
{
    bool stopped = stop_requested();

    pthread_mutex_lock(&box->lock);
    while (!parcel->full && !stopped) {
        struct timespec until = soon();

        if (pthread_cond_timedwait(&box->moved, &box->lock, &until) == ETIMEDOUT)
            stopped = stop_requested();
    }
    pthread_mutex_unlock(&box->lock);
    return !stopped;
}

static bool insert_rows(struct mailbox *box, const struct parcel *parcel,
                        struct pipeline_totals *totals, struct err *err)
{
    const struct pipeline *pipeline = box->pipeline;
    const struct intake_chunk *chunk = &parcel->chunk;
    uint32_t rejected = totals->progress.rejected + (uint32_t)chunk->reject_count;

    if (chunk->row_count + chunk->reject_count > 0 &&
        !batch_load(pipeline->store, pipeline->batch_id, chunk, err))
        return false;
    crash_point(CRASH_CHUNK_COMMITTED);
    totals->progress = chunk->progress;
    totals->progress.rejected = rejected;
    totals->violations += chunk->violation_count;
    if (pipeline->committed)
        pipeline->committed(pipeline->context, &totals->progress);
    return true;
}

static bool insert(struct mailbox *box, const struct parcel *parcel, struct pipeline_totals *totals,
                   struct err *err)
{
    const struct pipeline *pipeline = box->pipeline;

    if (!lock_look(pipeline->lock, err))
        return false;
    if (!parcel->keys)
        return insert_rows(box, parcel, totals, err);
    return parcel->chunk.row_count == 0 ||
           batch_load_keys(pipeline->store, pipeline->batch_id, &parcel->chunk, err);
}

static bool insert_all(struct mailbox *box, struct pipeline_totals *totals, struct err *err)
{
    bool last = false;

    for (unsigned i = 0; !last; i = (i + 1) % PARCELS) {
        struct parcel *parcel = &box->parcels[i];

        if (!take_full(box, parcel))
            return err_set(err, ERR_STOPPED, "stopped after row %u", totals->progress.rows);
        if (parcel->failed) {
            *err = parcel->err;
            return false;
        }
        if (!insert(box, parcel, totals, err))
            return false;
        if (parcel->over) {
            *err = parcel->err;
            return false;
        }
        last = parcel->last;
        hand_over(box, parcel, false);
    }
    return true;
}

static void shut(struct mailbox *box, pthread_t thread)
{
    pthread_mutex_lock(&box->lock);
    box->closed = true;
    pthread_cond_signal(&box->moved);
    pthread_mutex_unlock(&box->lock);
    if (box->pipeline->endless)
        pthread_cancel(thread);
    pthread_join(thread, NULL);
}

bool pipeline_run(struct pipeline *pipeline, struct pipeline_totals *totals, struct err *err)
{
    struct mailbox box = {.pipeline = pipeline,
                          .accepted = totals->progress.rows - totals->progress.rejected,
                          .rejected = totals->progress.rejected};
    pthread_condattr_t clock;
    pthread_t thread;
    int fault;
    bool ok;

    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_mutex_init(&box.lock, NULL);
    pthread_cond_init(&box.moved, &clock);
    box.sorter = pipeline->sort_folder ? sorter_open(pipeline->sort_folder) : NULL;
    fault = pthread_create(&thread, NULL, parse, &box);
    ok = fault == 0 ? insert_all(&box, totals, err)
                    : err_set(err, ERR_INTERNAL, "cannot start a thread: %s", strerror(fault));
    if (fault == 0)
        shut(&box, thread);
    checkpointer_close(box.checkpointer);
    sorter_close(box.sorter);
    for (unsigned i = 0; i < PARCELS; i++)
        intake_chunk_release(&box.parcels[i].chunk);
    violations_release(&box.violations);
    pthread_cond_destroy(&box.moved);
    pthread_mutex_destroy(&box.lock);
    pthread_condattr_destroy(&clock);
    return ok;
}
