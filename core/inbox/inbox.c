#include "core/inbox/inbox.h"

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/stop.h"
#include "core/base/str.h"
#include "core/inbox/place.h"
#include "core/inbox/writers.h"
#include "core/validate/catalog.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file, or a sub-folder, as of the last look that found it changed. */
struct candidate {
    char *name; /* NULL: it became ready, or it is gone */
    struct inbox_identity identity;
    bool open; /* for writing, somewhere */
};

struct candidates {
    struct candidate *items;
    size_t count, capacity;
};

/* The reading of one inbox. */
struct scan {
    const char *inbox;
    const struct catalog *catalog;
    const struct notice_sink *notices;
    struct candidates files, folders;
    struct inbox_look found;
};

static bool is_unfinished(const char *name)
{
    return name[0] == '.' || str_ends(name, ".tmp") || str_ends(name, ".part") ||
           str_ends(name, ".filepart");
}

static bool is_ours(const char *name)
{
    return strcmp(name, "done") == 0 || strcmp(name, "refused") == 0;
}

static const char *kind_name(mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFDIR:
        return "a folder";
    case S_IFLNK:
        return "a symbolic link";
    case S_IFIFO:
        return "a pipe";
    case S_IFSOCK:
        return "a socket";
    default:
        return "a device";
    }
}

static void candidates_release(struct candidates *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i].name);
    free(list->items);
}

static void candidates_add(struct candidates *list, char *name, const struct stat *status)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? 2 * list->capacity : 64;
        list->items = mem_resize(list->items, list->capacity, sizeof list->items[0]);
    }
    list->items[list->count++] =
        (struct candidate){.name = name, .identity = inbox_identity_of(status)};
}

static int name_order(const char *left, const char *right)
{
    const char *left_slash = strrchr(left, '/'), *right_slash = strrchr(right, '/');
    int order = strcmp(left_slash ? left_slash + 1 : left, right_slash ? right_slash + 1 : right);

    return order ? order : strcmp(left, right);
}

static int candidate_compare(const void *a, const void *b)
{
    const struct candidate *left = a, *right = b;

    return name_order(left->name, right->name);
}

static int name_compare(const void *a, const void *b)
{
    return name_order(*(char *const *)a, *(char *const *)b);
}

static void add_unready(struct inbox_look *look, char *name, enum inbox_reason reason)
{
    look->unready = mem_resize(look->unready, look->unready_count + 1, sizeof look->unready[0]);
    look->unready[look->unready_count++] = (struct inbox_unready){name, reason};
}

/* sub: the sub-folder whose entry it is, or NULL. */
static bool consider(struct scan *scan, int folder_fd, const char *sub, const char *entry,
                     struct err *err)
{
    struct stat status;
    char *name;

    if (is_unfinished(entry))
        return true;
    if (fstatat(folder_fd, entry, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return true; /* gone since the folder was read */
    if (S_ISDIR(status.st_mode) && !sub && is_ours(entry))
        return true;
    if (S_ISREG(status.st_mode) && scan->files.count == INBOX_FILES_MAX)
        return err_set(err, ERR_CONFIG, "inbox %s holds more than %d files", scan->inbox,
                       INBOX_FILES_MAX);
    name = mem_printf("%s%s%s", sub ? sub : "", sub ? "/" : "", entry);
    if (S_ISREG(status.st_mode)) {
        candidates_add(&scan->files, name, &status);
        return true;
    }
    if (S_ISDIR(status.st_mode) && !sub && scan->catalog && catalog_has(scan->catalog, entry)) {
        candidates_add(&scan->folders, name, &status);
        return true;
    }
    if (S_ISDIR(status.st_mode) && !sub)
        notice_say(scan->notices, "%s/%s is a folder, and no schema has its name: left alone",
                   scan->inbox, name);
    else
        notice_say(scan->notices, "%s/%s is %s, not a regular file: left alone", scan->inbox, name,
                   kind_name(status.st_mode));
    free(name);
    return true;
}

static bool scan_folder(struct scan *scan, DIR *stream, const char *sub, struct err *err)
{
    const struct dirent *entry;

    while (errno = 0, (entry = readdir(stream)) != NULL) {
        if (!consider(scan, dirfd(stream), sub, entry->d_name, err))
            return false;
    }
    return errno == 0 || err_set(err, ERR_CONFIG, "cannot read inbox %s%s%s: %s", scan->inbox,
                                 sub ? "/" : "", sub ? sub : "", strerror(errno));
}

/* Takes the folder's name. One that cannot be used is no reason to leave the others alone. */
static bool scan_subfolder(struct scan *scan, int inbox_fd, struct candidate *folder,
                           struct err *err)
{
    int fd = openat(inbox_fd, folder->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *stream = fd < 0 ? NULL : fdopendir(fd);
    struct stat inbox;
    bool ok = true;

    if (!stream) {
        if (fd >= 0)
            close(fd);
        add_unready(&scan->found, folder->name, INBOX_CLOSED);
        folder->name = NULL;
        return true;
    }
    if (fstat(inbox_fd, &inbox) == 0 && inbox.st_dev != folder->identity.device) {
        add_unready(&scan->found, folder->name, INBOX_ELSEWHERE);
        folder->name = NULL;
    } else {
        ok = scan_folder(scan, stream, folder->name, err);
    }
    closedir(stream);
    return ok;
}

static bool scan_all(struct scan *scan, DIR *stream, struct err *err)
{
    bool ok = scan_folder(scan, stream, NULL, err);

    for (size_t i = 0; ok && i < scan->folders.count; i++)
        ok = scan_subfolder(scan, dirfd(stream), &scan->folders.items[i], err);
    if (scan->files.count > 0)
        qsort(scan->files.items, scan->files.count, sizeof scan->files.items[0], candidate_compare);
    return ok;
}

/* The second look and those after it: what is as it was is ready, what changed stays. Returns how
 * many are still young. */
static size_t look_again(int folder_fd, struct scan *scan)
{
    struct inbox_look *look = &scan->found;
    size_t young = 0;

    for (size_t i = 0; i < scan->files.count; i++) {
        struct candidate *file = &scan->files.items[i];
        struct inbox_identity now;
        struct stat status;

        if (!file->name)
            continue;
        if (fstatat(folder_fd, file->name, &status, AT_SYMLINK_NOFOLLOW) != 0 ||
            !S_ISREG(status.st_mode)) {
            free(file->name);
            file->name = NULL;
            continue;
        }
        now = inbox_identity_of(&status);
        file->open = inbox_identity_equal(&now, &file->identity) &&
                     writers_look(folder_fd, file->name) == WRITERS_SOME;
        if (inbox_identity_equal(&now, &file->identity) && !file->open) {
            look->ready[look->ready_count++] = file->name;
            file->name = NULL;
        } else {
            file->identity = now;
            young++;
        }
    }
    return young;
}

static bool wait_ms(int64_t ms)
{
    while (ms > 0) {
        int64_t step = ms < INT_MAX ? ms : INT_MAX;

        if (stop_wait_ms((int)step))
            return false;
        ms -= step;
    }
    return !stop_requested();
}

static bool watch(struct scan *scan, int folder_fd, int64_t min_age_ms, int64_t wait_ms_max,
                  struct err *err)
{
    int64_t deadline_us = clock_monotonic_us() + 1000 * (min_age_ms + wait_ms_max);
    struct inbox_look *look = &scan->found;
    size_t young = scan->files.count;

    look->ready = mem_calloc(scan->files.count + 1, sizeof look->ready[0]);
    while (young > 0 && clock_monotonic_us() + 1000 * min_age_ms <= deadline_us) {
        if (!wait_ms(min_age_ms))
            return err_set(err, ERR_STOPPED, "stopped while waiting for files to be complete");
        young = look_again(folder_fd, scan);
        if (min_age_ms == 0)
            break;
    }
    for (size_t i = 0; i < scan->files.count; i++) {
        struct candidate *file = &scan->files.items[i];

        if (file->name)
            add_unready(look, file->name, file->open ? INBOX_OPEN : INBOX_GROWING);
        file->name = NULL;
    }
    qsort(look->ready, look->ready_count, sizeof look->ready[0], name_compare);
    return true;
}

bool inbox_look_within(const char *folder, const struct catalog *catalog, int64_t min_age_ms,
                       int64_t wait_ms_max, const struct notice_sink *notices,
                       struct inbox_look *look, struct err *err)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = fd < 0 ? NULL : fdopendir(fd);
    struct scan scan = {.inbox = folder, .catalog = catalog, .notices = notices};
    bool ok;

    if (!stream) {
        err_set(err, ERR_CONFIG, "cannot open inbox %s: %s", folder, strerror(errno));
        if (fd >= 0)
            close(fd);
        return false;
    }
    ok = scan_all(&scan, stream, err) && watch(&scan, fd, min_age_ms, wait_ms_max, err);
    closedir(stream);
    candidates_release(&scan.files);
    candidates_release(&scan.folders);
    if (!ok) {
        inbox_look_release(&scan.found);
        return false;
    }
    *look = scan.found;
    return true;
}

bool inbox_look(const char *folder, const struct catalog *catalog, int64_t min_age_ms,
                const struct notice_sink *notices, struct inbox_look *look, struct err *err)
{
    return inbox_look_within(folder, catalog, min_age_ms, INBOX_WAIT_MS, notices, look, err);
}

void inbox_look_release(struct inbox_look *look)
{
    for (size_t i = 0; i < look->ready_count; i++)
        free(look->ready[i]);
    free(look->ready);
    for (size_t i = 0; i < look->unready_count; i++)
        free(look->unready[i].name);
    free(look->unready);
    *look = (struct inbox_look){0};
}
