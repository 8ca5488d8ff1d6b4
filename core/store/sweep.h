/* The rows of pruned batches deleted and the space given back, a little at a time, beside whoever
 * works on the database meanwhile. */
#ifndef ROWFERRY_STORE_SWEEP_H
#define ROWFERRY_STORE_SWEEP_H

#include "core/base/err.h"
#include "core/store/store.h"

#include <stdbool.h>
#include <stdint.h>

struct sweep;

/* Told behind each transaction: rows deleted since sweep_open, and while space is given back, how
 * many bytes are free yet (else 0). NULL: nobody. */
struct sweep_watch {
    void (*tell)(void *context, uint64_t rows, uint64_t free_bytes);
    void *context;
};

/* While it is open the store is for this alone: its commits survive a crash of the process, not of
 * the machine, for what is deleted again is lost to nobody. watch is copied. */
struct sweep *sweep_open(struct store *store, struct sweep_watch watch, struct err *err);
void sweep_close(struct sweep *sweep);

/* Deletes all rows of a batch that prune_mark has marked, in transactions that hold the database
 * for some 10 ms each, with longer pauses, and notes that it is empty. Safe to repeat from
 * wherever it ended. ERR_STOPPED: a signal came between two transactions. */
bool sweep_batch(struct sweep *sweep, int64_t batch_id, int64_t now_ms, struct err *err);

/* Moves pages from the end of the file into free ones, at the same pace, until hardly any are free;
 * nothing where the database was made without that. ERR_STOPPED as above. */
bool sweep_shrink(struct sweep *sweep, struct err *err);

struct sweep_size {
    int64_t file_bytes; /* of the file, without its write-ahead log */
    int64_t free_bytes; /* in it, and used before it grows */
    bool shrinks;       /* free pages can be given back */
};

bool sweep_measure(struct store *store, struct sweep_size *size, struct err *err);

#endif
