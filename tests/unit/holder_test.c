/* Who has a database locked: children hold locks as SQLite does, byte for byte. */
#include "core/store/holder.h"

#include "tests/lib/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* What /proc/locks is read from; NULL: the file itself, "": it cannot be read. */
static const char *locks;

FILE *fopen(const char *restrict path, const char *restrict mode)
{
    FILE *(*real)(const char *, const char *) = NULL;

    *(void **)&real = dlsym(RTLD_NEXT, "fopen");
    if (!locks || strcmp(path, "/proc/locks") != 0)
        return real(path, mode);
    return *locks ? real(locks, mode) : NULL;
}

static int begin(void **state)
{
    const struct scratch *place;

    scratch_begin(state);
    place = *state;
    scratch_write(place->database, "", 0);
    scratch_write(place->index, "", 0);
    return 0;
}

/* Returns the descriptor that holds the lock, or -1. */
static int lock_bytes(const char *path, short type, off_t first, off_t count)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = first, .l_len = count};
    int fd = open(path, O_RDWR | O_CLOEXEC);

    return fd >= 0 && fcntl(fd, F_SETLK, &lock) == 0 ? fd : -1;
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
        if (lock_bytes(path, type, first, count) < 0 || write(ready[1], "", 1) != 1)
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
static void assert_said(const struct scratch *place, const char *path, short type, off_t first,
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
    const struct scratch *place = *state;

    assert_said(place, place->index, F_WRLCK, 120, 1, true);
    assert_said(place, place->index, F_WRLCK, 120, 8, true);
}

static void a_reader_or_a_checkpoint_is_not_in_the_way(void **state)
{
    const struct scratch *place = *state;

    assert_said(place, place->index, F_RDLCK, 120, 1, false);
    assert_said(place, place->index, F_WRLCK, 121, 1, false);
    assert_said(place, place->database, F_RDLCK, 0x40000002, 510, false);
}

static void a_writer_of_the_file_itself_is_named(void **state)
{
    const struct scratch *place = *state;

    assert_said(place, place->database, F_WRLCK, 0x40000001, 1, true);
    assert_said(place, place->database, F_WRLCK, 0, 0, true);
}

static void another_file_s_writer_is_not_named(void **state)
{
    const struct scratch *place = *state;
    char other[SCRATCH_SIZE + 16];

    snprintf(other, sizeof other, "%s/b.db-shm", place->folder);
    scratch_write(other, "", 0);
    assert_said(place, other, F_WRLCK, 120, 1, false);
}

static void this_process_is_not_named(void **state)
{
    const struct scratch *place = *state;
    char text[64] = "as it was";
    int fd = lock_bytes(place->index, F_WRLCK, 120, 1);

    assert_true(fd >= 0);
    assert_false(holder_find(place->database, text, sizeof text));
    assert_string_equal(text, "as it was");
    close(fd);
}

static void nobody_is_named_without_a_database(void **state)
{
    char text[64] = "as it was";

    (void)state;
    assert_false(holder_find("/nowhere/a.db", text, sizeof text));
    assert_string_equal(text, "as it was");
}

/* Lines as the kernel writes them (proc(5)); P is the place of the index, F of the database. */
static void lines_are_read_as_the_kernel_writes_them(void **state)
{
    static const struct {
        const char *line;
        const char *said;
    } cases[] = {
        {"1: POSIX  ADVISORY  WRITE 4194304 P 120 120", "process 4194304"},
        {"1: POSIX  ADVISORY  WRITE 4194304 P 0 EOF", "process 4194304"},
        {"1: POSIX  ADVISORY  WRITE 4194304 F 5 6", "process 4194304"},
        {"1: POSIX  ADVISORY  WRITE 4194304 P 100 119", ""},
        {"1: POSIX  ADVISORY  WRITE 4194304 P 100 121", "process 4194304"},
        {"1: POSIX  ADVISORY  WRITE 4194304 P 121 EOF", ""},
        {"1: POSIX  ADVISORY  WRITE 4194304 P x EOF", ""},
        {"1: POSIX  ADVISORY  WRITE 4194304 P 0 x", ""},
        {"1: FLOCK  ADVISORY  WRITE 4194304 P 120 120", ""},
        {"1: POSIX  ADVISORY  READ 4194304 P 120 120", ""},
        {"1: POSIX  ADVISORY  WRITE 0 P 120 120", ""},
        {"1: POSIX  ADVISORY  WRITE x P 120 120", ""},
        {"1: -> POSIX  ADVISORY  WRITE 4194304 P 120 120", ""},
        {"1: POSIX  ADVISORY  WRITE 4194304 P 120", ""},
        {"1: POSIX", ""},
        {"", ""},
    };
    const struct scratch *place = *state;
    char path[SCRATCH_SIZE + 32], places[2][64];
    const char *const files[] = {place->database, place->index};

    for (size_t i = 0; i < 2; i++) {
        struct stat status;

        assert_int_equal(stat(files[i], &status), 0);
        snprintf(places[i], sizeof places[i], "%02x:%02x:%lu", major(status.st_dev),
                 minor(status.st_dev), (unsigned long)status.st_ino);
    }
    snprintf(path, sizeof path, "%s/locks", place->folder);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *at = strstr(cases[i].line, " P ");
        char text[256], said[64] = "";

        if (!at)
            at = strstr(cases[i].line, " F ");
        if (at)
            snprintf(text, sizeof text, "%.*s %s%s\n", (int)(at - cases[i].line), cases[i].line,
                     places[at[1] == 'P'], at + 2);
        else
            snprintf(text, sizeof text, "%s\n", cases[i].line);
        scratch_write(path, text, strlen(text));
        locks = path;
        assert_int_equal(holder_find(place->database, said, sizeof said), *cases[i].said != '\0');
        if (strcmp(said, cases[i].said) != 0)
            fail_msg("%s: %s", cases[i].line, said);
        locks = "";
        assert_false(holder_find(place->database, said, sizeof said));
        locks = NULL;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_writer_in_wal_mode_is_named, begin, scratch_end),
        cmocka_unit_test_setup_teardown(a_reader_or_a_checkpoint_is_not_in_the_way, begin,
                                        scratch_end),
        cmocka_unit_test_setup_teardown(a_writer_of_the_file_itself_is_named, begin, scratch_end),
        cmocka_unit_test_setup_teardown(another_file_s_writer_is_not_named, begin, scratch_end),
        cmocka_unit_test_setup_teardown(this_process_is_not_named, begin, scratch_end),
        cmocka_unit_test_setup_teardown(lines_are_read_as_the_kernel_writes_them, begin,
                                        scratch_end),
        cmocka_unit_test(nobody_is_named_without_a_database),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
