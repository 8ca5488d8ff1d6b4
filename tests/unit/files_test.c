#include "core/store/files.h"

#include "core/base/str.h"
#include "tests/lib/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/* Rows of 1000 bytes with the text: many frames of the log. */
#define MANY(text)                                                                                 \
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400) "               \
    "INSERT INTO t SELECT '" text "' || i || hex(zeroblob(500)) FROM n;"

struct scene {
    char folder[SCRATCH_SIZE], path[SCRATCH_SIZE + 8];
    sqlite3 *ours, *theirs; /* through files_vfs, and through SQLite's own */
};

static void run(sqlite3 *db, const char *sql)
{
    char *message = NULL;

    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s: %s", sql, message);
}

static char *ask(sqlite3 *db, const char *sql)
{
    static char answer[256];
    sqlite3_stmt *statement;

    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    snprintf(answer, sizeof answer, "%s", (const char *)sqlite3_column_text(statement, 0));
    sqlite3_finalize(statement);
    return answer;
}

static sqlite3 *open_with(struct scene *scene, const char *vfs)
{
    sqlite3 *db;

    assert_int_equal(
        sqlite3_open_v2(scene->path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, vfs),
        SQLITE_OK);
    run(db, "PRAGMA synchronous = NORMAL; PRAGMA cache_size = 10; PRAGMA wal_autocheckpoint = 0");
    return db;
}

static int begin(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);

    scratch_make(scene->folder);
    snprintf(scene->path, sizeof scene->path, "%s/x.db", scene->folder);
    scene->ours = open_with(scene, files_vfs());
    run(scene->ours, "PRAGMA journal_mode = WAL; CREATE TABLE t (a)");
    scene->theirs = open_with(scene, NULL);
    *state = scene;
    return 0;
}

static int end(void **state)
{
    struct scene *scene = *state;

    sqlite3_close(scene->ours);
    sqlite3_close(scene->theirs);
    scratch_remove(scene->folder);
    free(scene);
    return 0;
}

static long long size_of(const struct scene *scene, const char *ending)
{
    char name[sizeof scene->path + 8];
    struct stat status;

    snprintf(name, sizeof name, "%s%s", scene->path, ending);
    assert_int_equal(stat(name, &status), 0);
    return status.st_size;
}

static void what_is_committed_is_seen_by_others(void **state)
{
    struct scene *scene = *state;

    run(scene->ours, "INSERT INTO t VALUES (1)");
    assert_string_equal(ask(scene->theirs, "SELECT group_concat(a) FROM t"), "1");
    for (int i = 0; i < 5; i++)
        run(scene->ours,
            "BEGIN IMMEDIATE;" MANY("a") "UPDATE t SET a = a || 'b';" MANY("c") "COMMIT");
    assert_string_equal(ask(scene->theirs, "SELECT count(*) FROM t"), "4001");
    assert_string_equal(ask(scene->theirs, "PRAGMA integrity_check"), "ok");
    run(scene->theirs, MANY("d"));
    assert_string_equal(ask(scene->ours, "SELECT count(*) FROM t WHERE a LIKE 'd%'"), "400");
}

/* The pages that did not fit into the cache are in our process when the transaction ends. */
static void what_was_rolled_back_is_not_written_over_the_rows_of_others(void **state)
{
    struct scene *scene = *state;

    for (int i = 0; i < 8; i++) {
        /* with an empty log nothing is read from it to roll back */
        run(scene->ours, i % 2 ? "PRAGMA wal_checkpoint(TRUNCATE)" : "SELECT 1");
        run(scene->ours, "BEGIN IMMEDIATE;" MANY("ours"));
        run(scene->ours, "ROLLBACK");
        run(scene->theirs, MANY("theirs"));
        assert_string_equal(ask(scene->ours, "SELECT count(*) FROM t WHERE a LIKE 'ours%'"), "0");
        assert_string_equal(ask(scene->ours, "PRAGMA integrity_check"), "ok");
        assert_string_equal(ask(scene->theirs, "PRAGMA integrity_check"), "ok");
    }
    assert_string_equal(ask(scene->ours, "SELECT count(*) FROM t"), "3200");
}

static void a_transaction_reads_its_own_pages(void **state)
{
    struct scene *scene = *state;

    run(scene->ours, "BEGIN IMMEDIATE;" MANY("a"));
    /* backwards: the newest pages that do not fit into the cache come first */
    assert_string_equal(ask(scene->ours, "SELECT sum(length(a)) > 300000 FROM (SELECT a FROM t "
                                         "ORDER BY rowid DESC LIMIT 300)"),
                        "1");
    run(scene->ours, "COMMIT");
    assert_string_equal(ask(scene->theirs, "PRAGMA integrity_check"), "ok");
}

static void a_part_that_is_rolled_back_leaves_the_rest(void **state)
{
    struct scene *scene = *state;

    for (int i = 0; i < 4; i++)
        run(scene->ours, "BEGIN IMMEDIATE;" MANY("a") "SAVEPOINT s;" MANY(
                             "b") "ROLLBACK TO s;" MANY("c") "COMMIT");
    assert_string_equal(ask(scene->theirs, "SELECT count(*) FROM t"), "3200");
    assert_string_equal(ask(scene->theirs, "SELECT count(*) FROM t WHERE a LIKE 'b%'"), "0");
    assert_string_equal(ask(scene->theirs, "PRAGMA integrity_check"), "ok");
}

static int64_t pages_of(struct scene *scene)
{
    int64_t pages = 0;

    assert_true(str_to_int64(span_of(ask(scene->ours, "PRAGMA page_count")), 1, INT64_MAX, &pages));
    return pages;
}

static void the_file_grows_by_blocks_and_ends_with_its_last_page(void **state)
{
    struct scene *scene = *state;
    int64_t pages;

    run(scene->ours, MANY("a"));
    pages = pages_of(scene);
    run(scene->theirs, "BEGIN; SELECT * FROM t LIMIT 1"); /* keeps a checkpoint from its end */
    run(scene->ours, MANY("b"));
    run(scene->ours, "PRAGMA wal_checkpoint");
    assert_true(size_of(scene, "") > 4096 * pages);
    run(scene->theirs, "COMMIT");
    assert_string_equal(ask(scene->theirs, "PRAGMA integrity_check"), "ok");
    run(scene->ours, "PRAGMA wal_checkpoint");
    assert_int_equal(size_of(scene, ""), 4096 * pages_of(scene));
    run(scene->ours, MANY("c") "PRAGMA wal_checkpoint(TRUNCATE)");
    assert_int_equal(size_of(scene, ""), 4096 * pages_of(scene));
    assert_int_equal(size_of(scene, "-wal"), 0);
    assert_string_equal(ask(scene->theirs, "PRAGMA integrity_check"), "ok");
    assert_string_equal(ask(scene->theirs, "SELECT count(*) FROM t"), "1200");
}

static void a_log_is_read_after_its_process_was_killed(void **state)
{
    struct scene *scene = *state;

    for (int i = 0; i < 3; i++) {
        pid_t child = scratch_fork();

        if (child == 0) {
            sqlite3 *db = open_with(scene, files_vfs());

            run(db, MANY("committed"));
            run(db, "BEGIN IMMEDIATE;" MANY("open"));
            _Exit(0);
        }
        assert_int_equal(scratch_join(child), 0);
        assert_string_equal(ask(scene->theirs, "PRAGMA integrity_check"), "ok");
        run(scene->ours, MANY("after"));
    }
    assert_string_equal(ask(scene->theirs, "SELECT count(*) FROM t"), "2400");
    assert_string_equal(ask(scene->theirs, "SELECT count(*) FROM t WHERE a LIKE 'open%'"), "0");
}

static void a_file_that_cannot_be_opened_is_an_error(void **state)
{
    struct scene *scene = *state;
    char name[sizeof scene->path + 8];
    sqlite3 *db;

    snprintf(name, sizeof name, "%s-none", scene->path);
    assert_int_equal(sqlite3_open_v2(name, &db, SQLITE_OPEN_READWRITE, files_vfs()),
                     SQLITE_CANTOPEN);
    sqlite3_close(db);
}

#define WITH_FILES(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FILES(what_is_committed_is_seen_by_others),
        WITH_FILES(what_was_rolled_back_is_not_written_over_the_rows_of_others),
        WITH_FILES(a_transaction_reads_its_own_pages),
        WITH_FILES(a_part_that_is_rolled_back_leaves_the_rest),
        WITH_FILES(the_file_grows_by_blocks_and_ends_with_its_last_page),
        WITH_FILES(a_log_is_read_after_its_process_was_killed),
        WITH_FILES(a_file_that_cannot_be_opened_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
