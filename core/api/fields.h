/* The `fields` of records, as JSON text: compared, merged, and named where they differ. */
#ifndef ROWFERRY_API_FIELDS_H
#define ROWFERRY_API_FIELDS_H

#include "core/base/buf.h"

#include <stdbool.h>

/* True when every member of `ours` is in `theirs` with an equal JSON value: numbers by decimal
 * value, objects regardless of order. Both are JSON objects. */
bool api_fields_within(struct span ours, struct span theirs);

/* Appends `theirs` with the members of `ours` in place of, or behind, its own: values and digits as
 * both sides wrote them. Both are JSON objects; theirs may be empty. */
void api_fields_merge(struct buf *out, struct span ours, struct span theirs);

/* Tells the names of the members in which the two differ, decoded: first those of ours, then those
 * that only theirs has. Numbers are equal by value. */
void api_fields_differing(struct span ours, struct span theirs,
                          void (*visit)(void *context, struct span name), void *context);

#endif
