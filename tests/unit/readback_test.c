/* What a read-back proves about the PUT before it: docs/api.md#read-back. */
#include "tests/lib/verdicts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

/* docs/api.md#read-back, row by row, for a PUT that carried version 5: once in doubt and once after
 * a plain 409. */
static void every_row_of_the_read_back_table_holds(void **state)
{
    enum { OTHERS = 1, OURS = 2, OUR_FIELDS = 4, THERE = 8 | OUR_FIELDS };
    static const struct {
        int64_t version;
        int shows;
        const char *doubting, *asking, *evidence;
    } rows[] = {
        {6, OURS, "applied", "applied", "the record carries our correlation id"},
        {6, OURS | THERE, "applied", "applied", "the record carries our correlation id"},
        {9, OURS, "applied", "applied", "the record carries our correlation id"},
        {5, OTHERS, "pending", "pending", "the record's version shows that it did not land"},
        {5, OUR_FIELDS, "pending", "pending", "the record's version shows that it did not land"},
        {5, THERE, "pending", "unknown look", NULL},
        {4, 0, "unknown look", "unknown look", NULL},
        {4, THERE, "unknown look", "unknown look", NULL},
        {0, 0, "unknown look", "unknown look", NULL},
        {-1, 0, "unknown look", "unknown look", NULL},
        {6, OTHERS, "conflict proven", "conflict proven",
         "the next version carries another correlation id"},
        {6, OTHERS | OUR_FIELDS, "conflict proven", "conflict proven", NULL},
        {6, OTHERS | THERE, "unchanged", "unchanged", "the record holds these values already"},
        {6, OUR_FIELDS, "applied", "conflict proven", NULL},
        {6, THERE, "applied", "unchanged", NULL},
        {6, 0, "unknown audit", "conflict proven", NULL},
        {7, OTHERS, "unknown audit", "unknown audit",
         "the record has moved on beyond the next version"},
        {7, OUR_FIELDS, "unknown audit", "unknown audit", NULL},
        {7, THERE, "unknown audit", "unchanged", NULL},
        {7, OTHERS | THERE, "unknown audit", "unchanged", NULL},
        {INT64_MAX, 0, "unknown audit", "unknown audit", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct policy_answer answer = record_of(rows[i].version);

        answer.is_anothers = rows[i].shows & OTHERS;
        answer.is_ours = rows[i].shows & OURS;
        answer.fields_are_ours = rows[i].shows & OUR_FIELDS;
        answer.is_there = rows[i].shows & 8;
        for (int doubt = 0; doubt < 2; doubt++) {
            const char *expected = doubt ? rows[i].doubting : rows[i].asking;
            struct policy_verdict verdict = assess(doubt ? &doubting : &asking, answer);
            char found[64];

            snprintf(found, sizeof found, "%s%s%s%s", job_state_name(verdict.state),
                     verdict.proven ? " proven" : "",
                     verdict.next == POLICY_NEXT_AUDIT ? " audit" : "",
                     verdict.looks_again ? " look" : "");
            if (strcmp(found, expected) != 0)
                fail_msg("row %zu, doubt %d: %s, expected %s", i, doubt, found, expected);
            assert_int_equal(verdict.doubt, doubt);
            assert_true(verdict.success);
            assert_true(verdict.has_server_version && verdict.server_version == rows[i].version);
            if (rows[i].evidence)
                assert_string_equal(verdict.evidence, rows[i].evidence);
        }
    }
}

/* A read can lag: a version that is not newer ends a job only at the second look. */
static void a_version_that_is_not_newer_ends_a_job_at_the_second_look(void **state)
{
    static const struct {
        int64_t version;
        bool there;
        long put_status;
        unsigned attempts;
        const char *second;
    } rows[] = {
        {4, false, 409, 1, "conflict success unproven retries 0 readbacks 0 delay 0"},
        {0, false, 0, 1, "conflict success unproven retries 0 readbacks 0 delay 0"},
        {4, true, 409, 1, "unchanged success retries 0 readbacks 0 delay 0"},
        {5, true, 409, 1, "unchanged success retries 0 readbacks 0 delay 0"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct policy_answer answer = record_of(rows[i].version);
        struct policy_job job = asking;
        struct policy_verdict verdict;

        job.put_status = rows[i].put_status;
        job.attempts = rows[i].attempts;
        answer.is_there = answer.fields_are_ours = rows[i].there;
        verdict = assess(&job, answer);
        assert_string_equal(verdict_text(&verdict),
                            "unknown success retries 0 readbacks 0 delay 1000");
        assert_true(verdict.looks_again);
        job.looks_again = true;
        verdict = assess(&job, answer);
        assert_string_equal(verdict_text(&verdict), rows[i].second);
        assert_false(verdict.looks_again);
        assert_int_equal(verdict.ahead, verdict.state == JOB_CONFLICT);
        /* a missing answer in between does not end it */
        verdict = assess(&job, answered(500));
        assert_true(verdict.looks_again);
    }
}

/* A version that is ahead always needs a decision. */
static void a_version_that_is_ahead_is_never_rebased_or_dismissed(void **state)
{
    struct policy_job job = asking;
    struct policy_answer answer = record_of(1);

    (void)state;
    job.looks_again = true;
    for (int way = POLICY_PARK; way <= POLICY_DISMISS; way++) {
        struct policy_limits chosen = limits;
        struct policy_verdict verdict;

        chosen.on_conflict = (enum policy_on_conflict)way;
        policy_assess(&job, &answer, &chosen, &verdict);
        assert_int_equal(verdict.state, JOB_CONFLICT);
        assert_true(verdict.ahead && !verdict.proven);
    }
}

/* Our database shows who made the next version. */
static void a_version_made_by_another_job_of_ours_is_not_this_jobs(void **state)
{
    static const int64_t versions[] = {6, 7, 900};

    (void)state;
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
        struct policy_answer answer = record_of(versions[i]);
        struct policy_verdict verdict;

        answer.next_is_known = true;
        verdict = assess(&doubting, answer);
        assert_int_equal(verdict.state, JOB_CONFLICT);
        assert_true(verdict.proven);
        assert_string_equal(verdict.evidence, "another job of ours made the next version");
        answer.is_there = answer.fields_are_ours = true;
        assert_int_equal(assess(&doubting, answer).state, JOB_UNCHANGED);
    }
}

static void the_highest_version_does_not_overflow(void **state)
{
    struct policy_job highest = {
        .version = INT64_MAX, .attempts = 1, .request = REQUEST_READ_BACK, .doubt = true};
    struct policy_verdict verdict = assess(&highest, record_of(INT64_MAX));

    (void)state;
    assert_int_equal(verdict.state, JOB_PENDING);
}

static void what_did_not_land_is_sent_again_after_a_second_at_least(void **state)
{
    struct policy_verdict verdict = assess(&asking, record_of(5));

    (void)state;
    assert_string_equal(verdict_text(&verdict), "pending success retries 1 readbacks 0 delay 1000");
}

static void a_missing_record_refuses_unless_an_attempt_may_have_landed(void **state)
{
    struct policy_job long_doubting = doubting;
    struct policy_verdict plain = assess(&asking, answered(404)), doubted;

    (void)state;
    assert_int_equal(plain.state, JOB_REFUSED);
    assert_string_equal(plain.evidence, "the record is gone");
    long_doubting.readbacks = 7;
    doubted = assess(&long_doubting, answered(404));
    /* only the audit log can show it */
    assert_string_equal(verdict_text(&doubted),
                        "unknown doubt audit retries 0 readbacks 0 delay 0");
    assert_string_equal(doubted.evidence, "the record is gone");
}

static void a_record_beyond_the_next_version_needs_the_audit_log(void **state)
{
    struct policy_verdict verdict = assess(&doubting, record_of(7));

    (void)state;
    assert_string_equal(verdict_text(&verdict),
                        "unknown doubt success audit retries 0 readbacks 0 delay 0");
}

static void an_answered_read_back_ends_the_count_of_those_without(void **state)
{
    static const int64_t versions[] = {5, 6, 7};
    struct policy_job job = doubting;

    (void)state;
    job.readbacks = 11;
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(assess(&job, record_of(versions[i])).readbacks, 0);
}

static void what_did_not_land_at_the_last_attempt_has_failed_and_is_settled(void **state)
{
    struct policy_job job = doubting;
    struct policy_verdict verdict;

    (void)state;
    job.attempts = 11;
    assert_int_equal(assess(&job, record_of(5)).state, JOB_PENDING);
    job.attempts = 12;
    verdict = assess(&job, record_of(5));
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
        verdict = assess(&job, answer);
        assert_int_equal(verdict.state, JOB_UNKNOWN);
        assert_int_equal(verdict.readbacks, 11);
        assert_false(verdict.unsettled);
        job.readbacks = 11;
        verdict = assess(&job, answer);
        assert_int_equal(verdict.state, JOB_FAILED);
        assert_true(verdict.unsettled);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_of_the_read_back_table_holds),
        cmocka_unit_test(a_version_that_is_not_newer_ends_a_job_at_the_second_look),
        cmocka_unit_test(a_version_that_is_ahead_is_never_rebased_or_dismissed),
        cmocka_unit_test(a_version_made_by_another_job_of_ours_is_not_this_jobs),
        cmocka_unit_test(the_highest_version_does_not_overflow),
        cmocka_unit_test(what_did_not_land_is_sent_again_after_a_second_at_least),
        cmocka_unit_test(a_missing_record_refuses_unless_an_attempt_may_have_landed),
        cmocka_unit_test(a_record_beyond_the_next_version_needs_the_audit_log),
        cmocka_unit_test(an_answered_read_back_ends_the_count_of_those_without),
        cmocka_unit_test(what_did_not_land_at_the_last_attempt_has_failed_and_is_settled),
        cmocka_unit_test(read_backs_without_an_answer_fail_at_the_ceiling_unsettled),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
