#include "core/base/histogram.h"

/* One bucket for each value below 16; above, sixteen buckets for each power of two. */
static unsigned bucket_of(uint64_t value)
{
    unsigned power, bucket;

    if (value < 16)
        return (unsigned)value;
    power = 63 - (unsigned)__builtin_clzll(value);
    bucket = (power - 3) * 16 + (unsigned)((value >> (power - 4)) & 15);
    return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

void histogram_add(struct histogram *histogram, uint64_t value)
{
    histogram->counts[bucket_of(value)]++;
    histogram->count++;
    histogram->sum += value;
}

uint64_t histogram_percentile(const struct histogram *histogram, unsigned percent)
{
    uint64_t rank = (histogram->count * percent + 99) / 100, seen = 0;
    unsigned power;

    for (unsigned bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++) {
        seen += histogram->counts[bucket];
        if (!seen || seen < rank)
            continue;
        if (bucket < 16)
            return bucket;
        /* the middle of the bucket */
        power = bucket / 16 - 1;
        return ((uint64_t)(16 + bucket % 16) << power) + (((uint64_t)1 << power) >> 1);
    }
    return 0;
}

uint64_t histogram_up_to(const struct histogram *histogram, uint64_t limit)
{
    unsigned last = bucket_of(limit);
    uint64_t count = 0;

    for (unsigned bucket = 0; bucket <= last; bucket++)
        count += histogram->counts[bucket];
    return count;
}

uint64_t histogram_average(const struct histogram *histogram)
{
    return histogram->count ? histogram->sum / histogram->count : 0;
}
