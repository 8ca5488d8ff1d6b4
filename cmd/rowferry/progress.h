/* How far the work is: a bar on a terminal, a line every 30 s elsewhere, an event as often with
 * --log-format, a `status` line as often with --json, nothing with --quiet. */
#ifndef ROWFERRY_CMD_PROGRESS_H
#define ROWFERRY_CMD_PROGRESS_H

#include "cmd/rowferry/report.h"
#include "core/base/rate.h"
#include "core/drain/drain.h"

#include <stdint.h>

struct progress {
    struct report *report;
    const char *source; /* whose rate is measured; NULL before each file; never read */
    struct rate rate;
    bool auditing; /* what is measured: verdicts */
    int64_t shown_us;
    /* what the log has been told */
    uint64_t throttled;
    int64_t throttled_us, paused_until_us;
};

void progress_begin(struct progress *progress, struct report *report);
void progress_end(struct progress *progress);

/* The callbacks of ingest and drain; context is the progress. */
void progress_reading(void *context, const char *source, uint64_t bytes_done, uint64_t bytes_total,
                      uint64_t rows);
void progress_sending(void *context, const struct drain_progress *drain);

/* ... and of prune; free_bytes: what can still be given back, once all rows are deleted. */
void progress_pruning(struct progress *progress, uint64_t rows, uint64_t rows_total,
                      uint64_t free_bytes);

#endif
