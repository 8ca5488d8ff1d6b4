#include "tests/lib/fault_sql.h"

#include <sqlite3.h>
#include <stddef.h>

static struct {
    unsigned countdown; /* 0: nothing fails */
    bool fired;
    enum fault_sql kind;
} fault;

static bool strike(void)
{
    if (!fault.countdown || --fault.countdown)
        return false;
    return fault.fired = true;
}

/* For sqlite3_set_authorizer: reads of columns and calls of functions belong to a statement that
 * was counted already. ROLLBACK is what follows a failure. */
static int authorize(void *context, int action, const char *first, const char *second,
                     const char *database, const char *trigger)
{
    (void)context, (void)second, (void)database, (void)trigger;
    if (action == SQLITE_READ || action == SQLITE_FUNCTION ||
        (action == SQLITE_TRANSACTION && first[0] == 'R'))
        return SQLITE_OK;
    return strike() ? SQLITE_DENY : SQLITE_OK;
}

/* For sqlite3_progress_handler, which is also called after a commit. */
static int interrupt(void *db)
{
    return sqlite3_txn_state(db, NULL) != SQLITE_TXN_NONE && strike();
}

static void watch(sqlite3 *db, enum fault_sql kind)
{
    if (kind == FAULT_SQL_PREPARE)
        sqlite3_set_authorizer(db, authorize, NULL);
    else
        sqlite3_progress_handler(db, 1, interrupt, db);
}

void fault_sql_arm(sqlite3 *db, enum fault_sql kind, unsigned n)
{
    fault.countdown = n;
    fault.fired = false;
    watch(db, kind);
}

/* For sqlite3_auto_extension. */
static int watch_opened(sqlite3 *db, char **error, const struct sqlite3_api_routines *api)
{
    (void)error, (void)api;
    watch(db, fault.kind);
    return SQLITE_OK;
}

void fault_sql_arm_next(enum fault_sql kind, unsigned n)
{
    fault.countdown = n;
    fault.fired = false;
    fault.kind = kind;
    sqlite3_auto_extension((void (*)(void))watch_opened);
}

bool fault_sql_disarm(sqlite3 *db)
{
    fault.countdown = 0;
    sqlite3_reset_auto_extension();
    if (db) {
        sqlite3_set_authorizer(db, NULL, NULL);
        sqlite3_progress_handler(db, 0, NULL, NULL);
    }
    return fault.fired;
}
