/* The text of --metrics-file for Prometheus, read by the node exporter's textfile collector. */
#pragma once

#include "core/base/buf.h"
#include "core/base/prometheus.h"
#include "core/drain/meter.h"
#include "core/store/notification.h"
#include "core/store/runs.h"
#include "core/store/store.h"
#include "core/store/summary.h"

#include <stdbool.h>
#include <stdint.h>

struct metrics {
    char *database; /* absolute path; NULL: it was never opened */
    bool known;     /* the database was asked: */
    uint64_t jobs[JOB_STATES], audits[VERDICTS], batches[BATCH_STATES]; /* of all that is in it */
    uint64_t rows_read, rows_rejected; /* of the batches that the run's summary covers */
    struct notification_counts notifications;
    int64_t parked_until_ms;                   /* 0: nothing is parked */
    struct run_info last, succeeded, finished; /* of the command: ended; with 0; with 0 or 3 */
    struct meter meter;                        /* of this run */
};

/* The labels of every sample, and the state of the run. */
struct metrics_run {
    const char *database, *command;
    int64_t started_ms, ended_ms; /* ended_ms 0: it is running */
    int exit_status;
};

/* Reads the values from the database. scope and id: of the run's summary. After an error they are
 * unknown. */
bool metrics_ask(struct metrics *metrics, struct store *store, const char *command,
                 enum summary_scope scope, int64_t id, struct err *err);
void metrics_release(struct metrics *metrics);

/* Appends the samples of notifications and deliveries. */
void metrics_notifications(const struct notification_counts *counts,
                           const struct prometheus_labels *labels, struct buf *out);

/* Appends the text. Unknown values are omitted. */
void metrics_print(const struct metrics *metrics, const struct metrics_run *run, struct buf *out);
