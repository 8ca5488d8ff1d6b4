/* The recent growth of a count per second: an average over about the last minute. The clock is an
 * argument. */
#pragma once

#include <stdint.h>

struct rate {
    int64_t at_us; /* of the last sample, monotonic */
    uint64_t count;
    double counted, seconds; /* since the beginning, weighted by age */
};

/* Begins at `count`. */
void rate_begin(struct rate *rate, uint64_t count, int64_t now_us);

/* Samples the count, which never falls; can be called at any interval. */
void rate_note(struct rate *rate, uint64_t count, int64_t now_us);

/* The same after a pause, whose time does not count. */
void rate_pass(struct rate *rate, uint64_t count, int64_t now_us);

/* Returns the growth per second; 0 during the first half second. */
double rate_per_s(const struct rate *rate);
