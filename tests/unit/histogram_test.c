#include "core/base/histogram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* Within 6.3% of the value, and within half a unit below 16. */
static void assert_near(uint64_t got, uint64_t value)
{
    uint64_t off = got > value ? got - value : value - got;

    if (off * 1000 > value * 63)
        fail_msg("%llu is recorded as %llu", (unsigned long long)got, (unsigned long long)value);
}

static void an_empty_histogram_answers_zero(void **state)
{
    struct histogram histogram = {0};

    (void)state;
    assert_int_equal(histogram_percentile(&histogram, 50), 0);
    assert_int_equal(histogram_percentile(&histogram, 99), 0);
    assert_int_equal(histogram_average(&histogram), 0);
}

static void a_single_value_is_every_percentile(void **state)
{
    static const unsigned percents[] = {0, 1, 50, 95, 99, 100};
    struct histogram histogram = {0};

    (void)state;
    histogram_add(&histogram, 1000);
    for (size_t i = 0; i < sizeof percents / sizeof *percents; i++)
        assert_near(histogram_percentile(&histogram, percents[i]), 1000);
    assert_int_equal(histogram_average(&histogram), 1000);
}

static void values_below_32_are_exact(void **state)
{
    (void)state;
    for (uint64_t value = 0; value < 32; value++) {
        struct histogram histogram = {0};

        histogram_add(&histogram, value);
        assert_int_equal(histogram_percentile(&histogram, 50), value);
    }
}

static void every_value_up_to_a_hundred_days_is_off_by_at_most_6_3_percent(void **state)
{
    (void)state;
    for (unsigned power = 4; power < 43; power++) {
        static const int64_t offsets[] = {-1, 0, 1};

        for (unsigned part = 0; part < 64; part++) {
            for (unsigned i = 0; i < 3; i++) {
                struct histogram histogram = {0};
                uint64_t base = ((uint64_t)1 << power) + (((uint64_t)part << power) >> 6);
                uint64_t value = base + (uint64_t)offsets[i];

                histogram_add(&histogram, value);
                assert_near(histogram_percentile(&histogram, 50), value);
            }
        }
    }
}

static void values_beyond_the_last_bucket_count_as_the_last(void **state)
{
    struct histogram histogram = {0};

    (void)state;
    histogram_add(&histogram, UINT64_MAX / 2);
    histogram_add(&histogram, (uint64_t)1 << 43);
    assert_near(histogram_percentile(&histogram, 50), ((uint64_t)1 << 43) - 1);
    assert_int_equal(histogram.count, 2);
}

static void percentiles_are_those_of_the_sorted_values(void **state)
{
    static const unsigned percents[] = {1, 25, 50, 90, 95, 99, 100};
    struct histogram histogram = {0};

    (void)state;
    /* 1 to 100000, shuffled by a multiplier without a common factor */
    for (uint64_t i = 0; i < 100000; i++)
        histogram_add(&histogram, i * 7919 % 100000 + 1);
    for (size_t i = 0; i < sizeof percents / sizeof *percents; i++)
        assert_near(histogram_percentile(&histogram, percents[i]), percents[i] * 1000u);
    assert_int_equal(histogram_average(&histogram), 50000);
}

static void one_slow_answer_in_a_hundred_is_not_p99_but_two_are(void **state)
{
    struct histogram histogram = {0};

    (void)state;
    for (int i = 0; i < 99; i++)
        histogram_add(&histogram, 10);
    histogram_add(&histogram, 1000000);
    assert_int_equal(histogram_percentile(&histogram, 99), 10);
    assert_near(histogram_percentile(&histogram, 100), 1000000);
    histogram_add(&histogram, 1000000);
    assert_near(histogram_percentile(&histogram, 99), 1000000);
}

static void a_count_up_to_a_limit_includes_its_whole_bucket(void **state)
{
    struct histogram histogram = {0};

    (void)state;
    assert_int_equal(histogram_up_to(&histogram, UINT64_MAX), 0);
    for (uint64_t value = 1; value <= 1000; value++)
        histogram_add(&histogram, value);
    assert_int_equal(histogram_up_to(&histogram, 0), 0);
    assert_int_equal(histogram_up_to(&histogram, 10), 10);
    assert_in_range(histogram_up_to(&histogram, 500), 500, 532);
    assert_int_equal(histogram_up_to(&histogram, UINT64_MAX), 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_histogram_answers_zero),
        cmocka_unit_test(a_single_value_is_every_percentile),
        cmocka_unit_test(values_below_32_are_exact),
        cmocka_unit_test(every_value_up_to_a_hundred_days_is_off_by_at_most_6_3_percent),
        cmocka_unit_test(values_beyond_the_last_bucket_count_as_the_last),
        cmocka_unit_test(percentiles_are_those_of_the_sorted_values),
        cmocka_unit_test(one_slow_answer_in_a_hundred_is_not_p99_but_two_are),
        cmocka_unit_test(a_count_up_to_a_limit_includes_its_whole_bucket),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
