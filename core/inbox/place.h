/* Where the files of an inbox go after they were read, and what is written beside them there. */
#ifndef ROWFERRY_INBOX_PLACE_H
#define ROWFERRY_INBOX_PLACE_H

#include "core/base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct stat;

enum { INBOX_NAME_SIZE = 256 }; /* a file's name with its NUL (NAME_MAX) */

/* Which content a name stood for: a file that was changed or replaced since is another one. */
struct inbox_identity {
    uint64_t device, inode, size;
    int64_t mtime_ns;
};

struct inbox_identity inbox_identity_of(const struct stat *status);
bool inbox_identity_equal(const struct inbox_identity *a, const struct inbox_identity *b);

/* Cuts the absolute path of a file in an inbox, or in a sub-folder of one: returns the file's name
 * as inbox_look gives it (FILE or SUB-FOLDER/FILE), and leaves the inbox in path ("" for /). */
char *inbox_cut_name(char *path, bool in_sub_folder);

/* Where a file of an inbox belongs. Whoever may use the inbox may use `sub`, and whoever may read
 * the file may read what is written about it: `sub` is made with the permission bits of the inbox,
 * a sheet with the read bits of the file, both with owner and group of these where we may give them
 * (otherwise with the bits that group and others have in common). All functions below are safe to
 * repeat after a crash at any point, under the intake lock. */
struct inbox_place {
    const char *folder; /* the inbox */
    const char *from;   /* its sub-folder in which the file lies, or NULL: the inbox itself */
    const char *name;   /* the file's name there */
    const char *sub;    /* `done` or `refused`, in the inbox either way; made when needed */
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
 * *moved false: it is not in the folder any more. Errors: ERR_CONFIG, with what to do where the
 * file system does not let us; the file is then where it was. */
bool inbox_place_move(const struct inbox_place *place, bool *moved, struct err *err);

/* The name of what is written about a file beside it, where it has that name: NAME<suffix>, or
 * where that is too long the beginning of the file's name with .<batch id><suffix>, so that no two
 * batches get the same. */
void inbox_place_sheet(const struct inbox_place *place, const char *name, const char *suffix,
                       char sheet[INBOX_NAME_SIZE]);

/* Writes that: a temporary file (O_EXCL), content by `write`, fsync, rename over an older one,
 * fsync of the folder. */
bool inbox_place_write(const struct inbox_place *place, const char *name, const char *suffix,
                       bool (*write)(void *context, int fd, struct err *err), void *context,
                       struct err *err);

enum inbox_deletion {
    INBOX_DELETED, /* or would be, in a rehearsal */
    INBOX_MISSING,
    INBOX_CHANGED, /* its name has other content by now, which stays */
};

/* Deletes the file from sub, under whatever name it has there (name), and what inbox_place_write
 * has written beside it with one of the suffixes (NULL behind the last; the file goes last, so that
 * this can be repeated). Only if it is the very file that was moved there; no link is followed.
 * rehearsed: deletes nothing. Needs no lock: others leave its names alone while it is there.
 * Errors: ERR_CONFIG. */
bool inbox_place_delete(const struct inbox_place *place, const char *const *suffixes,
                        bool rehearsed, char name[INBOX_NAME_SIZE], enum inbox_deletion *end,
                        struct err *err);

#endif
