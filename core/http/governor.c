/* How the limit is learned. A server counts requests in windows that it alone sees: of a second, a
 * minute, an hour, aligned to its own clock or sliding, and its Retry-After tells the end of one,
 * rounded up to whole seconds. `The period before` a 429 is therefore taken to end where the window
 * can end earliest (the wait less the second of rounding) and to begin where we last resumed, which
 * was the beginning of a window; it is never longer than the shortest of second, minute and hour
 * that holds the longest wait seen, for a window never asks for more than its own length, and never
 * shorter than a second, for Retry-After knows nothing finer. So a short window is measured over
 * itself, 300 a minute over the minute although all of it was used up in its first second, and a
 * limit that fell at its first 429 or, where our own pauses blur the picture, in steps of 3%.
 *
 * Before the first 429 nobody knows when the window began, nor what others used of it: then the
 * wait is left out of the period, and a few requests teach nothing. The estimate can only be too
 * high, and the next window mends it. */
#include "core/http/governor.h"

enum {
    SECOND_US = 1000000,
    CAUGHT_UP = 2,    /* requests that may leave at one moment because the schedule was missed */
    HELD_PERIODS = 8, /* before the pace is probed upwards */
    ENOUGH = 50,      /* accepted, to learn from a window that may not have been all ours */
    BLOCK = 100,      /* accepted, that make a rate of the recent past: known to 1% */
    LONGEST_S = 60,   /* of a pause that the server did not ask for */
};

static const int64_t quota_us = INT64_C(3600) * SECOND_US; /* a longer wait is a quota, no pace */

/* Share of the ceiling that is used. With one spacing of arrears (CAUGHT_UP above) a window of one
 * second at 100/s then sees at most 98.5 + 2 departures, and a window of a minute at 300/m 297.5:
 * a fixed-window limit equal to the ceiling is not touched, wherever its windows begin. */
static const double CEILING_SHARE = 0.985;
static const double LEARNED_SHARE = 0.97;
static const double PROBE_PER_S = 0.002;

void governor_init(struct governor *governor, double rate_per_s)
{
    double least_us = rate_per_s > 0 ? 1e6 / (CEILING_SHARE * rate_per_s) : 0;

    *governor = (struct governor){.least_us = least_us, .spacing_us = least_us};
}

/* The schedule's next place as seen at now_us: what was missed beyond CAUGHT_UP is gone. */
static double next_place_us(const struct governor *governor, int64_t now_us)
{
    double oldest_us = (double)now_us - (CAUGHT_UP - 1) * governor->spacing_us;

    return governor->next_us > oldest_us ? governor->next_us : oldest_us;
}

int64_t governor_wait_us(const struct governor *governor, int64_t now_us)
{
    double early_us = governor->next_us - (double)now_us;
    int64_t paused_us = governor->paused_until_us - now_us;
    int64_t wait_us = 0;

    if (governor->spacing_us > 0 && early_us > 0) {
        wait_us = (int64_t)early_us;
        wait_us += (double)wait_us < early_us; /* rounded up: never a moment too early */
    }
    return paused_us > wait_us ? paused_us : wait_us;
}

uint32_t governor_allows(const struct governor *governor, int64_t now_us, int64_t within_us)
{
    int64_t end_us = now_us + within_us;
    double first_us, count;

    if (governor->paused_until_us > end_us)
        return 0;
    if (governor->spacing_us <= 0)
        return UINT32_MAX;
    first_us = next_place_us(governor, now_us);
    if (first_us > (double)end_us)
        return 0;
    count = ((double)end_us - first_us) / governor->spacing_us + 1;
    count += 1e-6; /* two spacings may come out as 1.9999999999 */
    return count >= (double)UINT32_MAX ? UINT32_MAX : (uint32_t)count;
}

static void begin_count(struct governor *governor, int64_t since_us, bool whole)
{
    struct governor_count empty = {.since_us = since_us};

    governor->counting = true;
    governor->whole = whole;
    governor->total = governor->recent = governor->block = empty;
}

/* A learned pace creeps up while it is used: a silence proves nothing. */
static void probe(struct governor *governor, int64_t now_us)
{
    double elapsed_us = (double)(now_us - governor->departed_us);

    if (governor->spacing_us <= governor->least_us || now_us < governor->hold_until_us)
        return;
    if (elapsed_us > CAUGHT_UP * governor->spacing_us)
        elapsed_us = CAUGHT_UP * governor->spacing_us;
    governor->spacing_us /= 1 + PROBE_PER_S * elapsed_us / 1e6;
    if (governor->spacing_us < governor->least_us)
        governor->spacing_us = governor->least_us;
}

void governor_departed(struct governor *governor, int64_t now_us)
{
    if (!governor->counting)
        begin_count(governor, now_us, false);
    if (governor->refused && !governor->resumed) {
        governor->resumed = true;
        governor->resumed_us = now_us;
        governor->hold_until_us = now_us + HELD_PERIODS * governor->period_us;
    }
    probe(governor, now_us);
    governor->departed_us = now_us;
    governor->next_us = next_place_us(governor, now_us) + governor->spacing_us;
}

/* The schedule stands still meanwhile: a pause earns nothing to catch up. */
static void stand_still(struct governor *governor, int64_t until_us)
{
    governor->paused_until_us = until_us;
    if (governor->next_us < (double)until_us)
        governor->next_us = (double)until_us;
}

static int64_t period_of(int64_t wait_us)
{
    static const int64_t lengths_s[] = {1, 60};

    for (unsigned i = 0; i < sizeof lengths_s / sizeof *lengths_s; i++)
        if (wait_us <= lengths_s[i] * SECOND_US)
            return lengths_s[i] * SECOND_US;
    return quota_us;
}

/* Sets the pace by what was accepted in the period before the 429; again when an answer comes in
 * that was under way, or another 429 that tells more of the window. */
static void learn(struct governor *governor)
{
    int64_t since_us = governor->total.since_us;
    int64_t end_us = governor->whole ? governor->window_end_us : governor->refused_us;
    int64_t longest_us = period_of(governor->longest_us), period_us = end_us - since_us;
    double accepted = (double)governor->total.accepted, per_s;

    if (governor->total.accepted < (governor->whole ? 1 : ENOUGH) ||
        governor->window_end_us - governor->refused_us > quota_us)
        return;
    if (period_us > longest_us) {
        /* only the last part of the count, at the rate of the last blocks */
        const struct governor_count *recent = &governor->recent;
        double per_us = (double)(recent->accepted + governor->block.accepted) /
                        (double)(governor->refused_us - recent->since_us + 1);

        period_us = longest_us;
        accepted = per_us * (double)(period_us - (end_us - governor->refused_us));
    } else if (period_us < SECOND_US) {
        period_us = SECOND_US;
    }
    per_s = accepted / (double)period_us * 1e6;
    if (governor->before_per_s > 0 && per_s > governor->before_per_s)
        per_s = governor->before_per_s; /* a 429 makes nobody faster */
    governor->period_us = period_us;
    governor->spacing_us = 1e6 / (LEARNED_SHARE * per_s);
    if (governor->spacing_us < governor->least_us)
        governor->spacing_us = governor->least_us;
}

static void count(struct governor *governor, int64_t now_us)
{
    struct governor_count *block = &governor->block;

    governor->total.accepted++;
    block->accepted++;
    if (block->accepted < BLOCK || now_us - block->since_us < SECOND_US)
        return;
    governor->recent = *block;
    *block = (struct governor_count){.since_us = now_us};
}

void governor_accepted(struct governor *governor, int64_t departed_us, int64_t now_us)
{
    if (!governor->counting || departed_us < governor->total.since_us)
        return;
    if (governor->refused && governor->resumed && departed_us >= governor->resumed_us) {
        governor->refused = false;
        governor->pauses = 0;
        begin_count(governor, governor->resumed_us, true);
    }
    count(governor, now_us);
    if (governor->refused)
        learn(governor); /* it was in flight when the 429 came */
}

/* A first 429, or one that shows that the pause for the last was too short. */
static void note_refusal(struct governor *governor, int64_t now_us)
{
    if (!governor->refused) {
        governor->refused_us = governor->window_end_us = now_us;
        governor->before_per_s = governor_rate_per_s(governor);
    }
    governor->counting = governor->refused = true;
    governor->resumed = false;
    governor->pauses++;
}

/* 1 s, doubled with each pause in a row after the first. */
static int64_t doubled_us(unsigned pauses)
{
    int64_t seconds = 1;

    for (unsigned i = 1; i < pauses && seconds < LONGEST_S; i++)
        seconds *= 2;
    return (seconds < LONGEST_S ? seconds : LONGEST_S) * SECOND_US;
}

/* How long to wait for a 429: as it says, but longer each time when that was too short. */
static int64_t wait_for(const struct governor *governor, int64_t told_us)
{
    int64_t least_us;

    if (told_us < 0)
        return doubled_us(governor->pauses);
    least_us = governor->pauses > 1 ? doubled_us(governor->pauses - 1) : 0;
    return told_us > least_us ? told_us : least_us;
}

int64_t governor_refused(struct governor *governor, const struct governor_refusal *refusal,
                         double dice, int64_t now_us)
{
    int64_t wait_us = refusal->wait_us, until_us;

    if (governor->refused ? governor->resumed && refusal->departed_us >= governor->resumed_us
                          : refusal->departed_us >= governor->total.since_us)
        note_refusal(governor, now_us);
    else if (wait_us < 0)
        return 0; /* the pause for it runs already, or is over */
    wait_us = wait_for(governor, wait_us);
    until_us = now_us + wait_us;
    if (governor->refused) {
        if (until_us - SECOND_US > governor->window_end_us)
            governor->window_end_us = until_us - SECOND_US;
        if (governor->window_end_us - governor->refused_us > governor->longest_us)
            governor->longest_us = governor->window_end_us - governor->refused_us;
        learn(governor);
    }
    if (until_us > governor->paused_until_us)
        stand_still(governor, until_us + (int64_t)(GOVERNOR_JITTER_US * dice));
    return wait_us;
}

void governor_pause(struct governor *governor, int64_t until_us)
{
    if (!governor->refused)
        governor->counting = false; /* it begins anew, where nothing is known of any window */
    if (until_us > governor->paused_until_us)
        stand_still(governor, until_us);
}

bool governor_paused(const struct governor *governor, int64_t now_us)
{
    return governor->paused_until_us > now_us;
}

double governor_rate_per_s(const struct governor *governor)
{
    return governor->spacing_us > 0 ? 1e6 / governor->spacing_us : 0;
}

double governor_learned_per_s(const struct governor *governor)
{
    return governor->spacing_us > governor->least_us ? governor_rate_per_s(governor) : 0;
}
