/* What a read-back proves about the PUT before it: API.md section 3. */
#include "tests/lib/verdicts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* API.md section 3, row by row, for a PUT that carried version 5: once with a doubt from before
 * and once after a plain 409. */
static void every_row_of_the_read_back_table_holds(void **state)
{
    enum { OTHERS = 1, OURS = 2, OUR_FIELDS = 4 };
    static const struct {
        int64_t version;
        int shows;
        const char *doubting, *asking, *evidence;
    } rows[] = {
        {6, OURS, "applied", "applied", "the record carries our correlation id"},
        {6, OURS | OUR_FIELDS, "applied", "applied", "the record carries our correlation id"},
        {9, OURS, "applied", "applied", "the record carries our correlation id"},
        {5, OTHERS, "pending", "pending", "the record's version shows that it did not land"},
        {5, OUR_FIELDS, "pending", "pending", "the record's version shows that it did not land"},
        {4, 0, "pending", "pending", "the record's version shows that it did not land"},
        {0, 0, "pending", "pending", "the record's version shows that it did not land"},
        {-1, 0, "pending", "pending", "the record's version shows that it did not land"},
        {6, OTHERS, "conflict", "conflict", NULL},
        {6, OTHERS | OUR_FIELDS, "conflict", "conflict", NULL},
        {6, OUR_FIELDS, "applied", "conflict", NULL},
        {6, 0, "conflict", "conflict", NULL},
        {7, OTHERS, "unknown", "conflict", NULL},
        {7, OUR_FIELDS, "unknown", "conflict", NULL},
        {INT64_MAX, 0, "unknown", "conflict", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct policy_answer answer = record_of(rows[i].version);
        struct policy_verdict doubted, plain;

        answer.has_correlation = rows[i].shows & (OTHERS | OURS);
        answer.is_ours = rows[i].shows & OURS;
        answer.fields_are_ours = rows[i].shows & OUR_FIELDS;
        doubted = judge(&doubting, answer);
        plain = judge(&asking, answer);
        assert_string_equal(job_state_name(doubted.state), rows[i].doubting);
        assert_string_equal(job_state_name(plain.state), rows[i].asking);
        assert_true(doubted.doubt);
        assert_false(plain.doubt);
        assert_true(doubted.success && plain.success);
        assert_true(doubted.has_server_version && doubted.server_version == rows[i].version);
        assert_true(plain.has_server_version && plain.server_version == rows[i].version);
        if (rows[i].evidence) {
            assert_string_equal(doubted.evidence, rows[i].evidence);
            assert_string_equal(plain.evidence, rows[i].evidence);
        }
    }
}

static void conflicts_say_what_they_rest_on(void **state)
{
    struct policy_answer next = record_of(6), later = record_of(7);
    struct policy_verdict verdict;

    (void)state;
    verdict = judge(&asking, next);
    assert_string_equal(verdict.evidence,
                        "the record has a newer version, and no attempt of ours may have landed");
    verdict = judge(&doubting, next);
    assert_string_equal(verdict.evidence, "the next version holds other fields");
    next.fields_are_ours = true;
    verdict = judge(&doubting, next);
    assert_string_equal(verdict.evidence,
                        "the next version holds our fields, without a correlation id");
    next.has_correlation = true;
    verdict = judge(&doubting, next);
    assert_string_equal(verdict.evidence, "the next version carries another correlation id");
    verdict = judge(&doubting, later);
    assert_string_equal(verdict.evidence, "the record has moved on beyond the next version");
}

static void the_highest_version_does_not_overflow(void **state)
{
    struct policy_job highest = {
        .version = INT64_MAX, .attempts = 1, .request = REQUEST_READ_BACK, .doubt = true};
    struct policy_verdict verdict = judge(&highest, record_of(INT64_MAX));

    (void)state;
    assert_int_equal(verdict.state, JOB_PENDING);
}

static void what_did_not_land_is_sent_again_after_a_second_at_least(void **state)
{
    struct policy_verdict verdict = judge(&asking, record_of(5));

    (void)state;
    assert_string_equal(told(&verdict), "pending success retries 1 readbacks 0 delay 1000");
}

static void a_missing_record_refuses_unless_an_attempt_may_have_landed(void **state)
{
    struct policy_job long_doubting = doubting;
    struct policy_verdict plain = judge(&asking, answered(404)), doubted;

    (void)state;
    assert_int_equal(plain.state, JOB_REFUSED);
    assert_string_equal(plain.evidence, "the record is gone");
    long_doubting.readbacks = 7;
    doubted = judge(&long_doubting, answered(404));
    /* only the audit log can tell */
    assert_string_equal(told(&doubted), "unknown doubt audit retries 0 readbacks 0 delay 0");
    assert_string_equal(doubted.evidence, "the record is gone");
}

static void a_record_beyond_the_next_version_is_a_question_for_the_audit_log(void **state)
{
    struct policy_verdict verdict = judge(&doubting, record_of(7));

    (void)state;
    assert_string_equal(told(&verdict),
                        "unknown doubt success audit retries 0 readbacks 0 delay 0");
}

static void an_answered_read_back_ends_the_count_of_those_without(void **state)
{
    static const int64_t versions[] = {5, 6, 7};
    struct policy_job job = doubting;

    (void)state;
    job.readbacks = 11;
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(judge(&job, record_of(versions[i])).readbacks, 0);
}

static void what_did_not_land_at_the_last_attempt_has_failed_and_is_settled(void **state)
{
    struct policy_job job = doubting;
    struct policy_verdict verdict;

    (void)state;
    job.attempts = 11;
    assert_int_equal(judge(&job, record_of(5)).state, JOB_PENDING);
    job.attempts = 12;
    verdict = judge(&job, record_of(5));
    assert_int_equal(verdict.state, JOB_FAILED);
    assert_false(verdict.unsettled);
}

static void read_backs_without_an_answer_fail_at_the_ceiling_unsettled(void **state)
{
    static const long statuses[] = {0, 200, 202, 400, 403, 408, 409, 500, 503, 504};
    struct policy_job job = doubting;

    (void)state;
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        struct policy_answer answer = statuses[i] ? answered(statuses[i]) : ended(POLICY_NO_ANSWER);
        struct policy_verdict verdict;

        job.readbacks = 10;
        verdict = judge(&job, answer);
        assert_int_equal(verdict.state, JOB_UNKNOWN);
        assert_int_equal(verdict.readbacks, 11);
        assert_false(verdict.unsettled);
        job.readbacks = 11;
        verdict = judge(&job, answer);
        assert_int_equal(verdict.state, JOB_FAILED);
        assert_true(verdict.unsettled);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_of_the_read_back_table_holds),
        cmocka_unit_test(conflicts_say_what_they_rest_on),
        cmocka_unit_test(the_highest_version_does_not_overflow),
        cmocka_unit_test(what_did_not_land_is_sent_again_after_a_second_at_least),
        cmocka_unit_test(a_missing_record_refuses_unless_an_attempt_may_have_landed),
        cmocka_unit_test(a_record_beyond_the_next_version_is_a_question_for_the_audit_log),
        cmocka_unit_test(an_answered_read_back_ends_the_count_of_those_without),
        cmocka_unit_test(what_did_not_land_at_the_last_attempt_has_failed_and_is_settled),
        cmocka_unit_test(read_backs_without_an_answer_fail_at_the_ceiling_unsettled),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
