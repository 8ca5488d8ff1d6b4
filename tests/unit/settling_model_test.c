/* Every interleaving of one job's life with a server, a foreign writer, a lagging audit log and
 * crashes: no update is applied twice, no verdict is wrong, and every run ends. And the model
 * notices where a policy differs from docs/api.md#read-back. */
#include "tests/lib/settling_model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#define ENDS(state) (1u << (state))

enum {
    /* the attempts can be used up before any decision */
    ALWAYS = ENDS(JOB_APPLIED) | ENDS(JOB_FAILED),
    KINDS =
        4, /* of jobs: version: fetch, and a declared version below, at and above the record's */
};

static const char *const policies[] = {"park", "rebase", "dismiss"};

/* Settings with one kind of job. */
static struct model_settings of_kind(const struct model_settings *settings, int kind)
{
    struct model_settings one = *settings;

    one.policy = one.policy ? one.policy : policy_assess;
    one.fetched = kind == KINDS - 1;
    one.declared = one.fetched ? 0 : kind - 1;
    return one;
}

/* Walks one kind of job after the other, up to the first violation. */
static void walk_kinds(const struct model_settings *settings, struct model_result *result)
{
    *result = (struct model_result){0};
    for (int kind = 0; kind < KINDS && !result->violation; kind++) {
        struct model_settings one = of_kind(settings, kind);
        struct model_result more;

        model_walk(&one, &more);
        result->states += more.states;
        result->ends += more.ends;
        result->job_states |= more.job_states;
        result->violation = more.violation;
    }
}

/* No kind of job has a violation; together they have at least so many states, and exactly these
 * final ones. */
static void assert_holds(const struct model_settings *settings, size_t states, unsigned endings)
{
    struct model_result result;

    walk_kinds(settings, &result);
    if (result.violation)
        fail_msg("%s: %s", policies[settings->on_conflict], result.violation);
    printf("# %s: %zu states, %zu ends\n", policies[settings->on_conflict], result.states,
           result.ends);
    assert_true(result.states >= states);
    assert_int_equal(result.job_states, endings);
}

/* Servers that lose the ids of records, and writers that send none. */
static void parked_conflicts_are_real_in_every_interleaving(void **state)
{
    (void)state;
    assert_holds(&(struct model_settings){.on_conflict = POLICY_PARK,
                                          .drops_record_ids = true,
                                          .foreign = 2,
                                          .faults = 2,
                                          .crashes = 1},
                 400000, ALWAYS | ENDS(JOB_CONFLICT));
}

static void rebased_updates_are_applied_once_in_every_interleaving(void **state)
{
    (void)state;
    assert_holds(&(struct model_settings){.on_conflict = POLICY_REBASE,
                                          .drops_record_ids = true,
                                          .drops_audit_ids = true,
                                          .foreign = 2,
                                          .faults = 2},
                 300000, ALWAYS | ENDS(JOB_CONFLICT));
    assert_holds(
        &(struct model_settings){
            .on_conflict = POLICY_REBASE, .lags = true, .foreign = 2, .faults = 1, .crashes = 1},
        300000, ALWAYS | ENDS(JOB_CONFLICT));
}

static void dismissed_updates_were_never_applied_in_any_interleaving(void **state)
{
    (void)state;
    assert_holds(&(struct model_settings){.on_conflict = POLICY_DISMISS,
                                          .drops_record_ids = true,
                                          .drops_audit_ids = true,
                                          .knows_user = true,
                                          .foreign = 2,
                                          .faults = 2},
                 50000, ALWAYS | ENDS(JOB_CONFLICT) | ENDS(JOB_DISMISSED));
}

/* Servers that show neither our ids nor our values. */
static void a_server_that_shows_nothing_of_ours_costs_a_decision_at_most(void **state)
{
    static const enum policy_on_conflict all[] = {POLICY_REBASE, POLICY_DISMISS};

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        assert_holds(&(struct model_settings){.on_conflict = all[i],
                                              .drops_record_ids = true,
                                              .drops_audit_ids = true,
                                              .changes_values = true,
                                              .drops_fields = true,
                                              .foreign = 1,
                                              .faults = 2,
                                              .crashes = 1},
                     30000,
                     ALWAYS | ENDS(JOB_CONFLICT) |
                         (all[i] == POLICY_DISMISS ? ENDS(JOB_DISMISSED) : 0));
}

/* An update that landed after the copy was made is pending in it. If it was rebased and
 * overwritten, the log must still have its id. */
static void an_older_copy_of_the_database_applies_nothing_twice(void **state)
{
    static const struct {
        enum policy_on_conflict way;
        bool drops_ids;
        unsigned foreign;
    } rows[] = {
        {POLICY_PARK, false, 2},  {POLICY_PARK, true, 2},     {POLICY_REBASE, false, 1},
        {POLICY_REBASE, true, 1}, {POLICY_DISMISS, false, 2}, {POLICY_DISMISS, true, 2},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct model_settings settings = {.policy = policy_assess,
                                                .on_conflict = rows[i].way,
                                                .put_back = true,
                                                .drops_record_ids = rows[i].drops_ids,
                                                .drops_audit_ids = rows[i].drops_ids,
                                                .knows_user = rows[i].drops_ids,
                                                .foreign = rows[i].foreign,
                                                .faults = 1};
        struct model_result result;

        model_walk(&settings, &result);
        if (result.violation)
            fail_msg("%s, row %zu: %s", policies[rows[i].way], i, result.violation);
        printf("# %s: %zu states, %zu ends\n", policies[rows[i].way], result.states, result.ends);
        assert_true(result.states > 2000);
        assert_true(result.job_states & ENDS(JOB_UNCHANGED) || !rows[i].drops_ids);
    }
}

/* With and without a later row of ours, which whoever is done with the job can send before the
 * other copy has begun. A foreign writer after our update would hide it from a fetch; docs/api.md
 * says so.
 */
static void assert_copies_hold(bool put_back, size_t states)
{
    static const enum policy_on_conflict ways[] = {POLICY_PARK, POLICY_REBASE, POLICY_DISMISS};
    unsigned endings = 0;
    size_t seen = 0;

    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        for (int kind = 0; kind < KINDS; kind++) {
            bool fetches = kind == KINDS - 1 || (ways[i] == POLICY_REBASE && kind == 0);
            struct model_settings settings = {.on_conflict = ways[i],
                                              .put_back = put_back,
                                              .copied = !put_back,
                                              .later = true,
                                              .foreign = !fetches,
                                              .faults = 1};
            struct model_result result;

            settings = of_kind(&settings, kind);
            model_walk(&settings, &result);
            if (result.violation)
                fail_msg("%s, kind %d: %s", policies[ways[i]], kind, result.violation);
            seen += result.states;
            endings |= result.job_states;
        }
    }
    printf("# %zu states\n", seen);
    assert_true(seen >= states);
    assert_int_equal(endings, ENDS(JOB_APPLIED) | ENDS(JOB_UNCHANGED) | ENDS(JOB_CONFLICT) |
                                  ENDS(JOB_DISMISSED));
}

static void a_database_that_is_put_back_to_any_moment_applies_nothing_twice(void **state)
{
    (void)state;
    assert_copies_hold(true, 300000);
}

static void two_copies_that_are_drained_at_once_apply_nothing_twice(void **state)
{
    (void)state;
    assert_copies_hold(false, 100000);
}

/* Three writes fill a second page of the audit log, and exceed the last round. */
static void a_foreign_writer_that_keeps_writing_changes_none_of_that(void **state)
{
    static const enum policy_on_conflict all[] = {POLICY_PARK, POLICY_REBASE};

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        assert_holds(&(struct model_settings){.on_conflict = all[i], .foreign = 3, .faults = 1},
                     100000,
                     ENDS(JOB_APPLIED) | ENDS(JOB_CONFLICT) |
                         (all[i] == POLICY_REBASE ? ENDS(JOB_FAILED) : 0));
}

static void a_record_that_is_deleted_refuses_only_what_never_landed(void **state)
{
    (void)state;
    assert_holds(&(struct model_settings){.on_conflict = POLICY_REBASE,
                                          .drops_audit_ids = true,
                                          .foreign = 1,
                                          .foreign_deletes = true,
                                          .faults = 2,
                                          .crashes = 1},
                 100000, ALWAYS | ENDS(JOB_CONFLICT) | ENDS(JOB_REFUSED));
}

static void a_server_that_begins_to_refuse_refuses_only_what_never_landed(void **state)
{
    (void)state;
    assert_holds(&(struct model_settings){.on_conflict = POLICY_PARK,
                                          .lags = true,
                                          .foreign = 1,
                                          .may_close = true,
                                          .faults = 2,
                                          .crashes = 1},
                 100000, ALWAYS | ENDS(JOB_CONFLICT) | ENDS(JOB_REFUSED));
}

/* Somebody else can write exactly what we send: then nothing is left to do or to decide. */
static void a_record_with_our_values_is_unchanged_whoever_wrote_them(void **state)
{
    assert_holds(
        &(struct model_settings){
            .on_conflict = POLICY_PARK, .foreign_same = true, .foreign = 2, .faults = 1},
        50000, ENDS(JOB_APPLIED) | ENDS(JOB_CONFLICT) | ENDS(JOB_UNCHANGED));
    (void)state;
}

static void a_record_with_our_values_is_unchanged_and_nothing_is_sent(void **state)
{
    const struct model_settings settings = {.policy = policy_assess,
                                            .on_conflict = POLICY_REBASE,
                                            .fetched = true,
                                            .holds_ours = true,
                                            .foreign = 2,
                                            .faults = 1,
                                            .crashes = 1};
    struct model_result result;

    (void)state;
    model_walk(&settings, &result);
    assert_null(result.violation);
    assert_true(result.states > 5000);
    assert_true(result.job_states & ENDS(JOB_UNCHANGED));
}

/* --- locks that are not versions --- */

/* A token shows that a record has changed, and not how often: what it does not show, and values do
 * not show either, waits for a person. */
static void an_opaque_lock_applies_nothing_twice(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        const bool fetched = i / 2;
        const struct model_settings settings = {.policy = policy_assess,
                                                .lock = TARGET_OPAQUE,
                                                .on_conflict =
                                                    fetched ? POLICY_PARK : POLICY_REBASE,
                                                .fetched = fetched,
                                                .shows_no_ids = i % 2,
                                                .lags = i % 2,
                                                .foreign = 1 + fetched,
                                                .foreign_deletes = true,
                                                .may_close = true,
                                                .faults = 2,
                                                .crashes = 1};
        struct model_result result;

        model_walk(&settings, &result);
        if (result.violation)
            fail_msg("%u: %s", i, result.violation);
        printf("# %u: %zu states, %zu ends\n", i, result.states, result.ends);
        assert_true(result.states > 20000);
        assert_true(result.job_states & ENDS(JOB_APPLIED));
        assert_true(result.job_states & ENDS(JOB_CONFLICT));
        assert_true(result.job_states & ENDS(JOB_REFUSED));
    }
}

/* Without a lock there is no conflict, and each run ends. What is sent again was not there, or not
 * there any more. */
static const struct model_settings lockless = {.policy = policy_assess,
                                               .lock = TARGET_NONE,
                                               .shows_no_ids = true,
                                               .strays_die = true,
                                               .may_close = true,
                                               .faults = 2,
                                               .crashes = 1};

static void without_a_lock_nothing_is_applied_twice_that_nobody_overwrote(void **state)
{
    struct model_settings settings = lockless;
    struct model_result result;

    (void)state;
    for (unsigned foreign = 0; foreign < 3; foreign++) {
        settings.foreign = foreign;
        settings.foreign_deletes = foreign > 0;
        model_walk(&settings, &result);
        if (result.violation)
            fail_msg("%u: %s", foreign, result.violation);
        printf("# %u foreign: %zu states, %zu ends\n", foreign, result.states, result.ends);
        assert_true(result.states > 100);
        assert_true(result.job_states & ENDS(JOB_APPLIED));
        assert_false(result.job_states & (ENDS(JOB_CONFLICT) | ENDS(JOB_DISMISSED)));
    }
}

/* --- policies that are wrong in one point --- */

/* Takes an ambiguous answer for a failure. */
static void resends_what_is_ambiguous(const struct policy_job *job,
                                      const struct policy_answer *answer,
                                      const struct policy_limits *limits,
                                      struct policy_verdict *verdict)
{
    policy_assess(job, answer, limits, verdict);
    if (job->request == REQUEST_UPDATE && verdict->state == JOB_UNKNOWN && verdict->doubt)
        verdict->state = JOB_PENDING;
}

/* Forgets the doubt after an ambiguous answer. */
static void forgets_its_doubt(const struct policy_job *job, const struct policy_answer *answer,
                              const struct policy_limits *limits, struct policy_verdict *verdict)
{
    policy_assess(job, answer, limits, verdict);
    if (job->request == REQUEST_READ_BACK)
        verdict->doubt = false;
}

/* Builds again on a fetch while an earlier PUT can still land. */
static void fetches_what_did_not_land(const struct policy_job *job,
                                      const struct policy_answer *answer,
                                      const struct policy_limits *limits,
                                      struct policy_verdict *verdict)
{
    policy_assess(job, answer, limits, verdict);
    if (job->request == REQUEST_READ_BACK && verdict->state == JOB_PENDING)
        verdict->next = POLICY_NEXT_FETCH;
}

/* Builds again on a fetch although an earlier PUT may have landed. */
static void rebases_what_is_ambiguous(const struct policy_job *job,
                                      const struct policy_answer *answer,
                                      const struct policy_limits *limits,
                                      struct policy_verdict *verdict)
{
    policy_assess(job, answer, limits, verdict);
    if (verdict->next != POLICY_NEXT_AUDIT || job->rounds >= POLICY_ROUNDS_MAX)
        return;
    verdict->state = JOB_PENDING;
    verdict->next = POLICY_NEXT_FETCH;
}

/* Takes every newer version for that of somebody else. */
static void takes_a_newer_version_for_a_proof(const struct policy_job *job,
                                              const struct policy_answer *answer,
                                              const struct policy_limits *limits,
                                              struct policy_verdict *verdict)
{
    policy_assess(job, answer, limits, verdict);
    if (verdict->next != POLICY_NEXT_AUDIT)
        return;
    verdict->next = POLICY_BY_STATE;
    verdict->state = JOB_CONFLICT;
    verdict->conflict = verdict->proven = true;
}

/* Takes a missing entry of the audit log for proof. */
static void takes_silence_for_a_proof(const struct policy_job *job,
                                      const struct policy_answer *answer,
                                      const struct policy_limits *limits,
                                      struct policy_verdict *verdict)
{
    struct policy_answer theirs = *answer;

    if (job->request == REQUEST_AUDIT && answer->entry == POLICY_NO_ENTRY && !answer->has_more)
        theirs.entry = POLICY_THEIR_ENTRY;
    policy_assess(job, &theirs, limits, verdict);
}

/* Asks the audit log only once. */
static void does_not_wait_for_the_audit_log(const struct policy_job *job,
                                            const struct policy_answer *answer,
                                            const struct policy_limits *limits,
                                            struct policy_verdict *verdict)
{
    struct policy_limits hasty = *limits;

    hasty.audit_wait_ms = 0;
    policy_assess(job, answer, &hasty, verdict);
}

/* Takes a 503 for proof that nothing was done. */
static void believes_a_503(const struct policy_job *job, const struct policy_answer *answer,
                           const struct policy_limits *limits, struct policy_verdict *verdict)
{
    policy_assess(job, answer, limits, verdict);
    if (answer->end == POLICY_ANSWERED && answer->status == 503)
        verdict->doubt = job->doubt;
}

/* Refuses a job without looking at earlier attempts. */
static void refuses_in_doubt(const struct policy_job *job, const struct policy_answer *answer,
                             const struct policy_limits *limits, struct policy_verdict *verdict)
{
    policy_assess(job, answer, limits, verdict);
    if (verdict->refused)
        verdict->state = JOB_REFUSED;
}

/* Without a lock: sends again before a stray request must have ended. */
static void does_not_wait_for_strays(const struct policy_job *job,
                                     const struct policy_answer *answer,
                                     const struct policy_limits *limits,
                                     struct policy_verdict *verdict)
{
    struct policy_limits hasty = *limits;

    hasty.timeout_ms = 0;
    policy_assess(job, answer, &hasty, verdict);
    if (verdict->state == JOB_PENDING)
        verdict->delay_ms = 0;
}

/* With an opaque lock: takes every new token for that of somebody else. */
static void takes_a_new_token_for_a_proof(const struct policy_job *job,
                                          const struct policy_answer *answer,
                                          const struct policy_limits *limits,
                                          struct policy_verdict *verdict)
{
    struct policy_job sure = *job;

    if (job->request == REQUEST_READ_BACK && answer->has_record && !answer->token_is_sent &&
        !answer->fields_are_ours)
        sure.doubt = false;
    policy_assess(&sure, answer, limits, verdict);
}

/* Refuses a job whose record is gone without looking at earlier attempts. */
static void takes_a_missing_record_for_a_proof(const struct policy_job *job,
                                               const struct policy_answer *answer,
                                               const struct policy_limits *limits,
                                               struct policy_verdict *verdict)
{
    policy_assess(job, answer, limits, verdict);
    if (job->request == REQUEST_READ_BACK && answer->status == 404) {
        verdict->state = JOB_REFUSED;
        verdict->next = POLICY_BY_STATE;
    }
}

/* Ignores the id of the record. */
static void forgets_its_own_id(const struct policy_job *job, const struct policy_answer *answer,
                               const struct policy_limits *limits, struct policy_verdict *verdict)
{
    struct policy_answer other = *answer;

    other.is_anothers = other.is_anothers || other.is_ours;
    other.is_ours = false;
    policy_assess(job, &other, limits, verdict);
}

/* Asks again at once, for ever. */
static void never_tires(const struct policy_job *job, const struct policy_answer *answer,
                        const struct policy_limits *limits, struct policy_verdict *verdict)
{
    policy_assess(job, answer, limits, verdict);
    if (verdict->next == POLICY_NEXT_AUDIT)
        verdict->delay_ms = 0;
}

/* Takes a record without an id for that of somebody else. */
static void takes_no_id_of_a_record_for_anothers(const struct policy_job *job,
                                                 const struct policy_answer *answer,
                                                 const struct policy_limits *limits,
                                                 struct policy_verdict *verdict)
{
    struct policy_answer other = *answer;

    other.is_anothers = !other.is_ours;
    policy_assess(job, &other, limits, verdict);
}

/* Takes an entry without an id for that of somebody else. */
static void takes_no_id_of_an_entry_for_anothers(const struct policy_job *job,
                                                 const struct policy_answer *answer,
                                                 const struct policy_limits *limits,
                                                 struct policy_verdict *verdict)
{
    struct policy_answer theirs = *answer;

    if (answer->entry == POLICY_UNNAMED_ENTRY)
        theirs.entry = POLICY_THEIR_ENTRY;
    policy_assess(job, &theirs, limits, verdict);
}

/* Takes other values than we sent for those of somebody else. */
static void takes_other_values_for_a_proof(const struct policy_job *job,
                                           const struct policy_answer *answer,
                                           const struct policy_limits *limits,
                                           struct policy_verdict *verdict)
{
    struct policy_answer other = *answer;

    if (!other.is_ours && !other.fields_are_ours && other.version == job->version + 1)
        other.is_anothers = true;
    policy_assess(job, &other, limits, verdict);
}

/* Ignores an entry of our own user although the database can be an older copy. */
static void overlooks_its_own_user(const struct policy_job *job, const struct policy_answer *answer,
                                   const struct policy_limits *limits,
                                   struct policy_verdict *verdict)
{
    struct policy_answer other = *answer;

    if (answer->entry == POLICY_OUR_USERS_ENTRY)
        other.entry = POLICY_UNNAMED_ENTRY;
    policy_assess(job, &other, limits, verdict);
}

/* Ignores that the database can be an older copy. */
static void never_asks_the_log_without_a_doubt(const struct policy_job *job,
                                               const struct policy_answer *answer,
                                               const struct policy_limits *limits,
                                               struct policy_verdict *verdict)
{
    policy_assess(job, answer, limits, verdict);
    if (job->doubt || verdict->next != POLICY_NEXT_AUDIT)
        return;
    verdict->next = POLICY_BY_STATE;
    verdict->state = JOB_CONFLICT;
    verdict->conflict = verdict->proven = true;
}

/* Sends again for ever because the record is not at the version sent. */
static void sends_a_version_that_is_ahead(const struct policy_job *job,
                                          const struct policy_answer *answer,
                                          const struct policy_limits *limits,
                                          struct policy_verdict *verdict)
{
    struct policy_job again = *job;

    again.looks_again = false;
    policy_assess(&again, answer, limits, verdict);
    if (!verdict->looks_again)
        return;
    verdict->looks_again = false;
    verdict->state = job->attempts < limits->max_attempts ? JOB_PENDING : JOB_FAILED;
}

/* Takes a later row of ours for an update by somebody else. */
static void takes_a_later_row_for_anothers(const struct policy_job *job,
                                           const struct policy_answer *answer,
                                           const struct policy_limits *limits,
                                           struct policy_verdict *verdict)
{
    struct policy_answer other = *answer;

    other.is_later = false;
    policy_assess(job, &other, limits, verdict);
}

/* Takes what the log has for the next version for a proof although another copy is ahead. */
static void takes_the_next_version_for_all(const struct policy_job *job,
                                           const struct policy_answer *answer,
                                           const struct policy_limits *limits,
                                           struct policy_verdict *verdict)
{
    struct policy_job alone = *job;

    alone.is_copied = false;
    policy_assess(&alone, answer, limits, verdict);
}

/* Ignores our id at another version. */
static void overlooks_its_id_elsewhere(const struct policy_job *job,
                                       const struct policy_answer *answer,
                                       const struct policy_limits *limits,
                                       struct policy_verdict *verdict)
{
    struct policy_answer other = *answer;

    other.is_elsewhere = false;
    policy_assess(job, &other, limits, verdict);
}

/* Takes a log without an entry for a proof where our database knows of no attempt. */
static void takes_its_own_word_for_a_proof(const struct policy_job *job,
                                           const struct policy_answer *answer,
                                           const struct policy_limits *limits,
                                           struct policy_verdict *verdict)
{
    policy_assess(job, answer, limits, verdict);
    if (job->request != REQUEST_AUDIT || job->doubt || verdict->next != POLICY_NEXT_AUDIT)
        return;
    verdict->next = POLICY_BY_STATE;
    verdict->state = JOB_CONFLICT;
    verdict->conflict = verdict->proven = true;
}

/* Takes every other version for a conflict. */
static void takes_same_values_for_a_conflict(const struct policy_job *job,
                                             const struct policy_answer *answer,
                                             const struct policy_limits *limits,
                                             struct policy_verdict *verdict)
{
    struct policy_answer other = *answer;

    other.is_there = other.is_there && job->request == REQUEST_FETCH;
    policy_assess(job, &other, limits, verdict);
}

/* Ignores that reads can lag. */
static void believes_a_lagging_read(const struct policy_job *job,
                                    const struct policy_answer *answer,
                                    const struct policy_limits *limits,
                                    struct policy_verdict *verdict)
{
    struct policy_job again = *job;

    again.looks_again = true;
    policy_assess(&again, answer, limits, verdict);
}

/* Reads back a refusal in doubt at once. */
static void does_not_wait_for_a_lagging_read(const struct policy_job *job,
                                             const struct policy_answer *answer,
                                             const struct policy_limits *limits,
                                             struct policy_verdict *verdict)
{
    policy_assess(job, answer, limits, verdict);
    if (verdict->refused)
        verdict->delay_ms = 0;
}

/* Takes a record without fields for an empty one. */
static void takes_missing_fields_for_empty(const struct policy_job *job,
                                           const struct policy_answer *answer,
                                           const struct policy_limits *limits,
                                           struct policy_verdict *verdict)
{
    struct policy_answer empty = *answer;

    empty.has_version =
        empty.has_version || (job->request == REQUEST_FETCH && answer->status == 200);
    empty.is_ours = empty.is_ours && answer->has_version;
    empty.fields_are_ours = empty.is_there = answer->has_version && answer->is_there;
    policy_assess(job, &empty, limits, verdict);
}

/* The violation that the walk has to find for a policy. */
struct wrong {
    model_policy *policy;
    const char *violation;
};

static void assert_noticed(const struct model_settings *settings, const struct wrong *rows,
                           size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct model_settings one = *settings;
        struct model_result result;

        one.policy = rows[i].policy;
        walk_kinds(&one, &result);
        if (!result.violation || strcmp(result.violation, rows[i].violation) != 0)
            fail_msg("policy %zu: %s, expected %s", i, result.violation, rows[i].violation);
    }
}

#define PROVEN "a conflict is proven, and the update was applied"

static void the_model_notices_a_policy_that_is_wrong_in_one_point(void **state)
{
    static const struct wrong rows[] = {
        {resends_what_is_ambiguous, "a PUT was sent while the fate of its predecessor was unknown"},
        {forgets_its_doubt, "a job is refused, and its update was applied"},
        {fetches_what_did_not_land, "an update was applied twice"},
        {rebases_what_is_ambiguous, "an update was applied twice"},
        {takes_a_newer_version_for_a_proof, PROVEN},
        {takes_silence_for_a_proof, PROVEN},
        {does_not_wait_for_the_audit_log,
         "a conflict is unproven, and the audit log could show whose it was"},
        {believes_a_503, "a job is refused, and its update was applied"},
        {refuses_in_doubt, "a job is refused, and its update was applied"},
        {takes_a_missing_record_for_a_proof, "a job is refused, and its update was applied"},
        {forgets_its_own_id, "a job is unchanged, and its update was applied"},
        {never_tires, "a run need not end"},
        {sends_a_version_that_is_ahead, "a version that the record never had was sent to the end"},
    };

    (void)state;
    assert_noticed(
        &(struct model_settings){
            .foreign = 2, .foreign_deletes = true, .may_close = true, .faults = 1},
        rows, sizeof rows / sizeof *rows);
}

static void the_model_notices_a_policy_that_takes_missing_parts_for_proof(void **state)
{
    static const struct wrong ids[] = {
        {takes_no_id_of_a_record_for_anothers, PROVEN},
        {takes_no_id_of_an_entry_for_anothers, PROVEN},
        {takes_other_values_for_a_proof, PROVEN},
        {takes_missing_fields_for_empty, "a PUT is built on a record without its fields"},
    };
    static const struct wrong reads[] = {
        {believes_a_lagging_read, "a version is ahead, and the record was there already"},
        {does_not_wait_for_a_lagging_read, "a job is refused, and its update was applied"},
    };
    static const struct wrong copies[] = {
        {never_asks_the_log_without_a_doubt, PROVEN},
        {overlooks_its_own_user, PROVEN},
    };
    static const struct wrong later[] = {
        {takes_a_later_row_for_anothers, "an update was applied twice"},
    };
    static const struct wrong rebased[] = {
        {takes_the_next_version_for_all,
         "a conflict is unproven, and the audit log could show whose it was"},
        {overlooks_its_id_elsewhere,
         "a conflict is unproven, and the audit log could show whose it was"},
    };
    static const struct wrong silence[] = {{takes_its_own_word_for_a_proof, PROVEN}};
    static const struct wrong values[] = {
        {takes_same_values_for_a_conflict, "a conflict in which nothing differs"},
    };

    (void)state;
    assert_noticed(&(struct model_settings){.drops_record_ids = true,
                                            .drops_audit_ids = true,
                                            .changes_values = true,
                                            .drops_fields = true,
                                            .foreign = 2,
                                            .faults = 1},
                   ids, sizeof ids / sizeof *ids);
    assert_noticed(
        &(struct model_settings){.lags = true, .may_close = true, .foreign = 1, .faults = 2}, reads,
        sizeof reads / sizeof *reads);
    assert_noticed(
        &(struct model_settings){
            .put_back = true, .drops_audit_ids = true, .knows_user = true, .foreign = 2},
        copies, sizeof copies / sizeof *copies);
    assert_noticed(&(struct model_settings){.put_back = true, .later = true}, later,
                   sizeof later / sizeof *later);
    for (size_t i = 0; i < sizeof rebased / sizeof *rebased; i++) {
        struct model_result result;

        model_walk(&(struct model_settings){.policy = rebased[i].policy,
                                            .on_conflict = POLICY_REBASE,
                                            .put_back = true,
                                            .later = true,
                                            .foreign = 1},
                   &result);
        assert_string_equal(result.violation, rebased[i].violation);
    }
    assert_noticed(&(struct model_settings){.copied = true, .foreign = 1}, silence,
                   sizeof silence / sizeof *silence);
    assert_noticed(&(struct model_settings){.foreign_same = true, .foreign = 1}, values,
                   sizeof values / sizeof *values);
}

static void the_model_notices_a_policy_that_is_wrong_about_other_locks(void **state)
{
    struct model_settings hasty = lockless, sure = {.policy = takes_a_new_token_for_a_proof,
                                                    .lock = TARGET_OPAQUE,
                                                    .fetched = true,
                                                    .shows_no_ids = true,
                                                    .foreign = 1,
                                                    .faults = 1};
    struct model_result result;

    (void)state;
    hasty.policy = does_not_wait_for_strays;
    model_walk(&hasty, &result);
    assert_non_null(result.violation);
    assert_string_equal(result.violation, "an update was applied twice");
    model_walk(&sure, &result);
    assert_non_null(result.violation);
    assert_string_equal(result.violation, PROVEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parked_conflicts_are_real_in_every_interleaving),
        cmocka_unit_test(rebased_updates_are_applied_once_in_every_interleaving),
        cmocka_unit_test(dismissed_updates_were_never_applied_in_any_interleaving),
        cmocka_unit_test(a_server_that_shows_nothing_of_ours_costs_a_decision_at_most),
        cmocka_unit_test(an_older_copy_of_the_database_applies_nothing_twice),
        cmocka_unit_test(a_database_that_is_put_back_to_any_moment_applies_nothing_twice),
        cmocka_unit_test(two_copies_that_are_drained_at_once_apply_nothing_twice),
        cmocka_unit_test(a_foreign_writer_that_keeps_writing_changes_none_of_that),
        cmocka_unit_test(a_record_that_is_deleted_refuses_only_what_never_landed),
        cmocka_unit_test(a_server_that_begins_to_refuse_refuses_only_what_never_landed),
        cmocka_unit_test(a_record_with_our_values_is_unchanged_whoever_wrote_them),
        cmocka_unit_test(a_record_with_our_values_is_unchanged_and_nothing_is_sent),
        cmocka_unit_test(an_opaque_lock_applies_nothing_twice),
        cmocka_unit_test(without_a_lock_nothing_is_applied_twice_that_nobody_overwrote),
        cmocka_unit_test(the_model_notices_a_policy_that_is_wrong_in_one_point),
        cmocka_unit_test(the_model_notices_a_policy_that_takes_missing_parts_for_proof),
        cmocka_unit_test(the_model_notices_a_policy_that_is_wrong_about_other_locks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
