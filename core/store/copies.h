/* Where the copies of a database go: into a file that is named, or into a folder under a name with
 * their time. A copy is written under another name next to its place first. */
#pragma once

#include "core/base/err.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

enum { COPY_NAME_SIZE = NAME_MAX + 1 };

struct copies {
    char *folder;                   /* absolute */
    char *name;                     /* of the file; NULL: a folder was named */
    char *stem;                     /* of the names in a folder: of `erp.db` it is `erp` */
    bool replaces;                  /* the file is there, and is a copy that is replaced */
    int folder_fd, fd;              /* -1: closed */
    char temporary[COPY_NAME_SIZE]; /* of the file that is open as fd */
    char placed[COPY_NAME_SIZE];    /* what copies_place named it */
};

/* Finds out where target leads: a folder if it is one or ends with `/`, else a file. database: the
 * absolute path of the database. ERR_CONFIG for `-`, if that folder does not exist, or if the file
 * is the database or belongs to it, is not a copy of a database of ours, or is in use. copies_close
 * in any case. */
bool copies_open(struct copies *copies, const char *database, const char *target, struct err *err);
void copies_close(struct copies *copies);

/* Reads when the newest copy in the folder was made; 0: there is none. */
bool copies_newest(struct copies *copies, int64_t *made_ms, struct err *err);

/* Makes the temporary file (mode 0600), with room for so many bytes, and deletes those that killed
 * processes left. Returns its path, which the caller frees; NULL with ERR_CONFIG, or with ERR_STORE
 * if the disk is full. */
char *copies_begin(struct copies *copies, uint64_t bytes, struct err *err);

/* Gives the temporary file its name: that of the file, or the time, with -2 and so on after it if a
 * copy of that second is there. Both it and its folder are synced. ERR_CONFIG. */
bool copies_place(struct copies *copies, int64_t now_ms, struct err *err);

/* Deletes the copies in the folder but for the one just placed and the newest of the others, keep
 * (1 or more) in all. A copy is a regular file with exactly a name that copies_place gives, and
 * with a database of ours in it. Visits the names of those that it deleted. Goes on if one cannot
 * be deleted; returns false then, with ERR_CONFIG. */
bool copies_thin(struct copies *copies, unsigned keep,
                 void (*visit)(void *context, const char *name), void *context, struct err *err);
