/* How the limit is learned. A server counts requests in windows that only it knows, of a second to
 * an hour, fixed, sliding, or as a bucket that refills. Its Retry-After is the end of a window, or
 * a constant, or missing. What is certain after a 429:
 *
 *   - The pace that was refused is too high.
 *   - What was accepted since the last pause, divided by the time until the pause for this 429 ends
 *     (`cycle`), is not too high, because the server has accepted it. Once a pace is known to have
 *     held, nothing below half of the refused pace is learned, and before that nothing below the
 *     cycle. So no pace is ever 0.
 *
 * With waits that end with the window, the cycle is a number of whole windows and therefore the
 * limit itself. Such waits differ each time and are never too short. With other waits the limit is
 * somewhere between cycle and refused pace (`wide`): the pace starts low, and then closes a third
 * of the gap in each period. The length of a period follows from the waits and from the paces that
 * hold: it is doubled when a pace fails that seemed to hold.
 *
 * A pace that has held for two periods and is refused while it is probed upwards confirms the
 * limit: the pace goes back to 97% of it, and it takes twice as long until the next probe. A pace
 * that is refused while it is held shows that the limit has fallen. */
#include "core/http/governor.h"

#include <math.h>
#include <stdlib.h>

enum {
    SECOND_US = 1000000,
    CAUGHT_UP = 2,    /* requests that may leave at one moment because the schedule was missed */
    HELD_PERIODS = 8, /* before the pace is probed upwards ... */
    WIDE_PERIODS = 4, /* ... or less, when the limit is not known well */
    FAILURES_MAX = 4, /* doublings of that */
    MISSES_MAX = 5,
    ALONE_US =
        SECOND_US,  /* the first request after a second pause in a row is alone for that long */
    ENOUGH = 50,    /* accepted, to learn from a window that was perhaps shared */
    SAMPLE = 16,    /* requests that a period has at least */
    LONGEST_S = 60, /* of a pause that the server did not ask for */
    LONG_US = 20 * SECOND_US, /* a period that makes a second of rounding negligible */
};

static const int64_t quota_us =
    INT64_C(3660) * SECOND_US; /* a longer wait is a quota, not a pace */

/* Share of the ceiling that is used. With one spacing to catch up (CAUGHT_UP above) a window of one
 * second at 100/s then sees at most 98.5 + 2 departures, and a window of a minute at 300/m 297.5:
 * a fixed-window limit equal to the ceiling is never reached, wherever its windows begin. */
static const double CEILING_SHARE = 0.985;
static const double LEARNED_SHARE = 0.97;
static const double PROBE_PER_S = 0.002;
static const double PROBE_A_PERIOD =
    0.12;                           /* at most: it is the smaller one where periods are long */
static const double PROBED = 0.975; /* of the limit: a pace above it was probed */
static const double REFUTED = 1.06; /* of the limit: a pace above it shows that it is higher */
static const double NARROW = 1.15;  /* a smaller gap up to the refused pace is not wide */
static const double SPACING_MAX_US = 3600e6;

void governor_init(struct governor *governor, double rate_per_s)
{
    double least_us = rate_per_s > 0 ? 1e6 / (CEILING_SHARE * rate_per_s) : 0;

    *governor = (struct governor){.least_us = least_us, .spacing_us = least_us};
}

/* The next place in the schedule at now_us: places missed beyond CAUGHT_UP are lost. */
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

    if (early_us > 0) {
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
    count += 1e-6; /* two spacings can come out as 1.9999999999 */
    return count >= (double)UINT32_MAX ? UINT32_MAX : (uint32_t)count;
}

static void begin_count(struct governor *governor, int64_t since_us, bool whole)
{
    governor->counting = true;
    governor->whole = whole;
    governor->since_us = since_us;
    governor->accepted = 0;
}

/* Growth of the pace per second, as a share of the pace. Near the limit and near the refused pace
 * it is small; between them it closes a third of the gap in a period; above them it doubles the
 * pace in a period. */
static double growth(const struct governor *governor, double per_s)
{
    const struct governor_limit *limit = &governor->limit;
    double period_s = (double)limit->period_us / 1e6;
    double creep = fmin(PROBE_PER_S, PROBE_A_PERIOD / period_s);

    if (per_s < REFUTED * limit->per_s)
        return creep;
    if (per_s < limit->bad_per_s)
        return fmax(creep, log(limit->bad_per_s / per_s) / (3 * period_s));
    return per_s < REFUTED * limit->bad_per_s ? creep : M_LN2 / period_s;
}

static void set_spacing(struct governor *governor, double spacing_us)
{
    governor->spacing_us = fmax(fmin(spacing_us, SPACING_MAX_US), governor->least_us);
}

/* Grows a learned pace while it is used: a time without requests proves nothing. */
static void probe(struct governor *governor, int64_t now_us)
{
    double elapsed_us = (double)(now_us - governor->departed_us), per_s;

    if (governor->spacing_us <= governor->least_us || !governor->limit.period_us)
        return;
    elapsed_us = fmin(elapsed_us, CAUGHT_UP * governor->spacing_us);
    per_s = governor_rate_per_s(governor);
    governor->recent_per_s += (per_s - governor->recent_per_s) *
                              fmin(1, 2 * elapsed_us / (double)governor->limit.period_us);
    if (now_us >= governor->hold_until_us)
        set_spacing(governor,
                    governor->spacing_us / (1 + growth(governor, per_s) * elapsed_us / 1e6));
}

/* Stops the schedule until then: a pause leaves no places to catch up. */
static void hold_schedule(struct governor *governor, int64_t until_us)
{
    governor->paused_until_us = until_us;
    if (governor->next_us < (double)until_us)
        governor->next_us = (double)until_us;
}

static void resume(struct governor *governor, int64_t now_us)
{
    int64_t paused_us = now_us - governor->refused_us;

    governor->resumed = true;
    governor->resumed_us = now_us;
    governor->hold_until_us = now_us + governor->hold_us;
    governor->recent_per_s = governor_rate_per_s(governor);
    if (governor->limit.per_s > 0 && governor->limit.period_us < paused_us)
        governor->limit.period_us = paused_us < quota_us ? paused_us : quota_us;
    if (governor->pauses > 1)
        hold_schedule(governor, now_us + ALONE_US); /* the first request is a test */
}

void governor_departed(struct governor *governor, int64_t now_us)
{
    if (!governor->counting)
        begin_count(governor, now_us, false);
    if (governor->refused && !governor->resumed)
        resume(governor, now_us);
    probe(governor, now_us);
    governor->departed_us = now_us;
    governor->next_us = next_place_us(governor, now_us) + governor->spacing_us;
}

/* What a 429 shows about the time since the pause before it. */
struct shown {
    double used_s;      /* until the 429, a second at least */
    double wait_s;      /* from there until the window ends */
    double cycle_per_s; /* accepted on average until then */
};

/* Learns from a refusal within two periods: the limit follows from the count. */
static void learn_count(const struct governor *governor, const struct shown *shown,
                        struct governor_limit *limit)
{
    const struct governor_limit *before = &governor->before;
    int64_t used_us = governor->refused_us - governor->since_us;
    double bad_per_s = limit->bad_per_s, least_per_s;

    limit->per_s = shown->cycle_per_s;
    limit->settled = false;
    if (!governor->exact && governor->pauses == 1 && governor->named_us >= 0) {
        /* a constant is often the length of the window: so much was accepted in one window, or in
         * two, which is more likely the longer it took */
        double most_per_s =
            fmin(bad_per_s, (double)governor->accepted / fmax(shown->used_s, shown->wait_s));
        double used_share = shown->used_s / shown->wait_s;
        double cycle_share =
            used_share < 0.1 ? 1 : 0.7 * sqrt(fmin(fmax((used_share - 0.7) / 0.3, 0), 1));

        limit->per_s = pow(limit->per_s, cycle_share) * pow(most_per_s, 1 - cycle_share);
    }
    if (before->per_s > 0) {
        limit->misses = limit->per_s > LEARNED_SHARE * bad_per_s ? before->misses + 1 : 0;
        limit->misses = limit->misses < MISSES_MAX ? limit->misses : MISSES_MAX;
        limit->per_s = fmin(limit->per_s, (1 - 0.03 * limit->misses) * bad_per_s);
    }
    if (before->known) {
        least_per_s = before->settled && used_us < before->period_us / 4 ? 0.9 : 0.5;
        limit->per_s = fmax(limit->per_s, least_per_s * bad_per_s);
    }
    limit->wide = limit->per_s * NARROW < bad_per_s &&
                  (!governor->exact || (used_us < SECOND_US && governor->named_us >= 0 &&
                                        governor->named_us < SECOND_US / 2));
}

/* Learns from a refusal of a pace that was held: the limit has fallen. Or a bucket has emptied
 * slowly. */
static void learn_fall(const struct governor *governor, const struct shown *shown,
                       struct governor_limit *limit)
{
    int64_t used_us = governor->refused_us - governor->since_us;

    limit->per_s = fmin(shown->cycle_per_s, (governor->exact ? 0.98 : 0.95) * limit->bad_per_s);
    limit->period_us =
        used_us / 2 < 2 * governor->before.period_us ? used_us / 2 : 2 * governor->before.period_us;
    limit->wide = limit->settled = limit->known = true;
}

/* Learns from a refusal of a pace that was probed: the limit is as before, or as it has proved. */
static void learn_probe(const struct governor *governor, const struct shown *shown,
                        struct governor_limit *limit)
{
    const struct governor_limit *before = &governor->before;
    double missed = shown->wait_s * 1e6 / (double)before->period_us;
    double most_per_s = fmax(before->per_s, governor->recent_per_s);

    if (governor->exact && before->period_us >= LONG_US)
        most_per_s = fmin(most_per_s, governor->recent_per_s * (1 - fmin(missed, 0.5)));
    limit->per_s = fmax(shown->cycle_per_s, most_per_s);
    limit->period_us = before->period_us;
    limit->settled = limit->known = true;
    if (limit->bad_per_s <= REFUTED * 1.05 * before->per_s) {
        limit->per_s = sqrt(limit->per_s * before->per_s);
        limit->failures = before->failures < FAILURES_MAX ? before->failures + 1 : FAILURES_MAX;
        return;
    }
    limit->wide = true;
    if (!governor->exact || missed <= 0.02)
        limit->period_us *= 2;
}

/* The refused pace: ours, or what was accepted if that is more. */
static double refused_pace(const struct governor *governor, double used_s)
{
    double accepted = (double)governor->accepted;
    int64_t used_us = governor->refused_us - governor->since_us;

    if (governor->before_per_s <= 0)
        return accepted / fmax(0.01, (double)used_us / 1e6);
    return used_us < SECOND_US ? governor->before_per_s
                               : fmax(governor->before_per_s, accepted / used_s);
}

/* Sets the pace by what was accepted before the 429; again when an answer comes to a request from
 * before it, or another 429 that shows more of the window. */
static void learn(struct governor *governor)
{
    const struct governor_limit *before = &governor->before;
    int64_t used_us = governor->refused_us - governor->since_us;
    int64_t wait_us = governor->window_end_us - governor->refused_us;
    int64_t period_us = used_us + wait_us > SECOND_US ? used_us + wait_us : SECOND_US;
    struct governor_limit limit = {.known = before->known};
    struct shown shown = {(double)(used_us > SECOND_US ? used_us : SECOND_US) / 1e6,
                          (double)wait_us / 1e6, 0};
    double sample_per_s;

    if (governor->accepted < (governor->whole ? 1 : ENOUGH) || wait_us > quota_us)
        return;
    limit.bad_per_s = refused_pace(governor, shown.used_s);
    shown.cycle_per_s = fmin((double)governor->accepted / (double)period_us * 1e6, limit.bad_per_s);
    limit.period_us = period_us;
    if (!governor->whole && period_us > 2 * wait_us)
        limit.period_us = 2 * wait_us > SECOND_US ? 2 * wait_us : SECOND_US;
    if (before->per_s <= 0 || used_us < 2 * before->period_us)
        learn_count(governor, &shown, &limit);
    else if (limit.bad_per_s <= PROBED * before->per_s)
        learn_fall(governor, &shown, &limit);
    else
        learn_probe(governor, &shown, &limit);
    sample_per_s = limit.wide ? sqrt(limit.per_s * limit.bad_per_s) : limit.per_s;
    limit.period_us = (int64_t)fmax((double)limit.period_us, SAMPLE * 1e6 / sample_per_s);
    if (limit.period_us < before->period_us)
        limit.period_us = before->period_us;
    governor->hold_us = (limit.wide && limit.settled ? WIDE_PERIODS : HELD_PERIODS) *
                        (limit.period_us << limit.failures);
    governor->limit = limit;
    set_spacing(governor, 1e6 / (LEARNED_SHARE * limit.per_s));
}

void governor_accepted(struct governor *governor, int64_t departed_us, int64_t now_us)
{
    if (!governor->counting || departed_us < governor->since_us)
        return;
    if (governor->refused && governor->resumed && departed_us >= governor->resumed_us) {
        governor->refused = false;
        if (governor->pauses > 1 && governor->paused_until_us <= governor->resumed_us + ALONE_US) {
            governor->paused_until_us = now_us;
            governor->next_us = (double)governor->resumed_us + governor->spacing_us;
        }
        governor->pauses = 0;
        begin_count(governor, governor->resumed_us, true);
    }
    governor->accepted++;
    if (governor->refused)
        learn(governor); /* it was in flight when the 429 came */
}

/* Notes a first 429, or one that shows that the pause for the last one was too short. */
static void note_refusal(struct governor *governor, int64_t now_us)
{
    if (!governor->refused) {
        governor->refused_us = governor->window_end_us = now_us;
        governor->before_per_s = governor_rate_per_s(governor);
        governor->before = governor->limit;
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

/* How long to wait after a 429: as it says, but longer each time when that was too short. */
static int64_t wait_for(const struct governor *governor, int64_t named_us)
{
    int64_t least_us;

    if (named_us < 0)
        return doubled_us(governor->pauses);
    least_us = governor->pauses > 1 ? doubled_us(governor->pauses - 1) : 0;
    return named_us > least_us ? named_us : least_us;
}

/* Decides whether the waits end with a window: then they differ from 429 to 429 (by more than
 * rounding) unless they are as short as they can be, and are never too short. */
static void weigh(struct governor *governor, int64_t named_us)
{
    if (governor->pauses > 1)
        governor->too_short = true;
    else if (governor->named_us > 0 && named_us >= 0 &&
             llabs(named_us - governor->named_us) > SECOND_US + SECOND_US / 2)
        governor->varied = true;
    governor->named_us = named_us;
    governor->exact = !governor->too_short && (governor->varied || named_us <= SECOND_US);
}

/* Notes the earliest end of the server's window, because Retry-After is rounded up to seconds. A
 * wait of our own, where none was named or it was too short, ends later. */
static void note_end(struct governor *governor, int64_t named_us, int64_t wait_us, int64_t now_us)
{
    int64_t end_us = now_us + wait_us - SECOND_US;

    if (named_us < 0 || governor->pauses > 1)
        end_us = governor->whole && governor->pauses > 1 ? now_us + wait_us / 2 : 0;
    if (end_us > governor->window_end_us)
        governor->window_end_us = end_us;
}

int64_t governor_refused(struct governor *governor, const struct governor_refusal *refusal,
                         double dice, int64_t now_us)
{
    int64_t named_us = refusal->wait_us, wait_us, until_us;

    if (governor->refused ? governor->resumed && refusal->departed_us >= governor->resumed_us
                          : refusal->departed_us >= governor->since_us) {
        note_refusal(governor, now_us);
        weigh(governor, named_us);
    } else if (named_us < 0) {
        return 0; /* the pause for it runs already, or is over */
    }
    wait_us = wait_for(governor, named_us);
    until_us = now_us + wait_us;
    if (governor->refused) {
        note_end(governor, named_us, wait_us, now_us);
        learn(governor);
    }
    if (until_us > governor->paused_until_us)
        hold_schedule(governor, until_us + (int64_t)(GOVERNOR_JITTER_US * dice));
    return wait_us;
}

void governor_pause(struct governor *governor, int64_t until_us)
{
    if (!governor->refused)
        governor->counting = false; /* it begins again, and nothing is known about the window */
    if (until_us > governor->paused_until_us)
        hold_schedule(governor, until_us);
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
