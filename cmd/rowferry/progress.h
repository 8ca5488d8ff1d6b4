/* Progress: a bar on a terminal, else a line every 30 s, with --log-format an event, with --json a
 * `status` line, with --quiet nothing. */
#pragma once

#include "cmd/rowferry/report.h"
#include "core/base/rate.h"
#include "core/drain/drain.h"

#include <stdint.h>

struct progress {
    struct report *report;
    const char *source; /* of the file whose rate is measured, only compared; NULL before each */
    struct rate rate;
    bool auditing; /* verdicts are measured */
    int64_t shown_us;
    /* what the log has */
    uint64_t throttled;
    int64_t throttled_us, paused_until_us;
};

void progress_begin(struct progress *progress, struct report *report);
void progress_end(struct progress *progress);

/* The callbacks of ingest and drain; context is the progress. */
void progress_reading(void *context, const char *source, uint64_t bytes_done, uint64_t bytes_total,
                      uint64_t rows);
void progress_sending(void *context, const struct drain_progress *drain);

/* Shows the progress of prune. free_bytes: still to be given back, once all rows are deleted. */
void progress_pruning(struct progress *progress, uint64_t rows, uint64_t rows_total,
                      uint64_t free_bytes);

/* The callback of migrate_watch; context is the progress. */
void progress_upgrading(void *context, unsigned step, unsigned steps);

/* Shows the progress of a copy of the database, and at its end that it is checked. */
void progress_copying(struct progress *progress, uint64_t bytes, uint64_t bytes_total);
