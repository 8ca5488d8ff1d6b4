/* Which files of a folder are ready to be read. */
#ifndef ROWFERRY_INBOX_INBOX_H
#define ROWFERRY_INBOX_INBOX_H

#include "core/base/err.h"
#include "core/base/notice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    INBOX_WAIT_MS = 60000,    /* a young file is waited for this long beyond min_age_ms at most */
    INBOX_FILES_MAX = 100000, /* names in one folder; more is an error */
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

/* The same with another patience than INBOX_WAIT_MS. */
bool inbox_look_within(const char *folder, int64_t min_age_ms, int64_t wait_ms_max,
                       const struct notice_sink *notices, struct inbox_look *look, struct err *err);

#endif
