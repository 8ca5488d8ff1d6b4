/* The `fields` of records, as JSON text: compared, merged, and named where they differ. */
#pragma once

#include "core/base/buf.h"

#include <stdbool.h>

/* True when every member of `ours` is in `theirs` with an equal JSON value: numbers by decimal
 * value, objects in any order. False also when one of them is not a JSON object. */
bool api_fields_within(struct span ours, struct span theirs);

/* The same, where a member of `ours` that is null need not be in `theirs`. */
bool api_fields_held(struct span ours, struct span theirs);

/* How two JSON objects relate. */
struct api_fields_relation {
    bool is_within;  /* as by api_fields_within */
    bool has_others; /* theirs has members that ours does not have */
};

/* Compares both ways at once. Both texts have passed json_scan; neither is true if one of them is
 * not an object and they are not the same text. */
struct api_fields_relation api_fields_relate(struct span ours, struct span theirs);

/* Appends `theirs` with the members of `ours` in place of its own, or after them. Values keep their
 * spelling. Both are JSON objects; theirs can be empty. */
void api_fields_merge(struct buf *out, struct span ours, struct span theirs);

/* A member in which two objects differ. */
struct api_fields_difference {
    struct span name;         /* decoded */
    struct span ours, theirs; /* the values as JSON text, as each side wrote them; without data: it
                                 has no such member */
};

/* Calls visit with each member in which the two differ: first those of ours, then those that only
 * theirs has. Values are compared as by api_fields_within. */
void api_fields_differing(struct span ours, struct span theirs,
                          void (*visit)(void *context,
                                        const struct api_fields_difference *difference),
                          void *context);
