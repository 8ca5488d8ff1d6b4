/* Opening, making and refusing databases. */
#include "core/store/db.h"

#include "core/base/clock.h"
#include "core/base/stop.h"
#include "core/store/migrate.h"

#include "tests/lib/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Whether this user may write files (F) and folders (D), for core/store; others may. */
static const char *may = "FD";

int faccessat(int folder, const char *path, int mode, int flags)
{
    struct stat status;

    if (mode == W_OK && stat(path, &status) == 0 &&
        !strchr(may, S_ISDIR(status.st_mode) ? 'D' : 'F'))
        return -1;
    return (int)syscall(SYS_faccessat2, folder, path, mode, flags);
}

static struct store *opened(const struct scratch *place, enum store_mode mode, bool *created)
{
    struct err err = {0};
    struct store *store = store_open(place->database, mode, created, &err);

    if (!store)
        fail_msg("%s", err.text);
    return store;
}

static int64_t number(struct store *store, const char *sql)
{
    struct err err = {0};
    int64_t value;

    if (!db_exec_int(store, sql, &value, &err))
        fail_msg("%s", err.text);
    return value;
}

static char *text(struct store *store, const char *sql)
{
    sqlite3_stmt *statement;
    char *copy;

    assert_int_equal(sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    copy = strdup((const char *)sqlite3_column_text(statement, 0));
    sqlite3_finalize(statement);
    return copy;
}

/* Makes an SQLite file by other means. */
static void make_other(const char *path, const char *sql)
{
    sqlite3 *db;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

/* The error of an opening that must fail; the %s of format is the path. */
static void assert_refused(struct scratch *place, enum store_mode mode, enum err_kind kind,
                           const char *before, const char *after)
{
    struct err err = {0};
    bool created = true;

    assert_null(store_open(place->database, mode, &created, &err));
    assert_false(created);
    assert_int_equal(err.kind, kind);
    snprintf(place->expected, sizeof place->expected, "%s%s%s", before, place->database, after);
    assert_string_equal(err.text, place->expected);
}

static void a_new_database_is_set_up_as_the_contract_says(void **state)
{
    struct scratch *place = *state;
    bool created = false;
    struct store *store = opened(place, STORE_CREATE, &created);
    struct stat status;
    char *mode = text(store, "PRAGMA journal_mode");

    assert_true(created);
    assert_int_equal(stat(place->database, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(number(store, "PRAGMA application_id"), 0x52665279);
    assert_int_equal(number(store, "PRAGMA user_version"), migration_count);
    assert_string_equal(mode, "wal");
    assert_int_equal(number(store, "PRAGMA page_size"), 4096);
    assert_int_equal(number(store, "PRAGMA auto_vacuum"), 2);
    assert_int_equal(number(store, "PRAGMA synchronous"), 2);
    free(mode);
    store_close(store);
}

static void every_table_is_strict(void **state)
{
    struct scratch *place = *state;
    bool created;
    struct store *store = opened(place, STORE_CREATE, &created);

    assert_true(number(store, "SELECT count(*) FROM pragma_table_list WHERE schema = 'main' AND "
                              "type = 'table' AND name NOT LIKE 'sqlite_%'") >= 12);
    assert_int_equal(number(store,
                            "SELECT count(*) FROM pragma_table_list WHERE schema = 'main' "
                            "AND type = 'table' AND name NOT LIKE 'sqlite_%' AND NOT strict"),
                     0);
    store_close(store);
}

static void files_beside_the_database_have_its_mode(void **state)
{
    struct scratch *place = *state;
    bool created;
    struct store *store = opened(place, STORE_CREATE, &created);
    static const char *const suffixes[] = {"-wal", "-shm"};

    for (size_t i = 0; i < 2; i++) {
        char path[SCRATCH_SIZE + 32];
        struct stat status;

        snprintf(path, sizeof path, "%s%s", place->database, suffixes[i]);
        assert_int_equal(stat(path, &status), 0);
        assert_int_equal(status.st_mode & 07777, 0600);
    }
    store_close(store);
}

static void an_opened_database_is_found_again(void **state)
{
    struct scratch *place = *state;
    bool created;

    store_close(opened(place, STORE_CREATE, &created));
    assert_true(created);
    for (int mode = STORE_CREATE; mode <= STORE_EXISTING; mode++) {
        struct store *store = opened(place, (enum store_mode)mode, &created);

        assert_false(created);
        assert_int_equal(number(store, "PRAGMA user_version"), migration_count);
        store_close(store);
    }
}

/* In a process of its own: the status is 0 where the limit is named as the cause. */
static int grow_beyond_a_limit(const struct scratch *place)
{
    static const struct rlimit limit = {1 << 20, 1 << 20};
    struct err err = {0};
    bool created;
    struct store *store = opened(place, STORE_EXISTING, &created);

    signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
        return 2;
    if (db_exec(store, "CREATE TABLE large AS SELECT zeroblob(2097152)", &err))
        return 3;
    return err.kind == ERR_STORE && strstr(err.text, "(ulimit -f): raise that limit") ? 0 : 4;
}

static void a_limit_of_the_size_of_files_is_named(void **state)
{
    struct scratch *place = *state;
    bool created;
    pid_t child;

    store_close(opened(place, STORE_CREATE, &created));
    child = scratch_fork();
    if (child == 0)
        _exit(grow_beyond_a_limit(place));
    assert_int_equal(scratch_join(child), 0);
}

static void the_path_is_shown_in_full(void **state)
{
    struct scratch *place = *state;
    struct err err = {0};
    struct store *store;
    char *here = getcwd(NULL, 0), *real = realpath(place->folder, NULL);
    bool created;

    assert_int_equal(chdir(place->folder), 0);
    store = store_open("./a.db", STORE_CREATE, &created, &err);
    assert_int_equal(chdir(here), 0);
    assert_non_null(store);
    snprintf(place->expected, sizeof place->expected, "%s/a.db", real);
    assert_string_equal(store_path(store), place->expected);
    store_close(store);
    free(here);
    free(real);
}

static void a_missing_database_is_named_where_one_must_exist(void **state)
{
    struct scratch *place = *state;

    assert_refused(place, STORE_EXISTING, ERR_CONFIG, "database ",
                   " does not exist: `rowferry run` or `rowferry ingest` creates it, --db or "
                   "ROWFERRY_DB names another");
    assert_int_equal(access(place->database, F_OK), -1);
}

static void a_missing_folder_is_an_error_of_the_store(void **state)
{
    struct scratch *place = *state;

    snprintf(place->database, sizeof place->database, "%s/no/a.db", place->folder);
    assert_refused(place, STORE_CREATE, ERR_STORE, "database ",
                   " cannot be created: No such file or directory: create its folder, or name "
                   "another --db");
}

static void a_folder_is_no_database(void **state)
{
    struct scratch *place = *state;

    assert_int_equal(mkdir(place->database, 0700), 0);
    assert_refused(place, STORE_CREATE, ERR_STORE, "database ",
                   " is not a regular file: name another --db");
}

static void a_text_file_is_no_database_and_stays_as_it_is(void **state)
{
    static const char words[] = "sku,quantity\nWH-1042,150\nWH-1043,150\nWH-1044,150\nWH-1045,1\n"
                                "WH-1046,150\nWH-1047,150\nWH-1048,150\n";
    struct scratch *place = *state;
    char left[sizeof words];
    FILE *file;

    scratch_write(place->database, words, sizeof words);
    assert_refused(place, STORE_CREATE, ERR_STORE, "database ",
                   ": open: file is not a database: name another --db");
    file = fopen(place->database, "r");
    assert_non_null(file);
    assert_int_equal(fread(left, 1, sizeof left, file), sizeof left);
    fclose(file);
    assert_memory_equal(left, words, sizeof words);
}

static void a_database_of_another_program_is_refused(void **state)
{
    struct scratch *place = *state;

    make_other(place->database, "CREATE TABLE theirs (a); PRAGMA application_id = 42;");
    assert_refused(place, STORE_CREATE, ERR_STORE, "database ",
                   " belongs to another program (application id 42): name another --db");
}

static void a_database_without_application_id_is_refused_unless_empty(void **state)
{
    static const char *const others[] = {"CREATE TABLE theirs (a)", "PRAGMA user_version = 3"};
    struct scratch *place = *state;

    for (size_t i = 0; i < 2; i++) {
        make_other(place->database, others[i]);
        assert_refused(place, STORE_EXISTING, ERR_STORE, "database ",
                       " belongs to another program (application id 0): name another --db");
        unlink(place->database);
    }
}

static void a_database_of_a_newer_version_is_refused(void **state)
{
    struct scratch *place = *state;
    char expected[160];
    bool created;

    store_close(opened(place, STORE_CREATE, &created));
    make_other(place->database, "PRAGMA user_version = 99");
    snprintf(expected, sizeof expected,
             " was written by a newer rowferry (database version 99, this program knows %u): "
             "use that version, or another --db",
             migration_count);
    assert_refused(place, STORE_EXISTING, ERR_STORE, "", expected);
}

/* `backup /` names its copies so. */
static void a_path_with_two_slashes_in_front_is_opened_by_its_uri(void **state)
{
    struct scratch *place = *state;
    bool created;
    char path[sizeof place->database + 1], *uri;
    sqlite3 *db = NULL;

    store_close(opened(place, STORE_CREATE, &created));
    snprintf(path, sizeof path, "/%s", place->database);
    uri = db_uri(path, "nolock=1");
    assert_int_equal(sqlite3_open_v2(uri, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_URI, NULL),
                     SQLITE_OK);
    sqlite3_close(db);
    free(uri);
}

static void an_empty_file_becomes_a_database(void **state)
{
    struct scratch *place = *state;
    bool created;
    struct store *store;

    scratch_write(place->database, "", 0);
    store = opened(place, STORE_CREATE, &created);
    assert_false(created);
    assert_int_equal(number(store, "PRAGMA user_version"), migration_count);
    assert_int_equal(number(store, "PRAGMA auto_vacuum"), 2);
    store_close(store);
}

/* As a process leaves it that dies between the first pragma and the first migration. */
static void a_database_that_was_only_begun_is_finished(void **state)
{
    struct scratch *place = *state;
    bool created;
    struct store *store;

    make_other(place->database, "PRAGMA auto_vacuum = 2; PRAGMA application_id = 0x52665279");
    store = opened(place, STORE_CREATE, &created);
    assert_int_equal(number(store, "PRAGMA user_version"), migration_count);
    assert_int_equal(number(store, "SELECT count(*) FROM batch"), 0);
    store_close(store);
}

/* A database of the first version with many violations, which the third migration counts. */
static void make_old(const char *path)
{
    make_other(path, migrations[0].sql);
    make_other(path,
               "PRAGMA application_id = 0x52665279; PRAGMA user_version = 1;"
               "WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n LIMIT 20000)"
               "INSERT INTO violation SELECT 1, i, 0, 'sku', 'type', 'x' FROM n");
}

struct steps {
    unsigned last, steps, calls;
    int signal; /* that is sent at the first call; 0: none */
};

static void note_step(void *context, unsigned step, unsigned steps)
{
    struct steps *noted = context;

    assert_in_range(step, noted->calls ? noted->last : 1, steps);
    noted->last = step;
    noted->steps = steps;
    if (noted->calls++ == 0 && noted->signal)
        raise(noted->signal);
}

static void an_upgrade_shows_its_steps(void **state)
{
    struct scratch *place = *state;
    struct steps steps = {0};
    struct store *store;
    bool created;

    make_old(place->database);
    migrate_watch(note_step, &steps);
    store = opened(place, STORE_EXISTING, &created);
    migrate_watch(NULL, NULL);
    assert_true(steps.calls > 0);
    assert_int_equal(steps.steps, migration_count - 1);
    assert_int_equal(number(store, "PRAGMA user_version"), migration_count);
    assert_int_equal(number(store, "SELECT rows FROM rejection_tally"), 20000);
    store_close(store);
}

static void an_upgrade_ends_with_a_signal_and_is_finished_later(void **state)
{
    struct scratch *place = *state;
    struct steps steps = {.signal = SIGTERM};
    struct store *store;
    bool created;
    int status;
    pid_t child;

    make_old(place->database);
    child = scratch_fork();
    if (child == 0) {
        struct err err = {0};

        migrate_watch(note_step, &steps);
        _exit(!stop_init(&err) || store_open(place->database, STORE_EXISTING, &created, &err) ||
              err.kind != ERR_STOPPED);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    store = opened(place, STORE_EXISTING, &created);
    assert_int_equal(number(store, "PRAGMA user_version"), migration_count);
    assert_int_equal(number(store, "SELECT rows FROM rejection_tally"), 20000);
    store_close(store);
}

static void a_damaged_database_is_an_error_of_the_store(void **state)
{
    struct scratch *place = *state;
    struct err err = {0};
    bool created;
    FILE *file;

    store_close(opened(place, STORE_CREATE, &created));
    file = fopen(place->database, "r+");
    assert_non_null(file);
    for (long page = 0; page < 100; page++) {
        fseek(file, page * 4096 + (page ? 0 : 100), SEEK_SET);
        for (int i = 0; i < 300; i++)
            fputc(0xA5, file);
    }
    fclose(file);
    assert_null(store_open(place->database, STORE_EXISTING, &created, &err));
    assert_int_equal(err.kind, ERR_STORE);
    snprintf(place->expected, sizeof place->expected,
             "database %s: open: database disk image is malformed: restore it from a backup, or "
             "look with `sqlite3 FILE .recover`",
             place->database);
    assert_string_equal(err.text, place->expected);
}

static void durability_can_be_switched(void **state)
{
    struct scratch *place = *state;
    struct err err = {0};
    bool created;
    struct store *store = opened(place, STORE_CREATE, &created);

    assert_true(store_set_durable(store, false, &err));
    assert_int_equal(number(store, "PRAGMA synchronous"), 1);
    assert_true(store_set_durable(store, true, &err));
    assert_int_equal(number(store, "PRAGMA synchronous"), 2);
    store_close(store);
}

static void the_cache_can_be_set(void **state)
{
    struct scratch *place = *state;
    struct err err = {0};
    bool created;
    struct store *store = opened(place, STORE_CREATE, &created);

    assert_true(store_set_cache(store, 8000, &err));
    assert_int_equal(number(store, "PRAGMA cache_size"), -8000);
    store_close(store);
}

static void closing_nothing_does_nothing(void **state)
{
    (void)state;
    store_close(NULL);
}

/* One of many that open the same database at the same moment: 0, or 1 with the reason printed. */
static int open_at_once(const char *path, int gate)
{
    struct err err = {0};
    struct store *store;
    bool created;
    char byte;

    if (read(gate, &byte, 1) != 0) /* its other end is closed for all of them at once */
        return 2;
    store = store_open(path, STORE_CREATE, &created, &err);
    if (!store)
        fprintf(stderr, "%s\n", err.text);
    store_close(store);
    return store ? 0 : 1;
}

static void processes_that_make_it_at_the_same_moment_all_get_it(void **state)
{
    enum { PROCESSES = 6, ROUNDS = 25 };
    struct scratch *place = *state;

    for (int round = 0; round < ROUNDS; round++) {
        pid_t children[PROCESSES];
        int gate[2];
        bool created;
        struct store *store;

        snprintf(place->database, sizeof place->database, "%s/%d.db", place->folder, round);
        assert_int_equal(pipe(gate), 0);
        for (int i = 0; i < PROCESSES; i++) {
            children[i] = scratch_fork();
            if (children[i] == 0) {
                close(gate[1]);
                _exit(open_at_once(place->database, gate[0]));
            }
        }
        close(gate[0]);
        close(gate[1]);
        for (int i = 0; i < PROCESSES; i++)
            assert_int_equal(scratch_join(children[i]), 0);
        store = opened(place, STORE_EXISTING, &created);
        assert_int_equal(number(store, "PRAGMA user_version"), migration_count);
        assert_int_equal(number(store, "PRAGMA auto_vacuum"), 2);
        store_close(store);
    }
}

/* --- parameters and columns by name --- */

static void a_statement_is_bound_and_read_by_names(void **state)
{
    bool created;
    struct store *store = opened(*state, STORE_CREATE, &created);
    struct err err = {0};
    struct db_statement *statement = db_prepare(
        store, "SELECT :version + 1 AS page, :job_id AS job_id, :version AS version", &err);
    bool row;

    assert_non_null(statement);
    db_bind_int64(statement, DB_JOB_ID, 7);
    db_bind_int64(statement, DB_VERSION, 41);
    assert_true(db_step(store, statement, &row, &err, "read"));
    assert_int_equal(db_column_int64(statement, DB_JOB_ID), 7);
    assert_int_equal(db_column_int64(statement, DB_VERSION), 41);
    assert_int_equal(db_column_int64(statement, DB_PAGE), 42);
    db_finalize(statement);
    store_close(store);
}

static void a_name_that_nobody_knows_or_that_is_twice_is_an_error(void **state)
{
    static const char *const wrong[][2] = {
        {"SELECT :job_idd AS job_id", ":job_idd"},
        {"SELECT :job_id AS job_idd", "job_idd"},
        {"SELECT :job_id", ":job_id"},
        {"SELECT 1 AS version, 2 AS version", "version"},
    };
    bool created;
    struct store *store = opened(*state, STORE_CREATE, &created);

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct err err = {0};
        char expected[256];

        assert_null(db_prepare(store, wrong[i][0], &err));
        assert_int_equal(err.kind, ERR_INTERNAL);
        snprintf(expected, sizeof expected, "the name '%s' is not in names.h, or is twice in: %s",
                 wrong[i][1], wrong[i][0]);
        assert_string_equal(err.text, expected);
    }
    store_close(store);
}

/* Whether a process ends by SIGABRT that uses a name which is not in the statement. */
static bool ends_with(struct db_statement *statement, bool parameter)
{
    pid_t child = scratch_fork();
    int status;

    if (child == 0) {
        fclose(stderr);
        if (parameter)
            db_bind_int64(statement, DB_STATE, 1);
        else
            db_column_int64(statement, DB_STATE);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void a_name_of_another_statement_ends_the_process(void **state)
{
    bool created;
    struct store *store = opened(*state, STORE_CREATE, &created);
    struct err err = {0};
    struct db_statement *statement = db_prepare(store, "SELECT :job_id AS version", &err);

    assert_non_null(statement);
    assert_true(ends_with(statement, true));
    assert_true(ends_with(statement, false));
    db_finalize(statement);
    store_close(store);
}

#ifdef ROWFERRY_CRASH_POINTS
static void a_parameter_with_the_value_of_the_use_before_ends_the_process(void **state)
{
    bool created;
    struct store *store = opened(*state, STORE_CREATE, &created);
    struct err err = {0};
    struct db_statement *statement = db_get(store, DB_FIRST_CLAIMS, 2, &err);
    pid_t child = scratch_fork();

    if (child == 0) {
        dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
        db_bind_int64(statement, DB_RUN_ID, 1);
        db_bind_int64(statement, DB_NOW_MS, 1);
        db_bind_int64(statement, DB_JOB_ID, 1);
        db_run(store, statement, &err, "begin");
        _exit(0);
    }
    assert_int_equal(scratch_join(child), -SIGABRT);
    store_close(store);
}

static void a_row_after_the_last_of_a_statement_ends_the_process(void **state)
{
    bool created;
    struct store *store = opened(*state, STORE_CREATE, &created);
    struct err err = {0};
    struct db_statement *statement =
        db_prepare(store, "SELECT :job_id AS id, :state AS state", &err);

    assert_non_null(statement);
    assert_false(ends_with(statement, true));
    statement->shift = 1;
    assert_true(ends_with(statement, true));
    db_finalize(statement);
    store_close(store);
}
#endif

enum { HELD_MS = 340 };

/* Gives the lock back at a moment at which SQLite's own handler looks for it only 88 ms later. */
static void *give_back(void *store)
{
    poll(NULL, 0, HELD_MS);
    db_rollback(store);
    return NULL;
}

/* How many ms after it was given back the lock was taken. */
static int64_t lateness(struct store *holder, struct store *waiter)
{
    int64_t begun_us = clock_monotonic_us();
    struct err err = {0};
    pthread_t thread;

    assert_true(db_begin(holder, &err));
    assert_int_equal(pthread_create(&thread, NULL, give_back, holder), 0);
    assert_true(db_begin(waiter, &err));
    db_rollback(waiter);
    begun_us = clock_monotonic_us() - begun_us;
    pthread_join(thread, NULL);
    return begun_us / 1000 - HELD_MS;
}

static void a_lock_that_is_given_back_is_soon_taken(void **state)
{
    bool created, soon = false;
    struct store *holder = opened(*state, STORE_CREATE, &created);
    struct store *waiter = opened(*state, STORE_EXISTING, &created);

    for (int tries = 0; tries < 5 && !soon; tries++)
        soon = lateness(holder, waiter) < 50;
    assert_true(soon);
    store_close(waiter);
    store_close(holder);
}

#define IN_A_PLACE(test) cmocka_unit_test_setup_teardown(test, scratch_begin, scratch_end)

/* A user who may read the database and not write it. */
static void what_may_not_be_written_is_read(void **state)
{
    static const struct {
        const char *may;
        bool has_index; /* another process has it open, and there is a -shm */
        bool writes;
    } cases[] = {
        {"FD", false, true}, {"F", true, true},  {"F", false, false},
        {"D", false, false}, {"", false, false}, {"", true, false},
    };
    struct scratch *place = *state;
    struct err err = {0};
    bool created;

    store_close(store_open(place->database, STORE_CREATE, &created, &err));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct store *other =
            cases[i].has_index ? store_open(place->database, STORE_EXISTING, &created, &err) : NULL;
        struct store *store;

        may = cases[i].may;
        store = store_open(place->database, STORE_READING, &created, &err);
        if (!store)
            fail_msg("case %zu: %s", i, err.text);
        assert_int_equal(sqlite3_db_readonly(store->db, "main"), !cases[i].writes);
        store_close(store);
        store_close(other);
        may = "FD";
    }
}

static void an_older_version_is_not_read_where_it_cannot_be_written(void **state)
{
    struct scratch *place = *state;
    struct err err = {0};
    char sql[64];
    struct store *store;
    bool created;

    store = store_open(place->database, STORE_CREATE, &created, &err);
    snprintf(sql, sizeof sql, "PRAGMA user_version = %u", migration_count - 1);
    assert_int_equal(sqlite3_exec(store->db, sql, NULL, NULL, NULL), SQLITE_OK);
    store_close(store);
    may = "";
    assert_null(store_open(place->database, STORE_READING, &created, &err));
    may = "FD";
    assert_int_equal(err.kind, ERR_STORE);
    snprintf(place->expected, sizeof place->expected,
             "database %s was written by an older rowferry: ask a user who can write it to run "
             "`rowferry status` once, which upgrades it",
             place->database);
    assert_string_equal(err.text, place->expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_PLACE(a_new_database_is_set_up_as_the_contract_says),
        IN_A_PLACE(every_table_is_strict),
        IN_A_PLACE(files_beside_the_database_have_its_mode),
        IN_A_PLACE(an_opened_database_is_found_again),
        IN_A_PLACE(what_may_not_be_written_is_read),
        IN_A_PLACE(an_older_version_is_not_read_where_it_cannot_be_written),
        IN_A_PLACE(a_limit_of_the_size_of_files_is_named),
        IN_A_PLACE(the_path_is_shown_in_full),
        IN_A_PLACE(a_missing_database_is_named_where_one_must_exist),
        IN_A_PLACE(a_missing_folder_is_an_error_of_the_store),
        IN_A_PLACE(a_folder_is_no_database),
        IN_A_PLACE(a_text_file_is_no_database_and_stays_as_it_is),
        IN_A_PLACE(a_database_of_another_program_is_refused),
        IN_A_PLACE(a_database_without_application_id_is_refused_unless_empty),
        IN_A_PLACE(a_database_of_a_newer_version_is_refused),
        IN_A_PLACE(a_path_with_two_slashes_in_front_is_opened_by_its_uri),
        IN_A_PLACE(an_empty_file_becomes_a_database),
        IN_A_PLACE(a_database_that_was_only_begun_is_finished),
        IN_A_PLACE(an_upgrade_shows_its_steps),
        IN_A_PLACE(an_upgrade_ends_with_a_signal_and_is_finished_later),
        IN_A_PLACE(a_damaged_database_is_an_error_of_the_store),
        IN_A_PLACE(durability_can_be_switched),
        IN_A_PLACE(the_cache_can_be_set),
        IN_A_PLACE(a_statement_is_bound_and_read_by_names),
        IN_A_PLACE(a_name_that_nobody_knows_or_that_is_twice_is_an_error),
        IN_A_PLACE(a_name_of_another_statement_ends_the_process),
#ifdef ROWFERRY_CRASH_POINTS
        IN_A_PLACE(a_parameter_with_the_value_of_the_use_before_ends_the_process),
        IN_A_PLACE(a_row_after_the_last_of_a_statement_ends_the_process),
#endif
        IN_A_PLACE(a_lock_that_is_given_back_is_soon_taken),
        cmocka_unit_test(closing_nothing_does_nothing),
        IN_A_PLACE(processes_that_make_it_at_the_same_moment_all_get_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
