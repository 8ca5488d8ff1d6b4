/* Conflicts settled for our row and for theirs, and what the next claim makes of them. */
#include "core/store/decide.h"

#include "core/base/mem.h"
#include "tests/lib/fault_vfs.h"
#include "tests/lib/store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static bool look_away(void *context, const struct decided *decided, struct err *err)
{
    unsigned *moved = context;

    (void)err;
    *moved += decided->end == DECIDE_MOVED;
    return true;
}

/* Settles what is in conflict, of every batch; returns how many were. */
static bool try_resolve(struct fixture *fixture, enum resolution resolution, unsigned *moved)
{
    struct decision decision = {
        .now_ms = fixture->now_ms + 5, .visit = look_away, .context = moved};
    struct id_list job_ids = {0};
    bool fine;

    *moved = 0;
    fine = resolve_find(fixture->store, 0, &job_ids, &fixture->err) &&
           resolve_jobs(fixture->store, resolution, &decision, &job_ids, &fixture->err);
    id_list_release(&job_ids);
    return fine;
}

static unsigned resolve(struct fixture *fixture, enum resolution resolution)
{
    unsigned moved;

    if (!try_resolve(fixture, resolution, &moved))
        fail_msg("%s", fixture->err.text);
    fixture_check(fixture);
    return moved;
}

/* Job 1/1 in conflict: ours is {"n":1}, theirs as given. */
static void park(struct fixture *fixture, const char *server_record)
{
    fixture_batch(fixture, "Item", "a:5");
    fixture_claim(fixture, 1);
    fixture_settle_at(fixture, "1/1", JOB_CONFLICT, 8)->server_record = mem_strdup(server_record);
    fixture_claim(fixture, 0);
}

static void ours_is_fetched_for_and_sent_again(void **state)
{
    struct fixture *fixture = *state;
    struct claim_outcome *outcome;

    park(fixture, "{\"version\":8,\"fields\":{\"n\":2,\"x\":1}}");
    assert_int_equal(resolve(fixture, RESOLVE_OURS), 1);
    assert_string_equal(fixture_ask(fixture, "SELECT resolution, resolved_ms FROM conflict"),
                        "ours|1000005");
    assert_string_equal(fixture_ask(fixture, "SELECT job_id, rounds, version, fields FROM rebase"),
                        "1000000001|0|NULL|NULL");
    fixture->now_ms += 10;
    assert_string_equal(fixture_claim(fixture, 1), "FETCH 1/1 a v5");
    outcome = fixture_settle_at(fixture, "1/1", JOB_PENDING, 9);
    outcome->next = POLICY_NEXT_SEND;
    outcome->fields = mem_strdup("{\"n\":1,\"x\":1}");
    assert_string_equal(fixture_claim(fixture, 1), "PUT 1/1 a v9");
    fixture_settle_at(fixture, "1/1", JOB_APPLIED, 10);
    fixture_claim(fixture, 0);
    assert_string_equal(fixture_ask(fixture, "SELECT state FROM batch"), "done");
}

static void what_an_earlier_rebase_sent_is_fetched_anew(void **state)
{
    struct fixture *fixture = *state;

    park(fixture, "{}");
    fixture_ask(fixture, "INSERT INTO rebase (job_id, rounds, version, fields) VALUES (1000000001, "
                         "3, 8, '{\"n\":1}')");
    assert_int_equal(resolve(fixture, RESOLVE_OURS), 1);
    assert_string_equal(fixture_ask(fixture, "SELECT job_id, rounds, version, fields FROM rebase"),
                        "1000000001|0|NULL|NULL");
}

static void rows_of_one_record_go_out_in_their_order_again(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5 a:5");
    for (int i = 0; i < 2; i++) {
        fixture_claim(fixture, 1);
        fixture_settle(fixture, i ? "1/2" : "1/1", JOB_CONFLICT);
    }
    fixture_claim(fixture, 0);
    assert_int_equal(resolve(fixture, RESOLVE_OURS), 2);
    fixture->now_ms += 10;
    assert_string_equal(fixture_claim(fixture, 2), "FETCH 1/1 a v5");
    fixture_settle(fixture, "1/1", JOB_UNCHANGED);
    fixture_claim(fixture, 0);
    assert_string_equal(fixture_claim(fixture, 2), "FETCH 1/2 a v5");
}

static void theirs_dismisses_the_row(void **state)
{
    struct fixture *fixture = *state;

    park(fixture, "{}");
    assert_int_equal(resolve(fixture, RESOLVE_THEIRS), 1);
    assert_string_equal(fixture_ask(fixture, "SELECT resolution, resolved_ms FROM conflict"),
                        "theirs|1000005");
    assert_string_equal(fixture_ask(fixture, "SELECT state, updated_ms FROM job_state"),
                        "dismissed|1000005");
    assert_string_equal(fixture_ask(fixture, "SELECT conflict, dismissed FROM batch_tally"), "0|1");
    assert_string_equal(fixture_ask(fixture, "SELECT state, finished_ms FROM batch"),
                        "done|1000000");
    assert_string_equal(fixture_ask(fixture, "SELECT count(*) FROM rebase"), "0");
}

static void conflicts_are_found_by_batch_and_only_while_they_wait(void **state)
{
    struct fixture *fixture = *state;
    struct id_list job_ids = {0};

    for (int i = 1; i <= 2; i++) {
        fixture_batch(fixture, "Item", i == 1 ? "a:5 b:5" : "c:5");
        fixture_claim(fixture, 2);
        fixture_settle_all(fixture, JOB_CONFLICT);
    }
    assert_true(resolve_find(fixture->store, 1, &job_ids, &fixture->err));
    assert_int_equal(job_ids.count, 2);
    assert_int_equal(job_ids.items[0], id_of(1, 1));
    job_ids.count = 0;
    assert_true(resolve_find(fixture->store, 2, &job_ids, &fixture->err));
    assert_int_equal(job_ids.count, 1);
    job_ids.count = 0;
    assert_int_equal(resolve(fixture, RESOLVE_THEIRS), 3);
    assert_true(resolve_find(fixture->store, 0, &job_ids, &fixture->err));
    assert_int_equal(job_ids.count, 0);
    id_list_release(&job_ids);
}

static void both_sides_of_a_conflict_can_be_seen(void **state)
{
    struct fixture *fixture = *state;
    struct resolve_sides sides = {0};

    park(fixture, "{\"version\":8,\"fields\":{\"n\":2.50}}");
    assert_true(resolve_show(fixture->store, 1000000001, &sides, &fixture->err));
    assert_true(sides.has_submitted && sides.has_server && !sides.is_gone);
    assert_int_equal(sides.submitted_version, 5);
    assert_int_equal(sides.server_version, 8);
    assert_string_equal(buf_text(&sides.ours), "{\"n\":1}");
    assert_string_equal(buf_text(&sides.theirs), "{\"n\":2.50}");
    /* what a rebase sent counts as ours */
    fixture_ask(fixture, "INSERT INTO rebase (job_id, rounds, version, fields) VALUES (1000000001, "
                         "1, 8, '{\"n\":1,\"x\":0}')");
    assert_true(resolve_show(fixture->store, 1000000001, &sides, &fixture->err));
    assert_string_equal(buf_text(&sides.ours), "{\"n\":1,\"x\":0}");
    resolve(fixture, RESOLVE_THEIRS);
    assert_true(resolve_show(fixture->store, 1000000001, &sides, &fixture->err));
    assert_false(sides.has_submitted || sides.has_server);
    assert_int_equal(sides.ours.size, 0);
    resolve_sides_release(&sides);
}

static void a_record_that_is_gone_has_no_version_and_no_fields(void **state)
{
    struct fixture *fixture = *state;
    struct resolve_sides sides = {0};

    fixture_batch(fixture, "Item", "a:5");
    fixture_claim(fixture, 1);
    fixture_settle(fixture, "1/1", JOB_CONFLICT);
    fixture_claim(fixture, 0);
    assert_true(resolve_show(fixture->store, 1000000001, &sides, &fixture->err));
    assert_true(sides.is_gone && !sides.has_server);
    assert_string_equal(buf_text(&sides.theirs), "");
    resolve_sides_release(&sides);
}

static void a_decision_is_committed_whole_or_not_at_all(void **state)
{
    static const enum resolution both[] = {RESOLVE_OURS, RESOLVE_THEIRS};
    struct fixture *fixture = *state;
    unsigned faults = 0;

    for (unsigned i = 0; i < 2; i++) {
        bool fired = true;

        for (unsigned n = 1; fired; n++) {
            unsigned moved;
            bool fine;

            fixture_batch(fixture, "Item", "a:5");
            fixture->now_ms += 10;
            fixture_claim(fixture, 1);
            fixture_settle_all(fixture, JOB_CONFLICT);
            fault_vfs_arm(n, SQLITE_IOERR_WRITE, false);
            fine = try_resolve(fixture, both[i], &moved);
            fired = fault_vfs_disarm();
            faults += fired;
            assert_true(fine || fired);
            if (!fine)
                assert_int_equal(fixture->err.kind, ERR_STORE);
            fixture_check(fixture);
            if (!fine)
                assert_int_equal(resolve(fixture, both[i]), 1);
            /* out of the way of the next round */
            fixture_ask(fixture, "UPDATE job_state SET state = 'cancelled', not_before_ms = NULL "
                                 "WHERE state = 'pending'");
            fixture_ask(fixture, "DELETE FROM reopened_job");
            fixture_ask(fixture, "UPDATE batch_tally SET cancelled = cancelled + pending, "
                                 "pending = 0");
            fixture_ask(fixture, "UPDATE batch SET state = 'done', finished_ms = 1, "
                                 "finished_run_id = 1");
        }
    }
    assert_true(faults > 5);
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
        WITH_STORE(ours_is_fetched_for_and_sent_again),
        WITH_STORE(what_an_earlier_rebase_sent_is_fetched_anew),
        WITH_STORE(rows_of_one_record_go_out_in_their_order_again),
        WITH_STORE(theirs_dismisses_the_row),
        WITH_STORE(conflicts_are_found_by_batch_and_only_while_they_wait),
        WITH_STORE(both_sides_of_a_conflict_can_be_seen),
        WITH_STORE(a_record_that_is_gone_has_no_version_and_no_fields),
        cmocka_unit_test_setup_teardown(a_decision_is_committed_whole_or_not_at_all,
                                        begin_with_faults, fixture_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
