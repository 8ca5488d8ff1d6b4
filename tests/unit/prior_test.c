/* A drain of one batch sends what its rows wait for in others, and nothing else of those. */
#include "tests/lib/store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* The next turn comes at once: what is put off in this one is a prior job of that. */
static void puts_off(struct fixture *fixture)
{
    assert_string_equal(fixture_claim(fixture, 8), "");
    assert_int_equal(fixture->exchange.next_due_ms, fixture->now_ms);
}

static void apply(struct fixture *fixture, const char *job, int64_t server_version)
{
    fixture_settle_at(fixture, job, JOB_APPLIED, server_version);
    fixture_claim(fixture, 0);
}

static void an_earlier_row_goes_first_and_its_neighbours_stay(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "x:5 a:5 y:5");
    fixture->batch_id = fixture_batch(fixture, "Item", "a:6");
    puts_off(fixture);
    assert_string_equal(fixture_claim(fixture, 8), "PUT 1/2 a v5");
    assert_int_equal(fixture->exchange.prior, 1);
    apply(fixture, "1/2", 6);
    assert_string_equal(fixture_claim(fixture, 8), "PUT 2/1 a v6");
    assert_int_equal(fixture->exchange.prior, 0);
    apply(fixture, "2/1", 7);
    assert_string_equal(fixture_claim(fixture, 8), "");
    assert_int_equal(fixture->exchange.next_due_ms, 0);
    assert_string_equal(fixture_ask(fixture, "SELECT state, pending, applied FROM batch_summary"),
                        "open|2|1; done|0|1");
    /* whoever drains that batch later passes what was sent ahead */
    fixture->batch_id = 0;
    assert_string_equal(fixture_claim(fixture, 8), "PUT 1/1 x v5, PUT 1/3 y v5");
    fixture_settle_all(fixture, JOB_APPLIED);
    assert_string_equal(fixture_ask(fixture, "SELECT state FROM batch"), "done; done");
}

static void rows_before_that_one_go_before_it(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5 a:5");
    fixture_batch(fixture, "Item", "z:1 a:7");
    fixture->batch_id = fixture_batch(fixture, "Item", "a:8");
    puts_off(fixture); /* 3/1 for 2/2 */
    puts_off(fixture); /* 2/2 for 1/2 */
    puts_off(fixture); /* 1/2 for 1/1 */
    assert_string_equal(fixture_claim(fixture, 8), "PUT 1/1 a v5");
    apply(fixture, "1/1", 6);
    assert_string_equal(fixture_claim(fixture, 8), "PUT 1/2 a v6");
    apply(fixture, "1/2", 7);
    assert_string_equal(fixture_claim(fixture, 8), "PUT 2/2 a v7");
    apply(fixture, "2/2", 8);
    assert_string_equal(fixture_claim(fixture, 8), "PUT 3/1 a v8");
    apply(fixture, "3/1", 9);
    assert_string_equal(fixture_ask(fixture, "SELECT state FROM batch"), "done; open; done");
}

static void one_that_has_no_answer_is_read_back_and_sent_again_when_it_is_due(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5");
    fixture_claim(fixture, 1);
    fixture_settle(fixture, "1/1", JOB_UNKNOWN);
    fixture_claim(fixture, 0);
    fixture->batch_id = fixture_batch(fixture, "Item", "a:6");
    puts_off(fixture);
    assert_string_equal(fixture_claim(fixture, 8), "GET 1/1 a v5");
    fixture_settle(fixture, "1/1", JOB_PENDING)->not_before_ms = fixture->now_ms + 500;
    assert_string_equal(fixture_claim(fixture, 8), "");
    assert_int_equal(fixture->exchange.next_due_ms, fixture->now_ms + 500);
    fixture->now_ms += 500;
    assert_string_equal(fixture_claim(fixture, 8), "PUT 1/1 a v5");
    fixture_settle(fixture, "1/1", JOB_REFUSED);
    fixture_claim(fixture, 0);
    assert_string_equal(fixture_claim(fixture, 8), "PUT 2/1 a v6");
}

static void one_that_is_left_to_the_next_run_is_no_reason_to_wait(void **state)
{
    struct fixture *fixture = *state;
    uint64_t recovered;

    fixture_batch(fixture, "Item", "a:5");
    fixture->batch_id = fixture_batch(fixture, "Item", "a:6");
    puts_off(fixture);
    fixture_claim(fixture, 8);
    fixture_settle(fixture, "1/1", JOB_PENDING)->run_retries = fixture->max_retries + 1;
    assert_string_equal(fixture_claim(fixture, 8), "");
    assert_int_equal(fixture->exchange.next_due_ms, 0);
    assert_int_equal(fixture->exchange.left, 1);
    /* the next run tries again */
    fixture_reopen(fixture);
    assert_true(jobs_recover(fixture->store, fixture->now_ms, &recovered, &fixture->err));
    fixture->run_id++;
    assert_string_equal(fixture_claim(fixture, 8), "PUT 1/1 a v5");
    assert_int_equal(fixture->exchange.prior, 1);
    apply(fixture, "1/1", 6);
    assert_string_equal(fixture_claim(fixture, 8), "PUT 2/1 a v6");
}

static void what_an_earlier_process_put_off_is_still_found(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5 a:5");
    fixture_batch(fixture, "Item", "z:1 a:7");
    fixture->batch_id = fixture_batch(fixture, "Item", "a:8 a:8");
    puts_off(fixture);
    puts_off(fixture);
    fixture_reopen(fixture);
    assert_string_equal(fixture_claim(fixture, 8), "");
    assert_int_equal(fixture->exchange.next_due_ms, fixture->now_ms);
    assert_string_equal(fixture_claim(fixture, 8), "PUT 1/1 a v5");
    apply(fixture, "1/1", 6);
    assert_string_equal(fixture_claim(fixture, 8), "PUT 1/2 a v6");
    apply(fixture, "1/2", 7);
    assert_string_equal(fixture_claim(fixture, 8), "PUT 2/2 a v7");
    apply(fixture, "2/2", 8);
    assert_string_equal(fixture_claim(fixture, 8), "PUT 3/1 a v8");
}

static void other_schemas_are_no_concern(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Account", "a:5");
    fixture->batch_id = fixture_batch(fixture, "Item", "a:6");
    assert_string_equal(fixture_claim(fixture, 8), "PUT 2/1 a v6");
    assert_int_equal(fixture->exchange.prior, 0);
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, fixture_begin, fixture_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(an_earlier_row_goes_first_and_its_neighbours_stay),
        WITH_STORE(rows_before_that_one_go_before_it),
        WITH_STORE(one_that_has_no_answer_is_read_back_and_sent_again_when_it_is_due),
        WITH_STORE(one_that_is_left_to_the_next_run_is_no_reason_to_wait),
        WITH_STORE(what_an_earlier_process_put_off_is_still_found),
        WITH_STORE(other_schemas_are_no_concern),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
