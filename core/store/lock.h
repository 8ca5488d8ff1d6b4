/* The locks next to the database: `intake` for reading files into it, `drain` for sending from it,
 * `delivery` for delivering notifications to the ERP. Held by flock(2), so that the kernel releases
 * them at death. */
#pragma once

#include "core/base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct lock;

enum lock_kind { LOCK_INTAKE, LOCK_DRAIN, LOCK_DELIVERY };

/* Takes the lock file (`<database>.intake` and so on), and writes into it who holds it:
 * run and start. NULL with ERR_BUSY, the holder's run and start in the text, when another process
 * has it; with ERR_STORE when the file cannot be made. */
struct lock *lock_take(const char *database, enum lock_kind kind, int64_t run_id,
                       int64_t started_ms, struct err *err);
void lock_release(struct lock *lock);

/* Whether the lock is still this process's: someone may have deleted its file, and then another
 * process can take it. Looks once a second; lock may be NULL. False with ERR_BUSY. */
bool lock_look(struct lock *lock, struct err *err);

/* Reports a batch that was not left as this process, which has the intake lock, has written it.
 * Always false, with ERR_BUSY. */
bool lock_shared_batch(int64_t batch_id, struct err *err);

/* How far the holder of the drain lock got in handing requests to the network. */
struct lock_mark {
    int64_t run_id, started_ms; /* both, because a copy that was put in the place of the database
                                   can have another run of that id */
    int64_t attempt_id; /* the last one handed over; what the run claimed after it never left */
};

/* Reads the mark that an earlier holder left, however it ended. Returns false where nothing proves
 * anything: the mark is missing, or the machine was started since then and may have lost the end of
 * it. lock can be NULL. */
bool lock_read_mark(const struct lock *lock, struct lock_mark *mark);

/* Replaces it with a mark of this run, which has given nothing to the network so far; with none
 * where the file cannot hold one. lock can be NULL. */
void lock_begin_mark(struct lock *lock, int64_t run_id);

/* Moves the mark, before the request can leave: a store into memory that outlives the process. */
void lock_mark(struct lock *lock, int64_t attempt_id);

enum { LOCK_HOLDER_SIZE = 128 };

/* Whether a process has the lock; then fills holder with `run 12, started ..., process 345`. Does
 * not disturb a process that takes the lock. */
bool lock_is_held(const char *database, enum lock_kind kind, char holder[LOCK_HOLDER_SIZE]);
