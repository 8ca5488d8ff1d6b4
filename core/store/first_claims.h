/* Inside core/store only: the rows of claims of jobs that were never claimed, many at once. */
#pragma once

#include "core/base/err.h"
#include "core/store/claim.h"
#include "core/store/store.h"

#include <stdbool.h>
#include <stdint.h>

/* Inserts states and attempts of claims that send an update, in their order, and fills in their
 * times and the ids of their attempts, which ascend. */
bool first_claims_write(struct store *store, struct claim **claims, unsigned count, int64_t run_id,
                        int64_t now_ms, struct err *err);
