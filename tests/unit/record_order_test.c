/* Jobs of one record: one after the other, and within a batch with the versions that came back. */
#include "core/store/exchange.h"
#include "tests/lib/store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

static void applied(struct fixture *fixture, const char *job)
{
    int64_t version = fixture_held(fixture, job)->version;

    fixture_settle_at(fixture, job, JOB_APPLIED, version + 1);
}

static void a_later_row_of_a_record_waits_for_the_earlier_one(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5 a:5 b:5");
    assert_claims(fixture, 10, "PUT 1/1 a v5, PUT 1/3 b v5");
    assert_asked(fixture,
                 "SELECT state, attempts, waits_for, not_before_ms, correlation_id FROM job_state "
                 "WHERE job_id = 1000000002",
                 "pending|0|1000000001|NULL|NULL");
    assert_int_equal(fixture->exchange.left, 3);
    assert_int_equal(fixture->exchange.next_due_ms, 0);
    assert_claims(fixture, 10, "");
    applied(fixture, "1/1");
    assert_claims(fixture, 10, "PUT 1/2 a v6");
}

static void whatever_ends_the_earlier_job_wakes_the_later_one(void **state)
{
    static const enum job_state ends[] = {JOB_APPLIED, JOB_CONFLICT, JOB_REFUSED};
    struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        char first[16], second[32];
        int64_t batch_id = fixture_batch(fixture, "Item", "a:5 a:9");

        snprintf(first, sizeof first, "%lld/1", (long long)batch_id);
        fixture_claim(fixture, 10);
        fixture_settle(fixture, first, ends[i]);
        snprintf(second, sizeof second, "PUT %lld/2 a v9", (long long)batch_id);
        assert_claims(fixture, 10, second);
        snprintf(second, sizeof second, "%lld/2", (long long)batch_id);
        applied(fixture, second);
        fixture_claim(fixture, 0);
    }
}

static void a_later_job_waits_while_the_earlier_one_is_retried_or_read_back(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5 a:5");
    fixture_claim(fixture, 10);
    fixture_settle(fixture, "1/1", JOB_PENDING)->not_before_ms = FIXTURE_NOW_MS + 50;
    assert_claims(fixture, 10, "");
    fixture->now_ms += 50;
    assert_claims(fixture, 10, "PUT 1/1 a v5");
    fixture_settle(fixture, "1/1", JOB_UNKNOWN)->doubt = true;
    assert_claims(fixture, 10, "GET 1/1 a v5");
    fixture_settle_at(fixture, "1/1", JOB_APPLIED, 6);
    assert_claims(fixture, 10, "PUT 1/2 a v6");
}

static void order_holds_across_batches_and_nothing_is_chained(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5");
    fixture_batch(fixture, "Item", "a:5");
    fixture_batch(fixture, "Item", "a:7");
    assert_claims(fixture, 10, "PUT 1/1 a v5");
    applied(fixture, "1/1");
    assert_claims(fixture, 10, "PUT 2/1 a v5");
    fixture_settle(fixture, "2/1", JOB_CONFLICT);
    assert_claims(fixture, 10, "PUT 3/1 a v7");
}

static void a_named_batch_waits_for_the_others_all_the_same(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5");
    fixture_batch(fixture, "Item", "a:5 b:5");
    fixture->batch_id = 2;
    assert_claims(fixture, 10, "PUT 2/2 b v5");
    assert_int_equal(fixture->exchange.left, 2);
    assert_asked(fixture, "SELECT waits_for FROM job_state WHERE job_id = 2000000001",
                 "1000000001");
    fixture->batch_id = 0;
    assert_claims(fixture, 10, "PUT 1/1 a v5");
    applied(fixture, "1/1");
    fixture->batch_id = 2;
    assert_claims(fixture, 10, "PUT 2/1 a v5");
}

static void records_of_two_schemas_do_not_wait_for_each_other(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5");
    fixture_batch(fixture, "Other", "a:5");
    fixture_batch(fixture, "Item", "a:8");
    assert_claims(fixture, 10, "PUT 1/1 a v5, PUT 2/1 a v5");
    applied(fixture, "2/1");
    assert_claims(fixture, 10, "");
    applied(fixture, "1/1");
    assert_claims(fixture, 10, "PUT 3/1 a v8");
}

static void many_rows_of_one_record_go_out_one_after_the_other(void **state)
{
    struct fixture *fixture = *state;
    struct buf words = {0};

    for (int i = 0; i < 100; i++)
        buf_append_text(&words, "a:5 ");
    fixture_batch(fixture, "Item", buf_text(&words));
    buf_release(&words);
    for (int i = 1; i <= 100; i++) {
        char expected[64], job[16];

        snprintf(expected, sizeof expected, "PUT 1/%d a v%d", i, 4 + i);
        assert_claims(fixture, 10, expected);
        snprintf(job, sizeof job, "1/%d", i);
        applied(fixture, job);
    }
    assert_claims(fixture, 10, "");
    assert_asked(fixture, "SELECT state, applied FROM batch_summary", "done|100");
}

/* More rows that must wait than one transaction passes: the rest is left to the next turn. */
static void a_long_run_of_waiting_rows_is_passed_in_several_turns(void **state)
{
    struct fixture *fixture = *state;
    struct buf words = {0};

    for (int i = 0; i < 5000; i++)
        buf_append_text(&words, "a:5 ");
    buf_append_text(&words, "b:5");
    fixture_batch(fixture, "Item", buf_text(&words));
    buf_release(&words);
    assert_claims(fixture, 10, "PUT 1/1 a v5");
    assert_int_equal(fixture->exchange.next_due_ms, fixture->now_ms);
    assert_claims(fixture, 10, "");
    assert_int_equal(fixture->exchange.next_due_ms, fixture->now_ms);
    assert_claims(fixture, 10, "PUT 1/5001 b v5");
    assert_int_equal(fixture->exchange.next_due_ms, 0);
}

/* --- versions of one record within a batch --- */

/* Rows of record a with these versions, each applied unless it is named as refused; what goes
 * out. */
static void check_chain(struct fixture *fixture, const char *words, const char *refused,
                        const char *const *sent)
{
    int64_t batch_id = fixture_batch(fixture, "Item", words);

    for (int row = 1; sent[row - 1]; row++) {
        char expected[64], job[32];

        snprintf(expected, sizeof expected, "PUT %lld/%d a v%s", (long long)batch_id, row,
                 sent[row - 1]);
        assert_claims(fixture, 10, expected);
        snprintf(job, sizeof job, "%lld/%d", (long long)batch_id, row);
        if (strchr(refused, '0' + row))
            fixture_settle(fixture, job, JOB_REFUSED)->http_status = 422;
        else
            applied(fixture, job);
    }
    assert_claims(fixture, 10, "");
    assert_int_equal(fixture->exchange.left, 0);
}

static void versions_within_the_chain_go_out_as_the_returned_one(void **state)
{
    static const struct {
        const char *words, *refused, *sent[6];
    } rows[] = {
        {"a:5 a:5 a:5", "", {"5", "6", "7"}},
        {"a:5 a:5 a:6", "", {"5", "6", "7"}},
        {"a:5 a:6 a:7", "", {"5", "6", "7"}},
        {"a:5 a:5 a:5", "2", {"5", "6", "6"}},
        {"a:5 a:5 a:5", "1", {"5", "5", "6"}},
        {"a:5 a:5 a:5", "12", {"5", "5", "5"}},
        {"a:5 a:4 a:5", "", {"5", "4", "5"}}, /* lower than the first: as declared */
        {"a:5 a:8 a:5", "", {"5", "8", "9"}}, /* higher than what came back: as declared */
        {"a:5 a:7 a:7", "2", {"5", "7", "7"}},
        {"a:0 a:0 a:0", "", {"0", "1", "2"}},
        {"a:5 a:5 a:9 a:5 a:10", "", {"5", "6", "9", "10", "11"}},
    };
    struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_chain(fixture, rows[i].words, rows[i].refused, rows[i].sent);
}

static void the_chain_follows_what_the_server_returned_not_what_was_sent(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5 a:5 a:40");
    fixture_claim(fixture, 10);
    fixture_settle_at(fixture, "1/1", JOB_APPLIED, 40);
    assert_claims(fixture, 10, "PUT 1/2 a v40");
    fixture_settle_at(fixture, "1/2", JOB_APPLIED, 41);
    assert_claims(fixture, 10, "PUT 1/3 a v41");
}

static void a_version_that_was_sent_stays_with_the_job(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5 a:5");
    fixture_claim(fixture, 10);
    applied(fixture, "1/1");
    assert_claims(fixture, 10, "PUT 1/2 a v6");
    fixture_settle(fixture, "1/2", JOB_PENDING)->run_retries = 1;
    assert_claims(fixture, 10, "PUT 1/2 a v6");
    fixture_reopen(fixture);
    fixture->run_id++;
    uint64_t recovered;
    assert_true(jobs_recover(fixture->store, fixture->now_ms, &recovered, &fixture->err));
    assert_int_equal(recovered, 1);
    assert_claims(fixture, 10, "GET 1/2 a v6");
    fixture_settle(fixture, "1/2", JOB_PENDING);
    assert_claims(fixture, 10, "PUT 1/2 a v6");
}

static void a_version_that_never_left_is_chosen_anew(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5 a:5");
    fixture_claim(fixture, 10);
    applied(fixture, "1/1");
    assert_claims(fixture, 10, "PUT 1/2 a v6");
    fixture_settle(fixture, "1/2", JOB_PENDING)->left = false;
    assert_claims(fixture, 10, "PUT 1/2 a v6");
    assert_int_equal(fixture_held(fixture, "1/2")->attempts, 1);
}

static void a_later_job_waits_for_one_that_is_left_to_the_next_run(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5 a:5");
    fixture_claim(fixture, 2);
    fixture_settle(fixture, "1/1", JOB_UNKNOWN)->run_retries = 4;
    assert_claims(fixture, 2, "");
    fixture_begin_run(fixture);
    assert_claims(fixture, 2, "GET 1/1 a v5");
    fixture_settle_at(fixture, "1/1", JOB_APPLIED, 6);
    assert_claims(fixture, 2, "PUT 1/2 a v6");
}

/* The sibling of the claim in hand for a job; it must be there. */
static const struct claim_sibling *sibling_of(struct fixture *fixture, const char *job,
                                              int64_t sibling)
{
    const struct claim *claim = fixture_held(fixture, job);
    const struct claim_sibling *siblings = (const void *)claim->siblings.data;

    for (size_t i = 0; i < claim->siblings.size / sizeof *siblings; i++)
        if (siblings[i].job_id == sibling)
            return &siblings[i];
    fail_msg("%s does not know %lld", job, (long long)sibling);
    return NULL;
}

/* Rows that were never sent are known, too: another copy of the database may have sent them. */
static void a_read_back_and_a_fetch_know_the_ids_of_later_rows(void **state)
{
    static const char *const words[] = {"a:5 b:5 a:5 a:5", "a b a a"};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        struct fixture *fixture = *state;
        unsigned char id[CORRELATION_SIZE];
        struct correlation_key key;

        fixture_batch(fixture, i ? "Other" : "Item", words[i]);
        fixture_claim(fixture, 9);
        if (i == 0) {
            fixture_settle(fixture, "1/1", JOB_UNKNOWN);
            fixture_claim(fixture, 9);
        }
        correlation_key_make(span_of(i ? "Other" : "Item"), span_of("hash"), 0, 0, &key);
        correlation_make(&key, 4, id);
        assert_memory_equal(
            sibling_of(fixture, i ? "2/1" : "1/1", id_of((int64_t)i + 1, 4))->correlation, id,
            sizeof id);
        assert_false(sibling_of(fixture, i ? "2/1" : "1/1", id_of((int64_t)i + 1, 3))->is_sent);
        fixture_settle_all(fixture, JOB_APPLIED);
    }
}

static void a_sibling_says_whether_it_was_sent(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5 a:5 a:5");
    fixture_claim(fixture, 1);
    applied(fixture, "1/1");
    fixture_claim(fixture, 1);
    fixture_settle(fixture, "1/2", JOB_UNKNOWN);
    assert_claims(fixture, 1, "GET 1/2 a v6");
    assert_true(sibling_of(fixture, "1/2", 1000000001)->is_sent);
    assert_int_equal(sibling_of(fixture, "1/2", 1000000001)->made_version, 6);
    assert_string_equal(sibling_of(fixture, "1/2", 1000000001)->made_token, "");
    assert_false(sibling_of(fixture, "1/2", 1000000003)->is_sent);
}

/* A token that is too long to be kept is none. */
static void a_sibling_has_the_token_that_its_update_made(void **state)
{
    static const struct {
        const char *sql, *token;
    } rows[] = {
        {"UPDATE job_state SET server_token = '\"e6\"' WHERE job_id = 1000000001", "\"e6\""},
        {"UPDATE job_state SET server_token = hex(zeroblob(5000)) WHERE job_id = 1000000001", ""},
    };
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5 a:5");
    fixture_claim(fixture, 1);
    applied(fixture, "1/1");
    fixture_claim(fixture, 1);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fixture_settle(fixture, "1/2", JOB_UNKNOWN);
        fixture_claim(fixture, 0);
        fixture_ask(fixture, rows[i].sql);
        assert_claims(fixture, 1, "GET 1/2 a v6");
        assert_string_equal(sibling_of(fixture, "1/2", 1000000001)->made_token, rows[i].token);
    }
}

/* Its id depends on how many such files were read before it, which is counted when it is open. */
static void a_row_of_a_file_that_is_being_read_is_no_sibling(void **state)
{
    struct fixture *fixture = *state;
    int64_t batch_id;

    fixture_batch(fixture, "Item", "a:5 b:5 a:5");
    fixture_claim(fixture, 1);
    batch_id = fixture_load_begin(fixture, "Item");
    fixture_load(fixture, batch_id, 1, "a:7");
    fixture_ask(fixture, "INSERT INTO record_job VALUES ('a', 2000000001)");
    fixture_settle(fixture, "1/1", JOB_UNKNOWN);
    fixture_claim(fixture, 0);
    assert_claims(fixture, 1, "GET 1/1 a v5");
    assert_int_equal(fixture_held(fixture, "1/1")->siblings.size, sizeof(struct claim_sibling));
    sibling_of(fixture, "1/1", 1000000003);
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, fixture_begin, fixture_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(a_later_job_waits_for_one_that_is_left_to_the_next_run),
        WITH_STORE(a_later_row_of_a_record_waits_for_the_earlier_one),
        WITH_STORE(whatever_ends_the_earlier_job_wakes_the_later_one),
        WITH_STORE(a_later_job_waits_while_the_earlier_one_is_retried_or_read_back),
        WITH_STORE(order_holds_across_batches_and_nothing_is_chained),
        WITH_STORE(a_named_batch_waits_for_the_others_all_the_same),
        WITH_STORE(records_of_two_schemas_do_not_wait_for_each_other),
        WITH_STORE(many_rows_of_one_record_go_out_one_after_the_other),
        WITH_STORE(a_long_run_of_waiting_rows_is_passed_in_several_turns),
        WITH_STORE(versions_within_the_chain_go_out_as_the_returned_one),
        WITH_STORE(the_chain_follows_what_the_server_returned_not_what_was_sent),
        WITH_STORE(a_version_that_was_sent_stays_with_the_job),
        WITH_STORE(a_version_that_never_left_is_chosen_anew),
        WITH_STORE(a_read_back_and_a_fetch_know_the_ids_of_later_rows),
        WITH_STORE(a_sibling_says_whether_it_was_sent),
        WITH_STORE(a_sibling_has_the_token_that_its_update_made),
        WITH_STORE(a_row_of_a_file_that_is_being_read_is_no_sibling),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
