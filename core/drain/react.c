/* What an answer means for the run as a whole; see loop.h. */
#include "core/base/clock.h"
#include "core/drain/loop.h"

#include <stdio.h>

enum {
    PUT_BACK_MS = 2000,      /* a longer pause puts claimed jobs back */
    THROTTLE_MAX_MS = 60000, /* of a 429 that names no time */
};

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

static void stop_because(struct loop *loop, enum drain_end end)
{
    if (!loop->stopping)
        loop->result->end = end;
    loop->stopping = true;
}

/* Ends the run where the wait is longer than --max-wait. */
static bool park(struct loop *loop, int64_t wait_ms, const char *why)
{
    char until[CLOCK_ISO_SIZE];

    if (wait_ms <= loop->options->max_wait_ms)
        return false;
    loop->result->parked_until_ms = clock_now_ms() + wait_ms;
    snprintf(loop->result->reason, sizeof loop->result->reason, "%s, and asks to wait until %s",
             why, clock_iso(loop->result->parked_until_ms, until));
    stop_because(loop, DRAIN_PARKED);
    return true;
}

/* Everything waits; beyond --max-wait the run is parked. */
static void pause_all(struct loop *loop, int64_t wait_ms, long status)
{
    int64_t jitter_ms = (int64_t)(250 * loop_dice(loop));
    char why[64];

    snprintf(why, sizeof why, "the API answered %ld", status);
    if (park(loop, wait_ms, why))
        return;
    governor_pause(&loop->governor, clock_monotonic_us() + (wait_ms + jitter_ms) * 1000);
    while (wait_ms > PUT_BACK_MS && loop->ready.first) {
        struct task *task = task_list_take(&loop->ready);

        task_put_back(task, clock_now_ms());
        task_list_add(&loop->settled, task);
    }
}

static void throttle(struct loop *loop, const struct http_answer *answer, int64_t pause_ms)
{
    if (pause_ms < 0) {
        pause_ms = policy_backoff_ms(++loop->throttles, 0);
        if (pause_ms > THROTTLE_MAX_MS)
            pause_ms = THROTTLE_MAX_MS;
    }
    pause_all(loop, pause_ms, answer->status);
}

/* Nothing was reached: wait, longer each time, and give up when that changes nothing. What fails
 * while the wait already runs belongs to the same try. */
static void unreachable(struct loop *loop, const char *why, struct err *err)
{
    int64_t now_us = clock_monotonic_us();

    if (loop->stopping || governor_paused(&loop->governor, now_us))
        return;
    if (loop->unreachable++ >= loop->options->max_retries) {
        err_set(err, ERR_NETWORK,
                "cannot reach %s: %s: check the network and --environment, then run the same "
                "command again; nothing was lost",
                loop->options->environment.api_url, why);
        loop_fail(loop);
        return;
    }
    governor_pause(&loop->governor,
                   now_us + policy_backoff_ms(loop->unreachable, loop_dice(loop)) * 1000);
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

/* Keeps the two counters by which a dead service is told from a bad row. */
static void keep_budget(struct loop *loop, const struct task *task,
                        const struct policy_verdict *verdict)
{
    if (verdict->success) {
        loop->accepted = task->authorization;
        loop->succeeded = true;
        loop->throttles = 0;
        loop->tokens_refused = 0;
        if (loop->budget < LOOP_BUDGET)
            loop->budget++;
    }
    if (!verdict->retry)
        return;
    loop->budget -= LOOP_RETRY_COST;
    if (loop->budget > 0 || loop->stopping)
        return;
    snprintf(loop->result->reason, sizeof loop->result->reason,
             "the API answers, but too few requests succeed for their retries (last: %s)",
             loop->fault.message[0] ? loop->fault.message : "no answer");
    stop_because(loop, DRAIN_EXHAUSTED);
}

void loop_react(struct loop *loop, struct task *task, const struct http_answer *answer,
                const struct policy_verdict *verdict, struct err *err)
{
    if (verdict->left)
        loop->unreachable = 0;
    keep_budget(loop, task, verdict);
    switch (verdict->run) {
    case POLICY_GO_ON:
        break;
    case POLICY_NEW_TOKEN:
        if (token_refused(loop->token, task->authorization) &&
            ++loop->tokens_refused >= LOOP_TOKENS_MAX)
            stop_auth(loop, answer->status, err);
        break;
    case POLICY_PAUSE:
        throttle(loop, answer, verdict->pause_ms);
        break;
    case POLICY_UNREACHABLE:
        unreachable(loop, answer->error, err);
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
    if (park(loop, wait_ms, token_trouble(loop->token)))
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
