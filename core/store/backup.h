/* A copy of the database in one file, made while others work on it. */
#pragma once

#include "core/base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct store;

struct backup {
    uint64_t bytes;  /* of the file */
    int64_t version; /* user_version of the database */
};

/* Called after each step, with the bytes that are copied, and those of the whole copy. Can be NULL.
 */
struct backup_watch {
    void (*report)(void *context, uint64_t bytes, uint64_t bytes_total);
    void *context;
};

/* Reads what a copy would be now. */
bool backup_measure(struct store *store, struct backup *backup, struct err *err);

/* Copies what is committed when it begins to an empty file that nobody else uses, and syncs it; fd
 * is that file, open for writing. The copy needs no write-ahead log: it is in WAL mode only after a
 * writer has opened it. What others commit meanwhile stays in their write-ahead log until the copy
 * ends; none of them waits for it. ERR_STORE if the database cannot be read, or the disk of the
 * copy is full; ERR_STOPPED. */
bool backup_copy(struct store *store, const char *path, int fd, const struct backup_watch *watch,
                 struct backup *backup, struct err *err);

/* Checks that the copy at path is that: ours, of that version, with all tables and indexes whole
 * (PRAGMA integrity_check). ERR_STORE with what is wrong; ERR_STOPPED. */
bool backup_check(const char *path, const struct backup *backup, struct err *err);
