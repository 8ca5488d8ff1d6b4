#include "core/inbox/place.h"

#include "core/base/crash.h"
#include "core/base/str.h"
#include "core/inbox/writers.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    NAMES_TRIED_MAX = 10000,
    ENDING_MAX = 16, /* bytes of an ending with its dot */
    MARK_SIZE = 48,
};

/* In sub, while something is written there; the intake lock keeps others away. */
static const char temporary[] = ".rowferry.tmp";

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
    static const char half[] = ".rowferry.new";
    struct stat status;
    int fd;
    bool made;

    if (fstatat(inbox, place->sub, &status, AT_SYMLINK_NOFOLLOW) == 0)
        return true;
    if (mkdirat(inbox, half, 0700) != 0 && errno != EEXIST)
        return err_set(err, ERR_CONFIG, "cannot make folder %s/%s: %s: let this user write in %s",
                       place->folder, place->sub, strerror(errno), place->folder);
    fd = openat(inbox, half, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    made = fd >= 0 && fstat(inbox, &status) == 0;
    if (made)
        share(fd, &status, 07777, 0700);
    crash_point(CRASH_FOLDER_MADE);
    made = made && renameat(inbox, half, inbox, place->sub) == 0;
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

/* STEM<rest>, of which STEM gives way where both together would be too long. */
static void join_name(char out[INBOX_NAME_SIZE], const char *stem, size_t size, const char *rest)
{
    size_t room = INBOX_NAME_SIZE - 1 - strlen(rest);

    if (size > room) {
        size = room;
        while (size > 0 && ((unsigned char)stem[size] & 0xC0) == 0x80)
            size--; /* no half code point */
    }
    snprintf(out, INBOX_NAME_SIZE, "%.*s%s", (int)size, stem, rest);
}

/* Where the ending of a name begins, of which `.csv` and `.csv.gz` are examples; its end where it
 * has none. */
static const char *ending_of(const char *name)
{
    const char *end = name + strlen(name), *dot = strrchr(name, '.');

    if (!dot || dot == name || end - dot > ENDING_MAX)
        return end;
    if (strcasecmp(dot, ".gz") != 0)
        return dot;
    for (const char *at = dot - 1; at > name && dot - at <= ENDING_MAX; at--)
        if (*at == '.')
            return at;
    return dot;
}

/* `` for 0, then .<batch>, .<batch>.2, .<batch>.3, ...; without a batch .2, .3, ... */
static void nth_mark(const struct inbox_place *place, int n, char mark[MARK_SIZE])
{
    *mark = '\0';
    if (n > 0 && place->batch_id == 0)
        snprintf(mark, MARK_SIZE, ".%d", n + 1);
    else if (n == 1)
        snprintf(mark, MARK_SIZE, ".%" PRId64, place->batch_id);
    else if (n > 1)
        snprintf(mark, MARK_SIZE, ".%" PRId64 ".%d", place->batch_id, n);
}

/* NAME, STEM.<batch>.ENDING, STEM.<batch>.2.ENDING, ... */
static void nth_name(const struct inbox_place *place, int n, char out[INBOX_NAME_SIZE])
{
    const char *ending = ending_of(place->name);
    char mark[MARK_SIZE], rest[MARK_SIZE + 2 * ENDING_MAX];

    nth_mark(place, n, mark);
    snprintf(rest, sizeof rest, "%s%s", mark, ending);
    join_name(out, place->name, (size_t)(ending - place->name), rest);
}

/* NAME<suffix>, NAME.<batch><suffix>, ... False: it would not be the name of one file alone. */
static bool nth_sheet(const struct inbox_place *place, const char *filed, const char *suffix, int n,
                      char out[INBOX_NAME_SIZE])
{
    char mark[MARK_SIZE], rest[MARK_SIZE + 64];

    nth_mark(place, n, mark);
    snprintf(rest, sizeof rest, "%s%s", mark, suffix);
    join_name(out, filed, strlen(filed), rest);
    return n > 0 || place->batch_id == 0 || strlen(filed) + strlen(suffix) < INBOX_NAME_SIZE;
}

/* What the name is, which is an error of its own where there is nothing. */
static bool look_at(int folder_fd, const char *name, struct stat *status)
{
    return fstatat(folder_fd, name, status, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool is_file(const struct stat *status, const struct inbox_identity *file)
{
    struct inbox_identity found = inbox_identity_of(status);

    return S_ISREG(status->st_mode) && inbox_identity_equal(&found, file);
}

/* What a name is to a file. */
enum likeness {
    LIKE_NOTHING, /* there is nothing of that name */
    LIKE_OTHER,   /* it is that of another file */
    LIKE_FILE,    /* of this very file */
    LIKE_LINK,    /* of a link to it, which was read in its place */
};

/* status: of what has the name, and of LIKE_LINK what the link leads to. */
static enum likeness likeness_of(int folder_fd, const char *name, const struct inbox_identity *file,
                                 struct stat *status)
{
    if (!look_at(folder_fd, name, status))
        return LIKE_NOTHING;
    if (is_file(status, file))
        return LIKE_FILE;
    if (S_ISLNK(status->st_mode) && fstatat(folder_fd, name, status, 0) == 0 &&
        is_file(status, file))
        return LIKE_LINK;
    return LIKE_OTHER;
}

/* Whether the name is that of this very file, or of a link that was read in its place. */
static bool stands_for(int folder_fd, const char *name, const struct inbox_identity *file,
                       struct stat *status)
{
    return likeness_of(folder_fd, name, file, status) >= LIKE_FILE;
}

/* Whether it is in sub under that name. A link there says nothing of a file that is in the inbox.
 */
static bool is_there(const struct inbox_place *place, const struct folders *folders,
                     const char *name)
{
    struct stat status;
    enum likeness like = likeness_of(folders->sub, name, place->file, &status);

    return like == LIKE_FILE ||
           (like == LIKE_LINK &&
            likeness_of(folders->source, place->name, place->file, &status) != LIKE_FILE);
}

static bool say_crowded(const struct inbox_place *place, const char *name, struct err *err)
{
    return err_set(err, ERR_CONFIG, "too many files named %s in %s/%s: tidy it up", name,
                   place->folder, place->sub);
}

/* Whether a name is free in sub. False with an error: nobody can say. */
static bool is_free(const struct inbox_place *place, const struct folders *folders,
                    const char *name, bool *free_name, struct err *err)
{
    struct stat status;

    *free_name = !look_at(folders->sub, name, &status);
    return !*free_name || errno == ENOENT ||
           err_set(err, ERR_CONFIG, "cannot look into %s/%s: %s", place->folder, place->sub,
                   strerror(errno));
}

/* The first name that is free, or that this very file has already (*there). */
static bool choose(const struct inbox_place *place, const struct folders *folders,
                   char name[INBOX_NAME_SIZE], bool *there, struct err *err)
{
    bool free_name;

    for (int n = 0; n < NAMES_TRIED_MAX; n++) {
        nth_name(place, n, name);
        *there = is_there(place, folders, name);
        if (*there)
            return true;
        if (!is_free(place, folders, name, &free_name, err) || free_name)
            return free_name;
    }
    return say_crowded(place, place->name, err);
}

bool inbox_place_find(const struct inbox_place *place, char name[INBOX_NAME_SIZE],
                      enum inbox_whereabouts *where, struct err *err)
{
    struct folders folders;
    struct stat status;
    bool there = false;
    bool ok = folders_open(place, &folders, err) && choose(place, &folders, name, &there, err);

    if (ok && stands_for(folders.source, place->name, place->file, &status))
        *where = writers_look(folders.source, place->name) == WRITERS_SOME ? INBOX_WRITTEN
                                                                           : INBOX_WAITING;
    else if (ok)
        *where = there ? INBOX_MOVED : INBOX_GONE;
    folders_close(&folders);
    return ok;
}

/* 0 or an errno. A link and an unlink where the file system cannot rename without replacing: what
 * a crash between the two leaves is found by stands_for in both folders. */
static int rename_once(int from, const char *old, int to, const char *new_name)
{
    if (renameat2(from, old, to, new_name, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return errno;
    if (linkat(from, old, to, new_name, 0) != 0 || unlinkat(from, old, 0) != 0)
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

/* What was moved may not be what was looked at a moment before: then it goes back. */
static enum inbox_move look_again(const struct inbox_place *place, const struct folders *folders,
                                  const char *target)
{
    struct stat status;
    bool same = look_at(folders->sub, target, &status) && is_file(&status, place->file);

    if (same && writers_look(folders->sub, target) != WRITERS_SOME)
        return INBOX_MOVE_DONE;
    if (rename_once(folders->sub, target, folders->source, place->name) != 0)
        return INBOX_MOVE_LOST;
    return same ? INBOX_MOVE_BUSY : INBOX_MOVE_LATE;
}

/* A link as it is to read in sub. False: an errno. */
static bool link_text(const struct inbox_place *place, const struct folders *folders,
                      char text[PATH_MAX])
{
    char found[PATH_MAX];
    ssize_t size = readlinkat(folders->source, place->name, found, sizeof found - 1);
    int needed;

    if (size < 0)
        return false;
    found[size] = '\0';
    needed = *found == '/' ? snprintf(text, PATH_MAX, "%s", found)
                           : snprintf(text, PATH_MAX, "../%s%s%s", place->from ? place->from : "",
                                      place->from ? "/" : "", found);
    errno = ENAMETOOLONG;
    return needed < PATH_MAX;
}

/* Takes a link out of the inbox: not another one that has its name by now. An errno, or 0. */
static int take_link(const struct inbox_place *place, const struct folders *folders,
                     enum inbox_move *end)
{
    struct stat before, after;
    int fault = look_at(folders->source, place->name, &before) ? 0 : errno;

    unlinkat(folders->sub, temporary, 0);
    if (!fault)
        fault = rename_once(folders->source, place->name, folders->sub, temporary);
    if (fault)
        return fault;
    if (!look_at(folders->sub, temporary, &after) || before.st_ino != after.st_ino ||
        !S_ISLNK(after.st_mode)) {
        *end = INBOX_MOVE_LATE;
        return rename_once(folders->sub, temporary, folders->source, place->name);
    }
    *end = INBOX_MOVE_DONE;
    return unlinkat(folders->sub, temporary, 0) == 0 ? 0 : errno;
}

/* The link is made again in sub, for its text may have to be another one there. there: it is. */
static enum inbox_move move_link(const struct inbox_place *place, const struct folders *folders,
                                 const char *target, bool there, int *fault)
{
    enum inbox_move end = INBOX_MOVE_LATE;
    char text[PATH_MAX];
    struct stat status;

    if (!there &&
        (!link_text(place, folders, text) || symlinkat(text, folders->sub, target) != 0)) {
        *fault = errno;
        return INBOX_MOVE_GONE;
    }
    if (stands_for(folders->sub, target, place->file, &status))
        *fault = take_link(place, folders, &end);
    if (end != INBOX_MOVE_DONE)
        unlinkat(folders->sub, target, 0);
    return end;
}

/* *fault: an errno, where it could not be moved. */
static enum inbox_move move_once(const struct inbox_place *place, const struct folders *folders,
                                 const char *target, bool there, int *fault)
{
    struct stat status;
    enum likeness like = likeness_of(folders->source, place->name, place->file, &status);

    *fault = 0;
    if (like < LIKE_FILE && there)
        return INBOX_MOVE_DONE;
    if (like < LIKE_FILE)
        return like == LIKE_NOTHING ? INBOX_MOVE_GONE : INBOX_MOVE_LATE;
    if (writers_look(folders->source, place->name) == WRITERS_SOME)
        return INBOX_MOVE_BUSY;
    if (like == LIKE_LINK)
        return move_link(place, folders, target, there, fault);
    if (there) {
        if (unlinkat(folders->source, place->name, 0) != 0)
            *fault = errno;
        return INBOX_MOVE_DONE;
    }
    *fault = rename_once(folders->source, place->name, folders->sub, target);
    if (*fault == 0)
        return look_again(place, folders, target);
    if (*fault == ENOENT && !look_at(folders->source, place->name, &status))
        *fault = 0; /* somebody took it */
    return INBOX_MOVE_GONE;
}

static bool move_into(const struct inbox_place *place, const struct folders *folders,
                      char name[INBOX_NAME_SIZE], enum inbox_move *end, struct err *err)
{
    bool there;
    int fault;

    do {
        if (!choose(place, folders, name, &there, err))
            return false;
        *end = move_once(place, folders, name, there, &fault);
        if (fault && fault != EEXIST)
            return say_unmoved(place, name, fault, err);
    } while (fault);
    crash_point(CRASH_FILE_RENAMED);
    return sync_folders(place, folders, err);
}

bool inbox_place_move(const struct inbox_place *place, char name[INBOX_NAME_SIZE],
                      enum inbox_move *end, struct err *err)
{
    struct folders folders;
    bool ok = folders_open(place, &folders, err) && move_into(place, &folders, name, end, err);

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

/* The first name for the sheet that is free, or whose file may be replaced (*taken). */
static bool choose_sheet(const struct inbox_place *place, const struct folders *folders,
                         const char *filed, const struct inbox_sheet *sheet,
                         char name[INBOX_NAME_SIZE], bool *taken, struct err *err)
{
    for (int n = 0; n < NAMES_TRIED_MAX; n++) {
        struct inbox_identity identity;
        struct stat status;
        bool ours = false;

        if (!nth_sheet(place, filed, sheet->suffix, n, name))
            continue;
        *taken = look_at(folders->sub, name, &status);
        if (!*taken)
            return errno == ENOENT || err_set(err, ERR_CONFIG, "cannot look into %s/%s: %s",
                                              place->folder, place->sub, strerror(errno));
        identity = inbox_identity_of(&status);
        if (S_ISREG(status.st_mode) && sheet->is_ours &&
            !sheet->is_ours(sheet->context, name, &identity, &ours, err))
            return false;
        if (ours)
            return true;
    }
    return say_crowded(place, filed, err);
}

static bool say_unwritten(const struct inbox_place *place, const char *name, struct err *err)
{
    return err_set(err, ERR_CONFIG, "cannot write %s/%s/%s: %s", place->folder, place->sub, name,
                   strerror(errno));
}

/* Gives the temporary file its name. */
static bool name_sheet(const struct inbox_place *place, const struct folders *folders,
                       const char *filed, const struct inbox_sheet *sheet,
                       const struct inbox_identity *identity, char name[INBOX_NAME_SIZE],
                       struct err *err)
{
    bool taken = false;

    for (;;) {
        int fault = 0;

        if (!choose_sheet(place, folders, filed, sheet, name, &taken, err) ||
            (sheet->note && !sheet->note(sheet->context, name, identity, err)))
            return false;
        if (!taken)
            fault = rename_once(folders->sub, temporary, folders->sub, name);
        else if (renameat(folders->sub, temporary, folders->sub, name) != 0)
            fault = errno;
        if (fault == 0)
            return true;
        errno = fault;
        if (fault != EEXIST)
            return say_unwritten(place, name, err);
    }
}

static bool write_into(const struct inbox_place *place, const struct folders *folders,
                       const char *filed, const struct inbox_sheet *sheet,
                       char name[INBOX_NAME_SIZE], struct err *err)
{
    struct inbox_identity identity;
    struct stat status = {0};
    int fd;
    bool ok;

    /* what a crash left; the intake lock keeps any other writer away */
    unlinkat(folders->sub, temporary, 0);
    nth_sheet(place, filed, sheet->suffix, 0, name);
    fd =
        openat(folders->sub, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return say_unwritten(place, name, err);
    ok = sheet->write(sheet->context, fd, err);
    share_sheet(place, folders, filed, fd);
    crash_point(CRASH_SHEET_WRITTEN);
    if (!ok)
        err_wrap(err, "cannot write %s/%s/%s", place->folder, place->sub, name);
    else if (fsync(fd) != 0 || fstat(fd, &status) != 0)
        ok = say_unwritten(place, name, err);
    identity = inbox_identity_of(&status);
    ok = ok && name_sheet(place, folders, filed, sheet, &identity, name, err);
    crash_point(CRASH_SHEET_RENAMED);
    close(fd);
    if (!ok)
        unlinkat(folders->sub, temporary, 0);
    return ok && sync_folder(folders->sub, place, err);
}

bool inbox_place_write(const struct inbox_place *place, const char *filed,
                       const struct inbox_sheet *sheet, char name[INBOX_NAME_SIZE], struct err *err)
{
    struct folders folders;
    bool ok =
        folders_open(place, &folders, err) && write_into(place, &folders, filed, sheet, name, err);

    folders_close(&folders);
    return ok;
}

/* A filed link is a file of its own. */
static bool is_filed(const struct stat *status, const struct inbox_identity *file)
{
    struct inbox_identity found = inbox_identity_of(status);

    return (S_ISREG(status->st_mode) || S_ISLNK(status->st_mode)) &&
           inbox_identity_equal(&found, file);
}

/* Looks for the file by its inode, whatever its name is. */
static bool find_in(int folder_fd, const struct inbox_identity *file, char found[INBOX_NAME_SIZE])
{
    int fd = openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;
    struct stat status;
    bool there = false;

    if (!stream) {
        if (fd >= 0)
            close(fd);
        return false;
    }
    while (!there && (entry = readdir(stream)) != NULL) {
        there = entry->d_ino == file->inode && look_at(fd, entry->d_name, &status) &&
                is_filed(&status, file);
        if (there)
            snprintf(found, INBOX_NAME_SIZE, "%s", entry->d_name);
    }
    closedir(stream);
    return there;
}

static bool delete_from(int folder_fd, const char *folder, const char *name,
                        const struct inbox_identity *file, bool rehearsed,
                        char found[INBOX_NAME_SIZE], enum inbox_deletion *end, struct err *err)
{
    struct stat status;
    bool named = name && look_at(folder_fd, name, &status);

    snprintf(found, INBOX_NAME_SIZE, "%s", name ? name : "");
    if (!(named && is_filed(&status, file)) && !find_in(folder_fd, file, found)) {
        *end = named ? INBOX_CHANGED : INBOX_MISSING;
        return true;
    }
    *end = INBOX_DELETED;
    if (rehearsed)
        return true;
    if (unlinkat(folder_fd, found, 0) != 0 && errno != ENOENT)
        return err_set(err, ERR_CONFIG, "cannot delete %s/%s: %s", folder, found, strerror(errno));
    fsync(folder_fd); /* a file that is back after a crash is deleted by the next prune */
    return true;
}

bool inbox_filed_delete(const char *folder, const char *name, const struct inbox_identity *file,
                        bool rehearsed, char found[INBOX_NAME_SIZE], enum inbox_deletion *end,
                        struct err *err)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    bool ok;

    *end = INBOX_MISSING;
    snprintf(found, INBOX_NAME_SIZE, "%s", name ? name : "");
    if (fd < 0)
        return errno == ENOENT ||
               err_set(err, ERR_CONFIG, "cannot look into %s: %s", folder, strerror(errno));
    ok = delete_from(fd, folder, name, file, rehearsed, found, end, err);
    close(fd);
    return ok;
}
