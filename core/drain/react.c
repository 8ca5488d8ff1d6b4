/* What an answer means for the run as a whole; see loop.h. */
#include "core/base/clock.h"
#include "core/drain/loop.h"
#include "core/drain/pace.h"

void task_list_init(struct task_list *list)
{
    list->first = NULL;
    list->end = &list->first;
    list->count = 0;
}

void task_list_add(struct task_list *list, struct task *task)
{
    task->next = NULL;
    *list->end = task;
    list->end = &task->next;
    list->count++;
}

struct task *task_list_take(struct task_list *list)
{
    struct task *task = list->first;

    if (!task)
        return NULL;
    list->first = task->next;
    if (!list->first)
        list->end = &list->first;
    list->count--;
    return task;
}

double loop_dice(struct loop *loop)
{
    loop->dice ^= loop->dice >> 12;
    loop->dice ^= loop->dice << 25;
    loop->dice ^= loop->dice >> 27;
    return (double)((loop->dice * UINT64_C(2685821657736338717)) >> 11) / 9007199254740992.0;
}

void loop_fail(struct loop *loop)
{
    loop->failed = true;
    loop->stopping = true;
}

static void stop_auth(struct loop *loop, long status, struct err *err)
{
    const struct api_fault *fault = &loop->fault;
    const char *advice =
        status == 403
            ? "give the OAuth client a role with the custom objects permissions, or check that "
              "--environment is the organisation that the client belongs to"
            : "check the OAuth client and the address that it may be used from";

    if (loop->stopping)
        return;
    err_set(err, ERR_AUTH, "the API refused us with %ld%s%s (%s): %s; no job was lost", status,
            fault->code[0] ? " " : "", fault->code, fault->message, advice);
    loop_fail(loop);
}

static void stop_config(struct loop *loop, const struct task *task,
                        const struct http_answer *answer, struct err *err)
{
    static const char *const requests[] = {
        [REQUEST_UPDATE] = "an update",
        [REQUEST_READ_BACK] = "a read-back",
        [REQUEST_AUDIT] = "a question to the audit log",
        [REQUEST_FETCH] = "a fetch",
    };
    const char *url = loop->options->environment.api_url;

    if (loop->stopping)
        return;
    if (answer->end == HTTP_UNTRUSTED)
        err_set(err, ERR_CONFIG,
                "the certificate of %s is not trusted: %s: name the authority that signed it with "
                "--ca-file, or check --environment",
                url, answer->error);
    else
        err_set(err, ERR_CONFIG,
                "%s answered %ld to %s (%s): it does not look like the API; check --environment",
                url, answer->status, requests[task->job.request], loop->fault.message);
    loop_fail(loop);
}

static void hold(struct loop *loop, struct task *task, struct err *err)
{
    task_list_add(&loop->held, task);
    if (loop->held.count >= LOOP_HELD_MAX)
        stop_auth(loop, 403, err);
}

void loop_judge_held(struct loop *loop, struct err *err)
{
    struct task *task;

    if (!loop->held.first)
        return;
    if (!loop->succeeded && !loop->stopping)
        stop_auth(loop, 403, err);
    while ((task = task_list_take(&loop->held))) {
        if (loop->succeeded)
            task_forbid(task, clock_now_ms());
        task_list_add(&loop->settled, task);
    }
}

void loop_react(struct loop *loop, struct task *task, const struct http_answer *answer,
                const struct policy_verdict *verdict, struct err *err)
{
    if (verdict->left)
        loop->unreachable = 0;
    if (verdict->success) {
        loop->accepted = task->authorization;
        loop->succeeded = true;
        loop->tokens_refused = 0;
    }
    pace_count(loop, answer, verdict);
    switch (verdict->run) {
    case POLICY_GO_ON:
        break;
    case POLICY_NEW_TOKEN:
        if (token_refused(loop->token, task->authorization) &&
            ++loop->tokens_refused >= LOOP_TOKENS_MAX)
            stop_auth(loop, answer->status, err);
        break;
    case POLICY_PAUSE:
        pace_throttle(loop, answer, verdict->pause_ms);
        break;
    case POLICY_UNREACHABLE:
        pace_unreachable(loop, answer->error, err);
        break;
    case POLICY_FORBIDDEN:
        hold(loop, task, err);
        return;
    case POLICY_STOP_AUTH:
        stop_auth(loop, answer->status, err);
        break;
    case POLICY_STOP_CONFIG:
        stop_config(loop, task, answer, err);
        break;
    }
    task_list_add(&loop->settled, task);
}

void loop_take_token(struct loop *loop, const struct http_answer *answer, struct err *err)
{
    struct err why = {0};
    int64_t wait_ms = 0;
    enum token_verdict verdict =
        token_take(loop->token, answer, clock_monotonic_us(), &wait_ms, &why);

    if (verdict == TOKEN_FRESH)
        loop->unreachable = 0;
    if (verdict == TOKEN_FRESH || loop->stopping)
        return;
    if (verdict == TOKEN_REFUSED) {
        *err = why;
        loop_fail(loop);
        return;
    }
    if (pace_park(loop, wait_ms, token_trouble(loop->token)))
        return;
    /* a renewal may fail for a while, as long as the present token lives */
    if (token_failures(loop->token) <= loop->options->max_retries ||
        token_authorization(loop->token, clock_monotonic_us())) {
        notice_say(loop->options->notices, "%s: asking again in %lld s", token_trouble(loop->token),
                   (long long)(wait_ms + 999) / 1000);
        return;
    }
    err_set(err, ERR_NETWORK,
            "no token: %s: check the network, --environment and --login-url, then run the same "
            "command again; nothing was lost",
            token_trouble(loop->token));
    loop_fail(loop);
}
