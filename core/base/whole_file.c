#include "core/base/whole_file.h"

#include "core/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Only a regular file can be replaced: a rename over /dev/null would break it for everybody. */
static bool may_replace(const char *path)
{
    struct stat status;

    if (lstat(path, &status) != 0)
        return errno == ENOENT;
    errno = EEXIST;
    return S_ISREG(status.st_mode);
}

bool whole_file_fill(int fd, struct span text)
{
    while (text.size > 0) {
        ssize_t written = write(fd, text.data, text.size);

        if (written < 0 && errno != EINTR)
            return false;
        if (written > 0) {
            text.data += written;
            text.size -= (size_t)written;
        }
    }
    return true;
}

static bool replace(const char *path, const char *temporary, struct span text, mode_t mode)
{
    int fd, fault;
    bool fine;

    unlink(temporary); /* left by a killed process with the same number */
    fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    fine = whole_file_fill(fd, text) && fchmod(fd, mode) == 0 && fsync(fd) == 0 &&
           rename(temporary, path) == 0;
    fault = errno;
    close(fd);
    if (!fine)
        unlink(temporary);
    errno = fault;
    return fine;
}

bool whole_file_write(const char *path, struct span text, mode_t mode, struct err *err)
{
    char *temporary = mem_printf("%s.%ld.tmp", path, (long)getpid());
    bool fine = true;

    if (!may_replace(path))
        fine = err_set(err, ERR_CONFIG, "cannot write %s: %s", path,
                       errno == EEXIST ? "it is not a regular file" : strerror(errno));
    else if (!replace(path, temporary, text, mode))
        fine = err_set(err, ERR_CONFIG, "cannot write %s: %s", path, strerror(errno));
    free(temporary);
    return fine;
}

FILE *unnamed_file_open(void)
{
    char path[] = P_tmpdir "/rowferry-XXXXXX";
    int fd = mkostemp(path, O_CLOEXEC);
    FILE *file = fd >= 0 ? fdopen(fd, "w+") : NULL;

    if (fd >= 0)
        unlink(path);
    if (fd >= 0 && !file)
        close(fd);
    return file;
}
