#include "core/job/assess.h"

enum { BACKOFF_MS = 1000 };

int64_t assess_backoff_ms(unsigned retries, double dice)
{
    int64_t ms = BACKOFF_MS;

    for (unsigned i = 1; i < retries && ms < ASSESS_BACKOFF_MAX_MS; i++)
        ms *= 2;
    if (ms > ASSESS_BACKOFF_MAX_MS)
        ms = ASSESS_BACKOFF_MAX_MS;
    return ms + (int64_t)((double)ms * dice / 4);
}

void assess_conclude(struct policy_verdict *out, enum job_state state, const char *evidence)
{
    out->state = state;
    out->evidence = evidence;
}

void assess_send_again(const struct facts *in, struct policy_verdict *out)
{
    out->state = JOB_PENDING;
    out->retry = true;
    out->run_retries = in->job->run_retries + 1;
    out->delay_ms = assess_backoff_ms(out->run_retries, in->limits->dice);
}

void assess_ask_again(const struct facts *in, struct policy_verdict *out)
{
    out->state = JOB_UNKNOWN;
    out->retry = true;
    out->readbacks = in->job->readbacks + 1;
    out->run_retries = in->job->run_retries + 1;
    out->delay_ms = assess_backoff_ms(out->run_retries, in->limits->dice);
    if (out->readbacks >= in->limits->max_attempts) {
        out->state = JOB_FAILED;
        out->unsettled = true;
    }
}

void assess_pause(const struct facts *in, struct policy_verdict *out)
{
    if (in->answer->status != 503 || in->answer->retry_after_ms < 0)
        return;
    out->run = POLICY_PAUSE;
    out->pause_ms = in->answer->retry_after_ms;
}

void assess_fetch_again(struct policy_verdict *out)
{
    out->state = JOB_PENDING;
    out->next = POLICY_NEXT_FETCH;
    out->doubt = false;
}

void assess_conflict(const struct facts *in, struct policy_verdict *out, bool proven,
                     const char *evidence)
{
    out->evidence = evidence;
    if (proven && in->job->is_known) {
        assess_fetch_again(out);
        return;
    }
    out->conflict = true;
    out->proven = proven;
    out->state = JOB_CONFLICT;
    if (!proven)
        return;
    switch (in->limits->on_conflict) {
    case POLICY_PARK:
        break;
    case POLICY_DISMISS:
        out->state = JOB_DISMISSED;
        break;
    case POLICY_REBASE:
        if (in->job->rounds >= POLICY_ROUNDS_MAX || in->job->is_exact)
            break;
        assess_fetch_again(out);
        break;
    }
}

void assess_unchanged(struct policy_verdict *out)
{
    assess_conclude(out, JOB_UNCHANGED, "the record holds these values already");
}
