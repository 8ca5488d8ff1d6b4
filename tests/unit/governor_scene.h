/* A server with a limit, and a client that is paced by a governor, both in simulated time. */
#pragma once

#include "core/http/governor.h"

#include <stdio.h>
#include <string.h>

enum { SECOND_US = 1000000, SLIDING_MAX = 512, CLIENT_MAX = 64, RUNS = 20 };

/* How requests are counted. */
enum counting {
    FIXED_WINDOWS, /* aligned to the server's clock */
    SLIDING_LOG,   /* of the last window's length */
    TOKEN_BUCKET,  /* that holds one window's worth */
};

/* How a 429 gives the wait, as the client sees it. */
enum telling {
    WHOLE_SECONDS, /* rounded up */
    DATE,          /* a date, rounded up, against the answer's Date, rounded down */
    NOTHING,
    CONSTANT, /* constant_s, whatever the wait is */
};

struct scenario {
    double rate_per_s; /* --rate; 0: none */
    unsigned concurrency;
    int64_t latency_ms; /* there and back, with up to a tenth of jitter */
    int64_t duration_s;
    enum counting counting;
    enum telling telling;
    double limit; /* requests a window */
    int64_t window_s;
    double limit_later;      /* from the middle of the scenario on; 0: as before */
    int64_t outage_from_s;   /* every answer is 503 with Retry-After 30 ... */
    int64_t outage_length_s; /* ... for that long; 0: no outage */
    int64_t patience_s;      /* a longer wait ends the run; 0: none does */
    int64_t constant_s;      /* what a CONSTANT 429 names */
};

struct server {
    const struct scenario *scenario;
    int64_t phase_us; /* its clock is so much ahead */
    int64_t window, left_us[SLIDING_MAX];
    size_t first, count;
    double used, tokens;
    int64_t filled_us;
};

struct flight {
    bool under_way;
    int64_t departed_us, answered_us, wait_us;
    int status;
};

struct play {
    struct server server;
    struct governor governor;
    struct flight flights[CLIENT_MAX];
    unsigned in_flight;
    uint64_t dice;
    int64_t now_us, parked_us; /* parked_us: the wait that ended the run, or 0 */
    uint64_t sent, accepted, refused, unavailable;
};

/* Of several runs with the windows at other places each time. */
struct span_of_runs {
    double minimum, maximum, mean;
};

struct outcome {
    struct span_of_runs used;    /* accepted, as a share of what the limit would have allowed */
    struct span_of_runs refused; /* 429s, as a share of what was sent */
};

static inline double roll(struct play *play)
{
    play->dice ^= play->dice >> 12;
    play->dice ^= play->dice << 25;
    play->dice ^= play->dice >> 27;
    return (double)((play->dice * UINT64_C(2685821657736338717)) >> 11) / 9007199254740992.0;
}

static inline double limit_at(const struct scenario *scenario, int64_t at_us)
{
    bool later = scenario->limit_later > 0 && at_us >= scenario->duration_s * SECOND_US / 2;

    return later ? scenario->limit_later : scenario->limit;
}

/* True when one more request fits; else the real wait. */
static inline bool fixed_take(struct server *server, double limit, int64_t at_us, int64_t *wait_us)
{
    int64_t length_us = server->scenario->window_s * SECOND_US, clock_us = at_us + server->phase_us;

    if (clock_us / length_us != server->window || server->used < 0) {
        server->window = clock_us / length_us;
        server->used = 0;
    }
    *wait_us = length_us - clock_us % length_us;
    if (server->used >= limit)
        return false;
    server->used++;
    return true;
}

static inline bool sliding_take(struct server *server, double limit, int64_t at_us,
                                int64_t *wait_us)
{
    int64_t length_us = server->scenario->window_s * SECOND_US;

    while (server->count && server->left_us[server->first] <= at_us - length_us) {
        server->first = (server->first + 1) % SLIDING_MAX;
        server->count--;
    }
    *wait_us = server->left_us[server->first] + length_us - at_us;
    if ((double)server->count >= limit)
        return false;
    server->left_us[(server->first + server->count++) % SLIDING_MAX] = at_us;
    return true;
}

static inline bool bucket_take(struct server *server, double limit, int64_t at_us, int64_t *wait_us)
{
    double per_us = limit / (double)(server->scenario->window_s * SECOND_US);

    server->tokens += per_us * (double)(at_us - server->filled_us);
    server->filled_us = at_us;
    if (server->tokens > limit)
        server->tokens = limit;
    *wait_us = (int64_t)((1 - server->tokens) / per_us) + 1;
    if (server->tokens < 1)
        return false;
    server->tokens--;
    return true;
}

static inline bool server_take(struct server *server, int64_t at_us, int64_t *wait_us)
{
    static bool (*const takes[])(struct server *, double, int64_t, int64_t *) = {
        [FIXED_WINDOWS] = fixed_take, [SLIDING_LOG] = sliding_take, [TOKEN_BUCKET] = bucket_take};

    return takes[server->scenario->counting](server, limit_at(server->scenario, at_us), at_us,
                                             wait_us);
}

/* What the client reads from a 429. */
static inline int64_t given_wait_us(const struct server *server, int64_t at_us, int64_t wait_us)
{
    int64_t clock_us = at_us + server->phase_us;

    switch (server->scenario->telling) {
    case WHOLE_SECONDS:
        return (wait_us + SECOND_US - 1) / SECOND_US * SECOND_US;
    case DATE:
        return ((clock_us + wait_us + SECOND_US - 1) / SECOND_US - clock_us / SECOND_US) *
               SECOND_US;
    case CONSTANT:
        return server->scenario->constant_s * SECOND_US;
    case NOTHING:
        break;
    }
    return -1;
}

static inline void serve(struct play *play, struct flight *flight, int64_t at_us)
{
    const struct scenario *scenario = play->server.scenario;
    int64_t outage_us = at_us - scenario->outage_from_s * SECOND_US, wait_us;

    flight->status = 200;
    if (outage_us >= 0 && outage_us < scenario->outage_length_s * SECOND_US) {
        flight->status = 503;
        flight->wait_us = 30 * (int64_t)SECOND_US;
        play->unavailable++;
    } else if (!server_take(&play->server, at_us, &wait_us)) {
        flight->status = 429;
        flight->wait_us = given_wait_us(&play->server, at_us, wait_us);
        play->refused++;
    } else {
        play->accepted++;
    }
}

static inline void depart(struct play *play)
{
    int64_t way_us = play->server.scenario->latency_ms * 500;
    struct flight *flight = play->flights;

    while (flight->under_way)
        flight++;
    governor_departed(&play->governor, play->now_us);
    *flight = (struct flight){.under_way = true, .departed_us = play->now_us};
    flight->answered_us = play->now_us + 2 * way_us + (int64_t)((double)way_us / 5 * roll(play));
    serve(play, flight, flight->answered_us - way_us);
    play->in_flight++;
    play->sent++;
}

static inline void take_answer(struct play *play, struct flight *flight)
{
    int64_t patience_us = play->server.scenario->patience_s * SECOND_US, wait_us;

    flight->under_way = false;
    play->in_flight--;
    if (flight->status == 503) {
        governor_pause(&play->governor, play->now_us + flight->wait_us);
    } else if (flight->status == 429) {
        wait_us = governor_refused(&play->governor,
                                   &(struct governor_refusal){flight->departed_us, flight->wait_us},
                                   roll(play), play->now_us);
        if (patience_us && wait_us > patience_us)
            play->parked_us = wait_us;
    } else {
        governor_accepted(&play->governor, flight->departed_us, play->now_us);
    }
}

static inline struct flight *next_answer(struct play *play)
{
    struct flight *next = NULL;

    for (unsigned i = 0; i < play->server.scenario->concurrency; i++)
        if (play->flights[i].under_way &&
            (!next || play->flights[i].answered_us < next->answered_us))
            next = &play->flights[i];
    return next;
}

/* One run; place, 0 to 1, is where in a window it begins. */
static inline void play_once(struct play *play, const struct scenario *scenario, double place)
{
    int64_t end_us = scenario->duration_s * SECOND_US;

    *play = (struct play){.server = {.scenario = scenario, .used = -1, .tokens = scenario->limit},
                          .dice = UINT64_C(0x9E3779B97F4A7C15) * (uint64_t)(1 + 1000 * place)};
    play->server.phase_us = (int64_t)(place * (double)(scenario->window_s * SECOND_US));
    governor_init(&play->governor, scenario->rate_per_s);
    while (play->now_us < end_us && !play->parked_us) {
        struct flight *flight = next_answer(play);
        int64_t leave_us = play->now_us + governor_wait_us(&play->governor, play->now_us);

        if (play->in_flight < scenario->concurrency &&
            (!flight || leave_us <= flight->answered_us)) {
            play->now_us = leave_us;
            if (leave_us < end_us)
                depart(play);
        } else {
            play->now_us = flight->answered_us;
            take_answer(play, flight);
        }
    }
}

static inline double allowed(const struct scenario *scenario)
{
    double seconds = (double)(scenario->duration_s - scenario->outage_length_s);
    double limit = scenario->limit;

    if (scenario->limit_later > 0)
        limit = (scenario->limit + scenario->limit_later) / 2;
    return limit * seconds / (double)scenario->window_s;
}

static inline void span_add(struct span_of_runs *span, double value)
{
    if (span->mean == 0 || value < span->minimum)
        span->minimum = value;
    if (value > span->maximum)
        span->maximum = value;
    span->mean += value / RUNS;
}

static inline struct outcome play_all(const struct scenario *scenario)
{
    struct outcome outcome = {0};

    for (int run = 0; run < RUNS; run++) {
        struct play play;

        play_once(&play, scenario, (run + 0.5) / RUNS);
        span_add(&outcome.used, (double)play.accepted / allowed(scenario));
        span_add(&outcome.refused, (double)play.refused / (double)play.sent);
    }
    return outcome;
}

/* Bounds for the runs of a scenario. */
struct bounds {
    double used_minimum, used_mean, used_maximum; /* mean: at least */
    double refused_mean, refused_maximum;         /* at most */
};

static inline bool holds(const char *name, const struct outcome *outcome,
                         const struct bounds *bounds)
{
    bool fine = outcome->used.minimum >= bounds->used_minimum &&
                outcome->used.mean >= bounds->used_mean &&
                outcome->used.maximum <= bounds->used_maximum &&
                outcome->refused.mean <= bounds->refused_mean &&
                outcome->refused.maximum <= bounds->refused_maximum;

    if (!fine)
        fprintf(stderr, "%s: used %.4f to %.4f, mean %.4f; refused %.5f to %.5f, mean %.5f\n", name,
                outcome->used.minimum, outcome->used.maximum, outcome->used.mean,
                outcome->refused.minimum, outcome->refused.maximum, outcome->refused.mean);
    return fine;
}
