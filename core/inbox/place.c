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

/* The temporary file in sub; the intake lock excludes other writers. */
static const char temporary[] = ".rowferry.tmp";

/* The open folders of a place. */
struct folders {
    int inbox, sub;
    int source; /* with the file: the inbox or its sub-folder; -1: the sub-folder is gone */
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

/* Sets owner and group as those of `like`, and the mode to these bits of its mode. */
static void share(int fd, const struct stat *like, mode_t bits, mode_t own)
{
    mode_t mode = like->st_mode & bits, common = mode >> 3 & mode & 07;

    /* if the group is another one, its members would be `others` */
    if (fchown(fd, like->st_uid, like->st_gid) != 0 && fchown(fd, (uid_t)-1, like->st_gid) != 0)
        mode = (mode & (S_IRWXU | S_ISVTX)) | common << 3 | common;
    /* services can be forbidden to set S_ISGID, which is not needed: what is written gets the group
     * anyway */
    if (fchmod(fd, mode | own) != 0)
        fchmod(fd, (mode & ~(mode_t)S_ISGID) | own);
}

/* Makes it under another name first, so that a crash leaves none that its users cannot enter. */
static bool make_sub(const struct inbox_place *place, int inbox, struct err *err)
{
    static const char half[] = ".rowferry.new";
    struct stat status;
    int fd;
    bool made;

    if (fstatat(inbox, place->sub, &status, AT_SYMLINK_NOFOLLOW) == 0)
        return true;
    if (mkdirat(inbox, half, 0700) != 0 && errno != EEXIST)
        return err_set(err, ERR_CONFIG, "cannot create folder %s/%s: %s: let this user write in %s",
                       place->folder, place->sub, strerror(errno), place->folder);
    fd = openat(inbox, half, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    made = fd >= 0 && fstat(inbox, &status) == 0;
    if (made)
        share(fd, &status, 07777, 0700);
    crash_point(CRASH_FOLDER_MADE);
    made = made &&
           (renameat(inbox, half, inbox, place->sub) == 0 ||
            /* another process was first, and has put something into it */
            ((errno == ENOTEMPTY || errno == EEXIST) && unlinkat(inbox, half, AT_REMOVEDIR) == 0));
    if (!made)
        err_set(err, ERR_CONFIG, "cannot create folder %s/%s: %s", place->folder, place->sub,
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
            size--; /* keep code points whole */
    }
    snprintf(out, INBOX_NAME_SIZE, "%.*s%s", (int)size, stem, rest);
}

/* Returns the ending of a name, such as `.csv` or `.csv.gz`; "" if it has none. */
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

/* Writes "" for 0, then .<batch>, .<batch>.2, .<batch>.3, ...; without a batch .2, .3, ... */
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

/* Writes NAME, STEM.<batch>.ENDING, STEM.<batch>.2.ENDING, ... */
static void nth_name(const struct inbox_place *place, int n, char out[INBOX_NAME_SIZE])
{
    const char *ending = ending_of(place->name);
    char mark[MARK_SIZE], rest[MARK_SIZE + 2 * ENDING_MAX];

    nth_mark(place, n, mark);
    snprintf(rest, sizeof rest, "%s%s", mark, ending);
    join_name(out, place->name, (size_t)(ending - place->name), rest);
}

/* Writes NAME<suffix>, NAME.<batch><suffix>, ... False if the name would not be unique. */
static bool nth_sheet(const struct inbox_place *place, const char *filed, const char *suffix, int n,
                      char out[INBOX_NAME_SIZE])
{
    char mark[MARK_SIZE], rest[MARK_SIZE + 64];

    nth_mark(place, n, mark);
    snprintf(rest, sizeof rest, "%s%s", mark, suffix);
    join_name(out, filed, strlen(filed), rest);
    return n > 0 || place->batch_id == 0 || strlen(filed) + strlen(suffix) < INBOX_NAME_SIZE;
}

static bool look_at(int folder_fd, const char *name, struct stat *status)
{
    return fstatat(folder_fd, name, status, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool is_file(const struct stat *status, const struct inbox_identity *file)
{
    struct inbox_identity found = inbox_identity_of(status);

    return S_ISREG(status->st_mode) && inbox_identity_equal(&found, file);
}

/* What has a name, compared with a file. */
enum likeness {
    LIKE_UNKNOWN, /* it cannot be looked at; errno says why */
    LIKE_NOTHING, /* nothing */
    LIKE_OTHER,   /* another file */
    LIKE_FILE,    /* the file */
    LIKE_LINK,    /* a link to it, through which it was read */
};

/* status: of what has the name; for LIKE_LINK of the link's target. */
static enum likeness likeness_of(int folder_fd, const char *name, const struct inbox_identity *file,
                                 struct stat *status)
{
    if (!look_at(folder_fd, name, status))
        return folder_fd < 0 || errno == ENOENT ? LIKE_NOTHING : LIKE_UNKNOWN;
    if (is_file(status, file))
        return LIKE_FILE;
    if (!S_ISLNK(status->st_mode))
        return LIKE_OTHER;
    if (fstatat(folder_fd, name, status, 0) != 0)
        return errno == ENOENT || errno == ELOOP ? LIKE_OTHER : LIKE_UNKNOWN;
    return is_file(status, file) ? LIKE_LINK : LIKE_OTHER;
}

static bool refuse_look(const struct inbox_place *place, const char *sub, struct err *err)
{
    return err_set(err, ERR_CONFIG, "cannot read %s/%s: %s", place->folder, sub, strerror(errno));
}

/* True if the name is that of the file, or of a link through which it was read. */
static bool means_file(int folder_fd, const char *name, const struct inbox_identity *file,
                       struct stat *status)
{
    return likeness_of(folder_fd, name, file, status) >= LIKE_FILE;
}

/* *there: the file is in sub under that name. A link there does not count while the file itself is
 * in the inbox. */
static bool is_there(const struct inbox_place *place, const struct folders *folders,
                     const char *name, bool *there, struct err *err)
{
    struct stat status;
    enum likeness like = likeness_of(folders->sub, name, place->file, &status);

    *there = like == LIKE_FILE ||
             (like == LIKE_LINK &&
              likeness_of(folders->source, place->name, place->file, &status) != LIKE_FILE);
    return like != LIKE_UNKNOWN || refuse_look(place, place->sub, err);
}

static bool refuse_crowded(const struct inbox_place *place, const char *name, struct err *err)
{
    return err_set(err, ERR_CONFIG, "too many files named %s in %s/%s: remove some", name,
                   place->folder, place->sub);
}

/* Sets *free_name if a name is free in sub. */
static bool is_free(const struct inbox_place *place, const struct folders *folders,
                    const char *name, bool *free_name, struct err *err)
{
    struct stat status;

    *free_name = !look_at(folders->sub, name, &status);
    return !*free_name || errno == ENOENT || refuse_look(place, place->sub, err);
}

/* Chooses the first name that is free, or that the file already has (*there). */
static bool choose_name(const struct inbox_place *place, const struct folders *folders,
                        char name[INBOX_NAME_SIZE], bool *there, struct err *err)
{
    bool free_name;

    for (int n = 0; n < NAMES_TRIED_MAX; n++) {
        nth_name(place, n, name);
        if (!is_there(place, folders, name, there, err))
            return false;
        if (*there)
            return true;
        if (!is_free(place, folders, name, &free_name, err))
            return false;
        if (free_name)
            return true;
    }
    return refuse_crowded(place, place->name, err);
}

bool inbox_place_find(const struct inbox_place *place, char name[INBOX_NAME_SIZE],
                      enum inbox_whereabouts *where, struct err *err)
{
    struct folders folders;
    struct stat status;
    bool there = false;
    bool ok = folders_open(place, &folders, err) && choose_name(place, &folders, name, &there, err);
    enum likeness like =
        ok ? likeness_of(folders.source, place->name, place->file, &status) : LIKE_NOTHING;

    if (like == LIKE_UNKNOWN)
        ok = refuse_look(place, place->from ? place->from : ".", err);
    else if (like >= LIKE_FILE)
        *where = writers_look(folders.source, place->name) == WRITERS_SOME ? INBOX_WRITTEN
                                                                           : INBOX_WAITING;
    else
        *where = there ? INBOX_MOVED : INBOX_GONE;
    folders_close(&folders);
    return ok;
}

/* Renames without replacing; returns 0 or an errno. If the file system cannot do that, links and
 * unlinks: after a crash in between means_file finds the file in both folders. */
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

static const struct {
    int fault;
    const char *remedy;
} remedies[] = {
    {EACCES, ": let this user write in both folders"},
    {EPERM, ": only its owner can move a file out of a sticky folder: remove the sticky bit of the "
            "folder, or let this user own it"},
    {EXDEV, ": they are different file systems: move the file by hand, and mount nothing below the "
            "inbox"},
    {0, ""},
};

static bool refuse_move(const struct inbox_place *place, const char *target, int fault,
                        struct err *err)
{
    unsigned i = 0;

    while (remedies[i].fault && remedies[i].fault != fault)
        i++;
    return err_set(err, ERR_CONFIG, "cannot move %s/%s%s%s to %s/%s/%s: %s%s", place->folder,
                   place->from ? place->from : "", place->from ? "/" : "", place->name,
                   place->folder, place->sub, target, strerror(fault), remedies[i].remedy);
}

/* Checks what was moved, which may have changed a moment before; if so, moves it back. *fault: 0,
 * or the errno if it cannot be looked at. */
static enum inbox_move check_moved(const struct inbox_place *place, const struct folders *folders,
                                   const char *target, int *fault)
{
    struct stat status;
    bool seen = look_at(folders->sub, target, &status), same;

    *fault = seen || errno == ENOENT ? 0 : errno;
    same = seen && is_file(&status, place->file);
    if (same && writers_look(folders->sub, target) != WRITERS_SOME)
        return INBOX_MOVE_DONE;
    if (rename_once(folders->sub, target, folders->source, place->name) != 0)
        return INBOX_MOVE_LOST;
    return same ? INBOX_MOVE_BUSY : INBOX_MOVE_LATE;
}

/* Reads a link and adapts a relative one to sub. False with errno. */
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

/* Removes a link from the inbox, unless another one has its name now. Returns 0 or an errno. */
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
    if (!look_at(folders->sub, temporary, &after)) {
        fault = errno;
        rename_once(folders->sub, temporary, folders->source, place->name);
        return fault;
    }
    if (before.st_ino != after.st_ino || !S_ISLNK(after.st_mode)) {
        *end = INBOX_MOVE_LATE;
        return rename_once(folders->sub, temporary, folders->source, place->name);
    }
    *end = INBOX_MOVE_DONE;
    return unlinkat(folders->sub, temporary, 0) == 0 ? 0 : errno;
}

/* Makes the link again in sub, because a relative one differs there. there: it exists already. */
static enum inbox_move move_link(const struct inbox_place *place, const struct folders *folders,
                                 const char *target, bool there, int *fault)
{
    enum inbox_move end = INBOX_MOVE_LATE;
    enum likeness like;
    char text[PATH_MAX];
    struct stat status;

    if (!there &&
        (!link_text(place, folders, text) || symlinkat(text, folders->sub, target) != 0)) {
        *fault = errno;
        return INBOX_MOVE_GONE;
    }
    like = likeness_of(folders->sub, target, place->file, &status);
    if (like == LIKE_UNKNOWN)
        *fault = errno;
    else if (like >= LIKE_FILE)
        *fault = take_link(place, folders, &end);
    if (end != INBOX_MOVE_DONE)
        unlinkat(folders->sub, target, 0);
    return end;
}

/* *fault: 0, or the errno if it could not be moved. */
static enum inbox_move move_once(const struct inbox_place *place, const struct folders *folders,
                                 const char *target, bool there, int *fault)
{
    struct stat status;
    enum likeness like = likeness_of(folders->source, place->name, place->file, &status);

    *fault = like == LIKE_UNKNOWN ? errno : 0;
    if (*fault)
        return INBOX_MOVE_GONE;
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
        return check_moved(place, folders, target, fault);
    if (*fault == ENOENT && !look_at(folders->source, place->name, &status))
        *fault = 0; /* it was removed */
    return INBOX_MOVE_GONE;
}

static bool move_into(const struct inbox_place *place, const struct folders *folders,
                      char name[INBOX_NAME_SIZE], enum inbox_move *end, struct err *err)
{
    bool there;
    int fault;

    do {
        if (!choose_name(place, folders, name, &there, err))
            return false;
        *end = move_once(place, folders, name, there, &fault);
        if (fault && fault != EEXIST)
            return refuse_move(place, name, fault, err);
    } while (fault);
    crash_point(CRASH_FILE_RENAMED);
    /* the target first: after a crash the file is better in both folders than in none */
    return sync_folder(folders->sub, place, err) &&
           (folders->source < 0 || sync_folder(folders->source, place, err));
}

bool inbox_place_move(const struct inbox_place *place, char name[INBOX_NAME_SIZE],
                      enum inbox_move *end, struct err *err)
{
    struct folders folders;
    bool ok = folders_open(place, &folders, err) && move_into(place, &folders, name, end, err);

    folders_close(&folders);
    return ok;
}

/* Chooses the first name for the sheet that is free, or whose file can be replaced (*taken). */
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
            return errno == ENOENT || refuse_look(place, place->sub, err);
        identity = inbox_identity_of(&status);
        if (S_ISREG(status.st_mode) && sheet->is_ours &&
            !sheet->is_ours(sheet->context, name, &identity, &ours, err))
            return false;
        if (ours)
            return true;
    }
    return refuse_crowded(place, filed, err);
}

static bool refuse_write(const struct inbox_place *place, const char *name, struct err *err)
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
            return refuse_write(place, name, err);
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

    /* left by a crash; the intake lock excludes other writers */
    unlinkat(folders->sub, temporary, 0);
    nth_sheet(place, filed, sheet->suffix, 0, name);
    fd =
        openat(folders->sub, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return refuse_write(place, name, err);
    ok = sheet->write(sheet->context, fd, err);
    /* who reads the file may read the sheet; if the file is gone, only this user */
    if (means_file(folders->source, place->name, place->file, &status) ||
        means_file(folders->sub, filed, place->file, &status))
        share(fd, &status, S_IRGRP | S_IROTH, S_IRUSR | S_IWUSR);
    crash_point(CRASH_SHEET_WRITTEN);
    if (!ok)
        err_wrap(err, "cannot write %s/%s/%s", place->folder, place->sub, name);
    else if (fsync(fd) != 0 || fstat(fd, &status) != 0)
        ok = refuse_write(place, name, err);
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

/* True for the filed file, or a filed link, which has its own identity. */
static bool is_filed(const struct stat *status, const struct inbox_identity *file)
{
    struct inbox_identity found = inbox_identity_of(status);

    return (S_ISREG(status->st_mode) || S_ISLNK(status->st_mode)) &&
           inbox_identity_equal(&found, file);
}

/* Finds the file by its inode. */
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
    fsync(folder_fd); /* if a crash restores the file, the next prune deletes it */
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
               err_set(err, ERR_CONFIG, "cannot read %s: %s", folder, strerror(errno));
    ok = delete_from(fd, folder, name, file, rehearsed, found, end, err);
    close(fd);
    return ok;
}
