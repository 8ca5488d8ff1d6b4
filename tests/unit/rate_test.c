#include "core/base/rate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { SECOND_US = 1000000 };

static void nothing_is_known_before_half_a_second(void **state)
{
    struct rate rate;

    (void)state;
    rate_begin(&rate, 100, 0);
    assert_true(rate_per_s(&rate) == 0);
    rate_note(&rate, 140, 400000);
    assert_true(rate_per_s(&rate) == 0);
    rate_note(&rate, 160, 600000);
    assert_float_equal(rate_per_s(&rate), 100, 2);
}

static void a_steady_count_has_the_same_rate_at_any_interval(void **state)
{
    (void)state;
    for (int64_t step_us = 1000; step_us <= 2 * SECOND_US; step_us *= 2) {
        struct rate rate;

        rate_begin(&rate, 7, 5 * SECOND_US);
        for (int64_t at_us = step_us; at_us <= 60 * (int64_t)SECOND_US; at_us += step_us)
            rate_note(&rate, 7 + (uint64_t)(at_us / 20000), 5 * SECOND_US + at_us);
        assert_float_equal(rate_per_s(&rate), 50, 0.5);
    }
}

static void after_a_minute_the_new_rate_dominates(void **state)
{
    struct rate rate;
    uint64_t count = 0;

    (void)state;
    rate_begin(&rate, 0, 0);
    for (int64_t second = 1; second <= 3600; second++)
        rate_note(&rate, count += 1000, second * SECOND_US);
    for (int64_t second = 3601; second <= 3660; second++)
        rate_note(&rate, count += 5, second * SECOND_US);
    assert_in_range((uint64_t)rate_per_s(&rate), 5, 100);
}

static void a_pause_leaves_the_rate_as_it_was(void **state)
{
    struct rate rate;

    (void)state;
    rate_begin(&rate, 0, 0);
    for (int64_t second = 1; second <= 10; second++)
        rate_note(&rate, 5 * (uint64_t)second, second * SECOND_US);
    for (int64_t second = 11; second <= 70; second++)
        rate_pass(&rate, 50, second * SECOND_US);
    rate_note(&rate, 55, 71 * SECOND_US);
    assert_float_equal(rate_per_s(&rate), 5, 0.01);
}

static void what_comes_in_during_a_pause_counts(void **state)
{
    struct rate rate;

    (void)state;
    rate_begin(&rate, 0, 0);
    rate_note(&rate, 10, SECOND_US);
    rate_pass(&rate, 20, 30 * SECOND_US);
    assert_float_equal(rate_per_s(&rate), 20, 0.01);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_known_before_half_a_second),
        cmocka_unit_test(a_steady_count_has_the_same_rate_at_any_interval),
        cmocka_unit_test(after_a_minute_the_new_rate_dominates),
        cmocka_unit_test(a_pause_leaves_the_rate_as_it_was),
        cmocka_unit_test(what_comes_in_during_a_pause_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
