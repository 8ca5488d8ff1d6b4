#include "core/store/lock.h"

#include "core/base/clock.h"
#include "core/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* A process that only looks has the lock for a moment; so many tries are made before it counts as a
 * holder. */
enum { LOOK_MS = 1, TRIES_MAX = 200 };

enum { LOOK_EVERY_US = 1000000 };

/* Where the mark is in the file, after the holder's text; both are in the first page. */
enum { MARK_AT = 256, BOOT_SIZE = 40 };

struct stored_mark {
    char boot[BOOT_SIZE]; /* the start of the machine that it belongs to: proc(5), random/boot_id */
    int64_t run_id, started_ms;
    _Atomic int64_t attempt_id;
};

struct lock {
    int fd;
    char *path;
    enum lock_kind kind;
    int64_t started_ms; /* of the run that has it */
    int64_t looked_us;  /* when the file was looked at last */
    char *page;         /* of the file, where the mark is; NULL: not mapped */
    bool has_mark;
};

static const struct {
    const char *suffix, *doing;
} kinds[] = {
    [LOCK_INTAKE] = {"intake", "reading files into"},
    [LOCK_DRAIN] = {"drain", "draining"},
    [LOCK_DELIVERY] = {"delivery", "delivering notifications from"},
};

static void read_holder(int fd, char holder[LOCK_HOLDER_SIZE])
{
    ssize_t size = pread(fd, holder, LOCK_HOLDER_SIZE - 1, 0);

    holder[size > 0 ? size : 0] = '\0';
    holder[strcspn(holder, "\n")] = '\0';
    if (!holder[0])
        snprintf(holder, LOCK_HOLDER_SIZE, "just starting");
}

static bool say_holder(int fd, enum lock_kind kind, const char *database, struct err *err)
{
    char holder[LOCK_HOLDER_SIZE];

    read_holder(fd, holder);
    return err_set(err, ERR_BUSY, "another process is %s %s (%s): wait for it to end",
                   kinds[kind].doing, database, holder);
}

/* A shared lock is only for looking: lock_is_held has it for a moment. */
static bool can_share(int fd)
{
    return flock(fd, LOCK_SH | LOCK_NB) == 0;
}

/* Whether the file of that name is the one that is open. */
static bool is_named(int fd, const char *path)
{
    struct stat held, named;

    return fstat(fd, &held) == 0 && stat(path, &named) == 0 && held.st_ino == named.st_ino &&
           held.st_dev == named.st_dev;
}

/* Opens and locks; *again when the file was replaced between the two, or somebody looks at it. */
static int open_locked(const char *path, enum lock_kind kind, const char *database, bool *again,
                       struct err *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    *again = false;
    if (fd < 0) {
        err_set(err, ERR_STORE, "lock %s cannot be opened: %s", path, strerror(errno));
        return -1;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK)
            err_set(err, ERR_STORE, "lock %s: %s", path, strerror(errno));
        else if (can_share(fd))
            *again = poll(NULL, 0, LOOK_MS) == 0;
        else
            say_holder(fd, kind, database, err);
    } else if (is_named(fd, path)) {
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
    int fd = -1, size;

    for (int tries = 0; again && tries < TRIES_MAX; tries++)
        fd = open_locked(path, kind, database, &again, err);
    if (again)
        err_set(err, ERR_BUSY, "lock %s is held by a program that is not rowferry", path);
    if (fd < 0) {
        free(path);
        return NULL;
    }
    lock = mem_calloc(1, sizeof *lock);
    lock->fd = fd;
    lock->path = path;
    lock->kind = kind;
    lock->started_ms = started_ms;
    lock->looked_us = clock_monotonic_us();
    /* for people, with blanks over an earlier text up to the mark, which stays; the lock is held
     * even if the disk is full */
    size = dprintf(fd, "run %lld, started %s, process %ld\n", (long long)run_id,
                   clock_iso(started_ms, started), (long)getpid());
    if (size > 0 && size < MARK_AT)
        dprintf(fd, "%*s", MARK_AT - size, "");
    return lock;
}

void lock_release(struct lock *lock)
{
    if (lock) {
        if (lock->page)
            munmap(lock->page, MARK_AT + sizeof(struct stored_mark));
        close(lock->fd);
        free(lock->path);
        free(lock);
    }
}

bool lock_look(struct lock *lock, struct err *err)
{
    int64_t now_us = clock_monotonic_us();

    if (!lock || now_us - lock->looked_us < LOOK_EVERY_US)
        return true;
    lock->looked_us = now_us;
    return is_named(lock->fd, lock->path) ||
           err_set(err, ERR_BUSY,
                   "lock %s was deleted or replaced, so that another process may be %s this "
                   "database: leave the file there, look for that process, then run the same "
                   "command again",
                   lock->path, kinds[lock->kind].doing);
}

bool lock_shared_batch(int64_t batch_id, struct err *err)
{
    return err_set(err, ERR_BUSY,
                   "batch %lld was changed by another process while its file was read: another "
                   "process is %s this database, perhaps because its lock file was deleted; look "
                   "for that process, then run the same command again",
                   (long long)batch_id, kinds[LOCK_INTAKE].doing);
}

static bool read_boot(char boot[BOOT_SIZE])
{
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    bool fine = fd >= 0 && read(fd, boot, BOOT_SIZE) > 0;

    if (fd >= 0)
        close(fd);
    return fine;
}

bool lock_read_mark(const struct lock *lock, struct lock_mark *mark)
{
    struct stored_mark stored;
    char boot[BOOT_SIZE] = "";

    if (!lock || pread(lock->fd, &stored, sizeof stored, MARK_AT) != sizeof stored ||
        !read_boot(boot) || memcmp(stored.boot, boot, sizeof boot) != 0)
        return false;
    *mark = (struct lock_mark){stored.run_id, stored.started_ms, stored.attempt_id};
    return true;
}

void lock_begin_mark(struct lock *lock, int64_t run_id)
{
    struct stored_mark stored = {.run_id = run_id};
    void *page;

    if (!lock || !read_boot(stored.boot))
        return;
    stored.started_ms = lock->started_ms;
    page = mmap(NULL, MARK_AT + sizeof stored, PROT_READ | PROT_WRITE, MAP_SHARED, lock->fd, 0);
    if (page == MAP_FAILED)
        return;
    lock->page = page;
    lock->has_mark = pwrite(lock->fd, &stored, sizeof stored, MARK_AT) == sizeof stored;
}

void lock_mark(struct lock *lock, int64_t attempt_id)
{
    if (lock && lock->has_mark)
        atomic_store_explicit(&((struct stored_mark *)(void *)(lock->page + MARK_AT))->attempt_id,
                              attempt_id, memory_order_relaxed);
}

bool lock_is_held(const char *database, enum lock_kind kind, char holder[LOCK_HOLDER_SIZE])
{
    char *path = mem_printf("%s.%s", database, kinds[kind].suffix);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    bool held = fd >= 0 && !can_share(fd) && errno == EWOULDBLOCK;

    free(path);
    if (held)
        read_holder(fd, holder);
    if (fd >= 0)
        close(fd);
    return held;
}
