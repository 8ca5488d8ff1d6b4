/* Builds an update on a fetched record: our fields merged into its fields, or in place of them, as
 * the schema file says. The rules of the schema file are checked again. */
#pragma once

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/row/row.h"
#include "core/target/target.h"

#include <stdbool.h>

struct rebase;

/* folder: of the schema files. Each is read when the first record of its schema comes. */
struct rebase *rebase_open(const char *folder);
void rebase_close(struct rebase *rebase);

struct rebased {
    struct span fields; /* to send; valid until the next rebase_build */
    bool is_there;      /* sending them would change nothing */
    const char *broken; /* the message of a rule that they break, valid likewise; NULL: none */
};

/* Fills *rebased. ours, theirs: JSON objects; theirs can be empty. whole: ours are what the record
 * held before, and replace its fields whatever the schema file says. False with ERR_CONFIG: the
 * schema file is missing or wrong. */
bool rebase_build(struct rebase *rebase, struct span schema, bool whole, struct span ours,
                  struct span theirs, struct rebased *rebased, struct err *err);

/* How many rows of a schema the API takes in a bulk request, as far as this run has shown it. */
struct rebase_rows {
    bool is_limited; /* more than `worked` were refused, whatever the rows */
    unsigned worked; /* the most that were taken */
    unsigned denied; /* that were denied alone, since some were taken */
    bool parts;      /* what is denied together is sent again in halves, also if none was taken */
};

/* Returns that of a schema, for the caller to keep; NULL without a readable schema file. */
struct rebase_rows *rebase_rows(struct rebase *rebase, struct span schema);

/* Returns the target of the schema's rows: the guide's without a readable schema file. */
const struct target *rebase_target(struct rebase *rebase, struct span schema);

/* Returns the target of a batch of the schema. NULL with ERR_CONFIG: the schema file is missing or
 * wrong and the batch needs it, or makes record ids of other parts. */
const struct target *rebase_batch_target(struct rebase *rebase, struct span schema,
                                         const struct target_parts *parts, struct err *err);

/* The shape of the schema, or NULL without a readable schema file. */
const struct row_shape *rebase_shape(struct rebase *rebase, struct span schema);

/* The hash of the schema file, or NULL without a readable one. */
const char *rebase_hash(struct rebase *rebase, struct span schema);

/* True when a row is sent although the record holds its values. */
bool rebase_sends_unchanged(struct rebase *rebase, struct span schema);

/* True when updates of the schema are merged into the record; false when they replace its fields,
 * and without a readable schema file. */
bool rebase_merges(struct rebase *rebase, struct span schema);
