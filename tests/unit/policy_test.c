/* What an answer means: every status of a PUT and of a GET, and what it costs. */
#include "core/job/meaning.h"
#include "tests/lib/verdicts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

/* docs/api.md#what-each-answer-means for a PUT, class by class. A 200 without a version does not
 * parse. */
static const struct status_row {
    short first, last;
    const char *verdict;
} put_rows[] = {
    {0, 299, "unknown doubt costs retries 0 readbacks 0 delay 0"},
    {300, 399, "refused excused retries 0 readbacks 0 delay 0"},
    {400, 400, "refused retries 0 readbacks 0 delay 0"},
    {401, 401, "pending new-token excused retries 0 readbacks 0 delay 0"},
    {402, 402, "refused retries 0 readbacks 0 delay 0"},
    {403, 403, "refused excused retries 0 readbacks 0 delay 0"},
    {404, 404, "refused retries 0 readbacks 0 delay 0"},
    {405, 405, "refused excused retries 0 readbacks 0 delay 0"},
    {406, 406, "refused retries 0 readbacks 0 delay 0"},
    {407, 407, "pending stop-proxy excused retries 0 readbacks 0 delay 0"},
    {408, 408, "pending doubt costs retries 1 readbacks 0 delay 1000"},
    {409, 409, "unknown retries 0 readbacks 0 delay 0"},
    {410, 420, "refused retries 0 readbacks 0 delay 0"},
    {421, 421, "pending doubt costs retries 1 readbacks 0 delay 1000"},
    {422, 424, "refused retries 0 readbacks 0 delay 0"},
    {425, 425, "pending doubt costs retries 1 readbacks 0 delay 1000"},
    {426, 428, "refused retries 0 readbacks 0 delay 0"},
    {429, 429, "pending pause excused retries 0 readbacks 0 delay 0"},
    {430, 499, "refused retries 0 readbacks 0 delay 0"},
    {500, 500, "unknown doubt costs retries 0 readbacks 0 delay 0"},
    {501, 501, "refused excused retries 0 readbacks 0 delay 0"},
    {502, 502, "unknown doubt costs retries 0 readbacks 0 delay 0"},
    {503, 503, "pending doubt costs retries 1 readbacks 0 delay 1000"},
    {504, 504, "unknown doubt costs retries 0 readbacks 0 delay 0"},
    {505, 505, "refused excused retries 0 readbacks 0 delay 0"},
    {506, 999, "unknown doubt costs retries 0 readbacks 0 delay 0"},
};

/* The same for the GET of a job without doubt, as after a 409. */
static const struct status_row get_rows[] = {
    {0, 299, "unknown costs retries 1 readbacks 1 delay 1000"},
    {300, 399, "unknown excused costs retries 1 readbacks 1 delay 1000"},
    {400, 400, "unknown costs retries 1 readbacks 1 delay 1000"},
    {401, 401, "unknown new-token excused retries 0 readbacks 0 delay 0"},
    {402, 402, "unknown costs retries 1 readbacks 1 delay 1000"},
    {403, 403, "unknown excused costs retries 1 readbacks 1 delay 1000"},
    {404, 404, "refused retries 0 readbacks 0 delay 0"},
    {405, 405, "unknown excused costs retries 1 readbacks 1 delay 1000"},
    {406, 406, "unknown costs retries 1 readbacks 1 delay 1000"},
    {407, 407, "unknown stop-proxy excused retries 0 readbacks 0 delay 0"},
    {408, 428, "unknown costs retries 1 readbacks 1 delay 1000"},
    {429, 429, "unknown pause excused retries 0 readbacks 0 delay 0"},
    {430, 500, "unknown costs retries 1 readbacks 1 delay 1000"},
    {501, 501, "unknown excused costs retries 1 readbacks 1 delay 1000"},
    {502, 504, "unknown costs retries 1 readbacks 1 delay 1000"},
    {505, 505, "unknown excused costs retries 1 readbacks 1 delay 1000"},
    {506, 999, "unknown costs retries 1 readbacks 1 delay 1000"},
};

static void check_rows(const struct policy_job *job, const struct status_row *rows, size_t count)
{
    short next = 0;

    for (size_t i = 0; i < count; i++) {
        assert_int_equal(rows[i].first, next); /* no status is forgotten */
        for (short status = rows[i].first; status <= rows[i].last; status++) {
            struct policy_verdict verdict = assess(job, answered(status));

            if (strcmp(verdict_text(&verdict), rows[i].verdict) != 0)
                fail_msg("%d: %s, expected %s", status, verdict_text(&verdict), rows[i].verdict);
        }
        next = (short)(rows[i].last + 1);
    }
    assert_int_equal(next, 1000);
}

static void every_status_of_a_put_means_what_the_api_says(void **state)
{
    (void)state;
    check_rows(&sent, put_rows, sizeof put_rows / sizeof *put_rows);
}

static void every_status_of_a_read_back_means_what_the_api_says(void **state)
{
    (void)state;
    check_rows(&asking, get_rows, sizeof get_rows / sizeof *get_rows);
}

static void a_put_answered_with_a_version_is_applied(void **state)
{
    struct policy_verdict verdict = assess(&sent, record_of(6));

    (void)state;
    assert_string_equal(verdict_text(&verdict), "applied success retries 0 readbacks 0 delay 0");
    assert_true(verdict.has_server_version);
    assert_int_equal(verdict.server_version, 6);
    assert_string_equal(verdict.evidence, "");
}

static void other_successes_with_a_version_are_ambiguous_all_the_same(void **state)
{
    (void)state;
    for (long status = 201; status < 300; status++) {
        struct policy_answer answer = record_of(6);
        struct policy_verdict verdict;

        answer.status = status;
        verdict = assess(&sent, answer);
        assert_string_equal(verdict_text(&verdict),
                            "unknown doubt costs retries 0 readbacks 0 delay 0");
        assert_false(verdict.has_server_version);
    }
}

/* Requests that left and got no complete answer, and requests that never left. */
static void transfers_without_an_answer_depend_on_whether_they_left(void **state)
{
    static const struct {
        const struct policy_job *job;
        enum policy_end end;
        const char *verdict;
    } rows[] = {
        {&sent, POLICY_NO_ANSWER, "unknown doubt costs retries 0 readbacks 0 delay 0"},
        {&sent, POLICY_NEVER_LEFT, "pending unreachable stayed retries 0 readbacks 0 delay 0"},
        {&sent, POLICY_UNTRUSTED, "pending stop-config stayed retries 0 readbacks 0 delay 0"},
        {&asking, POLICY_NO_ANSWER, "unknown costs retries 1 readbacks 1 delay 1000"},
        {&asking, POLICY_NEVER_LEFT, "unknown unreachable stayed retries 0 readbacks 0 delay 0"},
        {&asking, POLICY_UNTRUSTED, "unknown stop-config stayed retries 0 readbacks 0 delay 0"},
        {&doubting, POLICY_NO_ANSWER, "unknown doubt costs retries 1 readbacks 1 delay 1000"},
        {&doubting, POLICY_NEVER_LEFT,
         "unknown unreachable stayed doubt retries 0 readbacks 0 delay 0"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct policy_verdict verdict = assess(rows[i].job, ended(rows[i].end));

        assert_string_equal(verdict_text(&verdict), rows[i].verdict);
    }
}

static void every_retry_of_a_run_waits_longer(void **state)
{
    static const int64_t delays[] = {1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000};
    struct policy_job put = sent, get = asking;

    (void)state;
    for (unsigned i = 0; i < sizeof delays / sizeof *delays; i++) {
        put.run_retries = get.run_retries = i;
        assert_int_equal(assess(&put, answered(503)).delay_ms, delays[i]);
        assert_int_equal(assess(&put, answered(503)).run_retries, i + 1);
        assert_int_equal(assess(&get, answered(500)).delay_ms, delays[i]);
        assert_int_equal(assess(&get, answered(500)).run_retries, i + 1);
        assert_int_equal(assess(&get, record_of(5)).delay_ms, delays[i]);
    }
}

static void retries_count_no_401_no_429_and_nothing_that_never_left(void **state)
{
    struct policy_job put = sent, get = asking;

    (void)state;
    put.run_retries = get.run_retries = 2;
    put.attempts = get.attempts = 12;
    get.readbacks = 11;
    for (unsigned i = 0; i < 2; i++) {
        const struct policy_job *job = i ? &get : &put;
        struct policy_verdict verdicts[] = {assess(job, answered(401)),
                                            assess(job, answered(429)),
                                            assess(job, ended(POLICY_NEVER_LEFT)),
                                            assess(job, ended(POLICY_UNTRUSTED)),
                                            assess(job, ended(POLICY_PROXY)),
                                            assess(job, answered(407))};

        for (size_t k = 0; k < sizeof verdicts / sizeof *verdicts; k++) {
            assert_int_equal(verdicts[k].run_retries, 2);
            assert_int_equal(verdicts[k].readbacks, job->readbacks);
            assert_false(verdicts[k].retry);
            assert_int_equal(verdicts[k].state, i ? JOB_UNKNOWN : JOB_PENDING);
        }
    }
}

static void the_last_attempt_is_settled_by_a_read_back(void **state)
{
    struct policy_job job = sent;
    struct policy_verdict verdict;

    (void)state;
    job.attempts = 11;
    assert_int_equal(assess(&job, answered(503)).state, JOB_PENDING);
    job.attempts = 12;
    verdict = assess(&job, answered(503));
    assert_string_equal(verdict_text(&verdict),
                        "unknown doubt costs retries 0 readbacks 0 delay 1000");
    verdict = assess(&job, answered(408));
    assert_string_equal(verdict_text(&verdict),
                        "unknown doubt costs retries 0 readbacks 0 delay 1000");
}

static void attempts_before_a_retry_do_not_count(void **state)
{
    struct policy_answer answer = answered(200);
    struct policy_job put = sent, get = asking;

    (void)state;
    answer.has_version = true;
    answer.version = get.version;
    put.attempts = get.attempts = 23;
    put.attempts_before = get.attempts_before = 12;
    assert_int_equal(assess(&put, answered(503)).state, JOB_PENDING);
    assert_int_equal(assess(&get, answer).state, JOB_PENDING);
    put.attempts = get.attempts = 24;
    assert_int_equal(assess(&put, answered(503)).state, JOB_UNKNOWN);
    assert_int_equal(assess(&get, answer).state, JOB_FAILED);
}

static void an_ambiguous_put_never_fails_by_counting(void **state)
{
    struct policy_job job = sent;

    (void)state;
    job.attempts = 1000;
    job.run_retries = 1000;
    assert_int_equal(assess(&job, answered(500)).state, JOB_UNKNOWN);
    assert_int_equal(assess(&job, answered(503)).state, JOB_UNKNOWN);
    assert_int_equal(assess(&job, ended(POLICY_NO_ANSWER)).state, JOB_UNKNOWN);
}

/* An answer to a request of several jobs, of which a part may have been done. */
static void a_failure_of_a_whole_request_leaves_its_jobs_unknown(void **state)
{
    static const enum target_lock locks[] = {TARGET_STEP, TARGET_OPAQUE, TARGET_NONE};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        for (long status = 500; status < 600; status++) {
            struct policy_answer answer = answered(status);
            struct policy_job job = sent;
            struct policy_verdict verdict;

            job.lock = locks[i];
            answer.is_shared = true;
            verdict = assess(&job, answer);
            assert_int_equal(verdict.state, JOB_UNKNOWN);
            assert_true(verdict.doubt);
            /* unless the target says that nothing was done */
            answer.said = TARGET_RETRY;
            assert_int_equal(assess(&job, answer).state, JOB_PENDING);
        }
    }
}

static void what_is_about_one_row_splits_a_request(void **state)
{
    static const struct {
        long status;
        enum target_answer said;
        bool splits[3]; /* with a step, an opaque lock, none */
    } rows[] = {
        {400, TARGET_UNTOLD, {true, true, true}},
        {413, TARGET_UNTOLD, {true, true, true}},
        {422, TARGET_UNTOLD, {true, true, true}},
        {409, TARGET_UNTOLD, {true, true, true}},
        {412, TARGET_UNTOLD, {true, true, true}},
        {404, TARGET_UNTOLD, {false, false, false}},
        {401, TARGET_UNTOLD, {false, false, false}},
        {403, TARGET_UNTOLD, {false, false, false}},
        {405, TARGET_UNTOLD, {false, false, false}},
        {408, TARGET_UNTOLD, {false, false, false}},
        {421, TARGET_UNTOLD, {false, false, false}},
        {429, TARGET_UNTOLD, {false, false, false}},
        {428, TARGET_UNTOLD, {true, false, false}},
        {500, TARGET_UNTOLD, {false, false, false}},
        {503, TARGET_UNTOLD, {false, false, false}},
        {200, TARGET_UNTOLD, {false, false, false}},
        {301, TARGET_UNTOLD, {false, false, false}},
        {400, TARGET_RETRY, {false, false, false}},
        {400, TARGET_STOP, {false, false, false}},
        {400, TARGET_THROTTLED, {false, false, false}},
        {400, TARGET_CONFLICT, {true, true, true}},
        {400, TARGET_MISSING, {true, true, true}},
        {400, TARGET_EXISTS, {true, true, true}},
        {400, TARGET_UNCHANGED, {true, true, true}},
        {404, TARGET_MISSING, {false, false, false}},
        {503, TARGET_REFUSED, {true, true, true}},
        {400, TARGET_DONE, {false, false, false}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (unsigned lock = 0; lock < 3; lock++)
            if (meaning_splits((enum target_lock)lock, rows[i].status, rows[i].said, false) !=
                rows[i].splits[lock])
                fail_msg("%ld, said %d, lock %u", rows[i].status, rows[i].said, lock);
    /* where others are taken, it can be about one of them */
    assert_true(meaning_splits(TARGET_NONE, 403, TARGET_UNTOLD, true));
    assert_true(meaning_splits(TARGET_STEP, 404, TARGET_UNTOLD, true));
    assert_true(meaning_splits(TARGET_OPAQUE, 405, TARGET_UNTOLD, true));
    assert_true(meaning_splits(TARGET_NONE, 501, TARGET_UNTOLD, true));
    assert_false(meaning_splits(TARGET_NONE, 302, TARGET_UNTOLD, true));
    assert_false(meaning_splits(TARGET_NONE, 401, TARGET_UNTOLD, true));
    assert_false(meaning_splits(TARGET_NONE, 429, TARGET_UNTOLD, true));
    assert_false(meaning_splits(TARGET_NONE, 404, TARGET_STOP, true));
}

static void a_forbidden_address_stops_the_run(void **state)
{
    struct policy_answer address = answered(401);
    struct policy_verdict put, get;

    (void)state;
    address.code = "ip.not.authorized";
    put = assess(&sent, address);
    assert_string_equal(verdict_text(&put),
                        "pending stop-auth excused retries 0 readbacks 0 delay 0");
    get = assess(&asking, address);
    assert_string_equal(verdict_text(&get),
                        "unknown stop-auth excused retries 0 readbacks 0 delay 0");
}

/* A second 401 in a row for the same job: a token that worked for others may have been revoked,
 * too; a token that never worked means that the client is refused. */
static void a_second_401_stops_the_run_unless_the_token_worked_for_others(void **state)
{
    static const struct {
        bool accepted;
        const char *put, *get;
    } rows[] = {
        {false, "pending stop-auth excused retries 0 readbacks 0 delay 0",
         "unknown stop-auth excused retries 0 readbacks 0 delay 0"},
        {true, "pending new-token excused costs retries 1 readbacks 0 delay 1000",
         "unknown new-token excused costs retries 1 readbacks 0 delay 1000"},
    };
    struct policy_job put = sent, get = asking;
    struct policy_answer answer = answered(401);

    (void)state;
    put.refused_token = get.refused_token = true;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct policy_limits accepting = limits;
        struct policy_verdict verdict;

        accepting.token_accepted = rows[i].accepted;
        policy_assess(&put, &answer, &accepting, &verdict);
        assert_string_equal(verdict_text(&verdict), rows[i].put);
        policy_assess(&get, &answer, &accepting, &verdict);
        assert_string_equal(verdict_text(&verdict), rows[i].get);
    }
}

static void a_401_to_a_fixed_key_stops_the_run_at_once(void **state)
{
    struct policy_answer answer = answered(401);
    struct policy_limits fixed = limits;
    struct policy_verdict verdict;

    (void)state;
    fixed.fixed_key = true;
    fixed.token_accepted = true;
    policy_assess(&sent, &answer, &fixed, &verdict);
    assert_string_equal(verdict_text(&verdict),
                        "pending stop-auth excused retries 0 readbacks 0 delay 0");
    policy_assess(&asking, &answer, &fixed, &verdict);
    assert_string_equal(verdict_text(&verdict),
                        "unknown stop-auth excused retries 0 readbacks 0 delay 0");
}

/* It certainly did not land: the job is left to the next run instead of failing. */
static void a_401_at_the_last_attempt_does_not_fail_the_job(void **state)
{
    struct policy_limits accepting = limits;
    struct policy_answer answer = answered(401);
    struct policy_job job = sent;
    struct policy_verdict verdict;

    (void)state;
    accepting.token_accepted = true;
    job.attempts = 12;
    job.refused_token = true;
    policy_assess(&job, &answer, &accepting, &verdict);
    assert_int_equal(verdict.state, JOB_PENDING);
}

static void another_code_of_a_401_asks_for_a_new_token(void **state)
{
    struct policy_answer answer = answered(401);

    (void)state;
    answer.code = "bad.credentials";
    assert_int_equal(assess(&sent, answer).run, POLICY_NEW_TOKEN);
}

/* The verdict concerns the record; it is open until a request of the kind is accepted. */
static void a_denial_stays_open_before_any_success_of_its_kind(void **state)
{
    const struct policy_limits fresh = {.max_attempts = 12};
    const struct policy_job fetch = {.request = REQUEST_FETCH};
    static const struct {
        short first, last;
        const char *put, *read_back, *fetch;
    } rows[] = {
        {403, 403, "refused forbidden excused retries 0 readbacks 0 delay 0",
         "unknown forbidden excused costs retries 1 readbacks 1 delay 1000",
         "refused forbidden excused retries 0 readbacks 0 delay 0"},
        {300, 399, "refused wrong-place excused retries 0 readbacks 0 delay 0",
         "unknown wrong-place excused costs retries 1 readbacks 1 delay 1000",
         "refused wrong-place excused retries 0 readbacks 0 delay 0"},
        {405, 405, "refused wrong-place excused retries 0 readbacks 0 delay 0",
         "unknown wrong-place excused costs retries 1 readbacks 1 delay 1000",
         "refused wrong-place excused retries 0 readbacks 0 delay 0"},
        {501, 501, "refused wrong-place excused retries 0 readbacks 0 delay 0",
         "unknown wrong-place excused costs retries 1 readbacks 1 delay 1000",
         "refused wrong-place excused retries 0 readbacks 0 delay 0"},
        {404, 404, "refused refusing retries 0 readbacks 0 delay 0",
         "refused retries 0 readbacks 0 delay 0", "refused refusing retries 0 readbacks 0 delay 0"},
        {422, 422, "refused refusing retries 0 readbacks 0 delay 0",
         "unknown costs retries 1 readbacks 1 delay 1000",
         "refused refusing retries 0 readbacks 0 delay 0"},
        {410, 420, "refused refusing retries 0 readbacks 0 delay 0",
         "unknown costs retries 1 readbacks 1 delay 1000",
         "refused refusing retries 0 readbacks 0 delay 0"},
        {400, 400, "refused refusing retries 0 readbacks 0 delay 0",
         "unknown costs retries 1 readbacks 1 delay 1000",
         "refused refusing retries 0 readbacks 0 delay 0"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (long status = rows[i].first; status <= rows[i].last; status++) {
            struct policy_answer answer = answered(status);
            struct policy_verdict verdict;

            policy_assess(&sent, &answer, &fresh, &verdict);
            assert_string_equal(verdict_text(&verdict), rows[i].put);
            policy_assess(&asking, &answer, &fresh, &verdict);
            assert_string_equal(verdict_text(&verdict), rows[i].read_back);
            policy_assess(&fetch, &answer, &fresh, &verdict);
            assert_string_equal(verdict_text(&verdict), rows[i].fetch);
        }
    }
    assert_int_equal(policy_spared_state(&sent), JOB_PENDING);
    assert_int_equal(policy_spared_state(&fetch), JOB_PENDING);
    assert_int_equal(policy_spared_state(&asking), JOB_UNKNOWN);
}

static void a_403_after_a_success_concerns_the_record_alone(void **state)
{
    struct policy_verdict put = assess(&sent, answered(403)), get = assess(&asking, answered(403));

    (void)state;
    assert_string_equal(verdict_text(&put), "refused excused retries 0 readbacks 0 delay 0");
    assert_string_equal(verdict_text(&get),
                        "unknown excused costs retries 1 readbacks 1 delay 1000");
}

static void a_conflict_shows_that_writes_are_accepted_and_a_refusal_does_not(void **state)
{
    (void)state;
    assert_true(assess(&sent, answered(409)).works);
    assert_true(assess(&sent, record_of(6)).works);
    assert_true(assess(&asking, record_of(6)).works);
    assert_false(assess(&asking, answered(409)).works);
    assert_false(assess(&sent, answered(422)).works);
    assert_false(assess(&sent, answered(404)).works);
    assert_false(assess(&sent, answered(500)).works);
}

/* A request that the server certainly did not execute, for a reason other than the job, does not
 * count as an attempt. */
/* The version of such a PUT is not the row's own, so that it can be out of date. */
static void a_put_by_what_is_known_is_fetched_again_instead_of_a_conflict(void **state)
{
    struct policy_job job = {.version = 5, .attempts = 1, .is_known = true};
    struct policy_answer theirs = record_of(6), there = record_of(6);
    struct policy_verdict verdict;

    (void)state;
    verdict = assess(&job, answered(409));
    assert_string_equal(verdict_text(&verdict), "pending fetch retries 0 readbacks 0 delay 0");
    job.doubt = true;
    verdict = assess(&job, answered(409));
    assert_string_equal(verdict_text(&verdict), "unknown doubt retries 0 readbacks 0 delay 0");
    job.request = REQUEST_READ_BACK;
    theirs.is_anothers = true;
    verdict = assess(&job, theirs);
    assert_string_equal(verdict_text(&verdict),
                        "pending success fetch retries 0 readbacks 0 delay 0");
    assert_string_equal(verdict.evidence, "the next version carries another correlation id");
    /* the fetch after that: the values are there already, and nothing of ours was applied */
    job.request = REQUEST_FETCH;
    job.doubt = false;
    there.is_there = true;
    verdict = assess(&job, there);
    assert_string_equal(verdict_text(&verdict), "unchanged success retries 0 readbacks 0 delay 0");
}

static void refusals_of_token_permission_or_pace_use_up_no_attempt(void **state)
{
    static const long excused[] = {301, 401, 403, 405, 407, 429, 501, 505};
    static const long counted[] = {200, 202, 400, 404, 408, 409, 421, 422, 425, 500, 502, 503, 504};
    struct policy_job job = sent;

    (void)state;
    for (size_t i = 0; i < sizeof excused / sizeof *excused; i++)
        assert_true(assess(&sent, answered(excused[i])).excused);
    for (size_t i = 0; i < sizeof counted / sizeof *counted; i++)
        assert_false(assess(&sent, answered(counted[i])).excused);
    job.attempts = 40;
    job.attempts_before = 39;
    assert_int_equal(assess(&job, answered(503)).state, JOB_PENDING);
}

static void pauses_last_as_long_as_the_server_says(void **state)
{
    static const struct {
        long status;
        int64_t retry_after_ms;
        enum policy_run run;
        int64_t pause_ms;
    } rows[] = {
        {429, 30000, POLICY_PAUSE, 30000}, {429, 0, POLICY_PAUSE, 0},
        {429, -1, POLICY_PAUSE, -1},       {503, 30000, POLICY_PAUSE, 30000},
        {503, 0, POLICY_PAUSE, 0},         {503, -1, POLICY_GO_ON, 0},
        {408, 30000, POLICY_GO_ON, 0},     {500, 30000, POLICY_GO_ON, 0},
    };

    const struct policy_job fetch = {.request = REQUEST_FETCH};
    const struct policy_job *const jobs[] = {&sent, &asking, &doubting, &fetch};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t k = 0; k < sizeof jobs / sizeof *jobs; k++) {
            struct policy_answer answer = answered(rows[i].status);
            struct policy_verdict verdict;

            answer.retry_after_ms = rows[i].retry_after_ms;
            verdict = assess(jobs[k], answer);
            assert_int_equal(verdict.run, rows[i].run);
            assert_int_equal(verdict.pause_ms, rows[i].pause_ms);
        }
}

static void waits_double_from_one_second_to_sixty_and_grow_by_a_quarter_at_most(void **state)
{
    static const struct {
        unsigned retries;
        int64_t least, most;
    } rows[] = {
        {0, 1000, 1250},   {1, 1000, 1250},    {2, 2000, 2500},    {3, 4000, 5000},
        {4, 8000, 10000},  {5, 16000, 20000},  {6, 32000, 40000},  {7, 60000, 75000},
        {8, 60000, 75000}, {63, 60000, 75000}, {64, 60000, 75000}, {UINT32_MAX, 60000, 75000},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(assess_backoff_ms(rows[i].retries, 0), rows[i].least);
        assert_int_equal(assess_backoff_ms(rows[i].retries, 1), rows[i].most);
        assert_in_range(assess_backoff_ms(rows[i].retries, 0.5), rows[i].least + 1,
                        rows[i].most - 1);
    }
}

/* What must hold of any verdict. */
static void check_verdict(const struct policy_job *job, const struct policy_answer *answer)
{
    struct policy_verdict verdict;

    policy_assess(job, answer, &limits, &verdict);
    assert_true(job_state_can_move(job_state_of_request(job->request), verdict.state));
    assert_true(verdict.doubt || !job->doubt);
    assert_true(!verdict.unsettled || verdict.state == JOB_FAILED);
    assert_true(verdict.state != JOB_APPLIED || (answer->status == 200 && answer->has_version));
    assert_true((verdict.state != JOB_CONFLICT && verdict.state != JOB_UNCHANGED) ||
                (job->request == REQUEST_READ_BACK && answer->has_version));
    assert_true(verdict.state != JOB_UNCHANGED || (answer->is_there && !answer->is_ours));
    assert_true(verdict.state != JOB_DISMISSED);
    assert_true(verdict.delay_ms >= 0 && verdict.pause_ms >= -1);
    assert_non_null(verdict.evidence);
    /* a job that stays as it is, and is due at once, must come to an end */
    if (verdict.run == POLICY_GO_ON && verdict.state == JOB_PENDING)
        assert_true(verdict.run_retries > job->run_retries && verdict.delay_ms >= 1000);
    if (verdict.run == POLICY_GO_ON && verdict.next == POLICY_BY_STATE &&
        verdict.state == JOB_UNKNOWN && job->request == REQUEST_READ_BACK)
        assert_true(verdict.run_retries > job->run_retries ||
                    (verdict.looks_again && !job->looks_again && verdict.delay_ms >= 1000));
}

static void every_verdict_is_a_legal_move_and_loses_no_doubt(void **state)
{
    (void)state;
    for (int facts = 0; facts < 1 << 11; facts++) {
        struct policy_job job = {
            .version = 5,
            .request = facts & 1 ? REQUEST_READ_BACK : REQUEST_UPDATE,
            .doubt = facts & 2,
            .refused_token = facts & 4,
            .looks_again = facts & 1 && facts & 1024,
            .attempts = facts & 8 ? 12 : 1,
            .readbacks = facts & 8 ? 11 : 0,
            .run_retries = facts & 8 ? 3 : 0,
        };

        for (int end = POLICY_ANSWERED; end <= POLICY_NO_ANSWER; end++) {
            for (long status = 100; status < 600; status++) {
                struct policy_answer answer = ended((enum policy_end)end);

                answer.status = end == POLICY_ANSWERED ? status : 0;
                answer.has_version = status == 200 && facts & 16;
                answer.is_anothers = facts & 32 && !(facts & 64);
                answer.is_ours = facts & 32 && facts & 64;
                answer.fields_are_ours = facts & 128;
                answer.is_there = facts & 128 && facts & 256;
                answer.next_is_known = facts & 512;
                answer.version = 4 + status % 4;
                check_verdict(&job, &answer);
                answer.version = 7;
                check_verdict(&job, &answer);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_of_a_put_means_what_the_api_says),
        cmocka_unit_test(every_status_of_a_read_back_means_what_the_api_says),
        cmocka_unit_test(a_put_answered_with_a_version_is_applied),
        cmocka_unit_test(other_successes_with_a_version_are_ambiguous_all_the_same),
        cmocka_unit_test(transfers_without_an_answer_depend_on_whether_they_left),
        cmocka_unit_test(every_retry_of_a_run_waits_longer),
        cmocka_unit_test(retries_count_no_401_no_429_and_nothing_that_never_left),
        cmocka_unit_test(the_last_attempt_is_settled_by_a_read_back),
        cmocka_unit_test(attempts_before_a_retry_do_not_count),
        cmocka_unit_test(an_ambiguous_put_never_fails_by_counting),
        cmocka_unit_test(a_forbidden_address_stops_the_run),
        cmocka_unit_test(a_second_401_stops_the_run_unless_the_token_worked_for_others),
        cmocka_unit_test(a_401_to_a_fixed_key_stops_the_run_at_once),
        cmocka_unit_test(a_401_at_the_last_attempt_does_not_fail_the_job),
        cmocka_unit_test(another_code_of_a_401_asks_for_a_new_token),
        cmocka_unit_test(a_denial_stays_open_before_any_success_of_its_kind),
        cmocka_unit_test(a_conflict_shows_that_writes_are_accepted_and_a_refusal_does_not),
        cmocka_unit_test(a_put_by_what_is_known_is_fetched_again_instead_of_a_conflict),
        cmocka_unit_test(refusals_of_token_permission_or_pace_use_up_no_attempt),
        cmocka_unit_test(a_403_after_a_success_concerns_the_record_alone),
        cmocka_unit_test(a_failure_of_a_whole_request_leaves_its_jobs_unknown),
        cmocka_unit_test(what_is_about_one_row_splits_a_request),
        cmocka_unit_test(pauses_last_as_long_as_the_server_says),
        cmocka_unit_test(waits_double_from_one_second_to_sixty_and_grow_by_a_quarter_at_most),
        cmocka_unit_test(every_verdict_is_a_legal_move_and_loses_no_doubt),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
