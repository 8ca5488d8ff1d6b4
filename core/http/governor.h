/* The pace of all requests: a spacing, not a bucket, that learns the limit of the server from 429s
 * (docs/api.md#pace). A pure value: clock and dice are arguments. Times are monotonic microseconds.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
    GOVERNOR_JITTER_US = 250000
}; /* at most, so that several clients do not return at the same moment */

/* What is believed about the limit of the server. */
struct governor_limit {
    double per_s;      /* 0: nothing is believed */
    double bad_per_s;  /* the pace that was refused last */
    int64_t period_us; /* the time in which a pace proves itself: the server's window, or longer */
    bool wide;         /* the limit can be anywhere between this and the refused pace */
    bool settled;      /* a pace had held for two periods before it was refused */
    bool known;        /* ... once in this run */
    unsigned failures; /* probes in a row that found the same limit */
    unsigned misses;   /* 429s in a row that showed only that the pace was too high */
};

struct governor {
    double least_us;         /* the spacing at 98.5% of the ceiling; 0: none */
    double spacing_us;       /* between two departures; 0: none */
    double next_us;          /* when the next may leave */
    int64_t paused_until_us; /* 0: not paused */
    int64_t departed_us;     /* the last departure */
    bool counting;           /* since_us and accepted are valid */
    bool whole;              /* ... and begin where a pause for a 429 ended */
    int64_t since_us;        /* the first departure that is counted */
    uint64_t accepted;       /* complete answers since then that were not 429 */
    bool refused;            /* a 429 came, and nothing has been accepted since its pause */
    bool resumed;            /* ... which is over */
    int64_t refused_us;      /* when the first such 429 came */
    int64_t resumed_us;      /* when the first request after it left */
    int64_t window_end_us;   /* the earliest end of the server's window by what the 429s say */
    unsigned pauses;         /* in a row, with nothing accepted in between */
    double before_per_s;     /* the pace when the 429 came; 0: none */
    double recent_per_s;     /* the pace on average over about the last period */
    struct governor_limit limit, before; /* before: when the 429 came */
    int64_t named_us;                    /* the wait of the last 429; -1: it named none */
    bool varied, too_short; /* waits differed from 429 to 429; some were not long enough */
    bool exact;             /* waits are believed to end with the server's window */
    int64_t hold_us;        /* no probing for that long after the pause ... */
    int64_t hold_until_us;  /* ... which is until then */
};

/* A 429. */
struct governor_refusal {
    int64_t departed_us; /* when its request left */
    int64_t wait_us;     /* as the server asks; -1 when it names no time */
};

/* rate_per_s 0: no limit of our own, no spacing until a 429 comes. */
void governor_init(struct governor *governor, double rate_per_s);

/* Time until a request may leave: 0 now. */
int64_t governor_wait_us(const struct governor *governor, int64_t now_us);

/* How many may leave within `within_us`; UINT32_MAX without a limit, 0 while a longer pause runs.
 */
uint32_t governor_allows(const struct governor *governor, int64_t now_us, int64_t within_us);

/* Counts a request that leaves. Of the places that were missed, 2 are caught up: so many requests
 * can leave at one moment. */
void governor_departed(struct governor *governor, int64_t now_us);

/* Counts a complete answer that is not a 429, to a request that left at departed_us. */
void governor_accepted(struct governor *governor, int64_t departed_us, int64_t now_us);

/* Learns from a 429, and pauses for its wait (1 s doubled each time, at most 60 s, when none is
 * named) plus up to 250 ms by the dice, 0 to 1. 429s to requests from before the pause are the same
 * event. Returns the wait without the jitter. */
int64_t governor_refused(struct governor *governor, const struct governor_refusal *refusal,
                         double dice, int64_t now_us);

/* Pauses until until_us, unless a longer pause runs; nothing is caught up afterwards. Shows nothing
 * about the limit. */
void governor_pause(struct governor *governor, int64_t until_us);

/* True while a pause runs. */
bool governor_paused(const struct governor *governor, int64_t now_us);

/* Requests a second at the present pace, at most 98.5% of the ceiling; 0 where nothing limits. */
double governor_rate_per_s(const struct governor *governor);

/* The same where a 429 has set it below the ceiling; else 0. */
double governor_learned_per_s(const struct governor *governor);
