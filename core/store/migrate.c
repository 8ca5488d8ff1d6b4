#include "core/store/migrate.h"

#include "core/base/crash.h"
#include "core/base/mem.h"
#include "core/base/stop.h"
#include "core/store/db.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

/* An upgrade, of the one process that has it. */
static struct {
    void (*report)(void *context, unsigned step, unsigned steps);
    void *context;
    unsigned step, steps;
} upgrade;

void migrate_watch(void (*report)(void *context, unsigned step, unsigned steps), void *context)
{
    upgrade.report = report;
    upgrade.context = context;
}

/* For SQLite's progress handler: ends the statement after a signal. */
static int show_step(void *context)
{
    (void)context;
    if (upgrade.report)
        upgrade.report(upgrade.context, upgrade.step, upgrade.steps);
    return stop_requested();
}

/* Adds the size of each table that the migration names in its line `-- room: TABLE TABLE`, because
 * it copies or indexes it. */
static bool add_room(struct store *store, const struct migration *migration, uint64_t *bytes,
                     struct err *err)
{
    static const char start[] = "-- room: ";
    const char *name = strstr(migration->sql, start);
    char sql[160];
    int64_t size;

    if (!name)
        return true;
    for (name += strlen(start); *name != '\n'; name += strspn(name, " ")) {
        size_t length = strcspn(name, " \n");

        if (sqlite3_compileoption_used("ENABLE_DBSTAT_VTAB"))
            snprintf(sql, sizeof sql,
                     "SELECT sum(pgsize) FROM dbstat('main', 1) WHERE name = '%.*s'", (int)length,
                     name);
        else
            snprintf(sql, sizeof sql,
                     "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size");
        if (!db_exec_int(store, sql, &size, err))
            return false;
        *bytes += (uint64_t)size;
        name += length;
    }
    return true;
}

/* Checks that the disk has room for the upgrade: what it writes is in the log and in the file. A
 * log that a killed upgrade left is written over. */
static bool check_room(struct store *store, unsigned version, struct err *err)
{
    enum { LEAST = 2 << 20 }; /* for changes of tables and views, and what uses the database then */
    char *log = mem_printf("%s-wal", store->path);
    uint64_t bytes = 0, has;
    struct statvfs space;
    struct stat status;
    bool fine = true;

    for (unsigned next = version; fine && next < migration_count; next++)
        fine = add_room(store, &migrations[next], &bytes, err);
    bytes = 2 * bytes + LEAST;
    if (fine && statvfs(store->path, &space) == 0) {
        has = (uint64_t)space.f_bavail * space.f_frsize;
        if (stat(log, &status) == 0)
            has += (uint64_t)status.st_size;
        fine = has >= bytes ||
               err_set(err, ERR_STORE,
                       "database %s is of an older version, and its upgrade needs %llu MB of disk "
                       "space, of which %llu MB are free: free space on that disk, then run the "
                       "same command again; the database is unchanged",
                       store->path, (unsigned long long)(bytes / 1000000 + 1),
                       (unsigned long long)(has / 1000000));
    }
    free(log);
    return fine;
}

static bool apply(struct store *store, const struct migration *migration, unsigned version,
                  struct err *err)
{
    char pragma[64];
    int64_t present;
    bool fine;

    if (!db_begin(store, err))
        return false;
    snprintf(pragma, sizeof pragma, "PRAGMA user_version = %u", version);
    fine = db_exec_int(store, "PRAGMA user_version", &present, err);
    /* another process that started at the same moment may have been first */
    if (fine && present < version)
        fine = (db_exec(store, migration->sql, err) && db_exec(store, pragma, err)) ||
               err_wrap(err, "migration %s", migration->name);
    return db_end(store, fine, err);
}

bool migrate_version(struct store *store, int64_t *version, struct err *err)
{
    if (!db_exec_int(store, "PRAGMA user_version", version, err))
        return false;
    if (*version > migration_count)
        return err_set(err, ERR_STORE,
                       "%s was written by a newer rowferry (database version %lld, this program "
                       "knows %u): use that version, or another --db",
                       store->path, (long long)*version, migration_count);
    return true;
}

bool migrate_up(struct store *store, struct err *err)
{
    enum { STEPS = 100000 }; /* of a statement, between two looks at the signals */
    bool fine = true;
    int64_t version;

    crash_point(CRASH_DATABASE_SET_UP);
    if (!migrate_version(store, &version, err))
        return false;
    if (version == migration_count)
        return true;
    if (version > 0 && !check_room(store, (unsigned)version, err))
        return false;
    upgrade.step = 0;
    upgrade.steps = migration_count - (unsigned)version;
    sqlite3_progress_handler(store->db, STEPS, show_step, NULL);
    for (unsigned next = (unsigned)version; fine && next < migration_count; next++) {
        upgrade.step++;
        fine = apply(store, &migrations[next], next + 1, err);
    }
    sqlite3_progress_handler(store->db, 0, NULL, NULL);
    return fine;
}
