/* What failures show about the ERP, by which records they are of and when their requests left. */
#include "core/notify/health.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { S = 1000000 };

/* So many records fail, each at once, from now_us on. */
static void fail_records(struct health *health, unsigned count, int64_t now_us)
{
    for (unsigned i = 0; i < count; i++)
        health_failed(health, now_us, true, 0, now_us);
}

static void different_records_show_trouble_and_one_again_and_again_does_not(void **state)
{
    struct health health = {0};

    (void)state;
    fail_records(&health, HEALTH_TROUBLE_FROM - 1, 0);
    for (unsigned i = 0; i < 100; i++)
        health_failed(&health, i * S, false, 0, i * S);
    assert_false(health_in_trouble(&health));
    fail_records(&health, 1, 100 * S);
    assert_true(health_in_trouble(&health));
    health_worked(&health, 101 * S);
    assert_false(health_in_trouble(&health));
    assert_int_equal(health_wait_us(&health, true, 101 * S), 0);
    assert_int_equal(health_wait_us(&health, false, 101 * S), 0);
    fail_records(&health, HEALTH_TROUBLE_FROM - 1, 102 * S);
    assert_false(health_in_trouble(&health));
}

static void what_left_before_it_worked_shows_nothing(void **state)
{
    struct health health = {0};

    (void)state;
    health_worked(&health, 5 * S);
    for (unsigned i = 0; i < 3 * HEALTH_TROUBLE_FROM; i++)
        health_failed(&health, 5 * S - 1, true, 0, 9 * S);
    assert_false(health_in_trouble(&health));
    for (unsigned i = 0; i < HEALTH_TROUBLE_FROM; i++)
        health_failed(&health, 5 * S, true, 0, 9 * S);
    assert_true(health_in_trouble(&health));
}

static void pauses_double_with_each_further_record(void **state)
{
    struct health health = {0};
    int64_t now_us = S, wait_us = S;

    (void)state;
    fail_records(&health, HEALTH_TROUBLE_FROM, now_us);
    /* those that were in flight with the last are the same event */
    for (unsigned i = 0; i < 5; i++)
        health_failed(&health, now_us - 1, true, 0, now_us);
    for (unsigned i = 0; i < 12; i++) {
        assert_int_equal(health_wait_us(&health, true, now_us), wait_us);
        assert_int_equal(health_wait_us(&health, false, now_us), wait_us);
        now_us += wait_us;
        assert_int_equal(health_wait_us(&health, true, now_us), 0);
        fail_records(&health, 1, now_us);
        wait_us = wait_us < 32 * S ? 2 * wait_us : (int64_t)HEALTH_WAIT_MAX_MS * 1000;
    }
    /* jitter: up to a quarter more */
    health_failed(&health, now_us, true, 1, now_us);
    assert_int_equal(health_wait_us(&health, true, now_us), 75 * S);
}

static void a_record_that_fails_again_keeps_no_other_waiting(void **state)
{
    struct health health = {0};

    (void)state;
    fail_records(&health, HEALTH_TROUBLE_FROM + 1, S);
    assert_int_equal(health_wait_us(&health, true, 10 * S), 0);
    health_failed(&health, 10 * S, false, 0, 10 * S);
    assert_int_equal(health_wait_us(&health, true, 10 * S), 0);
    assert_int_equal(health_wait_us(&health, false, 10 * S), 2 * S);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(different_records_show_trouble_and_one_again_and_again_does_not),
        cmocka_unit_test(what_left_before_it_worked_shows_nothing),
        cmocka_unit_test(pauses_double_with_each_further_record),
        cmocka_unit_test(a_record_that_fails_again_keeps_no_other_waiting),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
