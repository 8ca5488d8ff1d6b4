/* What a claim costs does not depend on how many rows its record has, nor on how many wait; and,
 * whatever happens in whatever order, no job is sent while an earlier one of its record is open. */
#include "core/store/cancel.h"
#include "core/store/db.h"
#include "core/store/decide.h"
#include "tests/lib/store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

/* Steps of SQLite's virtual machine since the last call, in all statements of the store. */
static int64_t steps(struct fixture *fixture)
{
    int64_t sum = 0;

    for (unsigned owner = 0; owner < DB_OWNERS; owner++)
        for (unsigned i = 0; i < DB_STATEMENTS_MAX; i++)
            if (fixture->store->statements[owner][i])
                sum += sqlite3_stmt_status(fixture->store->statements[owner][i]->stmt,
                                           SQLITE_STMTSTATUS_VM_STEP, 1);
    return sum;
}

/* Rows of `records` records in turn. */
static int64_t load(struct fixture *fixture, unsigned rows, unsigned records)
{
    struct intake_chunk chunk = {0};
    struct buf words = {0};
    int64_t batch_id = fixture_load_begin(fixture, "Item");

    for (unsigned i = 0; i < rows; i++)
        buf_printf(&words, "r%u:5 ", i % records);
    fixture_fill(&chunk, 1, buf_text(&words));
    assert_true(batch_load(fixture->store, batch_id, &chunk, &fixture->err));
    assert_true(batch_open(fixture->store, batch_id, "hash", 100, fixture->run_id, fixture->now_ms,
                           &fixture->err));
    intake_chunk_release(&chunk);
    buf_release(&words);
    return batch_id;
}

static void turn(struct fixture *fixture, unsigned wanted)
{
    if (!fixture_try(fixture, wanted))
        fail_msg("%s", fixture->err.text);
}

/* Settles all that is in hand, so that the next turn writes it. */
static void settle(struct fixture *fixture, enum job_state state)
{
    while (fixture->in_hand_count) {
        int64_t job_id = fixture->in_hand[0]->job_id;
        struct claim_outcome *outcome;
        char job[ID_TEXT_SIZE];

        id_print(job_id, job);
        outcome = fixture_settle_at(fixture, job, state, fixture->in_hand[0]->version + 1);
        if (state != JOB_APPLIED)
            *outcome = (struct claim_outcome){.state = state, .left = true, .http_status = 422};
    }
}

/* Steps for each of `count` rows of one record, from the first that is sent on. */
static double cost_of_a_row(struct fixture *fixture, enum job_state state, unsigned count)
{
    unsigned sent = 0;

    assert_true(store_set_durable(fixture->store, false, &fixture->err));
    fixture->batch_id = load(fixture, count, 1);
    while (fixture->exchange.claimed == 0 || sent == 0) {
        turn(fixture, 1);
        sent += fixture->exchange.claimed;
    }
    for (unsigned i = 0; i < count / 1000 + 1; i++)
        turn(fixture, 1); /* the others are put off */
    steps(fixture);
    while (fixture->in_hand_count) {
        settle(fixture, state);
        turn(fixture, 1);
        sent += fixture->exchange.claimed;
    }
    assert_int_equal(sent, count);
    return (double)steps(fixture) / count;
}

static void thousands_of_rows_of_a_record_cost_as_much_each_as_ten(void **state)
{
    static const enum job_state ends[] = {JOB_APPLIED, JOB_REFUSED};

    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        double few = cost_of_a_row(*state, ends[i], 10);
        double many = cost_of_a_row(*state, ends[i], 4000);

        if (many > 2 * few)
            fail_msg("%s: %.0f steps instead of %.0f", job_state_name(ends[i]), many, few);
    }
}

/* Steps of a restart up to its first claims, with so many rows of ten records that wait. */
static int64_t cost_of_a_restart(struct fixture *fixture, unsigned rows)
{
    uint64_t recovered;

    load(fixture, rows, 10);
    for (unsigned i = 0; i < rows / 1000 + 2; i++)
        turn(fixture, 20);
    assert_int_equal(fixture->in_hand_count, 10);
    fixture_reopen(fixture);
    fixture->run_id++;
    assert_true(jobs_recover(fixture->store, fixture->now_ms, &recovered, &fixture->err));
    assert_int_equal(recovered, 10);
    turn(fixture, 20);
    assert_int_equal(fixture->in_hand_count, 10);
    return steps(fixture);
}

static void a_restart_costs_the_same_however_many_rows_wait(void **state)
{
    struct fixture *fixture = *state;
    int64_t few = cost_of_a_restart(fixture, 200), many;
    unsigned sent = 10;

    while (fixture->in_hand_count) {
        settle(fixture, JOB_APPLIED);
        turn(fixture, 20);
        sent += fixture->exchange.claimed;
    }
    assert_int_equal(sent, 200);
    many = cost_of_a_restart(fixture, 20000);
    /* the look for what was in hand walks the batch's jobs, and holds no lock meanwhile */
    if (many > few + 20000 * 12)
        fail_msg("%lld steps instead of %lld", (long long)many, (long long)few);
    settle(fixture, JOB_APPLIED);
    turn(fixture, 20);
    assert_int_equal(fixture->in_hand_count, 10);
}

static bool take_decided(void *context, const struct decided *job, struct err *err)
{
    (void)err;
    *(unsigned *)context += job->end == DECIDE_MOVED;
    return true;
}

static struct decision decision_of(struct fixture *fixture, unsigned *moved)
{
    *moved = 0;
    return (struct decision){.now_ms = fixture->now_ms, .visit = take_decided, .context = moved};
}

static unsigned retry_all(struct fixture *fixture, bool even_if_superseded)
{
    struct retry_choice choice = {.states = 1u << JOB_FAILED | 1u << JOB_REFUSED};
    struct id_list ids = {0};
    unsigned moved;
    struct decision decision = decision_of(fixture, &moved);

    decision.even_if_superseded = even_if_superseded;
    assert_true(retry_find(fixture->store, &choice, &ids, &fixture->err));
    if (!retry_jobs(fixture->store, &decision, &ids, &fixture->err))
        fail_msg("%s", fixture->err.text);
    id_list_release(&ids);
    return moved;
}

static void rows_that_are_tried_again_wait_for_each_other_at_once(void **state)
{
    struct fixture *fixture = *state;
    unsigned sent = 0;

    load(fixture, 2000, 10);
    do {
        turn(fixture, 20);
        settle(fixture, JOB_REFUSED);
    } while (fixture->settling_count);
    assert_int_equal(retry_all(fixture, false), 2000);
    fixture_check(fixture);
    steps(fixture);
    turn(fixture, 20);
    assert_int_equal(fixture->in_hand_count, 10);
    assert_true(steps(fixture) < 20000);
    while (fixture->in_hand_count) {
        sent += fixture->in_hand_count;
        settle(fixture, JOB_APPLIED);
        turn(fixture, 20);
    }
    assert_int_equal(sent, 2000);
    assert_string_equal(fixture_ask(fixture, "SELECT count(*) FROM reopened_job"), "0");
}

/* Open batches 1 to count: each has one row, put off to a later time, but for the last, whose row
 * is fresh. */
static void add_parked_batches(struct fixture *fixture, unsigned count)
{
    char sql[1024];

    snprintf(sql, sizeof sql,
             "WITH RECURSIVE n (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < %u) "
             "INSERT INTO batch (id, source, schema, format, content_hash, size_bytes, state, "
             "created_ms, loaded_run_id, device, inode, mtime_ns, schema_hash, options, filing, "
             "rows_read, occurrence) SELECT id, 'x', 'Item', 'csv', '', 1, 'open', 1, 1, 0, 0, 0, "
             "'', '', 0, 1, id "
             "FROM n",
             count);
    fixture_ask(fixture, sql);
    fixture_ask(fixture, "INSERT INTO job_row (id, line_no, record_id, version, fields) "
                         "SELECT id * 1000000000 + 1, 2, 'r' || id, 5, '{}' FROM batch");
    fixture_ask(fixture, "INSERT INTO record_job SELECT record_id, id FROM job_row");
    snprintf(sql, sizeof sql,
             "INSERT INTO job_state (job_id, state, not_before_ms, updated_ms) "
             "SELECT id, 'pending', %d, 1 FROM job_row WHERE id < %u000000000",
             FIXTURE_NOW_MS + 60000, count);
    fixture_ask(fixture, sql);
    fixture_ask(fixture, "INSERT INTO batch_tally (batch_id, next_job_id, pending) "
                         "SELECT r.id / 1000000000, r.id + (s.job_id IS NOT NULL), 1 "
                         "FROM job_row r LEFT JOIN job_state s ON s.job_id = r.id");
    fixture_check(fixture);
}

static void a_turn_costs_the_same_however_many_batches_are_open(void **state)
{
    enum { BATCHES = 3000, OTHERS = 600 };
    struct fixture *fixture = *state;
    int64_t most = 0;
    unsigned turns = 0;

    add_parked_batches(fixture, BATCHES);
    steps(fixture);
    while (fixture->in_hand_count == 0) {
        int64_t cost;

        turn(fixture, 4);
        cost = steps(fixture);
        most = turns++ && cost > most ? cost : most;
        assert_true(turns <= BATCHES / 500 + 1);
        assert_int_equal(fixture->exchange.left, BATCHES);
    }
    /* the first turn reads all open batches, before its transaction */
    assert_true(most < 100 * OTHERS);
    turn(fixture, 4);
    steps(fixture);
    settle(fixture, JOB_APPLIED);
    turn(fixture, 4);
    assert_true(steps(fixture) < 1000);
    assert_int_equal(fixture->exchange.left, BATCHES - 1);
    assert_int_equal(fixture->exchange.next_due_ms, FIXTURE_NOW_MS + 60000);
    fixture_check(fixture);
    /* when their time comes, they go, oldest first */
    fixture->now_ms = FIXTURE_NOW_MS + 60000;
    assert_string_equal(fixture_claim(fixture, 2), "PUT 1/1 r1 v5, PUT 2/1 r2 v5");
    /* what someone else opens is seen at once */
    settle(fixture, JOB_APPLIED);
    fixture_claim(fixture, 0);
    fixture_ask(fixture, "UPDATE job_state SET not_before_ms = 1 WHERE job_id = 2500000000001");
    fixture->now_ms = FIXTURE_NOW_MS;
    for (unsigned i = 0; i < BATCHES / 500 + 1 && fixture->in_hand_count == 0; i++)
        turn(fixture, 1);
    assert_int_equal(fixture->in_hand[0]->job_id, 2500000000001);
}

/* --- whatever happens, the order holds --- */

static unsigned dice(unsigned *seed, unsigned sides)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (*seed >> 16) % sides;
}

static void add_batch(struct fixture *fixture, unsigned *seed, unsigned start)
{
    struct buf words = {0};
    unsigned rows = 1 + dice(seed, 12);

    for (unsigned i = 0; i < rows; i++)
        buf_printf(&words, dice(seed, 5) ? "r%u-%u:5 " : "r%u-%u ", start, dice(seed, 3));
    fixture_batch(fixture, dice(seed, 3) ? "Item" : "Other", buf_text(&words));
    buf_release(&words);
}

static void settle_one(struct fixture *fixture, unsigned *seed)
{
    static const enum job_state of_put[] = {JOB_APPLIED,  JOB_APPLIED, JOB_REFUSED,
                                            JOB_CONFLICT, JOB_PENDING, JOB_UNKNOWN};
    static const enum job_state of_get[] = {JOB_APPLIED, JOB_FAILED, JOB_PENDING, JOB_UNKNOWN};
    static const enum job_state of_fetch[] = {JOB_REFUSED, JOB_UNCHANGED, JOB_PENDING};
    struct claim_outcome *outcome;
    enum job_state end;
    struct claim *claim;
    char job[ID_TEXT_SIZE];

    if (!fixture->in_hand_count)
        return;
    claim = fixture->in_hand[dice(seed, fixture->in_hand_count)];
    id_print(claim->job_id, job);
    if (!dice(seed, 6)) {
        fixture_put_back(fixture, job);
        return;
    }
    end = claim->request == REQUEST_UPDATE  ? of_put[dice(seed, 6)]
          : claim->request == REQUEST_FETCH ? of_fetch[dice(seed, 3)]
                                            : of_get[dice(seed, 4)];
    outcome = fixture_settle_at(fixture, job, end, claim->version + 1);
    outcome->has_server_version = end == JOB_APPLIED || end == JOB_UNCHANGED;
    if (end == JOB_PENDING && !dice(seed, 3))
        outcome->run_retries = fixture->max_retries + 1;
}

static void decide_something(struct fixture *fixture, unsigned *seed)
{
    unsigned moved, way = dice(seed, 4);
    struct decision decision = decision_of(fixture, &moved);
    struct id_list ids = {0};
    char last[32];

    if (way < 2) {
        retry_all(fixture, way == 0);
    } else if (way == 2) {
        decision.even_if_superseded = dice(seed, 2);
        assert_true(resolve_find(fixture->store, 0, &ids, &fixture->err));
        assert_true(resolve_jobs(fixture->store, dice(seed, 2) ? RESOLVE_OURS : RESOLVE_THEIRS,
                                 &decision, &ids, &fixture->err));
        id_list_release(&ids);
    } else if (!dice(seed, 3)) {
        snprintf(last, sizeof last, "%s", fixture_ask(fixture, "SELECT max(id) FROM batch"));
        assert_true(cancel_batch(fixture->store, &decision,
                                 1 + dice(seed, (unsigned)strtoul(last, NULL, 10)), &fixture->err));
    }
}

/* What was claimed in the last turn, and is sent now, comes after nothing that is open. */
static void check_order(struct fixture *fixture, unsigned before, unsigned seed)
{
    for (unsigned i = before; i < fixture->in_hand_count; i++) {
        const struct claim *claim = fixture->in_hand[i];
        char sql[1024];

        if (claim->request != REQUEST_UPDATE && claim->request != REQUEST_FETCH)
            continue;
        snprintf(sql, sizeof sql,
                 "SELECT r.id FROM job_row r JOIN batch b ON b.id = r.id / 1000000000 "
                 "LEFT JOIN job_state s ON s.job_id = r.id WHERE r.id < %lld "
                 "AND r.record_id = '%.*s' AND b.state = 'open' AND b.schema = '%.*s' "
                 "AND coalesce(s.state, 'pending') IN ('pending', 'sending', 'unknown')",
                 (long long)claim->job_id, (int)claim_record_id(claim).size,
                 claim_record_id(claim).data, (int)claim_schema(claim).size,
                 claim_schema(claim).data);
        if (*fixture_ask(fixture, sql))
            fail_msg("seed %u: %lld was sent before %s", seed, (long long)claim->job_id,
                     buf_text(&fixture->answer));
    }
}

static void restart(struct fixture *fixture)
{
    uint64_t recovered;

    fixture_reopen(fixture);
    fixture->run_id++;
    assert_true(store_set_durable(fixture->store, false, &fixture->err));
    assert_true(jobs_recover(fixture->store, fixture->now_ms, &recovered, &fixture->err));
}

static void live(struct fixture *fixture, unsigned start)
{
    unsigned seed = start;

    add_batch(fixture, &seed, start);
    for (unsigned i = 0; i < 60; i++) {
        unsigned before, event = dice(&seed, 24);

        if (event == 0)
            add_batch(fixture, &seed, start);
        else if (event < 3)
            decide_something(fixture, &seed);
        else if (event == 3)
            restart(fixture);
        for (unsigned k = dice(&seed, 3); k; k--)
            settle_one(fixture, &seed);
        before = fixture->in_hand_count;
        fixture->now_ms++;
        fixture_claim(fixture, dice(&seed, 4));
        check_order(fixture, before, start);
    }
}

/* Everything that is open ends within so many turns: what can go is found. */
static void finish(struct fixture *fixture, unsigned start)
{
    for (unsigned i = 0; i < 1000; i++) {
        if (i % 100 == 0)
            restart(fixture);
        while (fixture->in_hand_count) {
            const struct claim *claim = fixture->in_hand[0];
            char job[ID_TEXT_SIZE];

            id_print(claim->job_id, job);
            fixture_settle_at(fixture, job,
                              claim->request == REQUEST_FETCH ? JOB_UNCHANGED : JOB_APPLIED,
                              claim->version + 1);
        }
        fixture->now_ms++;
        turn(fixture, 100);
        check_order(fixture, 0, start);
        if (!fixture->in_hand_count && !fixture->exchange.left)
            break;
    }
    fixture_check(fixture);
    if (fixture->exchange.left)
        fail_msg("seed %u: %llu jobs are never sent", start,
                 (unsigned long long)fixture->exchange.left);
}

static void no_job_is_sent_before_an_earlier_one_of_its_record_has_ended(void **state)
{
    struct fixture *fixture = *state;

    for (unsigned seed = 1; seed <= 25; seed++) {
        restart(fixture);
        live(fixture, seed);
        finish(fixture, seed);
    }
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, fixture_begin, fixture_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(thousands_of_rows_of_a_record_cost_as_much_each_as_ten),
        WITH_STORE(a_restart_costs_the_same_however_many_rows_wait),
        WITH_STORE(rows_that_are_tried_again_wait_for_each_other_at_once),
        WITH_STORE(a_turn_costs_the_same_however_many_batches_are_open),
        WITH_STORE(no_job_is_sent_before_an_earlier_one_of_its_record_has_ended),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
