/* The loop of a drain in simulated time: pace, pauses, clocks and signals. */
#include "tests/unit/drain_scene.h"

static void the_pace_spaces_departures(void **state)
{
    struct drain_options options = usual();

    (void)state;
    options.rate_per_s = 2;
    BATCH("a:5 b:6 c:7 d:8 e:9");
    assert_ends(&options, NULL, DRAIN_FINISHED);
    assert_string_equal(jobs(), "5 applied");
    assert_true(sent_ms(5) - sent_ms(1) >= 3 * 1000 / 2);
    assert_in_range(world.progress.rate_per_s * 100, 190, 200);
}

static void a_429_holds_all_requests_for_its_time(void **state)
{
    static const struct reply replies[] = {
        {.to = "PUT", .times = 2, .status = 429, .retry_after_s = 20}, {0}};
    struct drain_options options = usual();
    struct drain_result result;

    (void)state;
    BATCH("a:5 b:6 c:7 d:8");
    assert_true(drain(&options, replies, &result));
    assert_int_equal(result.end, DRAIN_FINISHED);
    assert_string_equal(jobs(), "4 applied");
    assert_int_equal(requests("PUT"), 6);
    /* two had left when the first answer came; then nothing, for 20 s and up to 250 ms */
    assert_int_equal(sent_ms(2), 50);
    assert_in_range(sent_ms(3), 100 + 20000, 100 + 20250);
    assert_string_equal(fixture_ask(world.fixture, "SELECT sum(attempts) FROM job"), "6");
    /* what was claimed, and has not left, is put back meanwhile */
    assert_int_equal(world.sending_in_pause, 0);
    assert_int_equal(result.run.throttled, 2);
    assert_string_equal(fixture_ask(world.fixture, "SELECT count(*) FROM pause"), "0");
    assert_non_null(strstr(buf_text(&world.said), "the API answered 429, and asks to wait"));
    assert_ptr_equal(strchr(buf_text(&world.said), '\n') + 1, /* once */
                     buf_text(&world.said) + world.said.size);
    assert_in_range(world.paused_ms, 19000, 20250);
}

static void a_wait_beyond_max_wait_parks_this_run_and_the_next(void **state)
{
    static const struct reply replies[] = {
        {.to = "PUT", .times = 1, .status = 429, .retry_after_s = 600}, {0}};
    struct drain_options options = usual();
    struct drain_result result;

    (void)state;
    options.concurrency = 1;
    BATCH("a:5 b:6");
    assert_true(drain(&options, replies, &result));
    assert_int_equal(result.end, DRAIN_PARKED);
    assert_string_equal(jobs(), "2 pending");
    assert_int_equal(result.parked_until_ms, FIXTURE_NOW_MS + 100 + 600000);
    assert_string_equal(result.reason, "the API answered 429, and asks to wait until +600.100");

    options = usual();
    assert_true(drain(&options, NULL, &result));
    assert_int_equal(result.end, DRAIN_PARKED);
    assert_string_equal(buf_text(&world.sent), "");
    assert_in_range(result.parked_until_ms, FIXTURE_NOW_MS + 600000, FIXTURE_NOW_MS + 600200);

    options = usual();
    options.max_wait_ms = 3600000;
    assert_ends(&options, NULL, DRAIN_FINISHED);
    assert_true(sent_ms(0) >= 600000);
    assert_string_equal(jobs(), "2 applied");
}

static void a_stored_pause_is_ignored_with_ignore_pause(void **state)
{
    struct drain_options options = usual();

    (void)state;
    BATCH("a:5");
    assert_true(pause_write(world.fixture->store, PAUSE_OF_API, FIXTURE_NOW_MS,
                            FIXTURE_NOW_MS + 300000, "busy", 1, &world.fixture->err));
    options.ignore_pause = true;
    assert_ends(&options, NULL, DRAIN_FINISHED);
    assert_int_equal(sent_ms(0), 0);
    assert_string_equal(buf_text(&world.said), "the pause until +300.000 is ignored: busy\n");
}

static void a_stored_pause_is_waited_for(void **state)
{
    struct drain_options options = usual();

    (void)state;
    BATCH("a:5");
    assert_true(pause_write(world.fixture->store, PAUSE_OF_API, FIXTURE_NOW_MS,
                            FIXTURE_NOW_MS + 200000, "busy", 1, &world.fixture->err));
    options.max_wait_ms = 300000;
    assert_ends(&options, NULL, DRAIN_FINISHED);
    assert_in_range(sent_ms(0), 200000, 201000);
    assert_string_equal(buf_text(&world.said), "waiting 200 s: busy (until +200.000)\n");
}

static void a_pause_of_a_clock_that_was_ahead_is_cut(void **state)
{
    struct drain_options options = usual();

    (void)state;
    BATCH("a:5");
    assert_true(pause_write(world.fixture->store, PAUSE_OF_API, FIXTURE_NOW_MS + INT64_C(864000000),
                            FIXTURE_NOW_MS + INT64_C(864030000), "busy", 1, &world.fixture->err));
    assert_ends(&options, NULL, DRAIN_FINISHED);
    assert_non_null(strstr(buf_text(&world.said), "the clock was ahead when a pause was stored"));
    assert_string_equal(jobs(), "1 applied");
}

static void a_503_with_a_time_holds_all_and_one_without_its_job(void **state)
{
    static const struct reply named[] = {
        {.to = "PUT a", .times = 1, .status = 503, .retry_after_s = 5}, {0}};
    static const struct reply unnamed[] = {{.to = "PUT c", .times = 1, .status = 503}, {0}};
    struct drain_options options = usual();

    (void)state;
    options.concurrency = 1;
    BATCH("a:5 b:6");
    assert_ends(&options, named, DRAIN_FINISHED);
    assert_string_equal(jobs(), "2 applied");
    assert_in_range(sent_ms(2), 100 + 5000, 100 + 5250); /* after the login and the first update */
    assert_int_equal(world.sending_in_pause, 0);

    world.now_us += 1000000;
    options = usual();
    options.concurrency = 1;
    BATCH("c:5 d:6");
    assert_ends(&options, unnamed, DRAIN_FINISHED);
    assert_string_equal(jobs(), "4 applied");
    assert_int_equal(sent_ms(2) - sent_ms(1), ANSWER_MS);
    assert_in_range(sent_ms(3) - sent_ms(1), 1000, 1500);
}

static void an_unreachable_api_is_tried_with_growing_pauses_and_given_up(void **state)
{
    static const struct reply never[] = {{.to = "PUT", .end = HTTP_NEVER_LEFT}, {0}};
    static const struct reply twice[] = {{.to = "PUT", .times = 2, .end = HTTP_NEVER_LEFT}, {0}};
    struct drain_options options = usual();

    (void)state;
    options.concurrency = 1;
    BATCH("a:5 b:6 c:7");
    assert_fails(&options, never, ERR_NETWORK, "cannot reach http://api: the cable was cut");
    assert_int_equal(requests("PUT"), 4);
    assert_in_range(sent_ms(2) - sent_ms(1), 1000, 1400);
    assert_in_range(sent_ms(3) - sent_ms(2), 2000, 2700);
    assert_in_range(sent_ms(4) - sent_ms(3), 4000, 5200);
    assert_string_equal(jobs(), "3 pending");
    assert_string_equal(fixture_ask(world.fixture, "SELECT sum(attempts) FROM job"), "0");

    options = usual();
    assert_ends(&options, twice, DRAIN_FINISHED);
    assert_string_equal(jobs(), "3 applied");
}

static void a_signal_settles_what_is_in_flight_and_sends_nothing_more(void **state)
{
    struct drain_options options = usual();

    (void)state;
    world.stop_us = 60000; /* two are in flight since 50 ms */
    BATCH("a:5 b:6 c:7 d:8 e:9");
    assert_ends(&options, NULL, DRAIN_STOPPED);
    assert_int_equal(requests("PUT"), 2);
    assert_string_equal(jobs(), "2 applied, 3 pending");
    assert_in_range(world.now_us, 100000, 200000);

    world.stop_us = 0;
    options = usual();
    assert_ends(&options, NULL, DRAIN_FINISHED);
    assert_string_equal(jobs(), "5 applied");
}

/* --max-time is the same to the loop as a signal, and ends waits. */
static void the_end_of_the_time_ends_a_pause(void **state)
{
    static const struct reply replies[] = {{.to = "PUT", .status = 429, .retry_after_s = 50}, {0}};
    struct drain_options options = usual();

    (void)state;
    world.stop_us = 3000000;
    BATCH("a:5 b:6 c:7");
    assert_ends(&options, replies, DRAIN_STOPPED);
    assert_string_equal(jobs(), "3 pending");
    assert_in_range(world.now_us, 3000000, 3100000);
    /* the server asked for longer: the next run waits for the rest */
    assert_string_equal(fixture_ask(world.fixture, "SELECT reason FROM pause"),
                        "the API answered 429, and asks to wait until +50.100");
    world.stop_us = 0;
    options = usual();
    assert_ends(&options, NULL, DRAIN_FINISHED);
    assert_in_range(sent_ms(0), 50000, 50400);
    assert_string_equal(jobs(), "3 applied");
}

static void a_clock_that_is_set_back_delays_no_job(void **state)
{
    static const struct reply replies[] = {{.to = "PUT a", .times = 1, .status = 408}, {0}};
    struct drain_options options = usual();

    (void)state;
    world.step_us = 500000;
    world.step_ms = -86400000;
    BATCH("a:5");
    assert_ends(&options, replies, DRAIN_FINISHED);
    assert_string_equal(jobs(), "1 applied");
    assert_true(world.now_us < 3000000);
    assert_string_equal(buf_text(&world.said),
                        "the clock was ahead when an earlier run stored times: jobs that were put "
                        "off until then are due now\n");
}

static void a_slow_pace_is_reported_once(void **state)
{
    struct drain_options options = usual();
    const char *first;

    (void)state;
    options.rate_per_s = 0.05;
    BATCH("a:5 b:6 c:7 d:8");
    assert_ends(&options, NULL, DRAIN_FINISHED);
    assert_string_equal(jobs(), "4 applied");
    first = strstr(buf_text(&world.said), "for the pace that --rate sets");
    assert_non_null(first);
    assert_null(strstr(first + 1, "for the pace"));
    assert_true(sent_ms(4) >= 40000);
}

static void a_login_that_wants_time_is_reported_with_its_end(void **state)
{
    static const struct reply replies[] = {
        {.to = "login", .times = 1, .status = 429, .retry_after_s = 30}, {0}};
    struct drain_options options = usual();

    (void)state;
    BATCH("a:5");
    assert_ends(&options, replies, DRAIN_FINISHED);
    assert_string_equal(jobs(), "1 applied");
    assert_int_equal(sent_ms(1), 50 + 30000);
    assert_non_null(strstr(buf_text(&world.said), "asking again in 30 s"));
    assert_non_null(strstr(buf_text(&world.said), "(until +30.050)"));
}

static void a_signal_while_the_login_is_asked_ends_the_run(void **state)
{
    static const struct reply replies[] = {{.to = "login", .status = 401, .latency_ms = 500}, {0}};
    struct drain_options options = usual();

    (void)state;
    world.stop_us = 100000;
    BATCH("a:5");
    assert_ends(&options, replies, DRAIN_STOPPED);
    assert_string_equal(jobs(), "1 pending");
    assert_true(world.now_us < 500000);
}

/* The login fails from the first renewal on: the run goes on while the token lives. */
static void a_renewal_can_fail_while_the_token_lives(void **state)
{
    static const struct reply replies[] = {
        {.to = "login", .times = 1}, {.to = "login", .status = 503}, {0}};
    struct drain_options options = usual();

    (void)state;
    options.rate_per_s = 0.05;
    options.max_wait_ms = 600000;
    options.concurrency = 1;
    for (int i = 0; i < 7; i++)
        BATCH("a:5 b:5 c:5 d:5 e:5 f:5 g:5 h:5 i:5 j:5 k:5 l:5 m:5 n:5 o:5 p:5 q:5 r:5 s:5 t:5");
    world.stop_us = INT64_C(3500) * 1000000;
    assert_ends(&options, replies, DRAIN_STOPPED);
    assert_true(requests("login") > 4);
    assert_non_null(strstr(buf_text(&world.said), "asking again in"));
    assert_true(requests("PUT") > 60);
}

static void the_pace_learned_from_a_429_is_reported(void **state)
{
    static const struct reply replies[] = {
        {.to = "PUT r3", .times = 1, .status = 429, .retry_after_s = 50},
        {.to = "PUT r5", .times = 1, .status = 429, .retry_after_s = 55},
        {0}};
    struct drain_options options = usual();
    struct drain_result result;

    (void)state;
    options.concurrency = 1;
    options.rate_per_s = 1;
    add_batch_of(8);
    assert_true(drain(&options, replies, &result));
    assert_int_equal(result.end, DRAIN_FINISHED);
    assert_string_equal(jobs(), "8 applied");
    assert_true(result.learned_per_s > 0 && result.learned_per_s < 0.2);
    assert_non_null(strstr(buf_text(&world.said), "for the pace that the API allows"));
}

static void a_short_pause_keeps_what_was_claimed(void **state)
{
    static const struct reply replies[] = {
        {.to = "PUT a", .times = 1, .status = 503, .retry_after_s = 1}, {0}};
    struct drain_options options = usual();

    (void)state;
    options.concurrency = 1;
    BATCH("a:5 b:6 c:7");
    assert_ends(&options, replies, DRAIN_FINISHED);
    assert_string_equal(jobs(), "3 applied");
    assert_int_equal(world.sending_in_pause, 2);
}

static void an_outcome_is_written_while_other_answers_are_awaited(void **state)
{
    static const struct reply replies[] = {{.to = "PUT b", .latency_ms = 5000}, {0}};
    struct drain_options options = usual();

    (void)state;
    BATCH("a:5 b:6");
    assert_ends(&options, replies, DRAIN_FINISHED);
    assert_in_range(world.settled_us, 100000, 1200000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_TIME(the_pace_spaces_departures),
        IN_TIME(a_429_holds_all_requests_for_its_time),
        IN_TIME(a_wait_beyond_max_wait_parks_this_run_and_the_next),
        IN_TIME(a_stored_pause_is_ignored_with_ignore_pause),
        IN_TIME(a_stored_pause_is_waited_for),
        IN_TIME(a_pause_of_a_clock_that_was_ahead_is_cut),
        IN_TIME(a_503_with_a_time_holds_all_and_one_without_its_job),
        IN_TIME(an_unreachable_api_is_tried_with_growing_pauses_and_given_up),
        IN_TIME(a_signal_settles_what_is_in_flight_and_sends_nothing_more),
        IN_TIME(the_end_of_the_time_ends_a_pause),
        IN_TIME(a_clock_that_is_set_back_delays_no_job),
        IN_TIME(a_slow_pace_is_reported_once),
        IN_TIME(a_login_that_wants_time_is_reported_with_its_end),
        IN_TIME(a_signal_while_the_login_is_asked_ends_the_run),
        IN_TIME(a_renewal_can_fail_while_the_token_lives),
        IN_TIME(the_pace_learned_from_a_429_is_reported),
        IN_TIME(a_short_pause_keeps_what_was_claimed),
        IN_TIME(an_outcome_is_written_while_other_answers_are_awaited),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
