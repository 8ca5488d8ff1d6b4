/* A turn of the drain writes the outcomes of jobs in hand and claims others, in one transaction.
 * Also what is done about jobs in hand before the first turn and after the last one. */
#pragma once

#include "core/store/claims.h"
#include "core/store/lock.h"

#include <stddef.h>

/* Settles, claims and inserts the rows of the attempts in one transaction. No request may be sent
 * before it returned. */
bool jobs_exchange(struct store *store, struct exchange *exchange, struct err *err);

/* Leaves these jobs to the next run, which tries them last, if they are still open and not in hand.
 */
bool jobs_leave(struct store *store, const int64_t *job_ids, size_t count, int64_t run_id,
                struct err *err);

/* At the start of a drain, before jobs_recover: uncounts the attempts that the marked run claimed
 * and never gave to the network, and says so in their rows. The jobs are read back like others. */
bool jobs_uncount(struct store *store, const struct lock_mark *mark, int64_t now_ms,
                  struct err *err);

/* At the start of a drain, under its lock: `sending` becomes `unknown`; what waited for another job
 * or was in hand is due at once. What was left to the next run is claimed when nothing else can
 * go. */
bool jobs_recover(struct store *store, int64_t now_ms, uint64_t *recovered, struct err *err);
