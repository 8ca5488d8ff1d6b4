/* The governor against servers with limits of several kinds, each scenario twenty times with the
 * server's windows at other places. */
#include "tests/unit/governor_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void check(const char *name, const struct scenario *scenario, const struct bounds *bounds)
{
    struct outcome outcome = play_all(scenario);

    assert_true(holds(name, &outcome, bounds));
}

static void a_constant_limit_under_the_same_ceiling_is_used_and_never_touched(void **state)
{
    (void)state;
    check("100/s, rate 100/s",
          &(struct scenario){.rate_per_s = 100,
                             .concurrency = 64,
                             .latency_ms = 50,
                             .duration_s = 60,
                             .limit = 100,
                             .window_s = 1},
          &(struct bounds){0.97, 0.98, 1, 0, 0});
    check("300/m, rate 300/m",
          &(struct scenario){.rate_per_s = 5,
                             .concurrency = 8,
                             .latency_ms = 50,
                             .duration_s = 3600,
                             .limit = 300,
                             .window_s = 60},
          &(struct bounds){0.97, 0.98, 1, 0, 0});
}

static void a_constant_limit_is_found_without_a_ceiling(void **state)
{
    (void)state;
    check("100/s, rate none",
          &(struct scenario){
              .concurrency = 64, .latency_ms = 50, .duration_s = 120, .limit = 100, .window_s = 1},
          &(struct bounds){0.90, 0.93, 0.96, 0.005, 0.007});
    check("100/s, rate none, 8 at a time",
          &(struct scenario){
              .concurrency = 8, .latency_ms = 5, .duration_s = 120, .limit = 100, .window_s = 1},
          &(struct bounds){0.90, 0.93, 0.96, 0.005, 0.007});
    check("20/s, rate none",
          &(struct scenario){
              .concurrency = 8, .latency_ms = 5, .duration_s = 300, .limit = 20, .window_s = 1},
          &(struct bounds){0.90, 0.93, 0.97, 0.005, 0.007});
}

static void a_limit_halved_midway_is_followed(void **state)
{
    (void)state;
    check("100/s then 50/s, rate 100/s",
          &(struct scenario){.rate_per_s = 100,
                             .concurrency = 64,
                             .latency_ms = 50,
                             .duration_s = 600,
                             .limit = 100,
                             .window_s = 1,
                             .limit_later = 50},
          &(struct bounds){0.94, 0.95, 1, 0.003, 0.005});
    check("100/s then 50/s, rate none",
          &(struct scenario){.concurrency = 64,
                             .latency_ms = 50,
                             .duration_s = 600,
                             .limit = 100,
                             .window_s = 1,
                             .limit_later = 50},
          &(struct bounds){0.91, 0.93, 0.96, 0.004, 0.006});
    check("300/m then 150/m, rate 300/m",
          &(struct scenario){.rate_per_s = 5,
                             .concurrency = 8,
                             .latency_ms = 50,
                             .duration_s = 7200,
                             .limit = 300,
                             .window_s = 60,
                             .limit_later = 150},
          &(struct bounds){0.96, 0.97, 1, 0.001, 0.002});
}

static void a_limit_a_minute_with_the_wait_rounded_up_is_found(void **state)
{
    (void)state;
    check(
        "300/m, rate none",
        &(struct scenario){
            .concurrency = 64, .latency_ms = 50, .duration_s = 3600, .limit = 300, .window_s = 60},
        &(struct bounds){0.96, 0.97, 1.02, 0.005, 0.006});
    check("300/m, rate 600/m",
          &(struct scenario){.rate_per_s = 10,
                             .concurrency = 8,
                             .latency_ms = 50,
                             .duration_s = 3600,
                             .limit = 300,
                             .window_s = 60},
          &(struct bounds){0.96, 0.97, 1.02, 0.001, 0.002});
    check(
        "1000 in 10 s, rate none",
        &(struct scenario){
            .concurrency = 64, .latency_ms = 50, .duration_s = 600, .limit = 1000, .window_s = 10},
        &(struct bounds){0.95, 0.97, 1.02, 0.003, 0.004});
}

static void without_a_header_the_window_is_felt_out(void **state)
{
    (void)state;
    check("100/s, no time named",
          &(struct scenario){.concurrency = 64,
                             .latency_ms = 50,
                             .duration_s = 120,
                             .telling = NOTHING,
                             .limit = 100,
                             .window_s = 1},
          &(struct bounds){0.90, 0.93, 0.96, 0.005, 0.007});
    check("300/m, no time named",
          &(struct scenario){.concurrency = 8,
                             .latency_ms = 50,
                             .duration_s = 3600,
                             .telling = NOTHING,
                             .limit = 300,
                             .window_s = 60},
          &(struct bounds){0.86, 0.88, 1, 0.005, 0.006});
}

static void a_date_serves_as_well_as_seconds(void **state)
{
    (void)state;
    check("100/s, a date",
          &(struct scenario){.concurrency = 64,
                             .latency_ms = 50,
                             .duration_s = 120,
                             .telling = DATE,
                             .limit = 100,
                             .window_s = 1},
          &(struct bounds){0.90, 0.93, 0.96, 0.005, 0.007});
    check("300/m, a date",
          &(struct scenario){.concurrency = 8,
                             .latency_ms = 50,
                             .duration_s = 3600,
                             .telling = DATE,
                             .limit = 300,
                             .window_s = 60},
          &(struct bounds){0.96, 0.97, 1.02, 0.002, 0.003});
}

static void limits_that_slide_or_refill_are_found_too(void **state)
{
    (void)state;
    check("100 in any second",
          &(struct scenario){.concurrency = 64,
                             .latency_ms = 50,
                             .duration_s = 300,
                             .counting = SLIDING_LOG,
                             .limit = 100,
                             .window_s = 1},
          &(struct bounds){0.92, 0.93, 0.96, 0.003, 0.004});
    check("300 in any minute",
          &(struct scenario){.concurrency = 64,
                             .latency_ms = 50,
                             .duration_s = 3600,
                             .counting = SLIDING_LOG,
                             .limit = 300,
                             .window_s = 60},
          &(struct bounds){0.96, 0.97, 1, 0.005, 0.006});
    check("a bucket of 100 that refills at 100/s",
          &(struct scenario){.concurrency = 64,
                             .latency_ms = 50,
                             .duration_s = 300,
                             .counting = TOKEN_BUCKET,
                             .limit = 100,
                             .window_s = 1},
          &(struct bounds){0.96, 0.98, 1.01, 0.003, 0.004});
}

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

static void a_daily_limit_is_waited_out_and_is_no_pace(void **state)
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

static void an_outage_of_ten_minutes_costs_ten_minutes_and_teaches_nothing(void **state)
{
    static const double rates[] = {0, 100};

    (void)state;
    for (unsigned i = 0; i < sizeof rates / sizeof *rates; i++)
        check("100/s, ten minutes out of an hour",
              &(struct scenario){.rate_per_s = rates[i],
                                 .concurrency = 64,
                                 .latency_ms = 50,
                                 .duration_s = 3600,
                                 .limit = 100,
                                 .window_s = 1,
                                 .outage_from_s = 1200,
                                 .outage_length_s = 600},
              &(struct bounds){rates[i] > 0 ? 0.97 : 0.92, rates[i] > 0 ? 0.97 : 0.93, 1, 0.001,
                               0.001});
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
        cmocka_unit_test(without_a_header_the_window_is_felt_out),
        cmocka_unit_test(a_date_serves_as_well_as_seconds),
        cmocka_unit_test(limits_that_slide_or_refill_are_found_too),
        cmocka_unit_test(a_daily_limit_ends_an_impatient_run_at_the_first_429s),
        cmocka_unit_test(a_daily_limit_is_waited_out_and_is_no_pace),
        cmocka_unit_test(an_outage_of_ten_minutes_costs_ten_minutes_and_teaches_nothing),
        cmocka_unit_test(an_outage_sees_few_requests),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
