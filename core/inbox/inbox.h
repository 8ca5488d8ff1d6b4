/* Which files of a folder are ready to be read, and where they go afterwards. */
#ifndef ROWFERRY_INBOX_INBOX_H
#define ROWFERRY_INBOX_INBOX_H

#include "core/base/err.h"
#include "core/base/notice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stat;

enum {
    INBOX_WAIT_MS = 60000,    /* a young file is waited for this long beyond min_age_ms at most */
    INBOX_FILES_MAX = 100000, /* names in one folder; more is an error */
    INBOX_NAME_SIZE = 256,    /* a file's name with its NUL (NAME_MAX) */
};

/* What one look at a folder found; names are without the folder, in name order (memcmp). */
struct inbox_look {
    char **ready; /* same size and modification time at two looks */
    size_t ready_count;
    char **growing; /* still changing when the waiting ended */
    size_t growing_count;
};

/* Looks twice, min_age_ms apart (0: once); what changed in between is looked at again until it is
 * the same twice, for min_age_ms + INBOX_WAIT_MS at most. Files that come while it waits are left
 * for the next time. An old modification time is no shortcut, since a copy may carry one while it
 * grows. Notices name what is left alone and is not plainly unfinished: anything but a regular file
 * (links too). Passed over silently: names that begin with `.` or end in .tmp, .part or .filepart,
 * and the folders done/ and refused/. ERR_CONFIG: the folder is missing or cannot be read;
 * ERR_STOPPED. */
bool inbox_look(const char *folder, int64_t min_age_ms, const struct notice_sink *notices,
                struct inbox_look *look, struct err *err);
void inbox_look_release(struct inbox_look *look);

/* Which content a name stood for: a file that was changed or replaced since is another one. */
struct inbox_identity {
    uint64_t device, inode, size;
    int64_t mtime_ns;
};

struct inbox_identity inbox_identity_of(const struct stat *status);
bool inbox_identity_equal(const struct inbox_identity *a, const struct inbox_identity *b);

/* Where a file of the folder belongs. All functions below are safe to repeat after a crash at any
 * point, under the intake lock. */
struct inbox_place {
    const char *folder; /* the inbox */
    const char *name;   /* the file's name there */
    const char *sub;    /* `done` or `refused`; made when needed, mode 0700 */
    int64_t batch_id;   /* goes into the name where `name` is taken in sub; or 0 */
    const struct inbox_identity *file;
};

enum inbox_whereabouts {
    INBOX_WAITING, /* in the folder, not moved yet */
    INBOX_MOVED,   /* in sub */
    INBOX_GONE,    /* in neither: its name stands for another file, or for none */
};

/* The name that the file gets in sub or already has there: NAME, or where another file has that
 * name NAME.<batch id>, and so on. Errors: ERR_CONFIG. */
bool inbox_place_find(const struct inbox_place *place, char name[INBOX_NAME_SIZE],
                      enum inbox_whereabouts *where, struct err *err);

/* Moves the file into sub under that name, never over another file, and fsyncs both folders.
 * *moved false: it is not in the folder any more, and nothing is done. Errors: ERR_CONFIG. */
bool inbox_place_move(const struct inbox_place *place, bool *moved, struct err *err);

/* Writes sub/NAME<suffix> (NAME cut where the name would be too long): a temporary file (O_EXCL,
 * 0600), content by `write`, fsync, rename over an older one, fsync of the folder. */
bool inbox_place_write(const struct inbox_place *place, const char *name, const char *suffix,
                       bool (*write)(void *context, int fd, struct err *err), void *context,
                       struct err *err);

#endif
