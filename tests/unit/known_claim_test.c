/* Rows of schemas with `version: known`: what is claimed by what is known, and what outcomes make
 * known. */
#include "core/base/mem.h"
#include "tests/lib/store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#define KNOWN "SELECT record_id, version, fields, source FROM known_record ORDER BY record_id"

static bool keeps(void *context, struct span schema)
{
    (void)context;
    return span_is(schema, "Item");
}

/* Known with a notification's source: fetched. The same text: there. A member x is kept. */
static bool decide(void *context, const struct claim *claim, const struct known *known,
                   int64_t now_ms, enum known_use *use, struct span *fields, struct err *err)
{
    static struct buf merged;
    struct span ours = claim_fields(claim), theirs = buf_span(&known->fields);

    (void)context, (void)now_ms, (void)err;
    *fields = ours;
    if (span_equal(ours, theirs)) {
        *use = KNOWN_SKIP;
    } else if (!known->has_version) {
        *use = KNOWN_FETCH;
    } else if (memchr(theirs.data, 'x', theirs.size)) {
        buf_release(&merged);
        buf_append(&merged, ours.data, ours.size - 1);
        buf_append_text(&merged, ",\"x\":1}");
        *fields = buf_span(&merged);
        *use = KNOWN_SEND;
    } else {
        *use = KNOWN_SEND;
    }
    return true;
}

static bool same(struct span a, struct span b)
{
    return span_equal(a, b);
}

static bool target(void *context, struct span schema, const struct target_parts *parts,
                   struct known_target *facts, struct err *err)
{
    (void)context, (void)schema, (void)parts, (void)err;
    *facts = (struct known_target){.lock = TARGET_STEP};
    return true;
}

static const struct known_decider decider = {
    .keeps = keeps, .target = target, .decide = decide, .same = same};

static int begin(void **state)
{
    int result = fixture_begin(state);

    ((struct fixture *)*state)->decider = &decider;
    return result;
}

static void knows(struct fixture *fixture, const char *record_id, const char *version,
                  const char *fields)
{
    char sql[256];

    snprintf(sql, sizeof sql,
             "INSERT OR REPLACE INTO known VALUES ('Item', '%s', %s, '%s', 1000, 1000, '%s')",
             record_id, version, fields, strcmp(version, "NULL") == 0 ? "notification" : "get");
    if (sqlite3_exec(fixture->eye, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s", sqlite3_errmsg(fixture->eye));
}

/* The outcome's answer shows that record. */
static void shows(struct fixture *fixture, const char *job, enum job_state state, int64_t version,
                  const char *fields)
{
    struct claim *claim = fixture_held(fixture, job);
    struct claim_outcome *outcome = fixture_settle_at(fixture, job, state, version);

    outcome->shows_record = true;
    buf_reset(&claim->record);
    buf_append_text(&claim->record, fields);
}

static void what_is_known_is_skipped_or_sent_and_the_rest_is_fetched(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a b c d");
    knows(fixture, "a", "5", "{\"n\":1}");
    knows(fixture, "b", "6", "{\"n\":9}");
    knows(fixture, "d", "NULL", "{\"n\":9}");
    assert_claims(fixture, 10, "PUT 1/2 b v6, FETCH 1/3 c v0, FETCH 1/4 d v0");
    assert_true(fixture_held(fixture, "1/2")->is_known);
    assert_true(fixture_held(fixture, "1/2")->has_version);
    assert_int_equal(fixture_held(fixture, "1/2")->known_id, 2);
    assert_false(fixture_held(fixture, "1/3")->is_known);
    assert_int_equal(fixture->exchange.skipped, 1);
    assert_int_equal(fixture->exchange.finished, 1);
    assert_asked(fixture,
                 "SELECT row_no, state, attempts, server_version FROM job WHERE row_no < 3",
                 "1|unchanged|0|5; 2|sending|1|NULL");
    assert_asked(fixture, "SELECT count(*) FROM attempt WHERE job_id % 10 = 1", "0");
    /* what it carries is in its row */
    assert_asked(fixture, "SELECT count(*) FROM rebase", "0");
}

static void other_schemas_use_nothing_and_store_nothing(void **state)
{
    struct fixture *fixture = *state;

    knows(fixture, "a", "5", "{\"n\":1}");
    fixture_batch(fixture, "Other", "a b:5");
    assert_claims(fixture, 10, "FETCH 1/1 a v0, PUT 1/2 b v5");
    assert_false(fixture_held(fixture, "1/2")->keeps_record);
    fixture_settle_at(fixture, "1/2", JOB_APPLIED, 6);
    fixture_claim(fixture, 0);
    assert_asked(fixture, "SELECT count(*) FROM known", "1");
}

static void a_put_that_never_left_is_decided_again_by_what_is_known_then(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a");
    fixture_ask(fixture, "UPDATE job_row SET tags = '[\"t\"]'");
    knows(fixture, "a", "5", "{\"n\":9,\"x\":1}");
    assert_claims(fixture, 10, "PUT 1/1 a v5");
    assert_true(span_is(claim_fields(fixture_held(fixture, "1/1")), "{\"n\":1,\"x\":1}"));
    assert_true(span_is(claim_tags(fixture_held(fixture, "1/1")), "[\"t\"]"));
    assert_asked(fixture, "SELECT rounds, version, fields FROM rebase", "0|5|{\"n\":1,\"x\":1}");
    fixture_put_back(fixture, "1/1");
    fixture_claim(fixture, 0);
    knows(fixture, "a", "7", "{\"n\":8}");
    assert_claims(fixture, 10, "PUT 1/1 a v7");
    assert_true(span_is(claim_fields(fixture_held(fixture, "1/1")), "{\"n\":1}"));
    assert_asked(fixture, "SELECT count(*) FROM rebase", "0");
    fixture_put_back(fixture, "1/1");
    fixture_claim(fixture, 0);
    knows(fixture, "a", "8", "{\"n\":1}");
    assert_claims(fixture, 10, "");
    assert_asked(fixture, "SELECT state, attempts FROM job", "unchanged|0");
}

static void a_put_in_doubt_is_read_back_and_sent_as_it_was(void **state)
{
    struct fixture *fixture = *state;
    uint64_t recovered;

    fixture_batch(fixture, "Item", "a");
    knows(fixture, "a", "5", "{\"n\":9,\"x\":1}");
    assert_claims(fixture, 10, "PUT 1/1 a v5");
    fixture_reopen(fixture);
    fixture->run_id++;
    assert_true(jobs_recover(fixture->store, fixture->now_ms, &recovered, &fixture->err));
    assert_claims(fixture, 10, "GET 1/1 a v5");
    assert_true(fixture_held(fixture, "1/1")->is_known);
    /* no answer: another row of the record must not rely on what was known before */
    fixture_settle(fixture, "1/1", JOB_UNKNOWN)->http_status = 500;
    fixture_claim(fixture, 0);
    assert_asked(fixture, KNOWN, "");
    assert_claims(fixture, 10, "GET 1/1 a v5");
    shows(fixture, "1/1", JOB_PENDING, 5, "{\"n\":9,\"x\":1}");
    fixture_claim(fixture, 0);
    assert_asked(fixture, KNOWN, "a|5|{\"n\":9,\"x\":1}|get");
    knows(fixture, "a", "6", "{\"n\":1}");
    assert_claims(fixture, 10, "PUT 1/1 a v5");
    assert_true(span_is(claim_fields(fixture_held(fixture, "1/1")), "{\"n\":1,\"x\":1}"));
}

static void a_409_refutes_the_version_and_the_record_is_fetched(void **state)
{
    struct fixture *fixture = *state;
    struct claim_outcome *outcome;

    fixture_batch(fixture, "Item", "a");
    knows(fixture, "a", "5", "{\"n\":9}");
    assert_claims(fixture, 10, "PUT 1/1 a v5");
    outcome = fixture_settle(fixture, "1/1", JOB_PENDING);
    outcome->next = POLICY_NEXT_FETCH;
    outcome->http_status = 409;
    fixture_claim(fixture, 0);
    assert_int_equal(fixture->exchange.drifted, 0); /* the fetch shows who changed it */
    assert_asked(fixture, KNOWN, "");
    knows(fixture, "a", "6", "{\"n\":1}"); /* by whatever: after a 409, only a fetch counts */
    assert_claims(fixture, 10, "FETCH 1/1 a v5");
    assert_true(fixture_held(fixture, "1/1")->is_known);
    shows(fixture, "1/1", JOB_PENDING, 6, "{\"n\":1}");
    fixture->settling[0]->outcome.next = POLICY_NEXT_SEND;
    fixture->settling[0]->outcome.has_base_version = true;
    fixture->settling[0]->outcome.base_version = 6;
    fixture->settling[0]->outcome.fields = mem_strdup("{\"n\":1}");
    fixture_claim(fixture, 0);
    assert_int_equal(fixture->exchange.fetched, 1);
    assert_int_equal(fixture->exchange.drifted, 1);
    assert_asked(fixture, KNOWN, "a|6|{\"n\":1}|get");
}

static void what_an_update_of_ours_made_has_not_drifted(void **state)
{
    struct fixture *fixture = *state;
    struct claim_outcome *outcome;

    fixture_batch(fixture, "Item", "a b");
    knows(fixture, "a", "5", "{\"n\":9}");
    knows(fixture, "b", "NULL", "{\"n\":9}");
    assert_claims(fixture, 10, "PUT 1/1 a v5, FETCH 1/2 b v0");
    outcome = fixture_settle(fixture, "1/1", JOB_PENDING);
    outcome->next = POLICY_NEXT_FETCH;
    outcome->http_status = 409;
    shows(fixture, "1/2", JOB_UNCHANGED, 3, "{\"n\":2}");
    fixture->settling[1]->outcome.shows_ours = true;
    fixture_claim(fixture, 0);
    assert_int_equal(fixture->exchange.drifted, 0);
    assert_claims(fixture, 10, "FETCH 1/1 a v5");
    shows(fixture, "1/1", JOB_APPLIED, 6, "{\"n\":1}");
    fixture->settling[0]->outcome.shows_ours = true;
    fixture_claim(fixture, 0);
    assert_int_equal(fixture->exchange.drifted, 0);
}

static void outcomes_make_known_or_unknown(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a b c d e f");
    knows(fixture, "a", "5", "{\"n\":9}");
    knows(fixture, "b", "5", "{\"n\":9}");
    knows(fixture, "c", "5", "{\"n\":9}");
    knows(fixture, "e", "NULL", "{\"n\":9}");
    knows(fixture, "f", "5", "{\"n\":9}");
    assert_claims(fixture, 10,
                  "PUT 1/1 a v5, PUT 1/2 b v5, PUT 1/3 c v5, FETCH 1/4 d v0, FETCH 1/5 e v0, "
                  "PUT 1/6 f v5");
    shows(fixture, "1/1", JOB_APPLIED, 6, ""); /* without fields: what was sent */
    fixture_settle(fixture, "1/2", JOB_UNKNOWN)->doubt = true;
    fixture_settle(fixture, "1/3", JOB_REFUSED)->http_status = 404;
    fixture_settle(fixture, "1/6", JOB_REFUSED)->http_status = 422; /* it changed nothing */
    shows(fixture, "1/4", JOB_UNCHANGED, 3, "{\"n\":4}");
    shows(fixture, "1/5", JOB_UNCHANGED, 4, "{\"n\":5}"); /* a notification said 9 */
    fixture_claim(fixture, 0);
    assert_asked(fixture, KNOWN,
                 "a|6|{\"n\":1}|put; d|3|{\"n\":4}|get; e|4|{\"n\":5}|get; "
                 "f|5|{\"n\":9}|get");
    assert_asked(fixture, "SELECT count(*) FROM known WHERE fields IS NULL", "2");
    assert_int_equal(fixture->exchange.fetched, 2);
    assert_int_equal(fixture->exchange.drifted, 1);
}

static void a_row_waits_for_earlier_ones_before_it_is_skipped_and_wakes_later_ones(void **state)
{
    struct fixture *fixture = *state;

    knows(fixture, "a", "5", "{\"n\":2}");
    fixture_batch(fixture, "Item", "a a a");
    assert_claims(fixture, 10, "PUT 1/1 a v5");
    assert_int_equal(fixture->exchange.skipped, 0);
    shows(fixture, "1/1", JOB_APPLIED, 6, "{\"n\":2}"); /* as if the server had changed it */
    assert_claims(fixture, 10, "PUT 1/3 a v6");
    assert_int_equal(fixture->exchange.skipped, 1);
    assert_asked(fixture, "SELECT state FROM job", "applied; unchanged; sending");
}

/* One statement finds what is stored in the order of the rows. It must take no row of another
 * schema or record, miss none that is stored elsewhere, and go on after a gap. */
static void records_are_found_in_and_out_of_order(void **state)
{
    static const char *const turns[] = {
        "PUT 1/1 a v20, PUT 1/2 b v30, PUT 1/3 c v50, FETCH 1/4 d v0",
        "PUT 1/5 e v70, PUT 1/6 f v80, PUT 1/7 g v10, PUT 1/8 h v100",
        "PUT 1/9 i v90, FETCH 1/10 j v0, PUT 1/11 k v110, PUT 1/12 l v120",
        "FETCH 1/13 o v0, PUT 1/14 m v130, FETCH 1/15 p v0"};
    static const struct {
        const char *schema, *id;
        int version;
    } stored[] = {{"Item", "g", 10}, {"Item", "a", 20},  {"Item", "b", 30},  {"Other", "c", 40},
                  {"Item", "c", 50}, {"Item", "d", 0},   {"Item", "e", 70},  {"Item", "f", 80},
                  {"Item", "i", 90}, {"Item", "h", 100}, {"Item", "k", 110}, {"Item", "l", 120},
                  {"Item", "m", 130}};
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a b c d e f g h i j k l o m p");
    for (size_t i = 0; i < sizeof stored / sizeof *stored; i++) {
        char sql[256];

        snprintf(sql, sizeof sql,
                 "INSERT INTO known VALUES ('%s', '%s', nullif(%d, 0), iif(%d, '{}', NULL), "
                 "1, 1, 'get')",
                 stored[i].schema, stored[i].id, stored[i].version, stored[i].version);
        assert_int_equal(sqlite3_exec(fixture->eye, sql, NULL, NULL, NULL), SQLITE_OK);
    }
    for (size_t i = 0; i < sizeof turns / sizeof *turns; i++)
        assert_claims(fixture, 4, turns[i]);
}

static void one_turn_skips_many_rows_but_not_all(void **state)
{
    struct fixture *fixture = *state;
    struct buf words = {0};
    unsigned turns = 0;

    for (int i = 0; i < 3000; i++)
        buf_printf(&words, "r%d ", i);
    fixture_batch(fixture, "Item", buf_text(&words));
    sqlite3_exec(fixture->eye,
                 "INSERT INTO known SELECT 'Item', record_id, 1, fields, 1, 1, 'get' FROM job_row",
                 NULL, NULL, NULL);
    do {
        assert_claims(fixture, 10, "");
        turns++;
        assert_in_range(fixture->exchange.skipped, 900, 1024);
    } while (fixture->exchange.next_due_ms);
    assert_int_equal(turns, 3);
    assert_asked(fixture, "SELECT state, unchanged FROM batch_summary", "done|3000");
    buf_release(&words);
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, begin, fixture_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(what_is_known_is_skipped_or_sent_and_the_rest_is_fetched),
        WITH_STORE(other_schemas_use_nothing_and_store_nothing),
        WITH_STORE(a_put_that_never_left_is_decided_again_by_what_is_known_then),
        WITH_STORE(a_put_in_doubt_is_read_back_and_sent_as_it_was),
        WITH_STORE(a_409_refutes_the_version_and_the_record_is_fetched),
        WITH_STORE(what_an_update_of_ours_made_has_not_drifted),
        WITH_STORE(outcomes_make_known_or_unknown),
        WITH_STORE(a_row_waits_for_earlier_ones_before_it_is_skipped_and_wakes_later_ones),
        WITH_STORE(records_are_found_in_and_out_of_order),
        WITH_STORE(one_turn_skips_many_rows_but_not_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
