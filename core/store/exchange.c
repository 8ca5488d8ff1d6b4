/* One turn of the drain in one transaction; see claims.h. */
#include "core/store/exchange.h"

#include "core/base/crash.h"
#include "core/base/mem.h"

#include <stdlib.h>

enum { RECOVER_JOBS = 1024 }; /* of one transaction, so that no other writer waits for long */

enum {
    TURN_VERSION,
    TURN_OPEN_BATCHES,
    TURN_FACTS,
    TURN_TALLY,
    TURN_DONE,
    TURN_IN_HAND,
    TURN_INTERRUPTED,
    TURN_UNCOUNT,
    TURN_NEVER_LEFT,
    TURN_RECOVER,
    TURN_RECOVER_GET,
    TURN_LEAVE
};

#define ADD(state, name) #name " = " #name " + :" #name ", "
#define TALLY_ADDED      JOB_STATE_LIST(ADD, ADD)

static const char *const sql[] = {
    [TURN_VERSION] = "SELECT data_version FROM pragma_data_version",
    [TURN_OPEN_BATCHES] =
        "SELECT b.id, b.schema, t.next_job_id, " SQL_COUNTERS
        " FROM batch b JOIN batch_tally t ON t.batch_id = b.id "
        "WHERE b.state " IN_BATCHES_UNFINISHED " AND b.state = 'open' ORDER BY b.id",
    [TURN_FACTS] = "SELECT EXISTS (SELECT 1 FROM job_state WHERE waits_for > 0) AS is_waiting, "
                   "EXISTS (SELECT 1 FROM reopened_job WHERE record_id >= '') AS is_reopened",
    [TURN_TALLY] = "UPDATE batch_tally SET " TALLY_ADDED
                   "next_job_id = max(next_job_id, :next_job_id) WHERE batch_id = :batch_id",
    [TURN_DONE] =
        "UPDATE batch SET state = 'done', finished_ms = :now_ms, finished_run_id = :run_id "
        "WHERE id = :batch_id AND state = 'open' AND (SELECT " SQL_OPEN_JOBS
        " FROM batch_tally WHERE batch_id = :batch_id) = 0",
    [TURN_IN_HAND] =
        "SELECT job_id, state FROM job_state WHERE job_id > :first_id AND job_id < :end_id "
        "AND (state = 'sending' OR (state = 'unknown' AND not_before_ms IS NULL "
        "AND waits_for IS NULL))",
    [TURN_INTERRUPTED] =
        "SELECT b.id FROM batch b JOIN batch_tally t ON t.batch_id = b.id WHERE b.id > :after "
        "AND b.state " IN_BATCHES_UNFINISHED " AND b.state = 'open' AND t.sending + t.unknown > 0 "
        "ORDER BY b.id LIMIT 1",
    [TURN_UNCOUNT] =
        "UPDATE job_state SET attempts = attempts - 1 WHERE state = 'sending' AND job_id IN "
        "(SELECT job_id FROM attempt WHERE id > :attempt_id AND run_id = :run_id "
        "AND ended_ms IS NULL AND method = 'PUT')",
    [TURN_NEVER_LEFT] = "UPDATE attempt SET ended_ms = :now_ms, error = 'rowferry was killed "
                        "before it started this request' "
                        "WHERE id > :attempt_id AND run_id = :run_id AND ended_ms IS NULL",
    [TURN_RECOVER] = "UPDATE job_state SET state = 'unknown', doubt = 1, not_before_ms = :now_ms, "
                     "updated_ms = :now_ms WHERE job_id = :job_id AND state = 'sending'",
    /* a read-back that was interrupted leaves no doubt of its own */
    [TURN_RECOVER_GET] = "UPDATE job_state SET not_before_ms = :now_ms, updated_ms = :now_ms "
                         "WHERE job_id = :job_id AND state = 'unknown' AND not_before_ms IS NULL "
                         "AND waits_for IS NULL",
    [TURN_LEAVE] =
        "UPDATE job_state SET not_before_ms = NULL, waits_for = -:run_id WHERE job_id = :job_id "
        "AND state " IN_DUE " AND not_before_ms IS NOT NULL",
};

const struct db_statements turn_statements = {sql, sizeof sql / sizeof *sql};

struct span claim_schema(const struct claim *claim)
{
    return (struct span){claim->text.data, claim->schema_size};
}

struct span claim_record_id(const struct claim *claim)
{
    return (struct span){claim->text.data + claim->schema_size, claim->record_id_size};
}

struct span claim_fields(const struct claim *claim)
{
    return (struct span){claim->text.data + claim->schema_size + claim->record_id_size,
                         claim->fields_size};
}

struct span claim_tags(const struct claim *claim)
{
    size_t before = claim->schema_size + claim->record_id_size + claim->fields_size;

    return (struct span){claim->text.data + before, claim->tags_size};
}

/* What an outcome holds on the heap, empty in all but a few. */
static void outcome_release(struct claim_outcome *outcome)
{
    for (size_t i = 0; i < outcome->violation_count; i++) {
        free(outcome->violations[i].field);
        free(outcome->violations[i].code);
        free(outcome->violations[i].message);
    }
    free(outcome->violations);
    free(outcome->server_record);
    free(outcome->fields);
    free(outcome->audit_entry);
    outcome->violations = NULL;
    outcome->violation_count = 0;
    outcome->server_record = outcome->fields = outcome->audit_entry = NULL;
}

void claim_release(struct claim *claim)
{
    outcome_release(&claim->outcome);
    buf_release(&claim->text);
    buf_release(&claim->siblings);
}

struct open_batch *open_batches_find(struct open_batches *open, int64_t batch_id)
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

static void forget(struct open_batches *open)
{
    for (size_t i = 0; i < open->count; i++)
        free(open->items[i].schema);
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

static bool read_open(struct store *store, int64_t batch_id, struct open_batches *open,
                      struct err *err)
{
    struct db_statement *statement = db_get(store, DB_TURNS, TURN_OPEN_BATCHES, err);
    bool row = true;

    for (;;) {
        struct open_batch *batch;

        if (!db_step(store, statement, &row, err, "read the open batches"))
            return false;
        if (!row)
            return true;
        batch = add_batch(open);
        *batch = (struct open_batch){
            .id = db_column_int64(statement, DB_ID),
            .schema = mem_strdup(db_column_text(statement, DB_SCHEMA)),
            .next_job_id = db_column_int64(statement, DB_NEXT_JOB_ID),
        };
        batch->in_question = !batch_id || batch->id == batch_id;
        for (int state = 0; state < JOB_STATES; state++)
            batch->counts[state] = db_column_int64(statement, db_name_of_state(state));
    }
}

static bool read_version(struct store *store, int64_t *version, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_TURNS, TURN_VERSION, err);
    bool row;

    if (!db_step(store, statement, &row, err, "look for others' changes"))
        return false;
    *version = db_column_int64(statement, DB_DATA_VERSION);
    db_reset(statement);
    return true;
}

/* Reads the open batches where anyone but the last turn has changed the database. Before the
 * transaction, so that nobody has to wait for it; again inside, for what changed between. */
static bool refresh(struct store *store, const struct exchange *exchange, struct err *err)
{
    struct open_batches *open = store->open;
    int64_t version, changes = sqlite3_total_changes64(store->db);

    if (!read_version(store, &version, err))
        return false;
    if (open->is_valid && open->data_version == version && open->changes == changes &&
        open->batch_id == exchange->batch_id)
        return true;
    forget(open);
    open->data_version = version;
    open->changes = changes;
    open->batch_id = exchange->batch_id;
    open->is_valid = read_open(store, exchange->batch_id, open, err);
    return open->is_valid;
}

static int64_t open_jobs(const struct open_batch *batch)
{
    return batch->counts[JOB_PENDING] + batch->counts[JOB_SENDING] + batch->counts[JOB_UNKNOWN];
}

/* After the commit: what was changed is what there is. */
static void keep_open(struct store *store)
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
            free(batch->schema);
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

bool tally_change(struct store *store, int64_t batch_id, const int64_t deltas[JOB_STATES],
                  int64_t next_job_id, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_TURNS, TURN_TALLY, err);

    db_bind_int64(statement, DB_BATCH_ID, batch_id);
    for (int state = 0; state < JOB_STATES; state++)
        db_bind_int64(statement, db_name_of_state(state), deltas[state]);
    db_bind_int64(statement, DB_NEXT_JOB_ID, next_job_id);
    return db_run(store, statement, err, "count the jobs");
}

/* Counters, cursor, and `done` where nothing is left open. */
static bool write_batch(struct store *store, const struct exchange *exchange,
                        const struct open_batch *batch, struct err *err)
{
    struct db_statement *done = db_get(store, DB_TURNS, TURN_DONE, err);
    int64_t left = 0;

    if (!done || !tally_change(store, batch->id, batch->deltas, batch->next_job_id, err))
        return false;
    for (int state = 0; state < JOB_STATES; state++)
        if (job_state_is_open((enum job_state)state))
            left += batch->counts[state] + batch->deltas[state];
    if (left > 0)
        return true;
    db_bind_int64(done, DB_BATCH_ID, batch->id);
    db_bind_int64(done, DB_NOW_MS, exchange->now_ms);
    db_bind_int64(done, DB_RUN_ID, exchange->run_id);
    return db_run(store, done, err, "finish the batch");
}

static bool write_batches(struct store *store, struct exchange *exchange,
                          const struct open_batches *open, struct err *err)
{
    exchange->left = 0;
    exchange->finished = 0;
    for (size_t i = 0; i < open->count; i++) {
        const struct open_batch *batch = &open->items[i];

        for (int state = 0; state < JOB_STATES; state++) {
            if (!job_state_is_open((enum job_state)state))
                exchange->finished += (uint64_t)batch->deltas[state];
            else if (batch->in_question)
                exchange->left += (uint64_t)(batch->counts[state] + batch->deltas[state]);
        }
        if (is_changed(batch) && !write_batch(store, exchange, batch, err))
            return false;
    }
    return true;
}

static bool settle_all(struct store *store, struct exchange *exchange, struct open_batches *open,
                       struct err *err)
{
    for (unsigned i = 0; i < exchange->settled_count; i++) {
        const struct claim *claim = exchange->settled[i];
        struct open_batch *batch = open_batches_find(open, id_batch(claim->job_id));

        bool taken = !batch;

        if (batch)
            batch->is_quiet = false;
        if (batch && !settle_claim(store, exchange, batch, claim, &taken, err))
            return false;
        if (taken)
            exchange->taken_id = claim->job_id;
    }
    return true;
}

/* Whether there is anything that an ordinary turn need not look for. */
static bool read_facts(struct store *store, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_TURNS, TURN_FACTS, err);
    bool row;

    if (!db_step(store, statement, &row, err, "look for waiting jobs"))
        return false;
    store->jobs_wait = db_column_int(statement, DB_IS_WAITING);
    store->jobs_reopened = db_column_int(statement, DB_IS_REOPENED);
    db_reset(statement);
    return true;
}

static bool exchange_inside(struct store *store, struct exchange *exchange,
                            struct open_batches *open, struct err *err)
{
    return read_facts(store, err) && settle_all(store, exchange, open, err) &&
           claim_jobs(store, exchange, open, err) && write_batches(store, exchange, open, err);
}

bool jobs_exchange(struct store *store, struct exchange *exchange, struct err *err)
{
    bool fine;

    if (!store->open)
        store->open = mem_calloc(1, sizeof *store->open);
    fine = errands_find(store, exchange->batch_id, err) && refresh(store, exchange, err) &&
           db_begin(store, err);
    exchange->claimed = exchange->errands = exchange->ahead = 0;
    exchange->taken_id = 0;
    exchange->next_due_ms = 0;
    if (fine) {
        fine = refresh(store, exchange, err) && exchange_inside(store, exchange, store->open, err);
        crash_point(CRASH_TURN_WRITTEN);
        if (fine)
            fine = db_commit(store, err);
        else
            db_rollback(store);
    }
    store->open->is_valid = store->open->is_valid && fine;
    if (!fine)
        return false;
    keep_open(store);
    for (unsigned i = 0; i < exchange->settled_count; i++)
        outcome_release(&exchange->settled[i]->outcome);
    return true;
}

bool jobs_leave(struct store *store, const int64_t *job_ids, size_t count, int64_t run_id,
                struct err *err)
{
    struct db_statement *statement = db_get(store, DB_TURNS, TURN_LEAVE, err);
    bool fine = statement && db_begin(store, err);

    if (!fine)
        return false;
    for (size_t i = 0; fine && i < count; i++) {
        db_bind_int64(statement, DB_JOB_ID, job_ids[i]);
        db_bind_int64(statement, DB_RUN_ID, run_id);
        fine = db_run(store, statement, err, "leave a job to the next run");
    }
    if (fine)
        return db_commit(store, err);
    db_rollback(store);
    return false;
}

static bool uncount_inside(struct store *store, const struct lock_mark *mark, int64_t now_ms,
                           struct err *err)
{
    struct db_statement *jobs = db_get(store, DB_TURNS, TURN_UNCOUNT, err);
    struct db_statement *attempts = db_get(store, DB_TURNS, TURN_NEVER_LEFT, err);

    db_bind_int64(jobs, DB_ATTEMPT_ID, mark->attempt_id);
    db_bind_int64(jobs, DB_RUN_ID, mark->run_id);
    db_bind_int64(attempts, DB_ATTEMPT_ID, mark->attempt_id);
    db_bind_int64(attempts, DB_RUN_ID, mark->run_id);
    db_bind_int64(attempts, DB_NOW_MS, now_ms);
    return db_run(store, jobs, err, "uncount what never left") &&
           db_run(store, attempts, err, "end what never left");
}

bool jobs_uncount(struct store *store, const struct lock_mark *mark, int64_t now_ms,
                  struct err *err)
{
    if (!db_begin(store, err))
        return false;
    if (uncount_inside(store, mark, now_ms, err))
        return db_commit(store, err);
    db_rollback(store);
    return false;
}

/* Finds the jobs of one batch that an earlier process had in hand: a walk over its jobs, for which
 * nobody has to wait. */
static bool find_in_hand(struct store *store, int64_t batch_id, struct id_list *job_ids,
                         struct err *err)
{
    struct db_statement *statement = db_get(store, DB_TURNS, TURN_IN_HAND, err);

    db_bind_batch(statement, batch_id);
    return db_collect(store, statement, job_ids, err, "look for interrupted jobs");
}

/* *recovered counts those that were `sending`; what changed meanwhile stays as it is. */
static bool recover_inside(struct store *store, int64_t batch_id, const int64_t *job_ids,
                           size_t count, int64_t now_ms, uint64_t *recovered, struct err *err)
{
    static const unsigned steps[] = {TURN_RECOVER, TURN_RECOVER_GET};
    int64_t deltas[JOB_STATES] = {0};

    for (size_t i = 0; i < 2 * count; i++) {
        struct db_statement *statement = db_get(store, DB_TURNS, steps[i % 2], err);

        if (!statement)
            return false;
        db_bind_int64(statement, DB_JOB_ID, job_ids[i / 2]);
        db_bind_int64(statement, DB_NOW_MS, now_ms);
        if (!db_run(store, statement, err, "take up an interrupted job"))
            return false;
        if (i % 2 == 0)
            deltas[JOB_UNKNOWN] += sqlite3_changes(store->db);
    }
    deltas[JOB_SENDING] = -deltas[JOB_UNKNOWN];
    *recovered += (uint64_t)deltas[JOB_UNKNOWN];
    return tally_change(store, batch_id, deltas, 0, err);
}

/* A bounded number of jobs in each transaction: what is left of them after a crash is found again.
 */
static bool recover_batch(struct store *store, int64_t batch_id, int64_t now_ms,
                          uint64_t *recovered, struct err *err)
{
    struct id_list job_ids = {0};
    bool fine = find_in_hand(store, batch_id, &job_ids, err);
    size_t total = job_ids.count;

    for (size_t done = 0; fine && done < total; done += RECOVER_JOBS) {
        size_t count = total - done < RECOVER_JOBS ? total - done : RECOVER_JOBS;

        fine = db_begin(store, err);
        if (!fine)
            break;
        if (recover_inside(store, batch_id, job_ids.items + done, count, now_ms, recovered, err)) {
            fine = db_commit(store, err);
        } else {
            db_rollback(store);
            fine = false;
        }
        crash_point(CRASH_RECOVER_COMMITTED);
    }
    id_list_release(&job_ids);
    return fine;
}

bool jobs_recover(struct store *store, int64_t now_ms, uint64_t *recovered, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_TURNS, TURN_INTERRUPTED, err);
    int64_t batch_id = 0;

    *recovered = 0;
    while (statement) {
        bool row;

        db_bind_int64(statement, DB_AFTER, batch_id);
        if (!db_step(store, statement, &row, err, "look for interrupted batches"))
            return false;
        if (!row)
            return true;
        batch_id = db_column_int64(statement, DB_ID);
        db_reset(statement);
        if (!recover_batch(store, batch_id, now_ms, recovered, err))
            return false;
    }
    return false;
}
