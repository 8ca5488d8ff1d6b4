#include "core/store/copies.h"

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/store/db.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum {
    NAMES_TRIED_MAX = 1000,
    ROOM_SHARE = 8, /* a copy leaves an eighth of its size free, for what works on that disk */
    STAMP_SIZE = sizeof "2026-11-30T010203Z" - 1,
    FREED_AT_ONCE = 16 << 20, /* bytes: 1.2 GB at once held up commits for 40 to 450 ms */
};

/* When a copy in a folder was made, as its name says. */
struct made {
    int64_t at_ms; /* a whole second */
    int64_t nth;   /* of this second, from 1 */
};

static bool fail(const struct copies *copies, const char *doing, const char *name, struct err *err)
{
    bool full = errno == ENOSPC || errno == EDQUOT;

    return err_set(err, full ? ERR_STORE : ERR_CONFIG, "cannot %s %s/%s: %s%s", doing,
                   copies->folder, name, strerror(errno),
                   full ? ": free space there, or name another place" : "");
}

static bool ends_with_folder(const char *target)
{
    const char *slash = strrchr(target, '/');
    const char *last = slash ? slash + 1 : target;
    struct stat status;

    return !*last || strcmp(last, ".") == 0 || strcmp(last, "..") == 0 ||
           (stat(target, &status) == 0 && S_ISDIR(status.st_mode));
}

/* Whether the file begins as a database of ours does. */
static bool is_ours(int folder_fd, const char *name)
{
    /* https://www.sqlite.org/fileformat2.html#the_database_header */
    enum { HEADER_SIZE = 100, ID_AT = 68 };
    static const char magic[16] = "SQLite format 3";
    static const char id[4] = {DB_APPLICATION_ID >> 24, DB_APPLICATION_ID >> 16 & 0xff,
                               DB_APPLICATION_ID >> 8 & 0xff, DB_APPLICATION_ID & 0xff};
    unsigned char header[HEADER_SIZE];
    int fd;
    ssize_t size;

    fd = openat(folder_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return false;
    size = pread(fd, header, sizeof header, 0);
    close(fd);
    return size == HEADER_SIZE && memcmp(header, magic, sizeof magic) == 0 &&
           memcmp(header + ID_AT, id, sizeof id) == 0;
}

/* Refuses the names of the database and of the files that belong to it. */
static bool check_apart(const struct copies *copies, const char *database, struct err *err)
{
    static const char *const endings[] = {"",        "-wal",   "-shm",     "-journal",
                                          ".intake", ".drain", ".delivery"};
    const char *slash = strrchr(database, '/');
    struct stat named, own;
    bool exists = fstatat(copies->folder_fd, copies->name, &named, 0) == 0;

    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        char *path = mem_printf("%s%s", database, endings[i]);
        bool same = (slash && strlen(copies->folder) == (size_t)(slash - database) &&
                     str_starts(database, copies->folder) &&
                     strcmp(path + (slash - database) + 1, copies->name) == 0) ||
                    (exists && stat(path, &own) == 0 && own.st_dev == named.st_dev &&
                     own.st_ino == named.st_ino);

        free(path);
        if (same)
            return err_set(err, ERR_CONFIG, "'%s/%s' is %s: name another file", copies->folder,
                           copies->name,
                           *endings[i] ? "a file of the database" : "the database itself");
    }
    return true;
}

/* Refuses a name that others use: SQLite would write the pages of a log next to it into the copy.
 */
static bool check_unused(const struct copies *copies, struct err *err)
{
    static const char *const endings[] = {"-wal", "-journal"};

    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        char *other = mem_printf("%s%s", copies->name, endings[i]);
        struct stat status;
        bool there = fstatat(copies->folder_fd, other, &status, 0) == 0 && status.st_size > 0;

        free(other);
        if (there)
            return err_set(err, ERR_CONFIG,
                           "'%s/%s' is a database in use, or a crash left '%s%s' next to it: name "
                           "another file",
                           copies->folder, copies->name, copies->name, endings[i]);
    }
    return true;
}

static bool check_file(struct copies *copies, const char *database, struct err *err)
{
    struct stat status;

    if (!check_apart(copies, database, err) || !check_unused(copies, err))
        return false;
    if (fstatat(copies->folder_fd, copies->name, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT || fail(copies, "read", copies->name, err);
    if (S_ISLNK(status.st_mode))
        return err_set(err, ERR_CONFIG, "'%s/%s' is a link: name the file that it leads to",
                       copies->folder, copies->name);
    /* mktemp makes an empty one */
    if (!S_ISREG(status.st_mode) ||
        (status.st_size > 0 && !is_ours(copies->folder_fd, copies->name)))
        return err_set(err, ERR_CONFIG,
                       "'%s/%s' is there, and is not a database of rowferry: name another file",
                       copies->folder, copies->name);
    copies->replaces = status.st_size > 0;
    return true;
}

bool copies_open(struct copies *copies, const char *database, const char *target, struct err *err)
{
    const char *slash = strrchr(target, '/'), *own = strrchr(database, '/');
    bool into_folder = ends_with_folder(target);
    char *folder;

    *copies = (struct copies){.folder_fd = -1, .fd = -1};
    if (strcmp(target, "-") == 0)
        return err_set(err, ERR_CONFIG,
                       "'-' is not a place for a copy, which is written to a file and checked "
                       "there: name a file, or a folder that ends with /");
    own = own ? own + 1 : database;
    copies->stem = mem_copy(own, strlen(own) - (str_ends(own, ".db") ? 3 : 0));
    if (!into_folder)
        copies->name = mem_strdup(slash ? slash + 1 : target);
    folder = into_folder ? mem_strdup(target)
             : slash     ? mem_copy(target, (size_t)(slash - target) + 1)
                         : mem_strdup(".");
    copies->folder = realpath(folder, NULL);
    if (copies->folder)
        copies->folder_fd = open(copies->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (copies->folder_fd < 0)
        err_set(err, ERR_CONFIG, "folder '%s' cannot be used: %s%s", folder, strerror(errno),
                errno == ENOENT ? ": create it, or name another" : "");
    free(folder);
    return copies->folder && copies->folder_fd >= 0 &&
           (into_folder || check_file(copies, database, err));
}

void copies_close(struct copies *copies)
{
    if (*copies->temporary)
        unlinkat(copies->folder_fd, copies->temporary, 0);
    if (copies->fd >= 0)
        close(copies->fd);
    if (copies->folder_fd >= 0)
        close(copies->folder_fd);
    free(copies->folder);
    free(copies->name);
    free(copies->stem);
    *copies = (struct copies){.folder_fd = -1, .fd = -1};
}

static bool is_newer(const struct made *a, const struct made *b)
{
    return a->at_ms > b->at_ms || (a->at_ms == b->at_ms && a->nth > b->nth);
}

/* Writes `STEM-2026-11-30T010203Z.db` or `STEM-2026-11-30T010203Z-2.db`. */
static void write_name(const struct copies *copies, const struct made *made,
                       char name[COPY_NAME_SIZE])
{
    char iso[CLOCK_ISO_SIZE], nth[24] = "";

    clock_iso(made->at_ms, iso);
    if (made->nth > 1)
        snprintf(nth, sizeof nth, "-%lld", (long long)made->nth);
    snprintf(name, COPY_NAME_SIZE, "%s-%.13s%.2s%.2sZ%s.db", copies->stem, iso, iso + 14, iso + 17,
             nth);
}

/* Reads when a copy was made from its name. Returns false for a file that is not a copy: its name
 * is not exactly what write_name makes of a time, or it is not a database of ours. */
static bool read_name(const struct copies *copies, const char *name, struct made *made)
{
    size_t begin = strlen(copies->stem) + 1, size = strlen(name);
    const char *stamp = name + begin, *rest = stamp + STAMP_SIZE;
    char iso[CLOCK_ISO_SIZE], written[COPY_NAME_SIZE];
    int64_t made_ns;

    if (size < begin + STAMP_SIZE + 3)
        return false;
    snprintf(iso, sizeof iso, "%.13s:%.2s:%.3s", stamp, stamp + 13, stamp + 15);
    if (!clock_read_iso(span_of(iso), &made_ns))
        return false;
    *made = (struct made){made_ns / 1000000, 1};
    if (*rest == '-' && !str_to_int64((struct span){rest + 1, (size_t)(name + size - 3 - rest) - 1},
                                      2, NAMES_TRIED_MAX, &made->nth))
        return false;
    write_name(copies, made, written);
    return strcmp(name, written) == 0 && is_ours(copies->folder_fd, name);
}

/* Visits the names of the regular files in the folder until visit returns false. */
static bool each_file(struct copies *copies,
                      bool (*visit)(void *context, const char *name, struct err *err),
                      void *context, struct err *err)
{
    int fd = openat(copies->folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *entry;
    struct stat status;
    bool fine = true;

    if (!folder) {
        if (fd >= 0)
            close(fd);
        return fail(copies, "read", ".", err);
    }
    while (fine && (entry = readdir(folder)))
        if (fstatat(copies->folder_fd, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(status.st_mode))
            fine = visit(context, entry->d_name, err);
    closedir(folder);
    return fine;
}

struct newest {
    const struct copies *copies;
    struct made made; /* at_ms 0: none so far */
};

static bool note_newest(void *context, const char *name, struct err *err)
{
    struct newest *newest = context;
    struct made made;

    (void)err;
    if (read_name(newest->copies, name, &made) && is_newer(&made, &newest->made))
        newest->made = made;
    return true;
}

bool copies_newest(struct copies *copies, int64_t *made_ms, struct err *err)
{
    struct newest newest = {.copies = copies};
    bool fine = each_file(copies, note_newest, &newest, err);

    *made_ms = newest.made.at_ms;
    return fine;
}

/* The name of what the temporary files are for, before `.<number>.tmp`. */
static const char *purpose_of(const struct copies *copies)
{
    return copies->name ? copies->name : copies->stem;
}

/* Opens a file that is about to lose its name, for free_space. Returns -1 if that is not possible.
 */
static int open_old(const struct copies *copies, const char *name)
{
    return openat(copies->folder_fd, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
}

/* Closes a file that has lost its name, and frees its space in steps, because the file system holds
 * up the commits of others meanwhile. Not if it has another name, or if anybody else has it open:
 * then there is no write lease of it (fcntl(2)). */
static void free_space(int fd)
{
    struct stat status;

    if (fd < 0)
        return;
    if (fstat(fd, &status) == 0 && status.st_nlink == 0 && fcntl(fd, F_SETLEASE, F_WRLCK) == 0)
        while (status.st_size > 0) {
            status.st_size -= status.st_size > FREED_AT_ONCE ? FREED_AT_ONCE : status.st_size;
            if (ftruncate(fd, status.st_size) != 0)
                break;
        }
    close(fd);
}

/* Deletes a temporary file whose process was killed: it has no lock any more. */
static bool delete_left(void *context, const char *name, struct err *err)
{
    const struct copies *copies = context;
    const char *purpose = purpose_of(copies);
    size_t size = strlen(purpose);
    int64_t number;
    int fd;

    (void)err;
    if (!str_starts(name, purpose) || name[size] != '.' || !str_ends(name, ".tmp") ||
        strlen(name) < size + 6 ||
        !str_to_int64((struct span){name + size + 1, strlen(name) - size - 5}, 1, INT32_MAX,
                      &number))
        return true;
    fd = open_old(copies, name);
    if (fd < 0)
        return true;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        unlinkat(copies->folder_fd, name, 0);
    free_space(fd);
    return true;
}

/* Makes and locks the temporary file. Its process can have the number of another, in another
 * container. */
static bool make_temporary(struct copies *copies, struct err *err)
{
    struct stat status;
    long number = getpid();

    for (int i = 0; i < NAMES_TRIED_MAX; i++, number++) {
        char name[COPY_NAME_SIZE];

        if (snprintf(name, sizeof name, "%s.%ld.tmp", purpose_of(copies), number) >= COPY_NAME_SIZE)
            errno = ENAMETOOLONG;
        else
            copies->fd = openat(copies->folder_fd, name,
                                O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (copies->fd < 0 && errno == EEXIST)
            continue;
        if (copies->fd < 0)
            return fail(copies, "write", name, err);
        snprintf(copies->temporary, COPY_NAME_SIZE, "%s", name);
        flock(copies->fd, LOCK_EX); /* a file system without locks: a killed one is not deleted */
        if (fchmod(copies->fd, 0600) != 0)
            return fail(copies, "set the mode of", name, err);
        if (fstat(copies->fd, &status) == 0 && status.st_nlink > 0)
            return true;
        close(copies->fd); /* another process took it for one that was left */
        copies->fd = -1;
        *copies->temporary = '\0';
    }
    errno = EEXIST;
    return fail(copies, "write", purpose_of(copies), err);
}

char *copies_begin(struct copies *copies, uint64_t bytes, struct err *err)
{
    struct statvfs space;

    if (!each_file(copies, delete_left, copies, err) || !make_temporary(copies, err))
        return NULL;
    if (fstatvfs(copies->folder_fd, &space) == 0 &&
        (uint64_t)space.f_bavail * space.f_frsize < bytes + bytes / ROOM_SHARE) {
        err_set(err, ERR_STORE,
                "'%s' has %llu MB free, and a copy needs %llu MB: free space there, or name "
                "another place",
                copies->folder,
                (unsigned long long)((uint64_t)space.f_bavail * space.f_frsize / 1000000),
                (unsigned long long)((bytes + bytes / ROOM_SHARE) / 1000000 + 1));
        return NULL;
    }
    return mem_printf("%s/%s", copies->folder, copies->temporary);
}

/* Renames without replacing. False with errno. */
static bool rename_once(const struct copies *copies, const char *name)
{
    if (renameat2(copies->folder_fd, copies->temporary, copies->folder_fd, name,
                  RENAME_NOREPLACE) == 0)
        return true;
    return (errno == EINVAL || errno == ENOSYS) &&
           linkat(copies->folder_fd, copies->temporary, copies->folder_fd, name, 0) == 0 &&
           unlinkat(copies->folder_fd, copies->temporary, 0) == 0;
}

bool copies_place(struct copies *copies, int64_t now_ms, struct err *err)
{
    struct made made = {now_ms, 1};
    bool placed;

    if (copies->name) {
        int old = open_old(copies, copies->name);

        snprintf(copies->placed, COPY_NAME_SIZE, "%s", copies->name);
        placed =
            renameat(copies->folder_fd, copies->temporary, copies->folder_fd, copies->placed) == 0;
        free_space(old);
    } else {
        do {
            write_name(copies, &made, copies->placed);
            placed = rename_once(copies, copies->placed);
        } while (!placed && errno == EEXIST && made.nth++ < NAMES_TRIED_MAX);
    }
    if (!placed)
        return fail(copies, "write", copies->placed, err);
    *copies->temporary = '\0';
    if (fsync(copies->folder_fd) != 0 && errno != EINVAL) /* EINVAL: nothing to sync there */
        return fail(copies, "sync", copies->placed, err);
    return true;
}

/* The newest copies of a folder, and what is done with the others. */
struct thinning {
    struct copies *copies;
    struct made *kept; /* newest first */
    unsigned count, keep;
    void (*visit)(void *context, const char *name);
    void *context;
    bool failed;
    struct err *err;
};

static void delete_copy(struct thinning *thinning, const struct made *made)
{
    char name[COPY_NAME_SIZE];
    int old;

    write_name(thinning->copies, made, name);
    old = open_old(thinning->copies, name);
    if (unlinkat(thinning->copies->folder_fd, name, 0) == 0)
        thinning->visit(thinning->context, name);
    else if (errno != ENOENT)
        thinning->failed = !fail(thinning->copies, "delete", name, thinning->err);
    free_space(old);
}

/* Keeps the copy instead of the oldest one, or deletes it. */
static bool keep_newest(void *context, const char *name, struct err *err)
{
    struct thinning *thinning = context;
    struct made made, oldest;
    unsigned at;

    (void)err;
    if (!read_name(thinning->copies, name, &made) || strcmp(name, thinning->copies->placed) == 0)
        return true;
    for (at = thinning->count; at > 0 && is_newer(&made, &thinning->kept[at - 1]); at--)
        ;
    oldest = thinning->count > 0 ? thinning->kept[thinning->count - 1] : made;
    if (thinning->count < thinning->keep) {
        thinning->count++;
    } else {
        delete_copy(thinning, at < thinning->count ? &oldest : &made);
        if (at == thinning->count)
            return true;
    }
    memmove(&thinning->kept[at + 1], &thinning->kept[at], (thinning->count - at - 1) * sizeof made);
    thinning->kept[at] = made;
    return true;
}

bool copies_thin(struct copies *copies, unsigned keep,
                 void (*visit)(void *context, const char *name), void *context, struct err *err)
{
    struct thinning thinning = {
        .copies = copies, .keep = keep - 1, .visit = visit, .context = context, .err = err};
    bool fine;

    thinning.kept = mem_calloc(keep, sizeof *thinning.kept);
    fine = each_file(copies, keep_newest, &thinning, err);
    free(thinning.kept);
    return fine && !thinning.failed;
}
