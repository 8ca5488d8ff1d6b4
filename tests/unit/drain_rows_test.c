/* The loop of a drain in simulated time: what is known of records, rows that cannot be sent, and
 * rows that are refused. */
#include "tests/unit/drain_scene.h"

static struct drain_options with_schema(const char *name, const char *settings)
{
    struct drain_options options = usual();

    scratch_schema(world.fixture->folder, name, "\"n\":{\"type\":\"integer\"}", settings);
    options.schemas = world.fixture->folder;
    return options;
}

/* A drain of such rows of Known counts them so. */
static void assert_counts(const char *words, uint64_t skipped, uint64_t fetched, uint64_t drifted)
{
    struct drain_options options = with_schema("Known", "\"version\":\"known\"");
    struct drain_result result;

    fixture_batch(world.fixture, "Known", words);
    if (!drain(&options, NULL, &result))
        fail_msg("%s", world.fixture->err.text);
    assert_int_equal(result.meter.skipped, skipped);
    assert_int_equal(result.meter.fetched, fetched);
    assert_int_equal(result.meter.drifted, drifted);
}

static void rows_are_skipped_or_sent_by_what_is_known(void **state)
{
    (void)state;
    find_record("a", 1);
    find_record("b", 1);
    assert_counts("a b", 0, 2, 0);
    assert_string_equal(jobs(), "2 applied");
    assert_counts("a b", 2, 0, 0); /* the same values */
    assert_int_equal(requests("\n"), 1);
    assert_counts("b a", 0, 0, 0);
    assert_int_equal(requests("PUT"), 2);
    /* someone else changes one of them */
    world.records[0] = (struct record){"a", 9, ",\"fields\":{\"n\":7}}"};
    assert_counts("a b", 0, 1, 1);
    assert_int_equal(requests("GET"), 1);
    assert_string_equal(jobs(), "6 applied, 2 unchanged");
    assert_int_equal(world.records[0].version, 10);
}

#define SHOP(rest)                                                                                 \
    "\"write\":\"replace\",\"target\":{\"params\":{\"shop\":{\"column\":\"shop\"}},"               \
    "\"write\":{\"method\":\"PUT\",\"path\":\"/s/{shop}/{id}\"}" rest "}"

/* The target was changed after the file was read. */
static void a_record_id_without_its_parts_ends_the_run(void **state)
{
    static const char *const settings[] = {
        SHOP(""),
        SHOP(",\"bulk\":{\"method\":\"POST\",\"path\":\"/b/{shop}\",\"list\":\"\",\"max\":9,"
             "\"item\":{\"k\":\"{id}\"},\"results\":{\"list\":\"\",\"id\":\"/k\"}}")};

    (void)state;
    fixture_batch(world.fixture, "Shop", "a b c");
    fixture_ask(world.fixture,
                "UPDATE batch SET target = 'rest', target_columns = '[[\"shop\",\"shop\"]]'");
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        struct drain_options options = with_schema("Shop", settings[i]);

        assert_fails(&options, NULL, ERR_CONFIG,
                     "the record id \"a\" of schema Shop does not have the parts");
        assert_int_equal(requests("\n"), 1); /* the login */
        assert_string_equal(jobs(), "3 pending");
        assert_string_equal(fixture_ask(world.fixture, "SELECT sum(attempts) FROM job"), "0");
    }
}

/* They are refused once another job was accepted, and count once. */
static void refusals_that_were_held_count_once(void **state)
{
    static const struct reply replies[] = {
        {.to = "PUT r0", .status = 400}, {.to = "PUT r1", .status = 400}, {0}};
    struct drain_options options = usual();

    (void)state;
    options.has_max_refused = true;
    options.max_refused = 2;
    add_batch_of(6);
    assert_ends(&options, replies, DRAIN_FINISHED);
    assert_string_equal(jobs(), "4 applied, 2 refused");
}

/* Of 100 final jobs or more; what is allowed is not too much. */
static void a_share_of_refusals_counts_from_100_jobs_on(void **state)
{
    static const struct reply replies[] = {
        {.to = "PUT r11 ", .status = 400}, {.to = "PUT r12 ", .status = 400}, {0}};
    struct drain_options options = usual();

    (void)state;
    options.has_max_refused_percent = true;
    options.max_refused_percent = 2;
    add_batch_of(100);
    assert_ends(&options, replies, DRAIN_FINISHED);
    assert_string_equal(jobs(), "98 applied, 2 refused");
    add_batch_of(100);
    world.record_count = 0; /* the records are as the rows expect them */
    options = usual();
    options.has_max_refused_percent = true;
    options.max_refused_percent = 1.9;
    assert_fails(&options, replies, ERR_LIMIT, "2 of 100 jobs were refused");
}

static void a_database_that_cannot_recover_jobs_is_an_error(void **state)
{
    static const char *const tables[] = {"attempt", "job_state"};
    struct drain_options options = usual();

    (void)state;
    BATCH("a:5 b:6");
    options.lock = interrupted_drain();
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        char sql[128];

        snprintf(sql, sizeof sql,
                 "CREATE TRIGGER full BEFORE UPDATE ON %s BEGIN SELECT RAISE(ABORT, 'full'); END",
                 tables[i]);
        fixture_ask(world.fixture, sql);
        assert_fails(&options, NULL, ERR_STORE, "full");
        assert_string_equal(buf_text(&world.sent), "");
        fixture_ask(world.fixture, "DROP TRIGGER full");
    }
    lock_release(options.lock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_TIME(rows_are_skipped_or_sent_by_what_is_known),
        IN_TIME(a_record_id_without_its_parts_ends_the_run),
        IN_TIME(refusals_that_were_held_count_once),
        IN_TIME(a_share_of_refusals_counts_from_100_jobs_on),
        IN_TIME(a_database_that_cannot_recover_jobs_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
