/* What keeps a database from being opened. */
#include "core/store/store.h"

#include "core/base/mem.h"
#include "core/store/db.h"
#include "tests/lib/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of sqlite3_sleep, which returns at once. */
static int slept_ms;
static sqlite3 *ended_at_last; /* a transaction that ends after a second of it; or NULL */

int sqlite3_sleep(int ms)
{
    slept_ms += ms;
    if (ended_at_last && slept_ms == 1000)
        assert_int_equal(sqlite3_exec(ended_at_last, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    return ms;
}

static int begin(void **state)
{
    slept_ms = 0;
    ended_at_last = NULL;
    return scratch_begin(state);
}

/* A transaction of somebody else in an empty file, which keeps it from becoming a log's. */
static sqlite3 *hold(const struct scratch *place)
{
    sqlite3 *db;

    assert_int_equal(sqlite3_open(place->database, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    return db;
}

static void a_database_that_stays_locked_is_given_up_after_30_seconds(void **state)
{
    struct scratch *place = *state;
    sqlite3 *other = hold(place);
    struct err err = {0};
    bool created;

    assert_null(store_open(place->database, STORE_CREATE, &created, &err));
    assert_int_equal(err.kind, ERR_STORE);
    assert_non_null(strstr(err.text, "set up: "));
    assert_in_range(slept_ms, 30000, 30100);
    sqlite3_close(other);
}

static void a_database_that_is_locked_for_a_moment_is_waited_for(void **state)
{
    struct scratch *place = *state;
    struct err err = {0};
    struct store *store;
    bool created;

    ended_at_last = hold(place);
    store = store_open(place->database, STORE_CREATE, &created, &err);
    if (!store)
        fail_msg("%s", err.text);
    assert_int_equal(slept_ms, 1000);
    store_close(store);
    sqlite3_close(ended_at_last);
}

/* The pages of another database would be written into the copy. */
static void a_copy_beside_the_log_of_another_database_is_refused(void **state)
{
    struct scratch *place = *state;
    struct err err = {0};
    bool created;
    struct store *store = store_open(place->database, STORE_CREATE, &created, &err);
    char *sql = sqlite3_mprintf("VACUUM INTO '%q-copy'", place->database), *wal, *copy, *kept;
    struct stat status;

    wal = mem_printf("%s-wal", place->database);
    copy = mem_printf("%s-copy", place->database);
    kept = mem_printf("%s-kept", place->database);
    assert_non_null(store);
    assert_true(db_exec(store, sql, &err));
    assert_int_equal(stat(wal, &status), 0);
    assert_true(status.st_size > 0);
    assert_int_equal(rename(wal, kept), 0);
    store_close(store);
    assert_int_equal(rename(kept, wal), 0);
    assert_int_equal(rename(copy, place->database), 0);
    assert_false(store_open(place->database, STORE_EXISTING, &created, &err));
    assert_int_equal(err.kind, ERR_STORE);
    assert_non_null(strstr(err.text, "-wal is of the database that was there before"));
    /* without pages it is nobody's */
    assert_int_equal(truncate(wal, 0), 0);
    store = store_open(place->database, STORE_EXISTING, &created, &err);
    assert_non_null(store);
    store_close(store);
    sqlite3_free(sql);
    free(wal);
    free(copy);
    free(kept);
}

static void a_database_that_is_moved_away_is_noticed(void **state)
{
    struct scratch *place = *state;
    struct err err = {0};
    char *away = mem_printf("%s.away", place->database);
    bool created;
    struct store *store = store_open(place->database, STORE_CREATE, &created, &err);

    assert_non_null(store);
    assert_true(store_is_in_place(store, &err));
    assert_int_equal(rename(place->database, away), 0);
    assert_false(store_is_in_place(store, &err));
    assert_int_equal(err.kind, ERR_STORE);
    assert_non_null(strstr(err.text, "was moved, deleted or replaced"));
    assert_int_equal(rename(away, place->database), 0);
    assert_true(store_is_in_place(store, &err));
    store_close(store);
    free(away);
}

#define IN_A_PLACE(test) cmocka_unit_test_setup_teardown(test, begin, scratch_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_PLACE(a_database_that_stays_locked_is_given_up_after_30_seconds),
        IN_A_PLACE(a_database_that_is_locked_for_a_moment_is_waited_for),
        IN_A_PLACE(a_copy_beside_the_log_of_another_database_is_refused),
        IN_A_PLACE(a_database_that_is_moved_away_is_noticed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
