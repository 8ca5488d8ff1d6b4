/* What a person decides about jobs that no drain has in hand: which of them may move, and the
 * moves, a bounded transaction at a time. No lock is needed: a drain may run meanwhile. */
#ifndef ROWFERRY_STORE_DECIDE_H
#define ROWFERRY_STORE_DECIDE_H

#include "core/base/err.h"
#include "core/base/str.h"
#include "core/job/id.h"
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
    DECIDE_SENT,       /* it is to be withdrawn, and was sent, or is in hand */
    DECIDE_ENDS,
};

struct decided {
    int64_t job_id;
    enum decide_end end;
    enum job_state state; /* before the decision */
    enum job_state to;    /* after it: unknown where it is pending, and a request may have landed */
    int64_t later_id;     /* of DECIDE_SUPERSEDED: the latest such job */
    enum job_state later_state;
    struct span schema, record_id; /* valid during the visit; empty: there is no job */
};

struct decision {
    bool even_if_superseded; /* pending again though a later job of the record was sent */
    bool rehearsed;          /* nothing is written */
    int64_t now_ms;
    int64_t hold_us; /* after which a transaction ends with the job at hand; 0: 20 ms */
    /* Told of each job, in order, once its transaction is committed. */
    bool (*visit)(void *context, const struct decided *decided, struct err *err);
    void *context;

    /* Filled by who makes the decision (resolve_jobs), not by the command: the states it is about
     * (bits 1 << state), the one it leads to, and what to write beside that, in the same
     * transaction. */
    unsigned from;
    enum job_state to;
    bool (*settle)(struct store *store, const struct decision *decision, const struct decided *job,
                   struct err *err);
};

/* Moves the jobs that may move, due now and with all attempts ahead where they become pending or
 * unknown. Their batches are open again, or done where nothing is left. What waits for a job that
 * is withdrawn is due.
 *
 * job_ids: ascending, each once. What was visited stays done when it fails later; ERR_STOPPED: a
 * signal came between two transactions. */
bool decide_jobs(struct store *store, const struct decision *decision,
                 const struct id_list *job_ids, struct err *err);

/* Inside core/store only. What waits for one of the jobs from first to last is due now. */
bool decide_wake(struct store *store, int64_t first, int64_t last, int64_t now_ms, struct err *err);

#endif
