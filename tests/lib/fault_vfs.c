#include "tests/lib/fault_vfs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sqlite3.h>

struct fault_file {
    sqlite3_file base;
    sqlite3_file *real; /* in the same allocation, after this */
};

static struct {
    sqlite3_vfs *real;
    unsigned countdown; /* 0: nothing fails */
    int code;
    bool stays, fired;
} fault;

static sqlite3_file *real_of(sqlite3_file *file)
{
    return ((struct fault_file *)file)->real;
}

/* SQLITE_OK, or what this call is to end with. */
static int strike(void)
{
    if (fault.fired && fault.stays)
        return fault.code;
    if (!fault.countdown || --fault.countdown)
        return SQLITE_OK;
    fault.fired = true;
    return fault.code;
}

static int do_close(sqlite3_file *file)
{
    sqlite3_file *real = real_of(file);

    return real->pMethods ? real->pMethods->xClose(real) : SQLITE_OK;
}

static int do_read(sqlite3_file *file, void *bytes, int size, sqlite3_int64 offset)
{
    return real_of(file)->pMethods->xRead(real_of(file), bytes, size, offset);
}

static int do_write(sqlite3_file *file, const void *bytes, int size, sqlite3_int64 offset)
{
    int code = strike();

    return code ? code : real_of(file)->pMethods->xWrite(real_of(file), bytes, size, offset);
}

static int do_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    int code = strike();

    return code ? code : real_of(file)->pMethods->xTruncate(real_of(file), size);
}

static int do_sync(sqlite3_file *file, int flags)
{
    int code = strike();

    /* the machine is not to crash here: no need to wait for its disk */
    (void)flags;
    (void)file;
    return code;
}

static int do_file_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return real_of(file)->pMethods->xFileSize(real_of(file), size);
}

static int do_lock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xLock(real_of(file), level);
}

static int do_unlock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int do_check_lock(sqlite3_file *file, int *result)
{
    return real_of(file)->pMethods->xCheckReservedLock(real_of(file), result);
}

static int do_control(sqlite3_file *file, int operation, void *argument)
{
    return real_of(file)->pMethods->xFileControl(real_of(file), operation, argument);
}

static int do_sector_size(sqlite3_file *file)
{
    return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int do_characteristics(sqlite3_file *file)
{
    return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

static int do_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **memory)
{
    return real_of(file)->pMethods->xShmMap(real_of(file), page, size, extend, memory);
}

static int do_shm_lock(sqlite3_file *file, int offset, int count, int flags)
{
    return real_of(file)->pMethods->xShmLock(real_of(file), offset, count, flags);
}

static void do_shm_barrier(sqlite3_file *file)
{
    real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int do_shm_unmap(sqlite3_file *file, int remove)
{
    return real_of(file)->pMethods->xShmUnmap(real_of(file), remove);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = do_close,
    .xRead = do_read,
    .xWrite = do_write,
    .xTruncate = do_truncate,
    .xSync = do_sync,
    .xFileSize = do_file_size,
    .xLock = do_lock,
    .xUnlock = do_unlock,
    .xCheckReservedLock = do_check_lock,
    .xFileControl = do_control,
    .xSectorSize = do_sector_size,
    .xDeviceCharacteristics = do_characteristics,
    .xShmMap = do_shm_map,
    .xShmLock = do_shm_lock,
    .xShmBarrier = do_shm_barrier,
    .xShmUnmap = do_shm_unmap,
};

static int do_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
    struct fault_file *mine = (struct fault_file *)file;
    int code;

    (void)vfs;
    mine->real = (sqlite3_file *)(mine + 1);
    code = fault.real->xOpen(fault.real, name, mine->real, flags, out);
    mine->base.pMethods = mine->real->pMethods ? &methods : NULL;
    return code;
}

void fault_vfs_install(void)
{
    static sqlite3_vfs vfs;

    if (fault.real)
        return;
    fault.real = sqlite3_vfs_find(NULL);
    assert_non_null(fault.real);
    vfs = *fault.real;
    vfs.zName = "fault";
    vfs.szOsFile += (int)sizeof(struct fault_file);
    vfs.pNext = NULL;
    vfs.xOpen = do_open;
    assert_int_equal(sqlite3_vfs_register(&vfs, 1), SQLITE_OK);
}

void fault_vfs_arm(unsigned n, int code, bool stays)
{
    fault.countdown = n;
    fault.code = code;
    fault.stays = stays;
    fault.fired = false;
}

bool fault_vfs_disarm(void)
{
    bool fired = fault.fired;

    fault.countdown = 0;
    fault.fired = false;
    return fired;
}
