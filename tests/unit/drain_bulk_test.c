/* The loop of a drain in simulated time: requests of several rows. */
#include "tests/unit/drain_scene.h"

#define RESULTS                                                                                    \
    "\"item\":{\"k\":\"{id}\"},\"results\":{\"list\":\"\",\"id\":\"/k\",\"ok\":\"/"                \
    "ok\",\"status\":\"/s\"}}"

/* Writes the schema file NAME, of whose rows a request takes up to `max`. rest: other members of
 * the target, each followed by a comma. */
static void add_schema(const char *name, const char *write, const char *rest, unsigned max)
{
    char settings[512];

    snprintf(settings, sizeof settings,
             "\"write\":\"%s\",\"target\":{\"write\":{\"method\":\"PUT\",\"path\":\"/p/{id}\"},%s"
             "\"bulk\":{\"method\":\"POST\",\"path\":\"/b\",\"list\":\"\",\"max\":%u," RESULTS "}",
             write, rest, max);
    scratch_schema(world.fixture->folder, name, "\"n\":{\"type\":\"integer\"}", settings);
}

/* A drain of rows of Plain, of which a request takes up to `max`. */
static struct drain_options several(unsigned max)
{
    struct drain_options options = usual();

    add_schema("Plain", "replace", "", max);
    options.schemas = world.fixture->folder;
    return options;
}

/* Adds a batch of Plain with the records FIRST to LAST. */
static void add_rows(int first, int last)
{
    struct buf words = {0};

    for (int i = first; i <= last; i++)
        buf_printf(&words, "r%d ", i);
    fixture_batch(world.fixture, "Plain", buf_text(&words));
    buf_release(&words);
}

/* Compares what was sent, without its times. */
static void assert_sent(const char *expected)
{
    struct buf sent = {0};

    for (const char *at = buf_text(&world.sent); *at; at = strchr(at, '\n') + 1) {
        const char *request = strchr(at, ' ') + 1;

        buf_append(&sent, request, strcspn(request, "\n") + 1);
    }
    assert_string_equal(buf_text(&sent), expected);
    buf_release(&sent);
}

/* Every record was written so often. */
static void assert_written(int64_t times)
{
    for (unsigned i = 0; i < world.record_count; i++)
        assert_int_equal(world.records[i].version, times);
}

static void a_request_leaves_when_it_is_full_or_nothing_more_can_come(void **state)
{
    struct drain_options options = several(4);
    struct drain_result result;
    struct lock_mark mark;

    (void)state;
    add_rows(0, 9);
    options.lock = lock_take(world.fixture->path, LOCK_DRAIN, 1, 1, &world.fixture->err);
    assert_non_null(options.lock);
    options.rate_per_s = 10;
    assert_true(drain(&options, NULL, &result));
    assert_sent("login\nBULK r0 r1 r2 r3\nBULK r4 r5 r6 r7\nBULK r8 r9\n");
    assert_string_equal(jobs(), "10 applied");
    assert_int_equal(world.record_count, 10);
    assert_written(1);
    assert_int_equal(result.run.requests, 3);
    /* requests take places at the pace, not rows */
    assert_in_range(sent_ms(3) - sent_ms(1), 100, 204);
    /* the pace is reported in rows */
    assert_in_range(world.progress.rate_per_s * 100, 3900, 4000);
    assert_true(lock_read_mark(options.lock, &mark));
    assert_int_equal(mark.attempt_id,
                     strtol(fixture_ask(world.fixture, "SELECT max(id) FROM attempt"), NULL, 10));
    lock_release(options.lock);
}

static void a_request_of_one_row_leaves_at_once(void **state)
{
    struct drain_options options = several(1);

    (void)state;
    add_rows(0, 2);
    assert_ends(&options, NULL, DRAIN_FINISHED);
    assert_sent("login\nBULK r0\nBULK r1\nBULK r2\n");
    assert_string_equal(jobs(), "3 applied");
}

/* The halves leave before what waits. */
static void a_row_that_is_wrong_is_found_by_halves(void **state)
{
    static const struct reply replies[] = {
        {.to = "BULK r0 r1 r2", .status = 400},
        {.to = "BULK r2", .status = 400, .body = "{\"message\":\"bad\"}"},
        {0}};
    struct drain_options options = several(4);
    struct drain_result result;

    (void)state;
    add_rows(0, 13);
    options.concurrency = 1;
    assert_true(drain(&options, replies, &result));
    assert_sent("login\nBULK r0 r1 r2 r3\nBULK r4 r5 r6 r7\nBULK r0 r1\nBULK r2 r3\n"
                "BULK r8 r9 r10 r11\nBULK r2\nBULK r3\nBULK r12 r13\n");
    assert_string_equal(jobs(), "13 applied, 1 refused");
    /* only the last attempt counts against --max-attempts */
    assert_string_equal(fixture_ask(world.fixture, "SELECT record_id, job.error_message, "
                                                   "job_state.attempts, attempts_before FROM job "
                                                   "JOIN job_state ON job_id = job.id WHERE "
                                                   "job.state = 'refused'"),
                        "r2|bad|3|2");
    /* a refusal of several rows is one */
    assert_int_equal(result.meter.replies.items[0].count, 1);
    assert_int_equal(result.meter.replies.items[1].count, 2);
    assert_int_equal(requests("BULK r0"), 2);
    assert_int_equal(find_record("r0", 0)->version, 1);
}

static void a_server_that_takes_fewer_rows_gets_fewer(void **state)
{
    static const struct reply replies[] = {
        {.to = "BULK r0 r1 r2", .status = 413},    {.to = "BULK r4 r5 r6", .status = 413},
        {.to = "BULK r8 r9 r10", .status = 413},   {.to = "BULK r12 r13 r14", .status = 413},
        {.to = "BULK r16 r17 r18", .status = 413}, {0}};
    struct drain_options options = several(4);

    (void)state;
    add_rows(0, 39);
    options.concurrency = 1;
    assert_ends(&options, replies, DRAIN_FINISHED);
    assert_string_equal(jobs(), "40 applied");
    assert_written(1);
    assert_int_equal(requests("BULK r36 r37\n") + requests("BULK r38 r39\n"), 2);
}

/* More rows than one turn settles, and than are claimed at once. */
static void requests_of_a_thousand_rows_are_full(void **state)
{
    static const struct reply replies[] = {{.to = "BULK", .times = 2, .status = 413}, {0}};
    struct drain_options options = several(1000);
    struct drain_result result;

    (void)state;
    add_rows(0, 1999);
    assert_true(drain(&options, replies, &result));
    assert_int_equal(result.run.requests, 6);
    assert_string_equal(jobs(), "2000 applied");
    assert_written(1);
    assert_string_equal(
        fixture_ask(world.fixture, "SELECT count(*), sum(http_status = 413) FROM attempt"),
        "4000|2000");
}

static void each_row_has_its_own_result(void **state)
{
    static const struct reply replies[] = {
        {.to = "BULK",
         .times = 1,
         .status = 200,
         .applied = true,
         .body =
             "[{\"k\":\"r0\",\"ok\":true},{\"k\":\"r1\",\"s\":422},{\"k\":\"r2\",\"ok\":true}]"},
        {0}};
    struct drain_options options = several(4);

    (void)state;
    add_rows(0, 3);
    assert_ends(&options, replies, DRAIN_FINISHED);
    assert_string_equal(jobs(), "3 applied, 1 refused");
    /* the row without a result is read back */
    assert_sent("login\nBULK r0 r1 r2 r3\nGET r3\n");
}

/* Each row is read back by itself, twice where it is not ours; the rows then go out together, at a
 * full second. */
static void rows_without_an_answer_are_read_and_go_out_together(void **state)
{
    static const struct reply replies[] = {{.to = "BULK", .times = 1, .end = HTTP_CUT}, {0}};
    struct drain_options options = several(4);
    struct drain_result result;

    (void)state;
    add_rows(0, 2);
    assert_ends(&options, NULL, DRAIN_FINISHED);
    fixture_batch(world.fixture, "Plain", "r1 r2 r0");
    options = several(4);
    options.concurrency = 3;
    assert_true(drain(&options, replies, &result));
    assert_sent("login\nBULK r1 r2 r0\nGET r1\nGET r2\nGET r0\nGET r1\nGET r2\nGET r0\n"
                "BULK r1 r2 r0\n");
    assert_string_equal(jobs(), "6 applied");
    assert_written(2);
    assert_in_range(sent_ms(5) % 1000, 0, 5); /* two turns after it was due */
    assert_int_equal(sent_ms(5), sent_ms(7));
    assert_in_range(sent_ms(8) % 1000, 0, 5);
    assert_int_equal(result.meter.replies.items[0].count, 1);
}

/* A request that fails is one failure, however many rows it has. */
static void a_failed_request_is_charged_once(void **state)
{
    static const struct reply replies[] = {{.to = "BULK", .times = 6, .status = 500}, {0}};
    struct drain_options options = several(10);

    (void)state;
    add_rows(0, 59);
    assert_ends(&options, NULL, DRAIN_FINISHED);
    add_rows(0, 59);
    options = several(10);
    assert_ends(&options, replies, DRAIN_FINISHED);
    assert_string_equal(jobs(), "120 applied");
    assert_int_equal(world.spread_wanted, 0);
}

static void a_401_to_several_rows_fetches_one_token(void **state)
{
    static const struct reply replies[] = {{.to = "BULK", .times = 1, .status = 401}, {0}};
    struct drain_options options = several(4);

    (void)state;
    add_rows(0, 3);
    assert_ends(&options, replies, DRAIN_FINISHED);
    assert_sent("login\nBULK r0 r1 r2 r3\nlogin\nBULK r0 r1 r2 r3\n");
    assert_string_equal(jobs(), "4 applied");
}

/* ... and are tried in halves once others were taken. */
static void rows_that_are_denied_together_wait_for_others(void **state)
{
    static const struct reply replies[] = {
        {.to = "BULK r0", .status = 404}, {.to = "BULK r4", .latency_ms = 200}, {0}};
    struct drain_options options = several(4);

    (void)state;
    add_rows(0, 7);
    assert_ends(&options, replies, DRAIN_FINISHED);
    assert_sent("login\nBULK r0 r1 r2 r3\nBULK r4 r5 r6 r7\nBULK r0 r1 r2 r3\nBULK r0 r1\n"
                "BULK r2 r3\nBULK r0\nBULK r1\n");
    assert_true(sent_ms(3) > 250);
    assert_string_equal(jobs(), "7 applied, 1 refused");
}

static void rows_that_are_all_denied_end_the_run(void **state)
{
    static const struct reply replies[] = {{.to = "BULK", .status = 403}, {0}};
    struct drain_options options = several(4);

    (void)state;
    add_rows(0, 7);
    assert_fails(&options, replies, ERR_AUTH, "the API refused us with 403");
    assert_sent("login\nBULK r0 r1 r2 r3\nBULK r4 r5 r6 r7\n");
    assert_string_equal(jobs(), "8 pending");
}

static void a_signal_leaves_requests_that_are_not_full(void **state)
{
    struct drain_options options = several(4);

    (void)state;
    world.stop_us = 60000;
    options.concurrency = 1;
    add_rows(0, 9);
    assert_ends(&options, NULL, DRAIN_STOPPED);
    assert_sent("login\nBULK r0 r1 r2 r3\n");
    assert_string_equal(jobs(), "4 applied, 6 pending");
    assert_string_equal(fixture_ask(world.fixture, "SELECT sum(attempts) FROM job"), "4");
}

/* 16 requests are filled at once. With another one the oldest leaves as it is. */
static void requests_of_other_schemas_are_filled_next_to_each_other(void **state)
{
    struct drain_options options = usual();

    (void)state;
    options.schemas = world.fixture->folder;
    options.concurrency = 16;
    for (int i = 0; i < 19; i++) {
        char name[16], row[16];

        snprintf(name, sizeof name, "P%d", i == 18 ? 0 : i == 17 ? 1 : i);
        snprintf(row, sizeof row, "r%d", i);
        add_schema(name, "replace", "", 3);
        fixture_batch(world.fixture, name, row);
    }
    assert_ends(&options, NULL, DRAIN_FINISHED);
    assert_string_equal(jobs(), "19 applied");
    assert_int_equal(requests("BULK r0\n"), 1);
    assert_int_equal(requests("BULK r1 r17\n"), 1);
    assert_int_equal(requests("BULK r18\n"), 1);
    assert_int_equal(requests("BULK"), 18);
    assert_written(1);
}

/* What else can be in the request is read first. */
static void a_request_waits_for_the_records_that_are_read(void **state)
{
    static const struct reply replies[] = {{.to = "GET r3", .latency_ms = 500}, {0}};
    struct drain_options options = several(4);

    (void)state;
    add_schema("Plain", "merge", "\"missing\":\"upsert\",", 4);
    add_rows(0, 5);
    assert_ends(&options, replies, DRAIN_FINISHED);
    assert_sent("login\nGET r0\nGET r1\nGET r2\nGET r3\nGET r4\nGET r5\nBULK r0 r1 r2 r4\n"
                "BULK r5 r3\n");
    assert_true(sent_ms(7) < 300 && sent_ms(8) >= 600);
    assert_string_equal(jobs(), "6 applied");
}

/* A pause puts the reads back that have not left; they are not waited for. */
static void reads_that_are_put_back_are_not_waited_for(void **state)
{
    static const struct reply replies[] = {
        {.to = "GET r0", .times = 1, .status = 429, .retry_after_s = 5}, {0}};
    struct drain_options options = several(4);

    (void)state;
    add_schema("Plain", "merge", "\"missing\":\"upsert\",", 4);
    options.concurrency = 1;
    add_rows(0, 2);
    assert_ends(&options, replies, DRAIN_FINISHED);
    assert_string_equal(jobs(), "3 applied");
    assert_int_equal(requests("BULK"), 1);
    assert_in_range(world.now_us, 5000000, 8000000);
}

static void a_schema_file_that_changes_meanwhile_ends_the_run(void **state)
{
    static const char *const parts[] = {"schema", "schema hash"};

    (void)state;
    add_rows(0, 5);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        struct drain_options options = several(4);

        world.fails = parts[i];
        assert_fails(&options, NULL, ERR_CONFIG,
                     "the schema file of Plain was replaced or removed");
        assert_int_equal(requests("BULK"), 0);
        assert_string_equal(jobs(), "6 pending");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_TIME(a_request_leaves_when_it_is_full_or_nothing_more_can_come),
        IN_TIME(a_request_of_one_row_leaves_at_once),
        IN_TIME(a_row_that_is_wrong_is_found_by_halves),
        IN_TIME(a_server_that_takes_fewer_rows_gets_fewer),
        IN_TIME(requests_of_a_thousand_rows_are_full),
        IN_TIME(each_row_has_its_own_result),
        IN_TIME(rows_without_an_answer_are_read_and_go_out_together),
        IN_TIME(a_failed_request_is_charged_once),
        IN_TIME(a_401_to_several_rows_fetches_one_token),
        IN_TIME(rows_that_are_denied_together_wait_for_others),
        IN_TIME(rows_that_are_all_denied_end_the_run),
        IN_TIME(a_signal_leaves_requests_that_are_not_full),
        IN_TIME(requests_of_other_schemas_are_filled_next_to_each_other),
        IN_TIME(a_request_waits_for_the_records_that_are_read),
        IN_TIME(reads_that_are_put_back_are_not_waited_for),
        IN_TIME(a_schema_file_that_changes_meanwhile_ends_the_run),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
