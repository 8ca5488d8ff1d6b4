/* Which jobs a decision moves, what hinders the others, and what their batches count then. */
#include "core/store/decide.h"

#include "core/base/mem.h"
#include "core/base/stop.h"
#include "tests/lib/store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>

struct heard {
    struct buf text;
    unsigned settled;
    unsigned stop_at; /* visits; 0: never */
    unsigned visits;
};

static struct heard heard;

static bool hear(void *context, const struct decided *decided, struct err *err)
{
    static const char *const names[] = {
        [DECIDE_MOVED] = "moved",           [DECIDE_NO_JOB] = "no job", [DECIDE_UNFIT] = "unfit",
        [DECIDE_SUPERSEDED] = "superseded", [DECIDE_SENT] = "sent",
    };

    (void)context;
    if (heard.text.size)
        buf_append_text(&heard.text, ", ");
    buf_printf(&heard.text, "%lld/%lld %.*s %.*s %s", (long long)id_batch(decided->job_id),
               (long long)id_row(decided->job_id), (int)decided->schema.size, decided->schema.data,
               (int)decided->record_id.size, decided->record_id.data, names[decided->end]);
    if (decided->end == DECIDE_UNFIT)
        buf_printf(&heard.text, " (%s)", job_state_name(decided->state));
    if (decided->end == DECIDE_SUPERSEDED)
        buf_printf(&heard.text, " by %lld/%lld (%s)", (long long)id_batch(decided->later_id),
                   (long long)id_row(decided->later_id), job_state_name(decided->later_state));
    if (++heard.visits == heard.stop_at)
        return err_set(err, ERR_INPUT, "enough");
    return true;
}

static bool settle(struct store *store, const struct decision *decision, const struct decided *job,
                   struct err *err)
{
    (void)store;
    (void)decision;
    (void)job;
    (void)err;
    heard.settled++;
    return true;
}

static struct decision again(const struct fixture *fixture)
{
    return (struct decision){
        .now_ms = fixture->now_ms + 5,
        .visit = hear,
        .from = 1u << JOB_CONFLICT,
        .to = JOB_PENDING,
        .settle = settle,
    };
}

static bool try_decide(struct fixture *fixture, const struct decision *decision, int64_t *job_ids,
                       size_t count)
{
    buf_reset(&heard.text);
    heard.settled = heard.visits = 0;
    return decide_jobs(fixture->store, decision, &(struct id_list){job_ids, count, count},
                       &fixture->err);
}

/* What was heard of each of the jobs. */
static const char *decide(struct fixture *fixture, const struct decision *decision,
                          int64_t *job_ids, size_t count)
{
    if (!try_decide(fixture, decision, job_ids, count))
        fail_msg("%s", fixture->err.text);
    return buf_text(&heard.text);
}

/* Lets the claimed job end so. */
static void end_job(struct fixture *fixture, const char *job, enum job_state state)
{
    fixture_settle(fixture, job, state);
    fixture_claim(fixture, 0);
}

/* A decision of these tests moves jobs out of conflicts that it does not close. */
static void close_conflicts(struct fixture *fixture)
{
    fixture_ask(fixture, "UPDATE conflict SET resolved_ms = 1 WHERE job_id IN "
                         "(SELECT job_id FROM job_state WHERE state <> 'conflict')");
    fixture_check(fixture);
}

static int64_t first[] = {ID_ROWS * INT64_C(1) + 1};

static void a_job_is_due_at_once_and_its_batch_is_open_again(void **state)
{
    struct fixture *fixture = *state;
    struct decision decision = again(fixture);

    fixture_batch(fixture, "Item", "a:5");
    fixture_claim(fixture, 1);
    fixture_settle(fixture, "1/1", JOB_CONFLICT)->run_retries = 2;
    fixture_claim(fixture, 0);
    assert_string_equal(fixture_ask(fixture, "SELECT state, finished_ms FROM batch"),
                        "done|1000000");
    assert_string_equal(decide(fixture, &decision, first, 1), "1/1 Item a moved");
    assert_int_equal(heard.settled, 1);
    close_conflicts(fixture);
    assert_string_equal(fixture_ask(fixture, "SELECT state, not_before_ms, waits_for, doubt, "
                                             "unsettled, readbacks, run_retries, updated_ms "
                                             "FROM job_state"),
                        "pending|1000005|NULL|0|0|0|0|1000005");
    assert_string_equal(fixture_ask(fixture, "SELECT pending, conflict FROM batch_tally"), "1|0");
    assert_string_equal(
        fixture_ask(fixture, "SELECT state, finished_ms, finished_run_id FROM batch"),
        "open|NULL|NULL");
}

static void a_rehearsal_hears_the_same_and_writes_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct decision decision = again(fixture);

    decision.rehearsed = true;
    fixture_batch(fixture, "Item", "a:5");
    fixture_claim(fixture, 1);
    end_job(fixture, "1/1", JOB_CONFLICT);
    assert_string_equal(decide(fixture, &decision, first, 1), "1/1 Item a moved");
    assert_int_equal(heard.settled, 0);
    assert_string_equal(fixture_ask(fixture, "SELECT state FROM job_state"), "conflict");
    assert_string_equal(fixture_ask(fixture, "SELECT state FROM batch"), "done");
    fixture_check(fixture);
}

static void what_is_in_another_state_or_nowhere_is_reported(void **state)
{
    static int64_t ids[] = {ID_ROWS * INT64_C(1) + 1, ID_ROWS * INT64_C(1) + 2,
                            ID_ROWS * INT64_C(1) + 3, ID_ROWS * INT64_C(1) + 4,
                            ID_ROWS * INT64_C(9) + 1};
    struct fixture *fixture = *state;
    struct decision decision = again(fixture);

    fixture_batch(fixture, "Item", "a:5 b:5 c:5");
    fixture_claim(fixture, 2);
    end_job(fixture, "1/1", JOB_REFUSED);
    assert_string_equal(decide(fixture, &decision, ids, 5),
                        "1/1 Item a unfit (refused), 1/2 Item b unfit (sending), "
                        "1/3 Item c unfit (pending), 1/4   no job, 9/1   no job");
    fixture_check(fixture);
}

static void an_older_row_is_not_laid_over_a_newer_one(void **state)
{
    static const struct {
        enum job_state later;
        const char *heard;
    } rows[] = {
        {JOB_APPLIED, "1/1 Item a superseded by 2/1 (applied)"},
        {JOB_UNKNOWN, "1/1 Item a superseded by 2/1 (unknown)"},
        {JOB_SENDING, "1/1 Item a superseded by 2/1 (sending)"},
        {JOB_REFUSED, "1/1 Item a moved"},
        {JOB_CONFLICT, "1/1 Item a moved"},
        {JOB_PENDING, "1/1 Item a moved"},
    };
    struct fixture *fixture = *state;
    struct decision decision = again(fixture);

    decision.rehearsed = true;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (i > 0) {
            fixture_end(state);
            fixture_begin(state);
            fixture = *state;
        }
        fixture_batch(fixture, "Item", "a:5");
        fixture_claim(fixture, 1);
        end_job(fixture, "1/1", JOB_CONFLICT);
        fixture_batch(fixture, "Item", "a:6");
        fixture_claim(fixture, 1);
        if (rows[i].later != JOB_SENDING)
            end_job(fixture, "2/1", rows[i].later);
        assert_string_equal(decide(fixture, &decision, first, 1), rows[i].heard);
    }
}

static void a_later_row_that_is_fetched_for_supersedes_until_that_is_answered(void **state)
{
    struct fixture *fixture = *state;
    struct decision decision = again(fixture);

    decision.rehearsed = true;
    fixture_batch(fixture, "Item", "a:5");
    fixture_claim(fixture, 1);
    end_job(fixture, "1/1", JOB_CONFLICT);
    fixture_batch(fixture, "Item", "a");
    assert_string_equal(fixture_claim(fixture, 1), "FETCH 2/1 a v0");
    assert_string_equal(decide(fixture, &decision, first, 1),
                        "1/1 Item a superseded by 2/1 (pending)");
    /* left to the next run: by then the earlier row goes first */
    fixture_settle(fixture, "2/1", JOB_PENDING)->run_retries = fixture->max_retries + 1;
    fixture_claim(fixture, 0);
    assert_string_equal(decide(fixture, &decision, first, 1), "1/1 Item a moved");
}

static void a_superseded_row_moves_when_that_is_asked_for(void **state)
{
    struct fixture *fixture = *state;
    struct decision decision = again(fixture);

    fixture_batch(fixture, "Item", "a:5 a:5");
    fixture_claim(fixture, 1);
    end_job(fixture, "1/1", JOB_CONFLICT);
    fixture_claim(fixture, 1);
    end_job(fixture, "1/2", JOB_APPLIED);
    assert_string_equal(decide(fixture, &decision, first, 1),
                        "1/1 Item a superseded by 1/2 (applied)");
    assert_string_equal(fixture_ask(fixture, "SELECT state FROM batch"), "done");
    decision.even_if_superseded = true;
    assert_string_equal(decide(fixture, &decision, first, 1), "1/1 Item a moved");
    close_conflicts(fixture);
}

static void a_row_that_is_not_sent_again_is_never_superseded(void **state)
{
    struct fixture *fixture = *state;
    struct decision decision = again(fixture);

    fixture_batch(fixture, "Item", "a:5 a:5");
    fixture_claim(fixture, 1);
    end_job(fixture, "1/1", JOB_CONFLICT);
    fixture_claim(fixture, 1);
    end_job(fixture, "1/2", JOB_APPLIED);
    decision.to = JOB_DISMISSED;
    assert_string_equal(decide(fixture, &decision, first, 1), "1/1 Item a moved");
    close_conflicts(fixture);
    assert_string_equal(fixture_ask(fixture,
                                    "SELECT state, not_before_ms FROM job_state WHERE job_id = "
                                    "1000000001"),
                        "dismissed|NULL");
    assert_string_equal(fixture_ask(fixture, "SELECT state, finished_ms FROM batch"),
                        "done|1000000");
}

static void other_schemas_and_earlier_rows_supersede_nothing(void **state)
{
    static int64_t second[] = {ID_ROWS * INT64_C(2) + 1};
    struct fixture *fixture = *state;
    struct decision decision = again(fixture);

    fixture_batch(fixture, "Item", "a:5");
    fixture_claim(fixture, 1);
    end_job(fixture, "1/1", JOB_APPLIED);
    fixture_batch(fixture, "Item", "a:6");
    fixture_batch(fixture, "Account", "a:6");
    fixture_claim(fixture, 2);
    fixture_settle(fixture, "3/1", JOB_APPLIED);
    end_job(fixture, "2/1", JOB_CONFLICT);
    assert_string_equal(decide(fixture, &decision, second, 1), "2/1 Item a moved");
    close_conflicts(fixture);
}

static void a_move_that_the_table_does_not_allow_is_a_bug(void **state)
{
    struct fixture *fixture = *state;
    struct decision decision = again(fixture);

    decision.to = JOB_APPLIED;
    fixture_batch(fixture, "Item", "a:5");
    fixture_claim(fixture, 1);
    end_job(fixture, "1/1", JOB_CONFLICT);
    assert_false(try_decide(fixture, &decision, first, 1));
    assert_int_equal(fixture->err.kind, ERR_INTERNAL);
    assert_string_equal(fixture->err.text, "job 1000000001 cannot move from conflict to applied");
    fixture_check(fixture);
}

/* 600 conflicts in two batches, as three transactions see them. */
static void many_conflicts(struct fixture *fixture, int64_t *job_ids)
{
    struct buf words = {0};

    for (unsigned batch = 1; batch <= 2; batch++) {
        buf_reset(&words);
        for (unsigned i = 1; i <= 300; i++) {
            buf_printf(&words, "r%u-%u:5 ", batch, i);
            job_ids[300 * (batch - 1) + i - 1] = id_of(batch, i);
        }
        fixture_batch(fixture, "Item", buf_text(&words));
    }
    buf_release(&words);
    for (unsigned i = 0; i < 600; i += 100) {
        fixture_claim(fixture, 100);
        fixture_settle_all(fixture, JOB_CONFLICT);
    }
}

static void many_jobs_are_moved_in_bounded_transactions(void **state)
{
    struct fixture *fixture = *state;
    struct decision decision = again(fixture);
    int64_t job_ids[600];

    decision.hold_us = INT64_MAX;
    many_conflicts(fixture, job_ids);
    /* what was visited is committed, and of the rest nothing beyond that transaction */
    heard.stop_at = 1;
    assert_false(try_decide(fixture, &decision, job_ids, 600));
    heard.stop_at = 0;
    assert_string_equal(fixture->err.text, "enough");
    assert_string_equal(fixture_ask(fixture, "SELECT count(*) FROM job WHERE state = 'pending'"),
                        "256");
    close_conflicts(fixture);
    assert_true(try_decide(fixture, &decision, job_ids, 600));
    assert_int_equal(heard.settled, 344);
    assert_int_equal(heard.visits, 600);
    close_conflicts(fixture);
    assert_string_equal(fixture_ask(fixture, "SELECT pending, conflict FROM batch_tally"),
                        "300|0; 300|0");
    assert_string_equal(fixture_ask(fixture, "SELECT state FROM batch"), "open; open");
}

static void a_transaction_ends_with_the_job_in_which_its_time_is_over(void **state)
{
    struct fixture *fixture = *state;
    struct decision decision = again(fixture);
    int64_t job_ids[600];

    many_conflicts(fixture, job_ids);
    decision.hold_us = -1;
    heard.stop_at = 1;
    assert_false(try_decide(fixture, &decision, job_ids, 600));
    heard.stop_at = 0;
    assert_string_equal(fixture_ask(fixture, "SELECT count(*) FROM job WHERE state = 'pending'"),
                        "1");
}

static bool hear_and_stop(void *context, const struct decided *decided, struct err *err)
{
    if (!heard.visits)
        raise(SIGTERM);
    return hear(context, decided, err);
}

/* The last of these tests: the signal stays. */
static void assert_sides(const struct resolve_sides *sides, const char *ours, const char *theirs,
                         const char *token, const char *server_token)
{
    assert_true(span_is(buf_span(&sides->ours), ours));
    assert_true(span_is(buf_span(&sides->theirs), theirs));
    assert_true(span_is(buf_span(&sides->token), token));
    assert_true(span_is(buf_span(&sides->server_token), server_token));
}

/* Nothing of one is left where the next one has less. */
static void both_sides_of_conflicts_are_shown_one_after_the_other(void **state)
{
    struct fixture *fixture = *state;
    struct resolve_sides sides = {0};

    fixture_batch(fixture, "Item", "a:5 b");
    fixture_claim(fixture, 2);
    fixture_settle_at(fixture, "1/1", JOB_CONFLICT, 8)->server_record =
        mem_strdup("{\"fields\":{\"n\":9}}");
    fixture_settle(fixture, "1/2", JOB_CONFLICT);
    fixture_claim(fixture, 0);
    fixture_ask(fixture, "UPDATE job_state SET server_token = 't8' WHERE job_id = 1000000001");
    fixture_ask(fixture, "UPDATE attempt SET sent_token = 't5' WHERE job_id = 1000000001");
    assert_true(resolve_show(fixture->store, id_of(1, 1), &sides, &fixture->err));
    assert_sides(&sides, "{\"n\":1}", "{\"n\":9}", "t5", "t8");
    assert_true(sides.has_submitted && sides.has_server && !sides.is_gone);
    assert_int_equal(sides.submitted_version, 5);
    assert_int_equal(sides.server_version, 8);
    assert_true(resolve_show(fixture->store, id_of(1, 2), &sides, &fixture->err));
    assert_sides(&sides, "{\"n\":2}", "", "", "");
    assert_true(!sides.has_server && sides.is_gone);
    assert_true(resolve_show(fixture->store, id_of(1, 1), &sides, &fixture->err));
    assert_true(resolve_show(fixture->store, id_of(1, 3), &sides, &fixture->err));
    assert_sides(&sides, "", "", "", "");
    assert_false(sides.has_submitted || sides.has_server || sides.is_gone);
    resolve_sides_release(&sides);
}

static void a_signal_stops_between_two_transactions(void **state)
{
    struct fixture *fixture = *state;
    struct decision decision = again(fixture);
    int64_t job_ids[600];

    many_conflicts(fixture, job_ids);
    assert_true(stop_init(&fixture->err));
    decision.visit = hear_and_stop;
    decision.hold_us = INT64_MAX;
    assert_false(try_decide(fixture, &decision, job_ids, 600));
    assert_int_equal(fixture->err.kind, ERR_STOPPED);
    assert_string_equal(fixture->err.text, "stopped after 256 of 600 jobs");
    assert_int_equal(heard.visits, 256);
    close_conflicts(fixture);
}

static int end(void **state)
{
    buf_release(&heard.text);
    heard = (struct heard){0};
    return fixture_end(state);
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, fixture_begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(a_job_is_due_at_once_and_its_batch_is_open_again),
        WITH_STORE(a_rehearsal_hears_the_same_and_writes_nothing),
        WITH_STORE(what_is_in_another_state_or_nowhere_is_reported),
        WITH_STORE(an_older_row_is_not_laid_over_a_newer_one),
        WITH_STORE(a_later_row_that_is_fetched_for_supersedes_until_that_is_answered),
        WITH_STORE(a_superseded_row_moves_when_that_is_asked_for),
        WITH_STORE(a_row_that_is_not_sent_again_is_never_superseded),
        WITH_STORE(other_schemas_and_earlier_rows_supersede_nothing),
        WITH_STORE(a_move_that_the_table_does_not_allow_is_a_bug),
        WITH_STORE(many_jobs_are_moved_in_bounded_transactions),
        WITH_STORE(both_sides_of_conflicts_are_shown_one_after_the_other),
        WITH_STORE(a_transaction_ends_with_the_job_in_which_its_time_is_over),
        WITH_STORE(a_signal_stops_between_two_transactions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
