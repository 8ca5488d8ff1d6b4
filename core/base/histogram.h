/* Latencies in constant memory: buckets that grow by a sixteenth, so a percentile is off by at most
 * about 6%. */
#ifndef ROWFERRY_BASE_HISTOGRAM_H
#define ROWFERRY_BASE_HISTOGRAM_H

#include <stdint.h>

enum { HISTOGRAM_BUCKETS = 40 * 16 };

/* Zeroed means empty. */
struct histogram {
    uint64_t counts[HISTOGRAM_BUCKETS];
    uint64_t count, sum;
};

void histogram_add(struct histogram *histogram, uint64_t value);

/* The value below which `percent` of all lie; 0 when empty. */
uint64_t histogram_percentile(const struct histogram *histogram, unsigned percent);

/* How many are not above the limit, which counts as all of its bucket does. */
uint64_t histogram_up_to(const struct histogram *histogram, uint64_t limit);

uint64_t histogram_average(const struct histogram *histogram);

#endif
