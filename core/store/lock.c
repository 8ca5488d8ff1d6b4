#include "core/store/lock.h"

#include "core/base/clock.h"
#include "core/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct lock {
    int fd;
};

static const struct {
    const char *suffix, *doing;
} kinds[] = {
    [LOCK_INTAKE] = {"intake", "reading files into"},
    [LOCK_DRAIN] = {"drain", "draining"},
};

static bool say_holder(int fd, enum lock_kind kind, const char *database, struct err *err)
{
    char holder[128] = "";
    ssize_t size = pread(fd, holder, sizeof holder - 1, 0);

    holder[size > 0 ? size : 0] = '\0';
    holder[strcspn(holder, "\n")] = '\0';
    return err_set(err, ERR_BUSY, "another process is %s %s (%s): wait for it to end",
                   kinds[kind].doing, database, holder[0] ? holder : "just starting");
}

/* Opens and locks; *again when the file was replaced between the two. */
static int open_locked(const char *path, enum lock_kind kind, const char *database, bool *again,
                       struct err *err)
{
    struct stat held, named;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    *again = false;
    if (fd < 0) {
        err_set(err, ERR_STORE, "lock %s cannot be opened: %s", path, strerror(errno));
        return -1;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK)
            say_holder(fd, kind, database, err);
        else
            err_set(err, ERR_STORE, "lock %s: %s", path, strerror(errno));
    } else if (fstat(fd, &held) == 0 && stat(path, &named) == 0 && held.st_ino == named.st_ino &&
               held.st_dev == named.st_dev) {
        return fd;
    } else {
        *again = true;
    }
    close(fd);
    return -1;
}

struct lock *lock_take(const char *database, enum lock_kind kind, int64_t run_id,
                       int64_t started_ms, struct err *err)
{
    char *path = mem_printf("%s.%s", database, kinds[kind].suffix);
    char started[CLOCK_ISO_SIZE];
    struct lock *lock = NULL;
    bool again = true;
    int fd = -1;

    while (again)
        fd = open_locked(path, kind, database, &again, err);
    free(path);
    if (fd < 0)
        return NULL;
    lock = mem_calloc(1, sizeof *lock);
    lock->fd = fd;
    /* the text is for people; a full disk does not make the lock any less held */
    if (ftruncate(fd, 0) == 0)
        dprintf(fd, "run %lld, started %s, process %ld\n", (long long)run_id,
                clock_iso(started_ms, started), (long)getpid());
    return lock;
}

void lock_release(struct lock *lock)
{
    if (lock) {
        close(lock->fd);
        free(lock);
    }
}
