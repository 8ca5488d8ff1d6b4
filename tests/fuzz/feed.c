#include "tests/fuzz/feed.h"

#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FEED_FD = 1 << 29 }; /* the process has no descriptor this high */

static struct {
    struct span rest;
    size_t chunk;
    unsigned seed;
} feed;

int feed_open(struct span bytes, size_t chunk)
{
    feed.rest = bytes;
    feed.chunk = chunk;
    feed.seed = 7;
    return FEED_FD;
}

const char feed_path[] = "fed.json";

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
/* With --wrap, core calls __wrap_X instead of X, and __real_X is the function of the C library. */
int __wrap_open(const char *path, int flags, ...);
int __real_open(const char *path, int flags, ...);
ssize_t __wrap_read(int fd, void *bytes, size_t size);
ssize_t __real_read(int fd, void *bytes, size_t size);
int __wrap_poll(struct pollfd *waiting, nfds_t count, int ms);
int __real_poll(struct pollfd *waiting, nfds_t count, int ms);
int __wrap_fstat(int fd, struct stat *status);
int __real_fstat(int fd, struct stat *status);

int __wrap_open(const char *path, int flags, ...)
{
    mode_t mode;
    va_list args;

    if (strcmp(path, feed_path) == 0)
        return FEED_FD;
    va_start(args, flags);
    mode = va_arg(args, mode_t);
    va_end(args);
    return __real_open(path, flags, mode);
}

ssize_t __wrap_read(int fd, void *bytes, size_t size)
{
    size_t most = feed.chunk;

    if (fd != FEED_FD)
        return __real_read(fd, bytes, size);
    if (most == FEED_RANDOM)
        most = 1 + (size_t)rand_r(&feed.seed) % 40;
    if (size > feed.rest.size)
        size = feed.rest.size;
    if (most != FEED_WHOLE && size > most)
        size = most;
    if (size)
        memcpy(bytes, feed.rest.data, size);
    feed.rest = (struct span){feed.rest.data + size, feed.rest.size - size};
    return (ssize_t)size;
}

int __wrap_poll(struct pollfd *waiting, nfds_t count, int ms)
{
    if (!count || waiting[0].fd != FEED_FD)
        return __real_poll(waiting, count, ms);
    waiting[0].revents = POLLIN;
    return 1;
}

int __wrap_fstat(int fd, struct stat *status)
{
    if (fd != FEED_FD)
        return __real_fstat(fd, status);
    *status = (struct stat){.st_mode = S_IFREG, .st_size = (off_t)feed.rest.size};
    return 0;
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
