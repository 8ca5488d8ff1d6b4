#include "core/drain/pace.h"

#include "core/base/clock.h"
#include "core/drain/loop.h"
#include "core/store/summary.h"

#include <stdio.h>
#include <string.h>

enum { PUT_BACK_MS = 2000 }; /* a longer pause puts claimed jobs back */

static void stop_because(struct loop *loop, enum drain_end end)
{
    if (!loop->stopping)
        loop->result->end = end;
    loop->stopping = true;
}

void pace_ask(struct loop *loop, int64_t wait_ms, const char *why)
{
    int64_t until_us = clock_monotonic_us() + wait_ms * 1000;
    char until[CLOCK_ISO_SIZE];

    if (until_us <= loop->asked_until_us)
        return;
    loop->asked_until_us = until_us;
    loop->asked_now = true;
    snprintf(loop->asked_why, sizeof loop->asked_why, "%s" PAUSE_UNTIL "%s", why,
             clock_iso(clock_now_ms() + wait_ms, until));
}

bool pace_park(struct loop *loop, int64_t wait_ms, const char *why)
{
    if (wait_ms <= loop->options->max_wait_ms)
        return false;
    pace_ask(loop, wait_ms, why);
    loop->result->parked_until_ms =
        clock_now_ms() + (loop->asked_until_us - clock_monotonic_us()) / 1000;
    memcpy(loop->result->reason, loop->asked_why, sizeof loop->result->reason);
    stop_because(loop, DRAIN_PARKED);
    return true;
}

void pace_throttle(struct loop *loop, const struct http_answer *answer, int64_t pause_ms)
{
    int64_t now_us = clock_monotonic_us(), wait_us = pause_ms < 0 ? -1 : pause_ms * 1000;
    double dice = loop_dice(loop);
    char why[64];

    loop->pause = DRAIN_PAUSE_ASKED;
    if (answer->status == 429) {
        struct governor_refusal refusal = {now_us - answer->latency_us, wait_us};

        wait_us = governor_refused(&loop->governor, &refusal, dice, now_us);
    } else {
        /* the service is in trouble, which says nothing about its limit */
        governor_pause(&loop->governor, now_us + wait_us + (int64_t)(GOVERNOR_JITTER_US * dice));
    }
    snprintf(why, sizeof why, "the API answered %ld", answer->status);
    pace_ask(loop, wait_us / 1000, why);
    if (pace_park(loop, wait_us / 1000, why))
        return;
    while (wait_us / 1000 > PUT_BACK_MS && loop->ready.first) {
        struct task *task = task_list_take(&loop->ready);

        task_put_back(task, false, clock_now_ms());
        task_list_add(&loop->settled, task);
    }
}

void pace_unreachable(struct loop *loop, const char *why, struct err *err)
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
    loop->pause = DRAIN_PAUSE_UNREACHABLE;
    snprintf(loop->trouble, sizeof loop->trouble, "cannot reach %s: %s",
             loop->options->environment.api_url, why);
    governor_pause(&loop->governor,
                   now_us + policy_backoff_ms(loop->unreachable, loop_dice(loop)) * 1000);
}

void pace_count(struct loop *loop, const struct http_answer *answer,
                const struct policy_verdict *verdict)
{
    int64_t now_us = clock_monotonic_us();

    if (answer->end == HTTP_DONE && verdict->run != POLICY_PAUSE)
        governor_accepted(&loop->governor, now_us - answer->latency_us, now_us);
}

void pace_exhausted(struct loop *loop)
{
    if (loop->stopping)
        return;
    snprintf(loop->result->reason, sizeof loop->result->reason,
             "the API answers, but too few requests succeed for their retries (last: %s)",
             loop->fault.message[0] ? loop->fault.message : "no answer");
    stop_because(loop, DRAIN_EXHAUSTED);
}
