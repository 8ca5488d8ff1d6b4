/* Who has a database locked: children hold locks as SQLite does, byte for byte. */
#include "core/store/holder.h"

#include "tests/lib/scratch.h"

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
#include <sys/prctl.h>
#include <unistd.h>

struct place {
    char folder[SCRATCH_SIZE], database[SCRATCH_SIZE + 16], index[SCRATCH_SIZE + 32];
};

static int begin(void **state)
{
    struct place *place = calloc(1, sizeof *place);

    scratch_make(place->folder);
    snprintf(place->database, sizeof place->database, "%s/a.db", place->folder);
    snprintf(place->index, sizeof place->index, "%s-shm", place->database);
    scratch_write(place->database, "", 0);
    scratch_write(place->index, "", 0);
    *state = place;
    return 0;
}

static int end(void **state)
{
    struct place *place = *state;

    scratch_remove(place->folder);
    free(place);
    return 0;
}

static bool lock_bytes(const char *path, short type, off_t first, off_t count)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = first, .l_len = count};
    int fd = open(path, O_RDWR | O_CLOEXEC);

    return fd >= 0 && fcntl(fd, F_SETLK, &lock) == 0;
}

/* A child named `shell` that holds the lock until it is killed. */
static pid_t holder(const char *path, short type, off_t first, off_t count)
{
    int ready[2];
    char byte;
    pid_t child;

    assert_int_equal(pipe(ready), 0);
    child = scratch_fork();
    if (child == 0) {
        prctl(PR_SET_NAME, "shell");
        if (!lock_bytes(path, type, first, count) || write(ready[1], "", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return child;
}

/* What is said while a child holds the lock; "" where nobody is named. */
static void assert_said(const struct place *place, const char *path, short type, off_t first,
                        off_t count, bool named)
{
    pid_t child = holder(path, type, first, count);
    char text[64] = "", expected[64] = "";

    if (named)
        snprintf(expected, sizeof expected, "process %ld (shell)", (long)child);
    assert_int_equal(holder_find(place->database, text, sizeof text), named);
    assert_string_equal(text, expected);
    kill(child, SIGKILL);
    assert_int_equal(scratch_join(child), -SIGKILL);
}

static void a_writer_in_wal_mode_is_named(void **state)
{
    const struct place *place = *state;

    assert_said(place, place->index, F_WRLCK, 120, 1, true);
    assert_said(place, place->index, F_WRLCK, 120, 8, true);
}

static void a_reader_or_a_checkpoint_is_not_in_the_way(void **state)
{
    const struct place *place = *state;

    assert_said(place, place->index, F_RDLCK, 120, 1, false);
    assert_said(place, place->index, F_WRLCK, 121, 1, false);
    assert_said(place, place->database, F_RDLCK, 0x40000002, 510, false);
}

static void a_writer_of_the_file_itself_is_named(void **state)
{
    const struct place *place = *state;

    assert_said(place, place->database, F_WRLCK, 0x40000001, 1, true);
    assert_said(place, place->database, F_WRLCK, 0, 0, true);
}

static void another_file_s_writer_is_not_named(void **state)
{
    const struct place *place = *state;
    char other[SCRATCH_SIZE + 16];

    snprintf(other, sizeof other, "%s/b.db-shm", place->folder);
    scratch_write(other, "", 0);
    assert_said(place, other, F_WRLCK, 120, 1, false);
}

static void this_process_is_not_named(void **state)
{
    const struct place *place = *state;
    char text[64] = "as it was";

    assert_true(lock_bytes(place->index, F_WRLCK, 120, 1));
    assert_false(holder_find(place->database, text, sizeof text));
    assert_string_equal(text, "as it was");
}

static void nobody_is_named_without_a_database(void **state)
{
    char text[64] = "as it was";

    (void)state;
    assert_false(holder_find("/nowhere/a.db", text, sizeof text));
    assert_string_equal(text, "as it was");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_writer_in_wal_mode_is_named, begin, end),
        cmocka_unit_test_setup_teardown(a_reader_or_a_checkpoint_is_not_in_the_way, begin, end),
        cmocka_unit_test_setup_teardown(a_writer_of_the_file_itself_is_named, begin, end),
        cmocka_unit_test_setup_teardown(another_file_s_writer_is_not_named, begin, end),
        cmocka_unit_test_setup_teardown(this_process_is_not_named, begin, end),
        cmocka_unit_test(nobody_is_named_without_a_database),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
