/* The store's thread does what is handed over once, and gives it back when it is committed. */
#include "core/drain/keeper.h"

#include "tests/lib/store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>

enum { CLAIMS = 4 };

/* The side of the loop. */
struct scene {
    struct fixture *fixture;
    struct keeper *keeper;
    sem_t woken;
    struct exchange exchange;
    struct claim claims[CLAIMS], *free_claims[CLAIMS], *settled[CLAIMS];
};

static void wake(void *context)
{
    struct scene *scene = context;

    sem_post(&scene->woken);
}

static int begin(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);
    void *fixture;

    fixture_begin(&fixture);
    scene->fixture = fixture;
    scene->fixture->interrupted = true; /* what is in hand is not the fixture's */
    sem_init(&scene->woken, 0, 0);
    for (unsigned i = 0; i < CLAIMS; i++)
        scene->free_claims[i] = &scene->claims[i];
    scene->keeper = keeper_open(scene->fixture->path, wake, scene, &scene->fixture->err);
    assert_non_null(scene->keeper);
    *state = scene;
    return 0;
}

static int end(void **state)
{
    struct scene *scene = *state;
    void *fixture = scene->fixture;

    keeper_close(scene->keeper);
    for (unsigned i = 0; i < CLAIMS; i++)
        claim_release(&scene->claims[i]);
    sem_destroy(&scene->woken);
    free(scene);
    return fixture_end(&fixture);
}

static void hand(struct scene *scene, unsigned settled, unsigned wanted)
{
    scene->exchange = (struct exchange){
        .run_id = FIXTURE_RUN,
        .max_retries = 3,
        .now_ms = FIXTURE_NOW_MS,
        .settled = scene->settled,
        .settled_count = settled,
        .claims = scene->free_claims,
        .wanted = wanted,
    };
    keeper_hand(scene->keeper, &scene->exchange);
}

/* Waits for the turn's end and takes it back. */
static bool take(struct scene *scene)
{
    bool done, fine;

    while (sem_wait(&scene->woken) != 0)
        ;
    fine = keeper_take(scene->keeper, &done, &scene->fixture->err);
    assert_true(done);
    return fine;
}

static void a_turn_comes_back_committed(void **state)
{
    struct scene *scene = *state;

    fixture_batch(scene->fixture, "Item", "a:5 b:5 c:5");
    assert_true(keeper_is_idle(scene->keeper));
    hand(scene, 0, 2);
    assert_false(keeper_is_idle(scene->keeper));
    assert_true(take(scene));
    assert_true(keeper_is_idle(scene->keeper));
    assert_int_equal(scene->exchange.claimed, 2);
    assert_string_equal(fixture_ask(scene->fixture, "SELECT sending FROM batch_tally"), "2");
    fixture_check(scene->fixture);
}

static void one_turn_follows_the_other_until_all_is_done(void **state)
{
    enum { JOBS = 250 };
    struct scene *scene = *state;
    struct buf words = {0};
    unsigned settled = 0, applied = 0;

    for (int i = 0; i < JOBS; i++)
        buf_printf(&words, "r%d:5 ", i % 100);
    fixture_batch(scene->fixture, "Item", buf_text(&words));
    buf_release(&words);
    while (applied < JOBS) {
        hand(scene, settled, CLAIMS);
        assert_true(take(scene));
        applied += settled;
        settled = scene->exchange.claimed;
        for (unsigned i = 0; i < settled; i++) {
            struct claim *claim = scene->free_claims[i];

            claim->outcome = (struct claim_outcome){
                .state = JOB_APPLIED,
                .left = true,
                .has_server_version = true,
                .server_version = claim->version + 1,
            };
            scene->settled[i] = claim;
        }
    }
    fixture_check(scene->fixture);
    assert_string_equal(fixture_ask(scene->fixture, "SELECT state, applied FROM batch_summary"),
                        "done|250");
}

static void nothing_is_taken_before_a_turn_is_finished(void **state)
{
    struct scene *scene = *state;
    bool done = true;

    assert_true(keeper_take(scene->keeper, &done, &scene->fixture->err));
    assert_false(done);
    hand(scene, 0, 1);
    assert_true(take(scene));
    assert_true(keeper_take(scene->keeper, &done, &scene->fixture->err));
    assert_false(done);
}

static void a_turn_that_fails_comes_back_with_its_error(void **state)
{
    struct scene *scene = *state;
    struct claim *claim = scene->free_claims[0];

    fixture_batch(scene->fixture, "Item", "a:5");
    hand(scene, 0, 1);
    assert_true(take(scene));
    claim->outcome = (struct claim_outcome){.state = JOB_CANCELLED};
    scene->settled[0] = claim;
    hand(scene, 1, 0);
    assert_false(take(scene));
    assert_true(keeper_is_idle(scene->keeper));
    assert_int_equal(scene->fixture->err.kind, ERR_INTERNAL);
    assert_string_equal(scene->fixture->err.text,
                        "job 1000000001 cannot move from sending to cancelled");
    fixture_check(scene->fixture);
    /* and the keeper still works */
    claim->outcome.state = JOB_REFUSED;
    hand(scene, 1, 0);
    assert_true(take(scene));
    assert_string_equal(fixture_ask(scene->fixture, "SELECT state FROM job"), "refused");
}

static void a_turn_in_hand_is_finished_before_the_keeper_closes(void **state)
{
    struct scene *scene = *state;

    fixture_batch(scene->fixture, "Item", "a:5");
    hand(scene, 0, 1);
    keeper_close(scene->keeper);
    scene->keeper = NULL;
    assert_int_equal(scene->exchange.claimed, 1);
    assert_string_equal(fixture_ask(scene->fixture, "SELECT state FROM job"), "sending");
}

static void a_missing_database_is_an_error(void **state)
{
    struct err err = {0};

    (void)state;
    assert_null(keeper_open("/nonexistent/a.db", wake, NULL, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_string_equal(err.text,
                        "database /nonexistent/a.db does not exist: `rowferry run` or `rowferry "
                        "ingest` creates it, --db or ROWFERRY_DB names another");
}

static void closing_nothing_does_nothing(void **state)
{
    (void)state;
    keeper_close(NULL);
}

#define IN_A_SCENE(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_SCENE(a_turn_comes_back_committed),
        IN_A_SCENE(one_turn_follows_the_other_until_all_is_done),
        IN_A_SCENE(nothing_is_taken_before_a_turn_is_finished),
        IN_A_SCENE(a_turn_that_fails_comes_back_with_its_error),
        IN_A_SCENE(a_turn_in_hand_is_finished_before_the_keeper_closes),
        cmocka_unit_test(a_missing_database_is_an_error),
        cmocka_unit_test(closing_nothing_does_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
