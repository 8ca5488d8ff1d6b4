/* The store's thread during a drain: takes a turn (outcomes in, claims out), commits it, and wakes
 * the loop. One turn at a time. */
#pragma once

#include "core/base/err.h"
#include "core/store/exchange.h"

#include <stdbool.h>

struct keeper;

/* Starts the thread with its own connection to the database. wake(context) is called from it after
 * each turn. NULL on error. */
struct keeper *keeper_open(const char *database, void (*wake)(void *context), void *context,
                           struct err *err);

/* Ends the thread, after the turn that was handed over. */
void keeper_close(struct keeper *keeper);

/* True when a turn can be handed over. */
bool keeper_is_idle(const struct keeper *keeper);

/* Hands a turn over; the exchange and all it points to are the keeper's until keeper_take. */
void keeper_hand(struct keeper *keeper, struct exchange *exchange);

/* Takes a finished turn back; *done is false while it is not finished. False when the turn failed
 * (ERR_STORE, ERR_INTERNAL): nothing of it is in the database. */
bool keeper_take(struct keeper *keeper, bool *done, struct err *err);
