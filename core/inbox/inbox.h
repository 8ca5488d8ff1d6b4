/* Which files of a folder are ready to be read. */
#ifndef ROWFERRY_INBOX_INBOX_H
#define ROWFERRY_INBOX_INBOX_H

#include "core/base/err.h"
#include "core/base/notice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct catalog;
struct inbox_identity;

enum {
    INBOX_AGE_MS = 2000,         /* a file is complete when it was not changed for so long, */
    INBOX_AGE_UNSEEN_MS = 30000, /* or for so long where nobody can see who writes it */
    INBOX_WAIT_MS = 60000,       /* a young file is waited for this long beyond that at most */
    INBOX_FILES_MAX = 100000,    /* files in one inbox; more is an error */
};

/* Why something that waits in an inbox is left for later, or for a person. */
enum inbox_reason {
    INBOX_GROWING,   /* a file that still changed when the waiting ended */
    INBOX_OPEN,      /* a file that some process has open for writing */
    INBOX_UNMARKED,  /* a file whose marker (rules.done_suffix) has not come */
    INBOX_CLOSED,    /* a sub-folder that we may not read */
    INBOX_ELSEWHERE, /* a sub-folder on another file system, from where nothing moves to done/ */
    INBOX_LINK,      /* a link that is not read through */
};

struct inbox_unready {
    char *name;
    enum inbox_reason reason;
};

/* What one look at an inbox found. A name is that of the file in the inbox, or SUB-FOLDER/FILE. The
 * order is that of the files' own names (bytes), whatever folder they lie in, so that the date in a
 * name counts for more than the folder; equal names come in the order of their paths. */
struct inbox_look {
    char **ready; /* old enough, the same at two looks, and nobody writes */
    size_t ready_count;
    struct inbox_unready *unready;
    size_t unready_count;
    char **left; /* files, and what is not a file, that are not ours to read */
    size_t left_count;
};

/* Zeroed: every file with an ending of ours, whatever its age. Pointers are the caller's. */
struct inbox_rules {
    const struct catalog *catalog; /* NULL: no sub-folders, no schema names */
    bool any_name;                 /* the format is given: a name needs no ending of ours */
    bool any_schema;               /* the schema is given: any file may be of it */
    const char *ignore;            /* shell patterns with commas, or NULL */
    const char *done_suffix;       /* a file is complete when FILE<suffix>, or its name without the
                                      ending and with this, is there; or NULL */
    int64_t min_age_ms;            /* or -1: INBOX_AGE_MS, or INBOX_AGE_UNSEEN_MS */
    int64_t wait_ms;               /* beyond the age: how long young files are waited for */
    /* Whether this file, whole and unchanged since, was dealt with before: it is passed over. May
     * be NULL. */
    bool (*is_past)(void *context, const char *name, const struct inbox_identity *file);
    void *context;
    const struct notice_sink *notices;
};

/* Looks into the folder, and into its sub-folders that are named like a schema of the catalog, but
 * not into theirs. A file is ready when its modification time is at least the minimum age ago (or,
 * where that is in the future, when it was seen unchanged for so long), and it was the same at two
 * looks 1 s apart (0: at one). Files that come while it waits are left for the next time. A link to
 * a regular file of the same owner, on the inbox's file system, counts as that file. Notices name
 * folders that are left alone. Passed over silently: names that begin with `.`, and the folders
 * done/ and refused/. SIGIO must be ignored, as stop_init does. ERR_CONFIG: the folder is missing
 * or cannot be read; ERR_STOPPED. */
bool inbox_look(const char *folder, const struct inbox_rules *rules, struct inbox_look *look,
                struct err *err);
void inbox_look_release(struct inbox_look *look);

#endif
