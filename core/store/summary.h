/* What is counted about batches: read by `status`, the summaries and the exit status. */
#pragma once

#include "core/base/err.h"
#include "core/job/state.h"
#include "core/job/verdict.h"
#include "core/store/store.h"

#include <stdbool.h>
#include <stdint.h>

struct batch_counts {
    int64_t id;
    enum batch_state state;
    const char *source, *schema, *reason; /* valid during the visit; reason may be "" */
    uint64_t rows_read, rows_rejected, rows_discarded;
    uint64_t jobs;
    uint64_t by_state[JOB_STATES];
    uint64_t requests_left;          /* as many as its open jobs need, without retries */
    int64_t created_ms, finished_ms; /* finished_ms 0: not yet */
    int64_t pruned_ms;               /* 0: its rows are there */
    uint64_t by_verdict[VERDICTS];   /* audits */
    bool audits_due;                 /* a drain was to look its jobs up, and has not finished */
};

/* Which batches a command's summary and exit status cover. */
enum summary_scope {
    SUMMARY_ALL,    /* every batch */
    SUMMARY_ONE,    /* the batch `id` */
    SUMMARY_INTAKE, /* those that run `id` read into */
    SUMMARY_WORKED, /* those that are open, or that run `id` read into, finished, refused or audited
                     */
    SUMMARY_DRAINED, /* those that are open or that run `id` finished or audited */
    SUMMARY_AUDITED, /* those that run `id` audited */
};

/* Calls visit for each batch of the scope, lowest id first. */
bool summary_batches(struct store *store, enum summary_scope scope, int64_t id,
                     bool (*visit)(void *context, const struct batch_counts *batch,
                                   struct err *err),
                     void *context, struct err *err);

/* Checks the sums of docs/database.md#what-always-holds: rows read = rejected + jobs + discarded,
 * jobs = the sum over the states. ERR_INTERNAL if they differ. `loading` batches are not checked.
 */
bool summary_balance(const struct batch_counts *batch, struct err *err);
