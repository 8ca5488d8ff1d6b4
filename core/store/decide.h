/* What a person decides about jobs that a drain is through with: which of them may move, and the
 * moves, a bounded transaction at a time. No lock is needed: a drain may run meanwhile. */
#ifndef ROWFERRY_STORE_DECIDE_H
#define ROWFERRY_STORE_DECIDE_H

#include "core/base/err.h"
#include "core/base/str.h"
#include "core/job/state.h"
#include "core/store/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What became of a job that was decided about. */
enum decide_end {
    DECIDE_MOVED,      /* or would be, in a rehearsal */
    DECIDE_NO_JOB,     /* there is none of that id */
    DECIDE_UNFIT,      /* it is in a state that the decision is not about */
    DECIDE_SUPERSEDED, /* a later job of its record is applied, unchanged, or on its way there */
    DECIDE_ENDS,
};

struct decided {
    int64_t job_id;
    enum decide_end end;
    enum job_state state; /* before the decision */
    int64_t later_id;     /* of DECIDE_SUPERSEDED: the latest such job */
    enum job_state later_state;
    struct span schema, record_id; /* valid during the visit; empty: there is no job */
};

struct decision {
    bool even_if_superseded; /* pending again though a later job of the record was sent */
    bool rehearsed;          /* nothing is written */
    int64_t now_ms;
    /* Told of each job, in order, once its transaction is committed. */
    bool (*visit)(void *context, const struct decided *decided, struct err *err);
    void *context;

    /* Filled by who makes the decision (resolve_jobs), not by the command: the states it is about
     * (bits 1 << state), the one it leads to, and what to write beside that, in the same
     * transaction. */
    unsigned from;
    enum job_state to;
    bool (*settle)(struct store *store, const struct decision *decision, int64_t job_id,
                   struct err *err);
};

/* Moves the jobs that may move, due now where they become pending, and opens their batches again.
 * job_ids: ascending, each once. What was visited stays done when it fails later; ERR_STOPPED: a
 * signal came between two transactions. */
bool decide_jobs(struct store *store, const struct decision *decision, const int64_t *job_ids,
                 size_t count, struct err *err);

#endif
