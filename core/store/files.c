#include "core/store/files.h"

#include "core/base/mem.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    BLOCK = 64 << 10, /* bytes of the log that are held back, and by which the database grows */
    /* https://www.sqlite.org/fileformat2.html#walformat */
    FRAME_HEADER = 24,
    COMMIT_AT = 4,  /* in a frame's header: 4 bytes, not 0 in the last frame of a transaction */
    WRITE_LOCK = 0, /* https://www.sqlite.org/walformat.html#wal_locks */
};

/* Follows the real file in the same allocation. The real methods get the real file, which is the
 * first part; those of this file replace some of them. */
struct extra {
    sqlite3_io_methods methods;
    const sqlite3_io_methods *real;
    sqlite3_int64 end;   /* of the log: after the last write; of the database: its size or less */
    char *held;          /* the last bytes of the log, not yet written */
    int held_size;       /* they end at `end` */
    int written;         /* bytes of the transaction, up to a block */
    bool after_header;   /* the last write was the header of a frame that is not the last */
    bool checkpoint;     /* is under way: pages are copied into the database */
    sqlite3_file *other; /* of the log: the database; of the database: its log, or NULL */
};

static struct {
    sqlite3_vfs vfs;
    sqlite3_vfs *real;
    int real_size; /* of the real file, so that what follows is aligned */
} files;

static struct extra *extra_of(sqlite3_file *file)
{
    return (struct extra *)((char *)file + files.real_size);
}

/* --- the write-ahead log ---
 *
 * After the first block of a transaction, which is all that most write, frames are held back until
 * the last one of their transaction is written. So a write that fails is reported by the same
 * transaction, and what is committed has left this process before the commit is seen by others.
 * What is held of a transaction that was rolled back is forgotten with its lock, because another
 * process can write to the same place then. */

static int release(sqlite3_file *file)
{
    struct extra *extra = extra_of(file);
    int size = extra->held_size;

    extra->held_size = 0;
    return size ? extra->real->xWrite(file, extra->held, size, extra->end - size) : SQLITE_OK;
}

static bool is_last_header(const char *header)
{
    return memcmp(header + COMMIT_AT, "\0\0\0", 4) != 0;
}

static int log_write(sqlite3_file *file, const void *bytes, int size, sqlite3_int64 offset)
{
    struct extra *extra = extra_of(file);
    bool follows = offset == extra->end, was_header = extra->after_header, holds;
    int code = SQLITE_OK;

    if (!follows || extra->held_size + size > BLOCK)
        code = release(file);
    extra->end = offset;
    if (!follows || (size != FRAME_HEADER && !was_header))
        extra->written = 0;
    else if (extra->written < BLOCK)
        extra->written += size;
    /* what is written again, at another place, does not end with a page */
    extra->after_header = follows && size == FRAME_HEADER && !is_last_header(bytes);
    holds =
        follows && size <= BLOCK &&
        (extra->held_size > 0 || (extra->written >= BLOCK && (size == FRAME_HEADER || was_header)));
    if (code != SQLITE_OK)
        return code;
    if (!holds) {
        code = extra->real->xWrite(file, bytes, size, offset);
        if (code == SQLITE_OK)
            extra->end = offset + size;
        return code;
    }
    if (!extra->held)
        extra->held = mem_calloc(1, BLOCK);
    memcpy(extra->held + extra->held_size, bytes, (size_t)size);
    extra->held_size += size;
    extra->end = offset + size;
    return size == FRAME_HEADER || was_header ? SQLITE_OK : release(file);
}

static int log_read(sqlite3_file *file, void *bytes, int size, sqlite3_int64 offset)
{
    int code = release(file);

    return code ? code : extra_of(file)->real->xRead(file, bytes, size, offset);
}

static int log_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    int code = release(file);

    return code ? code : extra_of(file)->real->xTruncate(file, size);
}

static int log_sync(sqlite3_file *file, int flags)
{
    int code = release(file);

    return code ? code : extra_of(file)->real->xSync(file, flags);
}

static int log_size(sqlite3_file *file, sqlite3_int64 *size)
{
    int code = release(file);

    return code ? code : extra_of(file)->real->xFileSize(file, size);
}

/* What is held was not committed. */
static int log_close(sqlite3_file *file)
{
    struct extra *extra = extra_of(file);

    if (extra->other)
        extra_of(extra->other)->other = NULL;
    free(extra->held);
    return extra->real->xClose(file);
}

/* --- the database ---
 *
 * A checkpoint that makes it longer writes zeros after the page, which the pages that follow
 * replace: the system then makes room for many pages at once. The last checkpoint cuts what is too
 * much. */

static int database_write(sqlite3_file *file, const void *bytes, int size, sqlite3_int64 offset)
{
    struct extra *extra = extra_of(file);
    static const char zeros[BLOCK];
    int code;

    if (extra->checkpoint && offset >= extra->end && size < BLOCK) {
        code = extra->real->xFileSize(file, &extra->end);
        if (code == SQLITE_OK && offset == extra->end)
            code = extra->real->xWrite(file, zeros, BLOCK, offset);
        if (code != SQLITE_OK)
            return code;
        if (offset == extra->end)
            extra->end += BLOCK;
    }
    return extra->real->xWrite(file, bytes, size, offset);
}

static int database_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    extra_of(file)->end = 0;
    return extra_of(file)->real->xTruncate(file, size);
}

static int database_lock(sqlite3_file *file, int first, int count, int flags)
{
    struct extra *extra = extra_of(file);

    if (first == WRITE_LOCK && (flags & SQLITE_SHM_UNLOCK) && extra->other)
        extra_of(extra->other)->held_size = 0;
    return extra->real->xShmLock(file, first, count, flags);
}

static int database_control(sqlite3_file *file, int what, void *argument)
{
    struct extra *extra = extra_of(file);

    if (what == SQLITE_FCNTL_CKPT_START || what == SQLITE_FCNTL_CKPT_DONE)
        extra->checkpoint = what == SQLITE_FCNTL_CKPT_START;
    return extra->real->xFileControl(file, what, argument);
}

/* --- files of both kinds --- */

static int file_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
    struct extra *extra = extra_of(file);
    int code = files.real->xOpen(files.real, name, file, flags, out);

    (void)vfs;
    if (!file->pMethods || !(flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_DB)))
        return code;
    *extra = (struct extra){.methods = *file->pMethods, .real = file->pMethods};
    if (flags & SQLITE_OPEN_WAL) {
        extra->other = sqlite3_database_file_object(name);
        extra_of(extra->other)->other = file;
        extra->methods.xWrite = log_write;
        extra->methods.xRead = log_read;
        extra->methods.xTruncate = log_truncate;
        extra->methods.xSync = log_sync;
        extra->methods.xFileSize = log_size;
        extra->methods.xClose = log_close;
    } else {
        extra->methods.xWrite = database_write;
        extra->methods.xTruncate = database_truncate;
        extra->methods.xFileControl = database_control;
        extra->methods.xShmLock = database_lock;
    }
    file->pMethods = &extra->methods;
    return code;
}

const char *files_vfs(void)
{
    enum { ALIGNMENT = _Alignof(max_align_t) };
    static const char name[] = "rowferry";
    sqlite3_vfs *real = sqlite3_vfs_find(NULL);

    if (!real || real == files.real)
        return real ? name : NULL;
    sqlite3_vfs_unregister(&files.vfs);
    files.real = real;
    files.real_size = (real->szOsFile + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    files.vfs = *real;
    files.vfs.pNext = NULL;
    files.vfs.zName = name;
    files.vfs.szOsFile = files.real_size + (int)sizeof(struct extra);
    files.vfs.xOpen = file_open;
    return sqlite3_vfs_register(&files.vfs, 0) == SQLITE_OK ? name : NULL;
}
