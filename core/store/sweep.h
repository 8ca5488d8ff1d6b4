/* Deletes the rows of pruned batches and gives their space back, a little at a time, while others
 * work on the database. */
#pragma once

#include "core/base/err.h"
#include "core/store/store.h"

#include <stdbool.h>
#include <stdint.h>

struct sweep;

/* Called after each transaction: rows deleted since sweep_open and, while space is given back, how
 * many bytes are still free (else 0). Can be NULL. */
struct sweep_watch {
    void (*report)(void *context, uint64_t rows, uint64_t free_bytes);
    void *context;
};

/* Opens a sweep; until it is closed, use the store for nothing else. Its commits survive a crash of
 * the process, not of the machine: then the rows are deleted again. watch is copied. */
struct sweep *sweep_open(struct store *store, struct sweep_watch watch, struct err *err);
void sweep_close(struct sweep *sweep);

/* Deletes all rows of a batch that prune_mark has marked, in transactions of about 10 ms with
 * longer pauses between them, and notes that it is empty. Safe to repeat wherever it ended.
 * ERR_STOPPED: a signal came between two transactions. */
bool sweep_batch(struct sweep *sweep, int64_t batch_id, int64_t now_ms, struct err *err);

/* Deletes the notifications that came until before_ms, but for those that the ERP has not taken, in
 * the same way. */
bool sweep_notifications(struct sweep *sweep, int64_t before_ms, struct err *err);

/* How many these are. */
bool sweep_count_notifications(struct store *store, int64_t before_ms, uint64_t *count,
                               struct err *err);

/* Moves pages from the end of the file into free ones, at the same pace, until hardly any are free;
 * nothing where the database was made without that. ERR_STOPPED as above. */
bool sweep_shrink(struct sweep *sweep, struct err *err);

struct sweep_size {
    int64_t file_bytes; /* of the file, without its write-ahead log */
    int64_t free_bytes; /* in it, and used before it grows */
    bool shrinks;       /* free pages can be given back */
};

bool sweep_measure(struct store *store, struct sweep_size *size, struct err *err);
