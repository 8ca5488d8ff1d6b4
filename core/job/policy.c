#include "core/job/policy.h"

#include <stddef.h>
#include <string.h>

enum { BACKOFF_MS = 1000, BACKOFF_MAX_MS = 60000 };

/* What a status says, whichever request it answers. */
enum meaning {
    MEANS_DONE,        /* 200: applied, or here is the record */
    MEANS_AMBIGUOUS,   /* may have landed */
    MEANS_NOT_DONE,    /* not done, says the server, and asks to try again */
    MEANS_TOKEN,       /* 401 */
    MEANS_FORBIDDEN,   /* 403 */
    MEANS_MISSING,     /* 404 */
    MEANS_CONFLICT,    /* 409 */
    MEANS_THROTTLED,   /* 429 */
    MEANS_WRONG_PLACE, /* the environment is wrong */
    MEANS_REFUSED,     /* this request is wrong */
};

/* The first line that fits holds. */
static const struct {
    short first, last;
    enum meaning meaning;
} statuses[] = {
    {200, 200, MEANS_DONE},        {201, 299, MEANS_AMBIGUOUS},   {300, 399, MEANS_WRONG_PLACE},
    {401, 401, MEANS_TOKEN},       {403, 403, MEANS_FORBIDDEN},   {404, 404, MEANS_MISSING},
    {405, 405, MEANS_WRONG_PLACE}, {408, 408, MEANS_NOT_DONE},    {409, 409, MEANS_CONFLICT},
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

int64_t policy_backoff_ms(unsigned retries, double dice)
{
    int64_t ms = BACKOFF_MS;

    for (unsigned i = 1; i < retries && ms < BACKOFF_MAX_MS; i++)
        ms *= 2;
    if (ms > BACKOFF_MAX_MS)
        ms = BACKOFF_MAX_MS;
    return ms + (int64_t)((double)ms * dice / 4);
}

/* The job goes back to be sent again, counted against the run and over all runs. */
static void send_again(const struct policy_job *job, const struct policy_limits *limits,
                       struct policy_verdict *verdict)
{
    verdict->state = JOB_PENDING;
    verdict->retry = true;
    verdict->run_retries = job->run_retries + 1;
    verdict->delay_ms = policy_backoff_ms(verdict->run_retries, limits->dice);
    if (job->attempts >= limits->max_attempts && job->read_back)
        verdict->state = JOB_FAILED;
}

/* The fate stays open; asked again later. Only read-backs without an answer ever end that. */
static void ask_again(const struct policy_job *job, const struct policy_limits *limits,
                      struct policy_verdict *verdict)
{
    verdict->state = JOB_UNKNOWN;
    verdict->retry = true;
    verdict->readbacks = job->readbacks + 1;
    verdict->run_retries = job->run_retries + 1;
    verdict->delay_ms = policy_backoff_ms(verdict->run_retries, limits->dice);
    if (verdict->readbacks >= limits->max_attempts) {
        verdict->state = JOB_FAILED;
        verdict->unsettled = true;
    }
}

/* Nothing was done and nothing is counted: the job stays where it was before the request. */
static void uncounted(const struct policy_job *job, struct policy_verdict *verdict,
                      enum policy_run run)
{
    verdict->state = job->read_back ? JOB_UNKNOWN : JOB_PENDING;
    verdict->run = run;
}

/* The read-back itself did not help: not a word about the PUT in question. */
static void no_use(const struct policy_job *job, const struct policy_limits *limits,
                   struct policy_verdict *verdict)
{
    if (job->read_back) {
        ask_again(job, limits, verdict);
        return;
    }
    verdict->state = JOB_UNKNOWN;
    verdict->doubt = true;
    verdict->retry = true;
}

/* A token that never worked and was refused to the same job as its predecessor: it is us. One that
 * works for others may have been revoked a second time; that counts as a retry, so it ends. */
static void judge_token(const struct policy_job *job, const struct policy_answer *answer,
                        const struct policy_limits *limits, struct policy_verdict *verdict)
{
    bool blocked = strcmp(answer->code, "ip.not.authorized") == 0;

    if (blocked || (job->refused_token && !limits->token_accepted)) {
        uncounted(job, verdict, POLICY_STOP_AUTH);
        return;
    }
    if (!job->refused_token)
        uncounted(job, verdict, POLICY_NEW_TOKEN);
    else if (job->read_back)
        ask_again(job, limits, verdict);
    else
        send_again(job, limits, verdict);
    verdict->run = POLICY_NEW_TOKEN;
}

static void judge_forbidden(const struct policy_job *job, const struct policy_limits *limits,
                            struct policy_verdict *verdict)
{
    if (!limits->run_succeeded)
        uncounted(job, verdict, POLICY_FORBIDDEN);
    else if (job->read_back)
        ask_again(job, limits, verdict);
    else
        verdict->state = JOB_REFUSED;
}

/* The record as a GET showed it, held against the PUT in question: a PUT with version v can only
 * ever create v + 1. */
static void judge_record(const struct policy_job *job, const struct policy_answer *answer,
                         const struct policy_limits *limits, struct policy_verdict *verdict)
{
    verdict->success = true;
    verdict->has_server_version = true;
    verdict->server_version = answer->version;
    verdict->readbacks = 0;
    if (answer->is_ours) {
        verdict->state = JOB_APPLIED;
        verdict->evidence = "the record carries our correlation id";
    } else if (answer->version <= job->version) {
        verdict->evidence = "the record's version shows that it did not land";
        send_again(job, limits, verdict);
        verdict->retry = false; /* the service works; the failure before this was charged already */
    } else if (!job->doubt) {
        verdict->state = JOB_CONFLICT;
        verdict->evidence =
            "the record has a newer version, and no attempt of ours may have landed";
    } else if (answer->version == job->version + 1 && answer->has_correlation) {
        verdict->state = JOB_CONFLICT;
        verdict->evidence = "the next version carries another correlation id";
    } else if (answer->version == job->version + 1 && answer->fields_are_ours) {
        verdict->state = JOB_APPLIED;
        verdict->evidence = "the next version holds our fields, without a correlation id";
    } else if (answer->version == job->version + 1) {
        verdict->state = JOB_CONFLICT;
        verdict->evidence = "the next version holds other fields";
    } else {
        /* someone wrote after version + 1: only the audit log could tell whose that was */
        verdict->state = JOB_UNKNOWN;
        verdict->run_retries = limits->max_retries + 1;
        verdict->evidence = "the record has moved on beyond the next version";
    }
}

static void judge_put(const struct policy_job *job, const struct policy_answer *answer,
                      const struct policy_limits *limits, struct policy_verdict *verdict)
{
    switch (meaning_of(answer->status)) {
    case MEANS_DONE:
        if (!answer->has_version) {
            no_use(job, limits, verdict);
            return;
        }
        verdict->state = JOB_APPLIED;
        verdict->success = true;
        verdict->has_server_version = true;
        verdict->server_version = answer->version;
        return;
    case MEANS_AMBIGUOUS:
        no_use(job, limits, verdict);
        return;
    case MEANS_NOT_DONE:
        /* at the last attempt a read-back settles it, rather than the server's word */
        if (job->attempts >= limits->max_attempts)
            no_use(job, limits, verdict);
        else
            send_again(job, limits, verdict);
        verdict->doubt = true;
        if (answer->status == 503 && answer->retry_after_ms >= 0) {
            verdict->run = POLICY_PAUSE;
            verdict->pause_ms = answer->retry_after_ms;
        }
        return;
    case MEANS_CONFLICT:
        /* the read-back that follows tells whose update the record holds */
        verdict->state = JOB_UNKNOWN;
        return;
    case MEANS_TOKEN:
    case MEANS_FORBIDDEN:
    case MEANS_THROTTLED:
    case MEANS_WRONG_PLACE:
    case MEANS_MISSING:
    case MEANS_REFUSED:
        break;
    }
    verdict->state = JOB_REFUSED;
}

static void judge_read_back(const struct policy_job *job, const struct policy_answer *answer,
                            const struct policy_limits *limits, struct policy_verdict *verdict)
{
    enum meaning meaning = meaning_of(answer->status);

    if (meaning == MEANS_DONE && answer->has_version) {
        judge_record(job, answer, limits, verdict);
    } else if (meaning == MEANS_MISSING && !job->doubt) {
        verdict->state = JOB_REFUSED;
        verdict->evidence = "the record is gone";
    } else if (meaning == MEANS_MISSING) {
        /* only the audit log could tell whether it landed before the record went */
        verdict->state = JOB_UNKNOWN;
        verdict->readbacks = 0;
        verdict->run_retries = limits->max_retries + 1;
        verdict->evidence = "the record is gone";
    } else {
        ask_again(job, limits, verdict);
        if (answer->status == 503 && answer->retry_after_ms >= 0) {
            verdict->run = POLICY_PAUSE;
            verdict->pause_ms = answer->retry_after_ms;
        }
    }
}

/* What holds for any request; false leaves the answer to the request's own table. */
static bool judge_common(const struct policy_job *job, const struct policy_answer *answer,
                         const struct policy_limits *limits, struct policy_verdict *verdict)
{
    if (answer->end == POLICY_NEVER_LEFT || answer->end == POLICY_UNTRUSTED) {
        verdict->left = false;
        uncounted(job, verdict,
                  answer->end == POLICY_UNTRUSTED ? POLICY_STOP_CONFIG : POLICY_UNREACHABLE);
        return true;
    }
    if (answer->end == POLICY_NO_ANSWER) {
        no_use(job, limits, verdict);
        return true;
    }
    switch (meaning_of(answer->status)) {
    case MEANS_TOKEN:
        judge_token(job, answer, limits, verdict);
        return true;
    case MEANS_FORBIDDEN:
        judge_forbidden(job, limits, verdict);
        return true;
    case MEANS_THROTTLED:
        uncounted(job, verdict, POLICY_PAUSE);
        verdict->pause_ms = answer->retry_after_ms;
        return true;
    case MEANS_WRONG_PLACE:
        uncounted(job, verdict, POLICY_STOP_CONFIG);
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
    *verdict = (struct policy_verdict){
        .left = true,
        .doubt = job->doubt,
        .readbacks = job->readbacks,
        .run_retries = job->run_retries,
        .evidence = "",
    };
    if (judge_common(job, answer, limits, verdict))
        return;
    if (job->read_back)
        judge_read_back(job, answer, limits, verdict);
    else
        judge_put(job, answer, limits, verdict);
}

enum job_state policy_forbidden_state(const struct policy_job *job)
{
    return job->read_back ? JOB_UNKNOWN : JOB_REFUSED;
}
