/* The outcomes of claimed jobs, and what a start does with those that an earlier process had in
 * hand. */
#include "core/base/mem.h"
#include "core/store/exchange.h"
#include "tests/lib/store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

static uint64_t recover(struct fixture *fixture)
{
    uint64_t recovered = 99;

    if (!jobs_recover(fixture->store, fixture->now_ms, &recovered, &fixture->err))
        fail_msg("%s", fixture->err.text);
    fixture_check(fixture);
    return recovered;
}

/* --- outcomes --- */

static void an_applied_job_carries_what_the_server_answered(void **state)
{
    struct fixture *fixture = *state;
    struct claim_outcome *outcome;

    fixture_batch(fixture, "Item", "a:5 b:5");
    fixture_claim(fixture, 2);
    outcome = fixture_settle_at(fixture, "1/1", JOB_APPLIED, 6);
    outcome->ended_ms = FIXTURE_NOW_MS + 70;
    outcome->latency_us = 69500;
    snprintf(outcome->correlation_header, sizeof outcome->correlation_header, "server-42");
    fixture->now_ms += 100;
    fixture_claim(fixture, 0);
    assert_asked(fixture,
                 "SELECT state, attempts, server_version, http_status, error_code, error_message, "
                 "not_before_ms, updated_ms FROM job_state WHERE job_id = 1000000001",
                 "applied|1|6|200|NULL|NULL|NULL|1000100");
    assert_asked(fixture,
                 "SELECT ended_ms, latency_us, http_status, error, evidence, correlation_header "
                 "FROM attempt WHERE job_id = 1000000001",
                 "1000070|69500|200|NULL|NULL|server-42");
    assert_asked(fixture, "SELECT pending, sending, applied FROM batch_tally", "0|1|1");
    assert_int_equal(fixture->exchange.finished, 1);
    assert_int_equal(fixture->exchange.left, 1);
}

static void a_batch_is_done_with_its_last_job_in_the_run_that_settled_it(void **state)
{
    static const enum job_state ends[] = {JOB_APPLIED, JOB_REFUSED, JOB_CONFLICT};
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5 b:5 c:5");
    fixture_claim(fixture, 3);
    for (int i = 0; i < 3; i++) {
        char job[16];

        assert_asked(fixture, "SELECT state FROM batch", "open");
        snprintf(job, sizeof job, "1/%d", i + 1);
        fixture_settle(fixture, job, ends[i]);
        fixture->now_ms += 10;
        fixture->run_id++;
        fixture_claim(fixture, 1);
    }
    assert_asked(fixture, "SELECT state, finished_ms, finished_run_id FROM batch",
                 "done|1000030|10");
    assert_asked(fixture, "SELECT jobs, applied, refused, conflict FROM batch_summary", "3|1|1|1");
}

static void a_batch_with_a_job_left_over_stays_open(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5 b:5");
    fixture_claim(fixture, 2);
    fixture_settle(fixture, "1/1", JOB_APPLIED);
    fixture_settle(fixture, "1/2", JOB_UNKNOWN)->run_retries = 4;
    fixture_claim(fixture, 1);
    assert_asked(fixture, "SELECT state, finished_ms FROM batch", "open|NULL");
    assert_int_equal(fixture->exchange.left, 1);
}

static void a_failed_job_says_whether_a_request_may_have_landed(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5 b:5");
    fixture_claim(fixture, 2);
    fixture_settle(fixture, "1/1", JOB_UNKNOWN);
    fixture_settle(fixture, "1/2", JOB_UNKNOWN);
    fixture_claim(fixture, 2);
    fixture_settle(fixture, "1/1", JOB_FAILED)->unsettled = true;
    fixture_settle(fixture, "1/2", JOB_FAILED);
    fixture_claim(fixture, 0);
    assert_asked(fixture, "SELECT state, unsettled FROM job", "failed|1; failed|0");
}

static void errors_stand_at_the_job_and_at_the_attempt(void **state)
{
    struct fixture *fixture = *state;
    struct claim_outcome *outcome;

    fixture_batch(fixture, "Item", "a:5");
    fixture_claim(fixture, 1);
    outcome = fixture_settle(fixture, "1/1", JOB_PENDING);
    outcome->http_status = 0;
    outcome->left = false;
    outcome->run_retries = 2;
    snprintf(outcome->error_code, sizeof outcome->error_code, "code");
    snprintf(outcome->error_message, sizeof outcome->error_message, "cannot connect");
    snprintf(outcome->attempt_error, sizeof outcome->attempt_error, "no route to host");
    snprintf(outcome->evidence, sizeof outcome->evidence, "none");
    fixture_claim(fixture, 0);
    assert_asked(fixture,
                 "SELECT state, attempts, run_id, run_retries, http_status, error_code, "
                 "error_message FROM job_state",
                 "pending|0|7|2|NULL|code|cannot connect");
    assert_asked(fixture, "SELECT http_status, error, evidence FROM attempt",
                 "NULL|no route to host|none");
}

static void a_read_back_that_never_left_counts_no_put(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5");
    fixture_claim(fixture, 1);
    fixture_settle(fixture, "1/1", JOB_UNKNOWN)->doubt = true;
    fixture_claim(fixture, 1);
    fixture_settle(fixture, "1/1", JOB_UNKNOWN)->left = false;
    fixture_claim(fixture, 0);
    assert_asked(fixture, "SELECT state, attempts, doubt FROM job_state", "unknown|1|1");
}

static void the_servers_version_stays_where_an_answer_names_none(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5");
    fixture_claim(fixture, 1);
    fixture_settle(fixture, "1/1", JOB_UNKNOWN);
    fixture_claim(fixture, 1);
    fixture_settle_at(fixture, "1/1", JOB_UNKNOWN, 9);
    fixture_claim(fixture, 1);
    fixture_settle(fixture, "1/1", JOB_UNKNOWN);
    fixture_claim(fixture, 0);
    assert_asked(fixture, "SELECT server_version FROM job_state", "9");
}

static void a_conflict_keeps_both_versions_and_the_servers_record(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5 b:5");
    fixture_claim(fixture, 2);
    fixture_settle(fixture, "1/1", JOB_UNKNOWN)->http_status = 409;
    fixture_settle(fixture, "1/2", JOB_CONFLICT);
    fixture_claim(fixture, 1);
    fixture_settle_at(fixture, "1/1", JOB_CONFLICT, 8)->server_record = mem_strdup("{\"v\":8}");
    fixture->now_ms++;
    fixture_claim(fixture, 0);
    assert_asked(fixture,
                 "SELECT job_id, submitted_version, server_version, server_record, resolution, "
                 "detected_ms, resolved_ms FROM conflict ORDER BY job_id",
                 "1000000001|5|8|{\"v\":8}|NULL|1000001|NULL; "
                 "1000000002|5|NULL|NULL|NULL|1000000|NULL");
}

static void violate(struct claim_outcome *outcome, size_t count, const char *field)
{
    outcome->violations = mem_calloc(count, sizeof *outcome->violations);
    outcome->violation_count = count;
    for (size_t i = 0; i < count; i++) {
        outcome->violations[i].field = mem_printf("%s%zu", field, i);
        outcome->violations[i].code = mem_strdup("code");
        outcome->violations[i].message = mem_strdup("wrong");
    }
}

static void the_servers_violations_are_rows_and_the_last_answer_counts(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5 b:5");
    fixture_claim(fixture, 2);
    violate(fixture_settle(fixture, "1/1", JOB_REFUSED), 2, "x");
    violate(fixture_settle(fixture, "1/2", JOB_PENDING), 1, "old");
    fixture_claim(fixture, 1);
    violate(fixture_settle(fixture, "1/2", JOB_REFUSED), 2, "new");
    fixture_claim(fixture, 0);
    assert_asked(fixture, "SELECT job_id, field, code, message FROM server_violation ORDER BY id",
                 "1000000001|x0|code|wrong; 1000000001|x1|code|wrong; "
                 "1000000002|new0|code|wrong; 1000000002|new1|code|wrong");
}

/* --- what was never started --- */

/* All that a job carries, but the time of its last change and when it is due. */
static const char job_sql[] =
    "SELECT state, attempts, readbacks, doubt, unsettled, waits_for, run_id, run_retries, "
    "sent_version, server_version, http_status, hex(correlation_id), error_code, error_message "
    "FROM job_state";

static void a_fresh_job_that_was_never_started_is_as_if_never_claimed(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5");
    fixture_claim(fixture, 1);
    fixture_put_back(fixture, "1/1");
    fixture_claim(fixture, 0);
    assert_asked(fixture,
                 "SELECT state, attempts, run_retries, sent_version, http_status, not_before_ms "
                 "FROM job_state",
                 "pending|0|0|NULL|NULL|1000000");
    assert_asked(fixture, "SELECT count(*) FROM attempt", "0");
    assert_asked(fixture, "SELECT pending, sending FROM batch_tally", "1|0");
    assert_string_equal(fixture_claim(fixture, 1), "PUT 1/1 a v5");
    assert_int_equal(fixture_held(fixture, "1/1")->attempts, 1);
}

/* A job that is in that state after a first answer with 401 in this run. */
static void settle_once(struct fixture *fixture, enum job_state state)
{
    struct claim_outcome *outcome;

    fixture_batch(fixture, "Item", "a:5");
    fixture_claim(fixture, 1);
    outcome = fixture_settle_at(fixture, "1/1", state, 4);
    outcome->doubt = true;
    outcome->readbacks = 2;
    outcome->run_retries = 3;
    outcome->http_status = 401;
    snprintf(outcome->error_code, sizeof outcome->error_code, "some.code");
    snprintf(outcome->error_message, sizeof outcome->error_message, "some message");
    fixture_claim(fixture, 0);
}

static void check_put_back(struct fixture *fixture, enum job_state state)
{
    char before[512];

    settle_once(fixture, state);
    snprintf(before, sizeof before, "%s", fixture_ask(fixture, job_sql));
    fixture->run_id++;
    for (int i = 0; i < 2; i++) {
        fixture_claim(fixture, 1);
        /* the 401 and the retries were another run's */
        assert_false(fixture_held(fixture, "1/1")->refused_token);
        assert_int_equal(fixture_held(fixture, "1/1")->run_retries, 0);
        fixture_put_back(fixture, "1/1");
        fixture_claim(fixture, 0);
        assert_asked(fixture, job_sql, before);
        assert_asked(fixture, "SELECT count(*) FROM attempt", "1");
    }
    fixture->run_id--;
    fixture_claim(fixture, 1);
    assert_true(fixture_held(fixture, "1/1")->refused_token);
    assert_int_equal(fixture_held(fixture, "1/1")->run_retries, 3);
    assert_int_equal(fixture_held(fixture, "1/1")->readbacks, 2);
}

static void a_job_to_be_sent_again_keeps_all_it_had_when_it_was_never_started(void **state)
{
    check_put_back(*state, JOB_PENDING);
}

/* Only updates count as attempts: a throttled read-back that were excused like one would leave more
 * excused attempts than there are. */
static void a_read_back_that_is_throttled_excuses_no_attempt(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5 b:5");
    fixture_claim(fixture, 2);
    fixture_settle(fixture, "1/1", JOB_UNKNOWN)->doubt = true;
    fixture_settle(fixture, "1/2", JOB_PENDING)->excused = true;
    fixture_claim(fixture, 1);
    fixture_settle(fixture, "1/1", JOB_UNKNOWN)->excused = true;
    fixture_claim(fixture, 0);
    assert_asked(fixture, "SELECT attempts, attempts_before FROM job_state", "1|0; 1|1");
}

static void a_job_to_be_read_back_keeps_all_it_had_when_it_was_never_started(void **state)
{
    check_put_back(*state, JOB_UNKNOWN);
}

static void a_job_put_back_is_due_when_it_is_said_to_be(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5 a:5");
    fixture_claim(fixture, 2);
    fixture_put_back(fixture, "1/1")->not_before_ms = FIXTURE_NOW_MS + 500;
    assert_string_equal(fixture_claim(fixture, 2), "");
    assert_int_equal(fixture->exchange.next_due_ms, FIXTURE_NOW_MS + 500);
    /* whoever waited for it still does */
    assert_asked(fixture, "SELECT job_id FROM job_state WHERE waits_for = 1000000001",
                 "1000000002");
}

/* --- moves that the table does not allow --- */

static void an_illegal_move_is_a_bug_and_nothing_is_written(void **state)
{
    static const struct {
        enum job_state first, to;
        const char *text;
    } rows[] = {
        {JOB_SENDING, JOB_FAILED, "job 1000000001 cannot move from sending to failed"},
        {JOB_SENDING, JOB_CANCELLED, "job 1000000001 cannot move from sending to cancelled"},
        {JOB_SENDING, JOB_SENDING, "job 1000000001 cannot move from sending to sending"},
        {JOB_UNKNOWN, JOB_SENDING, "job 1000000001 cannot move from unknown to sending"},
        {JOB_UNKNOWN, JOB_DISMISSED, "job 1000000001 cannot move from unknown to dismissed"},
    };
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5 b:5 c:5");
    fixture_claim(fixture, 2);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].first == JOB_UNKNOWN &&
            !(fixture_held(fixture, "1/1")->request == REQUEST_READ_BACK)) {
            fixture_settle(fixture, "1/1", JOB_UNKNOWN);
            fixture_claim(fixture, 1);
        }
        /* another one's good outcome goes down with it, to be settled again */
        fixture_settle(fixture, "1/2", JOB_APPLIED);
        fixture_settle(fixture, "1/1", rows[i].to);
        assert_false(fixture_try(fixture, 1));
        assert_int_equal(fixture->err.kind, ERR_INTERNAL);
        assert_string_equal(fixture->err.text, rows[i].text);
        fixture_check(fixture);
        assert_asked(fixture, "SELECT applied FROM batch_tally", "0");
        while (fixture->settling_count)
            fixture->in_hand[fixture->in_hand_count++] =
                fixture->settling[--fixture->settling_count];
    }
    fixture_settle(fixture, "1/2", JOB_APPLIED);
    fixture_claim(fixture, 0);
    assert_asked(fixture, "SELECT applied FROM batch_tally", "1");
}

static void an_outcome_for_a_batch_that_someone_else_ended_changes_nothing(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5");
    fixture_claim(fixture, 1);
    fixture_ask(fixture, "UPDATE batch SET state = 'refused', finished_ms = 1, "
                         "finished_run_id = 1");
    fixture_settle(fixture, "1/1", JOB_APPLIED);
    assert_true(fixture_try(fixture, 0));
    assert_int_equal(fixture->exchange.taken_id, 1000000001);
    assert_asked(fixture, "SELECT state FROM job_state", "sending");
}

/* --- recovery --- */

static void an_empty_database_has_nothing_to_recover(void **state)
{
    assert_int_equal(recover(*state), 0);
}

static void interrupted_attempts_become_unknown_and_are_read_back(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5 b:5 c:5");
    fixture_batch(fixture, "Item", "d:5");
    fixture_claim(fixture, 4);
    fixture_settle_at(fixture, "1/2", JOB_APPLIED, 6);
    fixture_claim(fixture, 0);
    fixture_reopen(fixture);
    fixture->now_ms += 1000;
    fixture->run_id++;
    assert_int_equal(recover(fixture), 3);
    assert_asked(fixture, "SELECT pending, sending, unknown, applied FROM batch_tally",
                 "0|0|2|1; 0|0|1|0");
    assert_asked(fixture,
                 "SELECT job_id, attempts, doubt, not_before_ms FROM job_state "
                 "WHERE state = 'unknown'",
                 "1000000001|1|1|1001000; 1000000003|1|1|1001000; 2000000001|1|1|1001000");
    /* the attempts have no end: nobody saw it */
    assert_asked(fixture, "SELECT count(*) FROM attempt WHERE ended_ms IS NULL", "3");
    assert_int_equal(recover(fixture), 0);
    assert_string_equal(fixture_claim(fixture, 10), "GET 1/1 a v5, GET 1/3 c v5, GET 2/1 d v5");
    assert_true(fixture_held(fixture, "1/1")->doubt);
}

static void what_was_claimed_and_never_handed_over_counts_as_no_attempt(void **state)
{
    struct fixture *fixture = *state;
    struct lock_mark mark = {.run_id = fixture->run_id, .started_ms = 5};

    fixture_ask(fixture, "INSERT INTO run(id, command, version, started_ms) "
                         "VALUES(7, 'drain', '1', 5)");
    fixture_batch(fixture, "Item", "a:5 a:5 b:5 c:5");
    assert_string_equal(fixture_claim(fixture, 3), "PUT 1/1 a v5, PUT 1/3 b v5, PUT 1/4 c v5");
    mark.attempt_id = fixture_held(fixture, "1/3")->attempt_id;
    fixture_settle_at(fixture, "1/1", JOB_APPLIED, 9);
    assert_string_equal(fixture_claim(fixture, 1), "PUT 1/2 a v9");
    fixture_reopen(fixture);
    fixture->now_ms += 1000;
    fixture->run_id++;
    /* again after a crash on the way: nothing is taken off twice */
    for (int i = 0; i < 2; i++)
        assert_true(jobs_uncount(fixture->store, &mark, fixture->now_ms, &fixture->err));
    assert_int_equal(recover(fixture), 3);
    assert_asked(fixture, "SELECT job_id, state, attempts, doubt FROM job_state",
                 "1000000001|applied|1|0; 1000000002|unknown|0|1; 1000000003|unknown|1|1; "
                 "1000000004|unknown|0|1");
    assert_asked(fixture, "SELECT job_id, ended_ms, error FROM attempt WHERE ended_ms IS NOT NULL",
                 "1000000001|1000000|NULL; "
                 "1000000004|1001000|rowferry was killed before it started this request; "
                 "1000000002|1001000|rowferry was killed before it started this request");
    /* the version that was claimed is the one that is asked for, and sent again */
    assert_string_equal(fixture_claim(fixture, 9), "GET 1/2 a v9, GET 1/3 b v5, GET 1/4 c v5");
    fixture_settle(fixture, "1/2", JOB_PENDING)->doubt = true;
    assert_string_equal(fixture_claim(fixture, 1), "PUT 1/2 a v9");
    assert_int_equal(fixture_held(fixture, "1/2")->attempts, 1);
    fixture_put_back(fixture, "1/2");
    assert_string_equal(fixture_claim(fixture, 1), "PUT 1/2 a v9");
}

static void the_mark_of_another_run_uncounts_nothing(void **state)
{
    struct fixture *fixture = *state;
    /* the second is of a run with this id in the database that was there before this copy */
    const struct lock_mark marks[] = {{.run_id = 8, .started_ms = 6},
                                      {.run_id = 7, .started_ms = 4}};

    fixture_ask(fixture, "INSERT INTO run(id, command, version, started_ms) "
                         "VALUES(7, 'drain', '1', 5), (8, 'drain', '1', 6)");
    fixture_batch(fixture, "Item", "a:5");
    fixture_claim(fixture, 1);
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        assert_true(jobs_uncount(fixture->store, &marks[i], fixture->now_ms, &fixture->err));
        assert_asked(fixture, "SELECT attempts FROM job_state", "1");
        assert_asked(fixture, "SELECT ended_ms FROM attempt", "NULL");
    }
}

static void an_interrupted_read_back_is_asked_again_and_adds_no_doubt(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5 b:5");
    fixture_claim(fixture, 2);
    fixture_settle(fixture, "1/1", JOB_UNKNOWN)->http_status = 409;
    fixture_settle(fixture, "1/2", JOB_UNKNOWN)->doubt = true;
    fixture_claim(fixture, 2);
    fixture_reopen(fixture);
    fixture->now_ms += 1000;
    assert_int_equal(recover(fixture), 0);
    assert_asked(fixture, "SELECT state, attempts, doubt, not_before_ms FROM job_state",
                 "unknown|1|0|1001000; unknown|1|1|1001000");
    assert_string_equal(fixture_claim(fixture, 2), "GET 1/1 a v5, GET 1/2 b v5");
    assert_false(fixture_held(fixture, "1/1")->doubt);
    assert_int_equal(fixture_held(fixture, "1/1")->http_status, 409);
}

static void what_was_due_later_stays_due_later(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5 b:5");
    fixture_claim(fixture, 2);
    fixture_settle(fixture, "1/1", JOB_UNKNOWN)->not_before_ms = FIXTURE_NOW_MS + 9000;
    fixture_settle(fixture, "1/2", JOB_PENDING)->not_before_ms = FIXTURE_NOW_MS + 8000;
    fixture_claim(fixture, 0);
    fixture_reopen(fixture);
    assert_int_equal(recover(fixture), 0);
    assert_asked(fixture, "SELECT state, doubt, not_before_ms FROM job_state",
                 "unknown|0|1009000; pending|0|1008000");
}

static void what_waited_before_a_restart_waits_after_it(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5 a:5 a:5");
    assert_string_equal(fixture_claim(fixture, 10), "PUT 1/1 a v5");
    fixture_reopen(fixture);
    assert_int_equal(recover(fixture), 1);
    assert_asked(fixture, "SELECT waits_for FROM job_state WHERE waits_for IS NOT NULL",
                 "1000000001; 1000000002");
    assert_string_equal(fixture_claim(fixture, 10), "GET 1/1 a v5");
    assert_asked(fixture, "SELECT waits_for FROM job_state WHERE waits_for IS NOT NULL",
                 "1000000001; 1000000002");
    fixture_settle_at(fixture, "1/1", JOB_APPLIED, 6);
    assert_string_equal(fixture_claim(fixture, 10), "PUT 1/2 a v6");
    fixture_settle_at(fixture, "1/2", JOB_APPLIED, 7);
    assert_string_equal(fixture_claim(fixture, 10), "PUT 1/3 a v7");
}

/* What another process can make of a job that is in hand, where the lock was taken from under the
 * drain: nothing of our outcome is written then, and the others of the turn are. */
static void an_outcome_of_a_job_that_someone_else_touched_changes_nothing(void **state)
{
    static const char *const meddling[] = {
        "UPDATE job_state SET state = 'unknown', not_before_ms = 1 WHERE job_id = 1000000001",
        "UPDATE job_state SET state = 'applied' WHERE job_id = 1000000001",
        "UPDATE job_state SET updated_ms = updated_ms + 1 WHERE job_id = 1000000001",
        "UPDATE job_state SET attempts = attempts + 1 WHERE job_id = 1000000001",
        "DELETE FROM job_state WHERE job_id = 1000000001",
    };
    static const char attempts[] = "SELECT * FROM attempt WHERE job_id = 1000000001";

    for (size_t i = 0; i < sizeof meddling / sizeof *meddling; i++) {
        struct fixture *fixture;
        void *fresh;
        char before[1024];

        (void)state;
        assert_int_equal(fixture_begin(&fresh), 0);
        fixture = fresh;
        fixture_batch(fixture, "Item", "a:5 b:5 c:5");
        assert_string_equal(fixture_claim(fixture, 2), "PUT 1/1 a v5, PUT 1/2 b v5");
        fixture_ask(fixture, meddling[i]);
        snprintf(before, sizeof before, "%s", fixture_ask(fixture, attempts));
        if (i % 2)
            fixture_put_back(fixture, "1/1");
        else
            fixture_settle_at(fixture, "1/1", JOB_APPLIED, 6);
        fixture_settle_at(fixture, "1/2", JOB_APPLIED, 6);
        assert_true(fixture_try(fixture, 0));
        assert_int_equal(fixture->exchange.taken_id, 1000000001);
        assert_string_equal(fixture_ask(fixture, attempts), before);
        assert_asked(fixture, "SELECT state, server_version FROM job WHERE id = 1000000002",
                     "applied|6");
        assert_asked(fixture, "SELECT pending, sending, applied FROM batch_tally", "1|1|1");
        assert_int_equal(fixture_end(&fresh), 0);
    }
}

static void a_turn_in_which_nobody_else_was_at_work_names_no_job(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5 b:5");
    fixture_claim(fixture, 2);
    fixture_settle_all(fixture, JOB_APPLIED);
    assert_int_equal(fixture->exchange.taken_id, 0);
}

static void an_update_that_is_sent_again_in_hand_is_settled_with_its_second_attempt(void **state)
{
    struct fixture *fixture = *state;
    struct claim *claim;
    struct exchange exchange;

    fixture_batch(fixture, "Item", "a:1");
    fixture_claim(fixture, 1);
    claim = fixture_held(fixture, "1/1");
    claim->outcome = (struct claim_outcome){.repeats = true, .ended_ms = fixture->now_ms};
    exchange = (struct exchange){.run_id = fixture->run_id,
                                 .now_ms = fixture->now_ms + 5,
                                 .settled = &claim,
                                 .settled_count = 1};
    if (!jobs_exchange(fixture->store, &exchange, &fixture->err))
        fail_msg("%s", fixture->err.text);
    fixture_settle(fixture, "1/1", JOB_APPLIED);
    fixture_claim(fixture, 0);
    assert_int_equal(fixture->exchange.taken_id, 0);
    assert_string_equal(fixture_ask(fixture,
                                    "SELECT state, attempts, (SELECT count(*) FROM attempt "
                                    "WHERE ended_ms > 0) FROM job_state"),
                        "applied|2|2");
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, fixture_begin, fixture_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(an_applied_job_carries_what_the_server_answered),
        WITH_STORE(a_batch_is_done_with_its_last_job_in_the_run_that_settled_it),
        WITH_STORE(a_batch_with_a_job_left_over_stays_open),
        WITH_STORE(a_failed_job_says_whether_a_request_may_have_landed),
        WITH_STORE(errors_stand_at_the_job_and_at_the_attempt),
        WITH_STORE(a_read_back_that_never_left_counts_no_put),
        WITH_STORE(a_read_back_that_is_throttled_excuses_no_attempt),
        WITH_STORE(the_servers_version_stays_where_an_answer_names_none),
        WITH_STORE(a_conflict_keeps_both_versions_and_the_servers_record),
        WITH_STORE(the_servers_violations_are_rows_and_the_last_answer_counts),
        WITH_STORE(a_fresh_job_that_was_never_started_is_as_if_never_claimed),
        WITH_STORE(a_job_to_be_sent_again_keeps_all_it_had_when_it_was_never_started),
        WITH_STORE(a_job_to_be_read_back_keeps_all_it_had_when_it_was_never_started),
        WITH_STORE(a_job_put_back_is_due_when_it_is_said_to_be),
        WITH_STORE(an_illegal_move_is_a_bug_and_nothing_is_written),
        WITH_STORE(an_outcome_for_a_batch_that_someone_else_ended_changes_nothing),
        WITH_STORE(an_empty_database_has_nothing_to_recover),
        WITH_STORE(interrupted_attempts_become_unknown_and_are_read_back),
        WITH_STORE(what_was_claimed_and_never_handed_over_counts_as_no_attempt),
        WITH_STORE(the_mark_of_another_run_uncounts_nothing),
        WITH_STORE(an_interrupted_read_back_is_asked_again_and_adds_no_doubt),
        WITH_STORE(what_was_due_later_stays_due_later),
        cmocka_unit_test(an_outcome_of_a_job_that_someone_else_touched_changes_nothing),
        WITH_STORE(a_turn_in_which_nobody_else_was_at_work_names_no_job),
        WITH_STORE(what_waited_before_a_restart_waits_after_it),
        WITH_STORE(an_update_that_is_sent_again_in_hand_is_settled_with_its_second_attempt),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
