#include "core/store/cancel.h"

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/base/stop.h"
#include "core/store/open_batches.h"

#include <stdlib.h>

/* Jobs of one transaction, so that no other writer waits for long. */
enum { CANCEL_JOBS = 4096 };

enum { CANCEL_CURSOR, CANCEL_FRESH, CANCEL_INSERT, CANCEL_FIND };

static const char *const sql[] = {
    [CANCEL_CURSOR] =
        "SELECT b.schema, t.next_job_id FROM batch b "
        "JOIN batch_tally t ON t.batch_id = b.id WHERE b.id = :batch_id AND b.state = 'open'",
    [CANCEL_FRESH] = "SELECT r.id, r.record_id, s.job_id IS NULL AS is_fresh FROM job_row r "
                     "LEFT JOIN job_state s ON s.job_id = r.id "
                     "WHERE r.id >= :first_id AND r.id < :end_id ORDER BY r.id LIMIT :wanted",
    [CANCEL_INSERT] =
        "INSERT OR IGNORE INTO job_state (job_id, state, updated_ms) "
        "SELECT id, 'cancelled', :now_ms FROM job_row WHERE id >= :first_id AND id <= :last_id",
    [CANCEL_FIND] = "SELECT job_id FROM job_state WHERE job_id > :first_id AND job_id < :end_id "
                    "AND state " IN_OPEN,
};

const struct db_statements cancel_statements = {sql, sizeof sql / sizeof *sql};

/* Jobs from the cursor on, of one transaction. */
struct fresh {
    int64_t from; /* where a rehearsal continues, which moves no cursor */
    int64_t first, last;
    size_t count; /* of those without a state */
    int64_t ids[CANCEL_JOBS];
    size_t ends[CANCEL_JOBS]; /* of their record ids in text, after the schema */
    size_t schema_size;
    struct buf text;
};

/* Reads the schema and the cursor of the batch. *open false: the batch is not open. */
static bool read_cursor(struct store *store, int64_t batch_id, struct fresh *fresh, bool *open,
                        struct err *err)
{
    struct db_statement *statement = db_get(store, DB_CANCELS, CANCEL_CURSOR, err);
    struct span schema;

    buf_reset(&fresh->text);
    fresh->count = 0;
    fresh->last = 0;
    db_bind_int64(statement, DB_BATCH_ID, batch_id);
    if (!db_step(store, statement, open, err, "read the batch"))
        return false;
    if (!*open)
        return true;
    schema = db_column_span(statement, DB_SCHEMA);
    buf_append_span(&fresh->text, schema);
    fresh->schema_size = schema.size;
    if (db_column_int64(statement, DB_NEXT_JOB_ID) > fresh->from)
        fresh->from = db_column_int64(statement, DB_NEXT_JOB_ID);
    fresh->first = fresh->from;
    db_reset(statement);
    return true;
}

/* fresh->last 0: none is left. */
static bool read_fresh(struct store *store, int64_t batch_id, struct fresh *fresh, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_CANCELS, CANCEL_FRESH, err);
    bool fine = true;

    db_bind_int64(statement, DB_FIRST_ID, fresh->first);
    db_bind_int64(statement, DB_END_ID, id_end(batch_id));
    db_bind_int64(statement, DB_WANTED, CANCEL_JOBS);
    while (db_next(store, statement, &fine, err, "read jobs that were never claimed")) {
        fresh->last = db_column_int64(statement, DB_ID);
        /* one that was sent ahead of its batch has a state, and is found by cancel_claimed */
        if (!db_column_int(statement, DB_IS_FRESH))
            continue;
        fresh->ids[fresh->count] = fresh->last;
        buf_append_span(&fresh->text, db_column_span(statement, DB_RECORD_ID));
        fresh->ends[fresh->count++] = fresh->text.size;
    }
    return fine;
}

static bool write_fresh(struct store *store, const struct decision *decision, int64_t batch_id,
                        const struct fresh *fresh, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_CANCELS, CANCEL_INSERT, err);
    int64_t deltas[JOB_STATES] = {0};

    deltas[JOB_PENDING] = -(int64_t)fresh->count;
    deltas[JOB_CANCELLED] = (int64_t)fresh->count;
    db_bind_int64(statement, DB_FIRST_ID, fresh->first);
    db_bind_int64(statement, DB_LAST_ID, fresh->last);
    db_bind_int64(statement, DB_NOW_MS, decision->now_ms);
    return db_run(store, statement, err, "withdraw jobs") &&
           decide_wake(store, fresh->first, fresh->last, decision->now_ms, err) &&
           open_batches_count(store, batch_id, deltas, fresh->last + 1, err) &&
           open_batches_done(store, batch_id, decision->now_ms, 0, err);
}

static bool cancel_inside(struct store *store, const struct decision *decision, int64_t batch_id,
                          struct fresh *fresh, struct err *err)
{
    bool open;

    if (!read_cursor(store, batch_id, fresh, &open, err) ||
        (open && !read_fresh(store, batch_id, fresh, err)))
        return false;
    return !fresh->last || decision->rehearsed ||
           write_fresh(store, decision, batch_id, fresh, err);
}

static bool cancel_chunk(struct store *store, const struct decision *decision, int64_t batch_id,
                         struct fresh *fresh, struct err *err)
{
    if (decision->rehearsed)
        return cancel_inside(store, decision, batch_id, fresh, err);
    return db_begin(store, err) &&
           db_end(store, cancel_inside(store, decision, batch_id, fresh, err), err);
}

static bool visit_fresh(const struct decision *decision, struct fresh *fresh, struct err *err)
{
    const char *text = buf_text(&fresh->text);
    size_t begin = fresh->schema_size;

    for (size_t i = 0; i < fresh->count; i++) {
        struct decided job = {
            .job_id = fresh->ids[i],
            .end = DECIDE_MOVED,
            .state = JOB_PENDING,
            .to = JOB_CANCELLED,
            .schema = {text, fresh->schema_size},
            .record_id = {text + begin, fresh->ends[i] - begin},
        };

        begin = fresh->ends[i];
        if (!decision->visit(decision->context, &job, err))
            return false;
    }
    return true;
}

static bool cancel_fresh(struct store *store, const struct decision *decision, int64_t batch_id,
                         struct err *err)
{
    struct fresh *fresh = mem_calloc(1, sizeof *fresh);
    bool fine = true;

    do {
        if (stop_requested())
            fine = err_set(err, ERR_STOPPED, "stopped; what is listed is withdrawn");
        fine = fine && cancel_chunk(store, decision, batch_id, fresh, err) &&
               visit_fresh(decision, fresh, err);
        fresh->from = fresh->last + 1;
    } while (fine && fresh->last);
    buf_release(&fresh->text);
    free(fresh);
    return fine;
}

static bool settle(struct store *store, const struct decision *decision, const struct decided *job,
                   struct err *err)
{
    return decide_wake(store, job->job_id, job->job_id, decision->now_ms, err);
}

/* Jobs that a drain looked at before: waiting for an earlier one, or put back. */
static bool cancel_claimed(struct store *store, const struct decision *decision, int64_t batch_id,
                           struct err *err)
{
    struct db_statement *statement = db_get(store, DB_CANCELS, CANCEL_FIND, err);
    struct decision whole = *decision;
    struct id_list job_ids = {0};
    bool fine;

    db_bind_batch(statement, batch_id);
    whole.from = JOB_SET(JOB_OPEN_LIST);
    whole.to = JOB_CANCELLED;
    whole.settle = settle;
    fine = db_collect(store, statement, &job_ids, err, "look for jobs to be withdrawn") &&
           decide_jobs(store, &whole, &job_ids, err);
    id_list_release(&job_ids);
    return fine;
}

bool cancel_batch(struct store *store, const struct decision *decision, int64_t batch_id,
                  struct err *err)
{
    return cancel_fresh(store, decision, batch_id, err) &&
           cancel_claimed(store, decision, batch_id, err);
}
