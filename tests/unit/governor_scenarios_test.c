/* The governor against servers with limits of several kinds; each scenario twenty times, with the
 * windows of the server beginning at other moments. */
#include "tests/unit/governor_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* Scenarios and their bounds. */
struct trial {
    const char *name;
    struct scenario scenario;
    struct bounds bounds;
};

static void play_trials(const struct trial *trials, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct outcome outcome = play_all(&trials[i].scenario);

        assert_true(holds(trials[i].name, &outcome, &trials[i].bounds));
    }
}

#define PLAY(trials) play_trials(trials, sizeof(trials) / sizeof *(trials))

/* A scenario: rate, requests at a time, latency in ms, duration in s, how the server counts, how it
 * gives the wait, its limit, the window in s, the limit later, an outage (from, for that long),
 * patience, and the value of a constant Retry-After. Its bounds: used at least, on average at
 * least, at most; refused on average, at most. */
/* clang-format off */

static void a_constant_limit_under_the_same_ceiling_is_used_and_never_touched(void **state)
{
    static const struct trial trials[] = {
        {"100/s, rate 100/s",
            {100, 64, 50, 60, FIXED_WINDOWS, WHOLE_SECONDS, 100, 1, 0, 0, 0, 0, 0}, {0.97, 0.98, 1, 0, 0}},
        {"300/m, rate 300/m",
            {5, 8, 50, 3600, FIXED_WINDOWS, WHOLE_SECONDS, 300, 60, 0, 0, 0, 0, 0}, {0.97, 0.98, 1, 0, 0}},
    };

    (void)state;
    PLAY(trials);
}

static void a_constant_limit_is_found_without_a_ceiling(void **state)
{
    static const struct trial trials[] = {
        {"100/s, rate none",
            {0, 64, 50, 120, FIXED_WINDOWS, WHOLE_SECONDS, 100, 1, 0, 0, 0, 0, 0}, {0.90, 0.93, 0.96, 0.005, 0.007}},
        {"100/s, rate none, 8 at a time",
            {0, 8, 5, 120, FIXED_WINDOWS, WHOLE_SECONDS, 100, 1, 0, 0, 0, 0, 0}, {0.90, 0.93, 0.96, 0.005, 0.007}},
        {"20/s, rate none",
            {0, 8, 5, 300, FIXED_WINDOWS, WHOLE_SECONDS, 20, 1, 0, 0, 0, 0, 0}, {0.90, 0.93, 0.97, 0.005, 0.007}},
    };

    (void)state;
    PLAY(trials);
}

static void a_limit_halved_midway_is_followed(void **state)
{
    static const struct trial trials[] = {
        {"100/s then 50/s, rate 100/s",
            {100, 64, 50, 600, FIXED_WINDOWS, WHOLE_SECONDS, 100, 1, 50, 0, 0, 0, 0}, {0.94, 0.95, 1, 0.003, 0.005}},
        {"100/s then 50/s, rate none",
            {0, 64, 50, 600, FIXED_WINDOWS, WHOLE_SECONDS, 100, 1, 50, 0, 0, 0, 0}, {0.94, 0.95, 0.97, 0.004, 0.006}},
        {"300/m then 150/m, rate 300/m",
            {5, 8, 50, 7200, FIXED_WINDOWS, WHOLE_SECONDS, 300, 60, 150, 0, 0, 0, 0}, {0.96, 0.97, 1, 0.001, 0.002}},
    };

    (void)state;
    PLAY(trials);
}

static void a_limit_a_minute_with_the_wait_rounded_up_is_found(void **state)
{
    static const struct trial trials[] = {
        {"300/m, rate none",
            {0, 64, 50, 3600, FIXED_WINDOWS, WHOLE_SECONDS, 300, 60, 0, 0, 0, 0, 0}, {0.96, 0.97, 1.02, 0.005, 0.006}},
        {"300/m, rate 600/m",
            {10, 8, 50, 3600, FIXED_WINDOWS, WHOLE_SECONDS, 300, 60, 0, 0, 0, 0, 0}, {0.96, 0.97, 1.02, 0.001, 0.002}},
        {"1000 in 10 s, rate none",
            {0, 64, 50, 600, FIXED_WINDOWS, WHOLE_SECONDS, 1000, 10, 0, 0, 0, 0, 0}, {0.94, 0.97, 1.02, 0.003, 0.004}},
    };

    (void)state;
    PLAY(trials);
}

static void without_a_header_the_window_is_explored(void **state)
{
    static const struct trial trials[] = {
        {"100/s, no time named",
            {0, 64, 50, 120, FIXED_WINDOWS, NOTHING, 100, 1, 0, 0, 0, 0, 0}, {0.90, 0.93, 0.96, 0.005, 0.007}},
        {"300/m, no time named",
            {0, 8, 50, 3600, FIXED_WINDOWS, NOTHING, 300, 60, 0, 0, 0, 0, 0}, {0.95, 0.97, 1.02, 0.005, 0.006}},
    };

    (void)state;
    PLAY(trials);
}

/* 200 a minute over ten minutes, from the first request on. A run below 85% has lost the rest in
 * pauses of a minute that do not end with a window, because its first window began unseen. */
static void a_wait_that_is_always_the_same_is_kept_but_not_taken_for_the_window(void **state)
{
    static const struct trial trials[] = {
        {"200/m, always 60, rate none",
            {0, 8, 50, 600, FIXED_WINDOWS, CONSTANT, 200, 60, 0, 0, 0, 0, 60}, {0.85, 0.88, 1.1, 0.03, 0.03}},
        {"200/m, always 61, rate none",
            {0, 8, 50, 600, FIXED_WINDOWS, CONSTANT, 200, 60, 0, 0, 0, 0, 61}, {0.85, 0.88, 1.1, 0.03, 0.03}},
        {"200/m, always 30, rate none",
            {0, 8, 50, 600, FIXED_WINDOWS, CONSTANT, 200, 60, 0, 0, 0, 0, 30}, {0.84, 0.93, 1.1, 0.01, 0.01}},
        {"200/m, always 5, rate none",
            {0, 8, 50, 600, FIXED_WINDOWS, CONSTANT, 200, 60, 0, 0, 0, 0, 5}, {0.85, 0.88, 1.1, 0.04, 0.05}},
        {"200/m, always 3, rate none",
            {0, 8, 50, 600, FIXED_WINDOWS, CONSTANT, 200, 60, 0, 0, 0, 0, 3}, {0.85, 0.88, 1.1, 0.04, 0.05}},
        {"200/m, always 2, rate none",
            {0, 8, 50, 600, FIXED_WINDOWS, CONSTANT, 200, 60, 0, 0, 0, 0, 2}, {0.83, 0.95, 1.1, 0.03, 0.03}},
        {"200/m, no time named, rate none",
            {0, 8, 50, 600, FIXED_WINDOWS, NOTHING, 200, 60, 0, 0, 0, 0, 0}, {0.83, 0.95, 1.1, 0.03, 0.03}},
        {"200/m, a date, rate none",
            {0, 8, 50, 600, FIXED_WINDOWS, DATE, 200, 60, 0, 0, 0, 0, 0}, {0.85, 0.88, 1.1, 0.03, 0.03}},
        {"200/m, then 100/m, rate none",
            {0, 8, 50, 600, FIXED_WINDOWS, WHOLE_SECONDS, 200, 60, 100, 0, 0, 0, 0}, {0.95, 1, 1.15, 0.01, 0.02}},
        {"200/m, always 60, rate 300/m",
            {5, 8, 50, 600, FIXED_WINDOWS, CONSTANT, 200, 60, 0, 0, 0, 0, 60}, {0.85, 0.86, 1, 0.002, 0.002}},
        {"200/m, always 61, rate 300/m",
            {5, 8, 50, 600, FIXED_WINDOWS, CONSTANT, 200, 60, 0, 0, 0, 0, 61}, {0.85, 0.86, 1, 0.002, 0.002}},
        {"200/m, always 30, rate 300/m",
            {5, 8, 50, 600, FIXED_WINDOWS, CONSTANT, 200, 60, 0, 0, 0, 0, 30}, {0.82, 0.91, 1, 0.002, 0.002}},
        {"200/m, always 5, rate 300/m",
            {5, 8, 50, 600, FIXED_WINDOWS, CONSTANT, 200, 60, 0, 0, 0, 0, 5}, {0.85, 0.88, 1.1, 0.03, 0.03}},
        {"200/m, always 3, rate 300/m",
            {5, 8, 50, 600, FIXED_WINDOWS, CONSTANT, 200, 60, 0, 0, 0, 0, 3}, {0.85, 0.88, 1.1, 0.03, 0.03}},
        {"200/m, always 2, rate 300/m",
            {5, 8, 50, 600, FIXED_WINDOWS, CONSTANT, 200, 60, 0, 0, 0, 0, 2}, {0.85, 0.88, 1.1, 0.03, 0.03}},
        {"200/m, no time named, rate 300/m",
            {5, 8, 50, 600, FIXED_WINDOWS, NOTHING, 200, 60, 0, 0, 0, 0, 0}, {0.85, 0.88, 1.1, 0.03, 0.03}},
        {"200/m, a date, rate 300/m",
            {5, 8, 50, 600, FIXED_WINDOWS, DATE, 200, 60, 0, 0, 0, 0, 0}, {0.85, 0.88, 1.1, 0.03, 0.03}},
        {"200/m, then 100/m, rate 300/m",
            {5, 8, 50, 600, FIXED_WINDOWS, WHOLE_SECONDS, 200, 60, 100, 0, 0, 0, 0}, {0.85, 0.88, 1.1, 0.03, 0.03}},
        {"200/m, then 100/m, always 60, rate none",
            {0, 8, 50, 600, FIXED_WINDOWS, CONSTANT, 200, 60, 100, 0, 0, 0, 60}, {0.85, 0.87, 1, 0.01, 0.01}},
        /* two pauses of a minute, which the server asks for, alone are a fifth of these windows */
        {"200/m, then 100/m, always 60, rate 300/m",
            {5, 8, 50, 600, FIXED_WINDOWS, CONSTANT, 200, 60, 100, 0, 0, 0, 60}, {0.7, 0.79, 1, 0.01, 0.01}},
        {"50 in 1 s, always 60, rate none",
            {0, 64, 50, 36000, FIXED_WINDOWS, CONSTANT, 50, 1, 0, 0, 0, 0, 60}, {0.85, 0.85, 1, 0.03, 0.03}},
    };

    (void)state;
    PLAY(trials);
}

static void a_date_works_as_well_as_seconds(void **state)
{
    static const struct trial trials[] = {
        {"100/s, a date",
            {0, 64, 50, 120, FIXED_WINDOWS, DATE, 100, 1, 0, 0, 0, 0, 0}, {0.90, 0.93, 0.96, 0.005, 0.007}},
        {"300/m, a date",
            {0, 8, 50, 3600, FIXED_WINDOWS, DATE, 300, 60, 0, 0, 0, 0, 0}, {0.96, 0.97, 1.02, 0.002, 0.003}},
    };

    (void)state;
    PLAY(trials);
}

static void limits_that_slide_or_refill_are_found_too(void **state)
{
    static const struct trial trials[] = {
        {"100 in any second",
            {0, 64, 50, 300, SLIDING_LOG, WHOLE_SECONDS, 100, 1, 0, 0, 0, 0, 0}, {0.92, 0.93, 0.96, 0.003, 0.004}},
        {"300 in any minute",
            {0, 64, 50, 3600, SLIDING_LOG, WHOLE_SECONDS, 300, 60, 0, 0, 0, 0, 0}, {0.96, 0.97, 1, 0.005, 0.006}},
        {"a bucket of 100 that refills at 100/s",
            {0, 64, 50, 300, TOKEN_BUCKET, WHOLE_SECONDS, 100, 1, 0, 0, 0, 0, 0}, {0.96, 0.98, 1.01, 0.003, 0.004}},
    };

    (void)state;
    PLAY(trials);
}

static void an_outage_of_ten_minutes_costs_ten_minutes_and_changes_no_limit(void **state)
{
    static const struct trial trials[] = {
        {"100/s, ten minutes out of an hour, rate none",
            {0, 64, 50, 3600, FIXED_WINDOWS, WHOLE_SECONDS, 100, 1, 0, 1200, 600, 0, 0}, {0.92, 0.93, 1, 0.001, 0.001}},
        {"100/s, ten minutes out of an hour, rate 100/s",
            {100, 64, 50, 3600, FIXED_WINDOWS, WHOLE_SECONDS, 100, 1, 0, 1200, 600, 0, 0}, {0.97, 0.97, 1, 0.001, 0.001}},
    };

    (void)state;
    PLAY(trials);
}

/* Every step of a history shows in what comes after it: exact counts of requests, and the paces at
 * the end. Whoever changes what the governor learns writes them again. */
static void a_history_goes_as_it_went(void **state)
{
    static const struct {
        struct scenario scenario;
        const char *end; /* sent, accepted, refused, requests a second, period of the limit */
    } histories[] = {
        {{0, 64, 50, 120, FIXED_WINDOWS, WHOLE_SECONDS, 100, 1, 0, 0, 0, 0, 0}, "11563 11511 52 100.1535 1.225"},
        {{0, 64, 50, 600, FIXED_WINDOWS, WHOLE_SECONDS, 100, 1, 50, 0, 0, 0, 0}, "43184 43105 79 48.5596 2.451"},
        {{5, 8, 50, 3600, FIXED_WINDOWS, WHOLE_SECONDS, 300, 60, 150, 0, 0, 0, 0}, "13280 13276 4 2.4686 58.801"},
        {{0, 64, 50, 600, FIXED_WINDOWS, WHOLE_SECONDS, 1000, 10, 0, 0, 0, 0, 0}, "59848 59755 93 99.7525 9.240"},
        {{0, 64, 50, 120, FIXED_WINDOWS, NOTHING, 100, 1, 0, 0, 0, 0, 0}, "11448 11395 53 97.1903 1.156"},
        {{0, 8, 50, 900, FIXED_WINDOWS, NOTHING, 300, 60, 0, 0, 0, 0, 0}, "4423 4379 44 4.9287 93.090"},
        {{0, 8, 50, 600, FIXED_WINDOWS, CONSTANT, 200, 60, 0, 0, 0, 0, 60}, "1953 1945 8 4.3718 60.369"},
        {{0, 8, 50, 600, FIXED_WINDOWS, CONSTANT, 200, 60, 100, 0, 0, 0, 30}, "1379 1366 13 1.5965 119.037"},
        {{5, 8, 50, 600, FIXED_WINDOWS, CONSTANT, 200, 60, 0, 0, 0, 0, 2}, "2025 2011 14 3.2383 29.397"},
        {{0, 64, 50, 120, FIXED_WINDOWS, DATE, 100, 1, 200, 0, 0, 0, 0}, "13882 13802 80 199.0384 1.248"},
        {{0, 64, 50, 300, SLIDING_LOG, WHOLE_SECONDS, 100, 1, 150, 0, 0, 0, 0}, "31499 31439 60 143.3902 2.507"},
        {{0, 64, 50, 300, TOKEN_BUCKET, WHOLE_SECONDS, 100, 1, 60, 0, 0, 0, 0}, "23856 23795 61 59.8448 7.219"},
        {{0, 64, 50, 900, TOKEN_BUCKET, CONSTANT, 300, 60, 0, 0, 0, 0, 20}, "4852 4787 65 5.2873 167.324"},
        {{100, 64, 50, 900, FIXED_WINDOWS, WHOLE_SECONDS, 100, 1, 0, 300, 200, 0, 0}, "67936 67896 0 98.5000 0.000"},
    };
    char end[128];
    struct play play;

    (void)state;
    for (size_t i = 0; i < sizeof histories / sizeof *histories; i++) {
        play_once(&play, &histories[i].scenario, 0.3);
        snprintf(end, sizeof end, "%llu %llu %llu %.4f %.3f", (unsigned long long)play.sent,
                 (unsigned long long)play.accepted, (unsigned long long)play.refused,
                 governor_rate_per_s(&play.governor),
                 (double)play.governor.limit.period_us / SECOND_US);
        assert_string_equal(end, histories[i].end);
    }
}

/* clang-format on */

static void a_daily_limit_ends_an_impatient_run_at_the_first_429s(void **state)
{
    const struct scenario scenario = {.concurrency = 16,
                                      .latency_ms = 50,
                                      .duration_s = 86400,
                                      .limit = 20000,
                                      .window_s = 86400,
                                      .patience_s = 900};

    (void)state;
    for (int run = 0; run < RUNS; run++) {
        struct play play;

        play_once(&play, &scenario, run / (RUNS + 1.0));
        assert_true(play.parked_us > 3600LL * SECOND_US);
        assert_int_equal(play.accepted, 20000);
        assert_in_range(play.refused, 1, 16);
    }
}

static void a_daily_limit_is_waited_out_and_does_not_set_the_pace(void **state)
{
    const struct scenario scenario = {.concurrency = 16,
                                      .latency_ms = 50,
                                      .duration_s = 86400,
                                      .limit = 20000,
                                      .window_s = 86400};

    (void)state;
    for (int run = 0; run < RUNS; run++) {
        struct play play;

        play_once(&play, &scenario, 0.1 + 0.75 * run / RUNS);
        assert_int_equal(play.accepted, 40000);
        assert_in_range(play.refused, 2, 32);
        assert_true(governor_rate_per_s(&play.governor) == 0);
    }
}

static void an_outage_sees_few_requests(void **state)
{
    const struct scenario scenario = {.rate_per_s = 100,
                                      .concurrency = 64,
                                      .latency_ms = 50,
                                      .duration_s = 3600,
                                      .limit = 100,
                                      .window_s = 1,
                                      .outage_from_s = 1200,
                                      .outage_length_s = 600};
    struct play play;

    (void)state;
    play_once(&play, &scenario, 0.3);
    /* one pause of 30 s after another, each begun by what is in flight at 100/s and 50 ms */
    assert_in_range(play.unavailable, 19, 21 * 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_constant_limit_under_the_same_ceiling_is_used_and_never_touched),
        cmocka_unit_test(a_constant_limit_is_found_without_a_ceiling),
        cmocka_unit_test(a_limit_halved_midway_is_followed),
        cmocka_unit_test(a_limit_a_minute_with_the_wait_rounded_up_is_found),
        cmocka_unit_test(without_a_header_the_window_is_explored),
        cmocka_unit_test(a_wait_that_is_always_the_same_is_kept_but_not_taken_for_the_window),
        cmocka_unit_test(a_date_works_as_well_as_seconds),
        cmocka_unit_test(limits_that_slide_or_refill_are_found_too),
        cmocka_unit_test(a_daily_limit_ends_an_impatient_run_at_the_first_429s),
        cmocka_unit_test(a_daily_limit_is_waited_out_and_does_not_set_the_pace),
        cmocka_unit_test(an_outage_of_ten_minutes_costs_ten_minutes_and_changes_no_limit),
        cmocka_unit_test(an_outage_sees_few_requests),
        cmocka_unit_test(a_history_goes_as_it_went),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
