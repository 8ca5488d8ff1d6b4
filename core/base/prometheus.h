/* Metrics in the text exposition format 0.0.4 of Prometheus
 * (prometheus.io/docs/instrumenting/exposition_formats). */
#pragma once

#include "core/base/buf.h"
#include "core/base/histogram.h"

struct prometheus_label {
    const char *name, *value; /* value: any text; bytes that are not UTF-8 become U+FFFD */
};

/* The labels of all samples, and in `own` one of this sample only (name NULL: none). */
struct prometheus_labels {
    const struct prometheus_label *common;
    size_t count;
    struct prometheus_label own;
};

/* Appends HELP and TYPE of a metric, before its samples. type: gauge, counter or histogram; help:
 * one line without a backslash. */
void prometheus_family(struct buf *out, const char *name, const char *type, const char *help);

void prometheus_sample(struct buf *out, const char *name, const struct prometheus_labels *labels,
                       double value);

/* Appends a histogram of microseconds in seconds, with buckets from 5 ms to a minute. */
void prometheus_histogram(struct buf *out, const char *name, const struct prometheus_labels *labels,
                          const struct histogram *histogram);
