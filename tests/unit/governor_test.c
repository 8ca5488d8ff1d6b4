#include "core/http/governor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { SECOND_US = 1000000 };

/* Lets requests leave as early as the governor allows from start_us until end_us; returns how
 * many. Each leaves late_us after it could have. */
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
    /* a loop that stalls now and then, and catches up as much as is allowed */
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

static void at_most_two_leave_at_once_after_a_long_idle_time(void **state)
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
    governor.next_us = (double)now_us + 5;
    assert_int_equal(governor_allows(&governor, now_us, 4), 0);
    assert_int_equal(governor_allows(&governor, now_us, 5), 1);
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

static void the_longer_of_two_pauses_counts(void **state)
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
    assert_true(governor_rate_per_s(&governor) > 4.9249);
    assert_true(governor_rate_per_s(&governor) < 4.9251);
}

/* count requests leave and are accepted, evenly within length_us, the last at its end. */
static int64_t accept(struct governor *governor, int64_t start_us, int64_t length_us, int count)
{
    int64_t now_us = start_us;

    for (int i = 0; i < count; i++) {
        now_us = start_us + length_us * (i + 1) / count;
        governor_departed(governor, now_us);
        governor_accepted(governor, now_us, now_us);
    }
    return now_us;
}

static int64_t refuse(struct governor *governor, int64_t departed_us, int64_t wait_us,
                      int64_t now_us)
{
    return governor_refused(governor, &(struct governor_refusal){departed_us, wait_us}, 0, now_us);
}

static void assert_rate(const struct governor *governor, double per_s)
{
    assert_true(governor_rate_per_s(governor) > per_s * 0.999);
    assert_true(governor_rate_per_s(governor) < per_s * 1.001);
}

/* Learns twice, from this moment on, and then probes; what it shows after each step goes to out. */
static void learn_from(int64_t origin_us, double out[8])
{
    struct governor governor;
    int64_t now_us = origin_us;

    governor_init(&governor, 0);
    governor_departed(&governor, now_us);
    for (int i = 0; i < 4; i++) {
        now_us = accept(&governor, now_us, (i + 1) * 7 * SECOND_US, 60 + 10 * i);
        governor_departed(&governor, now_us);
        now_us += refuse(&governor, now_us, (5 + 4 * i) * SECOND_US, now_us);
        out[2 * i] = governor_rate_per_s(&governor);
        out[2 * i + 1] = (double)governor.limit.period_us + (double)governor.hold_us +
                         (double)governor_wait_us(&governor, now_us - 1000000);
        now_us += governor_wait_us(&governor, now_us);
    }
}

static void what_is_learned_does_not_depend_on_when_the_clock_began(void **state)
{
    double early[8], late[8];

    (void)state;
    learn_from(0, early);
    learn_from(INT64_C(1000000000000), late);
    for (int i = 0; i < 8; i++) {
        assert_true(early[i] > 0);
        assert_true(early[i] > late[i] * 0.9999 && early[i] < late[i] * 1.0001);
    }
}

/* A pause from which nothing was learned says nothing about the length of the window. */
static void a_pause_that_taught_nothing_is_not_a_period(void **state)
{
    struct governor governor;
    int64_t now_us;

    (void)state;
    governor_init(&governor, 0);
    now_us = accept(&governor, 0, SECOND_US, 10);
    governor_departed(&governor, now_us);
    refuse(&governor, now_us, 30LL * SECOND_US, now_us);
    assert_true(governor_learned_per_s(&governor) == 0);
    now_us = accept(&governor, 31LL * SECOND_US, SECOND_US, 100);
    governor_departed(&governor, now_us);
    refuse(&governor, now_us, SECOND_US, now_us);
    assert_true(governor_learned_per_s(&governor) > 0);
    assert_in_range(governor.limit.period_us, SECOND_US, 3 * SECOND_US);
}

static void a_429_pauses_for_its_wait_and_the_jitter_of_the_dice(void **state)
{
    struct governor governor;

    (void)state;
    governor_init(&governor, 100);
    governor_departed(&governor, 0);
    assert_int_equal(
        governor_refused(&governor, &(struct governor_refusal){0, 7 * SECOND_US}, 0.5, SECOND_US),
        7 * SECOND_US);
    assert_int_equal(governor_wait_us(&governor, SECOND_US), 7 * SECOND_US + 125000);
}

static void the_pace_becomes_97_percent_of_what_was_accepted_in_the_second_before(void **state)
{
    struct governor governor;
    int64_t now_us;

    (void)state;
    governor_init(&governor, 0);
    now_us = accept(&governor, 0, 200000, 80);
    governor_departed(&governor, now_us);
    refuse(&governor, now_us, SECOND_US, now_us);
    assert_rate(&governor, 0.97 * 80);
}

static void requests_in_flight_at_a_429_belong_to_it(void **state)
{
    struct governor governor;
    int64_t now_us;

    (void)state;
    governor_init(&governor, 0);
    now_us = accept(&governor, 0, 200000, 80);
    for (int i = 0; i < 40; i++)
        governor_departed(&governor, now_us);
    for (int i = 0; i < 20; i++)
        refuse(&governor, now_us, SECOND_US, now_us + 50000);
    assert_rate(&governor, 0.97 * 80);
    for (int i = 0; i < 20; i++)
        governor_accepted(&governor, now_us, now_us + 60000);
    assert_rate(&governor, 0.97 * 100);
    assert_int_equal(governor_wait_us(&governor, now_us + 50000), SECOND_US);
}

/* A governor that has just resumed after one window of 300 in its minute: it goes at 4.85 a second,
 * and its next window begins at *now_us. */
static void learn_300_a_minute(struct governor *governor, int64_t *now_us)
{
    governor_init(governor, 0);
    *now_us = accept(governor, 0, SECOND_US, 300);
    refuse(governor, *now_us, 59 * SECOND_US, *now_us);
    *now_us = accept(governor, 60 * SECOND_US, 2 * SECOND_US, 300);
    refuse(governor, *now_us, 58 * SECOND_US, *now_us);
    *now_us = 120 * SECOND_US;
    governor_departed(governor, *now_us);
    governor_accepted(governor, *now_us, *now_us);
}

static void a_window_of_a_minute_is_measured_over_the_minute(void **state)
{
    struct governor governor;
    int64_t now_us;

    (void)state;
    learn_300_a_minute(&governor, &now_us);
    /* the second window may have ended a second earlier, because Retry-After is rounded up */
    assert_true(governor_rate_per_s(&governor) >= 4.85);
    assert_true(governor_rate_per_s(&governor) <= 4.85 * 60 / 58.9);
}

static void the_learned_pace_holds_for_eight_periods_and_creeps_up_then(void **state)
{
    struct governor governor;
    int64_t now_us, period_us;
    double learned;

    (void)state;
    learn_300_a_minute(&governor, &now_us);
    learned = governor_rate_per_s(&governor);
    period_us = governor.limit.period_us;
    drive(&governor, now_us, now_us + 8 * period_us - SECOND_US, 0);
    assert_rate(&governor, learned);
    drive(&governor, now_us + 8 * period_us - SECOND_US, now_us + 8 * period_us + 10 * SECOND_US,
          0);
    assert_true(governor_rate_per_s(&governor) > learned * 1.019);
    assert_true(governor_rate_per_s(&governor) < learned * 1.022);
}

static void an_idle_time_does_not_raise_the_pace(void **state)
{
    struct governor governor;
    int64_t now_us;
    double learned;

    (void)state;
    learn_300_a_minute(&governor, &now_us);
    learned = governor_rate_per_s(&governor);
    governor_departed(&governor, now_us + 3600LL * SECOND_US);
    assert_rate(&governor, learned);
}

static void probing_ends_at_the_ceiling(void **state)
{
    struct governor governor;
    int64_t now_us;

    (void)state;
    governor_init(&governor, 100);
    now_us = accept(&governor, 0, SECOND_US, 98);
    refuse(&governor, now_us, SECOND_US, now_us);
    assert_rate(&governor, 0.97 * 98);
    assert_true(governor_learned_per_s(&governor) == governor_rate_per_s(&governor));
    drive(&governor, 2 * SECOND_US, 120 * SECOND_US, 0);
    assert_rate(&governor, 98.5);
    assert_true(governor_learned_per_s(&governor) == 0);
}

static void a_429_never_raises_the_pace(void **state)
{
    struct governor governor;
    int64_t now_us;

    (void)state;
    governor_init(&governor, 100);
    /* slow answers accumulate to more per second than ever left in one */
    now_us = accept(&governor, 0, 100000, 300);
    refuse(&governor, now_us, SECOND_US, now_us);
    assert_rate(&governor, 0.97 * 98.5);
}

static void few_requests_before_the_first_429_set_no_limit(void **state)
{
    struct governor governor;
    int64_t now_us;

    (void)state;
    governor_init(&governor, 5);
    now_us = accept(&governor, 0, 10 * SECOND_US, 49);
    refuse(&governor, now_us, 20 * SECOND_US, now_us);
    assert_rate(&governor, 4.925);
    /* the next window is known to be ours from its beginning */
    now_us = accept(&governor, 30 * SECOND_US, 10 * SECOND_US, 10);
    refuse(&governor, now_us, 50 * SECOND_US, now_us);
    assert_true(governor_rate_per_s(&governor) < 0.2);
}

static void nothing_accepted_after_a_pause_lengthens_it_and_learns_once(void **state)
{
    struct governor governor;
    int64_t now_us, pauses_s[] = {1, 2, 4, 8, 16, 32, 60, 60};

    (void)state;
    governor_init(&governor, 0);
    now_us = accept(&governor, 0, SECOND_US, 100);
    for (size_t i = 0; i < sizeof pauses_s / sizeof *pauses_s; i++) {
        governor_departed(&governor, now_us);
        governor_departed(&governor, now_us);
        assert_int_equal(refuse(&governor, now_us, -1, now_us), pauses_s[i] * SECOND_US);
        assert_int_equal(refuse(&governor, now_us, -1, now_us), 0);
        assert_int_equal(governor_wait_us(&governor, now_us), pauses_s[i] * SECOND_US);
        assert_rate(&governor, 97);
        now_us += pauses_s[i] * SECOND_US;
    }
    now_us = accept(&governor, now_us, SECOND_US, 1);
    governor_departed(&governor, now_us);
    assert_int_equal(refuse(&governor, now_us, -1, now_us), SECOND_US);
}

/* The first request after several pauses leaves alone; its acceptance lets the others go on, at the
 * pace from its departure on. */
static void an_acceptance_after_several_pauses_lets_the_others_go_on(void **state)
{
    struct governor governor;
    int64_t now_us, spacing_us;

    (void)state;
    governor_init(&governor, 0);
    now_us = accept(&governor, 0, SECOND_US, 100);
    for (int i = 0; i < 2; i++) {
        governor_departed(&governor, now_us);
        refuse(&governor, now_us, SECOND_US, now_us);
        now_us += 2 * SECOND_US;
    }
    governor_departed(&governor, now_us);
    assert_true(governor_wait_us(&governor, now_us) > SECOND_US / 50);
    governor_accepted(&governor, now_us, now_us + 1000);
    spacing_us = (int64_t)governor.spacing_us;
    assert_in_range(governor_wait_us(&governor, now_us + 1000), spacing_us - 1001,
                    spacing_us - 999);
}

/* After one pause it ends none that runs for another reason. */
static void an_acceptance_after_one_pause_ends_no_other_pause(void **state)
{
    struct governor governor;
    int64_t now_us;

    (void)state;
    governor_init(&governor, 0);
    now_us = accept(&governor, 0, SECOND_US, 100);
    governor_departed(&governor, now_us);
    refuse(&governor, now_us, SECOND_US, now_us);
    now_us += 2 * SECOND_US;
    governor_departed(&governor, now_us);
    governor_pause(&governor, now_us + 50000);
    governor_accepted(&governor, now_us, now_us + 1000);
    assert_int_equal(governor_wait_us(&governor, now_us + 1000), 49000);
}

static void a_wait_that_was_too_short_is_not_believed_again(void **state)
{
    struct governor governor;

    (void)state;
    governor_init(&governor, 0);
    governor_departed(&governor, 0);
    assert_int_equal(refuse(&governor, 0, 0, 0), 0);
    governor_departed(&governor, 0);
    assert_int_equal(refuse(&governor, 0, 0, 0), SECOND_US);
    governor_departed(&governor, SECOND_US);
    assert_int_equal(refuse(&governor, SECOND_US, 0, SECOND_US), 2 * SECOND_US);
    governor_departed(&governor, 3 * SECOND_US);
    assert_int_equal(refuse(&governor, 3 * SECOND_US, 9 * SECOND_US, 3 * SECOND_US), 9 * SECOND_US);
}

static void a_pause_for_another_reason_changes_no_limit(void **state)
{
    struct governor governor;
    int64_t now_us;

    (void)state;
    governor_init(&governor, 100);
    now_us = accept(&governor, 0, 10 * SECOND_US, 900);
    governor_pause(&governor, now_us + 600LL * SECOND_US);
    governor_departed(&governor, now_us + 600LL * SECOND_US);
    governor_accepted(&governor, now_us, now_us + 600LL * SECOND_US);
    assert_rate(&governor, 98.5);
    assert_int_equal(governor.accepted, 0);
}

static void a_429_from_before_a_pause_that_is_over_only_pauses(void **state)
{
    struct governor governor;
    int64_t now_us;
    double learned;

    (void)state;
    learn_300_a_minute(&governor, &now_us);
    learned = governor_rate_per_s(&governor);
    assert_int_equal(refuse(&governor, 59 * SECOND_US, 3 * SECOND_US, now_us), 3 * SECOND_US);
    assert_rate(&governor, learned);
    assert_int_equal(governor_wait_us(&governor, now_us), 3 * SECOND_US);
}

static void a_wait_of_more_than_an_hour_is_a_quota_not_a_pace(void **state)
{
    struct governor governor;
    int64_t now_us;

    (void)state;
    governor_init(&governor, 100);
    now_us = accept(&governor, 0, 10 * SECOND_US, 900);
    refuse(&governor, now_us, 3662LL * SECOND_US, now_us);
    assert_rate(&governor, 98.5);
    governor_init(&governor, 100);
    now_us = accept(&governor, 0, 10 * SECOND_US, 900);
    refuse(&governor, now_us, 3661LL * SECOND_US, now_us);
    assert_true(governor_rate_per_s(&governor) < 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rates_are_held_within_one_percent_at_985_thousandths),
        cmocka_unit_test(lateness_below_a_spacing_costs_no_throughput),
        cmocka_unit_test(no_window_of_a_second_sees_more_than_the_ceiling),
        cmocka_unit_test(at_most_two_leave_at_once_after_a_long_idle_time),
        cmocka_unit_test(allowance_counts_what_may_leave_within_a_time),
        cmocka_unit_test(without_a_rate_only_a_pause_holds_requests),
        cmocka_unit_test(the_longer_of_two_pauses_counts),
        cmocka_unit_test(nothing_is_caught_up_after_a_pause),
        cmocka_unit_test(present_rate_is_what_the_spacing_gives),
        cmocka_unit_test(a_429_pauses_for_its_wait_and_the_jitter_of_the_dice),
        cmocka_unit_test(what_is_learned_does_not_depend_on_when_the_clock_began),
        cmocka_unit_test(a_pause_that_taught_nothing_is_not_a_period),
        cmocka_unit_test(the_pace_becomes_97_percent_of_what_was_accepted_in_the_second_before),
        cmocka_unit_test(requests_in_flight_at_a_429_belong_to_it),
        cmocka_unit_test(a_window_of_a_minute_is_measured_over_the_minute),
        cmocka_unit_test(the_learned_pace_holds_for_eight_periods_and_creeps_up_then),
        cmocka_unit_test(an_idle_time_does_not_raise_the_pace),
        cmocka_unit_test(probing_ends_at_the_ceiling),
        cmocka_unit_test(a_429_never_raises_the_pace),
        cmocka_unit_test(few_requests_before_the_first_429_set_no_limit),
        cmocka_unit_test(nothing_accepted_after_a_pause_lengthens_it_and_learns_once),
        cmocka_unit_test(an_acceptance_after_several_pauses_lets_the_others_go_on),
        cmocka_unit_test(an_acceptance_after_one_pause_ends_no_other_pause),
        cmocka_unit_test(a_wait_that_was_too_short_is_not_believed_again),
        cmocka_unit_test(a_pause_for_another_reason_changes_no_limit),
        cmocka_unit_test(a_429_from_before_a_pause_that_is_over_only_pauses),
        cmocka_unit_test(a_wait_of_more_than_an_hour_is_a_quota_not_a_pace),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
