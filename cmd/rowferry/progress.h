/* How far the work is: one line rewritten on a terminal, a line every 30 s elsewhere, a `status`
 * line as often with --json, nothing with --quiet. */
#ifndef ROWFERRY_CMD_PROGRESS_H
#define ROWFERRY_CMD_PROGRESS_H

#include "cmd/rowferry/report.h"

#include <stdint.h>

struct progress {
    struct report *report;
    const char *source; /* whose rate is measured; NULL before each file; never read */
    int64_t began_us, shown_us;
};

void progress_begin(struct progress *progress, struct report *report);
void progress_end(struct progress *progress);

/* The callbacks of ingest and drain; context is the progress. */
void progress_reading(void *context, const char *source, uint64_t bytes_done, uint64_t bytes_total,
                      uint64_t rows);
void progress_sending(void *context, uint64_t settled, uint64_t left, double rate_per_s,
                      int64_t paused_ms);

#endif
