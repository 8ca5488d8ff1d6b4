#include "core/store/decide.h"

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/stop.h"
#include "core/store/open_batches.h"

/* Jobs of one transaction, so that no other writer waits for long. */
enum { DECIDE_JOBS = 256, HOLD_US = 20000 };

enum {
    DECIDE_JOB,
    DECIDE_LATER,
    DECIDE_EARLIER,
    DECIDE_MOVE,
    DECIDE_OPENED,
    DECIDE_ENDED,
    DECIDE_REOPEN,
    DECIDE_WAKE,
    RESOLVE_FIND,
    RESOLVE_REBASE,
    RESOLVE_CLOSE,
    RESOLVE_SHOW,
    RETRY_FIND,
    RETRY_FIND_RECORD,
    RETRY_FORGET_VIOLATIONS,
    RETRY_REBASE,
};

#define WANTED                                                                                     \
    "AND ((s.state = 'failed' AND :failed) OR (s.state = 'refused' AND :refused)) AND "            \
    "s.updated_ms >= :since_ms "

static const char *const sql[] = {
    [DECIDE_JOB] = "SELECT s.state, b.schema, r.record_id, s.unsettled, "
                   "s.doubt OR s.waits_for <= 0 AND EXISTS (SELECT 1 FROM attempt a "
                   "WHERE a.job_id = r.id AND a.ended_ms IS NULL) AS sent FROM job_row r "
                   "JOIN batch b ON b.id = r.id / " ID_ROWS_SQL " AND b.pruned_ms IS NULL "
                   "LEFT JOIN job_state s ON s.job_id = r.id WHERE r.id = :job_id",
    /* one that was sent, or is being fetched, can be finished before the earlier one is sent */
    [DECIDE_LATER] =
        "SELECT k.job_id, s.state FROM record_job k "
        "JOIN job_state s ON s.job_id = k.job_id "
        "JOIN batch b ON b.id = k.job_id / " ID_ROWS_SQL
        " WHERE k.record_id = :record_id AND k.job_id > :job_id AND b.schema = :schema "
        "AND (s.state " IN_LANDED " OR s.state IN ('sending', 'unknown') "
        "OR (s.state = 'pending' AND s.waits_for <= 0 AND EXISTS (SELECT 1 "
        "FROM attempt a WHERE a.job_id = s.job_id AND a.ended_ms IS NULL))) "
        "ORDER BY k.job_id DESC LIMIT 1",
    /* what it waits for from now on, so that a drain finds only what it can send */
    [DECIDE_EARLIER] =
        "SELECT k.job_id FROM record_job k "
        "CROSS JOIN batch b ON b.id = k.job_id / " ID_ROWS_SQL
        " LEFT JOIN job_state s ON s.job_id = k.job_id "
        "WHERE k.record_id = :record_id AND k.job_id < :job_id "
        "AND b.schema = :schema AND b.state " IN_BATCHES_READ
        " AND coalesce(s.state, 'pending') " IN_OPEN " ORDER BY k.job_id DESC LIMIT 1",
    /* after the fetch for a conflict no earlier PUT can be applied any more; a job of which nothing
       may have been applied takes its version from the record's other rows again */
    [DECIDE_MOVE] =
        "UPDATE job_state SET state = :state, not_before_ms = :not_before_ms, "
        "waits_for = :waits_for, "
        "doubt = iif(state = 'conflict', 0, doubt OR unsettled), unsettled = 0, readbacks = 0, "
        "run_retries = 0, attempts_before = attempts, sent_version = "
        "iif(state " IN_RETRIABLE " AND NOT doubt AND NOT unsettled, NULL, sent_version), "
        "updated_ms = :now_ms WHERE job_id = :job_id",
    [DECIDE_OPENED] = "INSERT OR IGNORE INTO reopened_job (record_id, job_id) "
                      "SELECT record_id, id FROM job_row WHERE id = :job_id",
    [DECIDE_ENDED] = "DELETE FROM reopened_job WHERE (record_id, job_id) IN "
                     "(SELECT record_id, id FROM job_row WHERE id = :job_id)",
    [DECIDE_REOPEN] = "UPDATE batch SET state = 'open', finished_ms = NULL, "
                      "finished_run_id = NULL WHERE id = :batch_id AND state = 'done'",
    [DECIDE_WAKE] = "UPDATE job_state SET not_before_ms = :now_ms, waits_for = NULL "
                    "WHERE waits_for >= :first_id AND waits_for <= :last_id",
    [RESOLVE_FIND] = "SELECT DISTINCT job_id FROM conflict WHERE resolved_ms IS NULL "
                     "AND job_id > :first_id AND job_id < :end_id ORDER BY job_id",
    /* a fetch comes next, whatever the job was built on before */
    [RESOLVE_REBASE] =
        "INSERT INTO rebase (job_id, rounds) VALUES (:job_id, 0) ON CONFLICT (job_id) "
        "DO UPDATE SET rounds = 0, version = NULL, fields = NULL",
    [RESOLVE_CLOSE] = "UPDATE conflict SET resolution = :resolution, resolved_ms = :now_ms "
                      "WHERE job_id = :job_id AND resolved_ms IS NULL",
    /* both sides whole: the view open_conflict has the fields that differ */
    [RESOLVE_SHOW] =
        "SELECT c.submitted_version, c.server_version, coalesce(b.fields, r.fields) AS ours, "
        "iif(c.server_record IS NULL, NULL, coalesce(c.server_record -> '$.fields', '{}')) "
        "AS theirs, (SELECT a.sent_token FROM attempt a WHERE a.job_id = c.job_id "
        "AND a.sent_token IS NOT NULL ORDER BY a.id DESC LIMIT 1) AS token, s.server_token "
        "FROM conflict c JOIN job_row r ON r.id = c.job_id JOIN job_state s ON s.job_id = c.job_id "
        "LEFT JOIN rebase b ON b.job_id = c.job_id "
        "WHERE c.job_id = :job_id AND c.resolved_ms IS NULL ORDER BY c.id DESC LIMIT 1",
    /* only batches that count some are walked */
    [RETRY_FIND] =
        "SELECT s.job_id FROM batch_tally t JOIN batch b ON b.id = t.batch_id "
        "AND b.pruned_ms IS NULL CROSS JOIN job_state s ON s.job_id > t.batch_id * " ID_ROWS_SQL
        " AND s.job_id < (t.batch_id + 1) * " ID_ROWS_SQL
        " WHERE (:batch_id = 0 OR t.batch_id = :batch_id) AND t.failed + t.refused > 0 " WANTED
        "ORDER BY t.batch_id, s.job_id",
    [RETRY_FIND_RECORD] =
        "SELECT s.job_id FROM record_job k JOIN job_state s "
        "ON s.job_id = k.job_id JOIN batch b ON b.id = k.job_id / " ID_ROWS_SQL
        " AND b.pruned_ms IS NULL WHERE k.record_id = :record_id "
        "AND (:batch_id = 0 OR k.job_id / " ID_ROWS_SQL " = :batch_id) " WANTED "ORDER BY k.job_id",
    [RETRY_FORGET_VIOLATIONS] = "DELETE FROM server_violation WHERE job_id = :job_id",
    [RETRY_REBASE] = "UPDATE rebase SET rounds = 0, version = NULL, fields = NULL "
                     "WHERE job_id = :job_id",
};

const struct db_statements decide_statements = {sql, sizeof sql / sizeof *sql};

/* The jobs of one transaction. Their texts are in `text`, one after the other; their spans are set
 * when all of them are there. */
struct chunk {
    struct store *store;
    const struct decision *decision;
    struct decided jobs[DECIDE_JOBS];
    size_t count;
    struct buf text;
    int64_t batch_id; /* whose counters change by deltas; 0: none yet */
    int64_t deltas[JOB_STATES];
};

/* Reads the job as it is now, and appends its texts to chunk->text. *sent: a PUT of it may have
 * been applied, or a drain has it in hand. */
static bool read_job(struct chunk *chunk, struct decided *job, bool *sent, struct err *err)
{
    struct db_statement *statement = db_get(chunk->store, DB_DECISIONS, DECIDE_JOB, err);
    bool row, fine;

    db_bind_int64(statement, DB_JOB_ID, job->job_id);
    if (!db_step(chunk->store, statement, &row, err, "read a job"))
        return false;
    if (!row) {
        job->end = DECIDE_NO_JOB;
        return true;
    }
    fine = db_column_job_state(chunk->store, statement, &job->state, err);
    job->to = chunk->decision->to;
    if (job->to == JOB_PENDING && db_column_int(statement, DB_UNSETTLED))
        job->to = JOB_UNKNOWN;
    *sent = db_column_int(statement, DB_SENT);
    job->schema = db_column_span(statement, DB_SCHEMA);
    job->record_id = db_column_span(statement, DB_RECORD_ID);
    buf_append_span(&chunk->text, job->schema);
    buf_append_span(&chunk->text, job->record_id);
    db_reset(statement);
    return fine;
}

/* The job's texts are the last in chunk->text. */
static void bind_record(const struct chunk *chunk, struct db_statement *statement,
                        const struct decided *job)
{
    const char *texts =
        chunk->text.data + chunk->text.size - job->schema.size - job->record_id.size;

    db_bind_span(statement, DB_SCHEMA, (struct span){texts, job->schema.size});
    db_bind_span(statement, DB_RECORD_ID,
                 (struct span){texts + job->schema.size, job->record_id.size});
    db_bind_int64(statement, DB_JOB_ID, job->job_id);
}

/* Whether a later job of the same record has been sent, whose values an earlier one would undo. */
static bool check_later(struct chunk *chunk, struct decided *job, struct err *err)
{
    struct db_statement *statement = db_get(chunk->store, DB_DECISIONS, DECIDE_LATER, err);
    bool fine = true;

    bind_record(chunk, statement, job);
    if (db_next(chunk->store, statement, &fine, err, "look for later jobs")) {
        job->end = DECIDE_SUPERSEDED;
        job->later_id = db_column_int64(statement, DB_JOB_ID);
        fine = db_column_job_state(chunk->store, statement, &job->later_state, err);
    }
    db_reset(statement);
    return fine;
}

static bool check(struct chunk *chunk, struct decided *job, struct err *err)
{
    const struct decision *decision = chunk->decision;
    bool sent = false;

    if (!read_job(chunk, job, &sent, err))
        return false;
    if (job->end == DECIDE_NO_JOB)
        return true;
    if (!(decision->from & 1u << job->state)) {
        job->end = DECIDE_UNFIT;
        return true;
    }
    if (job->to == JOB_CANCELLED && (sent || job->state != JOB_PENDING)) {
        job->end = DECIDE_SENT;
        return true;
    }
    if (!job_state_can_move(job->state, job->to))
        return err_set(err, ERR_INTERNAL, "job %lld cannot move from %s to %s",
                       (long long)job->job_id, job_state_name(job->state), job_state_name(job->to));
    return !job_state_is_open(job->to) || decision->even_if_superseded ||
           check_later(chunk, job, err);
}

bool decide_wake(struct store *store, int64_t first, int64_t last, int64_t now_ms, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_DECISIONS, DECIDE_WAKE, err);

    db_bind_int64(statement, DB_FIRST_ID, first);
    db_bind_int64(statement, DB_LAST_ID, last);
    db_bind_int64(statement, DB_NOW_MS, now_ms);
    return db_run(store, statement, err, "wake waiting jobs");
}

/* The counters of the batch whose jobs were moved last. */
static bool end_batch(struct chunk *chunk, struct err *err)
{
    if (!chunk->batch_id)
        return true;
    if (!open_batches_count(chunk->store, chunk->batch_id, chunk->deltas, 0, err))
        return false;
    memset(chunk->deltas, 0, sizeof chunk->deltas);
    if (!job_state_is_open(chunk->decision->to))
        return open_batches_done(chunk->store, chunk->batch_id, chunk->decision->now_ms, 0, err);
    return db_run_on(chunk->store, DB_DECISIONS, DECIDE_REOPEN, DB_BATCH_ID, chunk->batch_id, err,
                     "open the batch again");
}

/* The earlier job of its record that one which is to be sent waits for; 0: none. */
static bool find_earlier(struct chunk *chunk, const struct decided *job, int64_t *waits_for,
                         struct err *err)
{
    struct db_statement *statement;

    *waits_for = 0;
    if (job->to != JOB_PENDING)
        return true;
    statement = db_get(chunk->store, DB_DECISIONS, DECIDE_EARLIER, err);
    bind_record(chunk, statement, job);
    return db_read_int64(chunk->store, statement, DB_JOB_ID, waits_for, err,
                         "look for earlier jobs");
}

static bool move(struct chunk *chunk, const struct decided *job, struct err *err)
{
    const struct decision *decision = chunk->decision;
    struct db_statement *statement = db_get(chunk->store, DB_DECISIONS, DECIDE_MOVE, err);
    struct db_statement *note = db_get(
        chunk->store, DB_DECISIONS, job_state_is_open(job->to) ? DECIDE_OPENED : DECIDE_ENDED, err);
    int64_t waits_for;

    if (!find_earlier(chunk, job, &waits_for, err))
        return false;
    if (id_batch(job->job_id) != chunk->batch_id) {
        if (!end_batch(chunk, err))
            return false;
        chunk->batch_id = id_batch(job->job_id);
    }
    chunk->deltas[job->state]--;
    chunk->deltas[job->to]++;
    db_bind_int64(statement, DB_JOB_ID, job->job_id);
    db_bind_text(statement, DB_STATE, job_state_name(job->to));
    db_bind_known(statement, DB_NOT_BEFORE_MS, job_state_is_open(job->to) && !waits_for,
                  decision->now_ms);
    db_bind_known(statement, DB_WAITS_FOR, waits_for, waits_for);
    db_bind_int64(note, DB_JOB_ID, job->job_id);
    db_bind_int64(statement, DB_NOW_MS, decision->now_ms);
    return db_run(chunk->store, statement, err, "move a job") &&
           db_run(chunk->store, note, err, "note what is open again") &&
           decision->settle(chunk->store, decision, job, err);
}

/* As many jobs as the time allows; the others come in the next chunk. */
static bool decide_inside(struct chunk *chunk, struct err *err)
{
    int64_t begun_us = clock_monotonic_us();
    int64_t hold_us = chunk->decision->hold_us ? chunk->decision->hold_us : HOLD_US;

    for (size_t i = 0; i < chunk->count; i++) {
        struct decided *job = &chunk->jobs[i];

        if (!check(chunk, job, err))
            return false;
        if (job->end == DECIDE_MOVED && !chunk->decision->rehearsed && !move(chunk, job, err))
            return false;
        if (clock_monotonic_us() - begun_us > hold_us)
            chunk->count = i + 1;
    }
    return end_batch(chunk, err);
}

static bool decide_chunk(struct chunk *chunk, struct err *err)
{
    if (chunk->decision->rehearsed)
        return decide_inside(chunk, err);
    return db_begin(chunk->store, err) && db_end(chunk->store, decide_inside(chunk, err), err);
}

static bool visit_chunk(struct chunk *chunk, struct err *err)
{
    const char *text = buf_text(&chunk->text);

    for (size_t i = 0; i < chunk->count; i++) {
        struct decided *job = &chunk->jobs[i];

        job->schema.data = text;
        text += job->schema.size;
        job->record_id.data = text;
        text += job->record_id.size;
        if (!chunk->decision->visit(chunk->decision->context, job, err))
            return false;
    }
    return true;
}

bool decide_jobs(struct store *store, const struct decision *decision,
                 const struct id_list *job_ids, struct err *err)
{
    struct chunk chunk = {.store = store, .decision = decision};
    size_t count = job_ids->count;
    bool fine = true;

    for (size_t done = 0; fine && done < count; done += chunk.count) {
        if (stop_requested()) {
            fine = err_set(err, ERR_STOPPED, "stopped after %zu of %zu jobs", done, count);
            break;
        }
        chunk.count = count - done < DECIDE_JOBS ? count - done : DECIDE_JOBS;
        chunk.batch_id = 0;
        buf_reset(&chunk.text);
        for (size_t i = 0; i < chunk.count; i++)
            chunk.jobs[i] = (struct decided){.job_id = job_ids->items[done + i]};
        fine = decide_chunk(&chunk, err) && visit_chunk(&chunk, err);
    }
    buf_release(&chunk.text);
    return fine;
}

static const struct {
    const char *name;
    enum job_state to;
} resolutions[] = {
    [RESOLVE_OURS] = {"ours", JOB_PENDING},
    [RESOLVE_THEIRS] = {"theirs", JOB_DISMISSED},
};

const char *resolution_name(enum resolution resolution)
{
    return resolutions[resolution].name;
}

bool resolve_find(struct store *store, int64_t batch_id, struct id_list *job_ids, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_DECISIONS, RESOLVE_FIND, err);

    db_bind_batch(statement, batch_id);
    return db_collect(store, statement, job_ids, err, "look for conflicts");
}

static bool settle_conflict(struct store *store, const struct decision *decision,
                            const struct decided *job, struct err *err)
{
    bool ours = decision->to == resolutions[RESOLVE_OURS].to;
    struct db_statement *statement;

    if (ours && !db_run_on(store, DB_DECISIONS, RESOLVE_REBASE, DB_JOB_ID, job->job_id, err,
                           "have the record fetched"))
        return false;
    statement = db_get(store, DB_DECISIONS, RESOLVE_CLOSE, err);
    db_bind_int64(statement, DB_JOB_ID, job->job_id);
    db_bind_text(statement, DB_RESOLUTION, resolution_name(ours ? RESOLVE_OURS : RESOLVE_THEIRS));
    db_bind_int64(statement, DB_NOW_MS, decision->now_ms);
    return db_run(store, statement, err, "close a conflict");
}

bool resolve_jobs(struct store *store, enum resolution resolution, const struct decision *decision,
                  const struct id_list *job_ids, struct err *err)
{
    struct decision whole = *decision;

    whole.from = 1u << JOB_CONFLICT;
    whole.to = resolutions[resolution].to;
    whole.settle = settle_conflict;
    return decide_jobs(store, &whole, job_ids, err);
}

void resolve_sides_release(struct resolve_sides *sides)
{
    buf_release(&sides->ours);
    buf_release(&sides->theirs);
    buf_release(&sides->token);
    buf_release(&sides->server_token);
}

bool resolve_show(struct store *store, int64_t job_id, struct resolve_sides *sides, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_DECISIONS, RESOLVE_SHOW, err);
    bool fine = true;

    buf_reset(&sides->ours);
    buf_reset(&sides->theirs);
    buf_reset(&sides->token);
    buf_reset(&sides->server_token);
    sides->has_submitted = sides->has_server = sides->is_gone = false;
    db_bind_int64(statement, DB_JOB_ID, job_id);
    if (db_next(store, statement, &fine, err, "read a conflict")) {
        sides->has_submitted = !db_column_is_null(statement, DB_SUBMITTED_VERSION);
        sides->has_server = !db_column_is_null(statement, DB_SERVER_VERSION);
        sides->submitted_version = db_column_int64(statement, DB_SUBMITTED_VERSION);
        sides->server_version = db_column_int64(statement, DB_SERVER_VERSION);
        buf_append_span(&sides->ours, db_column_span(statement, DB_OURS));
        buf_append_span(&sides->theirs, db_column_span(statement, DB_THEIRS));
        buf_append_span(&sides->token, db_column_span(statement, DB_TOKEN));
        buf_append_span(&sides->server_token, db_column_span(statement, DB_SERVER_TOKEN));
        sides->is_gone = db_column_is_null(statement, DB_THEIRS);
    }
    db_reset(statement);
    return fine;
}

bool retry_find(struct store *store, const struct retry_choice *choice, struct id_list *job_ids,
                struct err *err)
{
    struct db_statement *statement =
        db_get(store, DB_DECISIONS, choice->record_id ? RETRY_FIND_RECORD : RETRY_FIND, err);

    db_bind_int64(statement, DB_BATCH_ID, choice->batch_id);
    db_bind_int64(statement, DB_FAILED, (choice->states & 1u << JOB_FAILED) != 0);
    db_bind_int64(statement, DB_REFUSED, (choice->states & 1u << JOB_REFUSED) != 0);
    db_bind_int64(statement, DB_SINCE_MS, choice->since_ms);
    if (choice->record_id)
        db_bind_text(statement, DB_RECORD_ID, choice->record_id);
    return db_collect(store, statement, job_ids, err, "look for jobs to be tried again");
}

static bool settle_retry(struct store *store, const struct decision *decision,
                         const struct decided *job, struct err *err)
{
    (void)decision;
    /* a read-back compares with what was sent */
    return db_run_on(store, DB_DECISIONS, RETRY_FORGET_VIOLATIONS, DB_JOB_ID, job->job_id, err,
                     "forget what the server said") &&
           (job->to == JOB_UNKNOWN || db_run_on(store, DB_DECISIONS, RETRY_REBASE, DB_JOB_ID,
                                                job->job_id, err, "have the record fetched"));
}

bool retry_jobs(struct store *store, const struct decision *decision, const struct id_list *job_ids,
                struct err *err)
{
    struct decision whole = *decision;

    whole.from = JOB_SET(JOB_RETRIABLE_LIST);
    whole.to = JOB_PENDING;
    whole.settle = settle_retry;
    return decide_jobs(store, &whole, job_ids, err);
}
