/* How answers become outcomes where the lock is not a version, and what an update is built on. */
#include "tests/unit/task_scene.h"

#define AT_ROOT "\"write\":{\"method\":\"PUT\",\"path\":\"/i/{id}\"}"
#define NO_LOCK "\"write\":\"replace\",\"target\":{" AT_ROOT "}"
#define OPAQUE                                                                                     \
    "\"write\":\"replace\",\"target\":{" AT_ROOT                                                   \
    ",\"lock\":{\"read\":\"/rev\",\"write\":\"/rev\",\"answer\":\"/rev\"}}"

/* Has Item another schema file: with these settings, which give it that lock. */
static void set_schema(struct stage *stage, enum target_lock lock, const char *settings)
{
    char folder[SCRATCH_SIZE];

    scratch_make(folder);
    scratch_schema(folder, "Item", "\"n\":{\"type\":\"integer\"},\"m\":{\"type\":\"integer\"}",
                   settings);
    rebase_close(stage->rebase);
    stage->rebase = rebase_open(folder);
    assert_non_null(rebase_shape(stage->rebase, span_of("Item")));
    scratch_remove(folder);
    stage->task.claim.lock = lock;
}

/* The token that the update carried. */
static void set_token(struct stage *stage, const char *token)
{
    struct claim *claim = &stage->task.claim;

    buf_reset(&claim->base);
    buf_append_text(&claim->base, token);
    claim->token_size = claim->base.size;
}

static void an_update_is_done_though_the_answer_shows_no_record(void **state)
{
    static const struct {
        enum target_lock lock;
        long status;
        const char *body;
        enum job_state state;
    } rows[] = {
        {TARGET_NONE, 200, "", JOB_APPLIED},
        {TARGET_NONE, 201, "{}", JOB_APPLIED},
        {TARGET_NONE, 204, "", JOB_APPLIED},
        {TARGET_NONE, 200, "[]", JOB_APPLIED},
        {TARGET_NONE, 202, "", JOB_UNKNOWN},
        {TARGET_NONE, 200, "<html>", JOB_UNKNOWN},
        {TARGET_OPAQUE, 200, "", JOB_APPLIED},
        {TARGET_OPAQUE, 201, "[1]", JOB_APPLIED},
        {TARGET_OPAQUE, 204, "", JOB_APPLIED},
        {TARGET_OPAQUE, 201, "[1", JOB_UNKNOWN},
        {TARGET_OPAQUE, 202, "{}", JOB_UNKNOWN},
        {TARGET_STEP, 200, "", JOB_UNKNOWN},
        {TARGET_STEP, 204, "", JOB_UNKNOWN},
        {TARGET_STEP, 201, RECORD("6", "{}", ""), JOB_UNKNOWN},
        {TARGET_STEP, 200, "{\"id\":1}", JOB_UNKNOWN},
    };
    struct stage *stage = *state;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct claim_outcome *outcome;

        set_schema(stage, rows[i].lock,
                   rows[i].lock == TARGET_NONE     ? NO_LOCK
                   : rows[i].lock == TARGET_OPAQUE ? OPAQUE
                                                   : "");
        stage->task.claim.request = REQUEST_UPDATE;
        outcome = take(stage, rows[i].status, rows[i].body);
        if (outcome->state != rows[i].state)
            fail_msg("lock %d, %ld %s: %d", rows[i].lock, rows[i].status, rows[i].body,
                     outcome->state);
        assert_false(outcome->has_server_version);
        assert_int_equal(outcome->job_status, 0);
        assert_int_equal(outcome->attempt_error[0] == '\0', rows[i].state == JOB_APPLIED);
    }
}

/* Whatever the lock, an error is not a record. */
static void an_error_is_read_as_one(void **state)
{
    static const char *const settings[] = {
        [TARGET_STEP] = "", [TARGET_OPAQUE] = OPAQUE, [TARGET_NONE] = NO_LOCK};
    struct stage *stage = *state;
    struct claim *claim = &stage->task.claim;

    claim->doubt = false;
    for (size_t lock = 0; lock < sizeof settings / sizeof *settings; lock++) {
        set_schema(stage, (enum target_lock)lock, settings[lock]);
        claim->request = REQUEST_UPDATE;
        assert_int_equal(take(stage, 400, "{\"message\":\"bad\"}")->state, JOB_REFUSED);
        assert_string_equal(claim->outcome.error_message, "bad");
        claim->request = REQUEST_READ_BACK;
        assert_int_equal(take(stage, 500, "{\"message\":\"bad\",\"rev\":1}")->state, JOB_UNKNOWN);
        assert_string_equal(claim->outcome.error_message, "bad");
        assert_false(claim->outcome.has_server_version);
    }
}

/* ... whose record is read first where the update is built on it. */
static void a_record_that_was_to_be_created_and_is_there_is_updated(void **state)
{
    static const struct {
        enum target_lock lock;
        const char *rest;
        bool reads_first;
        enum policy_next next;
    } rows[] = {
        {TARGET_NONE, "", false, POLICY_NEXT_SEND},
        {TARGET_NONE, "", true, POLICY_NEXT_FETCH},
        {TARGET_OPAQUE, ",\"lock\":{\"read\":\"/rev\",\"write\":\"/rev\",\"answer\":\"/rev\"}",
         false, POLICY_NEXT_FETCH},
    };
    struct stage *stage = *state;
    struct claim *claim = &stage->task.claim;

    claim->request = REQUEST_UPDATE;
    claim->doubt = false;
    claim->creates = CREATES_MISSING;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char settings[512];

        snprintf(
            settings, sizeof settings,
            "\"write\":\"replace\",\"target\":{" AT_ROOT ",\"missing\":{\"method\":\"POST\","
            "\"path\":\"/new\",\"body\":{\"key\":\"{id}\"}},\"answers\":{\"409\":\"exists\"}%s}",
            rows[i].rest);
        set_schema(stage, rows[i].lock, settings);
        claim->reads_first = rows[i].reads_first;
        assert_int_equal(take(stage, 409, "{}")->next, rows[i].next);
        assert_int_equal(claim->outcome.state, JOB_PENDING);
        assert_int_equal(claim->outcome.creates, CREATES_NOT);
    }
}

/* A member that is null need not come back, but with a version it is compared. */
static void a_null_that_does_not_come_back_was_taken(void **state)
{
    struct stage *stage = *state;
    struct claim *claim = &stage->task.claim;

    buf_reset(&claim->text);
    buf_append_text(&claim->text, "ItemA{\"n\":1,\"m\":null}");
    claim->fields_size = claim->text.size - strlen("ItemA");
    assert_int_equal(take(stage, 200, RECORD("6", "{\"n\":1}", ""))->state, JOB_UNKNOWN);
    set_schema(stage, TARGET_NONE, NO_LOCK);
    assert_int_equal(take(stage, 200, "{\"n\":1}")->state, JOB_APPLIED);
}

static void a_read_back_compares_the_token(void **state)
{
    static const struct {
        const char *body;
        bool doubt;
        enum job_state state;
        const char *evidence, *message, *token;
    } rows[] = {
        {"{\"rev\":\"a\",\"n\":1}", true, JOB_PENDING, "the record shows that it did not land",
         "the record shows that it did not land", "\"a\""},
        {"{\"rev\":\"b\",\"n\":1}", true, JOB_APPLIED,
         "the record has changed since, and holds our fields", "", "\"b\""},
        {"{\"rev\":\"b\",\"n\":1}", false, JOB_UNCHANGED, "the record holds these values already",
         "", "\"b\""},
        {"{\"rev\":\"b\",\"n\":1,\"m\":2}", true, JOB_APPLIED,
         "the record has changed since, and holds our fields", "", "\"b\""},
        {"{\"rev\":\"b\",\"n\":2}", true, JOB_CONFLICT,
         "unproven: the record has changed, and holds other fields",
         "the record has changed, and it is not known who did that", "\"b\""},
        {"{\"rev\":\"b\",\"n\":2}", false, JOB_CONFLICT,
         "the record has changed, and no attempt of ours landed",
         "someone else changed the record since it was read", "\"b\""},
        {"{\"n\":1}", true, JOB_UNKNOWN, "",
         "HTTP 200 with a record that lacks the token of the lock at \"/rev\"", NULL},
        {"", true, JOB_UNKNOWN, "", "HTTP 200 without a body", NULL},
    };
    struct stage *stage = *state;

    set_schema(stage, TARGET_OPAQUE, OPAQUE);
    set_token(stage, "\"a\"");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct claim_outcome *outcome;

        stage->task.claim.doubt = rows[i].doubt;
        outcome = take(stage, 200, rows[i].body);
        assert_string_equal(outcome->evidence, rows[i].evidence);
        assert_int_equal(outcome->state, rows[i].state);
        assert_string_equal(outcome->error_message, rows[i].message);
        if (rows[i].token)
            assert_string_equal(outcome->token, rows[i].token);
        else
            assert_null(outcome->token);
        assert_false(outcome->has_server_version);
    }
    /* the views look for fields by name, which are elsewhere in this record */
    assert_string_equal(take(stage, 200, "{\"rev\":\"b\",\n\"n\":2}")->server_record,
                        "{\"fields\":{\"n\":2},\"record\":{\"rev\":\"b\", \"n\":2}}");
}

/* The fetch lagged: an earlier job of ours had made the token that the record has now. */
static void a_token_that_an_earlier_job_made_is_fetched_again(void **state)
{
    struct stage *stage = *state;
    struct claim *claim = &stage->task.claim;
    struct claim_sibling siblings[] = {
        {.job_id = 5, .is_sent = true, .made_version = -1, .made_token = "\"c\""},
        {.job_id = 6, .is_sent = true, .made_version = -1, .made_token = "\"b\""},
    };
    const struct claim_outcome *outcome;

    set_schema(stage, TARGET_OPAQUE, OPAQUE);
    set_token(stage, "\"a\"");
    buf_append(&claim->siblings, (const char *)siblings, sizeof siblings);
    claim->job_id = 7;
    claim->rounds = 1;
    for (int i = 0; i < 2; i++) {
        outcome = take(stage, 200, i ? "{\"rev\":\"c\",\"n\":2}" : "{\"rev\":\"b\",\"n\":2}");
        assert_int_equal(outcome->state, JOB_PENDING);
        assert_int_equal(outcome->next, POLICY_NEXT_FETCH);
    }
    assert_int_equal(take(stage, 200, "{\"rev\":\"d\",\"n\":2}")->state, JOB_CONFLICT);
    claim->job_id = 4; /* they are later ones */
    assert_int_equal(take(stage, 200, "{\"rev\":\"b\",\"n\":2}")->state, JOB_CONFLICT);
}

static void without_a_lock_only_our_fields_count(void **state)
{
    struct stage *stage = *state;
    struct claim *claim = &stage->task.claim;
    const struct claim_outcome *outcome;

    set_schema(stage, TARGET_NONE, NO_LOCK);
    assert_int_equal(take(stage, 200, "{\"n\":1,\"m\":2}")->state, JOB_APPLIED);
    assert_null(claim->outcome.token);
    assert_int_equal(take(stage, 200, "[]")->state, JOB_UNKNOWN);
    assert_int_equal(claim->outcome.readbacks, 1);
    outcome = take(stage, 200, "{\"n\":2}");
    assert_int_equal(outcome->state, JOB_UNKNOWN);
    assert_true(outcome->looks_again);
    claim->looks_again = true;
    outcome = take(stage, 200, "{\"n\":2}");
    assert_int_equal(outcome->state, JOB_PENDING);
    assert_int_equal(outcome->next, POLICY_BY_STATE);
}

/* What the next update is built on. */
static void an_update_is_built_on_the_record_that_was_fetched(void **state)
{
    static const struct {
        enum target_lock lock;
        const char *settings;
        long status;
        const char *body, *fields, *token;
        int64_t version; /* 0: none */
    } rows[] = {
        {TARGET_OPAQUE, OPAQUE, 200, "{\"rev\":\"b\",\"n\":0,\"m\":2}", "{\"n\":1}", "\"b\"", 0},
        {TARGET_NONE, NO_LOCK, 200, "{\"n\":0,\"m\":2}", "{\"n\":1}", NULL, 0},
        {TARGET_STEP, "", 200, RECORD("7", "{\"n\":0,\"m\":2}", ""), "{\"n\":1,\"m\":2}", NULL, 7},
        /* it holds the values, and is sent anyway */
        {TARGET_STEP, "\"version\":\"fetch\",\"unchanged\":\"send\"", 200,
         RECORD("7", "{\"n\":1}", ""), "{\"n\":1}", NULL, 7},
        /* it is created */
        {TARGET_NONE, "\"write\":\"replace\",\"target\":{" AT_ROOT ",\"missing\":\"upsert\"}", 404,
         "{}", "{\"n\":1}", NULL, 0},
    };
    struct stage *stage = *state;
    struct claim *claim = &stage->task.claim;

    claim->request = REQUEST_FETCH;
    claim->doubt = false;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct claim_outcome *outcome;

        set_schema(stage, rows[i].lock, rows[i].settings);
        outcome = take(stage, rows[i].status, rows[i].body);
        assert_int_equal(outcome->state, JOB_PENDING);
        assert_int_equal(outcome->next, POLICY_NEXT_SEND);
        assert_string_equal(outcome->fields, rows[i].fields);
        assert_null(outcome->under);
        assert_int_equal(outcome->token != NULL, rows[i].token != NULL);
        if (rows[i].token)
            assert_string_equal(outcome->token, rows[i].token);
        assert_int_equal(outcome->has_base_version, rows[i].version != 0);
        assert_int_equal(outcome->base_version, rows[i].version);
        assert_int_equal(outcome->creates, rows[i].status == 404 ? CREATES_MISSING : CREATES_NOT);
        assert_string_equal(outcome->error_message, "");
        assert_string_equal(outcome->error_code, "");
    }
    /* the row has the version, and the record is read for the rest alone */
    set_schema(stage, TARGET_OPAQUE, OPAQUE);
    claim->is_declared = true;
    take(stage, 200, "{\"rev\":\"b\",\"n\":0}");
    assert_true(claim->outcome.has_base_version);
    assert_int_equal(claim->outcome.base_version, 5);
    assert_null(claim->outcome.token);
}

static void a_fetched_record_can_make_an_update_needless_or_wrong(void **state)
{
    struct stage *stage = *state;
    struct claim *claim = &stage->task.claim;
    const struct claim_outcome *outcome;

    set_schema(stage, TARGET_STEP,
               "\"rules\":[{\"check\":\"n + m <= 10\",\"field\":\"n\",\"message\":\"too much\"}]");
    claim->request = REQUEST_FETCH;
    claim->doubt = false;
    outcome = take(stage, 200, RECORD("7", "{\"n\":1,\"m\":2}", ""));
    assert_int_equal(outcome->state, JOB_UNCHANGED);
    assert_true(outcome->was_there);
    assert_null(outcome->fields);
    outcome = take(stage, 200, RECORD("7", "{\"n\":0,\"m\":12}", ""));
    assert_int_equal(outcome->state, JOB_CONFLICT);
    assert_false(outcome->was_there);
    assert_int_equal(outcome->job_status, 0); /* the server did not answer 409 */
    assert_string_equal(outcome->error_message,
                        "our fields over the record's break a rule of the schema: too much");
    assert_string_equal(outcome->server_record, RECORD("7", "{\"n\":0,\"m\":12}", ""));
}

static void without_the_schema_file_nothing_is_built(void **state)
{
    struct stage *stage = *state;
    struct claim *claim = &stage->task.claim;
    const struct claim_outcome *outcome = &claim->outcome;
    const struct http_answer answer = {.end = HTTP_DONE,
                                       .status = 200,
                                       .body = span_of(RECORD("7", "{\"n\":1}", "")),
                                       .retry_after_ms = -1};
    struct task_reader reader = reader_of(stage);
    struct err err = {0};

    claim->request = REQUEST_FETCH;
    assert_false(task_answer(&stage->task, &answer, &reader, &stage->verdict, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_int_equal(outcome->state, JOB_PENDING);
    assert_true(outcome->left);
    assert_true(outcome->doubt);
    assert_false(outcome->was_there);
    assert_string_equal(outcome->evidence, "nothing could be built on the record");
}

static const char *token_of_row(struct stage *stage)
{
    static const struct drain_options options = {.tags = "[]", .source = "erp"};
    static char text[64], digits[TASK_DIGITS_SIZE];
    struct target_row row;

    task_row(&stage->task, &options, digits, &row);
    snprintf(text, sizeof text, "%.*s", (int)row.token.size, row.token.data);
    return text;
}

static void an_update_carries_the_token_or_the_version(void **state)
{
    struct stage *stage = *state;
    struct claim *claim = &stage->task.claim;

    assert_string_equal(token_of_row(stage), "");
    claim->has_version = true;
    assert_string_equal(token_of_row(stage), "5");
    set_token(stage, "\"a\"");
    assert_string_equal(token_of_row(stage), "\"a\"");
    claim->has_version = false;
    assert_string_equal(token_of_row(stage), "\"a\"");
}

#define WITH_CREATE                                                                                \
    "\"write\":\"replace\",\"target\":{" AT_ROOT                                                   \
    ",\"missing\":{\"method\":\"POST\",\"path\":\"/new\",\"body\":{\"key\":\"{id}\"}}}"

/* A create with a request of its own is not part of a bulk request. */
static void a_record_that_is_missing_is_created_alone(void **state)
{
    static const struct {
        const char *settings;
        unsigned creates, bulk;
        enum job_request request;
        bool is_bulk, posts;
    } rows[] = {
        {WITH_CREATE, CREATES_NOT, 9, REQUEST_UPDATE, true, false},
        {WITH_CREATE, CREATES_MISSING, 9, REQUEST_UPDATE, false, true},
        {WITH_CREATE, CREATES_NOT, 0, REQUEST_UPDATE, false, false},
        {WITH_CREATE, CREATES_NOT, 9, REQUEST_READ_BACK, false, false},
        {NO_LOCK, CREATES_MISSING, 9, REQUEST_UPDATE, true, false},
    };
    struct stage *stage = *state;
    struct claim *claim = &stage->task.claim;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        set_schema(stage, TARGET_NONE, rows[i].settings);
        claim->creates = rows[i].creates;
        claim->bulk = rows[i].bulk;
        claim->request = rows[i].request;
        assert_int_equal(task_is_bulk(&stage->task, stage->rebase), rows[i].is_bulk);
        assert_int_equal(request_of(stage).method == HTTP_POST, rows[i].posts);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_STAGE(an_update_is_done_though_the_answer_shows_no_record),
        ON_STAGE(an_error_is_read_as_one),
        ON_STAGE(a_record_that_was_to_be_created_and_is_there_is_updated),
        ON_STAGE(a_null_that_does_not_come_back_was_taken),
        ON_STAGE(a_read_back_compares_the_token),
        ON_STAGE(a_token_that_an_earlier_job_made_is_fetched_again),
        ON_STAGE(without_a_lock_only_our_fields_count),
        ON_STAGE(an_update_is_built_on_the_record_that_was_fetched),
        ON_STAGE(a_fetched_record_can_make_an_update_needless_or_wrong),
        ON_STAGE(without_the_schema_file_nothing_is_built),
        ON_STAGE(an_update_carries_the_token_or_the_version),
        ON_STAGE(a_record_that_is_missing_is_created_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
