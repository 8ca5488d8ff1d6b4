/* The one SQLite file that holds all state. A struct store is one connection, for one thread at a
 * time. */
#pragma once

#include "core/base/err.h"

#include <stdbool.h>

struct store;

enum store_mode {
    STORE_CREATE,   /* run, ingest: make the database where there is none */
    STORE_EXISTING, /* every other command: a missing database is ERR_CONFIG */
    STORE_READING,  /* status, history, export: as STORE_EXISTING, but read-only where this user may
                       not write; an older version is ERR_STORE then */
    STORE_LOOKING,  /* doctor: read-only, and an older version is not migrated; a statement that
                       takes long ends with ERR_STOPPED after a signal. Can leave an empty -wal and
                       its -shm next to the database, as SQLite's readers do */
    STORE_ALONE,    /* as STORE_LOOKING, of a copy that nobody else uses; nothing is left */
};

/* Switches off the memory statistics of SQLite, which cost a lock and two sums at each allocation.
 * Call it once, before anything uses SQLite. */
void store_prepare(void);

/* Opens the database, brings it up to the newest migration (but for STORE_LOOKING), and checks that
 * it is ours (application_id) and not newer than this program. *created: it was made now (mode
 * 0600). NULL on error (ERR_STORE, ERR_CONFIG when missing). path is copied. */
struct store *store_open(const char *path, enum store_mode mode, bool *created, struct err *err);
void store_close(struct store *store);

/* Whether the database is still the file of its path; ERR_STORE after it was moved, deleted or
 * replaced: what is written then is lost with it. */
bool store_is_in_place(struct store *store, struct err *err);

/* Absolute path of the database file. */
const char *store_path(const struct store *store);

/* Sets what a commit survives: with false a crash of the process, with true also one of the machine
 * (an fsync each). Intake switches it off between its first and its last commit. Default: true. */
bool store_set_durable(struct store *store, bool durable, struct err *err);

/* Sets how much of the file the connection keeps in memory. Default: 12000 KiB, for intake. */
bool store_set_cache(struct store *store, unsigned kib, struct err *err);
