#include "core/store/migrate.h"

#include "core/base/crash.h"
#include "core/store/db.h"

#include <stdio.h>

static bool apply(struct store *store, const struct migration *migration, unsigned version,
                  struct err *err)
{
    char pragma[64];
    int64_t present;

    if (!db_begin(store, err))
        return false;
    snprintf(pragma, sizeof pragma, "PRAGMA user_version = %u", version);
    if (!db_exec_int(store, "PRAGMA user_version", &present, err)) {
        db_rollback(store);
        return false;
    }
    /* another process that started at the same moment may have been first */
    if (present >= version)
        return db_commit(store, err);
    if (!db_exec(store, migration->sql, err) || !db_exec(store, pragma, err)) {
        db_rollback(store);
        return err_wrap(err, "migration %s", migration->name);
    }
    return db_commit(store, err);
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
    int64_t version;

    crash_point(CRASH_DATABASE_SET_UP);
    if (!migrate_version(store, &version, err))
        return false;
    for (unsigned next = (unsigned)version; next < migration_count; next++)
        if (!apply(store, &migrations[next], next + 1, err))
            return false;
    return true;
}
