/* System calls that fail: those that the code of this program makes, not those of libraries. */
#pragma once

#include "tests/unit/scene.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <sys/statfs.h>
#include <sys/syscall.h>

/* The call that fails is the nth from now on; 0: none. */
static atomic_uint countdown;
static int fault;

static bool fails(const void *caller)
{
    extern const char __executable_start[], etext[];
    unsigned left = countdown;

    if ((const char *)caller < __executable_start || (const char *)caller >= etext)
        return false;
    while (left && !atomic_compare_exchange_weak(&countdown, &left, left - 1))
        ;
    if (left == 1)
        errno = fault;
    return left == 1;
}

/* Leaves countdown as it is, but lets nothing fail meanwhile. */
static unsigned disarm(void)
{
    return atomic_exchange(&countdown, 0);
}

/* In place of those of the C library, for this program. */
#define FAILS()           fails(__builtin_return_address(0))
#define CALL(number, ...) (FAILS() ? -1 : (int)syscall(number, __VA_ARGS__))
#define REAL(type, name, ...)                                                                      \
    type (*real)(__VA_ARGS__) = NULL;                                                              \
    *(void **)&real = dlsym(RTLD_NEXT, name)

int open(const char *path, int flags, ...)
{
    return CALL(SYS_openat, AT_FDCWD, path, flags, 0600);
}

int openat(int folder, const char *path, int flags, ...)
{
    return CALL(SYS_openat, folder, path, flags, 0600);
}

/* What a build with _FORTIFY_SOURCE calls where flags are not constant. */
int __open_2(const char *path, int flags);
int __open_2(const char *path, int flags)
{
    return CALL(SYS_openat, AT_FDCWD, path, flags, 0600);
}

int __openat_2(int folder, const char *path, int flags);
int __openat_2(int folder, const char *path, int flags)
{
    return CALL(SYS_openat, folder, path, flags, 0600);
}

int fstat(int fd, struct stat *status)
{
    return CALL(SYS_fstat, fd, status);
}

int fstatat(int folder, const char *restrict path, struct stat *restrict status, int flags)
{
    return CALL(SYS_newfstatat, folder, path, status, flags);
}

int fstatfs(int fd, struct statfs *status)
{
    return CALL(SYS_fstatfs, fd, status);
}

int faccessat(int folder, const char *path, int mode, int flags)
{
    return CALL(SYS_faccessat2, folder, path, mode, flags);
}

int mkdirat(int folder, const char *path, mode_t mode)
{
    return CALL(SYS_mkdirat, folder, path, mode);
}

int renameat(int from, const char *name, int to, const char *target)
{
    return CALL(SYS_renameat2, from, name, to, target, 0);
}

int renameat2(int from, const char *name, int to, const char *target, unsigned flags)
{
    return CALL(SYS_renameat2, from, name, to, target, flags);
}

int linkat(int from, const char *name, int to, const char *target, int flags)
{
    return CALL(SYS_linkat, from, name, to, target, flags);
}

int symlinkat(const char *text, int folder, const char *path)
{
    return CALL(SYS_symlinkat, text, folder, path);
}

ssize_t readlinkat(int folder, const char *restrict path, char *restrict text, size_t size)
{
    return CALL(SYS_readlinkat, folder, path, text, size);
}

int unlinkat(int folder, const char *path, int flags)
{
    return CALL(SYS_unlinkat, folder, path, flags);
}

int fsync(int fd)
{
    return CALL(SYS_fsync, fd);
}

int fchown(int fd, uid_t user, gid_t group)
{
    return CALL(SYS_fchown, fd, user, group);
}

int fchmod(int fd, mode_t mode)
{
    return CALL(SYS_fchmod, fd, mode);
}

DIR *fdopendir(int fd)
{
    REAL(DIR *, "fdopendir", int);

    return FAILS() ? NULL : real(fd);
}

struct dirent *readdir(DIR *stream)
{
    REAL(struct dirent *, "readdir", DIR *);

    return FAILS() ? NULL : real(stream);
}

ssize_t read(int fd, void *bytes, size_t size)
{
    return FAILS() ? -1 : syscall(SYS_read, fd, bytes, size);
}

ssize_t pread(int fd, void *bytes, size_t size, off_t offset)
{
    return FAILS() ? -1 : syscall(SYS_pread64, fd, bytes, size, offset);
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
    return FAILS() ? -1 : syscall(SYS_pwrite64, fd, bytes, size, offset);
}

ssize_t write(int fd, const void *bytes, size_t size)
{
    return FAILS() ? -1 : syscall(SYS_write, fd, bytes, size);
}

off_t lseek(int fd, off_t offset, int from)
{
    return FAILS() ? -1 : syscall(SYS_lseek, fd, offset, from);
}

int stat(const char *restrict path, struct stat *restrict status)
{
    return CALL(SYS_newfstatat, AT_FDCWD, path, status, 0);
}

int lstat(const char *restrict path, struct stat *restrict status)
{
    return CALL(SYS_newfstatat, AT_FDCWD, path, status, AT_SYMLINK_NOFOLLOW);
}

char *realpath(const char *restrict path, char *restrict found)
{
    REAL(char *, "realpath", const char *, char *);
    return FAILS() ? NULL : real(path, found);
}

int mkostemp(char *path, int flags)
{
    REAL(int, "mkostemp", char *, int);
    return FAILS() ? -1 : real(path, flags);
}

size_t fwrite(const void *restrict items, size_t size, size_t count, FILE *restrict file)
{
    REAL(size_t, "fwrite", const void *, size_t, size_t, FILE *);
    return FAILS() ? 0 : real(items, size, count, file);
}

static bool file_failed;

size_t fread(void *restrict items, size_t size, size_t count, FILE *restrict file)
{
    REAL(size_t, "fread", void *, size_t, size_t, FILE *);
    if (FAILS()) {
        file_failed = true;
        return 0;
    }
    return real(items, size, count, file);
}

int ferror(FILE *file)
{
    REAL(int, "ferror", FILE *);
    bool failed = file_failed;

    file_failed = false;
    return failed || real(file);
}
