/* What a batch has not sent yet, withdrawn. */
#ifndef ROWFERRY_STORE_CANCEL_H
#define ROWFERRY_STORE_CANCEL_H

#include "core/store/decide.h"

/* Withdraws the jobs of an open batch that no drain has sent or has in hand; of a batch that is not
 * open, none. Visited is every job that was open: withdrawn (DECIDE_MOVED), or DECIDE_SENT. First
 * go those that were never claimed, from the cursor on, so that a drain that runs meanwhile finds
 * less in each of its turns; every transaction is bounded, and reads the cursor as the last turn
 * left it. What was visited stays done when it fails later; ERR_STOPPED: a signal came between two
 * transactions. */
bool cancel_batch(struct store *store, const struct decision *decision, int64_t batch_id,
                  struct err *err);

#endif
