/* Withdraws what a batch has not sent yet. */
#pragma once

#include "core/store/decide.h"

/* Withdraws the jobs of an open batch that no drain has sent or has in hand; of a batch that is not
 * open, none. Visits every job that was open: withdrawn (DECIDE_MOVED), or DECIDE_SENT. Begins with
 * those that were never claimed, from the cursor on, so that a drain that runs at the same time
 * finds fewer of them in each turn. Transactions are bounded, and each reads the cursor again. Jobs
 * that were visited stay withdrawn after a later failure; ERR_STOPPED: a signal came between two
 * transactions. */
bool cancel_batch(struct store *store, const struct decision *decision, int64_t batch_id,
                  struct err *err);
