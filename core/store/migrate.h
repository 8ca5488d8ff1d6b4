/* The migrations of the folder migrations/, embedded by the build. */
#pragma once

#include "core/base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct store;

struct migration {
    const char *name; /* NNNN_what; NNNN is the user_version that it leaves */
    const char *sql;
};

/* In the order of their numbers, 1 to migration_count; made by the Makefile. */
extern const struct migration migrations[];
extern const unsigned migration_count;

/* How many migrations the database has. More than there are is ERR_STORE. */
bool migrate_version(struct store *store, int64_t *version, struct err *err);

/* Applies what the database does not have yet, one transaction each. A database of a newer version
 * is ERR_STORE. */
bool migrate_up(struct store *store, struct err *err);
