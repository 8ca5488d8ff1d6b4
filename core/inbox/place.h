/* The place of a file after it was read: moving it to done/ or refused/, writing sheets next to it,
 * and deleting it. */
#pragma once

#include "core/base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct stat;

enum { INBOX_NAME_SIZE = 256 }; /* a file's name with its NUL (NAME_MAX) */

/* The identity of a file with its content: a file that was changed or replaced is another one. */
struct inbox_identity {
    uint64_t device, inode, size;
    int64_t mtime_ns;
};

struct inbox_identity inbox_identity_of(const struct stat *status);
bool inbox_identity_equal(const struct inbox_identity *a, const struct inbox_identity *b);

/* Splits the absolute path of a file in an inbox, or in a sub-folder of one: returns the name as in
 * inbox_look (FILE or SUB-FOLDER/FILE), and leaves the inbox in path ("" for /). */
char *inbox_cut_name(char *path, bool in_sub_folder);

/* The place of a file. Users of the inbox can use `sub`, and readers of the file can read its
 * sheets: `sub` gets the permission bits of the inbox, a sheet the read bits of the file, and both
 * the owner and group if this process can set them (otherwise only the bits that group and others
 * share). All functions below can be repeated after a crash at any point, under the intake lock. */
struct inbox_place {
    const char *folder; /* the inbox */
    const char *from;   /* its sub-folder with the file, or NULL: the inbox itself */
    const char *name;   /* the file's name there */
    const char *sub;    /* `done` or `refused`, in the inbox; made if missing */
    int64_t batch_id;   /* goes into the name if `name` is taken in sub; or 0 */
    const struct inbox_identity *file;
};

enum inbox_whereabouts {
    INBOX_WAITING, /* in the folder */
    INBOX_WRITTEN, /* in the folder, and a process has it open for writing */
    INBOX_MOVED,   /* in sub */
    INBOX_GONE,    /* in neither: its name is that of another file or free */
};

/* Finds the name that the file will have or has in sub: NAME, or if another file has that name
 * STEM.<batch id>.ENDING, and so on. Errors: ERR_CONFIG. */
bool inbox_place_find(const struct inbox_place *place, char name[INBOX_NAME_SIZE],
                      enum inbox_whereabouts *where, struct err *err);

enum inbox_move {
    INBOX_MOVE_DONE, /* it is in sub, now or already before */
    INBOX_MOVE_GONE, /* no file has its name in the folder */
    INBOX_MOVE_LATE, /* another or a changed file has its name in the folder, and stays */
    INBOX_MOVE_BUSY, /* a process has it open for writing: it stays in the folder */
    INBOX_MOVE_LOST, /* another or a changed file was moved in its place, has that name in sub, and
                        could not be moved back */
};

/* Moves the file into sub, never over another file, and fsyncs both folders. Then looks at it
 * again, and moves it back if it is another or a changed file, or one that is written. name: in
 * sub. Errors: ERR_CONFIG, with what to do; the file is then where it was. */
bool inbox_place_move(const struct inbox_place *place, char name[INBOX_NAME_SIZE],
                      enum inbox_move *end, struct err *err);

/* A file that is written next to the filed one, about it. */
struct inbox_sheet {
    const char *suffix; /* its name is that of the file plus this, if free */
    bool (*write)(void *context, int fd, struct err *err);
    /* Sets *ours if the file that has the name in sub can be replaced; NULL: none can. */
    bool (*is_ours)(void *context, const char *name, const struct inbox_identity *file, bool *ours,
                    struct err *err);
    /* Called before it gets its name; can be NULL. */
    bool (*note)(void *context, const char *name, const struct inbox_identity *file,
                 struct err *err);
    void *context;
};

/* Writes a sheet about the file that has or will have the name `filed` in sub: a temporary file
 * (O_EXCL), content, fsync, rename, fsync of the folder. name: its name, NAME<suffix>, or if that
 * is taken or too long, NAME.<batch id><suffix>, and so on. */
bool inbox_place_write(const struct inbox_place *place, const char *filed,
                       const struct inbox_sheet *sheet, char name[INBOX_NAME_SIZE],
                       struct err *err);

enum inbox_deletion {
    INBOX_DELETED, /* or would be, if rehearsed */
    INBOX_MISSING,
    INBOX_CHANGED, /* another or a changed file has its name, and stays */
};

/* Deletes a file from a folder (absolute) if it is this one, under that name (NULL: not known) or
 * any other. found: its name. Follows no link. rehearsed: deletes nothing. Errors: ERR_CONFIG. */
bool inbox_filed_delete(const char *folder, const char *name, const struct inbox_identity *file,
                        bool rehearsed, char found[INBOX_NAME_SIZE], enum inbox_deletion *end,
                        struct err *err);
