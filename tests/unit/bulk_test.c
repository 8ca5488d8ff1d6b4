/* Requests of several jobs: how they are built, what an answer means for each job, and halves. */
#include "core/drain/bulk.h"

#include "core/base/mem.h"
#include "tests/lib/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TASKS = 1200 };

/* Jobs of the object Plain, whose list of items is at /in, and of Shop, whose record ids have two
 * parts; job n has the id n. */
struct stage {
    struct task tasks[TASKS];
    struct rebase *rebase;
    struct target_scratch scratch;
    struct drain_options options;
    struct api_fault fault;
    struct task_sender sender;
    char folder[SCRATCH_SIZE];
};

#define TEXT_A "\"a\":{\"type\":\"string\"}"
#define TARGET "\"write\":\"replace\",\"target\":"

static int begin(void **state)
{
    struct stage *stage = mem_calloc(1, sizeof *stage);

    scratch_make(stage->folder);
    scratch_schema(
        stage->folder, "Plain", TEXT_A,
        TARGET "{\"write\":{\"method\":\"PUT\",\"path\":\"/p/{id}\"},\"bulk\":{\"method\":\"POST\","
               "\"path\":\"/b\",\"list\":\"/in\",\"max\":1000,\"item\":{\"k\":\"{id}\"},"
               "\"results\":{\"list\":\"\",\"id\":\"/k\",\"ok\":\"/ok\",\"status\":\"/s\"}}}");
    scratch_schema(
        stage->folder, "Shop", TEXT_A,
        TARGET
        "{\"params\":{\"shop\":{\"column\":\"shop\"}},\"write\":{\"method\":\"PUT\","
        "\"path\":\"/s/{shop}/{id}\"},\"bulk\":{\"method\":\"POST\",\"path\":\"/s?x={shop}\","
        "\"list\":\"\",\"max\":9,\"item\":{\"k\":\"{id}\"},"
        "\"results\":{\"list\":\"\",\"id\":\"/k\"}}}");
    stage->rebase = rebase_open(stage->folder);
    snprintf(stage->options.environment.api_url, sizeof stage->options.environment.api_url,
             "http://api");
    stage->options.source = "test";
    stage->options.tags = "[]";
    stage->options.timeout_ms = 1000;
    stage->sender = (struct task_sender){.options = &stage->options,
                                         .authorization = "Bearer x",
                                         .rebase = stage->rebase,
                                         .scratch = &stage->scratch};
    *state = stage;
    return 0;
}

static int end(void **state)
{
    struct stage *stage = *state;

    for (size_t i = 0; i < TASKS; i++)
        task_release(&stage->tasks[i]);
    rebase_close(stage->rebase);
    scratch_remove(stage->folder);
    target_scratch_release(&stage->scratch);
    free(stage);
    return 0;
}

static struct task *job(struct stage *stage, unsigned n, const char *schema, const char *id,
                        const char *fields)
{
    struct task *task = &stage->tasks[n];
    struct claim *claim = &task->claim;

    claim->request = REQUEST_UPDATE;
    claim->lock = TARGET_NONE;
    claim->bulk = 1000;
    claim->job_id = n;
    claim->attempts = 1;
    buf_reset(&claim->text);
    buf_append_text(&claim->text, schema);
    buf_append_text(&claim->text, id);
    buf_append_text(&claim->text, fields);
    claim->schema_size = strlen(schema);
    claim->record_id_size = strlen(id);
    claim->fields_size = strlen(fields);
    return task;
}

/* Begins a request with job 0, and adds jobs up to `count`; returns how many fit in a row. */
static unsigned fill(struct stage *stage, unsigned count, unsigned max, const char *fields)
{
    struct err err = {0};

    for (unsigned n = 0; n < count; n++) {
        char id[16];
        bool fits = true;

        snprintf(id, sizeof id, "r%u", n);
        job(stage, n, "Plain", id, fields);
        if (n == 0)
            assert_true(bulk_begin(&stage->tasks[0], &stage->sender, &err));
        else
            assert_true(bulk_add(stage->tasks, &stage->tasks[n], max, &stage->sender, &fits, &err));
        if (!fits)
            return n;
    }
    return count;
}

static const char *body_of(struct stage *stage, struct http_request *request)
{
    bulk_request(stage->tasks, &stage->sender, request);
    return buf_text(&stage->tasks[0].body);
}

static void a_request_has_an_item_for_each_job(void **state)
{
    struct stage *stage = *state;
    struct http_request request;

    assert_int_equal(fill(stage, 3, 1000, "{\"a\":\"x\"}"), 3);
    assert_string_equal(body_of(stage, &request),
                        "{\"in\":[{\"k\":\"r0\",\"a\":\"x\"},{\"k\":\"r1\",\"a\":\"x\"},"
                        "{\"k\":\"r2\",\"a\":\"x\"}]}");
    assert_string_equal(request.url, "http://api/b");
    assert_int_equal(request.method, HTTP_POST);
    assert_string_equal(request.content_type, "application/json");
    assert_string_equal(request.authorization, "Bearer x");
    assert_ptr_equal(request.context, stage->tasks);
    assert_int_equal(request.answer_max, HTTP_SEVERAL_MAX);
    assert_false(request.new_connection);
    assert_false(stage->tasks[0].is_further);
    assert_true(stage->tasks[2].is_further);
    assert_int_equal(stage->tasks[0].row_count, 3);
    assert_int_equal(stage->tasks[1].row_count, 0);
    /* a job that was answered 421 needs another connection */
    assert_int_equal(fill(stage, 2, 1000, "{}"), 2);
    stage->tasks[1].claim.http_status = 421;
    assert_string_equal(body_of(stage, &request), "{\"in\":[{\"k\":\"r0\"},{\"k\":\"r1\"}]}");
    assert_true(request.new_connection);
}

/* What does not fit leaves the request as it was. */
static void a_request_ends_at_its_rows_and_its_bytes(void **state)
{
    struct stage *stage = *state;
    struct http_request request;
    struct buf fields = {0};

    assert_int_equal(fill(stage, 20, 7, "{}"), 7);
    assert_int_equal(stage->tasks[0].row_count, 7);
    buf_append_text(&fields, "{\"a\":\"");
    for (int i = 0; i < 1000; i++)
        buf_append_char(&fields, 'x');
    buf_append_text(&fields, "\"}");
    assert_int_equal(fill(stage, TASKS, TASKS, buf_text(&fields)), 502);
    body_of(stage, &request);
    assert_in_range(request.body.size, BULK_BYTES_MAX - 1030, BULK_BYTES_MAX);
    assert_memory_equal(request.body.data + request.body.size - 4, "\"}]}", 4);
    /* alone, a row can be longer */
    buf_reset(&fields);
    buf_append_text(&fields, "{\"a\":\"");
    for (int i = 0; i < BULK_BYTES_MAX; i++)
        buf_append_char(&fields, 'x');
    buf_append_text(&fields, "\"}");
    assert_int_equal(fill(stage, 2, 9, buf_text(&fields)), 1);
    body_of(stage, &request);
    assert_true(request.body.size > BULK_BYTES_MAX);
    buf_release(&fields);
}

/* Rows of one request have the same schema and the same columns: results name them by the rest. */
static void other_schemas_and_columns_are_other_requests(void **state)
{
    static const struct {
        const char *schema, *id;
        bool fits;
    } rows[] = {
        {"Shop", "d%2F1/2", true},   {"Shop", "d%2F2/1", false}, {"Shop", "d%2F1x/2", false},
        {"Plain", "d%2F1/2", false}, {"Shop", "d%2F1/1x", true},
    };
    struct stage *stage = *state;
    struct http_request request;
    struct err err = {0};
    bool fits;

    job(stage, 0, "Shop", "d%2F1/1", "{}");
    assert_true(bulk_begin(stage->tasks, &stage->sender, &err));
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        job(stage, i + 1, rows[i].schema, rows[i].id, "{}");
        assert_true(bulk_add(stage->tasks, &stage->tasks[i + 1], 9, &stage->sender, &fits, &err));
        assert_int_equal(fits, rows[i].fits);
    }
    assert_string_equal(body_of(stage, &request), "[{\"k\":\"1\"},{\"k\":\"2\"},{\"k\":\"1x\"}]");
    assert_string_equal(request.url, "http://api/s?x=d%2F1");
    job(stage, 1, "Shop", "no-parts", "{}");
    assert_false(bulk_begin(&stage->tasks[1], &stage->sender, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
}

static enum bulk_answer read_answer(struct stage *stage, long status, const char *body,
                                    struct result **results)
{
    const struct http_answer answer = {
        .end = status ? HTTP_DONE : HTTP_CUT, .status = status, .body = span_of(body)};
    const struct task_reader reader = {
        .rebase = stage->rebase, .scratch = &stage->scratch, .fault = &stage->fault};

    return bulk_read(stage->tasks, &answer, &reader, results);
}

static void an_answer_is_of_one_of_three_kinds(void **state)
{
    static const struct {
        unsigned jobs;
        long status;
        const char *body;
        enum bulk_answer kind;
    } rows[] = {
        {2, 200, "[{\"k\":\"r1\"}]", BULK_RESULTS},
        {2, 201, "[]", BULK_RESULTS},
        {1, 200, "[{\"k\":\"r0\"}]", BULK_RESULTS},
        {2, 200, "{}", BULK_SHARED},
        {2, 200, "", BULK_SHARED},
        {2, 202, "[{\"k\":\"r1\"}]", BULK_SHARED},
        {2, 204, "", BULK_SHARED},
        {2, 0, "", BULK_SHARED},
        {2, 500, "[]", BULK_SHARED},
        {2, 503, "", BULK_SHARED},
        {2, 400, "", BULK_REFUSED},
        {1, 400, "", BULK_SHARED},
        {2, 413, "<html>", BULK_REFUSED},
        {1, 413, "", BULK_SHARED},
        {2, 422, "", BULK_REFUSED},
        {2, 409, "", BULK_REFUSED},
        {2, 401, "", BULK_SHARED},
        {2, 403, "", BULK_SHARED},
        {2, 404, "", BULK_SHARED},
        {2, 429, "", BULK_SHARED},
        {2, 405, "", BULK_SHARED},
        {2, 301, "", BULK_SHARED},
        {2, 407, "", BULK_SHARED},
        {2, 408, "", BULK_SHARED},
    };
    struct stage *stage = *state;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct result *results;
        enum bulk_answer kind;

        fill(stage, rows[i].jobs, 9, "{}");
        kind = read_answer(stage, rows[i].status, rows[i].body, &results);
        if (kind != rows[i].kind || (kind == BULK_RESULTS) != (results != NULL))
            fail_msg("%ld %s to %u jobs: %d", rows[i].status, rows[i].body, rows[i].jobs, kind);
        free(results);
    }
}

static void what_an_answer_says_to_all_jobs_is_read_once(void **state)
{
    static const char said[] =
        "{\"code\":\"busy\",\"message\":\"Retry the request in [7] seconds\"}";
    struct stage *stage = *state;
    struct http_answer answer = {
        .end = HTTP_DONE, .status = 429, .body = span_of(said), .retry_after_ms = -1};
    struct task_reader reader = {
        .rebase = stage->rebase, .scratch = &stage->scratch, .fault = &stage->fault};
    struct policy_verdict verdict;
    struct result *results;
    struct err err = {0};

    fill(stage, 3, 9, "{}");
    assert_int_equal(bulk_read(stage->tasks, &answer, &reader, &results), BULK_SHARED);
    reader.is_shared = true;
    answer.body = span_of("{\"code\":\"other\"}");
    for (unsigned n = 0; n < 3; n++) {
        assert_true(task_answer(&stage->tasks[n], &answer, &reader, &verdict, &err));
        assert_string_equal(stage->tasks[n].claim.outcome.error_code, "busy");
        assert_int_equal(verdict.pause_ms, 7000);
    }
    /* what broke off says nothing, and not what an earlier one said */
    answer = (struct http_answer){.end = HTTP_CUT, .error = "closed", .retry_after_ms = -1};
    assert_int_equal(bulk_read(stage->tasks, &answer, &reader, &results), BULK_SHARED);
    assert_true(task_answer(&stage->tasks[0], &answer, &reader, &verdict, &err));
    assert_string_equal(stage->tasks[0].claim.outcome.error_code, "");
    assert_int_equal(stage->tasks[0].claim.outcome.state, JOB_UNKNOWN);
}

static void an_answer_for_a_job_is_that_of_its_result(void **state)
{
    struct stage *stage = *state;
    struct http_answer whole = {.end = HTTP_DONE, .status = 200, .retry_after_ms = -1}, own;
    struct result *results;

    fill(stage, 4, 9, "{}");
    assert_int_equal(read_answer(stage, 200,
                                 "[{\"k\":\"r2\",\"s\":422},{\"k\":\"r0\",\"ok\":true},"
                                 "{\"k\":\"r3\"},{\"k\":\"r1\",\"ok\":true},{\"k\":\"r1\"}]",
                                 &results),
                     BULK_RESULTS);
    own = whole;
    bulk_answer_for(&results[0], &own);
    assert_int_equal(own.end, HTTP_DONE);
    assert_int_equal(own.status, 200);
    own = whole;
    bulk_answer_for(&results[1], &own);
    assert_int_equal(own.end, HTTP_CUT);
    assert_int_equal(own.status, 0);
    assert_string_equal(own.error, "the answer to several rows names this one more than once");
    own = whole;
    bulk_answer_for(&results[2], &own);
    assert_int_equal(own.status, 422);
    own = whole;
    bulk_answer_for(&results[3], &own);
    assert_int_equal(own.end, HTTP_CUT);
    assert_string_equal(
        own.error,
        "the answer to several rows does not say as described what happened to this one");
    results[0].named = 0;
    results[0].status = 0;
    own = whole;
    bulk_answer_for(&results[0], &own);
    assert_string_equal(own.error, "the answer to several rows does not name this one");
    free(results);
    /* another success than described counts as none; anything else is as it is */
    own = whole;
    bulk_answer_for(NULL, &own);
    assert_int_equal(own.end, HTTP_CUT);
    own = (struct http_answer){.end = HTTP_DONE, .status = 429};
    bulk_answer_for(NULL, &own);
    assert_int_equal(own.end, HTTP_DONE);
    assert_int_equal(own.status, 429);
    own = (struct http_answer){.end = HTTP_CUT, .error = "closed"};
    bulk_answer_for(NULL, &own);
    assert_string_equal(own.error, "closed");
}

static void a_refused_request_is_cut_in_two(void **state)
{
    const struct http_answer answer = {.end = HTTP_DONE, .status = 413, .correlation = "c-1"};
    struct stage *stage = *state;

    fill(stage, 5, 9, "{}");
    bulk_split(stage->tasks, &answer, "too many");
    for (unsigned n = 0; n < 5; n++) {
        const struct claim_outcome *outcome = &stage->tasks[n].claim.outcome;

        assert_int_equal(stage->tasks[n].begins, n == 0 || n == 3);
        assert_true(outcome->repeats);
        assert_false(outcome->doubt);
        assert_int_equal(outcome->http_status, 413);
        assert_string_equal(outcome->attempt_error, "too many");
        assert_string_equal(outcome->correlation_header, "c-1");
    }
    assert_ptr_equal(stage->tasks[0].half, &stage->tasks[3]);
    assert_ptr_equal(stage->tasks[3].half, &stage->tasks[0]);
    /* a lock can have let a part of it through */
    stage->tasks[1].claim.lock = TARGET_OPAQUE;
    bulk_split(stage->tasks, &answer, "");
    assert_true(stage->tasks[1].claim.doubt);
    assert_true(stage->tasks[1].claim.outcome.doubt);
}

/* Splits `count` jobs, begins both halves, and notes how they end; returns the room after that. */
static unsigned room_after(struct stage *stage, unsigned count, bool first, bool second)
{
    const struct http_answer answer = {.end = HTTP_DONE, .status = 400};
    unsigned half = (count + 1) / 2;
    struct err err = {0};

    fill(stage, count, TASKS, "{}");
    bulk_note(stage->tasks, false, stage->rebase);
    bulk_split(stage->tasks, &answer, "");
    for (unsigned n = 0; n < count; n++) {
        struct task *head = &stage->tasks[n < half ? 0 : half];
        bool fits;

        if (stage->tasks[n].begins)
            assert_true(bulk_begin(&stage->tasks[n], &stage->sender, &err));
        else
            assert_true(bulk_add(head, &stage->tasks[n], TASKS, &stage->sender, &fits, &err));
    }
    assert_int_equal(stage->tasks[0].row_count + stage->tasks[half].row_count, count);
    bulk_note(&stage->tasks[half], second, stage->rebase);
    bulk_note(&stage->tasks[0], first, stage->rebase);
    return bulk_room(stage->tasks, stage->rebase);
}

static void a_maximum_is_believed_when_both_halves_work(void **state)
{
    struct stage *stage = *state;

    assert_int_equal(room_after(stage, 500, false, true), 1000);
    assert_int_equal(room_after(stage, 400, true, false), 1000);
    /* 250 have worked, so that 20 were not too many: two of their rows did not go together */
    assert_int_equal(room_after(stage, 20, true, true), 1000);
    assert_int_equal(room_after(stage, 1000, false, false), 1000);
    assert_int_equal(room_after(stage, 1000, true, true), 500);
    /* what has worked counts, whatever was believed */
    fill(stage, 600, TASKS, "{}");
    bulk_note(stage->tasks, true, stage->rebase);
    assert_int_equal(bulk_room(stage->tasks, stage->rebase), 600);
    stage->tasks[0].claim.bulk = 10;
    assert_int_equal(bulk_room(stage->tasks, stage->rebase), 10);
}

static void odd_halves_and_single_rows(void **state)
{
    struct stage *stage = *state;

    assert_int_equal(room_after(stage, 2, true, true), 1);
    assert_int_equal(room_after(stage, 3, true, true), 2);
    assert_int_equal(room_after(stage, 5, true, true), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_request_has_an_item_for_each_job, begin, end),
        cmocka_unit_test_setup_teardown(a_request_ends_at_its_rows_and_its_bytes, begin, end),
        cmocka_unit_test_setup_teardown(other_schemas_and_columns_are_other_requests, begin, end),
        cmocka_unit_test_setup_teardown(an_answer_is_of_one_of_three_kinds, begin, end),
        cmocka_unit_test_setup_teardown(what_an_answer_says_to_all_jobs_is_read_once, begin, end),
        cmocka_unit_test_setup_teardown(an_answer_for_a_job_is_that_of_its_result, begin, end),
        cmocka_unit_test_setup_teardown(a_refused_request_is_cut_in_two, begin, end),
        cmocka_unit_test_setup_teardown(a_maximum_is_believed_when_both_halves_work, begin, end),
        cmocka_unit_test_setup_teardown(odd_halves_and_single_rows, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
