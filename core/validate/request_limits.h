/* Limits of a target that a row can exceed: bytes of its request, and fields (docs/targets.md). */
#pragma once

#include "core/row/row.h"
#include "core/target/target.h"

/* What one thread needs to check rows. */
struct request_limits;

/* Returns NULL if the target declares no such limit. shape and target must outlive it. */
struct request_limits *request_limits_open(const struct row_shape *shape,
                                           const struct target *target);
void request_limits_close(struct request_limits *limits);

/* Adds a violation for each limit that the row's request is beyond, as far as the row determines
 * it: what an update adds of the record that is read, and the defaults of a run, do not count. */
void request_limits_check(struct request_limits *limits, const struct row *row,
                          struct violations *violations);
