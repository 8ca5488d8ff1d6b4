#include "core/drain/rounds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { MAX_JOBS = 20000, IDS = 25, IN_FLIGHT = 8, NEVER = INT32_MAX };

/* An audit in simulated time: jobs are applied one after the other before it begins, and the log
 * shows each of them after its own lag. Requests take 5 ms, and IN_FLIGHT leave at once. */
struct world {
    unsigned jobs;
    int64_t applied_ms[MAX_JOBS], shown_ms[MAX_JOBS];
    bool found[MAX_JOBS], missing[MAX_JOBS];
    int64_t now_ms;
    unsigned endless; /* so many requests have pages that never end, from the first one on */
    bool left_out[MAX_JOBS];
    unsigned requests, rounds, failing; /* failing: so many requests fail from the first one on */
    bool denied;                        /* ... with an answer that fewer ids may help */
    unsigned fewest_ids;
};

static struct world world;

static void begin(unsigned jobs, int64_t apart_us, int64_t lag_ms)
{
    world = (struct world){.jobs = jobs, .now_ms = 1000000, .fewest_ids = IDS};
    for (unsigned i = 0; i < jobs; i++) {
        world.applied_ms[i] = world.now_ms - (int64_t)(jobs - 1 - i) * apart_us / 1000;
        world.shown_ms[i] = world.applied_ms[i] + lag_ms;
    }
}

/* One request for up to `ids` jobs from *next on; asked: when it leaves. */
static void ask(struct rounds *rounds, unsigned *next, int64_t asked_ms)
{
    unsigned batch[IDS], count = 0, absent = 0;
    int64_t oldest_ms = 0;

    for (; *next < world.jobs && count < rounds->ids; (*next)++)
        if (!world.found[*next] && !world.missing[*next] && !world.left_out[*next] &&
            !rounds_skips(rounds, asked_ms - world.applied_ms[*next]))
            batch[count++] = *next;
    if (!count)
        return;
    world.requests++;
    world.fewest_ids = rounds->ids < world.fewest_ids ? rounds->ids : world.fewest_ids;
    if (world.failing) {
        world.failing--;
        rounds_note_failure(rounds, count, world.denied);
        return;
    }
    if (world.endless) {
        world.endless--;
        for (unsigned i = 0; i < count; i++)
            world.left_out[batch[i]] = true;
        rounds_note_endless(rounds);
        return;
    }
    for (unsigned i = 0; i < count; i++) {
        int64_t age_ms = asked_ms - world.applied_ms[batch[i]];

        world.found[batch[i]] = world.shown_ms[batch[i]] <= asked_ms;
        if (world.found[batch[i]])
            continue;
        absent++;
        oldest_ms = age_ms > oldest_ms ? age_ms : oldest_ms;
        world.missing[batch[i]] = rounds_is_missing(rounds, age_ms);
    }
    rounds_note_answer(rounds, count, absent, oldest_ms);
}

static enum rounds_end run(int64_t audit_wait_ms, unsigned max_retries)
{
    enum rounds_end end = ROUNDS_AGAIN;
    struct rounds rounds;

    rounds_init(&rounds, audit_wait_ms, IDS, max_retries);
    while (end == ROUNDS_AGAIN) {
        unsigned next = 0;
        int64_t wait_ms;

        rounds_begin(&rounds);
        world.rounds++;
        while (next < world.jobs && !rounds_is_hopeless(&rounds)) {
            int64_t asked_ms = world.now_ms;

            /* what is learned from one of them comes too late for the others */
            for (unsigned i = 0; i < IN_FLIGHT; i++)
                ask(&rounds, &next, asked_ms);
            world.now_ms += 5;
        }
        end = rounds_end(&rounds, 0.5, &wait_ms);
        assert_in_range(wait_ms, 1, 40000);
        world.now_ms += wait_ms;
        assert_true(world.rounds < 1000);
    }
    return end;
}

static unsigned count(const bool *flags)
{
    unsigned n = 0;

    for (unsigned i = 0; i < world.jobs; i++)
        n += flags[i];
    return n;
}

static void a_log_that_does_not_lag_takes_one_round(void **state)
{
    (void)state;
    begin(1000, 1000, 0);
    assert_int_equal(run(60000, 3), ROUNDS_DONE);
    assert_int_equal(world.rounds, 1);
    assert_int_equal(world.requests, 40);
}

static void no_jobs_take_no_request(void **state)
{
    (void)state;
    begin(0, 0, 0);
    assert_int_equal(run(60000, 3), ROUNDS_DONE);
    assert_int_equal(world.requests, 0);
}

/* However fast they were applied, and however long the log lags, it costs few requests more. */
static void a_log_that_lags_costs_few_requests(void **state)
{
    (void)state;
    for (int64_t apart_us = 50; apart_us <= 5000; apart_us *= 10)
        for (int64_t lag_ms = 100; lag_ms <= 20000; lag_ms *= 2) {
            begin(MAX_JOBS, apart_us, lag_ms);
            assert_int_equal(run(60000, 3), ROUNDS_DONE);
            assert_int_equal(count(world.found), MAX_JOBS);
            assert_in_range(world.requests, MAX_JOBS / IDS, MAX_JOBS / IDS + 100);
            assert_in_range(world.now_ms, 1000000, 1000000 + 3 * lag_ms + 5000);
        }
}

/* Each is asked for until its own time is over, in a few rounds. */
static void an_entry_that_never_comes_is_missing_when_its_time_is_over(void **state)
{
    (void)state;
    begin(1000, 1000, 0);
    for (unsigned i = 0; i < 1000; i += 10)
        world.shown_ms[i] = world.now_ms + NEVER;
    assert_int_equal(run(60000, 3), ROUNDS_DONE);
    assert_int_equal(count(world.found), 900);
    assert_int_equal(count(world.missing), 100);
    assert_in_range(world.now_ms, 1000000 + 60000, 1000000 + 61000);
    assert_in_range(world.rounds, 5, 12);
    assert_in_range(world.requests, 44, 90);
}

static void an_old_job_that_is_not_in_the_log_is_missing_at_once(void **state)
{
    (void)state;
    begin(100, 0, NEVER);
    world.now_ms += 3600000;
    assert_int_equal(run(60000, 3), ROUNDS_DONE);
    assert_int_equal(count(world.missing), 100);
    assert_int_equal(world.rounds, 1);
}

static void without_a_wait_the_first_look_decides(void **state)
{
    (void)state;
    begin(100, 0, 10);
    assert_int_equal(run(0, 3), ROUNDS_DONE);
    assert_int_equal(count(world.missing), 100);
    assert_int_equal(world.requests, 4);
}

static void a_log_that_fails_for_a_while_is_asked_again(void **state)
{
    (void)state;
    begin(1000, 0, 0);
    world.failing = 30;
    assert_int_equal(run(60000, 3), ROUNDS_DONE);
    assert_int_equal(count(world.found), 1000);
    assert_int_equal(world.requests, 30 + 40);
    assert_int_equal(world.fewest_ids, IDS);
}

/* A dead log gets few requests. */
static void a_log_that_always_fails_is_given_up(void **state)
{
    (void)state;
    begin(MAX_JOBS, 0, 0);
    world.failing = UINT32_MAX;
    assert_int_equal(run(60000, 3), ROUNDS_GIVE_UP);
    assert_int_equal(world.rounds, 4);
    assert_in_range(world.requests, 4, 4 * (20 + IN_FLIGHT));
    begin(10, 0, 0);
    world.failing = UINT32_MAX;
    assert_int_equal(run(60000, 0), ROUNDS_GIVE_UP);
    assert_int_equal(world.requests, 1);
}

/* Each costs as many requests as a request can have pages. */
static void pages_that_never_end_are_asked_for_once(void **state)
{
    (void)state;
    begin(1000, 0, 500);
    world.endless = 2;
    assert_int_equal(run(60000, 3), ROUNDS_GIVE_UP);
    assert_int_equal(count(world.left_out), 2 * IDS);
    assert_int_equal(count(world.found), 1000 - 2 * IDS);
    begin(1000, 0, 500);
    world.endless = 1000;
    assert_int_equal(run(60000, 3), ROUNDS_GIVE_UP);
    assert_in_range(world.requests, ROUNDS_ENDLESS_MAX, ROUNDS_ENDLESS_MAX + IN_FLIGHT);
}

/* One of the records may be what is refused. */
static void a_refusal_is_asked_again_with_fewer_records(void **state)
{
    (void)state;
    begin(100, 0, 0);
    world.denied = true;
    world.failing = 4;
    assert_int_equal(run(60000, 0), ROUNDS_DONE);
    assert_int_equal(world.fewest_ids, 5);
    begin(100, 0, 0);
    world.denied = true;
    world.failing = UINT32_MAX;
    assert_int_equal(run(60000, 0), ROUNDS_GIVE_UP);
    assert_int_equal(world.fewest_ids, 1);
    assert_int_equal(world.rounds, 3);
}

/* Twenty in a row, with no answer in between, or six whose pages never end. */
static void requests_that_fail_in_a_row_end_a_round(void **state)
{
    struct rounds rounds;

    (void)state;
    rounds_init(&rounds, 1000, IDS, 3);
    rounds_begin(&rounds);
    for (unsigned i = 0; i < 19; i++) {
        rounds_note_failure(&rounds, 1, false);
        assert_false(rounds_is_hopeless(&rounds));
    }
    rounds_note_answer(&rounds, 1, 0, 0);
    for (unsigned i = 0; i < 20; i++) {
        assert_false(rounds_is_hopeless(&rounds));
        rounds_note_failure(&rounds, 1, false);
    }
    assert_true(rounds_is_hopeless(&rounds));
    rounds_begin(&rounds);
    assert_false(rounds_is_hopeless(&rounds));
    for (unsigned i = 0; i < ROUNDS_ENDLESS_MAX; i++) {
        assert_false(rounds_is_hopeless(&rounds));
        rounds_note_endless(&rounds);
    }
    assert_true(rounds_is_hopeless(&rounds));
}

/* A refusal may be about the number of ids: a round without one keeps it. */
static void only_a_refusal_makes_requests_smaller(void **state)
{
    struct rounds rounds;
    int64_t wait_ms;

    (void)state;
    rounds_init(&rounds, 1000, 25, 3);
    for (unsigned ids = 25; ids > 0; ids = ids == 1 ? 0 : (ids + 4) / 5) {
        rounds_begin(&rounds);
        rounds_note_failure(&rounds, 1, false);
        assert_int_equal(rounds_end(&rounds, 0, &wait_ms), ROUNDS_AGAIN);
        assert_int_equal(rounds.ids, ids);
        rounds.barren = 0;
        rounds_begin(&rounds);
        rounds_note_failure(&rounds, 1, true);
        rounds_note_failure(&rounds, 1, true);
        assert_int_equal(rounds_end(&rounds, 0, &wait_ms), ROUNDS_AGAIN);
        assert_int_equal(rounds.ids, (ids + 4) / 5);
    }
}

/* 500 ms, doubled up to 30 s, and up to a quarter more by the dice. */
static void rounds_wait_longer_each_time(void **state)
{
    static const int64_t waits_ms[] = {500, 1000, 2000, 4000, 8000, 16000, 30000, 30000};
    struct rounds rounds;
    int64_t wait_ms;

    (void)state;
    for (int dice = 0; dice < 2; dice++) {
        rounds_init(&rounds, 1000000, 1, 100);
        for (size_t i = 0; i < sizeof waits_ms / sizeof *waits_ms; i++) {
            rounds_begin(&rounds);
            rounds_note_failure(&rounds, 1, false);
            assert_int_equal(rounds_end(&rounds, dice, &wait_ms), ROUNDS_AGAIN);
            assert_int_equal(wait_ms, waits_ms[i] + dice * waits_ms[i] / 4);
        }
    }
    /* not before the first that waits, and not after the last that may */
    rounds_init(&rounds, 1000000, 1, 100);
    rounds_begin(&rounds);
    rounds_note_answer(&rounds, 1, 1, 10000);
    assert_true(rounds_skips(&rounds, 12000));
    assert_true(rounds_skips(&rounds, 13000));
    assert_false(rounds_skips(&rounds, 20000));
    assert_false(rounds_is_missing(&rounds, 999993));
    assert_int_equal(rounds_end(&rounds, 0, &wait_ms), ROUNDS_AGAIN);
    assert_int_equal(wait_ms, 7);
    rounds_begin(&rounds);
    assert_true(rounds_skips(&rounds, 12000));
    assert_true(rounds_skips(&rounds, 13000));
    assert_int_equal(rounds_end(&rounds, 0, &wait_ms), ROUNDS_AGAIN);
    assert_int_equal(wait_ms, 7000);
    /* a job that is due is missing, one that is younger is not */
    assert_true(rounds_is_missing(&rounds, 1000000));
    assert_false(rounds_is_missing(&rounds, 999999));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_log_that_does_not_lag_takes_one_round),
        cmocka_unit_test(no_jobs_take_no_request),
        cmocka_unit_test(a_log_that_lags_costs_few_requests),
        cmocka_unit_test(an_entry_that_never_comes_is_missing_when_its_time_is_over),
        cmocka_unit_test(an_old_job_that_is_not_in_the_log_is_missing_at_once),
        cmocka_unit_test(without_a_wait_the_first_look_decides),
        cmocka_unit_test(a_log_that_fails_for_a_while_is_asked_again),
        cmocka_unit_test(a_log_that_always_fails_is_given_up),
        cmocka_unit_test(pages_that_never_end_are_asked_for_once),
        cmocka_unit_test(a_refusal_is_asked_again_with_fewer_records),
        cmocka_unit_test(requests_that_fail_in_a_row_end_a_round),
        cmocka_unit_test(only_a_refusal_makes_requests_smaller),
        cmocka_unit_test(rounds_wait_longer_each_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
