#include "cmd/rowferry/trusted_file.h"

#include "cmd/rowferry/words.h"
#include "core/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Sets `FILE WHAT MORE (mode 0644): run chmod 600 FILE`. */
static bool refuse_mode(const char *path, mode_t mode, const char *what, const char *more,
                        struct err *err)
{
    struct buf quoted = {0};

    words_quote(&quoted, path);
    err_set(err, ERR_CONFIG, "'%s' %s %s (mode %04o): run chmod 600 %s", path, what, more,
            mode & 07777u, buf_text(&quoted));
    buf_release(&quoted);
    return false;
}

bool trusted_file_private(const char *path, mode_t mode, const char *what, struct err *err)
{
    return (mode & (S_IRGRP | S_IROTH)) == 0 ||
           refuse_mode(path, mode, what, "and others can read it", err);
}

/* Removes the byte order mark that editors of Windows write, and wipes the bytes it moved. Returns
 * the new size. */
static size_t skip_mark(char *bytes, size_t size)
{
    if (size < 3 || memcmp(bytes, "\xEF\xBB\xBF", 3) != 0)
        return size;
    memmove(bytes, bytes + 3, size - 3);
    explicit_bzero(bytes + size - 3, 3);
    return size - 3;
}

static bool read_all(int fd, const char *path, size_t size_max, char **text, size_t *size,
                     struct err *err)
{
    char *bytes = mem_calloc(size_max + 2, 1);
    size_t used = 0;
    ssize_t got = 1;

    while (got > 0 && used <= size_max) {
        got = read(fd, bytes + used, size_max + 1 - used);
        if (got > 0)
            used += (size_t)got;
    }
    if (got >= 0 && used <= size_max) {
        *text = bytes;
        *size = skip_mark(bytes, used);
        return true;
    }
    if (got < 0)
        err_set(err, ERR_CONFIG, "cannot read '%s': %s", path, strerror(errno));
    else
        err_set(err, ERR_CONFIG, "'%s' is larger than %zu bytes: name the right file", path,
                size_max);
    explicit_bzero(bytes, size_max + 2);
    free(bytes);
    return false;
}

static bool check(const char *path, const struct stat *status, struct err *err)
{
    if (!S_ISREG(status->st_mode))
        return err_set(err, ERR_CONFIG, "'%s' is not a regular file: name another", path);
    if (status->st_uid != geteuid() && status->st_uid != 0)
        return err_set(err, ERR_CONFIG,
                       "'%s' belongs to user %u, not to you or root: change its owner (chown)",
                       path, (unsigned)status->st_uid);
    if (status->st_mode & (S_IWGRP | S_IWOTH))
        return refuse_mode(path, status->st_mode, "can be written", "by others", err);
    return true;
}

bool trusted_file_read(const char *path, size_t size_max, char **text, size_t *size, mode_t *mode,
                       bool *missing, struct err *err)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    bool fine;

    if (fd < 0) {
        *missing = errno == ENOENT || errno == ENOTDIR;
        return *missing ||
               err_set(err, ERR_CONFIG,
                       "cannot read '%s': %s: let this user read it, or name another file", path,
                       strerror(errno));
    }
    *missing = false;
    if (fstat(fd, &status) != 0) {
        fine = err_set(err, ERR_CONFIG, "cannot read '%s': %s", path, strerror(errno));
    } else if (S_ISDIR(status.st_mode)) {
        *missing = true;
        fine = true;
    } else {
        *mode = status.st_mode;
        fine = check(path, &status, err) && read_all(fd, path, size_max, text, size, err);
    }
    close(fd);
    return fine;
}
