/* Inside core/drain only: the audit log of applied jobs, after all that could be sent was sent. */
#pragma once

#include <stdbool.h>

struct err;
struct loop;
struct store;

/* Looks up the applied jobs of options.audit in the audit log, at the loop's pace and with its
 * token, and writes a verdict on each (docs/api.md#audit). Uses the caller's connection. What was
 * not looked up, because the run is stopped, parked or fails, is looked up by the next run. False
 * with err: ERR_NETWORK where the log cannot be read, and what other requests fail with. */
bool audit_run(struct loop *loop, struct store *store, struct err *err);
