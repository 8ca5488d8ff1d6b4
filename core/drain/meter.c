#include "core/drain/meter.h"

/* What HTTP does not know is no complete answer either. */
static unsigned class_of(const struct http_answer *answer)
{
    long class = answer->end == HTTP_DONE ? answer->status / 100 : 0;

    return class > 0 && class < METER_CLASSES ? (unsigned)class : 0;
}

void meter_count(struct meter *meter, const struct http_answer *answer)
{
    if (answer->end == HTTP_NEVER_LEFT || answer->end == HTTP_UNTRUSTED)
        return;
    meter->requests++;
    meter->errors += answer->end != HTTP_DONE || answer->status >= 400;
    meter->throttled += answer->status == 429;
    meter->answers[class_of(answer)]++;
    histogram_add(&meter->latencies, (uint64_t)answer->latency_us);
}

void meter_report(const struct meter *meter, struct store_run *run)
{
    run->requests = meter->requests;
    run->throttled = meter->throttled;
    run->error_rate = meter->requests ? (double)meter->errors / (double)meter->requests : 0;
    run->latency_avg_us = histogram_average(&meter->latencies);
    run->latency_p50_us = histogram_percentile(&meter->latencies, 50);
    run->latency_p95_us = histogram_percentile(&meter->latencies, 95);
    run->latency_p99_us = histogram_percentile(&meter->latencies, 99);
}
