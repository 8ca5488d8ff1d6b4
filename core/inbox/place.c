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

/* Both folders of a place, while something is done there. */
struct folders {
    int inbox, sub;
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

static void folders_close(struct folders *folders)
{
    if (folders->sub >= 0)
        close(folders->sub);
    if (folders->inbox >= 0)
        close(folders->inbox);
}

static bool folders_open(const struct inbox_place *place, struct folders *folders, struct err *err)
{
    *folders = (struct folders){-1, -1};
    folders->inbox = open(place->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folders->inbox < 0)
        return err_set(err, ERR_CONFIG, "cannot open inbox %s: %s", place->folder, strerror(errno));
    if (mkdirat(folders->inbox, place->sub, 0700) != 0 && errno != EEXIST)
        return err_set(err, ERR_CONFIG, "cannot make folder %s/%s: %s", place->folder, place->sub,
                       strerror(errno));
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

static bool stands_for(int folder_fd, const char *name, const struct inbox_identity *file)
{
    struct stat status;
    struct inbox_identity found;

    if (fstatat(folder_fd, name, &status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(status.st_mode))
        return false;
    found = inbox_identity_of(&status);
    return inbox_identity_equal(&found, file);
}

/* The first name that is free, or that this very file has already (*there). */
static bool choose(const struct inbox_place *place, const struct folders *folders,
                   char name[INBOX_NAME_SIZE], bool *there, struct err *err)
{
    struct stat status;

    for (int n = 0; n < NAMES_TRIED_MAX; n++) {
        nth_name(place, n, name);
        *there = stands_for(folders->sub, name, place->file);
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
    bool there = false;
    bool ok = folders_open(place, &folders, err) && choose(place, &folders, name, &there, err);

    if (ok && stands_for(folders.inbox, place->name, place->file))
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

static bool sync_folder(int fd, const struct inbox_place *place, struct err *err)
{
    if (fsync(fd) == 0 || errno == EINVAL) /* EINVAL: this file system has nothing to sync */
        return true;
    return err_set(err, ERR_CONFIG, "cannot sync %s: %s", place->folder, strerror(errno));
}

static bool sync_folders(const struct inbox_place *place, const struct folders *folders,
                         struct err *err)
{
    /* first where it came to: a file in both places beats one in none */
    return sync_folder(folders->sub, place, err) && sync_folder(folders->inbox, place, err);
}

static bool move_into(const struct inbox_place *place, const struct folders *folders, bool *moved,
                      struct err *err)
{
    char target[INBOX_NAME_SIZE];
    bool there;
    int fault;

    for (;;) {
        if (!choose(place, folders, target, &there, err))
            return false;
        *moved = stands_for(folders->inbox, place->name, place->file);
        if (!*moved)
            return sync_folders(place, folders, err);
        fault = 0;
        if (!there)
            fault = rename_once(folders->inbox, place->name, folders->sub, target);
        else if (unlinkat(folders->inbox, place->name, 0) != 0)
            fault = errno;
        if (fault == 0)
            return sync_folders(place, folders, err);
        if (fault != EEXIST)
            return err_set(err, ERR_CONFIG, "cannot move %s/%s to %s/%s/%s: %s", place->folder,
                           place->name, place->folder, place->sub, target, strerror(fault));
    }
}

bool inbox_place_move(const struct inbox_place *place, bool *moved, struct err *err)
{
    struct folders folders;
    bool ok = folders_open(place, &folders, err) && move_into(place, &folders, moved, err);

    folders_close(&folders);
    return ok;
}

static bool write_into(const struct inbox_place *place, const struct folders *folders,
                       const char *target, bool (*write)(void *context, int fd, struct err *err),
                       void *context, struct err *err)
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

bool inbox_place_write(const struct inbox_place *place, const char *name, const char *suffix,
                       bool (*write)(void *context, int fd, struct err *err), void *context,
                       struct err *err)
{
    struct folders folders;
    char target[INBOX_NAME_SIZE];
    bool ok;

    join_name(target, name, suffix);
    ok = folders_open(place, &folders, err) &&
         write_into(place, &folders, target, write, context, err);
    folders_close(&folders);
    return ok;
}
