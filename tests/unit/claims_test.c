/* Which jobs are claimed, in which order, and with which version. */
#include "core/store/exchange.h"

#include "core/job/policy.h"

#include "tests/lib/store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

/* --- order --- */

static void an_empty_database_has_nothing_to_claim(void **state)
{
    struct fixture *fixture = *state;

    assert_claims(fixture, 10, "");
    assert_int_equal(fixture->exchange.left, 0);
    assert_int_equal(fixture->exchange.next_due_ms, 0);
}

static void fresh_jobs_come_batch_by_batch_and_row_by_row(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "c:5 ! b:6 a:7");
    fixture_batch(fixture, "Other", "x:1 y:2");
    assert_claims(fixture, 2, "PUT 1/1 c v5, PUT 1/3 b v6");
    assert_int_equal(fixture->exchange.left, 5);
    assert_claims(fixture, 2, "PUT 1/4 a v7, PUT 2/1 x v1");
    assert_claims(fixture, 2, "PUT 2/2 y v2");
    assert_claims(fixture, 2, "");
    assert_int_equal(fixture->exchange.left, 5);
}

static void no_more_is_claimed_than_wanted(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5 b:5");
    assert_claims(fixture, 0, "");
    assert_asked(fixture, "SELECT count(*) FROM job_state", "0");
    assert_claims(fixture, 1, "PUT 1/1 a v5");
}

static void a_claim_carries_all_that_is_to_be_sent(void **state)
{
    struct fixture *fixture = *state;
    struct claim *claim;

    fixture_batch(fixture, "Item", "a:5");
    fixture_ask(fixture, "UPDATE job_row SET tags = '[\"x\"]'");
    assert_claims(fixture, 1, "PUT 1/1 a v5");
    claim = fixture_held(fixture, "1/1");
    assert_true(span_is(claim_schema(claim), "Item"));
    assert_true(span_is(claim_record_id(claim), "a"));
    assert_true(span_is(claim_fields(claim), "{\"n\":1}"));
    assert_true(span_is(claim_tags(claim), "[\"x\"]"));
    assert_int_equal(claim->attempts, 1);
    assert_int_equal(claim->readbacks + claim->run_retries + (unsigned)claim->http_status, 0);
    assert_false(claim->doubt || claim->refused_token || claim->request != REQUEST_UPDATE);
}

static void a_claim_that_is_used_again_has_nothing_of_the_job_before(void **state)
{
    struct fixture *fixture = *state;
    struct claim_outcome *outcome;
    struct claim *claim;

    fixture_batch(fixture, "Item", "a:5 b:6");
    assert_claims(fixture, 1, "PUT 1/1 a v5");
    claim = fixture_held(fixture, "1/1");
    outcome = fixture_settle(fixture, "1/1", JOB_UNKNOWN);
    outcome->doubt = true;
    outcome->readbacks = 3;
    outcome->run_retries = 2;
    outcome->http_status = 401;
    outcome->not_before_ms = INT64_MAX;
    fixture_claim(fixture, 0);
    assert_claims(fixture, 1, "PUT 1/2 b v6");
    assert_ptr_equal(fixture_held(fixture, "1/2"), claim);
    assert_int_equal(claim->attempts, 1);
    assert_int_equal(claim->readbacks + claim->run_retries + (unsigned)claim->http_status, 0);
    assert_false(claim->doubt || claim->refused_token || claim->request != REQUEST_UPDATE);
}

static void one_batch_alone_is_claimed_from_when_it_is_named(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5");
    fixture_batch(fixture, "Item", "b:5");
    fixture->batch_id = 2;
    assert_claims(fixture, 10, "PUT 2/1 b v5");
    assert_int_equal(fixture->exchange.left, 1);
}

static void only_open_batches_are_claimed_from(void **state)
{
    struct fixture *fixture = *state;
    struct intake_chunk chunk = {0};
    int64_t batch_id = fixture_load_begin(fixture, "Item");

    fixture_fill(&chunk, 1, "a:5");
    assert_true(batch_load(fixture->store, batch_id, &chunk, &fixture->err));
    intake_chunk_release(&chunk);
    assert_claims(fixture, 10, "");
    assert_true(batch_refuse(fixture->store, batch_id, "no", false, 1, 2, &fixture->err));
    assert_claims(fixture, 10, "");
    assert_int_equal(fixture->exchange.left, 0);
}

static void large_texts_end_a_window_early(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5 b:5 c:5");
    fixture_ask(fixture, "UPDATE job_row SET fields = '\"' || hex(zeroblob(2200000)) || '\"'");
    assert_claims(fixture, 10, "PUT 1/1 a v5, PUT 1/2 b v5");
    assert_claims(fixture, 10, "PUT 1/3 c v5");
}

/* --- what is in the database before a request is sent --- */

static void a_claim_is_committed_as_sending_with_its_attempt(void **state)
{
    struct fixture *fixture = *state;
    char sql[256];

    fixture_batch(fixture, "Item", "a:5 b:6");
    assert_claims(fixture, 1, "PUT 1/1 a v5");
    assert_asked(fixture,
                 "SELECT job_id, state, attempts, sent_version, not_before_ms, run_id, updated_ms "
                 "FROM job_state",
                 "1000000001|sending|1|5|NULL|7|1000000");
    assert_asked(fixture,
                 "SELECT job_id, run_id, method, started_ms, ended_ms, sent_version, http_status "
                 "FROM attempt",
                 "1000000001|7|PUT|1000000|NULL|5|NULL");
    snprintf(sql, sizeof sql, "SELECT id = %lld FROM attempt",
             (long long)fixture_held(fixture, "1/1")->attempt_id);
    assert_asked(fixture, sql, "1");
    assert_asked(fixture, "SELECT pending, sending, next_job_id FROM batch_tally",
                 "1|1|1000000002");
}

static void the_attempts_of_many_claims_are_in_their_order(void **state)
{
    struct fixture *fixture = *state;
    struct buf rows = {0};

    /* the record of every seventh row is that of the row before, which it waits for */
    for (unsigned row = 1; row <= 80; row++)
        buf_printf(&rows, "r%u:1 ", row % 7 ? row : row - 1);
    fixture_batch(fixture, "Item", buf_text(&rows));
    fixture_claim(fixture, 60);
    assert_int_equal(fixture->exchange.claimed, 60);
    assert_asked(fixture,
                 "SELECT count(*), count(DISTINCT a.job_id), min(a.method), max(s.state), "
                 "count(s.correlation_id), sum(a.sent_version), sum(s.sent_version) "
                 "FROM attempt a JOIN job_state s ON s.job_id = a.job_id",
                 "60|60|PUT|sending|60|60|60");
    for (unsigned i = 0; i < 60; i++) {
        const struct claim *claim = fixture->in_hand[i];

        assert_true(i == 0 || claim->attempt_id > fixture->in_hand[i - 1]->attempt_id);
        assert_int_equal(claim->claimed_ms, fixture->now_ms);
        buf_reset(&rows);
        buf_printf(&rows, "SELECT job_id = %lld FROM attempt WHERE id = %lld",
                   (long long)claim->job_id, (long long)claim->attempt_id);
        assert_asked(fixture, buf_text(&rows), "1");
    }
    buf_release(&rows);
}

static void the_correlation_id_is_stored_before_the_first_request_and_stays(void **state)
{
    struct fixture *fixture = *state;
    unsigned char first[16];
    char sql[256] = "SELECT correlation_id = x'";

    fixture_batch(fixture, "Item", "a:5");
    fixture_claim(fixture, 1);
    memcpy(first, fixture_held(fixture, "1/1")->correlation, sizeof first);
    for (size_t i = 0; i < sizeof first; i++)
        snprintf(sql + strlen(sql), sizeof sql - strlen(sql), "%02x", first[i]);
    snprintf(sql + strlen(sql), sizeof sql - strlen(sql), "' FROM job_state");
    assert_asked(fixture, sql, "1");
    fixture_settle(fixture, "1/1", JOB_PENDING)->run_retries = 1;
    assert_claims(fixture, 1, "PUT 1/1 a v5");
    assert_memory_equal(fixture_held(fixture, "1/1")->correlation, first, sizeof first);
    fixture_settle(fixture, "1/1", JOB_UNKNOWN)->doubt = true;
    assert_claims(fixture, 1, "GET 1/1 a v5");
    assert_memory_equal(fixture_held(fixture, "1/1")->correlation, first, sizeof first);
    fixture_put_back(fixture, "1/1");
    fixture_claim(fixture, 0);
    fixture_reopen(fixture);
    assert_claims(fixture, 1, "GET 1/1 a v5");
    assert_memory_equal(fixture_held(fixture, "1/1")->correlation, first, sizeof first);
    assert_asked(fixture, sql, "1");
}

/* The id of row 1 of that occurrence of the fixture's file. */
static void assert_id(struct fixture *fixture, const char *job, int64_t occurrence)
{
    unsigned char id[CORRELATION_SIZE];
    struct correlation_key key;

    correlation_key_make(span_of("Item"), span_of("hash"), occurrence, 0, &key);
    correlation_make(&key, 1, id);
    assert_memory_equal(fixture_held(fixture, job)->correlation, id, sizeof id);
}

static void a_row_has_the_same_id_in_every_database(void **state)
{
    static const char *const tables[] = {
        "DELETE FROM record_job", "DELETE FROM job_row",
        "DELETE FROM job_state",  "DELETE FROM record_rejection",
        "DELETE FROM violation",  "DELETE FROM rejected_row",
        "DELETE FROM attempt",    "UPDATE batch SET pruned_ms = 1, emptied_ms = 1",
    };
    struct fixture *fixture = *state;
    int64_t refused;

    fixture_batch(fixture, "Item", "a:5");
    fixture_batch(fixture, "Other", "b:5");
    /* neither a file that was refused counts nor one without jobs */
    refused = fixture_load_begin(fixture, "Item");
    assert_true(batch_refuse(fixture->store, refused, "too many", true, fixture->run_id,
                             fixture->now_ms, &fixture->err));
    fixture_batch(fixture, "Item", "!");
    fixture_batch(fixture, "Item", "c:5");
    assert_claims(fixture, 9, "PUT 1/1 a v5, PUT 2/1 b v5, PUT 5/1 c v5");
    assert_id(fixture, "1/1", 0);
    assert_id(fixture, "5/1", 1);
    fixture_settle_all(fixture, JOB_APPLIED);
    /* nor does it matter that rows were pruned */
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        fixture_ask(fixture, tables[i]);
    fixture_batch(fixture, "Item", "d:5");
    assert_claims(fixture, 9, "PUT 6/1 d v5");
    assert_id(fixture, "6/1", 2);
}

static void a_job_keeps_the_id_that_it_has(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5");
    fixture_claim(fixture, 1);
    fixture_settle(fixture, "1/1", JOB_PENDING);
    fixture_claim(fixture, 0);
    fixture_ask(fixture, "UPDATE job_state SET correlation_id = zeroblob(16)");
    assert_claims(fixture, 1, "PUT 1/1 a v5");
    assert_memory_equal(fixture_held(fixture, "1/1")->correlation, ((char[16]){0}), 16);
}

static void an_unknown_job_is_read_back_with_the_version_of_its_put(void **state)
{
    struct fixture *fixture = *state;
    struct claim_outcome *outcome;
    struct claim *claim;

    fixture_batch(fixture, "Item", "a:5");
    fixture_claim(fixture, 1);
    outcome = fixture_settle(fixture, "1/1", JOB_UNKNOWN);
    outcome->doubt = true;
    outcome->http_status = 504;
    assert_claims(fixture, 1, "GET 1/1 a v5");
    claim = fixture_held(fixture, "1/1");
    assert_true(claim->doubt);
    assert_int_equal(claim->attempts, 1);
    assert_int_equal(claim->http_status, 504);
    assert_asked(fixture, "SELECT state, attempts, sent_version, not_before_ms FROM job_state",
                 "unknown|1|5|NULL");
    assert_asked(fixture, "SELECT method, sent_version, ended_ms FROM attempt ORDER BY id",
                 "PUT|5|1000000; GET|NULL|NULL");
    assert_asked(fixture, "SELECT pending, sending, unknown FROM batch_tally", "0|0|1");
    assert_claims(fixture, 1, "");
}

/* --- due times and retries --- */

static void a_job_is_claimed_when_it_is_due_and_not_before(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5 b:5");
    fixture_claim(fixture, 2);
    fixture_settle(fixture, "1/1", JOB_PENDING)->not_before_ms = FIXTURE_NOW_MS + 2000;
    fixture_settle(fixture, "1/2", JOB_UNKNOWN)->not_before_ms = FIXTURE_NOW_MS + 1000;
    assert_claims(fixture, 10, "");
    assert_int_equal(fixture->exchange.next_due_ms, FIXTURE_NOW_MS + 1000);
    fixture->now_ms = FIXTURE_NOW_MS + 999;
    assert_claims(fixture, 10, "");
    fixture->now_ms = FIXTURE_NOW_MS + 1000;
    assert_claims(fixture, 10, "GET 1/2 b v5");
    assert_int_equal(fixture->exchange.next_due_ms, FIXTURE_NOW_MS + 2000);
    fixture->now_ms = FIXTURE_NOW_MS + 5000;
    assert_claims(fixture, 10, "PUT 1/1 a v5");
    assert_int_equal(fixture->exchange.next_due_ms, 0);
}

static void due_jobs_go_before_fresh_ones_longest_due_first(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5 b:5 c:5 d:5");
    fixture_claim(fixture, 3);
    fixture_settle(fixture, "1/1", JOB_PENDING)->not_before_ms = FIXTURE_NOW_MS + 30;
    fixture_settle(fixture, "1/2", JOB_PENDING)->not_before_ms = FIXTURE_NOW_MS + 10;
    fixture_settle(fixture, "1/3", JOB_PENDING)->not_before_ms = FIXTURE_NOW_MS + 20;
    fixture->now_ms += 100;
    fixture_claim(fixture, 0);
    assert_claims(fixture, 4, "PUT 1/2 b v5, PUT 1/3 c v5, PUT 1/1 a v5, PUT 1/4 d v5");
}

static void fresh_jobs_follow_in_the_turn_after_one_that_due_ones_filled(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5 b:5 c:5");
    fixture_claim(fixture, 2);
    fixture_settle(fixture, "1/1", JOB_PENDING);
    fixture_settle(fixture, "1/2", JOB_PENDING);
    assert_claims(fixture, 2, "PUT 1/1 a v5, PUT 1/2 b v5");
    assert_claims(fixture, 2, "PUT 1/3 c v5");
}

/* More jobs than one turn claims come back at the same time. */
static void all_jobs_that_are_due_are_claimed_turn_by_turn(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5 b:5 c:5 d:5 e:5");
    fixture_claim(fixture, 5);
    fixture_settle_all(fixture, JOB_PENDING);
    assert_claims(fixture, 2, "PUT 1/1 a v5, PUT 1/2 b v5");
    assert_claims(fixture, 2, "PUT 1/3 c v5, PUT 1/4 d v5");
    assert_claims(fixture, 2, "PUT 1/5 e v5");
    assert_claims(fixture, 2, "");
}

/* Later than any delay: the clock was ahead. */
static void a_job_that_is_put_off_for_too_long_is_due_at_once(void **state)
{
    struct fixture *fixture = *state;
    int64_t latest_ms = FIXTURE_NOW_MS + POLICY_DELAY_MAX_MS;

    fixture_batch(fixture, "Item", "a:5 b:5");
    fixture_claim(fixture, 2);
    fixture_settle(fixture, "1/1", JOB_PENDING)->not_before_ms = latest_ms;
    fixture_settle(fixture, "1/2", JOB_UNKNOWN)->not_before_ms = latest_ms;
    assert_claims(fixture, 2, "");
    assert_int_equal(fixture->exchange.next_due_ms, latest_ms);
    assert_int_equal(fixture->exchange.ahead, 0);
    /* now it was: a turn says so, and the next one claims them */
    fixture->now_ms--;
    assert_claims(fixture, 2, "");
    assert_int_equal(fixture->exchange.next_due_ms, fixture->now_ms);
    assert_int_equal(fixture->exchange.ahead, 1);
    assert_claims(fixture, 2, "PUT 1/1 a v5, GET 1/2 b v5");
    assert_int_equal(fixture->exchange.ahead, 0);
}

static void the_earliest_due_time_of_all_batches_is_reported(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5");
    fixture_batch(fixture, "Item", "b:5");
    fixture_claim(fixture, 2);
    fixture_settle(fixture, "1/1", JOB_PENDING)->not_before_ms = FIXTURE_NOW_MS + 900;
    fixture_settle(fixture, "2/1", JOB_PENDING)->not_before_ms = FIXTURE_NOW_MS + 400;
    assert_claims(fixture, 1, "");
    assert_int_equal(fixture->exchange.next_due_ms, FIXTURE_NOW_MS + 400);
    fixture->batch_id = 1;
    assert_claims(fixture, 1, "");
    assert_int_equal(fixture->exchange.next_due_ms, FIXTURE_NOW_MS + 900);
}

static void a_job_whose_retries_are_used_up_is_left_to_the_next_run(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5");
    for (unsigned retries = 1; retries <= 4; retries++) {
        assert_claims(fixture, 1, "PUT 1/1 a v5");
        assert_int_equal(fixture_held(fixture, "1/1")->run_retries, retries - 1);
        assert_int_equal(fixture_held(fixture, "1/1")->attempts, retries);
        fixture_settle(fixture, "1/1", JOB_PENDING)->run_retries = retries;
        fixture_claim(fixture, 0);
    }
    /* the first attempt and three retries */
    assert_claims(fixture, 1, "");
    assert_int_equal(fixture->exchange.next_due_ms, 0);
    assert_int_equal(fixture->exchange.left, 1);
    fixture_begin_run(fixture);
    assert_claims(fixture, 1, "PUT 1/1 a v5");
    assert_int_equal(fixture_held(fixture, "1/1")->run_retries, 0);
    assert_int_equal(fixture_held(fixture, "1/1")->attempts, 5);
    fixture_settle(fixture, "1/1", JOB_UNKNOWN)->run_retries = 4;
    assert_claims(fixture, 1, "");
    assert_int_equal(fixture->exchange.left, 1);
    fixture_begin_run(fixture);
    assert_claims(fixture, 1, "GET 1/1 a v5");
}

static void a_401_is_remembered_within_its_run_alone(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5");
    fixture_claim(fixture, 1);
    fixture_settle(fixture, "1/1", JOB_PENDING)->http_status = 401;
    fixture_claim(fixture, 1);
    assert_true(fixture_held(fixture, "1/1")->refused_token);
    fixture_settle(fixture, "1/1", JOB_PENDING)->http_status = 401;
    fixture->run_id++;
    /* the run that settled it is the one that remembers */
    fixture_claim(fixture, 0);
    fixture->run_id++;
    fixture_claim(fixture, 1);
    assert_false(fixture_held(fixture, "1/1")->refused_token);
    /* put back untouched, it still has not been answered in this run */
    fixture_put_back(fixture, "1/1");
    fixture_claim(fixture, 1);
    assert_false(fixture_held(fixture, "1/1")->refused_token);
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, fixture_begin, fixture_end)

/* --- what goes last, and samples --- */

static void next_run(struct fixture *fixture)
{
    uint64_t recovered;

    fixture_reopen(fixture);
    fixture->run_id++;
    assert_true(jobs_recover(fixture->store, fixture->now_ms, &recovered, &fixture->err));
    fixture_check(fixture);
}

static void what_a_run_left_goes_last_in_the_next_and_once_only(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5 b:5 c:5");
    assert_claims(fixture, 2, "PUT 1/1 a v5, PUT 1/2 b v5");
    fixture_settle(fixture, "1/1", JOB_PENDING)->run_retries = fixture->max_retries + 1;
    fixture_settle(fixture, "1/2", JOB_UNKNOWN)->run_retries = fixture->max_retries + 1;
    fixture_claim(fixture, 0);
    next_run(fixture);
    fixture_batch(fixture, "Item", "d:5");
    assert_claims(fixture, 9, "PUT 1/3 c v5, PUT 2/1 d v5, PUT 1/1 a v5, GET 1/2 b v5");
    fixture_settle(fixture, "1/1", JOB_PENDING)->run_retries = fixture->max_retries + 1;
    assert_claims(fixture, 9, "");
    assert_int_equal(fixture->exchange.next_due_ms, 0);
    fixture_settle_all(fixture, JOB_APPLIED);
    next_run(fixture);
    assert_claims(fixture, 9, "PUT 1/1 a v5");
}

static void jobs_that_wait_for_a_time_can_be_left_as_a_list(void **state)
{
    static const int64_t jobs[] = {1000000001, 1000000002, 1000000003, 1000000004};
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5 b:5 c:5 d:5");
    fixture_claim(fixture, 3);
    fixture_settle(fixture, "1/1", JOB_PENDING)->not_before_ms = fixture->now_ms + 60000;
    fixture_settle(fixture, "1/2", JOB_APPLIED);
    fixture_claim(fixture, 0);
    assert_true(jobs_leave(fixture->store, jobs, 4, fixture->run_id, &fixture->err));
    fixture_check(fixture);
    fixture_settle_all(fixture, JOB_APPLIED);
    next_run(fixture);
    assert_claims(fixture, 1, "PUT 1/4 d v5");
    assert_claims(fixture, 9, "PUT 1/1 a v5");
}

static void what_is_put_behind_the_others_goes_last_in_its_own_run(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5 b:5 c");
    fixture_claim(fixture, 1);
    fixture_put_back(fixture, "1/1")->last = true;
    assert_claims(fixture, 9, "PUT 1/2 b v5, FETCH 1/3 c v0, PUT 1/1 a v5");
    fixture_put_back(fixture, "1/3")->last = true;
    fixture_claim(fixture, 0);
    assert_claims(fixture, 9, "FETCH 1/3 c v0");
}

/* A run of rows that wait is longer than what one turn passes. */
static void what_goes_last_waits_until_all_rows_were_looked_at(void **state)
{
    struct fixture *fixture = *state;
    struct buf words = {0};

    fixture_batch(fixture, "Item", "z:1");
    fixture_claim(fixture, 1);
    fixture_put_back(fixture, "1/1")->last = true;
    for (int i = 0; i < 2500; i++)
        buf_append_text(&words, "a:5 ");
    buf_append_text(&words, "b:5");
    fixture_batch(fixture, "Item", buf_text(&words));
    buf_release(&words);
    assert_claims(fixture, 9, "PUT 2/1 a v5");
    assert_claims(fixture, 9, "PUT 2/2501 b v5, PUT 1/1 z v1");
}

/* 1000 rows: no two of 20 probes are closer than 1/40 of the queue. */
static void a_sample_is_taken_from_places_that_are_far_apart(void **state)
{
    struct fixture *fixture = *state;
    struct buf words = {0};

    for (int i = 0; i < 1000; i++) {
        char word[16];

        snprintf(word, sizeof word, "r%d:5 ", i);
        buf_append_text(&words, word);
    }
    fixture_batch(fixture, "Item", buf_text(&words));
    buf_release(&words);
    fixture_claim(fixture, 5);
    fixture->spread = true;
    for (int i = 0; i < 10; i++)
        fixture_claim(fixture, 2);
    assert_asked(fixture,
                 "SELECT count(*), min(gap) > 10, max(gap) < 160, max(job_id) > 1000000950 FROM "
                 "(SELECT job_id, job_id - lag(job_id) OVER (ORDER BY job_id) AS gap "
                 "FROM job_state WHERE job_id > 1000000005)",
                 "20|1|1|1");
    for (unsigned i = 0; i < fixture->in_hand_count; i++)
        assert_int_equal(fixture->in_hand[i]->spread, i >= 5);
}

static void a_sample_takes_jobs_of_later_batches_and_goes_on_with_them(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a b c d e f g h");
    fixture_batch(fixture, "Item", "k l m n o p q r");
    fixture_claim(fixture, 2);
    fixture->spread = true;
    fixture_claim(fixture, 4);
    assert_asked(fixture, "SELECT count(DISTINCT job_id / 1000000000) FROM job_state", "2");
    /* the head's turn does not come before the sample's */
    fixture_settle_all(fixture, JOB_PENDING);
    fixture_claim(fixture, 4);
    assert_asked(fixture, "SELECT count(*) FROM attempt WHERE job_id < 1000000003", "2");
    assert_asked(fixture, "SELECT count(*) FROM attempt", "10");
}

/* Beginning and end of what goes last, when nothing else is left to be sampled. */
static void a_sample_of_what_goes_last_is_taken_from_both_ends(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5 b:5 c:5 d:5 e:5 f:5");
    fixture_claim(fixture, 9);
    for (int i = 1; i <= 6; i++) {
        char job[16];

        snprintf(job, sizeof job, "1/%d", i);
        fixture_put_back(fixture, job)->last = true;
    }
    fixture->spread = true;
    assert_claims(fixture, 3, "PUT 1/1 a v5, PUT 1/6 f v5, PUT 1/2 b v5");
    assert_claims(fixture, 9, "PUT 1/3 c v5, PUT 1/5 e v5, PUT 1/4 d v5");
}

static void a_sample_passes_rows_that_have_to_wait(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5 a:5 a:5 a:5 a:5 a:5 b:5");
    fixture_claim(fixture, 1);
    fixture->spread = true;
    assert_claims(fixture, 9, "PUT 1/7 b v5");
    assert_claims(fixture, 9, "");
    assert_asked(fixture, "SELECT count(*) FROM job_state WHERE waits_for > 0", "5");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(an_empty_database_has_nothing_to_claim),
        WITH_STORE(fresh_jobs_come_batch_by_batch_and_row_by_row),
        WITH_STORE(no_more_is_claimed_than_wanted),
        WITH_STORE(a_claim_carries_all_that_is_to_be_sent),
        WITH_STORE(a_claim_that_is_used_again_has_nothing_of_the_job_before),
        WITH_STORE(one_batch_alone_is_claimed_from_when_it_is_named),
        WITH_STORE(only_open_batches_are_claimed_from),
        WITH_STORE(large_texts_end_a_window_early),
        WITH_STORE(a_claim_is_committed_as_sending_with_its_attempt),
        WITH_STORE(the_attempts_of_many_claims_are_in_their_order),
        WITH_STORE(the_correlation_id_is_stored_before_the_first_request_and_stays),
        WITH_STORE(a_row_has_the_same_id_in_every_database),
        WITH_STORE(a_job_keeps_the_id_that_it_has),
        WITH_STORE(an_unknown_job_is_read_back_with_the_version_of_its_put),
        WITH_STORE(a_job_is_claimed_when_it_is_due_and_not_before),
        WITH_STORE(due_jobs_go_before_fresh_ones_longest_due_first),
        WITH_STORE(fresh_jobs_follow_in_the_turn_after_one_that_due_ones_filled),
        WITH_STORE(all_jobs_that_are_due_are_claimed_turn_by_turn),
        WITH_STORE(a_job_that_is_put_off_for_too_long_is_due_at_once),
        WITH_STORE(what_goes_last_waits_until_all_rows_were_looked_at),
        WITH_STORE(the_earliest_due_time_of_all_batches_is_reported),
        WITH_STORE(a_job_whose_retries_are_used_up_is_left_to_the_next_run),
        WITH_STORE(a_401_is_remembered_within_its_run_alone),
        WITH_STORE(what_a_run_left_goes_last_in_the_next_and_once_only),
        WITH_STORE(jobs_that_wait_for_a_time_can_be_left_as_a_list),
        WITH_STORE(what_is_put_behind_the_others_goes_last_in_its_own_run),
        WITH_STORE(a_sample_is_taken_from_places_that_are_far_apart),
        WITH_STORE(a_sample_takes_jobs_of_later_batches_and_goes_on_with_them),
        WITH_STORE(a_sample_of_what_goes_last_is_taken_from_both_ends),
        WITH_STORE(a_sample_passes_rows_that_have_to_wait),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
