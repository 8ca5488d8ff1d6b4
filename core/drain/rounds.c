#include "core/drain/rounds.h"

enum {
    WAIT_MS = 500, /* after the first round, doubled after each */
    WAIT_MAX_MS = 30000,
    LAG_MIN_MS = 250,
    LAG_MAX_MS = 30000,
    HOPELESS = 20, /* requests that failed in a row */
    FEWER = 5,     /* so many times fewer ids after a refusal */
};

void rounds_init(struct rounds *rounds, int64_t audit_wait_ms, unsigned ids, unsigned max_retries)
{
    *rounds =
        (struct rounds){.audit_wait_ms = audit_wait_ms, .ids = ids, .max_retries = max_retries};
}

void rounds_begin(struct rounds *rounds)
{
    rounds->succeeded = rounds->failed = rounds->refused = rounds->open = 0;
    rounds->failed_in_a_row = 0;
    rounds->soonest_ms = -1;
    rounds->deadline_ms = 0;
}

bool rounds_skips(struct rounds *rounds, int64_t age_ms)
{
    int64_t left_ms = rounds->lag_ms - age_ms;

    if (left_ms <= 0 || age_ms >= rounds->audit_wait_ms)
        return false;
    rounds->open++;
    if (rounds->soonest_ms < 0 || left_ms < rounds->soonest_ms)
        rounds->soonest_ms = left_ms;
    return true;
}

void rounds_note_answer(struct rounds *rounds, unsigned jobs, unsigned absent, int64_t age_ms)
{
    rounds->succeeded++;
    rounds->failed_in_a_row = 0;
    if (absent == 0 || 2 * absent < jobs)
        return;
    /* they were asked for too early, so that others of their age would be as well */
    age_ms = age_ms < LAG_MAX_MS ? 2 * age_ms : LAG_MAX_MS;
    if (age_ms < LAG_MIN_MS)
        age_ms = LAG_MIN_MS;
    if (age_ms > LAG_MAX_MS)
        age_ms = LAG_MAX_MS;
    if (age_ms > rounds->lag_ms)
        rounds->lag_ms = age_ms;
}

bool rounds_is_missing(struct rounds *rounds, int64_t age_ms)
{
    int64_t left_ms = rounds->audit_wait_ms - age_ms;

    if (left_ms <= 0)
        return true;
    rounds->open++;
    if (left_ms > rounds->deadline_ms)
        rounds->deadline_ms = left_ms;
    return false;
}

void rounds_note_failure(struct rounds *rounds, unsigned jobs, bool refused)
{
    rounds->open += jobs;
    rounds->failed++;
    rounds->refused += refused;
    rounds->failed_in_a_row++;
}

void rounds_note_endless(struct rounds *rounds)
{
    rounds->endless++;
    rounds->failed_in_a_row++;
}

bool rounds_is_hopeless(const struct rounds *rounds)
{
    return rounds->failed_in_a_row >= HOPELESS || rounds->endless >= ROUNDS_ENDLESS_MAX;
}

/* The log was asked, and nothing came: with fewer ids it may. False: that was tried. */
static bool ask_for_fewer(struct rounds *rounds)
{
    if (!rounds->refused || rounds->ids == 1)
        return false;
    rounds->ids = (rounds->ids + FEWER - 1) / FEWER;
    return true;
}

enum rounds_end rounds_end(struct rounds *rounds, double dice, int64_t *wait_ms)
{
    bool fewer = ask_for_fewer(rounds);

    *wait_ms = WAIT_MS;
    if (rounds->open == 0 || rounds->endless >= ROUNDS_ENDLESS_MAX)
        return rounds->endless ? ROUNDS_GIVE_UP : ROUNDS_DONE;
    if (rounds->succeeded)
        rounds->barren = 0;
    else if (rounds->failed && !fewer && rounds->barren++ >= rounds->max_retries)
        return ROUNDS_GIVE_UP;
    for (unsigned i = 0; i < rounds->count && *wait_ms < WAIT_MAX_MS; i++)
        *wait_ms *= 2;
    if (*wait_ms > WAIT_MAX_MS)
        *wait_ms = WAIT_MAX_MS;
    *wait_ms += (int64_t)((double)*wait_ms * dice / 4);
    if (rounds->soonest_ms > *wait_ms)
        *wait_ms = rounds->soonest_ms;
    /* the last look at a job comes when its time is over, not later */
    if (rounds->deadline_ms > 0 && rounds->deadline_ms < *wait_ms)
        *wait_ms = rounds->deadline_ms;
    rounds->count++;
    return ROUNDS_AGAIN;
}
