/* The lists of core/job/state.h against the schema of a new database and against every statement:
 * migrations are text, which cannot be made from the lists. */
#include "core/store/db.h"
#include "tests/lib/store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#define COMMA_NAME(state, name)   "; " #name
#define IS_VERDICT(verdict, name) "verdict = '" #name "'"
#define OR_VERDICT(verdict, name) " OR " IS_VERDICT(verdict, name)
#define COUNTERS                  JOB_STATE_LIST(COMMA_NAME, COMMA_NAME)

static void each_state_of_jobs_has_its_counter(void **state)
{
    assert_string_equal(fixture_ask(*state, "SELECT name FROM pragma_table_info('batch_tally')"),
                        "batch_id; next_job_id" COUNTERS);
    assert_string_equal(fixture_ask(*state, "SELECT name FROM pragma_table_info('batch_summary')"),
                        "batch_id; source; schema; state; rows_read; rows_rejected; "
                        "rows_discarded; jobs" COUNTERS "; started; finished; pruned");
}

static void each_verdict_has_its_counter(void **state)
{
    assert_string_equal(fixture_ask(*state, "SELECT name FROM pragma_table_info('batch_audit')"),
                        "batch_id; due; run_id" VERDICT_LIST(COMMA_NAME, COMMA_NAME));
}

static void checks_and_partial_indexes_have_the_words_of_their_lists(void **state)
{
    static const struct {
        const char *name, *condition;
    } rows[] = {
        {"batch", "CHECK (state " SQL_IN(BATCH_STATE_LIST) ")"},
        {"audit", "CHECK (" VERDICT_LIST(IS_VERDICT, OR_VERDICT) ")"},
        {"batch_unfinished", "WHERE state " IN_BATCHES_UNFINISHED},
        {"job_due", "WHERE not_before_ms IS NOT NULL"},
        {"job_failed", "WHERE state " IN_RETRIABLE},
    };
    struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char sql[128];

        snprintf(sql, sizeof sql, "SELECT sql FROM sqlite_schema WHERE name = '%s'", rows[i].name);
        if (!strstr(fixture_ask(fixture, sql), rows[i].condition))
            fail_msg("%s has not: %s", rows[i].name, rows[i].condition);
    }
}

/* The states of notifications and deliveries. */
static bool is_other(struct span word)
{
    static const char *const others[] = {"accepted", "delivered", "echo"};

    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (span_is(word, others[i]))
            return true;
    return false;
}

/* Whether the quote is in what is compared with a state: after that word are only names, other
 * quoted words, IN and NOT. */
static bool is_of_state(const char *sql, const char *quote)
{
    const char *begin = quote;

    while (begin > sql && strchr(" =<>(,'abcdefghijklmnopqrstuvwxyzINOT", begin[-1]))
        begin--;
    return memmem(begin, (size_t)(quote - begin), "state", strlen("state"));
}

static unsigned check_words(const char *sql)
{
    unsigned checked = 0;

    for (const char *quote = sql; (quote = strchr(quote, '\''));) {
        struct span word = {quote + 1, strspn(quote + 1, "abcdefghijklmnopqrstuvwxyz")};
        bool is_whole = word.size > 0 && word.data[word.size] == '\'';
        char text[32];
        enum job_state job;
        enum batch_state batch;

        snprintf(text, sizeof text, "%.*s", (int)word.size, word.data);
        if (is_whole && is_of_state(sql, quote)) {
            checked++;
            if (!is_other(word) && !job_state_parse(text, &job) && !batch_state_parse(text, &batch))
                fail_msg("'%s' is not a state: %s", text, sql);
        }
        quote = is_whole ? word.data + word.size + 1 : quote + 1;
    }
    return checked;
}

static void no_statement_and_no_view_names_another_state(void **state)
{
    unsigned checked =
        check_words(fixture_ask(*state, "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL"));

    assert_true(checked >= 15);
    checked = 0;
    for (unsigned owner = 0; owner < DB_OWNERS; owner++) {
        const struct db_statements *statements = db_statements_of((enum db_owner)owner);

        for (unsigned i = 0; i < statements->count; i++)
            checked += check_words(statements->sql[i]);
    }
    assert_true(checked >= 60);
}

static void a_state_that_does_not_exist_is_an_error(void **state)
{
    struct fixture *fixture = *state;
    struct db_statement *statement =
        db_prepare(fixture->store, "SELECT 'lost' AS state", &fixture->err);
    enum job_state job;
    enum batch_state batch;
    bool row;

    assert_true(db_step(fixture->store, statement, &row, &fixture->err, "test"));
    assert_false(db_column_job_state(fixture->store, statement, &job, &fixture->err));
    assert_int_equal(fixture->err.kind, ERR_STORE);
    assert_non_null(
        strstr(fixture->err.text, "the state of a job is 'lost', which does not exist"));
    assert_false(db_column_batch_state(fixture->store, statement, &batch, &fixture->err));
    assert_non_null(strstr(fixture->err.text, "the state of a batch is 'lost'"));
    db_finalize(statement);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_state_of_jobs_has_its_counter, fixture_begin,
                                        fixture_end),
        cmocka_unit_test_setup_teardown(each_verdict_has_its_counter, fixture_begin, fixture_end),
        cmocka_unit_test_setup_teardown(checks_and_partial_indexes_have_the_words_of_their_lists,
                                        fixture_begin, fixture_end),
        cmocka_unit_test_setup_teardown(no_statement_and_no_view_names_another_state, fixture_begin,
                                        fixture_end),
        cmocka_unit_test_setup_teardown(a_state_that_does_not_exist_is_an_error, fixture_begin,
                                        fixture_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
