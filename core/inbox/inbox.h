/* Which files of a folder are ready to be read. */
#pragma once

#include "core/base/err.h"
#include "core/base/notice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct catalog;
struct inbox_identity;

enum {
    INBOX_AGE_MS = 2000,         /* a file is complete after so long without a change, */
    INBOX_AGE_UNSEEN_MS = 30000, /* or after this, if its writers cannot be seen */
    INBOX_WAIT_MS = 60000,       /* longest wait for a young file beyond that */
    INBOX_FILES_MAX = 100000,    /* files in one inbox; more is an error */
};

/* Why something in an inbox is left for later, or for a person. */
enum inbox_reason {
    INBOX_GROWING,   /* a file that still changed at the end of the wait */
    INBOX_OPEN,      /* a file that some process has open for writing */
    INBOX_UNMARKED,  /* a file without its marker (rules.done_suffix) */
    INBOX_CLOSED,    /* a sub-folder that cannot be read */
    INBOX_ELSEWHERE, /* a sub-folder on another file system, so files cannot move to done/ */
    INBOX_LINK,      /* a link that is not followed */
};

struct inbox_unready {
    char *name;
    enum inbox_reason reason;
};

/* The result of a look at an inbox. A name is that of the file in the inbox, or SUB-FOLDER/FILE.
 * Sorted by the files' own names (bytes) before their folders, so that the date in a name decides;
 * equal names are sorted by path. */
struct inbox_look {
    char **ready; /* old enough, unchanged between two looks, and without a writer */
    size_t ready_count;
    struct inbox_unready *unready;
    size_t unready_count;
    char **left; /* files and others that rowferry does not read */
    size_t left_count;
};

/* Zeroed: every file with a known ending, whatever its age. The caller owns what it points to. */
struct inbox_rules {
    const struct catalog *catalog; /* NULL: no sub-folders, no schema names */
    bool any_name;                 /* the format is given: a name needs no known ending */
    bool any_schema;               /* the schema is given: any file can belong to it */
    const char *ignore;            /* shell patterns separated by commas, or NULL */
    const char *done_suffix;       /* a file is complete if FILE<suffix> exists, or its name with
                                      this instead of the ending; or NULL */
    int64_t min_age_ms;            /* or -1: INBOX_AGE_MS, or INBOX_AGE_UNSEEN_MS */
    int64_t wait_ms;               /* longest wait for young files beyond the age */
    /* True if this file was read before and is unchanged: it is skipped. Can be NULL. */
    bool (*is_past)(void *context, const char *name, const struct inbox_identity *file);
    void *context;
    const struct notice_sink *notices;
};

/* Looks into the folder, and into its sub-folders that are named like a schema of the catalog, but
 * not into theirs. A file is ready when its modification time is at least the minimum age ago (or,
 * if that is in the future, when it was seen unchanged for that long), and it was the same at two
 * looks 1 s apart (age 0: at one). Files that arrive during the wait are left for the next time. A
 * link to a regular file of the same owner on the same file system counts as that file. Notices
 * name folders that are ignored. Skipped silently: names that begin with `.`, and the folders done/
 * and refused/. SIGIO must be ignored, as stop_init does. ERR_CONFIG: the folder cannot be read;
 * ERR_STOPPED. */
bool inbox_look(const char *folder, const struct inbox_rules *rules, struct inbox_look *look,
                struct err *err);
void inbox_look_release(struct inbox_look *look);

/* Checks whether `run` could work in a folder: read it, and move its files to done/ and refused/.
 * Changes nothing. *waiting: the number of files to read, also in sub-folders that are named like a
 * schema of the catalog (NULL: none). ERR_CONFIG with only what is wrong, and in *advice what to do
 * about it, without a full stop. */
bool inbox_usable(const char *folder, const struct catalog *catalog, size_t *waiting,
                  const char **advice, struct err *err);
