/* Measures as Prometheus reads them: the text exposition format 0.0.4
 * (prometheus.io/docs/instrumenting/exposition_formats). */
#ifndef ROWFERRY_BASE_PROMETHEUS_H
#define ROWFERRY_BASE_PROMETHEUS_H

#include "core/base/buf.h"
#include "core/base/histogram.h"

struct prometheus_label {
    const char *name, *value; /* value: anything; what is not UTF-8 becomes U+FFFD */
};

/* Labels that every sample has, and in `own` one that only this sample has, or none (NULL). */
struct prometheus_labels {
    const struct prometheus_label *common;
    size_t count;
    struct prometheus_label own;
};

/* What is measured, before its samples: HELP and TYPE. type: gauge, counter or histogram; help: one
 * line without a backslash. */
void prometheus_family(struct buf *out, const char *name, const char *type, const char *help);

void prometheus_sample(struct buf *out, const char *name, const struct prometheus_labels *labels,
                       double value);

/* The samples of a histogram of microseconds, in seconds: buckets from 5 ms to a minute. */
void prometheus_histogram(struct buf *out, const char *name, const struct prometheus_labels *labels,
                          const struct histogram *histogram);

#endif
