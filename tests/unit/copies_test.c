#include "core/store/copies.h"

#include "core/store/db.h"
#include "tests/lib/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NOON_MS = 1000 };

static char folder[SCRATCH_SIZE], database[SCRATCH_SIZE + 16], deleted[1024];
static struct err err;
static int first_free;

static int begin(void **state)
{
    (void)state;
    scratch_make(folder);
    snprintf(database, sizeof database, "%s/erp.db", folder);
    scratch_write(database, "x", 1);
    *deleted = '\0';
    err = (struct err){0};
    first_free = scratch_free_descriptor();
    return 0;
}

static int end(void **state)
{
    (void)state;
    assert_int_equal(scratch_free_descriptor(), first_free);
    scratch_remove(folder);
    return 0;
}

static char *path_of(const char *name)
{
    static char path[SCRATCH_SIZE + 300];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static bool is_there(const char *name)
{
    return access(path_of(name), F_OK) == 0;
}

static void make(const char *name)
{
    scratch_write(path_of(name), "", 0);
}

/* A header of a database with that application_id. */
static void make_database(const char *name, unsigned id)
{
    unsigned char header[4096] = "SQLite format 3";

    for (int i = 0; i < 4; i++)
        header[68 + i] = (unsigned char)(id >> (24 - 8 * i));
    scratch_write(path_of(name), header, sizeof header);
}

/* Makes a copy of one byte; returns the name that it got. */
static const char *copy_to(const char *target, int64_t now_ms)
{
    static char name[COPY_NAME_SIZE];
    struct copies copies;
    char *path;

    assert_true(copies_open(&copies, database, target, &err));
    path = copies_begin(&copies, 1, &err);
    assert_non_null(path);
    assert_int_equal(write(copies.fd, "c", 1), 1);
    assert_true(copies_place(&copies, now_ms, &err));
    assert_int_not_equal(access(path, F_OK), 0);
    free(path);
    snprintf(name, sizeof name, "%s", copies.placed);
    copies_close(&copies);
    return name;
}

static void refused(const char *target, enum err_kind kind, const char *part)
{
    struct copies copies;

    err = (struct err){0};
    assert_false(copies_open(&copies, database, target, &err));
    copies_close(&copies);
    assert_int_equal(err.kind, kind);
    if (!strstr(err.text, part))
        fail_msg("%s", err.text);
}

static void a_file_is_replaced_as_a_whole_with_its_own_mode(void **state)
{
    struct copies copies;
    struct stat status;

    (void)state;
    umask(0);
    assert_string_equal(copy_to(path_of("copy.db"), NOON_MS), "copy.db");
    assert_int_equal(stat(path_of("copy.db"), &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    make_database("copy.db", DB_APPLICATION_ID);
    assert_int_equal(chmod(path_of("copy.db"), 0644), 0);
    assert_true(copies_open(&copies, database, path_of("copy.db"), &err));
    assert_true(copies.replaces);
    copies_close(&copies);
    copy_to(path_of("copy.db"), NOON_MS);
    assert_int_equal(stat(path_of("copy.db"), &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(status.st_size, 1);
}

static void what_is_no_copy_is_not_replaced(void **state)
{
    static const char *const own[] = {"erp.db",         "erp.db-wal",   "erp.db-shm",
                                      "erp.db-journal", "erp.db.drain", "erp.db.intake",
                                      "erp.db.delivery"};

    (void)state;
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        refused(path_of(own[i]), ERR_CONFIG, "database");
    scratch_write(path_of("letter.txt"), "Dear Sir", 8);
    refused(path_of("letter.txt"), ERR_CONFIG, "is not a database of rowferry");
    make_database("other.db", 1);
    refused(path_of("other.db"), ERR_CONFIG, "is not a database of rowferry");
    assert_int_equal(mkfifo(path_of("pipe"), 0600), 0);
    refused(path_of("pipe"), ERR_CONFIG, "is not a database of rowferry");
    assert_int_equal(symlink("nowhere", path_of("link.db")), 0);
    refused(path_of("link.db"), ERR_CONFIG, "is a link");
    assert_int_equal(link(database, path_of("hard.db")), 0);
    refused(path_of("hard.db"), ERR_CONFIG, "is the database itself");
    scratch_write(path_of("live.db-wal"), "w", 1);
    refused(path_of("live.db"), ERR_CONFIG, "'live.db-wal' next to it");
    refused(path_of("none/copy.db"), ERR_CONFIG, "create it");
    refused(path_of("none/"), ERR_CONFIG, "create it");
    refused(path_of("letter.txt/"), ERR_CONFIG, "Not a directory");
    make("empty.db"); /* as mktemp leaves it */
    assert_string_equal(copy_to(path_of("empty.db"), NOON_MS), "empty.db");
}

static void copies_of_one_second_get_names_of_their_own(void **state)
{
    struct copies copies;
    int64_t made_ms;

    (void)state;
    assert_true(copies_open(&copies, database, folder, &err));
    assert_true(copies_newest(&copies, &made_ms, &err));
    assert_int_equal(made_ms, 0);
    assert_string_equal(copy_to(folder, NOON_MS), "erp-1970-01-01T000001Z.db");
    assert_string_equal(copy_to(folder, NOON_MS + 999), "erp-1970-01-01T000001Z-2.db");
    assert_string_equal(copy_to(folder, NOON_MS), "erp-1970-01-01T000001Z-3.db");
    make_database("erp-1970-01-01T010203Z-4.db", DB_APPLICATION_ID);
    make("erp-1970-01-01T020203Z.db");
    make_database("erp-1970-01-01T250203Z.db", DB_APPLICATION_ID);
    assert_true(copies_newest(&copies, &made_ms, &err));
    assert_int_equal(made_ms, ((1 * 60 + 2) * 60 + 3) * 1000);
    copies_close(&copies);
}

static void note(void *context, const char *name)
{
    (void)context;
    snprintf(deleted + strlen(deleted), sizeof deleted - strlen(deleted), "%s ", name);
}

/* Makes another copy, and leaves so many. */
static bool thin(int64_t now_ms, unsigned keep)
{
    struct copies copies;
    char *path;
    bool fine;

    *deleted = '\0';
    assert_true(copies_open(&copies, database, folder, &err));
    path = copies_begin(&copies, 1, &err);
    make_database(copies.temporary, DB_APPLICATION_ID);
    assert_true(copies_place(&copies, now_ms, &err));
    fine = copies_thin(&copies, keep, note, NULL, &err);
    free(path);
    copies_close(&copies);
    return fine;
}

static void only_older_copies_of_ours_are_deleted(void **state)
{
    static const char *const others[] = {
        "erp-2-1970-01-01T000001Z.db",    "erp.db",
        "erp-1970-01-01T000001Z.db.bak",  "erp-1970-01-01T000001.db",
        "other-1970-01-01T000001Z.db",    "erp-1970-01-01T000001Z-1.db",
        "erp-1970-01-01T000001Z-x.db",    "erp-1970-01-01T000001Z-.db",
        "erp-1970-01-01T000001Z-2000.db", "xerp-1970-01-01T000001Z.db",
        "erp-1970-13-01T000001Z.db",      "erp-1970-02-30T000001Z.db",
        "erp-1970-01-00T000001Z.db",      "erp-1970-01-01T240001Z.db",
        "erp-1970-01-01T006001Z.db",      "erp-1970-01-01T000060Z.db",
        "erp-1969-01-01T000001Z.db",      "erp-9999-99-99T999999Z.db",
        "erp-1970-01-01t000001Z.db",      "erp-1970-01-01T000001z.db",
        "erp-1970-01-01T000003Z-02.db",   "erp-1970-01-01T000003Z-+2.db",
        "erp-1970-01-01T000003Z.DB",
    };
    static const char *const strange[] = {
        "erp-1970-01-01T000004Z.db", "erp-1970-01-01T000005Z-7.db", "erp-1970-01-01T000006Z.db"};

    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        make_database(others[i], DB_APPLICATION_ID);
    assert_int_equal(mkdir(path_of("erp-1970-01-01T000002Z.db"), 0700), 0);
    assert_int_equal(symlink("erp.db", path_of("erp-1970-01-01T000007Z.db")), 0);
    scratch_write(path_of(strange[0]), "a list", 6);
    make_database(strange[1], DB_APPLICATION_ID + 1);
    make(strange[2]);
    make_database("erp-1970-01-01T000003Z.db", DB_APPLICATION_ID);
    make_database("erp-1970-01-01T000003Z-10.db", DB_APPLICATION_ID);
    make_database("erp-1970-01-01T000003Z-2.db", DB_APPLICATION_ID);
    make_database("erp-1971-01-01T000003Z.db", DB_APPLICATION_ID);
    assert_true(thin(10000, 4));
    assert_string_equal(deleted, "erp-1970-01-01T000003Z.db ");
    assert_true(is_there("erp-1970-01-01T000010Z.db"));
    assert_true(thin(11000, 2));
    assert_true(is_there("erp-1971-01-01T000003Z.db") && is_there("erp-1970-01-01T000011Z.db"));
    assert_false(is_there("erp-1970-01-01T000003Z-10.db") ||
                 is_there("erp-1970-01-01T000003Z-2.db") || is_there("erp-1970-01-01T000010Z.db"));
    /* with a clock that was set back, the new one is still the last to go */
    assert_true(thin(5000, 1));
    assert_true(is_there("erp-1970-01-01T000005Z.db"));
    assert_false(is_there("erp-1971-01-01T000003Z.db"));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_true(is_there(others[i]));
    for (size_t i = 0; i < sizeof strange / sizeof *strange; i++)
        assert_true(is_there(strange[i]));
    assert_true(is_there("erp-1970-01-01T000002Z.db") && is_there("erp-1970-01-01T000007Z.db"));
}

/* Somebody copies an old copy to another place while it is deleted or replaced, or keeps it under
 * another name. */
static void old_copies_stay_whole_where_they_are_in_use(void **state)
{
    char byte, linked[SCRATCH_SIZE + 300];
    struct stat status;
    int reader, replaced;

    (void)state;
    make_database("erp-1970-01-01T000001Z.db", DB_APPLICATION_ID);
    make_database("erp-1970-01-01T000002Z.db", DB_APPLICATION_ID);
    make_database("erp-1970-01-01T000003Z.db", DB_APPLICATION_ID);
    make_database("copy.db", DB_APPLICATION_ID);
    snprintf(linked, sizeof linked, "%s", path_of("linked"));
    assert_int_equal(link(path_of("erp-1970-01-01T000002Z.db"), linked), 0);
    reader = open(path_of("erp-1970-01-01T000001Z.db"), O_RDONLY | O_CLOEXEC);
    replaced = open(path_of("copy.db"), O_RDONLY | O_CLOEXEC);
    assert_true(thin(9000, 1));
    copy_to(path_of("copy.db"), 9000);
    assert_int_equal(pread(reader, &byte, 1, 4095), 1);
    assert_int_equal(pread(replaced, &byte, 1, 4095), 1);
    close(reader);
    close(replaced);
    assert_true(stat(linked, &status) == 0 && status.st_size == 4096);
}

static void what_killed_processes_left_is_deleted(void **state)
{
    int fd;

    (void)state;
    make("copy.db.4711.tmp");
    make("copy.db.4712.tmp");
    make("copy.db.tmp");
    make("copy.db.x.tmp");
    make("copy.db2.4711.tmp");
    make("erp.4711.tmp");
    fd = open(path_of("copy.db.4712.tmp"), O_RDWR | O_CLOEXEC);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    copy_to(path_of("copy.db"), NOON_MS);
    assert_false(is_there("copy.db.4711.tmp"));
    assert_true(is_there("copy.db.4712.tmp") && is_there("copy.db.tmp"));
    assert_true(is_there("copy.db.x.tmp") && is_there("copy.db2.4711.tmp"));
    assert_true(is_there("erp.4711.tmp"));
    copy_to(folder, NOON_MS);
    assert_false(is_there("erp.4711.tmp"));
    close(fd);
}

static void a_copy_that_is_not_placed_leaves_nothing(void **state)
{
    struct copies copies;
    char *path, number[32];

    (void)state;
    snprintf(number, sizeof number, "erp.%ld.tmp", (long)getpid());
    make(number); /* in use by a process of that number in another container */
    {
        int fd = open(path_of(number), O_RDWR | O_CLOEXEC);

        assert_int_equal(flock(fd, LOCK_EX), 0);
        assert_true(copies_open(&copies, database, folder, &err));
        path = copies_begin(&copies, 1, &err);
        assert_non_null(path);
        assert_string_not_equal(path, path_of(number));
        close(fd);
    }
    assert_int_equal(access(path, F_OK), 0);
    copies_close(&copies);
    assert_int_not_equal(access(path, F_OK), 0);
    free(path);
    copies_close(&copies); /* twice does no harm */
}

static void too_little_room_is_found_before_it_is_used(void **state)
{
    struct copies copies;

    (void)state;
    assert_true(copies_open(&copies, database, folder, &err));
    assert_null(copies_begin(&copies, UINT64_C(1) << 60, &err));
    assert_int_equal(err.kind, ERR_STORE);
    assert_non_null(strstr(err.text, "MB free, and a copy needs 1297036692683 MB"));
    copies_close(&copies);
}

static void a_name_that_is_too_long_is_an_error(void **state)
{
    char name[251] = "";
    struct copies copies;

    (void)state;
    memset(name, 'n', sizeof name - 1);
    assert_true(copies_open(&copies, database, path_of(name), &err));
    assert_null(copies_begin(&copies, 1, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    copies_close(&copies);
}

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_FOLDER(a_file_is_replaced_as_a_whole_with_its_own_mode),
        IN_A_FOLDER(what_is_no_copy_is_not_replaced),
        IN_A_FOLDER(copies_of_one_second_get_names_of_their_own),
        IN_A_FOLDER(only_older_copies_of_ours_are_deleted),
        IN_A_FOLDER(old_copies_stay_whole_where_they_are_in_use),
        IN_A_FOLDER(what_killed_processes_left_is_deleted),
        IN_A_FOLDER(a_copy_that_is_not_placed_leaves_nothing),
        IN_A_FOLDER(too_little_room_is_found_before_it_is_used),
        IN_A_FOLDER(a_name_that_is_too_long_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
