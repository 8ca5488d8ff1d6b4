#include "core/store/census.h"

#include "core/job/policy.h"
#include "core/job/state.h"
#include "core/job/verdict.h"
#include "core/store/db.h"
#include "core/store/migrate.h"

enum {
    CENSUS_NEXT,
    CENSUS_JOBS,
    CENSUS_STATES,
    CENSUS_REJECTED,
    CENSUS_VIOLATIONS,
    CENSUS_AUDITS,
    CENSUS_AHEAD
};

#define COUNT(state, name) ", count(*) FILTER (WHERE state = '" #name "') AS " #name
#define COUNTS             JOB_STATE_LIST(COUNT, COUNT)

/* CENSUS_NEXT says which batches are counted. */
static const char *const sql[] = {
    [CENSUS_NEXT] =
        "SELECT b.id, b.source, b.state, b.rows_read, b.rows_rejected, b.rows_discarded, "
        "(SELECT sum(rows) FROM rejection_tally r WHERE r.batch_id = b.id) AS violation_count, "
        "t.next_job_id, " SQL_COUNTERS ", u.verified, u.missing, u.mismatch "
        "FROM batch b LEFT JOIN batch_tally t ON t.batch_id = b.id "
        "LEFT JOIN batch_audit u ON u.batch_id = b.id "
        "WHERE b.id > :after AND b.pruned_ms IS NULL ORDER BY b.id LIMIT 1",
    [CENSUS_JOBS] = "SELECT count(*) AS jobs, count(k.job_id) AS entered, "
                    "count(*) FILTER (WHERE r.id < :next_job_id) AS passed "
                    "FROM job_row r LEFT JOIN record_job k ON k.record_id = r.record_id "
                    "AND k.job_id = r.id WHERE r.id > :first_id AND r.id < :end_id",
    [CENSUS_STATES] =
        "SELECT count(*) AS jobs, count(*) FILTER (WHERE job_id < :next_job_id) AS passed" COUNTS
        " FROM job_state WHERE job_id > :first_id AND job_id < :end_id",
    [CENSUS_REJECTED] = "SELECT count(*) AS rows FROM rejected_row WHERE batch_id = :batch_id",
    [CENSUS_VIOLATIONS] = "SELECT count(*) AS rows FROM (SELECT DISTINCT row_no, field, rule "
                          "FROM violation WHERE batch_id = :batch_id)",
    [CENSUS_AUDITS] = "SELECT count(*) FILTER (WHERE verdict = 'verified') AS verified, "
                      "count(*) FILTER (WHERE verdict = 'missing') AS missing, "
                      "count(*) FILTER (WHERE verdict = 'mismatch') AS mismatch FROM audit "
                      "WHERE job_id > :first_id AND job_id < :end_id",
    [CENSUS_AHEAD] =
        "SELECT (SELECT sum((SELECT count(*) FROM job_state NOT INDEXED "
        "WHERE job_id > b.id * " ID_ROWS_SQL " AND job_id < (b.id + 1) * " ID_ROWS_SQL
        " AND state " IN_DUE " AND not_before_ms > :due_ms)) "
        "FROM batch b WHERE b.state = 'open') AS jobs, "
        "count(*) AS rows, max(started_ms) AS started_ms FROM run WHERE started_ms > :now_ms",
};

const struct db_statements census_statements = {sql, sizeof sql / sizeof *sql};

#define JOBS(state, name) #name " jobs",

static const enum db_name of_verdicts[VERDICTS] = {[VERDICT_VERIFIED] = DB_VERIFIED,
                                                   [VERDICT_MISSING] = DB_MISSING,
                                                   [VERDICT_MISMATCH] = DB_MISMATCH};
static const char *const audit_counters[VERDICTS] = {[VERDICT_VERIFIED] = "verified audits",
                                                     [VERDICT_MISSING] = "missing audits",
                                                     [VERDICT_MISMATCH] = "mismatched audits"};

static const char *const state_counters[] = {JOB_STATE_LIST(JOBS, JOBS)};

/* What is counted of one batch; the first column of each statement says how many rows it has. */
struct count {
    int64_t jobs, keys, jobs_passed; /* passed: before the cursor of the claims */
    int64_t states, states_passed, by_state[JOB_STATES];
    int64_t rejected, violations;
    int64_t by_verdict[VERDICTS];
};

struct taking {
    struct store *store;
    struct census *census;
    void (*visit)(void *context, const struct census_difference *difference);
    void *context;
};

bool census_ahead(struct store *store, int64_t now_ms, struct census_ahead *ahead, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_CENSUSES, CENSUS_AHEAD, err);
    bool fine = true;

    db_bind_int64(statement, DB_NOW_MS, now_ms);
    db_bind_int64(statement, DB_DUE_MS, now_ms + POLICY_DELAY_MAX_MS);
    if (db_next(store, statement, &fine, err, "look for times in the future"))
        *ahead = (struct census_ahead){(uint64_t)db_column_int64(statement, DB_JOBS),
                                       (uint64_t)db_column_int64(statement, DB_ROWS),
                                       db_column_int64(statement, DB_STARTED_MS)};
    db_reset(statement);
    return fine;
}

bool census_facts(struct store *store, struct census_facts *facts, struct err *err)
{
    int64_t page_size, pages, free_pages, journal;

    *facts = (struct census_facts){.newest_version = migration_count};
    if (!db_exec_int(store, "PRAGMA user_version", &facts->version, err) ||
        !db_exec_int(store, "PRAGMA page_size", &page_size, err) ||
        !db_exec_int(store, "PRAGMA page_count", &pages, err) ||
        !db_exec_int(store, "PRAGMA freelist_count", &free_pages, err) ||
        !db_exec_int(store, "SELECT journal_mode = 'wal' FROM pragma_journal_mode", &journal, err))
        return false;
    facts->size_bytes = (uint64_t)(pages * page_size);
    facts->free_bytes = (uint64_t)(free_pages * page_size);
    facts->write_ahead = journal != 0;
    return true;
}

bool census_integrity(struct store *store, struct err *err)
{
    struct db_statement *statement =
        db_prepare(store, "SELECT integrity_check AS found FROM pragma_integrity_check(1)", err);
    const char *text;
    bool row = false, fine;

    if (!statement)
        return false;
    fine = db_step(store, statement, &row, err, "check its integrity");
    text = row ? db_column_text(statement, DB_FOUND) : NULL;
    if (fine && (!text || strcmp(text, "ok") != 0))
        fine = err_set(err, ERR_STORE, "database %s is damaged: %s", store->path,
                       text ? text : "nothing was found in it");
    db_finalize(statement);
    return fine;
}

/* The one row of a statement that counts in a batch: into numbers, by the names of its columns. */
static bool count_rows(struct store *store, unsigned index, int64_t batch_id, int64_t cursor,
                       const enum db_name *columns, int count, int64_t *numbers, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_CENSUSES, index, err);
    bool fine = true;

    if (index == CENSUS_REJECTED || index == CENSUS_VIOLATIONS)
        db_bind_int64(statement, DB_BATCH_ID, batch_id);
    else
        db_bind_batch(statement, batch_id);
    if (index == CENSUS_JOBS || index == CENSUS_STATES)
        db_bind_int64(statement, DB_NEXT_JOB_ID, cursor);
    if (db_next(store, statement, &fine, err, "count the rows"))
        for (int i = 0; i < count; i++)
            numbers[i] = db_column_int64(statement, columns[i]);
    db_reset(statement);
    return fine;
}

static bool count_batch(struct store *store, int64_t batch_id, int64_t cursor, struct count *count,
                        struct err *err)
{
    static const enum db_name of_jobs[] = {DB_JOBS, DB_PASSED, DB_ENTERED}, rows = DB_ROWS;
    enum db_name of_states[2 + JOB_STATES] = {DB_JOBS, DB_PASSED};
    int64_t jobs[3] = {0}, states[2 + JOB_STATES] = {0};

    for (int state = 0; state < JOB_STATES; state++)
        of_states[2 + state] = db_name_of_state(state);
    if (!count_rows(store, CENSUS_JOBS, batch_id, cursor, of_jobs, 3, jobs, err) ||
        !count_rows(store, CENSUS_STATES, batch_id, cursor, of_states, 2 + JOB_STATES, states,
                    err) ||
        !count_rows(store, CENSUS_REJECTED, batch_id, 0, &rows, 1, &count->rejected, err) ||
        !count_rows(store, CENSUS_VIOLATIONS, batch_id, 0, &rows, 1, &count->violations, err) ||
        !count_rows(store, CENSUS_AUDITS, batch_id, 0, of_verdicts + 1, VERDICTS - 1,
                    count->by_verdict + 1, err))
        return false;
    count->jobs = jobs[0];
    count->jobs_passed = jobs[1];
    count->keys = jobs[2];
    count->states = states[0];
    count->states_passed = states[1];
    for (unsigned state = 0; state < JOB_STATES; state++)
        count->by_state[state] = states[2 + state];
    /* those that were never claimed have no row of their own */
    count->by_state[JOB_PENDING] += count->jobs - count->states;
    return true;
}

static void compare(const struct taking *taking, struct db_statement *batch, const char *counter,
                    int64_t kept, int64_t counted)
{
    struct census_difference difference = {
        .batch_id = db_column_int64(batch, DB_ID),
        .source = db_column_text(batch, DB_SOURCE),
        .counter = counter,
        .kept = kept,
        .counted = counted,
    };

    if (kept != counted)
        taking->visit(taking->context, &difference);
}

static bool compare_batch(const struct taking *taking, struct db_statement *batch,
                          const struct count *count, struct err *err)
{
    enum batch_state state;
    int64_t discarded = db_column_int64(batch, DB_ROWS_DISCARDED);

    compare(taking, batch, "rows read", db_column_int64(batch, DB_ROWS_READ),
            count->rejected + count->jobs + discarded);
    compare(taking, batch, "rejected rows", db_column_int64(batch, DB_ROWS_REJECTED),
            count->rejected);
    compare(taking, batch, "violations by field and rule",
            db_column_int64(batch, DB_VIOLATION_COUNT), count->violations);
    for (int i = 0; i < JOB_STATES; i++)
        compare(taking, batch, state_counters[i], db_column_int64(batch, db_name_of_state(i)),
                count->by_state[i]);
    for (int i = VERDICT_NONE + 1; i < VERDICTS; i++)
        compare(taking, batch, audit_counters[i], db_column_int64(batch, of_verdicts[i]),
                count->by_verdict[i]);
    compare(taking, batch, "jobs that were claimed", count->states_passed, count->jobs_passed);
    if (!db_column_batch_state(taking->store, batch, &state, err))
        return false;
    /* entered when a batch has been read, and taken out while a refused one is discarded */
    if (state == BATCH_OPEN || state == BATCH_DONE)
        compare(taking, batch, "record ids", count->keys, count->jobs);
    return true;
}

/* One batch, in a transaction that is open already. */
static bool take_batch(const struct taking *taking, int64_t *after, bool *found, struct err *err)
{
    struct db_statement *batch = db_get(taking->store, DB_CENSUSES, CENSUS_NEXT, err);
    struct count count = {0};
    bool fine;

    db_bind_int64(batch, DB_AFTER, *after);
    if (!db_step(taking->store, batch, found, err, "look for the next batch"))
        return false;
    if (!*found)
        return true;
    *after = db_column_int64(batch, DB_ID);
    fine =
        count_batch(taking->store, *after, db_column_int64(batch, DB_NEXT_JOB_ID), &count, err) &&
        compare_batch(taking, batch, &count, err);
    db_reset(batch);
    taking->census->batches++;
    taking->census->jobs += (uint64_t)count.jobs;
    taking->census->rows_rejected += (uint64_t)count.rejected;
    return fine;
}

bool census_take(struct store *store, struct census *census,
                 void (*visit)(void *context, const struct census_difference *difference),
                 void *context, struct err *err)
{
    struct taking taking = {store, census, visit, context};
    bool found = true, fine = true;
    int64_t after = 0;

    *census = (struct census){0};
    while (fine && found) {
        fine = db_exec(store, "BEGIN", err) && take_batch(&taking, &after, &found, err);
        db_rollback(store);
    }
    return fine;
}
