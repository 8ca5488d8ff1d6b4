/* Inside core/store only: the order in which the jobs of one record are sent. A job waits for the
 * earlier jobs of its record, in whatever batch these are. */
#pragma once

#include "core/store/claim.h"
#include "core/store/open_batches.h"

/* What the earlier jobs of a claim's record mean for it. */
struct order {
    int64_t waits_for;     /* the latest earlier job that is open, in whatever batch; 0: none */
    int64_t previous_id;   /* the row of the record before it in its batch; 0: none */
    bool previous_applied; /* ... was applied, or its values were there */
    bool has_returned;     /* a version came back for an earlier row of the batch */
    int64_t returned;
};

/* Reads few earlier jobs, however many the record has: it passes only those of other schemas, one
 * for each batch, and withdrawn ones. */
bool order_look(struct store *store, const struct open_batch *batch, const struct claim *claim,
                struct order *order, struct err *err);

/* Fills claim->siblings: other jobs of its record, the nearest on each side; without both_sides
 * more of the later ones. */
bool order_find_siblings(struct store *store, struct claim *claim, bool both_sides,
                         struct err *err);

/* Chains a row whose record has earlier rows in the batch: its version becomes the one that the
 * server returned for the last of them, if its own is between that of the first one and that. */
bool order_chain_version(struct store *store, const struct open_batch *batch, struct claim *claim,
                         struct order *order, struct err *err);

/* Notes that a job is finished: those that waited for it are due now. */
bool order_ended(struct store *store, const struct claim *claim, int64_t now_ms, struct err *err);

/* The standing of a job that others wait for, or that is part of a sample. */
struct order_standing {
    bool is_over; /* finished, or nothing more is done about it in this run */
    bool is_fresh;
    bool is_due;
    int64_t not_before_ms; /* 0: in hand, waiting itself, or left by an earlier run */
};

bool order_find_standing(struct store *store, int64_t job_id, int64_t run_id, int64_t now_ms,
                         struct order_standing *standing, struct err *err);

/* Before the first turn for that batch (0: all): fills store->prior with the jobs of other batches
 * that the batch's jobs wait for, and what those wait for in turn, as an earlier process left it.
 */
bool order_find_prior(struct store *store, int64_t batch_id, struct err *err);
