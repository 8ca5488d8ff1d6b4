#include "core/base/rate.h"

static const double MEMORY_S = 20; /* after this time a sample weighs half or less */
static const double LEAST_S = 0.5;

enum { STEP_US = 100000 };

void rate_begin(struct rate *rate, uint64_t count, int64_t now_us)
{
    *rate = (struct rate){.at_us = now_us, .count = count};
}

void rate_note(struct rate *rate, uint64_t count, int64_t now_us)
{
    double seconds = (double)(now_us - rate->at_us) / 1e6;
    double kept = 1 / (1 + seconds / MEMORY_S);

    if (now_us - rate->at_us < STEP_US)
        return;
    rate->counted = rate->counted * kept + (double)(count - rate->count);
    rate->seconds = rate->seconds * kept + seconds;
    rate->count = count;
    rate->at_us = now_us;
}

void rate_pass(struct rate *rate, uint64_t count, int64_t now_us)
{
    rate->counted += (double)(count - rate->count);
    rate->count = count;
    rate->at_us = now_us;
}

double rate_per_s(const struct rate *rate)
{
    return rate->seconds < LEAST_S ? 0 : rate->counted / rate->seconds;
}
