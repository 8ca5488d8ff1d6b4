#include "core/inbox/place.h"

#include "core/base/crash.h"
#include "core/base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAMES_TRIED_MAX = 10000 };

/* The folders of a place, while something is done there. */
struct folders {
    int inbox, sub;
    int source; /* in which the file lies: the inbox, or -1 where the sub-folder is gone */
};

struct inbox_identity inbox_identity_of(const struct stat *status)
{
    return (struct inbox_identity){
        .device = status->st_dev,
        .inode = status->st_ino,
        .size = (uint64_t)status->st_size,
        .mtime_ns = (int64_t)status->st_mtim.tv_sec * 1000000000 + status->st_mtim.tv_nsec,
    };
}

bool inbox_identity_equal(const struct inbox_identity *a, const struct inbox_identity *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->mtime_ns == b->mtime_ns;
}

char *inbox_cut_name(char *path, bool in_sub_folder)
{
    char *slash = strrchr(path, '/');

    if (in_sub_folder)
        while (slash > path && slash[-1] != '/')
            slash--;
    else
        slash++;
    slash[-1] = '\0';
    return slash;
}

static void folders_close(struct folders *folders)
{
    if (folders->source >= 0 && folders->source != folders->inbox)
        close(folders->source);
    if (folders->sub >= 0)
        close(folders->sub);
    if (folders->inbox >= 0)
        close(folders->inbox);
}

static bool sync_folder(int fd, const struct inbox_place *place, struct err *err)
{
    if (fsync(fd) == 0 || errno == EINVAL) /* EINVAL: this file system has nothing to sync */
        return true;
    return err_set(err, ERR_CONFIG, "cannot sync %s: %s", place->folder, strerror(errno));
}

/* Gives what is made on behalf of `like` its owner, its group and these bits of its mode. */
static void share(int fd, const struct stat *like, mode_t bits, mode_t own)
{
    mode_t mode = like->st_mode & bits, common = mode >> 3 & mode & 07;

    /* where the group is another one, the group's people would come under `others` */
    if (fchown(fd, like->st_uid, like->st_gid) != 0 && fchown(fd, (uid_t)-1, like->st_gid) != 0)
        mode = (mode & (S_IRWXU | S_ISVTX)) | common << 3 | common;
    /* a service may be forbidden to set S_ISGID, which counts for little: what we write gets its
     * group anyway */
    if (fchmod(fd, mode | own) != 0)
        fchmod(fd, (mode & ~(mode_t)S_ISGID) | own);
}

/* Made under another name first, so that a crash leaves none that its people cannot enter. */
static bool make_sub(const struct inbox_place *place, int inbox, struct err *err)
{
    static const char temporary[] = ".rowferry.new";
    struct stat status;
    int fd;
    bool made;

    if (fstatat(inbox, place->sub, &status, AT_SYMLINK_NOFOLLOW) == 0)
        return true;
    if (mkdirat(inbox, temporary, 0700) != 0 && errno != EEXIST)
        return err_set(err, ERR_CONFIG, "cannot make folder %s/%s: %s: let this user write in %s",
                       place->folder, place->sub, strerror(errno), place->folder);
    fd = openat(inbox, temporary, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    made = fd >= 0 && fstat(inbox, &status) == 0;
    if (made)
        share(fd, &status, 07777, 0700);
    crash_point(CRASH_FOLDER_MADE);
    made = made && renameat(inbox, temporary, inbox, place->sub) == 0;
    if (!made)
        err_set(err, ERR_CONFIG, "cannot make folder %s/%s: %s", place->folder, place->sub,
                strerror(errno));
    if (fd >= 0)
        close(fd);
    return made && sync_folder(inbox, place, err);
}

static bool open_source(const struct inbox_place *place, struct folders *folders, struct err *err)
{
    folders->source = folders->inbox;
    if (!place->from)
        return true;
    folders->source =
        openat(folders->inbox, place->from, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return folders->source >= 0 || errno == ENOENT ||
           err_set(err, ERR_CONFIG, "cannot open folder %s/%s: %s", place->folder, place->from,
                   strerror(errno));
}

static bool folders_open(const struct inbox_place *place, struct folders *folders, struct err *err)
{
    *folders = (struct folders){-1, -1, -1};
    folders->inbox = open(place->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folders->inbox < 0)
        return err_set(err, ERR_CONFIG, "cannot open inbox %s: %s", place->folder, strerror(errno));
    if (!open_source(place, folders, err) || !make_sub(place, folders->inbox, err))
        return false;
    /* a link could lead what we write anywhere */
    folders->sub =
        openat(folders->inbox, place->sub, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folders->sub < 0)
        return err_set(err, ERR_CONFIG, "cannot use %s/%s, which must be a folder: %s",
                       place->folder, place->sub, strerror(errno));
    return true;
}

/* NAME<suffix>, of which NAME gives way where both together would be too long. */
static void join_name(char out[INBOX_NAME_SIZE], const char *name, const char *suffix)
{
    size_t room = INBOX_NAME_SIZE - 1 - strlen(suffix);
    size_t size = strlen(name);

    if (size > room) {
        size = room;
        while (size > 0 && ((unsigned char)name[size] & 0xC0) == 0x80)
            size--; /* no half code point */
    }
    snprintf(out, INBOX_NAME_SIZE, "%.*s%s", (int)size, name, suffix);
}

/* NAME, NAME.<batch>, NAME.<batch>.2, ...; without a batch NAME, NAME.2, NAME.3, ... */
static void nth_name(const struct inbox_place *place, int n, char out[INBOX_NAME_SIZE])
{
    char suffix[48] = "";

    if (n > 0 && place->batch_id == 0)
        snprintf(suffix, sizeof suffix, ".%d", n + 1);
    else if (n == 1)
        snprintf(suffix, sizeof suffix, ".%" PRId64, place->batch_id);
    else if (n > 1)
        snprintf(suffix, sizeof suffix, ".%" PRId64 ".%d", place->batch_id, n);
    join_name(out, place->name, suffix);
}

/* Whether the name is that of this very file, and what it is like. */
static bool stands_for(int folder_fd, const char *name, const struct inbox_identity *file,
                       struct stat *status)
{
    struct inbox_identity found;

    if (fstatat(folder_fd, name, status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(status->st_mode))
        return false;
    found = inbox_identity_of(status);
    return inbox_identity_equal(&found, file);
}

/* The first name that is free, or that this very file has already (*there). */
static bool choose(const struct inbox_place *place, const struct folders *folders,
                   char name[INBOX_NAME_SIZE], bool *there, struct err *err)
{
    struct stat status;

    for (int n = 0; n < NAMES_TRIED_MAX; n++) {
        nth_name(place, n, name);
        *there = stands_for(folders->sub, name, place->file, &status);
        if (*there)
            return true;
        if (fstatat(folders->sub, name, &status, AT_SYMLINK_NOFOLLOW) == 0)
            continue;
        if (errno == ENOENT)
            return true;
        return err_set(err, ERR_CONFIG, "cannot look into %s/%s: %s", place->folder, place->sub,
                       strerror(errno));
    }
    return err_set(err, ERR_CONFIG, "too many files named %s in %s/%s: tidy it up", place->name,
                   place->folder, place->sub);
}

bool inbox_place_find(const struct inbox_place *place, char name[INBOX_NAME_SIZE],
                      enum inbox_whereabouts *where, struct err *err)
{
    struct folders folders;
    struct stat status;
    bool there = false;
    bool ok = folders_open(place, &folders, err) && choose(place, &folders, name, &there, err);

    if (ok && stands_for(folders.source, place->name, place->file, &status))
        *where = INBOX_WAITING;
    else if (ok)
        *where = there ? INBOX_MOVED : INBOX_GONE;
    folders_close(&folders);
    return ok;
}

/* 0 or an errno. A link and an unlink where the file system cannot rename without replacing: what
 * a crash between the two leaves is found by stands_for in both folders. */
static int rename_once(int from, const char *name, int to, const char *target)
{
    if (renameat2(from, name, to, target, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return errno;
    if (linkat(from, name, to, target, 0) != 0 || unlinkat(from, name, 0) != 0)
        return errno;
    return 0;
}

static bool sync_folders(const struct inbox_place *place, const struct folders *folders,
                         struct err *err)
{
    /* first where it came to: a file in both places beats one in none */
    return sync_folder(folders->sub, place, err) &&
           (folders->source < 0 || sync_folder(folders->source, place, err));
}

static const struct {
    int fault;
    const char *remedy;
} remedies[] = {
    {EACCES, ": let this user write in both folders"},
    {EPERM, ": this user may not take a file of another out of a sticky folder: take the sticky "
            "bit off the folder, or let this user own it"},
    {EXDEV, ": they are different file systems: move the file by hand, and put no mount below the "
            "inbox"},
    {0, ""},
};

static bool say_unmoved(const struct inbox_place *place, const char *target, int fault,
                        struct err *err)
{
    unsigned i = 0;

    while (remedies[i].fault && remedies[i].fault != fault)
        i++;
    return err_set(err, ERR_CONFIG, "cannot move %s/%s%s%s to %s/%s/%s: %s%s", place->folder,
                   place->from ? place->from : "", place->from ? "/" : "", place->name,
                   place->folder, place->sub, target, strerror(fault), remedies[i].remedy);
}

static bool move_into(const struct inbox_place *place, const struct folders *folders, bool *moved,
                      struct err *err)
{
    char target[INBOX_NAME_SIZE];
    struct stat status;
    bool there;
    int fault;

    for (;;) {
        if (!choose(place, folders, target, &there, err))
            return false;
        *moved = stands_for(folders->source, place->name, place->file, &status);
        if (!*moved)
            return sync_folders(place, folders, err);
        fault = 0;
        if (!there)
            fault = rename_once(folders->source, place->name, folders->sub, target);
        else if (unlinkat(folders->source, place->name, 0) != 0)
            fault = errno;
        if (fault == 0)
            break;
        if (fault != EEXIST)
            return say_unmoved(place, target, fault, err);
    }
    crash_point(CRASH_FILE_RENAMED);
    return sync_folders(place, folders, err);
}

bool inbox_place_move(const struct inbox_place *place, bool *moved, struct err *err)
{
    struct folders folders;
    bool ok = folders_open(place, &folders, err) && move_into(place, &folders, moved, err);

    folders_close(&folders);
    return ok;
}

/* Whoever may read the file may read what is written about it; where it is gone, nobody else. */
static void share_sheet(const struct inbox_place *place, const struct folders *folders,
                        const char *name, int fd)
{
    struct stat status;

    if (stands_for(folders->source, place->name, place->file, &status) ||
        stands_for(folders->sub, name, place->file, &status))
        share(fd, &status, S_IRGRP | S_IROTH, S_IRUSR | S_IWUSR);
}

static bool write_into(const struct inbox_place *place, const struct folders *folders,
                       const char *name, const char *target,
                       bool (*write)(void *context, int fd, struct err *err), void *context,
                       struct err *err)
{
    static const char temporary[] = ".rowferry.tmp";
    int fd;
    bool ok;

    /* what a crash left; the intake lock keeps any other writer away */
    unlinkat(folders->sub, temporary, 0);
    fd =
        openat(folders->sub, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_set(err, ERR_CONFIG, "cannot write %s/%s/%s: %s", place->folder, place->sub,
                       target, strerror(errno));
    ok = write(context, fd, err);
    share_sheet(place, folders, name, fd);
    crash_point(CRASH_SHEET_WRITTEN);
    if (!ok)
        err_wrap(err, "cannot write %s/%s/%s", place->folder, place->sub, target);
    else if (fsync(fd) != 0 || renameat(folders->sub, temporary, folders->sub, target) != 0)
        ok = err_set(err, ERR_CONFIG, "cannot write %s/%s/%s: %s", place->folder, place->sub,
                     target, strerror(errno));
    crash_point(CRASH_SHEET_RENAMED);
    close(fd);
    if (!ok)
        unlinkat(folders->sub, temporary, 0);
    return ok && sync_folder(folders->sub, place, err);
}

void inbox_place_sheet(const struct inbox_place *place, const char *name, const char *suffix,
                       char sheet[INBOX_NAME_SIZE])
{
    char ending[64];

    snprintf(ending, sizeof ending, ".%" PRId64 "%s", place->batch_id, suffix);
    if (strlen(name) + strlen(suffix) < INBOX_NAME_SIZE || place->batch_id == 0)
        join_name(sheet, name, suffix);
    else
        join_name(sheet, place->name, ending);
}

bool inbox_place_write(const struct inbox_place *place, const char *name, const char *suffix,
                       bool (*write)(void *context, int fd, struct err *err), void *context,
                       struct err *err)
{
    struct folders folders;
    char target[INBOX_NAME_SIZE];
    bool ok;

    inbox_place_sheet(place, name, suffix, target);
    ok = folders_open(place, &folders, err) &&
         write_into(place, &folders, name, target, write, context, err);
    folders_close(&folders);
    return ok;
}

/* The folder sub as it is; folders->sub -1: there is none. */
static bool folders_open_sub(const struct inbox_place *place, struct folders *folders,
                             struct err *err)
{
    *folders = (struct folders){-1, -1, -1};
    folders->inbox = open(place->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folders->inbox >= 0)
        folders->sub =
            openat(folders->inbox, place->sub, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return folders->sub >= 0 || errno == ENOENT ||
           err_set(err, ERR_CONFIG, "cannot look into %s/%s: %s", place->folder, place->sub,
                   strerror(errno));
}

/* Whether one of its names stands for the file with other content. */
static bool was_changed(const struct inbox_place *place, const struct folders *folders,
                        char name[INBOX_NAME_SIZE])
{
    struct stat status;

    for (int n = 0; n < NAMES_TRIED_MAX; n++) {
        nth_name(place, n, name);
        if (fstatat(folders->sub, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
            return false;
        if (status.st_dev == place->file->device && status.st_ino == place->file->inode)
            return true;
    }
    return false;
}

static bool remove_name(const struct inbox_place *place, const struct folders *folders,
                        const char *name, struct err *err)
{
    return unlinkat(folders->sub, name, 0) == 0 || errno == ENOENT ||
           err_set(err, ERR_CONFIG, "cannot delete %s/%s/%s: %s", place->folder, place->sub, name,
                   strerror(errno));
}

static bool delete_from(const struct inbox_place *place, const struct folders *folders,
                        const char *const *suffixes, const char *name, struct err *err)
{
    for (; *suffixes; suffixes++) {
        char sheet[INBOX_NAME_SIZE];

        inbox_place_sheet(place, name, *suffixes, sheet);
        if (!remove_name(place, folders, sheet, err))
            return false;
    }
    return remove_name(place, folders, name, err) && sync_folder(folders->sub, place, err);
}

bool inbox_place_delete(const struct inbox_place *place, const char *const *suffixes,
                        bool rehearsed, char name[INBOX_NAME_SIZE], enum inbox_deletion *end,
                        struct err *err)
{
    struct folders folders;
    bool there = false, ok = folders_open_sub(place, &folders, err);

    *end = INBOX_MISSING;
    nth_name(place, 0, name);
    if (ok && folders.sub >= 0) {
        ok = choose(place, &folders, name, &there, err);
        if (ok && there)
            *end = INBOX_DELETED;
        else if (ok && was_changed(place, &folders, name))
            *end = INBOX_CHANGED;
        if (ok && there && !rehearsed)
            ok = delete_from(place, &folders, suffixes, name, err);
    }
    folders_close(&folders);
    return ok;
}
