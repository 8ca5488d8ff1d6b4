/* Jobs whose updates are built on a fetched record, and jobs that the audit log is asked about:
 * what is claimed, what is stored between the requests, and what a crash leaves. */
#include "core/base/mem.h"
#include "tests/lib/store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

static void assert_fields(struct fixture *fixture, const char *expected)
{
    assert_true(span_is(claim_fields(fixture_held(fixture, "1/1")), expected));
}

static void crash(struct fixture *fixture, uint64_t interrupted)
{
    uint64_t recovered = 99;

    fixture_reopen(fixture);
    fixture->now_ms += 1000;
    fixture->run_id++;
    if (!jobs_recover(fixture->store, fixture->now_ms, &recovered, &fixture->err))
        fail_msg("%s", fixture->err.text);
    assert_int_equal(recovered, interrupted);
    fixture_check(fixture);
}

/* Job 1/1 was fetched: the record has that version, and the PUT is to carry those fields. */
static void build(struct fixture *fixture, int64_t version, const char *fields)
{
    struct claim_outcome *outcome = fixture_settle_at(fixture, "1/1", JOB_PENDING, version);

    outcome->next = POLICY_NEXT_SEND;
    outcome->fields = mem_strdup(fields);
}

static struct claim_outcome *ask_next(struct fixture *fixture, enum job_state state,
                                      enum policy_next next)
{
    struct claim_outcome *outcome = fixture_settle(fixture, "1/1", state);

    outcome->next = next;
    return outcome;
}

static const char job_sql[] = "SELECT state, attempts, doubt, sent_version, not_before_ms, "
                              "waits_for FROM job_state WHERE job_id = 1000000001";
static const char tally_sql[] = "SELECT pending, sending, unknown, applied FROM batch_tally";

/* --- fetches --- */

static void a_row_without_a_version_is_fetched_first_and_stays_pending(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a");
    assert_claims(fixture, 10, "FETCH 1/1 a v0");
    assert_asked(fixture, job_sql, "pending|0|0|NULL|NULL|-7");
    assert_asked(fixture, tally_sql, "1|0|0|0");
    assert_asked(fixture, "SELECT method, sent_version, ended_ms FROM attempt", "GET|NULL|NULL");
    assert_asked(fixture, "SELECT length(correlation_id) FROM job_state", "16");
    assert_int_equal(fixture_held(fixture, "1/1")->attempts, 0);
    /* in hand: it is not claimed again */
    assert_claims(fixture, 10, "");
}

static void what_was_built_on_the_record_is_sent_with_its_version(void **state)
{
    struct fixture *fixture = *state;
    unsigned char correlation[16];

    fixture_batch(fixture, "Item", "a");
    fixture_claim(fixture, 1);
    memcpy(correlation, fixture_held(fixture, "1/1")->correlation, sizeof correlation);
    build(fixture, 41, "{\"n\":1,\"theirs\":2.50}");
    assert_claims(fixture, 10, "PUT 1/1 a v41");
    assert_fields(fixture, "{\"n\":1,\"theirs\":2.50}");
    assert_memory_equal(fixture_held(fixture, "1/1")->correlation, correlation, sizeof correlation);
    assert_int_equal(fixture_held(fixture, "1/1")->rounds, 1);
    assert_asked(fixture, job_sql, "sending|1|0|41|NULL|NULL");
    assert_asked(fixture, "SELECT rounds, version, fields FROM rebase",
                 "1|41|{\"n\":1,\"theirs\":2.50}");
    fixture_settle_at(fixture, "1/1", JOB_APPLIED, 42);
    fixture_claim(fixture, 0);
    assert_asked(fixture, tally_sql, "0|0|0|1");
    /* it is kept as sent */
    assert_asked(fixture, "SELECT rounds, version FROM rebase", "1|41");
}

static void what_was_sent_on_a_fetched_record_is_read_back_and_sent_again_as_it_was(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a");
    fixture_claim(fixture, 1);
    build(fixture, 41, "{\"n\":7}");
    fixture_claim(fixture, 1);
    fixture_settle(fixture, "1/1", JOB_UNKNOWN)->doubt = true;
    assert_claims(fixture, 10, "GET 1/1 a v41");
    assert_fields(fixture, "{\"n\":7}");
    fixture_settle_at(fixture, "1/1", JOB_PENDING, 41);
    assert_claims(fixture, 10, "PUT 1/1 a v41");
    assert_fields(fixture, "{\"n\":7}");
    assert_true(fixture_held(fixture, "1/1")->doubt);
    assert_int_equal(fixture_held(fixture, "1/1")->attempts, 2);
    assert_int_equal(fixture_held(fixture, "1/1")->rounds, 1);
}

/* Each round has its own; one without them has none of the round before. */
static void what_a_record_showed_besides_its_fields_is_sent_back(void **state)
{
    static const struct {
        const char *token, *under;
    } rounds[] = {
        {"\"e1\"", "{\"keep\":1}"}, {"\"e-2\"", NULL}, {NULL, "{\"under\":[2]}"}, {NULL, NULL}};
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a");
    fixture_claim(fixture, 1);
    assert_true(span_is(claim_row_fields(fixture_held(fixture, "1/1")), "{\"n\":1}"));
    fixture_put_back(fixture, "1/1");
    for (size_t i = 0; i < sizeof rounds / sizeof *rounds; i++) {
        const char *token = rounds[i].token ? rounds[i].token : "";
        const char *under = rounds[i].under ? rounds[i].under : "";
        struct claim_outcome *outcome;
        struct claim *claim;

        fixture_claim(fixture, 1);
        build(fixture, 41, "{\"n\":7}");
        outcome = &fixture->settling[0]->outcome;
        outcome->token = rounds[i].token ? mem_strdup(token) : NULL;
        outcome->under = rounds[i].under ? mem_strdup(under) : NULL;
        assert_claims(fixture, 1, "PUT 1/1 a v41");
        claim = fixture_held(fixture, "1/1");
        assert_true(span_is(claim_token(claim), token));
        assert_true(span_is(claim_under(claim), under));
        assert_asked(fixture, "SELECT sent_token FROM attempt ORDER BY id DESC LIMIT 1",
                     rounds[i].token ? token : "NULL");
        assert_int_equal(claim->base.size, strlen(token) + strlen(under));
        assert_true(span_is(claim_row_fields(claim), "{\"n\":7}"));
        ask_next(fixture, JOB_PENDING, POLICY_NEXT_FETCH);
    }
}

static void a_fetch_can_end_the_job(void **state)
{
    static const enum job_state ends[] = {JOB_UNCHANGED, JOB_REFUSED, JOB_CONFLICT, JOB_APPLIED};
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a b c d");
    fixture_claim(fixture, 4);
    for (int i = 0; i < 4; i++) {
        char job[16];

        snprintf(job, sizeof job, "1/%d", i + 1);
        fixture_settle_at(fixture, job, ends[i], 3);
    }
    fixture_claim(fixture, 0);
    assert_asked(fixture, "SELECT state, attempts, waits_for, not_before_ms FROM job_state",
                 "unchanged|0|NULL|NULL; refused|0|NULL|NULL; conflict|0|NULL|NULL; "
                 "applied|0|NULL|NULL");
    assert_asked(fixture, "SELECT state FROM batch", "done");
}

static void a_rebase_fetches_again_and_counts_its_rounds(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5");
    assert_claims(fixture, 10, "PUT 1/1 a v5");
    fixture_settle(fixture, "1/1", JOB_UNKNOWN)->http_status = 409;
    assert_claims(fixture, 10, "GET 1/1 a v5");
    ask_next(fixture, JOB_PENDING, POLICY_NEXT_FETCH)->conflict = true;
    assert_claims(fixture, 10, "FETCH 1/1 a v5");
    assert_fields(fixture, "{\"n\":1}"); /* the row's own, to be applied over what is fetched */
    assert_asked(fixture, "SELECT rounds, version, fields FROM rebase", "0|NULL|NULL");
    assert_asked(fixture, "SELECT resolution, resolved_ms, evidence FROM conflict",
                 "rebase|1000000|proven");
    for (int round = 1; round <= 3; round++) {
        char expected[32];

        build(fixture, 10 + round, "{\"n\":1,\"m\":2}");
        snprintf(expected, sizeof expected, "PUT 1/1 a v%d", 10 + round);
        assert_claims(fixture, 10, expected);
        assert_int_equal(fixture_held(fixture, "1/1")->rounds, round);
        ask_next(fixture, JOB_PENDING, POLICY_NEXT_FETCH);
        assert_claims(fixture, 10, "FETCH 1/1 a v5");
        assert_int_equal(fixture_held(fixture, "1/1")->rounds, round);
        assert_fields(fixture, "{\"n\":1}");
    }
    assert_asked(fixture, "SELECT rounds, version, fields FROM rebase", "3|NULL|NULL");
    assert_asked(fixture, "SELECT attempts, sent_version FROM job_state", "4|13");
}

static void a_fetch_interrupted_by_a_crash_is_repeated_without_a_doubt(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a b:5");
    assert_claims(fixture, 10, "FETCH 1/1 a v0, PUT 1/2 b v5");
    fixture_settle_at(fixture, "1/2", JOB_APPLIED, 6);
    fixture_claim(fixture, 0);
    crash(fixture, 0);
    assert_asked(fixture, job_sql, "pending|0|0|NULL|NULL|-7");
    assert_claims(fixture, 10, "FETCH 1/1 a v0");
    assert_false(fixture_held(fixture, "1/1")->doubt);
    /* and again after a round */
    build(fixture, 41, "{\"n\":7}");
    fixture_claim(fixture, 1);
    ask_next(fixture, JOB_PENDING, POLICY_NEXT_FETCH);
    assert_claims(fixture, 10, "FETCH 1/1 a v0");
    crash(fixture, 0);
    assert_claims(fixture, 10, "FETCH 1/1 a v0");
    assert_int_equal(fixture_held(fixture, "1/1")->rounds, 1);
    assert_int_equal(fixture_held(fixture, "1/1")->attempts, 1);
}

/* A crash between the commit of an update and its departure. */
static void a_put_interrupted_by_a_crash_is_read_back_with_its_version(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a");
    fixture_claim(fixture, 1);
    build(fixture, 41, "{\"n\":7}");
    assert_claims(fixture, 10, "PUT 1/1 a v41");
    crash(fixture, 1);
    assert_claims(fixture, 10, "GET 1/1 a v41");
    assert_true(fixture_held(fixture, "1/1")->doubt);
    assert_fields(fixture, "{\"n\":7}");
}

static void a_fetch_that_was_never_started_is_as_it_was(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a");
    fixture_claim(fixture, 1);
    fixture_put_back(fixture, "1/1");
    fixture_claim(fixture, 0);
    assert_asked(fixture, job_sql, "pending|0|0|NULL|1000000|NULL");
    assert_asked(fixture, "SELECT count(*) FROM attempt", "0");
    assert_claims(fixture, 10, "FETCH 1/1 a v0");
}

static void a_fetch_whose_retries_are_used_up_is_left_to_the_next_run(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a");
    fixture_claim(fixture, 1);
    fixture_settle(fixture, "1/1", JOB_PENDING)->run_retries = fixture->max_retries + 1;
    assert_claims(fixture, 10, "");
    assert_int_equal(fixture->exchange.next_due_ms, 0);
    assert_asked(fixture, job_sql, "pending|0|0|NULL|NULL|-7");
    crash(fixture, 0);
    assert_claims(fixture, 10, "FETCH 1/1 a v0");
    assert_int_equal(fixture_held(fixture, "1/1")->run_retries, 0);
}

static void rows_of_one_record_are_fetched_one_after_the_other(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a a");
    assert_claims(fixture, 10, "FETCH 1/1 a v0");
    build(fixture, 4, "{}");
    assert_claims(fixture, 10, "PUT 1/1 a v4");
    fixture_settle_at(fixture, "1/1", JOB_APPLIED, 5);
    assert_claims(fixture, 10, "FETCH 1/2 a v0");
}

/* --- the audit log --- */

/* Has the audit log asked about job 1/1, which was sent with version 5; the record is at 9. */
static void begin_audit(struct fixture *fixture)
{
    struct claim_outcome *outcome;

    fixture_batch(fixture, "Item", "a:5");
    fixture_claim(fixture, 1);
    fixture_settle(fixture, "1/1", JOB_UNKNOWN)->doubt = true;
    fixture_claim(fixture, 1);
    outcome = ask_next(fixture, JOB_UNKNOWN, POLICY_NEXT_AUDIT);
    outcome->has_server_version = true;
    outcome->server_version = 9;
    outcome->server_record = mem_strdup("{\"version\":9}");
    fixture_claim(fixture, 0);
}

static void assert_audit(struct fixture *fixture, int64_t page, int64_t asked_ms)
{
    const struct claim *claim;

    assert_claims(fixture, 10, "AUDIT 1/1 a v5");
    claim = fixture_held(fixture, "1/1");
    assert_int_equal(claim->page, page);
    assert_int_equal(claim->asked_ms, asked_ms);
    assert_true(claim->doubt);
    assert_int_equal(claim->shown_version, 9);
    assert_false(claim->is_gone);
}

static void the_audit_log_is_asked_page_by_page(void **state)
{
    struct fixture *fixture = *state;

    begin_audit(fixture);
    assert_asked(fixture,
                 "SELECT since_ms, page, look_ms, server_version, server_record "
                 "FROM arbitration",
                 "1000000|1|NULL|9|{\"version\":9}");
    fixture->now_ms += 300;
    assert_audit(fixture, 1, 300);
    /* a look begins with its first page */
    for (int page = 2; page <= 4; page++) {
        fixture->now_ms += 1000;
        ask_next(fixture, JOB_UNKNOWN, POLICY_NEXT_PAGE);
        assert_audit(fixture, page, 300);
    }
    /* no entry: from the first page again; the time asked so far counts on */
    ask_next(fixture, JOB_UNKNOWN, POLICY_NEXT_AUDIT)->server_version = 77;
    fixture->now_ms += 700;
    assert_audit(fixture, 1, 4000);
    ask_next(fixture, JOB_UNKNOWN, POLICY_NEXT_PAGE);
    fixture->now_ms += 700;
    assert_audit(fixture, 2, 4000);
    assert_asked(fixture, "SELECT since_ms, page, look_ms FROM arbitration", "1000000|2|1004000");
}

static void what_a_page_showed_is_kept_for_the_pages_after_it(void **state)
{
    struct fixture *fixture = *state;
    struct claim_outcome *outcome;

    begin_audit(fixture);
    fixture_ask(fixture, "UPDATE arbitration SET is_copied = 1");
    assert_audit(fixture, 1, 0);
    assert_true(fixture_held(fixture, "1/1")->is_copied);
    assert_false(fixture_held(fixture, "1/1")->has_entry);
    ask_next(fixture, JOB_UNKNOWN, POLICY_NEXT_PAGE)->audit_entry = mem_strdup("{\"a\":1}");
    assert_audit(fixture, 2, 0);
    assert_true(fixture_held(fixture, "1/1")->has_entry);
    ask_next(fixture, JOB_UNKNOWN, POLICY_NEXT_AUDIT);
    assert_audit(fixture, 1, 0);
    assert_true(fixture_held(fixture, "1/1")->is_copied);
    ask_next(fixture, JOB_UNKNOWN, POLICY_NEXT_PAGE);
    assert_audit(fixture, 2, 0);
    assert_false(fixture_held(fixture, "1/1")->has_entry);
    ask_next(fixture, JOB_UNKNOWN, POLICY_NEXT_PAGE)->audit_entry = mem_strdup("{\"b\":2}");
    assert_audit(fixture, 3, 0);
    outcome = ask_next(fixture, JOB_CONFLICT, POLICY_BY_STATE);
    outcome->conflict = outcome->proven = true;
    fixture_claim(fixture, 0);
    assert_asked(fixture, "SELECT audit_entry FROM conflict", "{\"b\":2}");
}

static void users_and_counts_of_a_page_are_there_on_the_next_one(void **state)
{
    struct fixture *fixture = *state;
    struct claim_outcome *outcome;
    const struct claim *claim;

    fixture_batch(fixture, "Item", "a:5");
    fixture_claim(fixture, 1);
    fixture_settle(fixture, "1/1", JOB_UNKNOWN)->doubt = true;
    fixture_claim(fixture, 1);
    outcome = ask_next(fixture, JOB_UNKNOWN, POLICY_NEXT_AUDIT);
    outcome->has_server_version = outcome->was_there = outcome->is_copied = true;
    outcome->server_version = 9;
    assert_audit(fixture, 1, 0);
    claim = fixture_held(fixture, "1/1");
    assert_true(claim->was_there && claim->is_copied);
    assert_string_equal(claim->own_user, "");
    outcome = ask_next(fixture, JOB_UNKNOWN, POLICY_NEXT_PAGE);
    outcome->seen = 25;
    outcome->page_hash = UINT64_C(0xfedcba9876543210);
    snprintf(outcome->entry_user, sizeof outcome->entry_user, "them");
    snprintf(outcome->own_user, sizeof outcome->own_user, "us");
    assert_audit(fixture, 2, 0);
    claim = fixture_held(fixture, "1/1");
    assert_true(claim->was_there && claim->is_copied);
    assert_int_equal(claim->seen, 25);
    assert_true(claim->page_hash == UINT64_C(0xfedcba9876543210));
    assert_string_equal(claim->entry_user, "them");
    assert_string_equal(claim->own_user, "us");
    /* a new look: who made our own updates is still known, the rest is read again */
    ask_next(fixture, JOB_UNKNOWN, POLICY_NEXT_AUDIT);
    assert_audit(fixture, 1, 0);
    claim = fixture_held(fixture, "1/1");
    assert_string_equal(claim->own_user, "us");
    assert_string_equal(claim->entry_user, "");
    assert_int_equal(claim->seen + claim->page_hash, 0);
    fixture_settle(fixture, "1/1", JOB_APPLIED);
    fixture_batch(fixture, "Item", "b:5");
    assert_claims(fixture, 1, "PUT 2/1 b v5");
    claim = fixture_held(fixture, "2/1");
    assert_false(claim->was_there || claim->is_copied || claim->own_user[0]);
}

/* A clock that was ahead when the log was first asked. */
static void a_question_of_the_future_counts_from_now_on(void **state)
{
    struct fixture *fixture = *state;

    begin_audit(fixture);
    fixture->now_ms -= 5000;
    fixture_ask(fixture, "UPDATE job_state SET not_before_ms = 1");
    assert_audit(fixture, 1, 0);
    assert_int_equal(fixture->exchange.ahead, 1);
    assert_asked(fixture, "SELECT since_ms FROM arbitration", "995000");
    fixture_put_back(fixture, "1/1");
    fixture->now_ms += 100;
    assert_audit(fixture, 1, 100);
    assert_int_equal(fixture->exchange.ahead, 0);
}

static void an_audit_without_an_answer_asks_for_the_same_page(void **state)
{
    struct fixture *fixture = *state;

    begin_audit(fixture);
    assert_audit(fixture, 1, 0);
    ask_next(fixture, JOB_UNKNOWN, POLICY_NEXT_PAGE);
    assert_audit(fixture, 2, 0);
    fixture_settle(fixture, "1/1", JOB_UNKNOWN)->readbacks = 1;
    assert_audit(fixture, 2, 0);
    assert_int_equal(fixture_held(fixture, "1/1")->readbacks, 1);
    fixture_put_back(fixture, "1/1");
    assert_audit(fixture, 2, 0);
}

static void a_question_to_the_audit_log_survives_a_crash(void **state)
{
    struct fixture *fixture = *state;

    begin_audit(fixture);
    assert_audit(fixture, 1, 0);
    ask_next(fixture, JOB_UNKNOWN, POLICY_NEXT_PAGE);
    assert_audit(fixture, 2, 0);
    crash(fixture, 0);
    assert_asked(fixture, tally_sql, "0|0|1|0");
    assert_audit(fixture, 2, 0);
}

static void an_answered_question_ends_and_leaves_its_record_to_the_conflict(void **state)
{
    static const struct {
        enum job_state state;
        const char *conflict;
    } rows[] = {
        {JOB_APPLIED, ""},
        {JOB_FAILED, ""},
        {JOB_CONFLICT, "5|9|{\"version\":9}|NULL|proven"},
        {JOB_DISMISSED, "5|9|{\"version\":9}|dismiss|proven"},
        {JOB_PENDING, "5|9|{\"version\":9}|rebase|proven"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fixture *fixture;
        void *own;

        fixture_begin(&own);
        fixture = own;
        begin_audit(fixture);
        assert_audit(fixture, 1, 0);
        fixture_settle(fixture, "1/1", rows[i].state)->conflict = rows[i].conflict[0];
        fixture_claim(fixture, 0);
        assert_asked(fixture, "SELECT count(*) FROM arbitration", "0");
        assert_asked(fixture,
                     "SELECT submitted_version, server_version, server_record, resolution, "
                     "evidence FROM conflict",
                     rows[i].conflict);
        fixture_end(&own);
    }
    (void)state;
}

static void no_version_is_shown_of_a_record_that_is_gone(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5");
    fixture_claim(fixture, 1);
    fixture_settle(fixture, "1/1", JOB_UNKNOWN)->doubt = true;
    fixture_claim(fixture, 1);
    ask_next(fixture, JOB_UNKNOWN, POLICY_NEXT_AUDIT);
    assert_claims(fixture, 10, "AUDIT 1/1 a v5");
    assert_true(fixture_held(fixture, "1/1")->is_gone);
}

/* --- refused, with an earlier attempt in doubt --- */

static void a_read_back_knows_the_answer_to_its_put(void **state)
{
    struct fixture *fixture = *state;
    struct claim_outcome *outcome;

    fixture_batch(fixture, "Item", "a:5");
    fixture_claim(fixture, 1);
    fixture_settle(fixture, "1/1", JOB_PENDING)->http_status = 503;
    fixture_claim(fixture, 1);
    outcome = fixture_settle(fixture, "1/1", JOB_UNKNOWN);
    outcome->http_status = 422;
    snprintf(outcome->error_code, sizeof outcome->error_code, "bad.field");
    snprintf(outcome->error_message, sizeof outcome->error_message, "no such sku");
    snprintf(outcome->attempt_error, sizeof outcome->attempt_error, "refused");
    fixture_claim(fixture, 1);
    assert_int_equal(fixture_held(fixture, "1/1")->put_status, 422);
    assert_string_equal(fixture_held(fixture, "1/1")->put_code, "bad.field");
    assert_string_equal(fixture_held(fixture, "1/1")->put_error, "refused");
    outcome = fixture_settle_at(fixture, "1/1", JOB_REFUSED, 5);
    outcome->error_stays = true;
    outcome->job_status = 422;
    fixture_claim(fixture, 0);
    assert_asked(fixture, "SELECT state, http_status, error_code, error_message FROM job_state",
                 "refused|422|bad.field|no such sku");
}

static void violations_are_removed_when_the_job_turns_out_applied(void **state)
{
    static const struct {
        enum job_state state;
        const char *violations;
    } rows[] = {{JOB_UNKNOWN, "1"}, {JOB_REFUSED, "1"}, {JOB_APPLIED, "0"}, {JOB_CONFLICT, "0"}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fixture *fixture;
        struct claim_outcome *outcome;
        void *own;

        fixture_begin(&own);
        fixture = own;
        fixture_batch(fixture, "Item", "a:5");
        fixture_claim(fixture, 1);
        outcome = fixture_settle(fixture, "1/1", JOB_UNKNOWN);
        outcome->http_status = 422;
        outcome->violations = mem_calloc(1, sizeof *outcome->violations);
        outcome->violation_count = 1;
        *outcome->violations = (struct claim_violation){mem_strdup("sku"), mem_strdup("unknown"),
                                                        mem_strdup("no such sku")};
        fixture_claim(fixture, 1);
        fixture_settle(fixture, "1/1", rows[i].state);
        fixture_claim(fixture, 0);
        assert_asked(fixture, "SELECT count(*) FROM server_violation", rows[i].violations);
        fixture_end(&own);
    }
}

static void a_put_interrupted_by_a_crash_has_no_status(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5");
    fixture_claim(fixture, 1);
    fixture_settle(fixture, "1/1", JOB_PENDING)->http_status = 422;
    fixture_claim(fixture, 1);
    crash(fixture, 1);
    fixture_claim(fixture, 1);
    assert_int_equal(fixture_held(fixture, "1/1")->put_status, 0);
}

/* --- targets without a step --- */

static struct known_target facts;

static bool keeps_nothing(void *context, struct span schema)
{
    (void)context, (void)schema;
    return false;
}

static bool tell_facts(void *context, struct span schema, const struct target_parts *parts,
                       struct known_target *out, struct err *err)
{
    (void)context, (void)schema, (void)parts, (void)err;
    *out = facts;
    return true;
}

static const struct known_decider decider = {.keeps = keeps_nothing, .target = tell_facts};

static void a_row_whose_record_gets_a_token_is_sent_with_the_one_that_came_back(void **state)
{
    struct fixture *fixture = *state;

    facts = (struct known_target){.lock = TARGET_OPAQUE};
    fixture->decider = &decider;
    fixture_batch(fixture, "Item", "a:5 a:5 a:5 a:5 b");
    assert_claims(fixture, 9, "PUT 1/1 a v5, FETCH 1/5 b v0");
    assert_true(fixture_held(fixture, "1/1")->is_declared);
    assert_false(fixture_held(fixture, "1/5")->is_declared);
    /* no token came back: it is read */
    fixture_settle(fixture, "1/1", JOB_APPLIED);
    assert_claims(fixture, 9, "FETCH 1/2 a v5");
    assert_false(fixture_held(fixture, "1/2")->has_version);
    fixture_settle_at(fixture, "1/2", JOB_APPLIED, 8);
    assert_claims(fixture, 9, "PUT 1/3 a v8");
    assert_true(fixture_held(fixture, "1/3")->has_version);
    /* a row that was refused changed nothing */
    fixture_settle(fixture, "1/3", JOB_REFUSED)->http_status = 422;
    assert_claims(fixture, 9, "PUT 1/4 a v8");
}

static void a_row_with_a_token_is_built_on_its_record_where_the_schema_says_so(void **state)
{
    struct fixture *fixture = *state;
    struct claim *claim;

    facts = (struct known_target){.lock = TARGET_OPAQUE, .reads_first = true};
    fixture->decider = &decider;
    fixture_batch(fixture, "Item", "a:5");
    assert_claims(fixture, 9, "FETCH 1/1 a v5");
    claim = fixture_held(fixture, "1/1");
    assert_true(claim->is_declared && claim->reads_first);
    build(fixture, 41, "{\"n\":1,\"m\":2}");
    fixture->settling[0]->outcome.has_base_version = true;
    fixture->settling[0]->outcome.base_version = 5;
    assert_claims(fixture, 9, "PUT 1/1 a v5");
    claim = fixture_held(fixture, "1/1");
    assert_true(claim->is_declared && claim->has_version);
    assert_true(span_is(claim_row_fields(claim), "{\"n\":1}"));
    assert_fields(fixture, "{\"n\":1,\"m\":2}");
    /* the token is a newer one than the row's */
    ask_next(fixture, JOB_PENDING, POLICY_NEXT_FETCH);
    assert_claims(fixture, 9, "FETCH 1/1 a v5");
    assert_false(fixture_held(fixture, "1/1")->is_declared);
    build(fixture, 41, "{\"n\":1}");
    fixture->settling[0]->outcome.token = mem_strdup("\"e2\"");
    assert_claims(fixture, 9, "PUT 1/1 a v0");
    claim = fixture_held(fixture, "1/1");
    assert_false(claim->is_declared || claim->has_version);
    assert_true(span_is(claim_token(claim), "\"e2\""));
}

static void a_record_that_is_not_there_is_created_and_the_claim_says_so(void **state)
{
    struct fixture *fixture = *state;
    struct claim *claim;

    fixture_batch(fixture, "Item", "a");
    fixture_claim(fixture, 1);
    build(fixture, 0, "{\"n\":1}");
    fixture->settling[0]->outcome.creates = CREATES_AGAIN;
    assert_claims(fixture, 1, "PUT 1/1 a v0");
    claim = fixture_held(fixture, "1/1");
    assert_int_equal(claim->creates, CREATES_AGAIN);
    assert_false(claim->has_version);
    ask_next(fixture, JOB_PENDING, POLICY_NEXT_FETCH);
    assert_claims(fixture, 1, "FETCH 1/1 a v0");
    assert_int_equal(fixture_held(fixture, "1/1")->creates, CREATES_NOT);
}

static void a_target_without_a_lock_chains_nothing(void **state)
{
    struct fixture *fixture = *state;

    facts = (struct known_target){.lock = TARGET_NONE};
    fixture->decider = &decider;
    fixture_batch(fixture, "Item", "a:5 a:5 b");
    assert_claims(fixture, 9, "PUT 1/1 a v5, PUT 1/3 b v0");
    assert_false(fixture_held(fixture, "1/1")->has_version);
    fixture_settle_at(fixture, "1/1", JOB_APPLIED, 9);
    assert_claims(fixture, 9, "PUT 1/2 a v5");
    facts.reads_first = true;
    fixture_batch(fixture, "Item", "c");
    assert_claims(fixture, 9, "FETCH 2/1 c v0");
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, fixture_begin, fixture_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(a_row_without_a_version_is_fetched_first_and_stays_pending),
        WITH_STORE(what_was_built_on_the_record_is_sent_with_its_version),
        WITH_STORE(what_was_sent_on_a_fetched_record_is_read_back_and_sent_again_as_it_was),
        WITH_STORE(what_a_record_showed_besides_its_fields_is_sent_back),
        WITH_STORE(a_fetch_can_end_the_job),
        WITH_STORE(a_rebase_fetches_again_and_counts_its_rounds),
        WITH_STORE(a_fetch_interrupted_by_a_crash_is_repeated_without_a_doubt),
        WITH_STORE(a_put_interrupted_by_a_crash_is_read_back_with_its_version),
        WITH_STORE(a_fetch_that_was_never_started_is_as_it_was),
        WITH_STORE(a_fetch_whose_retries_are_used_up_is_left_to_the_next_run),
        WITH_STORE(rows_of_one_record_are_fetched_one_after_the_other),
        WITH_STORE(the_audit_log_is_asked_page_by_page),
        WITH_STORE(what_a_page_showed_is_kept_for_the_pages_after_it),
        WITH_STORE(users_and_counts_of_a_page_are_there_on_the_next_one),
        WITH_STORE(a_question_of_the_future_counts_from_now_on),
        WITH_STORE(a_row_whose_record_gets_a_token_is_sent_with_the_one_that_came_back),
        WITH_STORE(a_row_with_a_token_is_built_on_its_record_where_the_schema_says_so),
        WITH_STORE(a_record_that_is_not_there_is_created_and_the_claim_says_so),
        WITH_STORE(a_target_without_a_lock_chains_nothing),
        WITH_STORE(an_audit_without_an_answer_asks_for_the_same_page),
        WITH_STORE(a_question_to_the_audit_log_survives_a_crash),
        WITH_STORE(no_version_is_shown_of_a_record_that_is_gone),
        WITH_STORE(a_read_back_knows_the_answer_to_its_put),
        WITH_STORE(a_put_interrupted_by_a_crash_has_no_status),
        cmocka_unit_test(violations_are_removed_when_the_job_turns_out_applied),
        cmocka_unit_test(an_answered_question_ends_and_leaves_its_record_to_the_conflict),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
