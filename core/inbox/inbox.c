#include "core/inbox/inbox.h"

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/stop.h"
#include "core/base/str.h"
#include "core/inbox/place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file as of the last look that found it changed. */
struct candidate {
    char *name; /* NULL: it became ready, or it is gone */
    struct inbox_identity identity;
};

struct candidates {
    struct candidate *items;
    size_t count, capacity;
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

static void candidates_add(struct candidates *list, const char *name, const struct stat *status)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? 2 * list->capacity : 64;
        list->items = mem_resize(list->items, list->capacity, sizeof list->items[0]);
    }
    list->items[list->count].name = mem_strdup(name);
    list->items[list->count].identity = inbox_identity_of(status);
    list->count++;
}

static int candidate_compare(const void *a, const void *b)
{
    const struct candidate *left = a, *right = b;

    return strcmp(left->name, right->name);
}

static bool consider(int folder_fd, const char *folder, const char *name,
                     const struct notice_sink *notices, struct candidates *list, struct err *err)
{
    struct stat status;

    if (is_unfinished(name))
        return true;
    if (fstatat(folder_fd, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return true; /* gone since the folder was read */
    if (S_ISDIR(status.st_mode) && is_ours(name))
        return true;
    if (!S_ISREG(status.st_mode)) {
        notice_say(notices, "%s/%s is %s, not a regular file: left alone", folder, name,
                   kind_name(status.st_mode));
        return true;
    }
    if (list->count == INBOX_FILES_MAX)
        return err_set(err, ERR_CONFIG, "inbox %s holds more than %d files", folder,
                       INBOX_FILES_MAX);
    candidates_add(list, name, &status);
    return true;
}

static bool scan(DIR *stream, const char *folder, const struct notice_sink *notices,
                 struct candidates *list, struct err *err)
{
    const struct dirent *entry;

    while (errno = 0, (entry = readdir(stream)) != NULL) {
        if (!consider(dirfd(stream), folder, entry->d_name, notices, list, err))
            return false;
    }
    if (errno != 0)
        return err_set(err, ERR_CONFIG, "cannot read inbox %s: %s", folder, strerror(errno));
    if (list->count > 0)
        qsort(list->items, list->count, sizeof list->items[0], candidate_compare);
    return true;
}

/* The second look and those after it: what is as it was is ready, what changed stays. Returns how
 * many are still young. */
static size_t look_again(int folder_fd, struct candidates *list, struct inbox_look *look)
{
    size_t young = 0;

    for (size_t i = 0; i < list->count; i++) {
        struct candidate *file = &list->items[i];
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
        if (inbox_identity_equal(&now, &file->identity)) {
            look->ready[look->ready_count++] = file->name;
            file->name = NULL;
        } else {
            file->identity = now;
            young++;
        }
    }
    return young;
}

static int name_compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
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

static bool watch(int folder_fd, int64_t min_age_ms, int64_t wait_ms_max, struct candidates *list,
                  struct inbox_look *look, struct err *err)
{
    int64_t deadline_us = clock_monotonic_us() + 1000 * (min_age_ms + wait_ms_max);
    size_t young = list->count;

    look->ready = mem_calloc(list->count + 1, sizeof look->ready[0]);
    look->growing = mem_calloc(list->count + 1, sizeof look->growing[0]);
    while (young > 0 && clock_monotonic_us() + 1000 * min_age_ms <= deadline_us) {
        if (!wait_ms(min_age_ms))
            return err_set(err, ERR_STOPPED, "stopped while waiting for files to be complete");
        young = look_again(folder_fd, list, look);
        if (min_age_ms == 0)
            break;
    }
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].name)
            look->growing[look->growing_count++] = list->items[i].name;
        list->items[i].name = NULL;
    }
    qsort(look->ready, look->ready_count, sizeof look->ready[0], name_compare);
    return true;
}

bool inbox_look_within(const char *folder, int64_t min_age_ms, int64_t wait_ms_max,
                       const struct notice_sink *notices, struct inbox_look *look, struct err *err)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = fd < 0 ? NULL : fdopendir(fd);
    struct candidates list = {0};
    struct inbox_look found = {0};
    bool ok;

    if (!stream) {
        err_set(err, ERR_CONFIG, "cannot open inbox %s: %s", folder, strerror(errno));
        if (fd >= 0)
            close(fd);
        return false;
    }
    ok = scan(stream, folder, notices, &list, err) &&
         watch(fd, min_age_ms, wait_ms_max, &list, &found, err);
    closedir(stream);
    candidates_release(&list);
    if (!ok) {
        inbox_look_release(&found);
        return false;
    }
    *look = found;
    return true;
}

bool inbox_look(const char *folder, int64_t min_age_ms, const struct notice_sink *notices,
                struct inbox_look *look, struct err *err)
{
    return inbox_look_within(folder, min_age_ms, INBOX_WAIT_MS, notices, look, err);
}

static void names_release(char **names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(names[i]);
    free(names);
}

void inbox_look_release(struct inbox_look *look)
{
    names_release(look->ready, look->ready_count);
    names_release(look->growing, look->growing_count);
    *look = (struct inbox_look){0};
}
