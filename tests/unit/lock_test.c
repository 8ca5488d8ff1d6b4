#include "core/store/lock.h"

#include "tests/lib/scratch.h"
#include "tests/unit/clock_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STARTED_MS = 86400000 };

/* Whether the file is mapped into this process. */
static bool is_mapped(const char *path)
{
    char *maps = scratch_read("/proc/self/maps");
    bool found = strstr(maps, path);

    free(maps);
    return found;
}

static struct lock *taken(const struct scratch *place, enum lock_kind kind)
{
    struct err err = {0};
    struct lock *lock = lock_take(place->database, kind, 12, STARTED_MS, &err);

    if (!lock)
        fail_msg("%s", err.text);
    return lock;
}

static const char *path_of(const struct scratch *place, const char *suffix)
{
    static char path[SCRATCH_SIZE + 32];

    snprintf(path, sizeof path, "%s.%s", place->database, suffix);
    return path;
}

/* A child that holds the lock until it is ended. It holds it when this returns. */
static pid_t holder(const struct scratch *place, enum lock_kind kind)
{
    int ready[2];
    char byte;
    pid_t child;

    assert_int_equal(pipe(ready), 0);
    child = scratch_fork();
    if (child == 0) {
        struct err err = {0};

        close(ready[0]);
        if (!lock_take(place->database, kind, 12, STARTED_MS, &err) || write(ready[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return child;
}

static void assert_busy(struct scratch *place, enum lock_kind kind, const char *doing,
                        const char *who)
{
    struct err err = {0};

    assert_null(lock_take(place->database, kind, 13, 0, &err));
    assert_int_equal(err.kind, ERR_BUSY);
    snprintf(place->expected, sizeof place->expected,
             "another process is %s %s (%s): wait for it to end", doing, place->database, who);
    assert_string_equal(err.text, place->expected);
}

static void a_lock_is_taken_and_taken_again_after_its_release(void **state)
{
    struct scratch *place = *state;

    for (int i = 0; i < 3; i++)
        lock_release(taken(place, LOCK_DRAIN));
}

static void the_lock_file_stands_beside_the_database_for_its_owner_alone(void **state)
{
    struct scratch *place = *state;
    struct lock *intake = taken(place, LOCK_INTAKE), *drain = taken(place, LOCK_DRAIN);
    struct stat status;

    assert_int_equal(stat(path_of(place, "intake"), &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(stat(path_of(place, "drain"), &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    lock_release(intake);
    lock_release(drain);
}

static void another_process_is_shown_the_holders_run_and_start(void **state)
{
    struct scratch *place = *state;
    pid_t child = holder(place, LOCK_DRAIN);
    char who[128];

    snprintf(who, sizeof who, "run 12, started 1970-01-02T00:00:00.000Z, process %ld", (long)child);
    assert_busy(place, LOCK_DRAIN, "draining", who);
    kill(child, SIGKILL);
    assert_int_equal(scratch_join(child), -SIGKILL);
    child = holder(place, LOCK_INTAKE);
    snprintf(who, sizeof who, "run 12, started 1970-01-02T00:00:00.000Z, process %ld", (long)child);
    assert_busy(place, LOCK_INTAKE, "reading files into", who);
    kill(child, SIGKILL);
    assert_int_equal(scratch_join(child), -SIGKILL);
}

static void the_same_process_does_not_get_it_twice(void **state)
{
    struct scratch *place = *state;
    struct lock *lock = taken(place, LOCK_DRAIN);
    char who[128];

    snprintf(who, sizeof who, "run 12, started 1970-01-02T00:00:00.000Z, process %ld",
             (long)getpid());
    assert_busy(place, LOCK_DRAIN, "draining", who);
    lock_release(lock);
    lock_release(taken(place, LOCK_DRAIN));
}

static void a_killed_holder_leaves_the_lock_free(void **state)
{
    struct scratch *place = *state;
    pid_t child = holder(place, LOCK_INTAKE);

    kill(child, SIGKILL);
    assert_int_equal(scratch_join(child), -SIGKILL);
    lock_release(taken(place, LOCK_INTAKE));
}

static void the_two_locks_do_not_exclude_each_other(void **state)
{
    struct scratch *place = *state;
    pid_t child = holder(place, LOCK_DRAIN);

    lock_release(taken(place, LOCK_INTAKE));
    kill(child, SIGKILL);
    scratch_join(child);
}

static void a_holder_that_has_not_said_who_it_is_is_just_starting(void **state)
{
    struct scratch *place = *state;
    int fd = open(path_of(place, "drain"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    assert_int_equal(flock(fd, LOCK_EX), 0);
    assert_busy(place, LOCK_DRAIN, "draining", "just starting");
    close(fd);
}

static void who_looks_learns_who_is_at_work(void **state)
{
    struct scratch *place = *state;
    char who[LOCK_HOLDER_SIZE], expected[LOCK_HOLDER_SIZE];
    pid_t child;

    assert_false(lock_is_held(place->database, LOCK_DRAIN, who));
    assert_int_equal(access(path_of(place, "drain"), F_OK), -1);
    child = holder(place, LOCK_DRAIN);
    assert_true(lock_is_held(place->database, LOCK_DRAIN, who));
    snprintf(expected, sizeof expected, "run 12, started 1970-01-02T00:00:00.000Z, process %ld",
             (long)child);
    assert_string_equal(who, expected);
    assert_false(lock_is_held(place->database, LOCK_INTAKE, who));
    kill(child, SIGKILL);
    assert_int_equal(scratch_join(child), -SIGKILL);
    assert_false(lock_is_held(place->database, LOCK_DRAIN, who));
}

/* A child looks over and over, and never is in the way. */
static void who_looks_disturbs_nobody(void **state)
{
    struct scratch *place = *state;
    char who[LOCK_HOLDER_SIZE];
    pid_t child = scratch_fork();

    if (child == 0)
        for (;;)
            lock_is_held(place->database, LOCK_DRAIN, who);
    for (int i = 0; i < 500; i++)
        lock_release(taken(place, LOCK_DRAIN));
    kill(child, SIGKILL);
    assert_int_equal(scratch_join(child), -SIGKILL);
}

static void a_lock_that_another_program_shares_for_good_is_busy(void **state)
{
    struct scratch *place = *state;
    struct err err = {0};
    int fd = open(path_of(place, "drain"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    assert_int_equal(flock(fd, LOCK_SH), 0);
    assert_null(lock_take(place->database, LOCK_DRAIN, 1, 0, &err));
    assert_int_equal(err.kind, ERR_BUSY);
    snprintf(place->expected, sizeof place->expected,
             "lock %s is held by a program that is not rowferry", path_of(place, "drain"));
    assert_string_equal(err.text, place->expected);
    close(fd);
}

/* What flock(2) cannot prevent: whoever removes the file removes the lock. The next one is made
 * again and excludes as before. */
static void a_removed_lock_file_is_made_again(void **state)
{
    struct scratch *place = *state;
    struct lock *first = taken(place, LOCK_DRAIN), *second;
    char who[128];

    assert_int_equal(unlink(path_of(place, "drain")), 0);
    second = taken(place, LOCK_DRAIN);
    lock_release(first);
    snprintf(who, sizeof who, "run 12, started 1970-01-02T00:00:00.000Z, process %ld",
             (long)getpid());
    assert_busy(place, LOCK_DRAIN, "draining", who);
    lock_release(second);
}

/* Looked at once a second, its holder knows. */
static void whoever_holds_a_lock_learns_that_its_file_is_gone(void **state)
{
    struct scratch *place = *state;
    struct lock *first = taken(place, LOCK_DRAIN), *second;
    struct err err = {0};
    char expected[ERR_TEXT_SIZE];

    assert_true(lock_look(NULL, &err));
    assert_true(lock_look(first, &err));
    assert_int_equal(unlink(path_of(place, "drain")), 0);
    second = taken(place, LOCK_DRAIN);
    assert_true(lock_look(first, &err));
    skipped_s++;
    assert_false(lock_look(first, &err));
    assert_int_equal(err.kind, ERR_BUSY);
    snprintf(expected, sizeof expected,
             "lock %s was deleted or replaced, so that another process may be draining this "
             "database: leave the file there, look for that process, then run the same command "
             "again",
             path_of(place, "drain"));
    assert_string_equal(err.text, expected);
    assert_true(lock_look(second, &err));
    lock_release(first);
    lock_release(second);
}

/* A child replaces the file over and over: whatever was locked must be the file that has the name,
 * at the moment of its locking, and never leaves us waiting. */
static void a_lock_file_that_is_replaced_while_it_is_taken_does_no_harm(void **state)
{
    struct scratch *place = *state;
    char other[SCRATCH_SIZE + 32];
    pid_t child;

    snprintf(other, sizeof other, "%s.other", place->database);
    child = scratch_fork();
    if (child == 0) {
        for (;;) {
            scratch_write(other, "", 0);
            if (rename(other, path_of(place, "drain")) != 0)
                _exit(1);
        }
    }
    for (int i = 0; i < 500; i++)
        lock_release(taken(place, LOCK_DRAIN));
    kill(child, SIGKILL);
    assert_int_equal(scratch_join(child), -SIGKILL);
}

static void the_text_of_a_longer_holder_leaves_nothing_behind(void **state)
{
    /* up to the mark, at 256 */
    static const char words[] = "run 123456789, started long ago, process 99999999999999999999\n\n";
    struct scratch *place = *state;
    struct lock *lock;
    char left[512] = "";
    FILE *file;
    size_t size;

    scratch_write(path_of(place, "drain"), words, sizeof words - 1);
    lock = taken(place, LOCK_DRAIN);
    file = fopen(path_of(place, "drain"), "r");
    assert_non_null(file);
    assert_true(fread(left, 1, sizeof left - 1, file) > 0);
    fclose(file);
    snprintf(place->expected, sizeof place->expected,
             "run 12, started 1970-01-02T00:00:00.000Z, process %ld\n", (long)getpid());
    size = strlen(place->expected);
    assert_memory_equal(left, place->expected, size);
    assert_int_equal(size + strspn(left + size, " "), 256);
    assert_int_equal(strlen(left), 256);
    lock_release(lock);
}

static void a_symbolic_link_in_its_place_is_not_followed(void **state)
{
    struct scratch *place = *state;
    struct err err = {0};

    assert_int_equal(symlink("/etc/hostname", path_of(place, "drain")), 0);
    assert_null(lock_take(place->database, LOCK_DRAIN, 1, 0, &err));
    assert_int_equal(err.kind, ERR_STORE);
    snprintf(place->expected, sizeof place->expected,
             "lock %s cannot be opened: Too many levels of symbolic links",
             path_of(place, "drain"));
    assert_string_equal(err.text, place->expected);
}

static void a_missing_folder_is_an_error_of_the_store(void **state)
{
    struct err err = {0};

    (void)state;
    assert_null(lock_take("/nonexistent/a.db", LOCK_INTAKE, 1, 0, &err));
    assert_int_equal(err.kind, ERR_STORE);
    assert_string_equal(err.text, "lock /nonexistent/a.db.intake cannot be opened: No such file or "
                                  "directory");
}

static void a_program_that_is_started_does_not_inherit_the_lock(void **state)
{
    struct scratch *place = *state;
    struct lock *lock = taken(place, LOCK_DRAIN);
    int held[2];
    pid_t child;

    assert_int_equal(pipe(held), 0); /* the program lives until our end is closed */
    child = scratch_fork();
    if (child == 0) {
        dup2(held[0], 0);
        close(held[0]);
        close(held[1]);
        execl("/bin/cat", "cat", (char *)NULL);
        _exit(127);
    }
    close(held[0]);
    lock_release(lock);
    /* between fork and exec the child holds a copy; afterwards it does not */
    for (;;) {
        struct err err = {0};

        lock = lock_take(place->database, LOCK_DRAIN, 12, STARTED_MS, &err);
        if (lock)
            break;
        assert_int_equal(err.kind, ERR_BUSY);
    }
    lock_release(lock);
    close(held[1]);
    assert_int_equal(scratch_join(child), 0);
}

static void a_mark_outlives_a_kill_and_the_next_holder_reads_it(void **state)
{
    struct scratch *place = *state;
    struct lock_mark mark;
    struct lock *lock;
    pid_t child = scratch_fork();

    if (child == 0) {
        lock = taken(place, LOCK_DRAIN);
        lock_begin_mark(lock, 12);
        lock_mark(lock, 7);
        lock_mark(lock, INT64_MAX - 1);
        kill(getpid(), SIGKILL);
    }
    waitpid(child, NULL, 0);
    lock = taken(place, LOCK_DRAIN);
    assert_true(lock_read_mark(lock, &mark));
    assert_int_equal(mark.run_id, 12);
    assert_int_equal(mark.started_ms, STARTED_MS);
    assert_int_equal(mark.attempt_id, INT64_MAX - 1);
    lock_begin_mark(lock, 13);
    assert_true(lock_read_mark(lock, &mark));
    assert_int_equal(mark.run_id, 13);
    assert_int_equal(mark.attempt_id, 0);
    assert_true(is_mapped(path_of(place, "drain")));
    lock_release(lock);
    assert_false(is_mapped(path_of(place, "drain")));
}

static void a_mark_that_is_missing_or_of_an_earlier_start_of_the_machine_is_none(void **state)
{
    struct scratch *place = *state;
    struct lock *lock = taken(place, LOCK_DRAIN);
    struct lock_mark mark;
    int fd;

    lock_mark(lock, 7);
    assert_false(lock_read_mark(lock, &mark));
    assert_false(lock_read_mark(NULL, &mark));
    lock_begin_mark(NULL, 12);
    lock_begin_mark(lock, 12);
    lock_release(lock);
    fd = open(path_of(place, "drain"), O_WRONLY);
    assert_int_equal(pwrite(fd, "00000000", 8, 256), 8);
    close(fd);
    lock = taken(place, LOCK_DRAIN);
    assert_false(lock_read_mark(lock, &mark));
    lock_release(lock);
}

static void releasing_nothing_does_nothing(void **state)
{
    (void)state;
    lock_release(NULL);
}

#define IN_A_PLACE(test) cmocka_unit_test_setup_teardown(test, scratch_begin, scratch_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_PLACE(a_lock_is_taken_and_taken_again_after_its_release),
        IN_A_PLACE(the_lock_file_stands_beside_the_database_for_its_owner_alone),
        IN_A_PLACE(another_process_is_shown_the_holders_run_and_start),
        IN_A_PLACE(the_same_process_does_not_get_it_twice),
        IN_A_PLACE(a_killed_holder_leaves_the_lock_free),
        IN_A_PLACE(the_two_locks_do_not_exclude_each_other),
        IN_A_PLACE(a_holder_that_has_not_said_who_it_is_is_just_starting),
        IN_A_PLACE(who_looks_learns_who_is_at_work),
        IN_A_PLACE(who_looks_disturbs_nobody),
        IN_A_PLACE(a_lock_that_another_program_shares_for_good_is_busy),
        IN_A_PLACE(a_removed_lock_file_is_made_again),
        IN_A_PLACE(whoever_holds_a_lock_learns_that_its_file_is_gone),
        IN_A_PLACE(a_lock_file_that_is_replaced_while_it_is_taken_does_no_harm),
        IN_A_PLACE(the_text_of_a_longer_holder_leaves_nothing_behind),
        IN_A_PLACE(a_symbolic_link_in_its_place_is_not_followed),
        IN_A_PLACE(a_missing_folder_is_an_error_of_the_store),
        IN_A_PLACE(a_program_that_is_started_does_not_inherit_the_lock),
        IN_A_PLACE(a_mark_outlives_a_kill_and_the_next_holder_reads_it),
        IN_A_PLACE(a_mark_that_is_missing_or_of_an_earlier_start_of_the_machine_is_none),
        cmocka_unit_test(releasing_nothing_does_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
