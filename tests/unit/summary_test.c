/* What is counted about batches and runs, and the views for people with sqlite3. */
#include "core/store/runs.h"
#include "core/store/summary.h"

#include "tests/lib/store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

static bool note(void *context, const struct batch_counts *batch, struct err *err)
{
    struct fixture *fixture = context;

    (void)err;
    buf_printf(&fixture->said, "%lld %s;", (long long)batch->id, batch_state_name(batch->state));
    return true;
}

/* The ids and states of the batches in a scope. */
static const char *scope_of(struct fixture *fixture, enum summary_scope scope, int64_t id)
{
    buf_reset(&fixture->said);
    if (!summary_batches(fixture->store, scope, id, note, fixture, &fixture->err))
        fail_msg("%s", fixture->err.text);
    return buf_text(&fixture->said);
}

static bool keep(void *context, const struct batch_counts *batch, struct err *err)
{
    (void)err;
    *(struct batch_counts *)context = *batch;
    return true;
}

/* 1 loading (run 7), 2 done at intake (run 8), 3 open (run 9), 4 refused (run 9), 5 done by run 10,
 * read by run 7. */
static void make_batches(struct fixture *fixture)
{
    fixture_load_begin(fixture, "Item");
    fixture->run_id = 8;
    fixture_batch(fixture, "Item", "!");
    fixture->run_id = 9;
    fixture_batch(fixture, "Item", "a:5");
    assert_int_equal(fixture_load_begin(fixture, "Item"), 4);
    assert_true(batch_refuse(fixture->store, 4, "why", false, 9, 1, &fixture->err));
    fixture->run_id = 7;
    fixture_batch(fixture, "Other", "a:5");
    fixture->run_id = 10;
    fixture->batch_id = 5;
    fixture_claim(fixture, 1);
    fixture_settle(fixture, "5/1", JOB_APPLIED);
    fixture_claim(fixture, 0);
}

static void each_scope_holds_the_batches_that_its_command_speaks_of(void **state)
{
    static const struct {
        enum summary_scope scope;
        int64_t id;
        const char *batches;
    } rows[] = {
        {SUMMARY_ALL, 0, "1 loading;2 done;3 open;4 refused;5 done;"},
        {SUMMARY_ALL, 99, "1 loading;2 done;3 open;4 refused;5 done;"},
        {SUMMARY_ONE, 4, "4 refused;"},
        {SUMMARY_ONE, 99, ""},
        {SUMMARY_INTAKE, 9, "3 open;4 refused;"},
        {SUMMARY_INTAKE, 7, "1 loading;5 done;"},
        {SUMMARY_WORKED, 7, "1 loading;3 open;5 done;"},
        {SUMMARY_WORKED, 9, "1 loading;3 open;4 refused;"},
        {SUMMARY_WORKED, 10, "1 loading;3 open;5 done;"},
        {SUMMARY_WORKED, 99, "1 loading;3 open;"},
        {SUMMARY_DRAINED, 7, "3 open;"},
        {SUMMARY_DRAINED, 9, "3 open;"},
        {SUMMARY_DRAINED, 10, "3 open;5 done;"},
        {SUMMARY_DRAINED, 99, "3 open;"},
    };
    struct fixture *fixture = *state;

    make_batches(fixture);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_string_equal(scope_of(fixture, rows[i].scope, rows[i].id), rows[i].batches);
}

static void an_empty_database_has_no_batches(void **state)
{
    for (int scope = SUMMARY_ALL; scope <= SUMMARY_DRAINED; scope++)
        assert_string_equal(scope_of(*state, (enum summary_scope)scope, 1), "");
}

static void counts_are_read_by_state(void **state)
{
    struct fixture *fixture = *state;
    struct batch_counts batch = {0};

    fixture_batch(fixture, "Item", "a:5 ! b:5");
    fixture_ask(fixture, "UPDATE batch_tally SET pending = 1, sending = 2, unknown = 3, applied = "
                         "4, unchanged = 5, conflict = 6, refused = 7, failed = 8, dismissed = 9, "
                         "cancelled = 10");
    assert_true(summary_batches(fixture->store, SUMMARY_ONE, 1, keep, &batch, &fixture->err));
    for (unsigned i = 0; i < JOB_STATES; i++)
        assert_int_equal(batch.by_state[i], i + 1);
    assert_int_equal(batch.jobs, 55);
    assert_int_equal(batch.rows_read, 3);
    assert_int_equal(batch.rows_rejected, 1);
    assert_int_equal(batch.created_ms, FIXTURE_NOW_MS);
    assert_int_equal(batch.finished_ms, 0);
    fixture_ask(fixture, "UPDATE batch_tally SET (pending, sending, unknown, applied, unchanged, "
                         "conflict, refused, failed, dismissed, cancelled) = (2, 0, 0, 0, 0, 0, 0, "
                         "0, 0, 0)");
}

static bool refuse_visit(void *context, const struct batch_counts *batch, struct err *err)
{
    unsigned *visits = context;

    (void)batch;
    ++*visits;
    return err_set(err, ERR_INPUT, "enough");
}

static void a_visit_that_fails_ends_the_walk_with_its_error(void **state)
{
    struct fixture *fixture = *state;
    unsigned visits = 0;

    make_batches(fixture);
    assert_false(
        summary_batches(fixture->store, SUMMARY_ALL, 0, refuse_visit, &visits, &fixture->err));
    assert_string_equal(fixture->err.text, "enough");
    assert_int_equal(visits, 1);
    /* nothing stays open after it */
    fixture_batch(fixture, "Item", "z:5");
}

static void books_balance_or_the_batch_is_named(void **state)
{
    static const struct {
        enum batch_state state;
        uint64_t rows_read, rows_rejected, rows_discarded, jobs;
        const char *text;
    } rows[] = {
        {BATCH_OPEN, 10, 3, 0, 7, NULL},
        {BATCH_DONE, 0, 0, 0, 0, NULL},
        {BATCH_REFUSED, 10, 3, 7, 0, NULL},
        {BATCH_REFUSED, 10, 3, 4, 3, NULL}, /* still being discarded */
        {BATCH_LOADING, 10, 0, 0, 0, NULL},
        {BATCH_OPEN, 10, 3, 0, 6,
         "batch 5: the row counts do not add up: 10 rows read, 3 rejected, 6 jobs, 0 discarded"},
        {BATCH_DONE, 10, 3, 1, 7,
         "batch 5: the row counts do not add up: 10 rows read, 3 rejected, 7 jobs, 1 discarded"},
        {BATCH_REFUSED, 10, 3, 0, 0,
         "batch 5: the row counts do not add up: 10 rows read, 3 rejected, 0 jobs, 0 discarded"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct batch_counts batch = {
            .id = 5,
            .state = rows[i].state,
            .rows_read = rows[i].rows_read,
            .rows_rejected = rows[i].rows_rejected,
            .rows_discarded = rows[i].rows_discarded,
            .jobs = rows[i].jobs,
        };
        struct err err = {0};

        assert_int_equal(summary_balance(&batch, &err), rows[i].text == NULL);
        if (rows[i].text) {
            assert_int_equal(err.kind, ERR_INTERNAL);
            assert_string_equal(err.text, rows[i].text);
        }
    }
}

/* --- runs and pauses --- */

static void a_run_is_written_when_it_begins_and_when_it_ends(void **state)
{
    static const struct store_run figures = {
        .requests = 100,
        .latency_avg_us = 1500,
        .latency_p50_us = 1000,
        .latency_p95_us = 2500,
        .latency_p99_us = 1234567,
        .error_rate = 0.25,
        .validation_failures = 3,
        .throttled = 4,
    };
    struct fixture *fixture = *state;
    int64_t run_id = 0;

    assert_true(run_begin(fixture->store, "drain", "0.1.0", 1000, &run_id, &fixture->err));
    assert_int_equal(run_id, 1);
    assert_asked(fixture, "SELECT command, version, started_ms, ended_ms, exit_status FROM run",
                 "drain|0.1.0|1000|NULL|NULL");
    assert_true(run_end(fixture->store, run_id, 61000, 5, &figures, &fixture->err));
    assert_asked(fixture, "SELECT * FROM run_summary",
                 "1|drain|1970-01-01T00:00:01.000Z|1970-01-01T00:01:01.000Z|5|100|1.5|1.0|2.5|"
                 "1234.567|0.25|3|4");
}

static void the_last_run_is_the_last_that_ended(void **state)
{
    static const struct store_run figures = {.requests = 12};
    struct fixture *fixture = *state;
    struct run_info info;
    int64_t first, second, third;

    assert_true(run_last(fixture->store, INT64_MAX, &info, &fixture->err));
    assert_int_equal(info.id, 0);
    assert_true(run_begin(fixture->store, "run", "v", 1000, &first, &fixture->err));
    assert_true(run_begin(fixture->store, "ingest", "v", 2000, &second, &fixture->err));
    assert_true(run_begin(fixture->store, "status", "v", 3000, &third, &fixture->err));
    assert_true(run_end(fixture->store, second, 4000, 3, &figures, &fixture->err));
    assert_true(run_end(fixture->store, first, 9000, 0, &figures, &fixture->err));
    assert_true(run_last(fixture->store, INT64_MAX, &info, &fixture->err));
    assert_int_equal(info.id, third);
    assert_int_equal(info.ended_ms, 0);
    assert_true(run_last(fixture->store, third, &info, &fixture->err));
    assert_int_equal(info.id, second);
    assert_string_equal(info.command, "ingest");
    assert_int_equal(info.started_ms, 2000);
    assert_int_equal(info.ended_ms, 4000);
    assert_int_equal(info.exit_status, 3);
    assert_int_equal(info.requests, 12);
    assert_true(run_last(fixture->store, second, &info, &fixture->err));
    assert_int_equal(info.id, first);
    assert_true(run_last(fixture->store, first, &info, &fixture->err));
    assert_int_equal(info.id, 0);
}

static void a_pause_is_kept_replaced_and_removed(void **state)
{
    struct fixture *fixture = *state;
    struct pause_info pause;

    assert_true(pause_read(fixture->store, PAUSE_OF_API, 1000, &pause, &fixture->err));
    assert_int_equal(pause.until_ms, 0);
    assert_true(pause_write(fixture->store, PAUSE_OF_API, 1000, 5000, "first", 1, &fixture->err));
    assert_true(pause_write(fixture->store, PAUSE_OF_API, 2000, 7000, "second", 2, &fixture->err));
    assert_asked(fixture, "SELECT scope, not_before_ms, reason, run_id, set_ms FROM pause",
                 "api|7000|second|2|2000");
    assert_true(pause_read(fixture->store, PAUSE_OF_API, 3000, &pause, &fixture->err));
    assert_int_equal(pause.until_ms, 7000);
    assert_int_equal(pause.ahead_ms, 0);
    assert_string_equal(pause.reason, "second");
    assert_true(pause_write(fixture->store, PAUSE_OF_API, 3000, 0, "", 0, &fixture->err));
    assert_true(pause_read(fixture->store, PAUSE_OF_API, 3000, &pause, &fixture->err));
    assert_int_equal(pause.until_ms, 0);
    assert_asked(fixture, "SELECT count(*) FROM pause", "0");
}

/* It was set for 5 s by a clock that was an hour ahead: it holds for 5 s from now. */
static void a_pause_from_the_future_holds_for_its_length(void **state)
{
    struct fixture *fixture = *state;
    struct pause_info pause;

    assert_true(pause_write(fixture->store, PAUSE_OF_API, 3601000, 3606000,
                            "429" PAUSE_UNTIL "1970-01-01T01:00:06.000Z", 1, &fixture->err));
    assert_true(pause_read(fixture->store, PAUSE_OF_API, 1000, &pause, &fixture->err));
    assert_int_equal(pause.until_ms, 6000);
    assert_int_equal(pause.ahead_ms, 3600000);
    assert_string_equal(pause.reason, "429, and asks to wait until 1970-01-01T00:00:06.000Z");
}

/* How long a pause that was set at set_ms until until_ms still is at 1000. */
static void a_pause_ends_after_a_day_or_what_it_was_set_for(void **state)
{
    static const struct {
        int64_t set_ms, until_ms, end_ms;
    } rows[] = {
        {0, 1500, 1500}, /* set at an unknown time: as it is, for a day at most */
        {0, 86401001, 86401000}, {1000, 86400999, 86400999}, {1000, 86401001, 86401000},
        {5000, 4000, 1000}, /* it was over when it was set */
        {5000, 900, 900},
    };
    struct fixture *fixture = *state;
    struct pause_info pause;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_true(pause_write(fixture->store, PAUSE_OF_API, rows[i].set_ms, rows[i].until_ms,
                                "429", 1, &fixture->err));
        assert_true(pause_read(fixture->store, PAUSE_OF_API, 1000, &pause, &fixture->err));
        assert_int_equal(pause.until_ms, rows[i].end_ms);
        assert_int_equal(pause.ahead_ms, rows[i].until_ms - rows[i].end_ms);
        assert_string_equal(pause.reason, "429");
    }
}

static void what_is_known_is_forgotten_where_requests_go_to_another_place(void **state)
{
    static const struct {
        const char *place, *known;
        bool forgotten;
    } rows[] = {{"https://a", "1", false},
                {"https://a", "1", false},
                {"https://b", "0", true},
                {"https://a", "0", false} /* nothing was known */};
    struct fixture *fixture = *state;
    int64_t run_id;
    bool forgotten;

    fixture_ask(fixture, "INSERT INTO known VALUES ('Item', 'a', 5, '{}', 1, 1, 'get')");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_true(run_begin(fixture->store, "drain", "v", 1000, &run_id, &fixture->err));
        assert_true(run_place(fixture->store, run_id, rows[i].place, &forgotten, &fixture->err));
        assert_int_equal(forgotten, rows[i].forgotten);
        assert_asked(fixture, "SELECT count(*) FROM known", rows[i].known);
        assert_asked(fixture, "SELECT place FROM run ORDER BY id DESC LIMIT 1", rows[i].place);
    }
}

static void rows_that_share_requests_are_forecast_in_requests(void **state)
{
    static const struct {
        unsigned request_rows, requests;
    } rows[] = {{0, 5}, {1, 5}, {2, 3}, {4, 2}, {5, 1}, {6, 1}};
    struct fixture *fixture = *state;
    struct batch_counts batch = {0};
    char sql[80];

    fixture_batch(fixture, "Item", "a:5 b:5 c:5 d:5 e:5");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        snprintf(sql, sizeof sql, "UPDATE batch SET request_rows = %u", rows[i].request_rows);
        fixture_ask(fixture, sql);
        assert_true(summary_batches(fixture->store, SUMMARY_ONE, 1, keep, &batch, &fixture->err));
        assert_int_equal(batch.requests_left, rows[i].requests);
    }
}

/* Audits that are due are those of a batch that still has its rows. */
static void a_batch_says_whether_audits_are_due(void **state)
{
    static const struct {
        const char *sql;
        bool due;
    } rows[] = {
        {"SELECT 1", false},
        {"INSERT INTO batch_audit (batch_id, due) VALUES (1, 1)", true},
        {"UPDATE batch SET pruned_ms = 1, emptied_ms = 1, state = 'done'", false},
        {"DELETE FROM batch_audit", false},
        {"UPDATE batch SET pruned_ms = NULL, emptied_ms = NULL, state = 'open'", false},
    };
    struct fixture *fixture = *state;
    struct batch_counts batch = {0};

    fixture_batch(fixture, "Item", "a:5");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fixture_ask(fixture, rows[i].sql);
        assert_true(summary_batches(fixture->store, SUMMARY_ONE, 1, keep, &batch, &fixture->err));
        assert_int_equal(batch.audits_due, rows[i].due);
    }
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, fixture_begin, fixture_end)

static void the_last_run_that_ended_so_is_found_by_command_and_status(void **state)
{
    struct fixture *fixture = *state;
    const struct store_run nothing = {0};
    const struct {
        const char *command;
        int exit_status; /* -1: it has not ended */
    } runs[] = {{"run", 0}, {"run", 3}, {"drain", 0}, {"run", 5}, {"run", -1}};
    const struct {
        const char *command;
        int exit_status;
        int64_t id;
    } questions[] = {{"run", 0, 1},  {"run", 3, 2},   {"run", 5, 4},    {"run", 8, 0},
                     {"run", -1, 4}, {"drain", 0, 3}, {"ingest", -1, 0}};
    struct run_info info;

    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
        int64_t id;

        assert_true(run_begin(fixture->store, runs[i].command, "0", 1000, &id, &fixture->err));
        if (runs[i].exit_status >= 0)
            assert_true(run_end(fixture->store, id, 2000 + id, runs[i].exit_status, &nothing,
                                &fixture->err));
    }
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
        assert_true(run_last_ended(fixture->store, questions[i].command, questions[i].exit_status,
                                   &info, &fixture->err));
        assert_int_equal(info.id, questions[i].id);
        assert_int_equal(info.ended_ms, info.id ? 2000 + info.id : 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(each_scope_holds_the_batches_that_its_command_speaks_of),
        WITH_STORE(an_empty_database_has_no_batches),
        WITH_STORE(counts_are_read_by_state),
        WITH_STORE(a_visit_that_fails_ends_the_walk_with_its_error),
        cmocka_unit_test(books_balance_or_the_batch_is_named),
        WITH_STORE(a_run_is_written_when_it_begins_and_when_it_ends),
        WITH_STORE(the_last_run_is_the_last_that_ended),
        WITH_STORE(the_last_run_that_ended_so_is_found_by_command_and_status),
        WITH_STORE(a_pause_is_kept_replaced_and_removed),
        WITH_STORE(a_pause_ends_after_a_day_or_what_it_was_set_for),
        WITH_STORE(what_is_known_is_forgotten_where_requests_go_to_another_place),
        WITH_STORE(rows_that_share_requests_are_forecast_in_requests),
        WITH_STORE(a_batch_says_whether_audits_are_due),
        WITH_STORE(a_pause_from_the_future_holds_for_its_length),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
