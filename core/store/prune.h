/* Finds and marks the finished, old batches of which only the batch itself, its counters and its
 * hash stay. No lock is needed: a drain can run at the same time. */
#pragma once

#include "core/base/err.h"
#include "core/store/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum prune_fate {
    PRUNE_GOES,
    PRUNE_CONFLICT, /* stays: a person has conflicts to settle */
    PRUNE_AUDIT,    /* stays: a drain was to look its updates up in the audit log, and could not */
    PRUNE_UNFILED,  /* stays: its file is not where it belongs yet */
    PRUNE_DISCARDING, /* stays: it was refused, and has jobs yet that are to be discarded */
    PRUNE_NEEDED,     /* stays: a later row in it has superseded `needed_by` */
};

struct prune_item {
    int64_t batch_id, finished_ms;
    enum prune_fate fate;
    bool begun;        /* an earlier prune has marked it, and did not finish */
    int64_t conflicts; /* of PRUNE_CONFLICT */
    int64_t needed_by; /* of PRUNE_NEEDED: the first job of an earlier batch that stays, which may
                          be sent again unless a later row of its record is known */

    bool chosen, open; /* for prune_plan_make alone: old enough; its jobs may be sent */
    bool at_stake;     /* ... it has jobs that may be sent again */
};

/* Ascending by batch. */
struct prune_plan {
    struct prune_item *items;
    size_t count, capacity;
};

/* Looks at all batches that were finished at that moment or before, and at those that an earlier
 * prune has begun, whatever their age. audits: a batch whose updates are still to be looked up in
 * the audit log stays. plan: zeroed; to be released. */
bool prune_plan_make(struct store *store, int64_t before_ms, bool audits, struct prune_plan *plan,
                     struct err *err);
void prune_plan_release(struct prune_plan *plan);

/* In one transaction: from now on the batches that go count as pruned, or, where one of them was
 * opened again since the plan was made, none does (*marked false): a new plan is to be made then.
 */
bool prune_mark(struct store *store, const struct prune_plan *plan, int64_t now_ms, bool *marked,
                struct err *err);
