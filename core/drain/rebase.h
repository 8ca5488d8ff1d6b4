/* What is sent where the record's present state counts: our fields laid over those that a GET
 * fetched, or instead of them, as the schema file says, and the schema's rules checked again. */
#ifndef ROWFERRY_DRAIN_REBASE_H
#define ROWFERRY_DRAIN_REBASE_H

#include "core/base/buf.h"
#include "core/base/err.h"

#include <stdbool.h>

struct rebase;

/* folder: of the schema files, which are read when the first record of their object comes. */
struct rebase *rebase_open(const char *folder);
void rebase_close(struct rebase *rebase);

struct rebased {
    struct span fields; /* to send; valid until the next rebase_build */
    bool is_there;      /* the record holds just these values already */
    const char *broken; /* what a rule says of them, valid likewise; NULL: none is broken */
};

/* ours, theirs: JSON objects; theirs may be empty. False with ERR_CONFIG: the schema file is
 * missing or wrong. */
bool rebase_build(struct rebase *rebase, struct span schema, struct span ours, struct span theirs,
                  struct rebased *rebased, struct err *err);

/* True when an update with `sent` would change nothing in a record with `held`, both JSON objects:
 * with `write: merge`, when sent is within held; with `replace`, or without a readable schema file,
 * when both are equal. */
bool rebase_is_there(struct rebase *rebase, struct span schema, struct span sent, struct span held);

#endif
