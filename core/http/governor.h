/* The pace of all requests, a pure value with clock and dice as arguments: a spacing, not a bucket,
 * that learns the server's limit from 429s (API.md section 4). Times are monotonic microseconds. */
#ifndef ROWFERRY_HTTP_GOVERNOR_H
#define ROWFERRY_HTTP_GOVERNOR_H

#include <stdbool.h>
#include <stdint.h>

enum { GOVERNOR_JITTER_US = 250000 }; /* at most, so that several clients do not come back as one */

/* Answers that were no 429, since a moment. */
struct governor_count {
    int64_t since_us;
    uint64_t accepted;
};

struct governor {
    double least_us;              /* the spacing at 98.5% of the ceiling; 0: none */
    double spacing_us;            /* between two departures; 0: none */
    double next_us;               /* when the next may leave */
    int64_t paused_until_us;      /* 0: not paused */
    int64_t departed_us;          /* the last departure */
    bool counting;                /* the counts have begun */
    bool whole;                   /* ... where a window of the server's did */
    struct governor_count total;  /* since the start, or since the last pause for a 429 */
    struct governor_count block;  /* a hundred or so of these, unfinished */
    struct governor_count recent; /* the block before it */
    bool refused;                 /* a 429 came, and nothing has been accepted since its pause */
    bool resumed;                 /* ... which is over */
    int64_t refused_us;           /* when the first such 429 came */
    int64_t resumed_us;           /* when the first request after it left */
    int64_t window_end_us;        /* the earliest end of the server's window by what the 429s say */
    int64_t longest_us;           /* the longest wait that a 429 asked for */
    double before_per_s;          /* the pace when it came; 0: none */
    int64_t period_us;            /* over which the limit was learned last */
    int64_t hold_until_us;        /* no probing before */
    unsigned pauses;              /* in a row, with nothing accepted in between */
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

/* How many may leave within `within_us`; UINT32_MAX without a limit, 0 while paused beyond it. */
uint32_t governor_allows(const struct governor *governor, int64_t now_us, int64_t within_us);

/* One request leaves. At most 2 behind schedule are caught up: so many may leave at one moment. */
void governor_departed(struct governor *governor, int64_t now_us);

/* A complete answer that is no 429, to a request that left at departed_us. */
void governor_accepted(struct governor *governor, int64_t departed_us, int64_t now_us);

/* A 429: learns, and pauses for the wait (1 s doubled each time, at most 60 s, when none is named)
 * plus up to 250 ms by the dice, 0 to 1. Those that come for requests from before the pause are the
 * same event. Returns the wait without the jitter. */
int64_t governor_refused(struct governor *governor, const struct governor_refusal *refusal,
                         double dice, int64_t now_us);

/* Nothing leaves before until_us, and nothing is caught up afterwards; a longer pause that runs
 * already stays. Teaches nothing about the limit. */
void governor_pause(struct governor *governor, int64_t until_us);

/* True while a pause runs. */
bool governor_paused(const struct governor *governor, int64_t now_us);

/* Requests a second at the present pace, at most 98.5% of the ceiling; 0 where nothing limits. */
double governor_rate_per_s(const struct governor *governor);

/* The same where a 429 has set it below the ceiling; else 0. */
double governor_learned_per_s(const struct governor *governor);

#endif
