#include "tests/lib/verdicts.h"

#include <stdio.h>

const struct policy_job sent = {.version = 5, .attempts = 1};
const struct policy_job asking = {.version = 5, .attempts = 1, .request = REQUEST_READ_BACK};
const struct policy_job doubting = {
    .version = 5, .attempts = 1, .request = REQUEST_READ_BACK, .doubt = true};
const struct policy_limits limits = {.max_attempts = 12, .kind_works = true};

struct policy_answer answered(long status)
{
    return (struct policy_answer){
        .end = POLICY_ANSWERED, .status = status, .code = "", .retry_after_ms = -1};
}

struct policy_answer record_of(int64_t version)
{
    struct policy_answer answer = answered(200);

    answer.has_version = true;
    answer.version = version;
    return answer;
}

struct policy_answer ended(enum policy_end end)
{
    return (struct policy_answer){.end = end, .code = "", .retry_after_ms = -1};
}

struct policy_verdict assess(const struct policy_job *job, struct policy_answer answer)
{
    struct policy_verdict verdict;

    policy_assess(job, &answer, &limits, &verdict);
    return verdict;
}

static const char *run_name(enum policy_run run)
{
    static const char *const names[] = {
        [POLICY_GO_ON] = "",
        [POLICY_NEW_TOKEN] = " new-token",
        [POLICY_PAUSE] = " pause",
        [POLICY_UNREACHABLE] = " unreachable",
        [POLICY_FORBIDDEN] = " forbidden",
        [POLICY_WRONG_PLACE] = " wrong-place",
        [POLICY_REFUSING] = " refusing",
        [POLICY_STOP_AUTH] = " stop-auth",
        [POLICY_STOP_CONFIG] = " stop-config",
        [POLICY_STOP_PROXY] = " stop-proxy",
        [POLICY_STOP_TARGET] = " stop-target",
    };

    return names[run];
}

const char *verdict_text(const struct policy_verdict *verdict)
{
    static const char *const nexts[] = {
        [POLICY_BY_STATE] = "",       [POLICY_NEXT_FETCH] = " fetch",
        [POLICY_NEXT_SEND] = " send", [POLICY_NEXT_AUDIT] = " audit",
        [POLICY_NEXT_PAGE] = " page",
    };
    static char text[512];

    snprintf(text, sizeof text, "%s%s%s%s%s%s%s%s%s%s retries %u readbacks %u delay %lld",
             job_state_name(verdict->state), run_name(verdict->run), verdict->left ? "" : " stayed",
             verdict->excused && verdict->left ? " excused" : "", verdict->doubt ? " doubt" : "",
             verdict->unsettled ? " unsettled" : "", verdict->success ? " success" : "",
             verdict->retry ? " costs" : "",
             !verdict->conflict ? ""
             : verdict->proven  ? " proven"
                                : " unproven",
             nexts[verdict->next], verdict->run_retries, verdict->readbacks,
             (long long)verdict->delay_ms);
    return text;
}
