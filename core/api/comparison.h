/* An update, and the record that was read after it: where they differ, and where a value came back
 * that was sent for another place. */
#pragma once

#include "core/target/target.h"

enum comparison_kind {
    COMPARISON_REWRITTEN, /* the record has another value */
    COMPARISON_LOST,      /* the record does not have the field */
    COMPARISON_EXTRA,     /* the record has a field that was not sent, and was not there before */
};

struct comparison {
    enum comparison_kind kind;
    struct span name;       /* decoded */
    struct span sent, read; /* JSON text; empty where there is none */
    struct span elsewhere;  /* the one other place of the record that has the value that was sent:
                               a JSON pointer; or empty */
};

/* What is compared. JSON objects: the fields that were sent, those of the record after the update
 * and before it (or empty), and the whole body that was read. */
struct comparison_sides {
    struct span sent, read, before, body;
};

/* Calls visit, unless it is NULL, with each field that did not come back as it was sent. Values are
 * compared as the target compares them; null is the same as none, and what the target ignores is
 * left out. Returns how many fields there are. */
size_t comparison_make(const struct target *target, const struct comparison_sides *sides,
                       void (*visit)(void *context, const struct comparison *comparison),
                       void *context);

/* Returns whether the record is as our update and the API may have left it: what did not come back
 * as it was sent has the value of before, or that of the answer to the update, or is only spelled
 * otherwise (case, punctuation, cut off), or is at another place. answered: the fields of a record
 * in the answer; or empty. */
bool comparison_is_explained(const struct target *target, const struct comparison_sides *sides,
                             struct span answered);

/* Appends the pointers of the members that `before` has and `after` does not have, with commas
 * between them: at most `limit`. Both are JSON objects. Returns how many there are. */
size_t comparison_gone(struct span before, struct span after, size_t limit, struct buf *out);
