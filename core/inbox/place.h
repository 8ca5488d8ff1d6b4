/* Where the files of an inbox go after they were read, and what is written next to them there. */
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
    INBOX_WRITTEN, /* the same, and some process has it open for writing */
    INBOX_MOVED,   /* in sub */
    INBOX_GONE,    /* in neither: its name is that of another file, or of none */
};

/* The name that the file gets in sub or already has there: NAME, or where another file has that
 * name STEM.<batch id>.ENDING, and so on. Errors: ERR_CONFIG. */
bool inbox_place_find(const struct inbox_place *place, char name[INBOX_NAME_SIZE],
                      enum inbox_whereabouts *where, struct err *err);

enum inbox_move {
    INBOX_MOVE_DONE, /* it is in sub, now or since before */
    INBOX_MOVE_GONE, /* nothing has its name in the folder */
    INBOX_MOVE_LATE, /* what has its name in the folder is another file, or was changed: it stays */
    INBOX_MOVE_BUSY, /* some process has it open for writing: it stays in the folder */
    INBOX_MOVE_LOST, /* another file, or what it has become, took its place while it was moved, is
                        in sub under that name, and could not be moved back */
};

/* Moves the file into sub, never over another file, and fsyncs both folders. Looks once more at
 * what was moved, and moves it back where that is not the file, whole and left alone. name: in sub.
 * Errors: ERR_CONFIG, with what to do where the file system does not let us; the file is then where
 * it was. */
bool inbox_place_move(const struct inbox_place *place, char name[INBOX_NAME_SIZE],
                      enum inbox_move *end, struct err *err);

/* What is written about a file, next to it. */
struct inbox_sheet {
    const char *suffix; /* its name is that of the file with this, where that is free */
    bool (*write)(void *context, int fd, struct err *err);
    /* Whether that file, which has the name in sub, may be replaced; NULL: none may. */
    bool (*is_ours)(void *context, const char *name, const struct inbox_identity *file, bool *ours,
                    struct err *err);
    /* Told before it gets its name; NULL: nobody. */
    bool (*note)(void *context, const char *name, const struct inbox_identity *file,
                 struct err *err);
    void *context;
};

/* Writes a sheet about the file that has or gets the name `filed` in sub: a temporary file
 * (O_EXCL), content, fsync, rename, fsync of the folder. name: which it got, NAME<suffix>, or where
 * that is another's or too long, NAME.<batch id><suffix>, and so on. */
bool inbox_place_write(const struct inbox_place *place, const char *filed,
                       const struct inbox_sheet *sheet, char name[INBOX_NAME_SIZE],
                       struct err *err);

enum inbox_deletion {
    INBOX_DELETED, /* or would be, in a rehearsal */
    INBOX_MISSING,
    INBOX_CHANGED, /* its name is that of another file, or has other content by now: it stays */
};

/* Deletes a file from a folder (absolute) where it is the very one, under that name (NULL: not
 * known) or whatever name it has by now. found: that name. No link is followed. rehearsed: deletes
 * nothing. Errors: ERR_CONFIG. */
bool inbox_filed_delete(const char *folder, const char *name, const struct inbox_identity *file,
                        bool rehearsed, char found[INBOX_NAME_SIZE], enum inbox_deletion *end,
                        struct err *err);

#endif
