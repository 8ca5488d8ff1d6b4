/* The settling model where a job is one row of a request of several: results that do not name it,
 * trouble that is that of all rows, requests that are refused as a whole and sent again in halves.
 * docs/targets.md says what each lock promises. */
#include "tests/lib/settling_model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#define ENDS(state) (1u << (state))

/* Walks settings whose policies are the real ones, if none is given. */
static void assert_holds(const char *what, struct model_settings settings, size_t states,
                         unsigned endings)
{
    struct model_result result;

    if (!settings.policy)
        settings.policy = policy_assess;
    model_walk(&settings, &result);
    if (result.violation)
        fail_msg("%s: %s", what, result.violation);
    printf("# %s: %zu states, %zu ends\n", what, result.states, result.ends);
    assert_true(result.states >= states);
    assert_int_equal(result.job_states & endings, endings);
}

/* A version that rises by 1 shows the fate of every request, also of one that was done in part. */
static void a_step_applies_no_row_twice(void **state)
{
    static const enum policy_on_conflict ways[] = {POLICY_PARK, POLICY_REBASE, POLICY_DISMISS};

    (void)state;
    for (size_t i = 0; i < 2 * sizeof ways / sizeof *ways; i++)
        assert_holds("step",
                     (struct model_settings){.on_conflict = ways[i / 2],
                                             .fetched = i % 2,
                                             .lags = true,
                                             .splits = 2,
                                             .in_part = true,
                                             .foreign = 1,
                                             .may_close = true,
                                             .faults = 1,
                                             .crashes = 1},
                     20000, ENDS(JOB_APPLIED) | ENDS(JOB_REFUSED));
}

static void an_opaque_token_applies_no_row_twice(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++)
        assert_holds("opaque",
                     (struct model_settings){.lock = TARGET_OPAQUE,
                                             .on_conflict = i / 2 ? POLICY_PARK : POLICY_REBASE,
                                             .fetched = i / 2,
                                             .shows_no_ids = i % 2,
                                             .lags = i % 2,
                                             .splits = 2,
                                             .in_part = true,
                                             .foreign = 1,
                                             .foreign_deletes = true,
                                             .may_close = true,
                                             .faults = 2,
                                             .crashes = 1},
                     20000, ENDS(JOB_APPLIED) | ENDS(JOB_CONFLICT) | ENDS(JOB_REFUSED));
}

static const struct model_settings lockless = {.policy = policy_assess,
                                               .lock = TARGET_NONE,
                                               .shows_no_ids = true,
                                               .strays_die = true,
                                               .splits = 2,
                                               .may_close = true,
                                               .faults = 2,
                                               .crashes = 1};

/* A server that refuses a request does nothing of it: then no row is applied twice that nobody
 * overwrote. */
static void without_a_lock_no_row_is_applied_twice_that_nobody_overwrote(void **state)
{
    struct model_settings settings = lockless;

    (void)state;
    for (settings.foreign = 0; settings.foreign < 3; settings.foreign++) {
        settings.foreign_deletes = settings.foreign > 0;
        assert_holds("no lock", settings, 1000, ENDS(JOB_APPLIED) | ENDS(JOB_REFUSED));
    }
}

/* If it did a part of it, those rows are applied again, and no verdict is wrong for that, unless it
 * then begins to refuse them, too: docs/targets.md#what-is-impossible. */
static void without_a_lock_what_was_done_in_part_is_applied_again(void **state)
{
    struct model_settings settings = lockless;
    struct model_result result;

    (void)state;
    settings.in_part = true;
    model_walk(&settings, &result);
    assert_non_null(result.violation);
    assert_string_equal(result.violation, "a job is refused, and its update was applied");
    settings.may_close = false;
    for (settings.foreign = 0; settings.foreign < 2; settings.foreign++)
        assert_holds("no lock, in part", settings, 1000, ENDS(JOB_APPLIED));
}

/* Rows of one record are in different requests, the later one after the end of the earlier. */
static void a_database_that_is_put_back_applies_no_row_twice(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++)
        assert_holds("step, put back",
                     (struct model_settings){.on_conflict = i / 2 ? POLICY_REBASE : POLICY_PARK,
                                             .fetched = i % 2,
                                             .put_back = true,
                                             .later = true,
                                             .splits = 1,
                                             .in_part = true,
                                             .faults = 1},
                     2000, ENDS(JOB_APPLIED));
    for (size_t i = 0; i < 2; i++)
        assert_holds("opaque, put back",
                     (struct model_settings){.lock = TARGET_OPAQUE,
                                             .fetched = i,
                                             .put_back = true,
                                             .splits = 1,
                                             .in_part = true,
                                             .faults = 1},
                     1000, ENDS(JOB_APPLIED));
    assert_holds("no lock, put back",
                 (struct model_settings){.lock = TARGET_NONE,
                                         .shows_no_ids = true,
                                         .strays_die = true,
                                         .put_back = true,
                                         .splits = 1,
                                         .in_part = true,
                                         .faults = 1},
                 100, ENDS(JOB_APPLIED));
}

static void two_copies_at_once_apply_no_row_twice(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++)
        assert_holds(i / 2 ? "opaque, copied" : "step, copied",
                     (struct model_settings){.lock = i / 2 ? TARGET_OPAQUE : TARGET_STEP,
                                             .fetched = i % 2,
                                             .copied = true,
                                             .splits = 1,
                                             .in_part = true,
                                             .faults = 1},
                     2000, ENDS(JOB_APPLIED));
}

/* --- what is wrong in one point --- */

/* Forgets that what was refused as a whole may have been done in part. */
static void forgets_what_a_half_began(struct task *first, const struct http_answer *answer,
                                      const char *message)
{
    bulk_split(first, answer, message);
    first->claim.outcome.doubt = false;
}

/* Takes trouble that all rows share for an answer to this one. */
static void takes_shared_trouble_for_its_own(const struct policy_job *job,
                                             const struct policy_answer *answer,
                                             const struct policy_limits *limits,
                                             struct policy_verdict *verdict)
{
    struct policy_answer own = *answer;

    own.is_shared = false;
    policy_assess(job, &own, limits, verdict);
}

/* Reads back at once what all rows share, although the read can lag. */
static void does_not_wait_after_shared_trouble(const struct policy_job *job,
                                               const struct policy_answer *answer,
                                               const struct policy_limits *limits,
                                               struct policy_verdict *verdict)
{
    policy_assess(job, answer, limits, verdict);
    if (answer->is_shared && answer->status == 501)
        verdict->delay_ms = 0;
}

static void the_model_notices_what_is_wrong_about_rows(void **state)
{
    static const struct {
        model_policy *policy;
        model_split *split;
        const char *violation;
    } rows[] = {
        {policy_assess, forgets_what_a_half_began, "a job is refused, and its update was applied"},
        {takes_shared_trouble_for_its_own, NULL, "a job is refused, and its update was applied"},
        {does_not_wait_after_shared_trouble, NULL, "a job is refused, and its update was applied"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct model_result result;

        model_walk(&(struct model_settings){.policy = rows[i].policy,
                                            .split = rows[i].split,
                                            .lock = TARGET_OPAQUE,
                                            .lags = true,
                                            .splits = 1,
                                            .in_part = true,
                                            .may_close = true,
                                            .faults = 1},
                   &result);
        if (!result.violation || strcmp(result.violation, rows[i].violation) != 0)
            fail_msg("%zu: %s, expected %s", i, result.violation, rows[i].violation);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_applies_no_row_twice),
        cmocka_unit_test(an_opaque_token_applies_no_row_twice),
        cmocka_unit_test(without_a_lock_no_row_is_applied_twice_that_nobody_overwrote),
        cmocka_unit_test(without_a_lock_what_was_done_in_part_is_applied_again),
        cmocka_unit_test(a_database_that_is_put_back_applies_no_row_twice),
        cmocka_unit_test(two_copies_at_once_apply_no_row_twice),
        cmocka_unit_test(the_model_notices_what_is_wrong_about_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
