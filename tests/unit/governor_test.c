#include "core/http/governor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { SECOND_US = 1000000 };

/* Lets requests leave as early as the governor allows from start_us until end_us; returns how
 * many. Each leaves late_us after it might have. */
static unsigned drive(struct governor *governor, int64_t start_us, int64_t end_us, int64_t late_us)
{
    unsigned count = 0;

    for (int64_t now_us = start_us; now_us < end_us;) {
        int64_t wait_us = governor_wait_us(governor, now_us);

        now_us += wait_us;
        if (now_us >= end_us)
            break;
        if (wait_us)
            now_us += late_us;
        governor_departed(governor, now_us);
        count++;
    }
    return count;
}

static void rates_are_held_within_one_percent_at_985_thousandths(void **state)
{
    static const double rates[] = {1, 5, 100, 640, 20000};

    (void)state;
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        struct governor governor;
        double count;

        governor_init(&governor, rates[i]);
        count = drive(&governor, 0, 300LL * SECOND_US, 0);
        assert_true(count >= 300 * rates[i] * 0.985 * 0.99);
        assert_true(count <= 300 * rates[i] * 0.985 + 2);
    }
}

static void lateness_below_a_spacing_costs_no_throughput(void **state)
{
    struct governor governor;
    unsigned count;

    (void)state;
    governor_init(&governor, 100);
    count = drive(&governor, 0, 100LL * SECOND_US, 9000);
    assert_in_range(count, 9800, 9852);
}

static void no_window_of_a_second_sees_more_than_the_ceiling(void **state)
{
    struct governor governor;
    int64_t left_us[4096];
    unsigned count = 0, first = 0;

    (void)state;
    governor_init(&governor, 100);
    /* a loop that stalls now and then, and catches up as much as it may */
    for (int64_t now_us = 0; count < 4096; now_us += count % 37 ? 100 : 25000)
        while (count < 4096 && governor_wait_us(&governor, now_us) == 0) {
            governor_departed(&governor, now_us);
            left_us[count++] = now_us;
        }
    for (unsigned last = 0; last < count; last++) {
        while (left_us[last] - left_us[first] >= SECOND_US)
            first++;
        assert_in_range(last - first + 1, 1, 100);
    }
}

static void at_most_two_leave_at_once_after_a_long_silence(void **state)
{
    struct governor governor;
    int64_t now_us = 3600LL * SECOND_US;

    (void)state;
    governor_init(&governor, 10);
    assert_int_equal(governor_wait_us(&governor, now_us), 0);
    governor_departed(&governor, now_us);
    assert_int_equal(governor_wait_us(&governor, now_us), 0);
    governor_departed(&governor, now_us);
    assert_int_equal(governor_wait_us(&governor, now_us), 101523); /* 1 s / 9.85 */
}

static void allowance_counts_what_may_leave_within_a_time(void **state)
{
    struct governor governor;
    int64_t now_us = 5LL * SECOND_US;

    (void)state;
    governor_init(&governor, 100);
    assert_int_equal(governor_allows(&governor, now_us, 0), 2);
    assert_int_equal(governor_allows(&governor, now_us, SECOND_US), 100);
    governor_departed(&governor, now_us);
    governor_departed(&governor, now_us);
    assert_int_equal(governor_allows(&governor, now_us, 0), 0);
    assert_int_equal(governor_allows(&governor, now_us, 10152), 0);
    assert_int_equal(governor_allows(&governor, now_us, 10153), 1);
    assert_int_equal(governor_allows(&governor, now_us, SECOND_US), 98);
}

static void without_a_rate_only_a_pause_holds_requests(void **state)
{
    struct governor governor;

    (void)state;
    governor_init(&governor, 0);
    assert_true(governor_rate_per_s(&governor) == 0);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(governor_wait_us(&governor, 7), 0);
        governor_departed(&governor, 7);
    }
    assert_int_equal(governor_allows(&governor, 7, 0), UINT32_MAX);
    governor_pause(&governor, 1000);
    assert_int_equal(governor_wait_us(&governor, 7), 993);
    assert_int_equal(governor_allows(&governor, 7, 992), 0);
    assert_int_equal(governor_allows(&governor, 7, 993), UINT32_MAX);
    assert_int_equal(governor_wait_us(&governor, 1000), 0);
}

static void the_longer_of_two_pauses_holds(void **state)
{
    struct governor governor;

    (void)state;
    governor_init(&governor, 100);
    assert_false(governor_paused(&governor, 0));
    governor_pause(&governor, 5 * SECOND_US);
    governor_pause(&governor, 2 * SECOND_US);
    assert_true(governor_paused(&governor, 5 * SECOND_US - 1));
    assert_false(governor_paused(&governor, 5 * SECOND_US));
    assert_int_equal(governor_wait_us(&governor, 3 * SECOND_US), 2 * SECOND_US);
    assert_int_equal(governor_allows(&governor, 3 * SECOND_US, SECOND_US), 0);
    assert_int_equal(governor_allows(&governor, 3 * SECOND_US, 3 * SECOND_US), 99);
}

static void nothing_is_caught_up_after_a_pause(void **state)
{
    struct governor governor;

    (void)state;
    governor_init(&governor, 100);
    governor_pause(&governor, 5 * SECOND_US);
    assert_int_equal(governor_wait_us(&governor, 5 * SECOND_US), 0);
    governor_departed(&governor, 5 * SECOND_US);
    assert_int_equal(governor_wait_us(&governor, 5 * SECOND_US), 10153);
}

static void present_rate_is_what_the_spacing_gives(void **state)
{
    struct governor governor;

    (void)state;
    governor_init(&governor, 5);
    assert_true(governor.ceiling_per_s == 5);
    assert_true(governor_rate_per_s(&governor) > 4.9249);
    assert_true(governor_rate_per_s(&governor) < 4.9251);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rates_are_held_within_one_percent_at_985_thousandths),
        cmocka_unit_test(lateness_below_a_spacing_costs_no_throughput),
        cmocka_unit_test(no_window_of_a_second_sees_more_than_the_ceiling),
        cmocka_unit_test(at_most_two_leave_at_once_after_a_long_silence),
        cmocka_unit_test(allowance_counts_what_may_leave_within_a_time),
        cmocka_unit_test(without_a_rate_only_a_pause_holds_requests),
        cmocka_unit_test(the_longer_of_two_pauses_holds),
        cmocka_unit_test(nothing_is_caught_up_after_a_pause),
        cmocka_unit_test(present_rate_is_what_the_spacing_gives),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
