/* The index on record ids, entered for a batch as a whole. */
#pragma once

#include "core/store/chunk.h"

/* Between steps 2 and 3, if the caller has sorted them: enters record ids of the batch, in
 * ascending order, in one transaction. Only record_id and row_no of the chunk's rows are read. */
bool batch_load_keys(struct store *store, int64_t batch_id, const struct intake_chunk *chunk,
                     struct err *err);

/* Inside core/store only, like what follows: sorts the record ids of a batch in a temporary table
 * (on disk if they are many), unless they are in order already, and enters them into record_job in
 * that order, in bounded transactions. Safe to repeat. */
bool keys_enter(struct store *store, int64_t batch_id, struct err *err);

/* The same for its rejected rows, into record_rejection. */
bool keys_enter_rejected(struct store *store, int64_t batch_id, struct err *err);

/* The record ids of the batch's jobs, or of its rejected rows, in temp.sorted_key: in ascending
 * order, as its rows from 1 to *count. Keeps no writer waiting. */
bool keys_sort(struct store *store, int64_t batch_id, bool rejected, int64_t *count,
               struct err *err);
bool keys_forget(struct store *store, struct err *err);
