#include "core/store/checkpointer.h"

#include "core/store/db.h"
#include "tests/lib/store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

/* How many jobs the database file holds without its log. */
static int jobs_in_file(const struct fixture *fixture)
{
    char uri[sizeof fixture->path + 32];
    sqlite3 *db;
    sqlite3_stmt *statement;
    int count;

    snprintf(uri, sizeof uri, "file:%s?immutable=1", fixture->path);
    assert_int_equal(sqlite3_open_v2(uri, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT count(*) FROM job_row", -1, &statement, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    count = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return count;
}

/* Three jobs that are in the log, and a file that has seen the tables at least. */
static void begin(struct fixture *fixture)
{
    assert_true(db_exec(fixture->store, "PRAGMA wal_checkpoint(TRUNCATE)", &fixture->err));
    assert_true(db_exec(fixture->store, "PRAGMA wal_autocheckpoint = 0", &fixture->err));
    fixture_batch(fixture, "Item", "a:5 b:5 c:5");
    assert_int_equal(jobs_in_file(fixture), 0);
}

static void what_is_committed_is_copied_into_the_file(void **state)
{
    struct fixture *fixture = *state;
    struct checkpointer *checkpointer;

    begin(fixture);
    checkpointer = checkpointer_open(fixture->store);
    checkpointer_run(checkpointer);
    assert_int_equal(jobs_in_file(fixture), 3);
    fixture_batch(fixture, "Item", "d:5 e:5");
    checkpointer_run(checkpointer);
    assert_int_equal(jobs_in_file(fixture), 5);
    checkpointer_close(checkpointer);
}

static void a_transaction_is_not_waited_for(void **state)
{
    struct fixture *fixture = *state;
    struct checkpointer *checkpointer;

    begin(fixture);
    checkpointer = checkpointer_open(fixture->store);
    assert_true(db_begin(fixture->store, &fixture->err));
    assert_true(db_exec(fixture->store, "DELETE FROM job_row", &fixture->err));
    checkpointer_run(checkpointer);
    assert_int_equal(jobs_in_file(fixture), 3);
    db_rollback(fixture->store);
    checkpointer_close(checkpointer);
}

static void a_reader_keeps_what_it_has_begun_to_read(void **state)
{
    struct fixture *fixture = *state;
    struct checkpointer *checkpointer = checkpointer_open(fixture->store);

    begin(fixture);
    checkpointer_run(checkpointer);
    fixture_ask(fixture, "BEGIN");
    assert_string_equal(fixture_ask(fixture, "SELECT count(*) FROM job_row"), "3");
    assert_true(db_exec(fixture->store, "DELETE FROM job_row", &fixture->err));
    checkpointer_run(checkpointer);
    assert_string_equal(fixture_ask(fixture, "SELECT count(*) FROM job_row"), "3");
    fixture_ask(fixture, "COMMIT");
    checkpointer_run(checkpointer);
    assert_int_equal(jobs_in_file(fixture), 0);
    checkpointer_close(checkpointer);
}

static void a_database_that_is_gone_is_for_the_store_to_tell(void **state)
{
    struct fixture *fixture = *state;
    struct checkpointer *checkpointer;
    char moved[sizeof fixture->path + 8];

    begin(fixture);
    snprintf(moved, sizeof moved, "%s.moved", fixture->path);
    assert_int_equal(rename(fixture->path, moved), 0);
    checkpointer = checkpointer_open(fixture->store);
    checkpointer_run(checkpointer);
    checkpointer_close(checkpointer);
    assert_int_equal(rename(moved, fixture->path), 0);
    assert_int_equal(jobs_in_file(fixture), 0);
    assert_string_equal(fixture_ask(fixture, "SELECT count(*) FROM job_row"), "3");
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, fixture_begin, fixture_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(what_is_committed_is_copied_into_the_file),
        WITH_STORE(a_transaction_is_not_waited_for),
        WITH_STORE(a_reader_keeps_what_it_has_begun_to_read),
        WITH_STORE(a_database_that_is_gone_is_for_the_store_to_tell),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
