/* The pace of every request of the process, as a pure value: the clock comes in as an argument. A
 * spacing, not a bucket: what was not sent in time is lost but for a little. */
#ifndef ROWFERRY_HTTP_GOVERNOR_H
#define ROWFERRY_HTTP_GOVERNOR_H

#include <stdbool.h>
#include <stdint.h>

struct governor {
    double ceiling_per_s;    /* 0: none */
    double spacing_us;       /* between two departures: 1/(98.5% of the ceiling); 0: none */
    double next_us;          /* when the next may leave */
    int64_t paused_until_us; /* 0: not paused */
};

/* rate_per_s 0 means no limit of our own. */
void governor_init(struct governor *governor, double rate_per_s);

/* Microseconds until a request may leave: 0 now. All times monotonic microseconds. */
int64_t governor_wait_us(const struct governor *governor, int64_t now_us);

/* How many may leave within the next `within_us`; UINT32_MAX without a limit, 0 while paused
 * beyond it. */
uint32_t governor_allows(const struct governor *governor, int64_t now_us, int64_t within_us);

/* One request leaves. At most 2 behind schedule are caught up: so many may leave at one moment. */
void governor_departed(struct governor *governor, int64_t now_us);

/* Nothing leaves before until_us, and nothing is caught up afterwards; a longer pause that runs
 * already stays. */
void governor_pause(struct governor *governor, int64_t until_us);

/* True while a pause runs. */
bool governor_paused(const struct governor *governor, int64_t now_us);

/* Requests a second at the present pace; 0 where there is no limit. */
double governor_rate_per_s(const struct governor *governor);

#endif
