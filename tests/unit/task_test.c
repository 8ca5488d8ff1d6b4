/* What of an answer becomes an outcome: the facts that are judged, and what a person is told. */
#include "core/drain/task.h"

#include "core/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#define OURS  "00000000-0000-0000-0000-000000000000" /* of a claim that is zeroed */
#define OTHER "11111111-2222-4333-8444-555555555555"

/* A job with fields {"n":1} whose PUT carried version 5 and may have landed. */
struct stage {
    struct task task;
    struct api_fault fault;
    struct policy_verdict verdict;
};

static int begin(void **state)
{
    static const char text[] = "ItemA{\"n\":1}";
    struct stage *stage = mem_calloc(1, sizeof *stage);
    struct claim *claim = &stage->task.claim;

    claim->request = REQUEST_READ_BACK;
    claim->version = 5;
    claim->attempts = 1;
    claim->doubt = true;
    claim->page = 1;
    buf_append_text(&claim->text, text);
    claim->schema_size = 4;
    claim->record_id_size = 1;
    claim->fields_size = sizeof text - 6;
    *state = stage;
    return 0;
}

static void forget_outcome(struct claim_outcome *outcome)
{
    free(outcome->server_record);
    free(outcome->fields);
    for (size_t i = 0; i < outcome->violation_count; i++) {
        free(outcome->violations[i].field);
        free(outcome->violations[i].code);
        free(outcome->violations[i].message);
    }
    free(outcome->violations);
    *outcome = (struct claim_outcome){0};
}

static int end(void **state)
{
    struct stage *stage = *state;

    forget_outcome(&stage->task.claim.outcome);
    task_release(&stage->task);
    free(stage);
    return 0;
}

static const struct claim_outcome *take(struct stage *stage, long status, const char *body)
{
    struct http_answer answer = {
        .end = HTTP_DONE, .status = status, .body = span_of(body), .retry_after_ms = -1};
    struct task_reader reader = {
        .limits = {.max_retries = 3, .max_attempts = 12, .run_succeeded = true},
        .now_ms = 1000,
        .fault = &stage->fault,
    };
    struct err err = {0};

    forget_outcome(&stage->task.claim.outcome);
    if (!task_answer(&stage->task, &answer, &reader, &stage->verdict, &err))
        fail_msg("%s", err.text);
    return &stage->task.claim.outcome;
}

#define RECORD(version, fields, metadata)                                                          \
    "{\"id\":\"A\",\"version\":" version ",\"fields\":" fields metadata "}"
#define BY(id) ",\"metadata\":{\"requestCorrelationId\":\"" id "\"}"

/* Of the next version; where the record tells no id, its fields do. */
static void a_read_back_tells_whose_the_record_is(void **state)
{
    static const struct {
        const char *body;
        enum job_state state;
        const char *evidence;
    } rows[] = {
        {RECORD("6", "{\"n\":2}", BY(OURS)), JOB_APPLIED, "the record carries our correlation id"},
        {RECORD("6", "{\"n\":1}", BY(OTHER)), JOB_CONFLICT,
         "the next version carries another correlation id"},
        /* one that is no UUID is another's too */
        {RECORD("6", "{\"n\":1}", BY("sync-7")), JOB_CONFLICT,
         "the next version carries another correlation id"},
        {RECORD("6", "{\"n\":1.0,\"m\":2}", ""), JOB_APPLIED,
         "the next version holds our fields, without a correlation id"},
        {RECORD("6", "{\"n\":2}", ""), JOB_CONFLICT, "the next version holds other fields"},
        {RECORD("6", "{\"n\":1}", ",\"metadata\":{}"), JOB_APPLIED,
         "the next version holds our fields, without a correlation id"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct claim_outcome *outcome = take(*state, 200, rows[i].body);

        assert_int_equal(outcome->state, rows[i].state);
        assert_string_equal(outcome->evidence, rows[i].evidence);
        assert_int_equal(outcome->job_status, rows[i].state == JOB_CONFLICT ? 409 : 0);
    }
}

static void a_conflict_names_both_versions_whoever_proved_it(void **state)
{
    struct stage *stage = *state;
    const struct claim_outcome *outcome = take(stage, 200, RECORD("6", "{}", BY(OTHER)));

    assert_string_equal(
        outcome->error_message,
        "someone else changed the record: version 5 was submitted, the server has 6");
    assert_string_equal(outcome->server_record, RECORD("6", "{}", BY(OTHER)));
    stage->task.claim.request = REQUEST_AUDIT;
    stage->task.claim.shown_version = 9;
    outcome = take(stage, 200, "{\"entities\":[{\"entityId\":\"A\",\"version\":6}]}");
    assert_int_equal(outcome->state, JOB_CONFLICT);
    assert_string_equal(
        outcome->error_message,
        "someone else changed the record: version 5 was submitted, the server has 9");
    assert_null(outcome->server_record); /* it is stored already */
}

static void a_record_that_moved_on_is_kept_for_the_audit_logs_answer(void **state)
{
    const struct claim_outcome *outcome = take(*state, 200, RECORD("7", "{}", ""));

    assert_int_equal(outcome->state, JOB_UNKNOWN);
    assert_int_equal(outcome->next, POLICY_NEXT_AUDIT);
    assert_string_equal(outcome->server_record, RECORD("7", "{}", ""));
    assert_null(take(*state, 404, "{}")->server_record);
}

#define INVALID                                                                                    \
    "{\"message\":\"invalid\",\"code\":\"bad.field\",\"validationErrors\":[{\"field\":\"n\","      \
    "\"code\":\"low\",\"message\":\"too low\"}]}"

static void a_refusal_in_doubt_keeps_what_the_server_said(void **state)
{
    struct stage *stage = *state;
    const struct claim_outcome *outcome;

    stage->task.claim.request = REQUEST_UPDATE;
    outcome = take(stage, 422, INVALID);
    assert_int_equal(outcome->state, JOB_UNKNOWN);
    assert_int_equal(outcome->violation_count, 1);
    assert_string_equal(outcome->violations[0].field, "n");
    assert_string_equal(outcome->error_code, "bad.field");
    assert_string_equal(outcome->error_message, "invalid");
    assert_false(outcome->error_stays);
    /* it did not land: what was said then is what the job ends with */
    stage->task.claim.request = REQUEST_READ_BACK;
    stage->task.claim.put_status = 422;
    outcome = take(stage, 200, RECORD("5", "{}", ""));
    assert_int_equal(outcome->state, JOB_REFUSED);
    assert_int_equal(outcome->job_status, 422);
    assert_int_equal(outcome->http_status, 200);
    assert_true(outcome->error_stays);
    /* it did land */
    outcome = take(stage, 200, RECORD("6", "{}", BY(OURS)));
    assert_int_equal(outcome->state, JOB_APPLIED);
    assert_int_equal(outcome->job_status, 0);
    assert_false(outcome->error_stays);
}

static void a_refused_fetch_says_why_itself(void **state)
{
    static const long statuses[] = {400, 403};
    struct stage *stage = *state;

    stage->task.claim.request = REQUEST_FETCH;
    stage->task.claim.doubt = false;
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        const struct claim_outcome *outcome =
            take(stage, statuses[i], "{\"message\":\"not you\",\"code\":\"no\"}");

        assert_int_equal(outcome->state, JOB_REFUSED);
        assert_false(outcome->error_stays);
        assert_int_equal(outcome->http_status, statuses[i]);
        assert_string_equal(outcome->error_message, "not you");
    }
}

/* A 403 that was held: with a doubt it is read back now, and not in the next run. */
static void a_held_refusal_is_read_back_where_an_attempt_may_have_landed(void **state)
{
    struct stage *stage = *state;
    struct claim *claim = &stage->task.claim;

    claim->request = REQUEST_UPDATE;
    take(stage, 403, "{}");
    task_forbid(&stage->task, 2000);
    assert_int_equal(claim->outcome.state, JOB_UNKNOWN);
    assert_int_equal(claim->outcome.run_retries, 0);
    assert_int_equal(claim->outcome.not_before_ms, 2000);
    claim->doubt = false;
    take(stage, 403, "{}");
    task_forbid(&stage->task, 2000);
    assert_int_equal(claim->outcome.state, JOB_REFUSED);
    claim->request = REQUEST_READ_BACK;
    take(stage, 403, "{}");
    task_forbid(&stage->task, 2000);
    assert_int_equal(claim->outcome.state, JOB_UNKNOWN);
    assert_int_equal(claim->outcome.run_retries, UINT16_MAX);
}

#define ON_STAGE(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_STAGE(a_read_back_tells_whose_the_record_is),
        ON_STAGE(a_conflict_names_both_versions_whoever_proved_it),
        ON_STAGE(a_record_that_moved_on_is_kept_for_the_audit_logs_answer),
        ON_STAGE(a_refusal_in_doubt_keeps_what_the_server_said),
        ON_STAGE(a_refused_fetch_says_why_itself),
        ON_STAGE(a_held_refusal_is_read_back_where_an_attempt_may_have_landed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
