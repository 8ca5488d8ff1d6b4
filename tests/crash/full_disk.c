/* For LD_PRELOAD: a disk that is full once this process has written FULL_DISK_AT bytes to files,
 * where no small file system can be mounted for a test. With KILL_AT_WRITE=N, the process is killed
 * by SIGKILL in place of its N-th write. */
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

ssize_t pwrite64(int fd, const void *bytes, size_t size, off_t offset);

static long long
    written; /* the program writes from two threads: a byte more or less does not matter */

static void count_write(void)
{
    static long long writes;
    const char *last = getenv("KILL_AT_WRITE");

    if (last && __atomic_add_fetch(&writes, 1, __ATOMIC_RELAXED) == strtoll(last, NULL, 10))
        kill(getpid(), SIGKILL);
}

/* False when the bytes find no room. */
static int has_room(int fd, size_t size)
{
    const char *limit = getenv("FULL_DISK_AT");
    struct stat status;

    if (!limit || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
        return 1;
    if (__atomic_add_fetch(&written, (long long)size, __ATOMIC_RELAXED) <= strtoll(limit, NULL, 10))
        return 1;
    errno = ENOSPC;
    return 0;
}

ssize_t pwrite64(int fd, const void *bytes, size_t size, off_t offset)
{
    static ssize_t (*real)(int, const void *, size_t, off_t);

    count_write();
    if (!has_room(fd, size))
        return -1;
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "pwrite64");
    return real(fd, bytes, size, offset);
}
