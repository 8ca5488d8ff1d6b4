#include "core/store/store.h"

#include "core/base/crash.h"
#include "core/base/mem.h"
#include "core/base/stop.h"
#include "core/store/db.h"
#include "core/store/files.h"
#include "core/store/migrate.h"
#include "core/store/open_batches.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUSY_MS = 30000 };

bool store_set_durable(struct store *store, bool durable, struct err *err)
{
    return db_exec(store, durable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL",
                   err);
}

bool store_set_cache(struct store *store, unsigned kib, struct err *err)
{
    char pragma[64];

    snprintf(pragma, sizeof pragma, "PRAGMA cache_size = -%u", kib);
    return db_exec(store, pragma, err);
}

/* Makes the file, so that its mode is right before SQLite writes to it. */
static bool make_file(const char *path, enum store_mode mode, bool *created, struct err *err)
{
    struct stat status;
    int fd;

    if (stat(path, &status) == 0) {
        if (!S_ISREG(status.st_mode))
            return err_set(err, ERR_STORE, "database %s is not a regular file: name another --db",
                           path);
        return true;
    }
    if (errno != ENOENT)
        return err_set(err, ERR_STORE, "database %s: %s", path, strerror(errno));
    if (mode != STORE_CREATE)
        return err_set(err, ERR_CONFIG,
                       "database %s does not exist: `rowferry run` or `rowferry ingest` creates "
                       "it, --db or ROWFERRY_DB names another",
                       path);
    fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 && errno == EEXIST)
        return true; /* another process that started at the same moment was first */
    if (fd < 0)
        return err_set(err, ERR_STORE,
                       "database %s cannot be created: %s: create its folder, or name another --db",
                       path, strerror(errno));
    close(fd);
    *created = true;
    crash_point(CRASH_DATABASE_MADE);
    return true;
}

static bool is_looking(enum store_mode mode)
{
    return mode == STORE_LOOKING || mode == STORE_ALONE;
}

/* Sets what a database gets once, before the first migration and before WAL. */
static bool set_up_new(struct store *store, struct err *err)
{
    char pragma[64];

    snprintf(pragma, sizeof pragma, "PRAGMA application_id = %d", DB_APPLICATION_ID);
    return db_exec(store, "PRAGMA page_size = 4096", err) &&
           db_exec(store, "PRAGMA auto_vacuum = INCREMENTAL", err) && db_exec(store, pragma, err);
}

/* Checks that the database is ours or new before anything is written. A process that is making it
 * writes the id first, so it is read last. */
static bool check_identity(struct store *store, enum store_mode mode, struct err *err)
{
    int64_t application_id = 0, tables = 0, version = 0;

    if (!db_exec_int(store, "PRAGMA user_version", &version, err) ||
        !db_exec_int(store, "SELECT count(*) FROM sqlite_schema", &tables, err) ||
        !db_exec_int(store, "PRAGMA application_id", &application_id, err))
        return false;
    if (application_id == DB_APPLICATION_ID)
        return true;
    if (application_id != 0 || tables != 0 || version != 0)
        return err_set(err, ERR_STORE,
                       "database %s belongs to another program (application id %lld): name another "
                       "--db",
                       store->path, (long long)application_id);
    if (is_looking(mode) || sqlite3_db_readonly(store->db, "main"))
        return err_set(err, ERR_STORE, "database %s is empty: `rowferry run` sets it up",
                       store->path);
    return set_up_new(store, err);
}

/* Switches to WAL. SQLite does not wait when two processes switch at the same time, because one of
 * them would wait for ever; so it is tried again here. */
static bool set_wal(struct store *store, struct err *err)
{
    enum { TRY_MS = 10 };

    for (int waited_ms = 0;; waited_ms += TRY_MS) {
        int code = sqlite3_exec(store->db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL);

        if (code == SQLITE_OK)
            return true;
        if (code != SQLITE_BUSY || waited_ms >= BUSY_MS)
            return db_fail(store, err, "set up");
        sqlite3_sleep(TRY_MS);
    }
}

/* For SQLite's progress handler: ends the statement. */
static int is_stopped(void *context)
{
    (void)context;
    return stop_requested();
}

/* For a reader that cannot apply migrations. */
static bool check_newest(struct store *store, struct err *err)
{
    int64_t version;

    if (!migrate_version(store, &version, err))
        return false;
    return version == migration_count ||
           err_set(err, ERR_STORE,
                   "database %s was written by an older rowferry: ask a user who can write it to "
                   "run `rowferry status` once, which upgrades it",
                   store->path);
}

/* A busy handler for SQLite, whose own one looks only ten times a second and would miss the gaps
 * that a drain at full speed leaves. tries: how often this lock was waited for so far. */
static int wait_for_lock(void *context, int tries)
{
    enum { SOON = 20, SOON_MS = 1, LATER_MS = 10 };

    (void)context;
    if (tries >= SOON + BUSY_MS / LATER_MS)
        return 0;
    sqlite3_sleep(tries < SOON ? SOON_MS : LATER_MS);
    return 1;
}

static bool configure(struct store *store, enum store_mode mode, struct err *err)
{
    enum { STEPS = 100000 }; /* of a statement, between two looks at the signals */
    int64_t version;

    sqlite3_busy_handler(store->db, wait_for_lock, NULL);
    sqlite3_db_config(store->db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    sqlite3_db_config(store->db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    sqlite3_db_config(store->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    if (!is_looking(mode) && sqlite3_db_readonly(store->db, "main"))
        return check_identity(store, mode, err) && check_newest(store, err);
    if (is_looking(mode)) {
        sqlite3_progress_handler(store->db, STEPS, is_stopped, NULL);
        return check_identity(store, mode, err) && migrate_version(store, &version, err);
    }
    return check_identity(store, mode, err) && set_wal(store, err) &&
           db_exec(store, "PRAGMA synchronous = FULL", err) &&
           db_exec(store, "PRAGMA cache_size = -12000", err) &&
           db_exec(store, "PRAGMA wal_autocheckpoint = 4000", err) &&
           /* to which a log shrinks that grew while somebody read for long */
           db_exec(store, "PRAGMA journal_size_limit = 33554432", err) &&
           /* where a batch's record ids are sorted; no file until there is something in it */
           db_exec(store, "CREATE TEMP TABLE sorted_key (record_id TEXT, job_id INTEGER)", err) &&
           migrate_up(store, err);
}

void store_prepare(void)
{
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static bool exists_beside(const char *path, const char *ending)
{
    char *name = mem_printf("%s%s", path, ending);
    bool there = access(name, F_OK) == 0;

    free(name);
    return there;
}

/* What SQLite needs to write, and to read in WAL mode: the file, and its -wal and -shm, which it
 * makes where they are missing. */
static bool may_write(const char *path)
{
    char *folder = mem_strdup(path), *slash = strrchr(folder, '/');
    bool may;

    if (slash)
        slash[slash == folder] = '\0';
    may = faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0 &&
          (exists_beside(path, "-shm") ||
           faccessat(AT_FDCWD, slash ? folder : ".", W_OK, AT_EACCESS) == 0);
    free(folder);
    return may;
}

/* Opens the file. As immutable it is read without a -shm: only while no -wal is there, because then
 * nobody has the database open, and all of it is in the one file. */
static int open_database(struct store *store, enum store_mode mode)
{
    bool reads = is_looking(mode) || (mode == STORE_READING && !may_write(store->path));
    int flags = SQLITE_OPEN_NOMUTEX | (reads ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE);
    char *uri;
    int code;

    if (!reads || mode == STORE_LOOKING || exists_beside(store->path, "-wal"))
        return sqlite3_open_v2(store->path, &store->db, flags, files_vfs());
    uri = db_uri(store->path, "immutable=1");
    code = sqlite3_open_v2(uri, &store->db, flags | SQLITE_OPEN_URI, NULL);
    free(uri);
    return code;
}

/* Refuses a copy that was put in the place of a database whose -wal is still there: SQLite would
 * write those pages into the copy. A database of ours has no -wal before it is in WAL mode. The
 * bytes are read through SQLite, because closing another descriptor of the file would release the
 * locks of all its connections in this process. */
static bool check_log(struct store *store, struct err *err)
{
    /* https://www.sqlite.org/fileformat2.html#file_format_version_numbers */
    enum { WRITE_VERSION_AT = 18, ROLLBACK_JOURNAL = 1 };
    char *name = mem_printf("%s-wal", store->path), version = 0;
    sqlite3_file *file = NULL;
    struct stat status;
    bool fine = stat(name, &status) != 0 || status.st_size == 0;

    if (!fine)
        sqlite3_file_control(store->db, "main", SQLITE_FCNTL_FILE_POINTER, &file);
    fine = fine || !file || !file->pMethods ||
           file->pMethods->xRead(file, &version, 1, WRITE_VERSION_AT) != SQLITE_OK ||
           version != ROLLBACK_JOURNAL;
    if (!fine)
        err_set(err, ERR_STORE,
                "database %s is a copy, and %s is of the database that was there before: move "
                "that file away, and %s-shm, too",
                store->path, name, store->path);
    free(name);
    return fine;
}

struct store *store_open(const char *path, enum store_mode mode, bool *created, struct err *err)
{
    struct store *store;

    *created = false;
    if (!make_file(path, mode, created, err))
        return NULL;
    store = mem_calloc(1, sizeof *store);
    memset(store->unprepared.parameters, 1, sizeof store->unprepared.parameters);
    store->path = realpath(path, NULL);
    if (!store->path)
        store->path = mem_strdup(path);
    if (open_database(store, mode) != SQLITE_OK) {
        db_fail(store, err, "open");
        store_close(store);
        return NULL;
    }
    if (!check_log(store, err) || !configure(store, mode, err)) {
        store_close(store);
        return NULL;
    }
    return store;
}

void store_close(struct store *store)
{
    if (!store)
        return;
    for (unsigned owner = 0; owner < DB_OWNERS; owner++)
        for (unsigned i = 0; i < DB_STATEMENTS_MAX; i++)
            db_finalize(store->statements[owner][i]);
    sqlite3_close(store->db);
    buf_release(&store->texts);
    id_list_release(&store->prior);
    open_batches_close(store);
    free(store->path);
    free(store);
}

bool store_is_in_place(struct store *store, struct err *err)
{
    int moved = 0;

    sqlite3_file_control(store->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    return !moved || err_set(err, ERR_STORE,
                             "database %s was moved, deleted or replaced while it was in use: put "
                             "it back, or start the command again",
                             store->path);
}

const char *store_path(const struct store *store)
{
    return store->path;
}
