/* A turn of the drain: what became of jobs in hand is written, and others are claimed, in one
 * transaction; and what happens to such jobs before the first turn and after the last. */
#ifndef ROWFERRY_STORE_EXCHANGE_H
#define ROWFERRY_STORE_EXCHANGE_H

#include "core/store/claims.h"
#include "core/store/lock.h"

#include <stddef.h>

/* Settles, claims and inserts the attempts' rows in one transaction; nothing may leave before it
 * returned. */
bool jobs_exchange(struct store *store, struct exchange *exchange, struct err *err);

/* These jobs, if they are still open and in nobody's hand, are left to the next run, which tries
 * them last. */
bool jobs_leave(struct store *store, const int64_t *job_ids, size_t count, int64_t run_id,
                struct err *err);

/* At the start of a drain, before jobs_recover: what the marked run claimed and never handed to the
 * network counts as no attempt; its attempts' rows say so. The jobs are read back like others. */
bool jobs_uncount(struct store *store, const struct lock_mark *mark, int64_t now_ms,
                  struct err *err);

/* At the start of a drain, under its lock: `sending` becomes `unknown`; what waited for another job
 * or was in hand is due at once. What was left to the next run is claimed when nothing else can
 * go. */
bool jobs_recover(struct store *store, int64_t now_ms, uint64_t *recovered, struct err *err);

#endif
