/* How answers become outcomes: the facts for the policy, and the texts for people. */
#include "core/drain/task.h"

#include "core/base/mem.h"
#include "tests/lib/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OURS  "0b5b4a3c-1111-4222-a333-44445555ff66"
#define OTHER "11111111-2222-4333-8444-555555555555"
#define OWN   "22222222-2222-4222-8222-222222222222" /* of job 3/812, when there is one */

static const unsigned char ours[16] = {0x0b, 0x5b, 0x4a, 0x3c, 0x11, 0x11, 0x42, 0x22,
                                       0xa3, 0x33, 0x44, 0x44, 0x55, 0x55, 0xff, 0x66};

/* A job with fields {"n":1} whose PUT carried version 5 and may have landed. */
struct stage {
    struct task task;
    struct api_fault fault;
    struct target_scratch scratch;
    struct policy_verdict verdict;
    struct rebase *rebase; /* without a schema file: `replace` */
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
    memcpy(claim->correlation, ours, sizeof ours);
    stage->rebase = rebase_open("no-such-folder");
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
    free(outcome->audit_entry);
    free(outcome->before);
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
    rebase_close(stage->rebase);
    target_scratch_release(&stage->scratch);
    free(stage);
    return 0;
}

static const struct claim_outcome *take_after(struct stage *stage, long status, const char *body,
                                              int64_t retry_after_ms)
{
    struct http_answer answer = {.end = HTTP_DONE,
                                 .status = status,
                                 .body = span_of(body),
                                 .retry_after_ms = retry_after_ms};
    struct task_reader reader = {
        .limits = {.max_attempts = 12, .audit_wait_ms = 60000, .kind_works = true},
        .now_ms = 1000,
        .rebase = stage->rebase,
        .fault = &stage->fault,
        .scratch = &stage->scratch,
    };
    struct err err = {0};

    forget_outcome(&stage->task.claim.outcome);
    if (!task_answer(&stage->task, &answer, &reader, &stage->verdict, &err))
        fail_msg("%s", err.text);
    return &stage->task.claim.outcome;
}

static const struct claim_outcome *take(struct stage *stage, long status, const char *body)
{
    return take_after(stage, status, body, -1);
}

#define RECORD(version, fields, metadata)                                                          \
    "{\"id\":\"A\",\"version\":" version ",\"fields\":" fields metadata "}"
#define BY(id) ",\"metadata\":{\"requestCorrelationId\":\"" id "\"}"

/* Job 3/812 of the same record; made: the version that its PUT came back with, or -1. */
static void add_sibling(struct stage *stage, int64_t made)
{
    struct claim_sibling sibling = {.job_id = 3000000812, .is_sent = true, .made_version = made};

    memset(sibling.correlation, 0x22, sizeof sibling.correlation);
    sibling.correlation[6] = 0x42;
    sibling.correlation[8] = 0x82;
    buf_reset(&stage->task.claim.siblings);
    buf_append(&stage->task.claim.siblings, (const char *)&sibling, sizeof sibling);
}

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

#define ENTRY "{\"entityId\":\"A\",\"version\":6,\"requestCorrelationId\":\"" OTHER "\"}"

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

#define AT(version, id)                                                                            \
    "{\"entityId\":\"A\",\"version\":" version ",\"requestCorrelationId\":\"" id "\"}"

/* A log can begin with the oldest entry or with the newest. */
static void the_pages_after_that_of_the_version_can_have_our_id(void **state)
{
    struct stage *stage = *state;
    struct claim *claim = &stage->task.claim;
    const struct claim_outcome *outcome;

    claim->request = REQUEST_AUDIT;
    outcome = take(stage, 200, "{\"entities\":[" AT("5", OTHER) "," ENTRY "],\"total\":3}");
    assert_int_equal(outcome->next, POLICY_NEXT_PAGE);
    assert_string_equal(outcome->audit_entry, ENTRY);
    claim->page = 2;
    claim->seen = 2;
    claim->page_hash = outcome->page_hash;
    claim->has_entry = true;
    outcome = take(stage, 200, "{\"entities\":[" AT("9", OURS) "," AT("8", OURS) "]}");
    assert_int_equal(outcome->state, JOB_APPLIED);
    assert_int_equal(outcome->server_version, 8);
    outcome = take(stage, 200, "{\"entities\":[" AT("7", OTHER) "]}");
    assert_int_equal(outcome->state, JOB_CONFLICT);
    assert_true(outcome->proven);
    claim->page = 1;
    claim->has_entry = false;
    outcome = take(stage, 200, "{\"entities\":[" ENTRY "," AT("5", OTHER) "],\"total\":99}");
    assert_int_equal(outcome->state, JOB_CONFLICT);
    assert_string_equal(outcome->audit_entry, ENTRY);
}

#define BY_USER(version, user, rest)                                                               \
    "{\"entityId\":\"A\",\"version\":" version ",\"user\":{\"id\":\"" user "\"}" rest "}"
#define OWN_ID ",\"requestCorrelationId\":\"" OWN "\""

/* On one page or on two. Another user proves nothing, because ours can have changed. */
static void the_user_of_an_entry_without_an_id_counts_where_ours_is_known(void **state)
{
    struct stage *stage = *state;
    struct claim *claim = &stage->task.claim;

    claim->request = REQUEST_AUDIT;
    add_sibling(stage, -1);
    assert_int_equal(
        take(stage, 200,
             "{\"entities\":[" BY_USER("6", "me", "") "," BY_USER("3", "me", OWN_ID) "]}")
            ->state,
        JOB_APPLIED);
    assert_int_equal(
        take(stage, 200,
             "{\"entities\":[" BY_USER("6", "you", "") "," BY_USER("3", "me", OWN_ID) "]}")
            ->state,
        JOB_UNKNOWN);
    assert_int_equal(
        take(stage, 200, "{\"entities\":[" BY_USER("6", "me", "") "],\"total\":2}")->next,
        POLICY_NEXT_PAGE);
    assert_string_equal(claim->outcome.entry_user, "me");
    assert_int_equal(claim->outcome.seen, 1);
    snprintf(claim->entry_user, sizeof claim->entry_user, "me");
    claim->page = 2;
    claim->seen = 1;
    claim->page_hash = claim->outcome.page_hash;
    assert_int_equal(
        take(stage, 200, "{\"entities\":[" BY_USER("3", "me", OWN_ID) "],\"total\":2}")->state,
        JOB_APPLIED);
    /* the same page again: it was the last one */
    assert_int_equal(
        take(stage, 200, "{\"entities\":[" BY_USER("6", "me", "") "],\"total\":3}")->next,
        POLICY_NEXT_AUDIT);
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

/* The request that the task leads to, with the options that a request depends on. */
static struct http_request request_of(struct stage *stage)
{
    struct drain_options options = {.tags = "[\"default\"]", .source = "erp", .timeout_ms = 7};
    struct task_sender sender = {.options = &options,
                                 .authorization = "Bearer x",
                                 .rebase = stage->rebase,
                                 .scratch = &stage->scratch};
    struct http_request request;
    struct err err = {0};

    snprintf(options.environment.api_url, sizeof options.environment.api_url, "https://api");
    assert_true(task_request(&stage->task, &sender, &request, &err));
    return request;
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

static void an_audit_page_shows_our_entry_or_is_not_one(void **state)
{
    struct stage *stage = *state;
    struct claim *claim = &stage->task.claim;
    const struct claim_outcome *outcome;

    claim->request = REQUEST_AUDIT;
    outcome = take(stage, 200,
                   "{\"entities\":[{\"entityId\":\"A\",\"version\":6,"
                   "\"requestCorrelationId\":\"" OURS "\"}]}");
    assert_int_equal(outcome->state, JOB_APPLIED);
    assert_int_equal(outcome->server_version, 6);
    outcome = take(stage, 200, "{\"message\":\"later\"}");
    assert_int_equal(outcome->state, JOB_UNKNOWN);
    assert_string_equal(outcome->attempt_error, "later");
    /* a log of more pages than are read */
    claim->page = 1000;
    outcome = take(stage, 200, "{\"entities\":[{\"entityId\":\"B\"}],\"total\":9999999}");
    assert_int_equal(outcome->next, POLICY_NEXT_AUDIT);
    /* the highest version has no next one */
    claim->version = INT64_MAX;
    outcome = take(stage, 200, "{\"entities\":[]}");
    assert_int_equal(outcome->state, JOB_UNKNOWN);
}

static void an_audit_entry_that_is_too_long_is_not_kept(void **state)
{
    struct stage *stage = *state;
    struct buf page = {0};
    const struct claim_outcome *outcome;

    stage->task.claim.request = REQUEST_AUDIT;
    for (int long_one = 0; long_one < 2; long_one++) {
        buf_reset(&page);
        buf_append_text(&page, "{\"entities\":[{\"entityId\":\"A\",\"version\":6,"
                               "\"requestCorrelationId\":\"" OTHER "\",\"note\":\"");
        for (int i = 0; long_one && i < 10000; i++)
            buf_append_text(&page, "0123456");
        buf_append_text(&page, "\"}]}");
        outcome = take(stage, 200, buf_text(&page));
        assert_int_equal(outcome->state, JOB_CONFLICT);
        assert_int_equal(strcmp(outcome->audit_entry, "null") == 0, long_one);
    }
    buf_release(&page);
}

#define ON_STAGE(test) cmocka_unit_test_setup_teardown(test, begin, end)

/* Of the header first, whatever it says; the message counts without it. */
static void the_wait_of_the_header_counts_before_that_of_the_message(void **state)
{
    static const struct {
        int64_t header_ms, pause_ms;
    } rows[] = {{-1, 7000}, {0, 0}, {2000, 2000}};
    struct stage *stage = *state;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        take_after(stage, 503, "{\"message\":\"Retry the request in [7] seconds\"}",
                   rows[i].header_ms);
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
        ON_STAGE(the_pages_after_that_of_the_version_can_have_our_id),
        ON_STAGE(the_user_of_an_entry_without_an_id_counts_where_ours_is_known),
        ON_STAGE(a_job_keeps_the_cause_of_its_read_back),
        ON_STAGE(a_record_that_moved_on_is_kept_until_the_audit_log_answers),
        ON_STAGE(a_refusal_in_doubt_keeps_what_the_server_said),
        ON_STAGE(a_look_keeps_the_version_that_the_put_replaces),
        ON_STAGE(a_refused_fetch_says_why_itself),
        ON_STAGE(a_refusal_that_concerned_the_run_changes_nothing_for_the_job),
        ON_STAGE(a_request_is_built_from_the_claim),
        ON_STAGE(the_wait_of_the_header_counts_before_that_of_the_message),
        ON_STAGE(an_audit_page_shows_our_entry_or_is_not_one),
        ON_STAGE(an_audit_entry_that_is_too_long_is_not_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
