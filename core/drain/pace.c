/* What answers mean for the pace of the run, and whether it goes on at all; see loop.h. */
#include "core/base/clock.h"
#include "core/drain/loop.h"

#include <stdio.h>

enum {
    PUT_BACK_MS = 2000,      /* a longer pause puts claimed jobs back */
    THROTTLE_MAX_MS = 60000, /* of a 429 that names no time */
};

static void stop_because(struct loop *loop, enum drain_end end)
{
    if (!loop->stopping)
        loop->result->end = end;
    loop->stopping = true;
}

bool loop_park(struct loop *loop, int64_t wait_ms, const char *why)
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
    if (loop_park(loop, wait_ms, why))
        return;
    governor_pause(&loop->governor, clock_monotonic_us() + (wait_ms + jitter_ms) * 1000);
    while (wait_ms > PUT_BACK_MS && loop->ready.first) {
        struct task *task = task_list_take(&loop->ready);

        task_put_back(task, clock_now_ms());
        task_list_add(&loop->settled, task);
    }
}

void loop_throttle(struct loop *loop, const struct http_answer *answer, int64_t pause_ms)
{
    if (pause_ms < 0) {
        pause_ms = policy_backoff_ms(++loop->throttles, 0);
        if (pause_ms > THROTTLE_MAX_MS)
            pause_ms = THROTTLE_MAX_MS;
    }
    pause_all(loop, pause_ms, answer->status);
}

void loop_unreachable(struct loop *loop, const char *why, struct err *err)
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

void loop_keep_budget(struct loop *loop, const struct task *task,
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
