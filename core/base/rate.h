/* How fast a count grows of late: an average that forgets what lies longer back than a minute or
 * so, with the clock as an argument. */
#ifndef ROWFERRY_BASE_RATE_H
#define ROWFERRY_BASE_RATE_H

#include <stdint.h>

struct rate {
    int64_t at_us; /* of the last look, monotonic */
    uint64_t count;
    double counted, seconds; /* since the beginning, less what was forgotten */
};

/* Begins at `count`, which has grown by nothing so far. */
void rate_begin(struct rate *rate, uint64_t count, int64_t now_us);

/* The count as it is now, at least as large as before; call it as often as you like. */
void rate_note(struct rate *rate, uint64_t count, int64_t now_us);

/* The same where the time since the last look is none of the rate's: a pause. */
void rate_pass(struct rate *rate, uint64_t count, int64_t now_us);

/* Per second; 0 until half a second has been seen. */
double rate_per_s(const struct rate *rate);

#endif
