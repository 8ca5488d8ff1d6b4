/* Which files of a folder are ready to be read. */
#ifndef ROWFERRY_INBOX_INBOX_H
#define ROWFERRY_INBOX_INBOX_H

#include "core/base/err.h"
#include "core/base/notice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct catalog;

enum {
    INBOX_WAIT_MS = 60000,    /* a young file is waited for this long beyond min_age_ms at most */
    INBOX_FILES_MAX = 100000, /* files in one inbox; more is an error */
};

/* Why something that waits in an inbox is left for later. */
enum inbox_reason {
    INBOX_GROWING,   /* a file that still changed when the waiting ended */
    INBOX_OPEN,      /* a file that some process has open for writing */
    INBOX_CLOSED,    /* a sub-folder that we may not read */
    INBOX_ELSEWHERE, /* a sub-folder on another file system, from where nothing moves to done/ */
};

struct inbox_unready {
    char *name;
    enum inbox_reason reason;
};

/* What one look at an inbox found. A name is that of the file in the inbox, or SUB-FOLDER/FILE. The
 * order is that of the files' own names (bytes), whatever folder they lie in, so that the date in a
 * name counts for more than the folder; equal names come in the order of their paths. */
struct inbox_look {
    char **ready; /* same size and modification time at two looks, and nobody writes */
    size_t ready_count;
    struct inbox_unready *unready;
    size_t unready_count;
};

/* Looks into the folder, and into its sub-folders that are named like a schema of the catalog
 * (NULL: none), but not into theirs. Twice, min_age_ms apart (0: once); what changed in between is
 * looked at again until it is the same twice, for min_age_ms + INBOX_WAIT_MS at most. Files that
 * come while it waits are left for the next time. An old modification time is no shortcut, since a
 * copy may carry one while it grows. Notices name what is left alone and is not plainly unfinished:
 * anything but a regular file (links too), other folders. Passed over silently: names that begin
 * with `.` or end in .tmp, .part or .filepart, and the folders done/ and refused/. SIGIO must be
 * ignored, as stop_init does. ERR_CONFIG: the folder is missing or cannot be read; ERR_STOPPED. */
bool inbox_look(const char *folder, const struct catalog *catalog, int64_t min_age_ms,
                const struct notice_sink *notices, struct inbox_look *look, struct err *err);
void inbox_look_release(struct inbox_look *look);

/* The same with another patience than INBOX_WAIT_MS. */
bool inbox_look_within(const char *folder, const struct catalog *catalog, int64_t min_age_ms,
                       int64_t wait_ms_max, const struct notice_sink *notices,
                       struct inbox_look *look, struct err *err);

#endif
