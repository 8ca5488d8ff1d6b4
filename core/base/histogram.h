/* A histogram of latencies in constant memory. Buckets grow by a sixteenth, so that a percentile is
 * wrong by at most about 6%. */
#pragma once

#include <stdint.h>

enum { HISTOGRAM_BUCKETS = 40 * 16 };

/* Zeroed: empty. */
struct histogram {
    uint64_t counts[HISTOGRAM_BUCKETS];
    uint64_t count, sum;
};

void histogram_add(struct histogram *histogram, uint64_t value);

/* Returns the value that `percent` of all values do not exceed; 0 if empty. */
uint64_t histogram_percentile(const struct histogram *histogram, unsigned percent);

/* Returns the number of values up to the limit; all values in its bucket count. */
uint64_t histogram_up_to(const struct histogram *histogram, uint64_t limit);

uint64_t histogram_average(const struct histogram *histogram);
