#include "core/store/backup.h"

#include "core/base/stop.h"
#include "core/store/db.h"
#include "core/store/migrate.h"
#include "tests/lib/fault_vfs.h"
#include "tests/lib/store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char copy[SCRATCH_SIZE + 16];

static int begin(void **state)
{
    struct fixture *fixture;

    fixture_begin(state);
    fixture = *state;
    snprintf(copy, sizeof copy, "%s/copy", fixture->folder);
    fixture_batch(fixture, "Item", "a:5 b:5 c:5");
    return 0;
}

/* Copies into an empty file. */
static bool try_copy(struct fixture *fixture, const struct backup_watch *watch,
                     struct backup *backup)
{
    int fd = open(copy, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool fine;

    assert_true(fd >= 0);
    fixture->err = (struct err){0};
    fine = backup_copy(fixture->store, copy, fd, watch, backup, &fixture->err);
    close(fd);
    return fine;
}

static int64_t ask_copy(const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *statement;
    int64_t value;

    assert_int_equal(sqlite3_open_v2(copy, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return value;
}

static bool is_beside(const char *path, const char *ending)
{
    char name[SCRATCH_SIZE + 32];

    snprintf(name, sizeof name, "%s%s", path, ending);
    return access(name, F_OK) == 0;
}

static void a_copy_is_one_file_that_a_reader_needs_nothing_else_for(void **state)
{
    struct fixture *fixture = *state;
    struct backup backup;
    struct stat status;

    assert_true(is_beside(fixture->path, "-wal"));
    assert_true(try_copy(fixture, NULL, &backup));
    assert_true(backup_check(copy, &backup, &fixture->err));
    assert_int_equal(backup.version, migration_count);
    assert_int_equal(stat(copy, &status), 0);
    assert_int_equal(status.st_size, backup.bytes);
    assert_int_equal(chmod(fixture->folder, 0500), 0);
    assert_int_equal(ask_copy("SELECT count(*) FROM job"), 3);
    assert_int_equal(ask_copy("SELECT journal_mode = 'delete' FROM pragma_journal_mode"), 1);
    assert_int_equal(chmod(fixture->folder, 0700), 0);
    assert_false(is_beside(copy, "-wal") || is_beside(copy, "-shm") || is_beside(copy, "-journal"));
}

/* Commits at each step of the copy. */
static void commit_more(void *context, uint64_t bytes, uint64_t bytes_total)
{
    struct fixture *fixture = context;

    assert_in_range(bytes, 1, bytes_total);
    fixture_ask(fixture, "INSERT INTO run(command, version, started_ms) VALUES('run', '1', 1)");
}

static void commits_of_others_do_not_begin_a_copy_again(void **state)
{
    struct fixture *fixture = *state;
    const struct backup_watch watch = {commit_more, fixture};
    struct backup backup;
    const char *steps;

    sqlite3_busy_timeout(fixture->eye, 0); /* the first try must succeed: no writer waits */
    /* 8 MB: 32 steps and more */
    fixture_ask(fixture, "INSERT INTO rejected_row(batch_id, row_no, line_no, record_id, raw) "
                         "SELECT 1, value, value, 'x', zeroblob(8000) FROM "
                         "(WITH RECURSIVE n(value) AS (SELECT 10 UNION ALL SELECT value + 1 "
                         "FROM n LIMIT 1000) SELECT value FROM n)");
    assert_true(try_copy(fixture, &watch, &backup));
    assert_true(backup_check(copy, &backup, &fixture->err));
    assert_int_equal(ask_copy("SELECT count(*) FROM run WHERE command = 'run'"), 0);
    steps =
        fixture_ask(fixture, "SELECT count(*) BETWEEN 31 AND 40 FROM run WHERE command = 'run'");
    assert_string_equal(steps, "1");
    /* and the log that it kept can be begun again afterwards */
    assert_string_equal(fixture_ask(fixture, "PRAGMA wal_checkpoint(TRUNCATE)"), "0|0|0");
}

/* Bytes of the write-ahead log. */
static int64_t log_size(const struct fixture *fixture)
{
    char path[SCRATCH_SIZE + 32];
    struct stat status;

    snprintf(path, sizeof path, "%s-wal", fixture->path);
    assert_int_equal(stat(path, &status), 0);
    return status.st_size;
}

static void a_log_that_grew_during_a_copy_shrinks_again(void **state)
{
    enum { MB = 1 << 20 };
    struct fixture *fixture = *state;

    fixture_ask(fixture, "BEGIN");
    fixture_ask(fixture, "SELECT count(*) FROM run"); /* as a copy reads */
    for (int i = 0; i < 40; i++)
        assert_true(db_exec(fixture->store,
                            "INSERT INTO rejected_row(batch_id, row_no, line_no, record_id, raw) "
                            "SELECT 1, count(*), 1, 'x', zeroblob(1 << 20) FROM rejected_row",
                            &fixture->err));
    assert_true(log_size(fixture) > 40 * MB);
    fixture_ask(fixture, "COMMIT");
    assert_true(db_exec(fixture->store, "PRAGMA wal_checkpoint(PASSIVE)", &fixture->err));
    assert_true(db_exec(fixture->store, "UPDATE batch SET source = 'y'", &fixture->err));
    assert_in_range(log_size(fixture), 1, 33 * MB);
}

static void a_database_of_an_older_version_is_copied_as_it_is(void **state)
{
    struct fixture *fixture = *state;
    struct backup backup;

    fixture_ask(fixture, "PRAGMA user_version = 3");
    assert_true(try_copy(fixture, NULL, &backup));
    assert_int_equal(backup.version, 3);
    assert_true(backup_check(copy, &backup, &fixture->err));
    assert_int_equal(ask_copy("PRAGMA user_version"), 3);
}

static void a_copy_that_is_not_what_was_written_is_found_out(void **state)
{
    struct fixture *fixture = *state;
    struct backup backup, other;
    char page[4096] = {1};
    int fd;

    assert_true(try_copy(fixture, NULL, &backup));
    other = backup;
    other.version++;
    assert_false(backup_check(copy, &other, &fixture->err));
    assert_int_equal(fixture->err.kind, ERR_STORE);
    other = backup;
    other.bytes += 4096;
    assert_false(backup_check(copy, &other, &fixture->err));
    assert_non_null(strstr(fixture->err.text, "is not what was written"));
    fd = open(copy, O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(fd, page, sizeof page, 5 * sizeof page), sizeof page);
    close(fd);
    assert_false(backup_check(copy, &backup, &fixture->err));
    assert_int_equal(fixture->err.kind, ERR_STORE);
    assert_non_null(strstr(fixture->err.text, "the copy: database "));
    assert_int_equal(truncate(copy, 0), 0);
    assert_false(backup_check(copy, &backup, &fixture->err));
    assert_int_equal(fixture->err.kind, ERR_STORE);
}

static void every_write_of_a_copy_can_fail(void **state)
{
    struct fixture *fixture = *state;
    static const int codes[] = {SQLITE_FULL, SQLITE_IOERR_WRITE};
    struct backup backup;

    for (size_t i = 0; i < 2; i++) {
        unsigned faults = 0;
        bool fired = true;

        for (unsigned n = 1; fired; n++) {
            bool fine;

            fault_vfs_arm(n, codes[i], true);
            fine = try_copy(fixture, NULL, &backup);
            fired = fault_vfs_disarm();
            faults += fired;
            assert_int_equal(fine, !fired);
            if (!fine)
                assert_non_null(strstr(fixture->err.text, ": free space there, or name another"));
        }
        assert_true(faults > 10);
        assert_true(backup_check(copy, &backup, &fixture->err));
    }
    fixture_check(fixture);
}

static void a_damaged_database_is_not_copied_in_silence(void **state)
{
    struct fixture *fixture = *state;
    struct backup backup;
    char page[4096] = {1};
    int fd;

    fixture_ask(fixture, "PRAGMA wal_checkpoint(TRUNCATE)");
    fd = open(fixture->path, O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(fd, page, sizeof page, 5 * sizeof page), sizeof page);
    close(fd);
    if (try_copy(fixture, NULL, &backup))
        assert_false(backup_check(copy, &backup, &fixture->err));
    assert_int_equal(fixture->err.kind, ERR_STORE);
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, begin, fixture_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(a_copy_is_one_file_that_a_reader_needs_nothing_else_for),
        WITH_STORE(commits_of_others_do_not_begin_a_copy_again),
        WITH_STORE(a_log_that_grew_during_a_copy_shrinks_again),
        WITH_STORE(a_database_of_an_older_version_is_copied_as_it_is),
        WITH_STORE(a_copy_that_is_not_what_was_written_is_found_out),
        WITH_STORE(every_write_of_a_copy_can_fail),
        WITH_STORE(a_damaged_database_is_not_copied_in_silence),
    };

    fault_vfs_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
