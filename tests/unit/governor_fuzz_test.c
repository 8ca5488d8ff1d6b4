/* The governor against random servers, in simulated time: ROWFERRY_GOVERNOR_HISTORIES of them,
 * 100000 by default (10000 in the profiles for tests), from ROWFERRY_GOVERNOR_FIRST, 0 by
 * default. In each, after the first request that is accepted after the second pause for a 429, at
 * least 85% of the limit is used, and at most 3% of the requests are 429s. A history has 600
 * windows, or as many waits where those are longer, and at least 2000 requests; three times that if
 * the limit is halved midway, because it is learned again. No wait is ever longer than what the
 * server asked for last, a minute, or the time between two requests at half the pace that it
 * allows.
 */
#include "core/http/governor.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum {
    SECOND_US = 1000000,
    DAY_S = 86400,
    FLIGHTS_MAX = 64,
    LIMIT_MAX = 512,
    SPANS = 600,          /* of a history: windows, or waits where those are longer */
    REQUESTS_MIN = 2000,  /* in a history, at the limit */
    REQUESTS_A_SPAN = 15, /* where the limit may be chosen so */
#ifdef ROWFERRY_CRASH_POINTS
    HISTORIES = 10000, /* the slow profiles */
#else
    HISTORIES = 100000,
#endif
};

enum counting { FIXED_WINDOWS, SLIDING_LOG, TOKEN_BUCKET, COUNTINGS };

/* How a 429 gives the wait. */
enum telling {
    EXACT,
    ROUNDED_UP,
    ROUNDED_DOWN,
    DATE,
    MISSING,
    CONSTANT,
    CONSTANT_DATE,
    QUOTA,
    TELLINGS
};

static const char *const counting_names[] = {"fixed", "sliding", "bucket"};
static const char *const telling_names[] = {"exact",   "up",       "down",          "date",
                                            "missing", "constant", "constant-date", "quota"};

struct world {
    enum counting counting;
    enum telling telling;
    int64_t window_us, constant_us, phase_us;
    unsigned limit, later; /* later: from the middle of the history on */
    double rate_per_s;     /* the client's ceiling; 0: none */
    unsigned concurrency;
    int64_t latency_us, end_us;
};

struct play {
    struct world world;
    uint64_t dice;
    int64_t now_us;
    /* the server */
    int64_t window, filled_us, log_us[LIMIT_MAX];
    unsigned first, count, used;
    double tokens;
    /* the client */
    struct governor governor;
    struct flight {
        int64_t departed_us, answered_us, wait_us;
        bool refused;
    } flights[FLIGHTS_MAX];
    unsigned oldest, in_flight;
    unsigned events; /* pauses for 429s after something was accepted */
    bool accepted_since;
    int64_t measured_us; /* since the second event */
    double allowed_before;
    uint64_t sent, accepted, refused, sent_before, accepted_before, refused_before;
    double share_used, share_refused;
    const char *broken;
};

static double roll(struct play *play)
{
    play->dice ^= play->dice >> 12;
    play->dice ^= play->dice << 25;
    play->dice ^= play->dice >> 27;
    return (double)((play->dice * UINT64_C(2685821657736338717)) >> 11) / 9007199254740992.0;
}

static unsigned pick(struct play *play, unsigned count)
{
    return (unsigned)(roll(play) * count);
}

static double between(struct play *play, double low, double high)
{
    return low * pow(high / low, roll(play));
}

static unsigned limit_at(const struct world *world, int64_t at_us)
{
    return world->later && at_us >= world->end_us / 2 ? world->later : world->limit;
}

static bool server_takes(struct play *play, int64_t at_us, int64_t *wait_us)
{
    const struct world *world = &play->world;
    unsigned limit = limit_at(world, at_us);
    int64_t clock_us = at_us + world->phase_us, window = clock_us / world->window_us;
    double per_us = limit / (double)world->window_us;

    switch (world->counting) {
    case FIXED_WINDOWS:
        if (window != play->window)
            play->used = 0;
        play->window = window;
        *wait_us = world->window_us - clock_us % world->window_us;
        if (play->used >= limit)
            return false;
        play->used++;
        return true;
    case SLIDING_LOG:
        while (play->count && play->log_us[play->first] <= at_us - world->window_us) {
            play->first = (play->first + 1) % LIMIT_MAX;
            play->count--;
        }
        *wait_us = 0;
        if (play->count >= limit) {
            unsigned leaves = (play->first + play->count - limit) % LIMIT_MAX;
            *wait_us = play->log_us[leaves] + world->window_us - at_us;
            return false;
        }
        play->log_us[(play->first + play->count++) % LIMIT_MAX] = at_us;
        return true;
    case TOKEN_BUCKET:
    case COUNTINGS:
        play->tokens += per_us * (double)(at_us - play->filled_us);
        play->filled_us = at_us;
        if (play->tokens > limit)
            play->tokens = limit;
        *wait_us = (int64_t)((1 - play->tokens) / per_us) + 1;
        if (play->tokens < 1)
            return false;
        play->tokens--;
        return true;
    }
    return false;
}

static int64_t heard_us(struct play *play, int64_t at_us, int64_t wait_us)
{
    const struct world *world = &play->world;
    int64_t clock_us = at_us + world->phase_us;

    switch (world->telling) {
    case EXACT:
        return wait_us;
    case ROUNDED_UP:
        return (wait_us + SECOND_US - 1) / SECOND_US * SECOND_US;
    case ROUNDED_DOWN:
        return wait_us / SECOND_US * SECOND_US;
    case DATE:
        return ((clock_us + wait_us + SECOND_US - 1) / SECOND_US - clock_us / SECOND_US) *
               SECOND_US;
    case MISSING:
        return -1;
    case CONSTANT:
        return world->constant_us;
    case CONSTANT_DATE:
        return world->constant_us + (clock_us % SECOND_US ? SECOND_US : 0);
    case QUOTA:
    case TELLINGS:
        break;
    }
    return (int64_t)DAY_S * SECOND_US;
}

static double allowed_until(const struct world *world, int64_t at_us)
{
    int64_t half_us = world->end_us / 2;
    double window_us = (double)world->window_us;

    if (!world->later || at_us <= half_us)
        return world->limit * (double)at_us / window_us;
    return (world->limit * (double)half_us + world->later * (double)(at_us - half_us)) / window_us;
}

static void depart(struct play *play)
{
    unsigned slot = (play->oldest + play->in_flight++) % FLIGHTS_MAX;
    int64_t wait_us = 0;

    governor_departed(&play->governor, play->now_us);
    play->sent++;
    play->flights[slot].departed_us = play->now_us;
    play->flights[slot].answered_us = play->now_us + play->world.latency_us;
    play->flights[slot].refused =
        !server_takes(play, play->now_us + play->world.latency_us / 2, &wait_us);
    if (play->flights[slot].refused)
        play->flights[slot].wait_us =
            heard_us(play, play->now_us + play->world.latency_us / 2, wait_us);
}

static void begin_measure(struct play *play)
{
    play->measured_us = play->now_us;
    play->allowed_before = allowed_until(&play->world, play->now_us);
    play->sent_before = play->sent;
    play->accepted_before = play->accepted;
    play->refused_before = play->refused;
}

static void take_answer(struct play *play)
{
    const struct flight *flight = &play->flights[play->oldest];

    play->oldest = (play->oldest + 1) % FLIGHTS_MAX;
    play->in_flight--;
    if (flight->refused) {
        governor_refused(&play->governor,
                         &(struct governor_refusal){flight->departed_us, flight->wait_us},
                         roll(play), play->now_us);
        play->refused++;
        if (play->accepted_since)
            play->events++;
        play->accepted_since = false;
        return;
    }
    if (play->events == 2 && !play->accepted_since)
        begin_measure(play);
    play->accepted++;
    play->accepted_since = true;
    governor_accepted(&play->governor, flight->departed_us, play->now_us);
}

/* The longest time without a departure that is allowed. */
static int64_t rightful_us(const struct world *world)
{
    double spacing_us = (double)world->window_us / (world->later ? world->later : world->limit);
    int64_t wait_us = 61LL * SECOND_US;

    if (world->telling == QUOTA)
        wait_us = (DAY_S + 1LL) * SECOND_US;
    else if (world->telling == CONSTANT || world->telling == CONSTANT_DATE)
        wait_us += world->constant_us;
    else if (world->telling != MISSING)
        wait_us += world->window_us;
    /* a pace can be learned from a single request in a pause of that length, and halved once */
    return 2 * wait_us + (int64_t)(8 * spacing_us);
}

static void run(struct play *play)
{
    const struct world *world = &play->world;
    int64_t rightful = rightful_us(world);

    while (play->now_us < world->end_us && !play->broken) {
        int64_t wait_us = governor_wait_us(&play->governor, play->now_us);
        int64_t leave_us = play->now_us + wait_us;

        if (wait_us > rightful)
            play->broken = "silent";
        if (play->in_flight < world->concurrency &&
            (!play->in_flight || leave_us <= play->flights[play->oldest].answered_us)) {
            if (leave_us >= world->end_us)
                break;
            if (!governor_allows(&play->governor, play->now_us, wait_us))
                play->broken = "nothing is allowed when its time has come";
            play->now_us = leave_us;
            depart(play);
        } else {
            play->now_us = play->flights[play->oldest].answered_us;
            take_answer(play);
        }
    }
}

static const double windows_s[] = {1, 10, 60, 3600};
static const double constants_s[] = {0, 1, 2, 3, 5, 30, 60, 61, 120};

#define ANY(play, array) ((array)[pick(play, sizeof(array) / sizeof *(array))])

static void invent(struct play *play)
{
    struct world *world = &play->world;
    double window_s = pick(play, 2) ? ANY(play, windows_s) : between(play, 1, 3600);
    double constant_s =
        pick(play, 4) ? ANY(play, constants_s) : floor(window_s * (1 + pick(play, 2)));
    double limit = between(play, 5, 200), span_s = fmax(window_s, 6), per_s;

    world->counting = pick(play, COUNTINGS);
    world->telling = pick(play, TELLINGS);
    constant_s = fmin(constant_s, fmin(3600, (pick(play, 8) ? 8 : 60) * window_s));
    if (world->telling == CONSTANT || world->telling == CONSTANT_DATE)
        span_s = fmax(span_s, constant_s);
    /* no more requests than a test has time for */
    limit = floor(fmax(5, fmin(limit, REQUESTS_A_SPAN * window_s / span_s)));
    per_s = limit / window_s;
    world->limit = (unsigned)limit;
    world->window_us = (int64_t)(window_s * SECOND_US);
    world->constant_us = (int64_t)constant_s * SECOND_US;
    world->phase_us = (int64_t)(roll(play) * (double)world->window_us);
    world->rate_per_s = pick(play, 3) ? per_s * between(play, 1.05, 20) : 0;
    world->concurrency = 1 + pick(play, FLIGHTS_MAX);
    world->latency_us =
        (int64_t)(1e6 * fmin(between(play, 0.002, 0.3), world->concurrency / per_s / 1.3));
    world->end_us = (int64_t)(1e6 * fmax(SPANS * span_s, REQUESTS_MIN / per_s));
    if (pick(play, 4) == 0) {
        world->later = (world->limit + 1) / 2;
        world->end_us *= 3;
    }
}

/* Plays a history. Returns the bound that it breaks, or NULL. A quota of hours is only waited for.
 */
static const char *play_history(struct play *play, uint64_t number)
{
    const struct world *world = &play->world;
    double sent;

    *play = (struct play){.dice = (number + 1) * UINT64_C(0x9E3779B97F4A7C15), .window = -1};
    for (int i = 0; i < 3; i++)
        roll(play);
    invent(play);
    play->tokens = world->limit;
    governor_init(&play->governor, world->rate_per_s);
    run(play);
    if (play->broken || play->events < 2 || play->measured_us == 0 || world->telling == QUOTA)
        return play->broken;
    play->share_used = (double)(play->accepted - play->accepted_before) /
                       (allowed_until(world, world->end_us) - play->allowed_before);
    sent = (double)(play->sent - play->sent_before);
    play->share_refused = (double)(play->refused - play->refused_before) / sent;
    if (play->share_used < 0.85)
        return "less than 85% of the limit is used";
    return play->share_refused > 0.03 ? "more than 3% of the requests are 429s" : NULL;
}

static uint64_t setting(const char *name, uint64_t by_default)
{
    const char *text = getenv(name);

    return text && text[0] ? strtoull(text, NULL, 10) : by_default;
}

static void every_server_is_used_well_and_rarely_exceeded(void **state)
{
    uint64_t first = setting("ROWFERRY_GOVERNOR_FIRST", 0);
    uint64_t count = setting("ROWFERRY_GOVERNOR_HISTORIES", HISTORIES), broken = 0;
    static struct play play;

    (void)state;
    for (uint64_t number = first; number < first + count; number++) {
        const struct world *world = &play.world;
        const char *what = play_history(&play, number);

        if (!what)
            continue;
        broken++;
        fprintf(stderr,
                "history %llu: %s: %s, %u%s in %.3f s, Retry-After %s %.0f, rate %.4f/s, %u at a "
                "time of %.3f s: used %.4f, refused %.4f in %u pauses\n",
                (unsigned long long)number, what, counting_names[world->counting], world->limit,
                world->later ? " (then half)" : "", (double)world->window_us / 1e6,
                telling_names[world->telling], (double)world->constant_us / 1e6, world->rate_per_s,
                world->concurrency, (double)world->latency_us / 1e6, play.share_used,
                play.share_refused, play.events);
    }
    assert_int_equal(broken, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_server_is_used_well_and_rarely_exceeded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
