/* Verdicts on answers of the audit log, on fetched records and on conflicts: docs/api.md#read-back.
 */
#include "tests/lib/verdicts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

/* A job whose PUT with version 5 the audit log has been asked about for that long. */
static struct policy_job arbitrated(int64_t asked_ms, bool is_gone)
{
    struct policy_job job = doubting;

    job.request = REQUEST_AUDIT;
    job.asked_ms = asked_ms;
    job.is_gone = is_gone;
    return job;
}

static const struct policy_job fetching = {.request = REQUEST_FETCH};

static struct policy_answer page_with(enum policy_entry entry, bool has_more)
{
    struct policy_answer answer = answered(200);

    answer.has_page = true;
    answer.has_more = has_more;
    answer.entry = entry;
    answer.version = 6;
    return answer;
}

static struct policy_verdict decide(const struct policy_job *job, struct policy_answer answer,
                                    enum policy_on_conflict on_conflict)
{
    struct policy_limits decided = limits;
    struct policy_verdict verdict;

    decided.on_conflict = on_conflict;
    decided.audit_wait_ms = 60000;
    policy_assess(job, &answer, &decided, &verdict);
    return verdict;
}

static void assert_reported(const struct policy_verdict *verdict, const char *expected,
                            const char *evidence)
{
    assert_string_equal(verdict_text(verdict), expected);
    assert_string_equal(verdict->evidence, evidence);
}

/* --- the audit log --- */

static void the_audit_log_shows_who_made_the_next_version(void **state)
{
    static const struct {
        enum policy_entry entry;
        bool is_gone;
        const char *verdict, *evidence;
    } rows[] = {
        {POLICY_OUR_ENTRY, false, "applied doubt success retries 0 readbacks 0 delay 0",
         "the audit log has the next version with our correlation id; superseded since"},
        {POLICY_OUR_ENTRY, true, "applied doubt success retries 0 readbacks 0 delay 0",
         "the audit log has the next version with our correlation id; superseded since"},
        {POLICY_THEIR_ENTRY, false, "conflict doubt success proven retries 0 readbacks 0 delay 0",
         "the audit log has the next version under another id"},
        {POLICY_THEIR_ENTRY, true, "refused doubt success retries 0 readbacks 0 delay 0",
         "the record is gone, and the audit log has its next version under another id"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        /* at once, and at last; our entry also if there are more pages */
        for (int when = 0; when < (rows[i].entry == POLICY_OUR_ENTRY ? 4 : 2); when++) {
            struct policy_job job = arbitrated(when & 1 ? 90000 : 0, rows[i].is_gone);
            struct policy_verdict verdict;

            job.readbacks = 7;
            verdict = decide(&job, page_with(rows[i].entry, when & 2), POLICY_PARK);
            assert_reported(&verdict, rows[i].verdict, rows[i].evidence);
            assert_int_equal(verdict.has_server_version, rows[i].entry == POLICY_OUR_ENTRY);
        }
    }
}

static void our_entry_gives_the_version_that_we_made(void **state)
{
    struct policy_job job = arbitrated(0, false);
    struct policy_verdict verdict = decide(&job, page_with(POLICY_OUR_ENTRY, false), POLICY_PARK);

    (void)state;
    assert_int_equal(verdict.server_version, 6);
}

static void a_page_without_our_id_leads_to_the_next_one_at_any_time(void **state)
{
    static const int64_t asked_ms[] = {0, 59999, 60000, 3600000};

    (void)state;
    for (size_t i = 0; i < sizeof asked_ms / sizeof *asked_ms; i++) {
        struct policy_job job = arbitrated(asked_ms[i], i & 1);
        enum policy_entry entry = i & 2 ? POLICY_NO_ENTRY : POLICY_THEIR_ENTRY;
        struct policy_verdict verdict = decide(&job, page_with(entry, true), POLICY_PARK);

        assert_reported(&verdict, "unknown doubt success page retries 0 readbacks 0 delay 0",
                        "the audit log has more pages");
    }
}

/* The log lags: it is asked again after half of the time asked so far, 0.5 s to 5 s, and for the
 * last time when the wait is over. */
static void a_missing_entry_proves_nothing_before_the_wait_is_over(void **state)
{
    static const struct {
        int64_t asked_ms, delay_ms;
    } rows[] = {
        {0, 500},      {999, 500},    {1000, 500},   {1200, 600}, {9999, 4999}, {10000, 5000},
        {30000, 5000}, {55000, 5000}, {57000, 3000}, {59999, 1},  {-5000, 500},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct policy_job job = arbitrated(rows[i].asked_ms, i & 1);
        struct policy_verdict verdict =
            decide(&job, page_with(POLICY_NO_ENTRY, false), POLICY_REBASE);

        assert_int_equal(verdict.state, JOB_UNKNOWN);
        assert_int_equal(verdict.next, POLICY_NEXT_AUDIT);
        assert_int_equal(verdict.delay_ms, rows[i].delay_ms);
        assert_false(verdict.retry);
        assert_string_equal(verdict.evidence, "the audit log does not have the next version yet");
    }
}

static void an_entry_missing_to_the_end_leaves_an_unproven_conflict(void **state)
{
    (void)state;
    for (int way = POLICY_PARK; way <= POLICY_DISMISS; way++) {
        struct policy_job here = arbitrated(60000, false), gone = arbitrated(60000, true);
        struct policy_answer silent = page_with(POLICY_NO_ENTRY, false);
        struct policy_verdict verdict = decide(&here, silent, (enum policy_on_conflict)way);

        assert_reported(&verdict, "conflict doubt success unproven retries 0 readbacks 0 delay 0",
                        "unproven: the audit log does not have the next version");
        verdict = decide(&gone, silent, (enum policy_on_conflict)way);
        assert_reported(
            &verdict, "refused doubt success retries 0 readbacks 0 delay 0",
            "unproven: the record is gone, and the audit log does not have the next version");
    }
}

static void an_audit_log_that_does_not_answer_is_asked_again(void **state)
{
    static const long statuses[] = {0, 200, 202, 400, 403, 404, 408, 409, 500, 503};
    struct policy_job job = arbitrated(3600000, false);

    (void)state;
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        struct policy_answer answer = statuses[i] ? answered(statuses[i]) : ended(POLICY_NO_ANSWER);
        struct policy_verdict verdict;

        job.readbacks = 3;
        verdict = decide(&job, answer, POLICY_PARK);
        assert_string_equal(verdict_text(&verdict),
                            statuses[i] == 403
                                ? "unknown excused doubt costs retries 1 readbacks 4 delay 1000"
                                : "unknown doubt costs retries 1 readbacks 4 delay 1000");
        job.readbacks = 11;
        verdict = decide(&job, answer, POLICY_PARK);
        assert_int_equal(verdict.state, JOB_FAILED);
        assert_true(verdict.unsettled);
    }
}

/* --- entries that identify nobody --- */

/* An entry without an id counts as missing, unless it is by our own user. */
static void an_entry_without_an_id_identifies_nobody(void **state)
{
    static const struct {
        enum policy_entry entry;
        int64_t asked_ms;
        bool more;
        const char *verdict, *evidence;
    } rows[] = {
        {POLICY_UNNAMED_ENTRY, 0, true, "unknown doubt success page retries 0 readbacks 0 delay 0",
         "the audit log has more pages"},
        {POLICY_UNNAMED_ENTRY, 0, false,
         "unknown doubt success audit retries 0 readbacks 0 delay 500",
         "the audit log has the next version without a correlation id so far"},
        {POLICY_UNNAMED_ENTRY, 60000, false,
         "conflict doubt success unproven retries 0 readbacks 0 delay 0",
         "unproven: the audit log has the next version without a correlation id"},
        {POLICY_OUR_USERS_ENTRY, 0, true,
         "unknown doubt success page retries 0 readbacks 0 delay 0",
         "the audit log has more pages"},
        {POLICY_OUR_USERS_ENTRY, 0, false, "applied doubt success retries 0 readbacks 0 delay 0",
         "the audit log has the next version by our own user, without a correlation id"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int way = POLICY_PARK; way <= POLICY_DISMISS; way++) {
            struct policy_job job = arbitrated(rows[i].asked_ms, false);
            struct policy_verdict verdict =
                decide(&job, page_with(rows[i].entry, rows[i].more), (enum policy_on_conflict)way);

            assert_reported(&verdict, rows[i].verdict, rows[i].evidence);
        }
}

/* Without a doubt the log is asked, too, because our database can be an older copy. What it has
 * counts at once; what it does not have yet is waited for. */
static void without_a_doubt_the_audit_log_counts_at_once(void **state)
{
    static const struct {
        enum policy_entry entry;
        bool elsewhere;
        int64_t asked_ms;
        const char *verdict;
    } rows[] = {
        {POLICY_OUR_ENTRY, false, 0, "applied success retries 0 readbacks 0 delay 0"},
        {POLICY_THEIR_ENTRY, false, 0, "conflict success proven retries 0 readbacks 0 delay 0"},
        {POLICY_UNNAMED_ENTRY, false, 0, "conflict success proven retries 0 readbacks 0 delay 0"},
        {POLICY_OUR_USERS_ENTRY, false, 0,
         "conflict success unproven retries 0 readbacks 0 delay 0"},
        {POLICY_THEIR_ENTRY, true, 0, "applied success retries 0 readbacks 0 delay 0"},
        {POLICY_NO_ENTRY, true, 0, "applied success retries 0 readbacks 0 delay 0"},
        {POLICY_NO_ENTRY, false, 0, "unknown success audit retries 0 readbacks 0 delay 5000"},
        {POLICY_NO_ENTRY, false, 4999, "unknown success audit retries 0 readbacks 0 delay 1"},
        {POLICY_NO_ENTRY, false, 5000, "conflict success unproven retries 0 readbacks 0 delay 0"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct policy_job job = arbitrated(rows[i].asked_ms, false);
        struct policy_answer page = page_with(rows[i].entry, false);
        struct policy_verdict verdict;

        job.doubt = false;
        page.is_elsewhere = rows[i].elsewhere;
        page.elsewhere = 9;
        verdict = decide(&job, page, POLICY_PARK);
        assert_string_equal(verdict_text(&verdict), rows[i].verdict);
        if (rows[i].elsewhere)
            assert_int_equal(verdict.server_version, 9);
    }
}

/* Another copy of the database has sent a later row of the record. Whatever else the log has, only
 * our own id in it, at any version, shows that this row was applied. */
static void a_later_row_of_ours_leaves_only_our_own_id_to_prove_anything(void **state)
{
    static const struct {
        enum policy_entry entry;
        bool elsewhere, was_there;
        int64_t asked_ms;
        const char *verdict;
    } rows[] = {
        {POLICY_OUR_ENTRY, false, true, 0, "applied success retries 0 readbacks 0 delay 0"},
        {POLICY_THEIR_ENTRY, true, true, 0, "applied success retries 0 readbacks 0 delay 0"},
        {POLICY_THEIR_ENTRY, false, true, 0,
         "unknown success audit retries 0 readbacks 0 delay 500"},
        {POLICY_UNNAMED_ENTRY, false, false, 4000,
         "unknown success audit retries 0 readbacks 0 delay 2000"},
        {POLICY_THEIR_ENTRY, false, false, 60000,
         "conflict success unproven retries 0 readbacks 0 delay 0"},
        {POLICY_NO_ENTRY, false, false, 60000,
         "conflict success unproven retries 0 readbacks 0 delay 0"},
        {POLICY_NO_ENTRY, false, true, 60000, "unchanged success retries 0 readbacks 0 delay 0"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct policy_job job = arbitrated(rows[i].asked_ms, false);
        struct policy_answer page = page_with(rows[i].entry, false), denied = answered(403);
        struct policy_verdict verdict;

        job.doubt = false;
        job.is_copied = true;
        job.was_there = rows[i].was_there;
        page.is_elsewhere = rows[i].elsewhere;
        verdict = decide(&job, page, POLICY_REBASE);
        assert_string_equal(verdict_text(&verdict), rows[i].verdict);
        /* the row after it is not built on the version of the later one */
        if (verdict.state == JOB_UNCHANGED)
            assert_int_equal(verdict.server_version, job.version);
        job.doubt = i & 1;
        verdict = decide(&job, denied, POLICY_REBASE);
        assert_int_equal(verdict.state, job.was_there ? JOB_UNCHANGED : JOB_CONFLICT);
        assert_false(verdict.proven);
        assert_int_equal(verdict.run, POLICY_GO_ON);
    }
}

static void a_later_row_of_ours_is_no_change_by_others(void **state)
{
    static const enum job_request requests[] = {REQUEST_READ_BACK, REQUEST_FETCH};

    (void)state;
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        struct policy_job job = arbitrated(0, false);
        struct policy_answer answer = record_of(8);
        struct policy_verdict verdict;

        job.request = requests[i];
        job.doubt = false;
        answer.is_anothers = answer.is_later = answer.is_there = answer.fields_are_ours = true;
        verdict = decide(&job, answer, POLICY_REBASE);
        assert_string_equal(verdict_text(&verdict),
                            "unknown success audit retries 0 readbacks 0 delay 0");
        assert_true(verdict.is_copied);
    }
}

/* The jobs of a client that may not read the log still end. */
static void an_unreadable_audit_log_keeps_no_job_open_without_a_doubt(void **state)
{
    static const struct {
        long status;
        enum job_state state;
    } rows[] = {
        {403, JOB_CONFLICT}, {404, JOB_CONFLICT}, {400, JOB_CONFLICT}, {405, JOB_CONFLICT},
        {501, JOB_CONFLICT}, {302, JOB_CONFLICT}, {401, JOB_UNKNOWN},  {429, JOB_UNKNOWN},
        {500, JOB_UNKNOWN},  {503, JOB_UNKNOWN},  {200, JOB_UNKNOWN},
    };
    struct policy_limits fresh = limits;

    (void)state;
    fresh.kind_works = false;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct policy_answer answer = answered(rows[i].status);
        struct policy_job job = arbitrated(0, false);
        struct policy_verdict verdict;

        job.doubt = false;
        policy_assess(&job, &answer, &fresh, &verdict);
        assert_int_equal(verdict.state, rows[i].state);
        assert_int_equal(verdict.proven, rows[i].state == JOB_CONFLICT);
        job.readbacks = 11;
        if (rows[i].status != 401 && rows[i].status != 429)
            assert_int_equal(assess(&job, answer).state, JOB_CONFLICT);
    }
}

static void values_that_the_record_held_leave_nothing_to_decide(void **state)
{
    struct policy_job job = arbitrated(0, false);
    struct policy_verdict verdict;

    (void)state;
    job.was_there = true;
    verdict = decide(&job, page_with(POLICY_THEIR_ENTRY, false), POLICY_REBASE);
    assert_int_equal(verdict.state, JOB_UNCHANGED);
    /* but not while the version in between can be ours */
    job.asked_ms = 60000;
    verdict = decide(&job, page_with(POLICY_NO_ENTRY, false), POLICY_REBASE);
    assert_int_equal(verdict.state, JOB_CONFLICT);
    assert_false(verdict.proven);
}

/* --- proven conflicts --- */

static void a_proven_conflict_is_treated_as_on_conflict_says(void **state)
{
    static const struct {
        enum policy_on_conflict way;
        unsigned rounds;
        const char *verdict;
    } rows[] = {
        {POLICY_PARK, 0, "conflict doubt success proven retries 0 readbacks 0 delay 0"},
        {POLICY_PARK, 3, "conflict doubt success proven retries 0 readbacks 0 delay 0"},
        {POLICY_DISMISS, 0, "dismissed doubt success proven retries 0 readbacks 0 delay 0"},
        {POLICY_DISMISS, 3, "dismissed doubt success proven retries 0 readbacks 0 delay 0"},
        /* no earlier PUT can still land, so that the next one begins without a doubt */
        {POLICY_REBASE, 0, "pending success proven fetch retries 0 readbacks 0 delay 0"},
        {POLICY_REBASE, 2, "pending success proven fetch retries 0 readbacks 0 delay 0"},
        {POLICY_REBASE, 3, "conflict doubt success proven retries 0 readbacks 0 delay 0"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct policy_job job = doubting, audit = arbitrated(0, false);
        struct policy_answer other = record_of(6);
        struct policy_verdict verdict;

        job.rounds = audit.rounds = rows[i].rounds;
        other.is_anothers = true;
        verdict = decide(&job, other, rows[i].way);
        assert_reported(&verdict, rows[i].verdict,
                        "the next version carries another correlation id");
        verdict = decide(&audit, page_with(POLICY_THEIR_ENTRY, false), rows[i].way);
        assert_string_equal(verdict_text(&verdict), rows[i].verdict);
    }
}

/* After a 409, an update that was built on a fetched record is built again if there is no doubt;
 * else it is read back. */
static void a_409_is_fetched_again_where_the_put_was_built_on_a_fetch(void **state)
{
    static const struct {
        unsigned rounds;
        bool doubt;
        const char *verdict;
    } rows[] = {
        {0, false, "unknown retries 0 readbacks 0 delay 0"},
        {1, false, "pending fetch retries 0 readbacks 0 delay 0"},
        /* a GET that shows what the last one did may lag */
        {2, false, "pending fetch retries 0 readbacks 0 delay 1000"},
        {3, false, "unknown retries 0 readbacks 0 delay 0"},
        {1, true, "unknown doubt retries 0 readbacks 0 delay 0"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct policy_job job = sent;
        struct policy_verdict verdict;

        job.rounds = rows[i].rounds;
        job.doubt = rows[i].doubt;
        verdict = assess(&job, answered(409));
        assert_string_equal(verdict_text(&verdict), rows[i].verdict);
    }
}

/* --- refusals in doubt --- */

static void a_refusal_in_doubt_is_read_back_first(void **state)
{
    static const long statuses[] = {400, 403, 404, 413, 422};
    struct policy_job job = sent;

    (void)state;
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        struct policy_verdict verdict;

        job.doubt = true;
        verdict = assess(&job, answered(statuses[i]));
        /* not at once, because a read can lag */
        assert_string_equal(verdict_text(&verdict),
                            statuses[i] == 403
                                ? "unknown excused doubt retries 0 readbacks 0 delay 1000"
                                : "unknown doubt retries 0 readbacks 0 delay 1000");
        assert_true(verdict.refused);
        job.doubt = false;
        verdict = assess(&job, answered(statuses[i]));
        assert_int_equal(verdict.state, JOB_REFUSED);
        assert_true(verdict.refused);
    }
}

static void a_refused_update_that_did_not_land_is_not_sent_again(void **state)
{
    static const struct {
        long put_status;
        enum job_state state;
    } rows[] = {
        {0, JOB_PENDING},   {404, JOB_PENDING}, {409, JOB_PENDING}, {429, JOB_PENDING},
        {500, JOB_PENDING}, {503, JOB_PENDING}, {400, JOB_REFUSED}, {403, JOB_REFUSED},
        {413, JOB_REFUSED}, {422, JOB_REFUSED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct policy_job job = doubting;
        struct policy_answer ours = record_of(6);
        struct policy_verdict verdict;

        job.put_status = rows[i].put_status;
        verdict = assess(&job, record_of(5));
        assert_int_equal(verdict.state, rows[i].state);
        assert_int_equal(verdict.refused, rows[i].state == JOB_REFUSED);
        /* the earlier attempt has landed */
        ours.is_ours = true;
        assert_int_equal(assess(&job, ours).state, JOB_APPLIED);
    }
}

/* --- the record that a PUT is built on --- */

static void an_update_is_built_on_a_fetched_record_unless_it_is_done(void **state)
{
    enum { OURS = 1, THERE = 2, BROKEN = 4 };
    static const struct {
        int shows;
        const char *not_landed, *in_doubt, *evidence;
    } rows[] = {
        {0, "pending send", "pending send", ""},
        {OURS, "applied", "applied", "the record carries our correlation id"},
        {THERE, "unchanged", "pending send", "the record holds these values already"},
        {BROKEN, "conflict unproven", "conflict unproven",
         "our fields over the record's break a rule of the schema"},
        {OURS | THERE | BROKEN, "applied", "applied", NULL},
        {THERE | BROKEN, "unchanged", "conflict unproven", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct policy_answer record = record_of(9);

        record.is_ours = rows[i].shows & OURS;
        record.is_there = rows[i].shows & THERE;
        record.rule_broken = rows[i].shows & BROKEN;
        for (unsigned attempts = 0; attempts < 3; attempts++) {
            const char *expected = attempts == 2 ? rows[i].in_doubt : rows[i].not_landed;
            struct policy_job job = fetching;
            struct policy_verdict verdict;
            char start[64];

            job.attempts = attempts;
            job.doubt = attempts == 2;
            verdict = decide(&job, record, POLICY_REBASE);
            snprintf(start, sizeof start, "%s%s%s", job_state_name(verdict.state),
                     verdict.conflict ? " unproven" : "",
                     verdict.next == POLICY_NEXT_SEND ? " send" : "");
            assert_string_equal(start, expected);
            assert_true(verdict.success && verdict.has_server_version);
            assert_int_equal(verdict.server_version, 9);
            assert_false(verdict.proven);
            if (rows[i].evidence && strstr(expected, "send") == NULL)
                assert_string_equal(verdict.evidence, rows[i].evidence);
        }
    }
}

static void every_other_answer_to_a_fetch_refuses_or_repeats_it(void **state)
{
    static const struct {
        long status;
        const char *verdict;
    } rows[] = {
        {0, "pending costs retries 1 readbacks 0 delay 1000"},
        {200, "pending costs retries 1 readbacks 0 delay 1000"},
        {204, "pending costs retries 1 readbacks 0 delay 1000"},
        {302, "refused excused retries 0 readbacks 0 delay 0"},
        {400, "refused retries 0 readbacks 0 delay 0"},
        {401, "pending new-token excused retries 0 readbacks 0 delay 0"},
        {403, "refused excused retries 0 readbacks 0 delay 0"},
        {404, "refused retries 0 readbacks 0 delay 0"},
        {408, "pending costs retries 1 readbacks 0 delay 1000"},
        {409, "refused retries 0 readbacks 0 delay 0"},
        {429, "pending pause excused retries 0 readbacks 0 delay 0"},
        {500, "pending costs retries 1 readbacks 0 delay 1000"},
        {503, "pending costs retries 1 readbacks 0 delay 1000"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct policy_answer answer =
            rows[i].status ? answered(rows[i].status) : ended(POLICY_NO_ANSWER);
        struct policy_verdict verdict = assess(&fetching, answer);

        assert_string_equal(verdict_text(&verdict), rows[i].verdict);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_audit_log_shows_who_made_the_next_version),
        cmocka_unit_test(our_entry_gives_the_version_that_we_made),
        cmocka_unit_test(a_page_without_our_id_leads_to_the_next_one_at_any_time),
        cmocka_unit_test(a_missing_entry_proves_nothing_before_the_wait_is_over),
        cmocka_unit_test(an_entry_missing_to_the_end_leaves_an_unproven_conflict),
        cmocka_unit_test(an_audit_log_that_does_not_answer_is_asked_again),
        cmocka_unit_test(an_entry_without_an_id_identifies_nobody),
        cmocka_unit_test(without_a_doubt_the_audit_log_counts_at_once),
        cmocka_unit_test(a_later_row_of_ours_leaves_only_our_own_id_to_prove_anything),
        cmocka_unit_test(a_later_row_of_ours_is_no_change_by_others),
        cmocka_unit_test(an_unreadable_audit_log_keeps_no_job_open_without_a_doubt),
        cmocka_unit_test(values_that_the_record_held_leave_nothing_to_decide),
        cmocka_unit_test(a_proven_conflict_is_treated_as_on_conflict_says),
        cmocka_unit_test(a_409_is_fetched_again_where_the_put_was_built_on_a_fetch),
        cmocka_unit_test(a_refusal_in_doubt_is_read_back_first),
        cmocka_unit_test(a_refused_update_that_did_not_land_is_not_sent_again),
        cmocka_unit_test(an_update_is_built_on_a_fetched_record_unless_it_is_done),
        cmocka_unit_test(every_other_answer_to_a_fetch_refuses_or_repeats_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
