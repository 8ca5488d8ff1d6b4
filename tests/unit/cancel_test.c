/* What a batch has not sent yet is withdrawn, while a drain claims from it too. */
#include "core/store/cancel.h"

#include "tests/lib/fault_vfs.h"
#include "tests/lib/store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct heard {
    struct fixture *fixture;
    struct buf text;
    unsigned moved;
    bool claims; /* a drain claims after the first transaction, and puts one back */
};

static bool hear(void *context, const struct decided *decided, struct err *err)
{
    struct heard *heard = context;

    (void)err;
    heard->moved += decided->end == DECIDE_MOVED;
    if (heard->text.size < 200)
        buf_printf(&heard->text, "%s%lld/%lld %.*s %s %s", heard->text.size ? ", " : "",
                   (long long)id_batch(decided->job_id), (long long)id_row(decided->job_id),
                   (int)decided->record_id.size, decided->record_id.data,
                   job_state_name(decided->state),
                   decided->end == DECIDE_MOVED ? "moved" : "stays");
    if (heard->claims) {
        heard->claims = false;
        fixture_claim(heard->fixture, 2);
    }
    return true;
}

static bool try_cancel(struct heard *heard, bool rehearsed)
{
    struct fixture *fixture = heard->fixture;
    struct decision decision = {
        .now_ms = fixture->now_ms + 5, .rehearsed = rehearsed, .visit = hear, .context = heard};

    buf_reset(&heard->text);
    heard->moved = 0;
    return cancel_batch(fixture->store, &decision, 1, &fixture->err);
}

static const char *cancel(struct heard *heard, bool rehearsed)
{
    if (!try_cancel(heard, rehearsed))
        fail_msg("%s", heard->fixture->err.text);
    fixture_check(heard->fixture);
    return buf_text(&heard->text);
}

static void what_was_never_claimed_is_withdrawn_and_the_batch_is_done(void **state)
{
    struct heard heard = {.fixture = *state};

    fixture_batch(*state, "Item", "a:5 ! b:5");
    assert_string_equal(cancel(&heard, true), "1/1 a pending moved, 1/3 b pending moved");
    assert_string_equal(fixture_ask(*state, "SELECT count(*) FROM job_state"), "0");
    assert_string_equal(cancel(&heard, false), "1/1 a pending moved, 1/3 b pending moved");
    assert_string_equal(fixture_ask(*state, "SELECT state, not_before_ms, updated_ms "
                                            "FROM job_state"),
                        "cancelled|NULL|1000005; cancelled|NULL|1000005");
    assert_string_equal(fixture_ask(*state, "SELECT state, finished_ms, finished_run_id "
                                            "FROM batch"),
                        "done|1000005|NULL");
    assert_string_equal(fixture_claim(*state, 4), "");
    assert_string_equal(cancel(&heard, false), "");
    buf_release(&heard.text);
}

static void what_the_server_has_not_done_for_certain_is_withdrawn(void **state)
{
    struct heard heard = {.fixture = *state};
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5 b:5 c");
    fixture_claim(fixture, 3);
    fixture_settle(fixture, "1/1", JOB_PENDING)->excused = true;
    fixture_settle(fixture, "1/2", JOB_PENDING)->run_retries = fixture->max_retries + 1;
    fixture_settle(fixture, "1/3", JOB_PENDING)->run_retries = fixture->max_retries + 1;
    fixture_claim(fixture, 0);
    assert_string_equal(cancel(&heard, false),
                        "1/1 a pending moved, 1/2 b pending moved, 1/3 c pending moved");
    assert_string_equal(fixture_ask(fixture, "SELECT state FROM batch"), "done");
    buf_release(&heard.text);
}

static void what_was_sent_or_is_in_hand_stays(void **state)
{
    struct heard heard = {.fixture = *state};
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5 b:5 c d:5 e:5 f:5");
    fixture_claim(fixture, 5);
    fixture_settle(fixture, "1/1", JOB_PENDING)->doubt = true;
    fixture_settle(fixture, "1/2", JOB_UNKNOWN);
    fixture_put_back(fixture, "1/5");
    fixture_claim(fixture, 0);
    assert_string_equal(cancel(&heard, false),
                        "1/6 f pending moved, 1/1 a pending stays, 1/2 b unknown stays, "
                        "1/3 c pending stays, 1/4 d sending stays, 1/5 e pending moved");
    assert_string_equal(fixture_ask(fixture, "SELECT state FROM batch"), "open");
    /* what was in hand is settled as ever */
    fixture_settle(fixture, "1/3", JOB_UNCHANGED);
    fixture_settle(fixture, "1/4", JOB_APPLIED);
    assert_string_equal(fixture_claim(fixture, 4), "PUT 1/1 a v5, GET 1/2 b v5");
    fixture_settle_all(fixture, JOB_APPLIED);
    assert_string_equal(fixture_ask(fixture, "SELECT state, cancelled, applied, unchanged "
                                             "FROM batch_summary"),
                        "done|2|3|1");
    buf_release(&heard.text);
}

/* A drain of a later batch sends what its rows wait for. */
static void what_was_sent_ahead_of_its_batch_stays(void **state)
{
    struct heard heard = {.fixture = *state};
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "x:5 a:5 y:5");
    fixture->batch_id = fixture_batch(fixture, "Item", "a:6");
    fixture_claim(fixture, 8);
    assert_claims(fixture, 8, "PUT 1/2 a v5");
    assert_string_equal(cancel(&heard, false),
                        "1/1 x pending moved, 1/3 y pending moved, 1/2 a sending stays");
    assert_int_equal(heard.moved, 2);
    assert_asked(fixture, "SELECT state, cancelled, sending FROM batch_summary WHERE batch_id = 1",
                 "open|2|1");
    fixture->now_ms += 10; /* than which the decision was earlier */
    fixture_settle_at(fixture, "1/2", JOB_APPLIED, 6);
    assert_claims(fixture, 8, "PUT 2/1 a v6");
    buf_release(&heard.text);
}

static void what_waits_for_a_withdrawn_job_is_due(void **state)
{
    struct heard heard = {.fixture = *state};
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5 b:5 b:5");
    fixture_batch(fixture, "Item", "a:6 b:6");
    fixture_claim(fixture, 2);
    fixture_put_back(fixture, "1/2");
    fixture_settle(fixture, "1/1", JOB_APPLIED);
    fixture->max_retries = 0;
    fixture_claim(fixture, 0);
    assert_string_equal(fixture_claim(fixture, 3), "PUT 1/2 b v5, PUT 2/1 a v6");
    assert_string_equal(fixture_ask(fixture, "SELECT job_id, waits_for FROM job_state "
                                             "WHERE waits_for > 0 ORDER BY 1"),
                        "1000000003|1000000002; 2000000002|1000000003");
    assert_string_equal(cancel(&heard, false), "1/2 b sending stays, 1/3 b pending moved");
    fixture->now_ms += 10;
    assert_string_equal(fixture_claim(fixture, 3), ""); /* now for 1/2 */
    fixture_settle(fixture, "1/2", JOB_APPLIED);
    fixture_claim(fixture, 0);
    assert_string_equal(fixture_claim(fixture, 3), "PUT 2/2 b v6");
    buf_release(&heard.text);
}

/* 10000 rows: three transactions of fresh jobs. */
static void a_drain_that_claims_meanwhile_keeps_what_it_claimed(void **state)
{
    struct heard heard = {.fixture = *state, .claims = true};
    struct buf words = {0};

    for (unsigned i = 0; i < 10000; i++)
        buf_printf(&words, "r%u:5 ", i);
    fixture_batch(*state, "Item", buf_text(&words));
    buf_release(&words);
    cancel(&heard, false);
    /* the two of the drain came after the first 4096 */
    assert_int_equal(heard.moved, 9998);
    assert_string_equal(fixture_ask(*state, "SELECT sending, cancelled, pending FROM batch_tally"),
                        "2|9998|0");
    assert_string_equal(fixture_ask(*state, "SELECT job_id FROM job_state "
                                            "WHERE state = 'sending'"),
                        "1000004097; 1000004098");
    fixture_settle_all(*state, JOB_APPLIED);
    assert_string_equal(fixture_ask(*state, "SELECT state FROM batch"), "done");
    buf_release(&heard.text);
}

static void a_transaction_is_committed_whole_or_not_at_all(void **state)
{
    struct heard heard = {.fixture = *state};
    struct fixture *fixture = *state;
    bool fired = true;
    unsigned faults = 0;

    fixture_batch(fixture, "Item", "a:5 b:5");
    fixture_claim(fixture, 1);
    fixture_put_back(fixture, "1/1");
    fixture_claim(fixture, 0);
    for (unsigned n = 1; fired; n++) {
        bool fine;

        fault_vfs_arm(n, SQLITE_IOERR_WRITE, false);
        fine = try_cancel(&heard, false);
        fired = fault_vfs_disarm();
        faults += fired;
        assert_true(fine || fired);
        if (!fine)
            assert_int_equal(fixture->err.kind, ERR_STORE);
        fixture_check(fixture);
    }
    assert_true(faults > 1);
    assert_string_equal(fixture_ask(fixture, "SELECT state, cancelled FROM batch_summary"),
                        "done|2");
    buf_release(&heard.text);
}

static int begin_with_faults(void **state)
{
    fault_vfs_install();
    return fixture_begin(state);
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, fixture_begin, fixture_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(what_was_never_claimed_is_withdrawn_and_the_batch_is_done),
        WITH_STORE(what_the_server_has_not_done_for_certain_is_withdrawn),
        WITH_STORE(what_was_sent_or_is_in_hand_stays),
        WITH_STORE(what_was_sent_ahead_of_its_batch_stays),
        WITH_STORE(what_waits_for_a_withdrawn_job_is_due),
        WITH_STORE(a_drain_that_claims_meanwhile_keeps_what_it_claimed),
        cmocka_unit_test_setup_teardown(a_transaction_is_committed_whole_or_not_at_all,
                                        begin_with_faults, fixture_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
