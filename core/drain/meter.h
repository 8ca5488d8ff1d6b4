/* What a drain counts: requests, latencies, errors. */
#ifndef ROWFERRY_DRAIN_METER_H
#define ROWFERRY_DRAIN_METER_H

#include "core/base/histogram.h"
#include "core/http/pool.h"
#include "core/store/store.h"

enum { METER_CLASSES = 6 };

struct meter {
    struct histogram latencies;
    uint64_t requests, errors, throttled;
    uint64_t answers[METER_CLASSES]; /* by hundreds of the status; 0: no complete answer */
};

/* Counts one answer to a PUT or GET; what never left is no request. */
void meter_count(struct meter *meter, const struct http_answer *answer);

/* As the `run` row and the summary have it; validation_failures is not touched. */
void meter_report(const struct meter *meter, struct store_run *run);

#endif
