#include "core/job/judging.h"

#include <stddef.h>
#include <string.h>

enum { BACKOFF_MS = 1000, BACKOFF_MAX_MS = 60000 };

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

bool judge_is_refusal(long status)
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

bool judge_is_exhausted(const struct judging *judging)
{
    return judging->job->attempts >= judging->limits->max_attempts + judging->job->attempts_before;
}

void judge_send_again(const struct judging *judging)
{
    struct policy_verdict *verdict = judging->verdict;

    verdict->state = JOB_PENDING;
    verdict->retry = true;
    verdict->run_retries = judging->job->run_retries + 1;
    verdict->delay_ms = policy_backoff_ms(verdict->run_retries, judging->limits->dice);
}

void judge_ask_again(const struct judging *judging)
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

void judge_pause(const struct judging *judging)
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
static void uncounted(const struct judging *judging, enum policy_run run)
{
    judging->verdict->state = policy_spared_state(judging->job);
    judging->verdict->run = run;
    judging->verdict->excused = true;
}

/* The same request once more, counted. */
static void once_more(const struct judging *judging)
{
    if (asks_for_fate(judging))
        judge_ask_again(judging);
    else
        judge_send_again(judging);
}

/* The answer does not tell whether the request had any effect. */
static void no_use(const struct judging *judging)
{
    if (judging->job->request != REQUEST_UPDATE) {
        once_more(judging);
        return;
    }
    judging->verdict->state = JOB_UNKNOWN;
    judging->verdict->doubt = true;
    judging->verdict->retry = true;
    /* the read-back after the last attempt can end the job */
    if (judge_is_exhausted(judging))
        judging->verdict->delay_ms = JUDGE_LAG_MS;
}

/* A token that never worked and was refused to the same job as its predecessor: it is us. One that
 * works for others may have been revoked a second time; that counts as a retry, so it ends. */
static void judge_token(const struct judging *judging)
{
    const struct policy_job *job = judging->job;
    bool blocked = strcmp(judging->answer->code, "ip.not.authorized") == 0;

    if (blocked || (job->refused_token && !judging->limits->token_accepted)) {
        uncounted(judging, POLICY_STOP_AUTH);
        return;
    }
    if (job->refused_token) {
        once_more(judging);
        judging->verdict->state = policy_spared_state(job);
        judging->verdict->unsettled = false;
        judging->verdict->readbacks = job->readbacks;
    } else {
        uncounted(judging, POLICY_NEW_TOKEN);
    }
    judging->verdict->run = POLICY_NEW_TOKEN;
    judging->verdict->excused = true;
}

/* No word of the server's on this PUT tells what became of one before it. */
static void refuse(const struct judging *judging)
{
    judging->verdict->state = judging->job->doubt ? JOB_UNKNOWN : JOB_REFUSED;
    judging->verdict->delay_ms = judging->job->doubt ? JUDGE_LAG_MS : 0;
    judging->verdict->refused = true;
}

/* 403, or the answer of something that is not the API: of the record alone, as far as the job is
 * concerned. */
static void judge_denied(const struct judging *judging, enum policy_run run)
{
    if (asks_for_fate(judging))
        judge_ask_again(judging);
    else
        refuse(judging);
    judging->verdict->excused = true;
    if (!judging->limits->kind_works)
        judging->verdict->run = run;
}

/* A refusal is the record's own, unless it is what everything is answered with. */
static void judge_refused(const struct judging *judging)
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
            no_use(judging);
            return;
        }
        verdict->state = JOB_APPLIED;
        verdict->success = true;
        verdict->has_server_version = true;
        verdict->server_version = answer->version;
        return;
    case MEANS_AMBIGUOUS:
        no_use(judging);
        return;
    case MEANS_NOT_DONE:
        /* at the last attempt a read-back settles it, rather than the server's word */
        if (judge_is_exhausted(judging))
            no_use(judging);
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
    refuse(judging);
}

/* What holds for any request; false leaves the answer to the request's own table. */
static bool judge_common(const struct judging *judging)
{
    const struct policy_answer *answer = judging->answer;

    if (answer->end == POLICY_NEVER_LEFT || answer->end == POLICY_UNTRUSTED ||
        answer->end == POLICY_PROXY) {
        judging->verdict->left = false;
        uncounted(judging, answer->end == POLICY_UNTRUSTED ? POLICY_STOP_CONFIG
                           : answer->end == POLICY_PROXY   ? POLICY_STOP_PROXY
                                                           : POLICY_UNREACHABLE);
        return true;
    }
    if (answer->end == POLICY_NO_ANSWER) {
        no_use(judging);
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
        uncounted(judging, POLICY_STOP_PROXY);
        return true;
    case MEANS_THROTTLED:
        uncounted(judging, POLICY_PAUSE);
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
    judge_refused(&judging);
    verdict->works = verdict->works || verdict->success;
}

enum job_state policy_spared_state(const struct policy_job *job)
{
    return job_state_of_request(job->request) == JOB_UNKNOWN ? JOB_UNKNOWN : JOB_PENDING;
}
