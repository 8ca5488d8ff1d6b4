#include "core/job/budget.h"
#include "core/job/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* Plays `requests` requests of which one in `every` has to be retried; returns how many were played
 * before the budget was empty, or `requests`. */
static int play(int requests, int every)
{
    struct budget budget;

    budget_init(&budget);
    for (int i = 1; i <= requests; i++) {
        if (i % every)
            budget_earn(&budget);
        else if (!budget_charge(&budget, i, true))
            return i;
    }
    return requests;
}

static void a_dead_service_ends_the_run_after_twenty_retries(void **state)
{
    (void)state;
    assert_int_equal(play(1000, 1), 20);
}

static void one_retry_in_six_never_ends_the_run(void **state)
{
    (void)state;
    assert_int_equal(play(1000000, 6), 1000000);
}

static void one_retry_in_five_ends_the_run_after_some_time(void **state)
{
    (void)state;
    /* 1 unit is lost in 5 requests */
    assert_int_equal(play(1000000, 5), 480);
}

static void half_of_the_requests_failing_ends_the_run_soon(void **state)
{
    (void)state;
    assert_int_equal(play(1000000, 2), 50);
}

static void successes_never_raise_the_budget_above_its_start(void **state)
{
    struct budget budget;

    (void)state;
    budget_init(&budget);
    for (int i = 0; i < 1000; i++)
        budget_earn(&budget);
    assert_int_equal(budget.units, 100);
    for (int i = 1; i < 20; i++)
        assert_true(budget_charge(&budget, i, true));
    assert_false(budget_charge(&budget, 20, true));
}

static void an_empty_budget_has_no_debt(void **state)
{
    struct budget budget;

    (void)state;
    budget_init(&budget);
    for (int i = 0; i < 64; i++)
        budget_charge(&budget, i, true);
    for (int i = 0; i < 6; i++)
        budget_earn(&budget);
    assert_true(budget_charge(&budget, 64, true));
}

static void repeated_failures_of_the_same_jobs_cost_nothing(void **state)
{
    struct budget budget;

    (void)state;
    budget_init(&budget);
    for (int i = 0; i < 1000; i++)
        assert_true(budget_charge(&budget, i % 9, false));
    assert_int_equal(budget.units, 55);
    assert_false(budget.low);
}

/* 256 failing jobs at the head of the queue do not prove that the service fails. */
static void the_head_of_the_queue_cannot_spend_all_of_it(void **state)
{
    struct budget budget;

    (void)state;
    budget_init(&budget);
    for (int i = 0; i < 256; i++)
        assert_true(budget_charge(&budget, i, false));
    assert_int_equal(budget.units, BUDGET_HEAD);
    assert_true(budget.low);
    for (int i = 0; i < 4; i++)
        assert_true(budget_charge(&budget, 1000 + i, true));
    assert_false(budget_charge(&budget, 2000, true));
}

static void a_sample_that_succeeds_ends_sampling(void **state)
{
    struct budget budget;

    (void)state;
    budget_init(&budget);
    for (int i = 0; i < 10; i++)
        budget_charge(&budget, i, false);
    for (int i = 0; i < 24; i++)
        budget_earn(&budget);
    assert_true(budget.low);
    budget_earn(&budget);
    assert_false(budget.low);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dead_service_ends_the_run_after_twenty_retries),
        cmocka_unit_test(one_retry_in_six_never_ends_the_run),
        cmocka_unit_test(one_retry_in_five_ends_the_run_after_some_time),
        cmocka_unit_test(half_of_the_requests_failing_ends_the_run_soon),
        cmocka_unit_test(successes_never_raise_the_budget_above_its_start),
        cmocka_unit_test(an_empty_budget_has_no_debt),
        cmocka_unit_test(repeated_failures_of_the_same_jobs_cost_nothing),
        cmocka_unit_test(the_head_of_the_queue_cannot_spend_all_of_it),
        cmocka_unit_test(a_sample_that_succeeds_ends_sampling),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
