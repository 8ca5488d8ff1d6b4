#include "core/store/backup.h"

#include "core/base/stop.h"
#include "core/store/census.h"
#include "core/store/db.h"
#include "core/store/migrate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    STEP_PAGES = 64
}; /* 256 KiB, which are on the disk before the next: commits of others wait for them */

bool backup_measure(struct store *store, struct backup *backup, struct err *err)
{
    int64_t page_size, pages, version;

    if (!db_exec_int(store, "PRAGMA page_size", &page_size, err) ||
        !db_exec_int(store, "PRAGMA page_count", &pages, err) ||
        !db_exec_int(store, "PRAGMA user_version", &version, err))
        return false;
    *backup = (struct backup){(uint64_t)(pages * page_size), version};
    return true;
}

/* Reports that the copy cannot be written, or that the database cannot be read. */
static bool fail(struct store *store, const char *path, int code, int fault, struct err *err)
{
    bool reads = code == SQLITE_IOERR_READ || code == SQLITE_IOERR_SHORT_READ;

    if ((code & 0xff) == SQLITE_FULL || ((code & 0xff) == SQLITE_IOERR && !reads))
        return err_set(err, ERR_STORE,
                       "cannot write %s: %s: free space there, or name another file", path,
                       fault ? strerror(fault) : sqlite3_errstr(code));
    return err_set(err, ERR_STORE, "database %s: copy: %s: check it with `rowferry doctor`",
                   store->path, sqlite3_errstr(code));
}

/* Opens the file of the copy without locks and without a journal, because nobody else knows it. */
static int open_copy(const char *path, sqlite3 **copy)
{
    char *uri = db_uri(path, "nolock=1");
    int code = sqlite3_open_v2(uri, copy,
                               SQLITE_OPEN_READWRITE | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, NULL);

    free(uri);
    if (code == SQLITE_OK)
        code = sqlite3_exec(*copy,
                            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; "
                            "PRAGMA cache_size = -1024",
                            NULL, NULL, NULL);
    return code;
}

/* Copies all pages. They go to the disk as they are copied: otherwise the next commit of another
 * process would have to wait until all of them are there. */
static bool copy_pages(struct store *store, sqlite3 *copy, const char *path, int fd,
                       const struct backup_watch *watch, uint64_t bytes, struct err *err)
{
    sqlite3_backup *backup = sqlite3_backup_init(copy, "main", store->db, "main");
    int code = backup ? SQLITE_OK : sqlite3_extended_errcode(copy);
    int fault = 0;

    while (code == SQLITE_OK && !stop_requested()) {
        code = sqlite3_backup_step(backup, STEP_PAGES);
        fault = sqlite3_system_errno(copy);
        sync_file_range(fd, 0, 0,
                        SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
                            SYNC_FILE_RANGE_WAIT_AFTER);
        if (watch && code == SQLITE_OK) {
            uint64_t pages = (uint64_t)sqlite3_backup_pagecount(backup);
            uint64_t left = (uint64_t)sqlite3_backup_remaining(backup);

            watch->report(watch->context, bytes / pages * (pages - left), bytes);
        }
    }
    if (backup && sqlite3_backup_finish(backup) != SQLITE_OK && code == SQLITE_DONE)
        code = sqlite3_extended_errcode(copy);
    if (code == SQLITE_OK)
        return err_set(err, ERR_STOPPED, "stopped");
    return code == SQLITE_DONE || fail(store, path, code, fault, err);
}

/* Takes the finished copy out of WAL mode, which it has from the database, and syncs it. */
static bool finish(const char *path, int fd, struct err *err)
{
    /* https://www.sqlite.org/fileformat2.html#file_format_version_numbers */
    static const char rollback_journal[] = {1, 1};
    ssize_t written = pwrite(fd, rollback_journal, sizeof rollback_journal, 18);

    return (written == sizeof rollback_journal && fsync(fd) == 0) ||
           err_set(err, ERR_STORE, "cannot write %s: %s: free space there, or name another file",
                   path, strerror(errno));
}

bool backup_copy(struct store *store, const char *path, int fd, const struct backup_watch *watch,
                 struct backup *backup, struct err *err)
{
    sqlite3 *copy = NULL;
    int64_t tables;
    int code;
    bool fine;

    /* one read transaction for the whole copy: without it, each commit of others would begin the
     * copy again */
    if (!db_exec(store, "BEGIN", err))
        return false;
    fine = db_exec_int(store, "SELECT count(*) FROM sqlite_schema", &tables, err) &&
           backup_measure(store, backup, err);
    if (fine) {
        code = open_copy(path, &copy);
        fine = code == SQLITE_OK ? copy_pages(store, copy, path, fd, watch, backup->bytes, err)
                                 : fail(store, path, code, sqlite3_system_errno(copy), err);
    }
    db_rollback(store);
    sqlite3_close(copy);
    return fine && finish(path, fd, err);
}

bool backup_check(const char *path, const struct backup *backup, struct err *err)
{
    bool created, fine;
    struct store *copy = store_open(path, STORE_ALONE, &created, err);
    struct backup found;

    if (!copy)
        return err_wrap(err, "the copy");
    fine = backup_measure(copy, &found, err) && census_integrity(copy, err);
    store_close(copy);
    if (!fine)
        return err->kind == ERR_STOPPED ? false : err_wrap(err, "the copy");
    return (found.bytes == backup->bytes && found.version == backup->version) ||
           err_set(err, ERR_STORE, "the copy %s is not what was written: check that disk", path);
}
