/* The register of what intake has put into done/ and refused/: files and sheets, by identity. */
#pragma once

#include "core/base/err.h"
#include "core/store/store.h"

#include <stdbool.h>
#include <stdint.h>

/* Texts are the caller's on the way in; out-parameters point into the store until its next call
 * here. */
struct filed {
    int64_t id;
    int64_t batch_id; /* 0: refused before there was a batch */
    bool sheet;       /* written by us about a file */
    const char *folder;
    const char *name; /* NULL: not known, to be found by identity */
    uint64_t device, inode, size;
    int64_t mtime_ns;
    int64_t filed_ms;
    bool pruned; /* its batch is, or it has none */
};

/* Notes that this file has, or is about to get, that name. What was noted of the name, and of the
 * very same file under another, is forgotten. Files (no sheets) are watched from here on.
 * filed_ms is not read. */
bool filed_note(struct store *store, const struct filed *filed, int64_t now_ms, struct err *err);

/* What is noted of that name. *found false: nothing. */
bool filed_at(struct store *store, const char *folder, const char *name, struct filed *filed,
              bool *found, struct err *err);

/* The next one above `after` that was filed at that moment or before. The file of a batch that is
 * open, or was finished later, is left out. */
bool filed_next(struct store *store, int64_t after, int64_t before_ms, struct filed *filed,
                bool *found, struct err *err);

/* The next file above `after` that is watched: from when it was filed until filed_unwatch. */
bool filed_next_watched(struct store *store, int64_t after, struct filed *filed, bool *found,
                        struct err *err);
bool filed_unwatch(struct store *store, int64_t id, struct err *err);

/* It is deleted, or is not ours any more. */
bool filed_forget(struct store *store, int64_t id, struct err *err);
