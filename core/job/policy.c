#include "core/job/policy.h"

#include <stddef.h>
#include <string.h>

enum {
    BACKOFF_MS = 1000,
    BACKOFF_MAX_MS = 60000,
    LAG_MS = 1000,        /* a read can lag so long behind what was done */
    AUDIT_FIRST_MS = 500, /* between two looks into the audit log: half of the time asked so far */
    AUDIT_LAST_MS = 5000,
};

/* What a status says, whichever request it answers. */
enum meaning {
    MEANS_DONE,        /* 200: applied, or here is the record */
    MEANS_AMBIGUOUS,   /* may have landed */
    MEANS_NOT_DONE,    /* not done, says the server, and asks to try again */
    MEANS_TOKEN,       /* 401 */
    MEANS_FORBIDDEN,   /* 403 */
    MEANS_MISSING,     /* 404 */
    MEANS_CONFLICT,    /* 409 */
    MEANS_PROXY,       /* 407 */
    MEANS_THROTTLED,   /* 429 */
    MEANS_WRONG_PLACE, /* the environment is wrong */
    MEANS_REFUSED,     /* this request is wrong */
};

/* The facts of one case, and the verdict that grows. */
struct judging {
    const struct policy_job *job;
    const struct policy_answer *answer;
    const struct policy_limits *limits;
    struct policy_verdict *verdict;
    enum meaning meaning; /* of the answer's status */
};

/* The first line that fits holds. */
static const struct {
    short first, last;
    enum meaning meaning;
} statuses[] = {
    {200, 200, MEANS_DONE},        {201, 299, MEANS_AMBIGUOUS},   {300, 399, MEANS_WRONG_PLACE},
    {401, 401, MEANS_TOKEN},       {403, 403, MEANS_FORBIDDEN},   {404, 404, MEANS_MISSING},
    {405, 405, MEANS_WRONG_PLACE}, {407, 407, MEANS_PROXY},       {408, 408, MEANS_NOT_DONE},
    {409, 409, MEANS_CONFLICT},    {421, 421, MEANS_NOT_DONE},    {425, 425, MEANS_NOT_DONE},
    {429, 429, MEANS_THROTTLED},   {400, 499, MEANS_REFUSED},     {501, 501, MEANS_WRONG_PLACE},
    {503, 503, MEANS_NOT_DONE},    {505, 505, MEANS_WRONG_PLACE},
};

static enum meaning meaning_of(long status)
{
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        if (status >= statuses[i].first && status <= statuses[i].last)
            return statuses[i].meaning;
    return MEANS_AMBIGUOUS;
}

static bool is_refusal(long status)
{
    enum meaning meaning = meaning_of(status);

    return meaning == MEANS_REFUSED || meaning == MEANS_FORBIDDEN || meaning == MEANS_WRONG_PLACE;
}

int64_t policy_backoff_ms(unsigned retries, double dice)
{
    int64_t ms = BACKOFF_MS;

    for (unsigned i = 1; i < retries && ms < BACKOFF_MAX_MS; i++)
        ms *= 2;
    if (ms > BACKOFF_MAX_MS)
        ms = BACKOFF_MAX_MS;
    return ms + (int64_t)((double)ms * dice / 4);
}

static bool is_exhausted(const struct judging *judging)
{
    return judging->job->attempts >= judging->limits->max_attempts + judging->job->attempts_before;
}

static void judge_send_again(const struct judging *judging)
{
    struct policy_verdict *verdict = judging->verdict;

    verdict->state = JOB_PENDING;
    verdict->retry = true;
    verdict->run_retries = judging->job->run_retries + 1;
    verdict->delay_ms = policy_backoff_ms(verdict->run_retries, judging->limits->dice);
}

static void judge_ask_again(const struct judging *judging)
{
    struct policy_verdict *verdict = judging->verdict;

    verdict->state = JOB_UNKNOWN;
    verdict->retry = true;
    verdict->readbacks = judging->job->readbacks + 1;
    verdict->run_retries = judging->job->run_retries + 1;
    verdict->delay_ms = policy_backoff_ms(verdict->run_retries, judging->limits->dice);
    if (verdict->readbacks >= judging->limits->max_attempts) {
        verdict->state = JOB_FAILED;
        verdict->unsettled = true;
    }
}

static void judge_pause(const struct judging *judging)
{
    if (judging->answer->status != 503 || judging->answer->retry_after_ms < 0)
        return;
    judging->verdict->run = POLICY_PAUSE;
    judging->verdict->pause_ms = judging->answer->retry_after_ms;
}

/* True while the fate of a PUT is open and this request was to settle it. */
static bool asks_for_fate(const struct judging *judging)
{
    return job_state_of_request(judging->job->request) == JOB_UNKNOWN;
}

/* Nothing was done and nothing is counted: the job stays where it was before the request. */
static void judge_uncounted(const struct judging *judging, enum policy_run run)
{
    judging->verdict->state = policy_spared_state(judging->job);
    judging->verdict->run = run;
    judging->verdict->excused = true;
}

/* The same request once more, counted. */
static void judge_repeat(const struct judging *judging)
{
    if (asks_for_fate(judging))
        judge_ask_again(judging);
    else
        judge_send_again(judging);
}

/* The answer does not tell whether the request had any effect. */
static void judge_useless(const struct judging *judging)
{
    if (judging->job->request != REQUEST_UPDATE) {
        judge_repeat(judging);
        return;
    }
    judging->verdict->state = JOB_UNKNOWN;
    judging->verdict->doubt = true;
    judging->verdict->retry = true;
    /* the read-back after the last attempt can end the job */
    if (is_exhausted(judging))
        judging->verdict->delay_ms = LAG_MS;
}

/* A token that never worked and was refused to the same job as its predecessor: it is us. One that
 * works for others may have been revoked a second time; that counts as a retry, so it ends. */
static void judge_token(const struct judging *judging)
{
    const struct policy_job *job = judging->job;
    bool blocked = strcmp(judging->answer->code, "ip.not.authorized") == 0;

    if (blocked || (job->refused_token && !judging->limits->token_accepted)) {
        judge_uncounted(judging, POLICY_STOP_AUTH);
        return;
    }
    if (job->refused_token) {
        judge_repeat(judging);
        judging->verdict->state = policy_spared_state(job);
        judging->verdict->unsettled = false;
        judging->verdict->readbacks = job->readbacks;
    } else {
        judge_uncounted(judging, POLICY_NEW_TOKEN);
    }
    judging->verdict->run = POLICY_NEW_TOKEN;
    judging->verdict->excused = true;
}

/* No word of the server's on this PUT tells what became of one before it. */
static void judge_refusal(const struct judging *judging)
{
    judging->verdict->state = judging->job->doubt ? JOB_UNKNOWN : JOB_REFUSED;
    judging->verdict->delay_ms = judging->job->doubt ? LAG_MS : 0;
    judging->verdict->refused = true;
}

/* 403, or the answer of something that is not the API: of the record alone, as far as the job is
 * concerned. */
static void judge_denied(const struct judging *judging, enum policy_run run)
{
    if (asks_for_fate(judging))
        judge_ask_again(judging);
    else
        judge_refusal(judging);
    judging->verdict->excused = true;
    if (!judging->limits->kind_works)
        judging->verdict->run = run;
}

/* A refusal is the record's own, unless it is what everything is answered with. */
static void judge_own_refusal(const struct judging *judging)
{
    bool own = judging->meaning == MEANS_MISSING || judging->meaning == MEANS_REFUSED;

    if (own && judging->answer->end == POLICY_ANSWERED && !asks_for_fate(judging) &&
        judging->verdict->state == JOB_REFUSED && !judging->limits->kind_works)
        judging->verdict->run = POLICY_REFUSING;
}

/* The read-back that follows tells whose update the record holds. A PUT that was built on a fetched
 * record, and of which no attempt may have landed, is built anew on what a new fetch shows. */
static void judge_put_conflict(const struct judging *judging)
{
    const struct policy_job *job = judging->job;

    judging->verdict->state = JOB_UNKNOWN;
    if (!job->rounds || job->rounds >= POLICY_ROUNDS_MAX || job->doubt)
        return;
    judging->verdict->state = JOB_PENDING;
    judging->verdict->next = POLICY_NEXT_FETCH;
}

static void judge_put(const struct judging *judging)
{
    const struct policy_answer *answer = judging->answer;
    struct policy_verdict *verdict = judging->verdict;

    switch (judging->meaning) {
    case MEANS_DONE:
        if (!answer->has_version) {
            judge_useless(judging);
            return;
        }
        verdict->state = JOB_APPLIED;
        verdict->success = true;
        verdict->has_server_version = true;
        verdict->server_version = answer->version;
        return;
    case MEANS_AMBIGUOUS:
        judge_useless(judging);
        return;
    case MEANS_NOT_DONE:
        /* at the last attempt a read-back settles it, rather than the server's word */
        if (is_exhausted(judging))
            judge_useless(judging);
        else
            judge_send_again(judging);
        verdict->doubt = true;
        judge_pause(judging);
        return;
    case MEANS_CONFLICT:
        judge_put_conflict(judging);
        verdict->works = true;
        return;
    case MEANS_TOKEN:
    case MEANS_FORBIDDEN:
    case MEANS_PROXY:
    case MEANS_THROTTLED:
    case MEANS_WRONG_PLACE:
    case MEANS_MISSING:
    case MEANS_REFUSED:
        break;
    }
    judge_refusal(judging);
}

/* Someone else changed the record. Only what is proven is rebased or dismissed by itself. */
static void judge_conflict(const struct judging *judging, bool proven, const char *evidence)
{
    struct policy_verdict *verdict = judging->verdict;

    verdict->conflict = true;
    verdict->proven = proven;
    verdict->evidence = evidence;
    verdict->state = JOB_CONFLICT;
    if (!proven)
        return;
    switch (judging->limits->on_conflict) {
    case POLICY_PARK:
        break;
    case POLICY_DISMISS:
        verdict->state = JOB_DISMISSED;
        break;
    case POLICY_REBASE:
        if (judging->job->rounds >= POLICY_ROUNDS_MAX)
            break;
        verdict->state = JOB_PENDING;
        verdict->next = POLICY_NEXT_FETCH;
        verdict->doubt = false; /* no PUT so far can land any more */
        break;
    }
}

/* The record is answered by a version; an answered GET ends the count of those without. */
static void judge_note_record(const struct judging *judging)
{
    judging->verdict->success = true;
    judging->verdict->has_server_version = true;
    judging->verdict->server_version = judging->answer->version;
    judging->verdict->readbacks = 0;
    judging->verdict->looks_again = false;
}

static void judge_settled(const struct judging *judging, enum job_state state, const char *evidence)
{
    judging->verdict->state = state;
    judging->verdict->evidence = evidence;
}

/* What did not land is sent again as it was. The service works, and the failure before this was
 * charged to the retry budget already. */
static void judge_not_landed(const struct judging *judging)
{
    judge_send_again(judging);
    judging->verdict->retry = false;
    judging->verdict->evidence = "the record's version shows that it did not land";
    if (is_exhausted(judging))
        judging->verdict->state = JOB_FAILED;
}

/* Nothing of ours was applied, and nothing needs to be. */
static void judge_unchanged(const struct judging *judging)
{
    judge_settled(judging, JOB_UNCHANGED, "the record holds these values already");
}

/* Only what a read cannot show because it lags is looked at once more, a moment later. */
static void judge_look_again(const struct judging *judging)
{
    judge_settled(judging, JOB_UNKNOWN,
                  "the record has no newer version: looked at once more, because a read can lag");
    judging->verdict->looks_again = true;
    judging->verdict->delay_ms = LAG_MS;
}

/* The record is at the version that was sent, or below it. */
static void judge_older(const struct judging *judging)
{
    bool ahead = judging->answer->version < judging->job->version;
    bool there = judging->answer->is_there && !judging->job->doubt;

    if (is_refusal(judging->job->put_status)) {
        judge_settled(
            judging, JOB_REFUSED,
            "the server refused it, and the record's version shows that it did not land before");
        judging->verdict->refused = true;
    } else if ((ahead || there) && !judging->job->looks_again) {
        judge_look_again(judging);
    } else if (there) {
        judge_unchanged(judging);
    } else if (ahead) {
        judge_conflict(judging, false, "the record is not at the version that was sent");
        judging->verdict->ahead = true;
    } else {
        judge_not_landed(judging);
    }
}

/* The record is beyond the version that was sent, and without our id. A PUT with version v can only
 * ever create v + 1, so the question is whose that is. */
static void judge_newer(const struct judging *judging)
{
    const struct policy_job *job = judging->job;
    const struct policy_answer *answer = judging->answer;
    bool is_next = answer->version == job->version + 1;
    bool proven = answer->next_is_known || (is_next && answer->is_anothers);

    if (answer->is_there && (proven || !job->doubt)) {
        judge_unchanged(judging);
    } else if (answer->next_is_known) {
        judge_conflict(judging, true, "another job of ours made the next version");
    } else if (proven) {
        judge_conflict(judging, true, "the next version carries another correlation id");
    } else if (is_next && !job->doubt) {
        judge_conflict(judging, true,
                       "the record has a newer version, and no attempt of ours may have landed");
    } else if (is_next && answer->fields_are_ours) {
        judge_settled(judging, JOB_APPLIED,
                      "the next version holds our fields, without a correlation id");
    } else {
        judge_settled(judging, JOB_UNKNOWN,
                      is_next ? "the next version holds other fields, without a correlation id"
                              : "the record has moved on beyond the next version");
        judging->verdict->next = POLICY_NEXT_AUDIT;
    }
}

static void judge_read_back(const struct judging *judging)
{
    const struct policy_job *job = judging->job;
    const struct policy_answer *answer = judging->answer;

    if (judging->meaning == MEANS_DONE && answer->has_version) {
        judge_note_record(judging);
        if (answer->is_ours)
            judge_settled(judging, JOB_APPLIED, "the record carries our correlation id");
        else if (answer->version <= job->version)
            judge_older(judging);
        else
            judge_newer(judging);
    } else if (judging->meaning == MEANS_MISSING && !job->doubt) {
        judge_settled(judging, JOB_REFUSED, "the record is gone");
    } else if (judging->meaning == MEANS_MISSING) {
        judge_settled(judging, JOB_UNKNOWN, "the record is gone");
        judging->verdict->readbacks = 0;
        judging->verdict->next = POLICY_NEXT_AUDIT;
    } else {
        judge_ask_again(judging);
        judge_pause(judging);
    }
}

/* The log lags: silence is no evidence before --audit-wait is over. An entry without an id is
 * silence as well. */
static void judge_silence(const struct judging *judging)
{
    int64_t asked_ms = judging->job->asked_ms;
    int64_t left_ms = judging->limits->audit_wait_ms - asked_ms;
    int64_t delay_ms = asked_ms / 2;
    bool unnamed = judging->answer->entry == POLICY_UNNAMED_ENTRY;

    if (left_ms <= 0 && judging->job->is_gone) {
        judge_settled(
            judging, JOB_REFUSED,
            unnamed ? "unproven: the record is gone, and the audit log has the next version "
                      "without a correlation id"
                    : "unproven: the record is gone, and the audit log does not have the next "
                      "version");
    } else if (left_ms <= 0) {
        judge_conflict(judging, false,
                       unnamed
                           ? "unproven: the audit log has the next version without a correlation id"
                           : "unproven: the audit log does not have the next version");
    } else {
        if (delay_ms < AUDIT_FIRST_MS)
            delay_ms = AUDIT_FIRST_MS;
        if (delay_ms > AUDIT_LAST_MS)
            delay_ms = AUDIT_LAST_MS;
        judge_settled(judging, JOB_UNKNOWN,
                      unnamed ? "the audit log has the next version without a correlation id so far"
                              : "the audit log does not have the next version yet");
        judging->verdict->next = POLICY_NEXT_AUDIT;
        judging->verdict->delay_ms = delay_ms < left_ms ? delay_ms : left_ms;
    }
}

/* The last page, where no entry says by its id whose the next version is. Without a doubt the log
 * is asked once: our own database says that nothing of ours can have landed. It may be an older
 * copy, though, and then an entry of our own user is too much of a chance. */
static void judge_last_page(const struct judging *judging)
{
    const bool doubt = judging->job->doubt;

    if (judging->answer->entry == POLICY_OUR_USERS_ENTRY && doubt) {
        judge_settled(
            judging, JOB_APPLIED,
            "the audit log has the next version by our own user, without a correlation id");
        judging->verdict->has_server_version = true;
        judging->verdict->server_version = judging->answer->version;
    } else if (judging->answer->entry == POLICY_OUR_USERS_ENTRY) {
        judge_conflict(judging, false,
                       "unproven: the audit log has the next version by our own user, without a "
                       "correlation id");
    } else if (doubt) {
        judge_silence(judging);
    } else {
        judge_conflict(judging, true,
                       judging->answer->entry == POLICY_UNNAMED_ENTRY
                           ? "no attempt of ours may have landed; the audit log has the next "
                             "version without a correlation id"
                           : "no attempt of ours may have landed; the audit log does not have the "
                             "next version");
    }
}

/* A log that we may not read, or that is not there, keeps no job from its end without a doubt. */
static void judge_no_page(const struct judging *judging)
{
    enum meaning meaning = judging->meaning;
    bool never = meaning == MEANS_FORBIDDEN || meaning == MEANS_MISSING ||
                 meaning == MEANS_REFUSED || meaning == MEANS_WRONG_PLACE;

    judge_ask_again(judging);
    judge_pause(judging);
    if (judging->job->doubt || (!never && judging->verdict->state != JOB_FAILED))
        return;
    judging->verdict->retry = judging->verdict->unsettled = false;
    judging->verdict->delay_ms = 0;
    judge_conflict(judging, true,
                   "no attempt of ours may have landed; the audit log was not to be read");
}

static void judge_audit(const struct judging *judging)
{
    const struct policy_answer *answer = judging->answer;

    if (judging->meaning != MEANS_DONE || !answer->has_page) {
        judge_no_page(judging);
        return;
    }
    judging->verdict->success = true;
    judging->verdict->readbacks = 0;
    if (answer->entry == POLICY_OUR_ENTRY) {
        judge_settled(
            judging, JOB_APPLIED,
            "the audit log has the next version with our correlation id; superseded since");
        judging->verdict->has_server_version = true;
        judging->verdict->server_version = answer->version;
    } else if (answer->entry == POLICY_THEIR_ENTRY && judging->job->is_gone) {
        judge_settled(judging, JOB_REFUSED,
                      "the record is gone, and the audit log has its next version as another's");
    } else if (answer->is_elsewhere &&
               (!judging->job->doubt || answer->entry == POLICY_THEIR_ENTRY)) {
        /* not the one that our PUT can have made: our database does not know of all that we sent,
         * because it is an older copy, and a person has to decide */
        judge_conflict(judging, false,
                       "unproven: the audit log has our correlation id at another version");
    } else if (answer->entry == POLICY_THEIR_ENTRY && judging->job->was_there) {
        judge_unchanged(judging);
    } else if (answer->entry == POLICY_THEIR_ENTRY) {
        judge_conflict(judging, true, "the audit log has the next version as another's");
    } else if (answer->has_more) {
        judge_settled(judging, JOB_UNKNOWN, "the audit log has more pages");
        judging->verdict->next = POLICY_NEXT_PAGE;
    } else {
        judge_last_page(judging);
    }
}

static void judge_fetch(const struct judging *judging)
{
    const struct policy_job *job = judging->job;
    const struct policy_answer *answer = judging->answer;

    if (judging->meaning == MEANS_MISSING) {
        judge_settled(judging, JOB_REFUSED, "there is no such record");
    } else if (judging->meaning == MEANS_REFUSED || judging->meaning == MEANS_CONFLICT) {
        judging->verdict->state = JOB_REFUSED;
    } else if (judging->meaning != MEANS_DONE || !answer->has_version) {
        judge_send_again(judging);
        judge_pause(judging);
    } else if (answer->is_ours) {
        judge_note_record(judging);
        judge_settled(judging, JOB_APPLIED, "the record carries our correlation id");
    } else if (answer->is_there && job->attempts == 0) {
        judge_note_record(judging);
        judge_unchanged(judging);
    } else if (answer->rule_broken) {
        judge_note_record(judging);
        judge_conflict(judging, false, "our fields over the record's break a rule of the schema");
    } else {
        judge_note_record(judging);
        judge_settled(judging, JOB_PENDING, "");
        judging->verdict->next = POLICY_NEXT_SEND;
    }
}

/* What holds for any request; false leaves the answer to the request's own table. */
static bool judge_common(const struct judging *judging)
{
    const struct policy_answer *answer = judging->answer;

    if (answer->end == POLICY_NEVER_LEFT || answer->end == POLICY_UNTRUSTED ||
        answer->end == POLICY_PROXY) {
        judging->verdict->left = false;
        judge_uncounted(judging, answer->end == POLICY_UNTRUSTED ? POLICY_STOP_CONFIG
                                 : answer->end == POLICY_PROXY   ? POLICY_STOP_PROXY
                                                                 : POLICY_UNREACHABLE);
        return true;
    }
    if (answer->end == POLICY_NO_ANSWER) {
        judge_useless(judging);
        return true;
    }
    /* a log that is asked only to be sure says nothing of the run either */
    if (judging->job->request == REQUEST_AUDIT && !judging->job->doubt &&
        (judging->meaning == MEANS_FORBIDDEN || judging->meaning == MEANS_WRONG_PLACE))
        return false;
    switch (judging->meaning) {
    case MEANS_TOKEN:
        judge_token(judging);
        return true;
    case MEANS_FORBIDDEN:
        judge_denied(judging, POLICY_FORBIDDEN);
        return true;
    case MEANS_PROXY:
        judge_uncounted(judging, POLICY_STOP_PROXY);
        return true;
    case MEANS_THROTTLED:
        judge_uncounted(judging, POLICY_PAUSE);
        judging->verdict->pause_ms = answer->retry_after_ms;
        return true;
    case MEANS_WRONG_PLACE:
        judge_denied(judging, POLICY_WRONG_PLACE);
        return true;
    case MEANS_DONE:
    case MEANS_AMBIGUOUS:
    case MEANS_NOT_DONE:
    case MEANS_MISSING:
    case MEANS_CONFLICT:
    case MEANS_REFUSED:
        break;
    }
    return false;
}

void policy_judge(const struct policy_job *job, const struct policy_answer *answer,
                  const struct policy_limits *limits, struct policy_verdict *verdict)
{
    static void (*const judges[])(const struct judging *judging) = {
        [REQUEST_UPDATE] = judge_put,
        [REQUEST_READ_BACK] = judge_read_back,
        [REQUEST_AUDIT] = judge_audit,
        [REQUEST_FETCH] = judge_fetch,
    };
    struct judging judging = {job, answer, limits, verdict, meaning_of(answer->status)};

    *verdict = (struct policy_verdict){
        .left = true,
        .doubt = job->doubt,
        .looks_again = job->looks_again,
        .readbacks = job->readbacks,
        .run_retries = job->run_retries,
        .evidence = "",
    };
    if (!judge_common(&judging))
        judges[job->request](&judging);
    judge_own_refusal(&judging);
    verdict->works = verdict->works || verdict->success;
}

enum job_state policy_spared_state(const struct policy_job *job)
{
    return job_state_of_request(job->request) == JOB_UNKNOWN ? JOB_UNKNOWN : JOB_PENDING;
}

void policy_budget_init(struct policy_budget *budget)
{
    *budget = (struct policy_budget){.units = BUDGET_FULL};
}

void policy_budget_earn(struct policy_budget *budget)
{
    if (budget->units < BUDGET_FULL)
        budget->units++;
    if (budget->units >= BUDGET_RECOVERED)
        budget->low = false;
}

static bool budget_was_charged(const struct policy_budget *budget, int64_t job_id)
{
    size_t count = budget->count < BUDGET_JOBS ? budget->count : BUDGET_JOBS;

    for (size_t i = 0; i < count; i++)
        if (budget->job_ids[i] == job_id)
            return true;
    return false;
}

bool policy_budget_charge(struct policy_budget *budget, int64_t job_id, bool sampled)
{
    if (budget_was_charged(budget, job_id))
        return budget->units > 0;
    budget->job_ids[budget->count++ % BUDGET_JOBS] = job_id;
    budget->units -= BUDGET_RETRY;
    if (!sampled && budget->units < BUDGET_HEAD)
        budget->units += BUDGET_RETRY;
    if (budget->units < 0)
        budget->units = 0;
    budget->low = budget->low || budget->units <= BUDGET_LOW;
    return budget->units > 0;
}
