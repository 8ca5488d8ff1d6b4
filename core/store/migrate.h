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

/* Applies what the database does not have yet, one transaction each; killed at any moment, it goes
 * on with the next one. ERR_STORE: the database is of a newer version, or the disk has no room for
 * the upgrade, of which nothing is done then. ERR_STOPPED: a signal came, and the transaction is
 * rolled back. */
bool migrate_up(struct store *store, struct err *err);

/* Has migrate_up call report again and again during an upgrade, with the number of the migration
 * among those that it applies, from 1. NULL: nobody. */
void migrate_watch(void (*report)(void *context, unsigned step, unsigned steps), void *context);
