/* For how long what is known of a record counts. */
#include "core/job/freshness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

enum { DAY = 86400000, RECORDS = 10000 };

static const int64_t now_ms = INT64_C(1800000000000);

static bool counts(int64_t known_for_ms, int record, int64_t age_ms)
{
    char id[16];

    snprintf(id, sizeof id, "%d", record);
    /* always seen at the same time */
    return freshness_counts(known_for_ms, span_of("Item"), span_of(id), now_ms, now_ms + age_ms);
}

static void each_record_comes_due_between_half_of_the_time_and_all_of_it(void **state)
{
    int due[32] = {0};

    (void)state;
    for (int record = 0; record < RECORDS; record++) {
        assert_true(counts(30 * (int64_t)DAY, record, 0));
        assert_true(counts(30 * (int64_t)DAY, record, 15 * (int64_t)DAY - 1));
        assert_false(counts(30 * (int64_t)DAY, record, 30 * (int64_t)DAY + 1));
        for (int day = 1; day < 32; day++)
            due[day] += counts(30 * (int64_t)DAY, record, (day - 1) * (int64_t)DAY) &&
                        !counts(30 * (int64_t)DAY, record, day * (int64_t)DAY);
    }
    /* as many in each night: 667, with a standard deviation of 25 */
    for (int day = 16; day <= 30; day++)
        assert_in_range(due[day], 540, 790);
}

static void a_record_is_due_at_another_time_after_each_look(void **state)
{
    int differing = 0;

    (void)state;
    for (int look = 0; look < 100; look++)
        differing += freshness_counts(DAY, span_of("Item"), span_of("A"), now_ms + look,
                                      now_ms + look + DAY * 3 / 4);
    assert_in_range(differing, 20, 80);
}

static void zero_is_for_ever_and_a_time_to_come_does_not_count(void **state)
{
    (void)state;
    assert_true(counts(0, 1, 100000 * (int64_t)DAY));
    assert_false(counts(0, 1, -1));
    assert_false(counts(DAY, 1, -1));
    assert_true(counts(2, 1, 0));
    assert_false(counts(1, 1, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_record_comes_due_between_half_of_the_time_and_all_of_it),
        cmocka_unit_test(a_record_is_due_at_another_time_after_each_look),
        cmocka_unit_test(zero_is_for_ever_and_a_time_to_come_does_not_count),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
