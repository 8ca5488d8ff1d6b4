/* How answers become outcomes: the facts for the policy, and the texts for people. */
#include "tests/unit/task_scene.h"

/* Who made the next version: the id of the record shows it, else its fields, else the audit log is
 * asked. */
static void a_read_back_shows_who_made_the_version(void **state)
{
    static const struct {
        const char *body;
        enum job_state state;
        const char *evidence;
    } rows[] = {
        {RECORD("6", "{\"n\":2}", BY(OURS)), JOB_APPLIED, "the record carries our correlation id"},
        {RECORD("6", "{\"n\":2}", BY(OTHER)), JOB_CONFLICT,
         "the next version carries another correlation id"},
        {RECORD("6", "{\"n\":1}", BY(OTHER)), JOB_UNCHANGED,
         "the record holds these values already"},
        {RECORD("6", "{\"n\":1,\"m\":2}", BY(OTHER)), JOB_CONFLICT,
         "the next version carries another correlation id"},
        {RECORD("6", "{\"n\":1}", BY(OURS) ",\"entities\":[]"), JOB_APPLIED,
         "the record carries our correlation id"},
        /* an id that is not a UUID identifies nobody */
        {RECORD("6", "{\"n\":1}", BY("sync-7")), JOB_APPLIED,
         "the next version holds our fields, without a correlation id"},
        {RECORD("6", "{\"n\":2}", BY("sync-7")), JOB_UNKNOWN,
         "the next version holds other fields, without a correlation id"},
        {RECORD("6", "{\"n\":2}", BY("")), JOB_UNKNOWN,
         "the next version holds other fields, without a correlation id"},
        {RECORD("6", "{\"n\":2}", BY("00000000-0000-0000-0000-000000000000")), JOB_UNKNOWN,
         "the next version holds other fields, without a correlation id"},
        {RECORD("6", "{\"n\":1.0,\"m\":2}", ""), JOB_APPLIED,
         "the next version holds our fields, without a correlation id"},
        {RECORD("6", "{\"n\":2}", ""), JOB_UNKNOWN,
         "the next version holds other fields, without a correlation id"},
        {RECORD("6", "{\"n\":1}", ",\"metadata\":{}"), JOB_APPLIED,
         "the next version holds our fields, without a correlation id"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct claim_outcome *outcome = take(*state, 200, rows[i].body);

        assert_string_equal(outcome->evidence, rows[i].evidence);
        assert_int_equal(outcome->state, rows[i].state);
        if (rows[i].state != JOB_UNKNOWN)
            assert_int_equal(outcome->job_status, rows[i].state == JOB_CONFLICT ? 409 : 0);
    }
}

/* A property that the server changes by itself proves nothing, on either side. */
static void what_the_target_ignores_is_not_compared(void **state)
{
    static const struct {
        const char *fields;
        enum job_state state;
    } rows[] = {
        {"{\"n\":1}", JOB_APPLIED},
        {"{\"n\":1,\"seen\":\"now\"}", JOB_APPLIED},
        {"{\"n\":2,\"seen\":\"then\"}", JOB_UNKNOWN},
    };
    struct stage *stage = *state;
    char folder[SCRATCH_SIZE];

    scratch_make(folder);
    scratch_schema(
        folder, "Item", "\"n\":{\"type\":\"integer\"},\"seen\":{\"type\":\"string\"}",
        "\"write\":\"replace\",\"target\":{\"preset\":\"guide\",\"read\":{\"ignore\":[\"seen\"]}}");
    rebase_close(stage->rebase);
    stage->rebase = rebase_open(folder);
    buf_reset(&stage->task.claim.text);
    buf_append_text(&stage->task.claim.text, "ItemA{\"n\":1,\"seen\":\"then\"}");
    stage->task.claim.fields_size = stage->task.claim.text.size - 5;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char body[128];

        snprintf(body, sizeof body, "{\"id\":\"A\",\"version\":6,\"fields\":%s}", rows[i].fields);
        assert_int_equal(take(stage, 200, body)->state, rows[i].state);
    }
    scratch_remove(folder);
}

/* A record without its fields is not a record, for a read-back and for a fetch. */
static void a_record_without_fields_does_not_count(void **state)
{
    static const char *const bodies[] = {
        "{\"id\":\"A\",\"version\":6}",
        RECORD("6", "null", ""),
        RECORD("6", "\"{}\"", BY(OURS)),
        RECORD("6", "[]", BY(OTHER)),
        RECORD("6", "7", ""),
        "{\"id\":\"A\",\"version\":5,\"field\":{}}",
    };
    struct stage *stage = *state;

    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        stage->task.claim.request = REQUEST_READ_BACK;
        assert_int_equal(take(stage, 200, bodies[i])->state, JOB_UNKNOWN);
        assert_int_equal(stage->task.claim.outcome.readbacks, 1);
        stage->task.claim.request = REQUEST_FETCH;
        assert_int_equal(take(stage, 200, bodies[i])->state, JOB_PENDING);
        assert_int_equal(stage->task.claim.outcome.next, POLICY_BY_STATE);
        /* after an update only the version counts */
        stage->task.claim.request = REQUEST_UPDATE;
        assert_int_equal(take(stage, 200, bodies[i])->state, JOB_APPLIED);
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
    assert_null(outcome->audit_entry); /* it was not asked */
    stage->task.claim.request = REQUEST_AUDIT;
    stage->task.claim.shown_version = 9;
    outcome = take(stage, 200, "{\"entities\":[" ENTRY "]}");
    assert_int_equal(outcome->state, JOB_CONFLICT);
    assert_string_equal(
        outcome->error_message,
        "someone else changed the record: version 5 was submitted, the server has 9");
    assert_null(outcome->server_record); /* it is stored already */
    assert_string_equal(outcome->audit_entry, ENTRY);
    stage->task.claim.doubt = false;
    stage->task.claim.asked_ms = 60000;
    assert_string_equal(take(stage, 200, "{\"entities\":[]}")->audit_entry, "null");
    /* unless a page before had it, which is stored already */
    stage->task.claim.has_entry = true;
    outcome = take(stage, 200, "{\"entities\":[]}");
    assert_true(outcome->proven);
    assert_null(outcome->audit_entry);
    stage->task.claim.has_entry = false;
    stage->task.claim.request = REQUEST_READ_BACK;
    stage->task.claim.looks_again = true;
    outcome = take(stage, 200, RECORD("1", "{}", ""));
    assert_true(outcome->ahead);
    assert_string_equal(outcome->error_message,
                        "version 5 was submitted, the record is at 1: check where the file's "
                        "versions come from");
}

/* It is known by its id, or by the version that the server gave it. */
static void a_conflict_with_another_job_of_ours_names_it(void **state)
{
    static const char message[] =
        "our own 3/812 changed the record: version 5 was submitted, the server has 6";
    struct stage *stage = *state;

    stage->task.claim.doubt = false;
    add_sibling(stage, -1);
    assert_string_equal(take(stage, 200, RECORD("6", "{}", BY(OWN)))->error_message, message);
    add_sibling(stage, 6);
    assert_string_equal(take(stage, 200, RECORD("6", "{}", ""))->error_message, message);
    add_sibling(stage, 4);
    assert_string_equal(
        take(stage, 200, RECORD("6", "{}", ""))->error_message,
        "someone else changed the record: version 5 was submitted, the server has 6");
    stage->task.claim.request = REQUEST_AUDIT;
    stage->task.claim.shown_version = 6;
    assert_string_equal(take(stage, 200,
                             "{\"entities\":[{\"entityId\":\"A\",\"version\":6,"
                             "\"requestCorrelationId\":\"" OWN "\"}]}")
                            ->error_message,
                        message);
}

static void a_later_row_that_was_never_sent_is_of_another_copy_of_the_database(void **state)
{
    static const struct {
        int64_t job_id;
        bool is_sent, is_copied;
    } rows[] = {{0, false, true}, {0, true, false}, {4000000001, false, false}};
    struct stage *stage = *state;
    struct claim *claim = &stage->task.claim;

    claim->doubt = false;
    claim->keeps_record = true;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct claim_outcome *outcome;

        add_sibling(stage, -1);
        ((struct claim_sibling *)(void *)claim->siblings.data)->is_sent = rows[i].is_sent;
        claim->job_id = rows[i].job_id;
        outcome = take(stage, 200, RECORD("8", "{\"n\":1}", BY(OWN)));
        assert_int_equal(outcome->is_copied, rows[i].is_copied);
        assert_int_equal(outcome->shows_record, !rows[i].is_copied);
        assert_int_equal(outcome->state, rows[i].is_copied ? JOB_UNKNOWN : JOB_UNCHANGED);
        assert_int_equal(outcome->was_there, true);
    }
    claim->request = REQUEST_AUDIT;
    claim->asked_ms = 60000;
    claim->shown_version = 8;
    claim->is_copied = true;
    assert_string_equal(take(stage, 200, "{\"entities\":[]}")->error_message,
                        "another copy of this database sent a later row of the record, which is at "
                        "version 8, and nothing shows that it sent this one");
}

/* The job keeps status, code and message of the PUT, followed by what the read-back showed. */
static void a_job_keeps_the_cause_of_its_read_back(void **state)
{
    struct stage *stage = *state;
    struct claim *claim = &stage->task.claim;
    const struct claim_outcome *outcome;

    claim->put_status = 500;
    snprintf(claim->put_error, sizeof claim->put_error, "internal error");
    claim->attempts = 12;
    outcome = take(stage, 200, RECORD("5", "{}", ""));
    assert_int_equal(outcome->state, JOB_FAILED);
    assert_int_equal(outcome->http_status, 200);
    assert_int_equal(outcome->job_status, 500);
    assert_true(outcome->code_stays);
    assert_string_equal(outcome->error_message,
                        "internal error; the record's version shows that it did not land");
    claim->readbacks = 11;
    outcome = take(stage, 502, "{\"message\":\"bad gateway\"}");
    assert_int_equal(outcome->state, JOB_FAILED);
    assert_int_equal(outcome->job_status, 500);
    assert_string_equal(outcome->error_message, "internal error; the read-back: bad gateway");
    assert_string_equal(outcome->attempt_error, "bad gateway");
    /* without an answer */
    claim->put_status = 0;
    snprintf(claim->put_error, sizeof claim->put_error, "timed out");
    claim->readbacks = 0;
    outcome = take(stage, 200, RECORD("7", "{}", ""));
    assert_int_equal(outcome->job_status, CLAIM_STATUS_NONE);
    assert_string_equal(outcome->error_message,
                        "timed out; the record has moved on beyond the next version");
    /* because a second 401 means something else than the first */
    assert_int_equal(take(stage, 401, "{}")->job_status, 0);
    assert_int_equal(claim->outcome.http_status, 401);
    assert_false(claim->outcome.code_stays);
}

static void a_record_that_moved_on_is_kept_until_the_audit_log_answers(void **state)
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
    /* it did not land: the job ends with what the server said then */
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

/* A look keeps what the record holds at the version of the PUT, which is sent in any case. */
static void a_look_keeps_the_version_that_the_put_replaces(void **state)
{
    static const struct {
        long status;
        const char *body;
        bool looks_again;
        enum job_state state;
        enum policy_next next;
        const char *kept;
    } rows[] = {
        {200, RECORD("5", "{\"m\": 1.0}", BY(OTHER)), false, JOB_PENDING, POLICY_NEXT_SEND,
         "{\"m\": 1.0}"},
        {200, RECORD("5", "{\"n\":1,\"m\":2}", ""), false, JOB_PENDING, POLICY_NEXT_SEND,
         "{\"n\":1,\"m\":2}"},
        {200, RECORD("5", "{\"n\":1.0}", ""), false, JOB_UNCHANGED, POLICY_BY_STATE, NULL},
        {200, RECORD("6", "{\"n\":1}", BY(OTHER)), false, JOB_PENDING, POLICY_NEXT_SEND, NULL},
        {200, RECORD("6", "{\"m\":1}", BY(OTHER)), false, JOB_PENDING, POLICY_NEXT_SEND, NULL},
        {200, RECORD("4", "{\"m\":1}", ""), false, JOB_PENDING, POLICY_BY_STATE, NULL},
        {200, RECORD("4", "{\"m\":1}", ""), true, JOB_PENDING, POLICY_NEXT_SEND, NULL},
        {404, "{}", false, JOB_PENDING, POLICY_NEXT_SEND, NULL},
        {200, RECORD("6", "{\"n\":1}", BY(OURS)), false, JOB_APPLIED, POLICY_BY_STATE, NULL},
        {400, "{}", false, JOB_REFUSED, POLICY_BY_STATE, NULL},
        {503, "{}", false, JOB_PENDING, POLICY_BY_STATE, NULL},
    };
    struct stage *stage = *state;
    struct claim *claim = &stage->task.claim;
    struct buf kept = {0};
    struct err err = {0};

    claim->request = REQUEST_FETCH;
    claim->is_look = claim->keeps_before = true;
    claim->doubt = false;
    claim->attempts = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct claim_outcome *outcome;

        claim->looks_again = rows[i].looks_again;
        outcome = take(stage, rows[i].status, rows[i].body);
        assert_int_equal(outcome->state, rows[i].state);
        assert_int_equal(outcome->next, rows[i].next);
        assert_int_equal(outcome->looks_again, rows[i].state == JOB_PENDING &&
                                                   rows[i].next == POLICY_BY_STATE &&
                                                   rows[i].status == 200);
        assert_null(outcome->fields);
        assert_int_equal(outcome->before != NULL, rows[i].kept != NULL);
        if (!rows[i].kept)
            continue;
        buf_reset(&kept);
        assert_true(before_unpack(
            (struct span){(const char *)outcome->before->packed, outcome->before->packed_size},
            outcome->before->size, &kept, &err));
        assert_string_equal(buf_text(&kept), rows[i].kept);
    }
    buf_release(&kept);
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

/* The job is as before the request, and the next run tries it last. */
static void a_refusal_that_concerned_the_run_changes_nothing_for_the_job(void **state)
{
    static const long statuses[] = {301, 403, 404, 422, 501};
    struct stage *stage = *state;
    struct claim *claim = &stage->task.claim;

    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        claim->request = REQUEST_UPDATE;
        claim->doubt = false;
        take(stage, statuses[i], "{}");
        assert_int_equal(claim->outcome.state, JOB_REFUSED);
        task_spare(&stage->task, 2000);
        assert_int_equal(claim->outcome.state, JOB_PENDING);
        assert_false(claim->outcome.doubt);
        assert_true(claim->outcome.excused);
        assert_int_equal(claim->outcome.run_retries, UINT16_MAX);
        assert_int_equal(claim->outcome.not_before_ms, 2000);
    }
    claim->doubt = true;
    take(stage, 403, "{}");
    assert_int_equal(claim->outcome.state, JOB_UNKNOWN);
    task_spare(&stage->task, 2000);
    assert_int_equal(claim->outcome.state, JOB_PENDING);
    assert_true(claim->outcome.doubt);
    claim->request = REQUEST_READ_BACK;
    claim->readbacks = 11;
    take(stage, 403, "{}");
    assert_int_equal(claim->outcome.state, JOB_FAILED);
    task_spare(&stage->task, 2000);
    assert_int_equal(claim->outcome.state, JOB_UNKNOWN);
    assert_int_equal(claim->outcome.readbacks, 11);
    assert_false(claim->outcome.unsettled);
}

static void a_request_is_built_from_the_claim(void **state)
{
    enum { LARGE = 100000 };
    struct stage *stage = *state;
    struct claim *claim = &stage->task.claim;
    struct http_request request;
    char *large = mem_calloc(LARGE + 1, 1);
    size_t fields = strlen("ItemA");

    request = request_of(stage);
    assert_int_equal(request.method, HTTP_GET);
    assert_string_equal(request.url, "https://api/api/v2/customobjects/schemas/Item/records/A");
    assert_null(request.content_type);
    claim->request = REQUEST_AUDIT;
    claim->page = 3;
    request = request_of(stage);
    assert_non_null(strstr(request.url, "/auditlogs?entityIds=A&"));
    assert_non_null(strstr(request.url, "pageNumber=3"));
    claim->request = REQUEST_READ_BACK;
    assert_string_equal(request_of(stage).url,
                        "https://api/api/v2/customobjects/schemas/Item/records/A");

    claim->request = REQUEST_UPDATE;
    request = request_of(stage);
    assert_int_equal(request.method, HTTP_PUT);
    assert_false(request.new_connection);
    assert_non_null(memmem(request.body.data, request.body.size, "\"tags\":[\"default\"]", 18));
    claim->http_status = 421;
    assert_true(request_of(stage).new_connection);
    claim->http_status = 425;
    assert_true(request_of(stage).new_connection);

    /* a row with its own tags, and fields that are too large for their buffer to be kept */
    memset(large, 'x', LARGE);
    buf_reset(&claim->text);
    buf_printf(&claim->text, "ItemA{\"n\":\"%s\"}[\"own\"]", large);
    claim->tags_size = strlen("[\"own\"]");
    claim->fields_size = claim->text.size - fields - claim->tags_size;
    request = request_of(stage);
    assert_non_null(memmem(request.body.data, request.body.size, "\"tags\":[\"own\"]", 14));
    buf_reset(&claim->text);
    buf_append_text(&claim->text, "ItemA{\"n\":1}");
    claim->tags_size = 0;
    claim->fields_size = claim->text.size - fields;
    request_of(stage);
    assert_true(stage->task.body.capacity < LARGE);
    free(large);
}

/* First in, first out; what is pushed comes first. */
static void a_list_of_tasks_keeps_their_order(void **state)
{
    struct task tasks[3] = {0};
    struct task_list list;

    (void)state;
    task_list_init(&list);
    assert_null(task_list_take(&list));
    for (int i = 0; i < 2; i++) { /* the second time after it was empty */
        task_list_push(&list, &tasks[1]);
        task_list_add(&list, &tasks[2]);
        task_list_push(&list, &tasks[0]);
        assert_int_equal(list.count, 3);
        for (int n = 0; n < 3; n++)
            assert_ptr_equal(task_list_take(&list), &tasks[n]);
        assert_int_equal(list.count, 0);
        assert_null(task_list_take(&list));
        task_list_add(&list, &tasks[0]);
        assert_ptr_equal(task_list_take(&list), &tasks[0]);
    }
}

static void a_buffer_of_up_to_64_kib_is_kept(void **state)
{
    struct buf buf = {0};

    (void)state;
    buf_reserve(&buf, 64 << 10);
    assert_int_equal(buf.capacity, 64 << 10);
    buf_append_char(&buf, 'x');
    task_reset(&buf);
    assert_int_equal(buf.size, 0);
    assert_int_equal(buf.capacity, 64 << 10);
    buf_reserve(&buf, (64 << 10) + 1);
    task_reset(&buf);
    assert_int_equal(buf.capacity, 0);
    buf_release(&buf);
}

/* A transfer that failed has an error of its own, and no status. */
static void without_an_answer_the_attempt_says_why(void **state)
{
    static const struct {
        enum http_end end;
        enum job_state state;
        bool left;
    } rows[] = {
        {HTTP_NEVER_LEFT, JOB_PENDING, false}, {HTTP_UNTRUSTED, JOB_PENDING, false},
        {HTTP_PROXY, JOB_PENDING, false},      {HTTP_CUT, JOB_UNKNOWN, true},
        {HTTP_TOO_LARGE, JOB_UNKNOWN, true},
    };
    struct stage *stage = *state;

    stage->task.claim.request = REQUEST_UPDATE;
    stage->task.claim.keeps_record = true;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct http_answer answer = {.end = rows[i].end,
                                           .status = 200,
                                           .body = span_of(RECORD("6", "{}", "")),
                                           .ended_ms = 7,
                                           .latency_us = 8,
                                           .error = "the cable was cut",
                                           .correlation = "corr",
                                           .retry_after_ms = -1};
        const struct claim_outcome *outcome = take_answer(stage, &answer);

        assert_int_equal(outcome->state, rows[i].state);
        assert_int_equal(outcome->left, rows[i].left);
        assert_int_equal(outcome->http_status, 0);
        assert_string_equal(outcome->attempt_error, "the cable was cut");
        assert_string_equal(outcome->error_message, "the cable was cut");
        assert_string_equal(outcome->error_code, "");
        assert_string_equal(outcome->correlation_header, "corr");
        assert_int_equal(outcome->ended_ms, 7);
        assert_int_equal(outcome->latency_us, 8);
        assert_false(outcome->shows_record);
        assert_false(outcome->was_there);
        assert_false(outcome->untouched);
        assert_false(outcome->last);
    }
}

/* What an answer shows is kept for later rows of the record. */
static void a_record_is_kept_with_who_made_it(void **state)
{
    static const struct {
        enum job_request request;
        const char *body;
        bool shows_ours;
        const char *kept;
    } rows[] = {
        {REQUEST_READ_BACK, RECORD("6", "{\"n\":1}", BY(OURS)), true, "{\"n\":1}"},
        {REQUEST_READ_BACK, RECORD("6", "{\"n\":2}", BY(OTHER)), false, "{\"n\":2}"},
        {REQUEST_READ_BACK, RECORD("6", "{\"n\":3}", ""), false, "{\"n\":3}"},
        {REQUEST_READ_BACK, RECORD("6", "{\"n\":4}", BY("sync-7")), false, "{\"n\":4}"},
        {REQUEST_UPDATE, "{\"id\":\"A\",\"version\":6}", false, ""},
    };
    struct stage *stage = *state;
    struct claim *claim = &stage->task.claim;

    claim->keeps_record = true;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        claim->request = rows[i].request;
        assert_true(take(stage, 200, rows[i].body)->shows_record);
        assert_int_equal(claim->outcome.shows_ours, rows[i].shows_ours);
        assert_string_equal(buf_text(&claim->record), rows[i].kept);
    }
    claim->request = REQUEST_READ_BACK;
    assert_false(take(stage, 404, "{}")->shows_record);
    claim->keeps_record = false;
    assert_false(take(stage, 200, RECORD("6", "{\"n\":1}", BY(OURS)))->shows_record);
}

/* Jobs of bulk requests are due together. */
static void a_job_of_a_bulk_request_is_due_at_a_full_second(void **state)
{
    static const struct {
        unsigned bulk;
        int64_t now_ms, least_ms, most_ms;
    } rows[] = {{0, 1001, 2001, 2501}, {9, 1001, 3000, 3000}, {9, 2000, 3000, 4000}};
    struct stage *stage = *state;
    struct claim *claim = &stage->task.claim;

    claim->request = REQUEST_UPDATE;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        claim->bulk = rows[i].bulk;
        stage->now_ms = rows[i].now_ms;
        assert_in_range(take(stage, 408, "{}")->not_before_ms, rows[i].least_ms, rows[i].most_ms);
        assert_int_equal(rows[i].bulk ? claim->outcome.not_before_ms % 1000 : 0, 0);
        assert_int_equal(take(stage, 409, "{}")->not_before_ms, rows[i].now_ms); /* at once */
    }
}

/* The cause of a read-back is that of its own update. */
static void a_message_has_the_cause_only_where_there_is_one(void **state)
{
    struct stage *stage = *state;
    struct claim *claim = &stage->task.claim;

    claim->readbacks = 11;
    assert_string_equal(take(stage, 502, "{\"message\":\"bad gateway\"}")->error_message,
                        "bad gateway");
    snprintf(claim->put_error, sizeof claim->put_error, "timed out");
    assert_string_equal(take(stage, 200, RECORD("6", "{\"n\":1}", BY(OURS)))->error_message, "");
    assert_int_equal(claim->outcome.state, JOB_APPLIED);
    assert_string_equal(take(stage, 200, RECORD("6", "{\"n\":1}", BY(OTHER)))->error_message, "");
    assert_int_equal(claim->outcome.state, JOB_UNCHANGED);
    claim->request = REQUEST_UPDATE;
    assert_string_equal(take(stage, 500, "{\"message\":\"again\"}")->error_message, "again");
}

/* Of the header first, whatever it says; the message counts without it. */
static void the_wait_of_the_header_counts_before_that_of_the_message(void **state)
{
    static const struct {
        int64_t header_ms, pause_ms;
    } rows[] = {{-1, 7000}, {0, 0}, {2000, 2000}};
    struct stage *stage = *state;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        take_answer(stage,
                    &(struct http_answer){
                        .end = HTTP_DONE,
                        .status = 503,
                        .body = span_of("{\"message\":\"Retry the request in [7] seconds\"}"),
                        .retry_after_ms = rows[i].header_ms});
        assert_int_equal(stage->verdict.pause_ms, rows[i].pause_ms);
        assert_int_equal(stage->verdict.run, POLICY_PAUSE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_STAGE(a_read_back_shows_who_made_the_version),
        ON_STAGE(what_the_target_ignores_is_not_compared),
        ON_STAGE(a_record_without_fields_does_not_count),
        ON_STAGE(a_conflict_names_both_versions_whoever_proved_it),
        ON_STAGE(a_conflict_with_another_job_of_ours_names_it),
        ON_STAGE(a_later_row_that_was_never_sent_is_of_another_copy_of_the_database),
        ON_STAGE(a_job_keeps_the_cause_of_its_read_back),
        ON_STAGE(a_record_that_moved_on_is_kept_until_the_audit_log_answers),
        ON_STAGE(a_refusal_in_doubt_keeps_what_the_server_said),
        ON_STAGE(a_look_keeps_the_version_that_the_put_replaces),
        ON_STAGE(a_refused_fetch_says_why_itself),
        ON_STAGE(a_refusal_that_concerned_the_run_changes_nothing_for_the_job),
        ON_STAGE(a_request_is_built_from_the_claim),
        ON_STAGE(the_wait_of_the_header_counts_before_that_of_the_message),
        ON_STAGE(a_list_of_tasks_keeps_their_order),
        ON_STAGE(a_buffer_of_up_to_64_kib_is_kept),
        ON_STAGE(without_an_answer_the_attempt_says_why),
        ON_STAGE(a_record_is_kept_with_who_made_it),
        ON_STAGE(a_job_of_a_bulk_request_is_due_at_a_full_second),
        ON_STAGE(a_message_has_the_cause_only_where_there_is_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
