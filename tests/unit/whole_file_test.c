#include "core/base/whole_file.h"

#include "core/base/mem.h"
#include "tests/lib/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The nth of these calls from now on fails with EIO, instead of those of the C library; 0: none.
 * interrupted: the first write is interrupted, and the second writes one byte. */
static unsigned countdown;
static int interrupted;

static bool fails(void)
{
    if (!countdown || --countdown)
        return false;
    errno = EIO;
    return true;
}

ssize_t write(int fd, const void *bytes, size_t size)
{
    if (interrupted && interrupted++ == 1) {
        errno = EINTR;
        return -1;
    }
    return fails() ? -1 : syscall(SYS_write, fd, bytes, interrupted == 2 ? 1 : size);
}

int fchmod(int fd, mode_t mode)
{
    return fails() ? -1 : (int)syscall(SYS_fchmod, fd, mode);
}

int fsync(int fd)
{
    return fails() ? -1 : (int)syscall(SYS_fsync, fd);
}

int rename(const char *from, const char *to)
{
    return fails() ? -1 : (int)syscall(SYS_rename, from, to);
}

struct bench {
    char folder[SCRATCH_SIZE];
    char *path;
};

static int set_up(void **state)
{
    struct bench *bench = mem_calloc(1, sizeof *bench);

    scratch_make(bench->folder);
    bench->path = mem_printf("%s/file", bench->folder);
    *state = bench;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *bench = *state;

    scratch_remove(bench->folder);
    free(bench->path);
    free(bench);
    return 0;
}

static void assert_holds(const char *path, const char *expected)
{
    char text[64] = "";
    FILE *file = fopen(path, "r");

    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    assert_string_equal(text, expected);
}

static unsigned entries_of(const char *folder)
{
    DIR *dir = opendir(folder);
    unsigned count = 0;

    for (const struct dirent *entry; (entry = readdir(dir));)
        count += entry->d_name[0] != '.';
    closedir(dir);
    return count;
}

static void a_file_is_replaced_with_its_mode_and_leaves_no_other(void **state)
{
    const struct bench *bench = *state;
    struct stat status;
    struct err err = {0};
    mode_t before = umask(077);

    assert_true(whole_file_write(bench->path, span_of("one\n"), 0644, &err));
    assert_int_equal(stat(bench->path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0644);
    assert_true(whole_file_write(bench->path, span_of(""), 0600, &err));
    assert_int_equal(stat(bench->path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_holds(bench->path, "");
    assert_true(whole_file_write(bench->path, span_of("two\n"), 0600, &err));
    assert_holds(bench->path, "two\n");
    assert_int_equal(entries_of(bench->folder), 1);
    umask(before);
}

static void the_file_of_a_killed_process_does_no_harm(void **state)
{
    const struct bench *bench = *state;
    char *left = mem_printf("%s.%ld.tmp", bench->path, (long)getpid());
    struct err err = {0};

    scratch_write(left, "half", 4);
    assert_true(whole_file_write(bench->path, span_of("whole"), 0600, &err));
    assert_holds(bench->path, "whole");
    assert_int_equal(entries_of(bench->folder), 1);
    free(left);
}

static void only_regular_files_are_used(void **state)
{
    const struct bench *bench = *state;
    char *target = mem_printf("%s/target", bench->folder);
    char expected[2 * SCRATCH_SIZE];
    struct err err = {0};

    scratch_write(target, "as it was", 9);
    assert_int_equal(symlink(target, bench->path), 0);
    assert_false(whole_file_write(bench->path, span_of("x"), 0600, &err));
    snprintf(expected, sizeof expected, "cannot write %s: it is not a regular file", bench->path);
    assert_string_equal(err.text, expected);
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_holds(target, "as it was");
    assert_false(whole_file_write("/dev/null", span_of("x"), 0600, &err));
    assert_string_equal(err.text, "cannot write /dev/null: it is not a regular file");
    free(target);
}

static void a_missing_folder_is_an_error(void **state)
{
    const struct bench *bench = *state;
    char *path = mem_printf("%s/none/file", bench->folder);
    char expected[2 * SCRATCH_SIZE];
    struct err err = {0};

    assert_false(whole_file_write(path, span_of("x"), 0600, &err));
    snprintf(expected, sizeof expected, "cannot write %s: No such file or directory", path);
    assert_string_equal(err.text, expected);
    free(path);
}

/* RLIMIT_FSIZE acts as the full disk, in a child, because it cannot be raised again. */
static void an_incomplete_write_leaves_the_old_file_unchanged(void **state)
{
    const struct bench *bench = *state;
    struct err err = {0};
    pid_t child;

    assert_true(whole_file_write(bench->path, span_of("old"), 0600, &err));
    child = scratch_fork();
    if (child == 0) {
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &(struct rlimit){2, 2});
        _exit(whole_file_write(bench->path, span_of("new"), 0600, &err) ||
              !str_ends(err.text, "/file: File too large"));
    }
    assert_int_equal(scratch_join(child), 0);
    assert_holds(bench->path, "old");
    assert_int_equal(entries_of(bench->folder), 1);
}

static void any_call_that_fails_leaves_the_old_file_and_nothing_else(void **state)
{
    const struct bench *bench = *state;
    unsigned call = 0;
    bool written;

    do {
        struct err err = {0};

        countdown = 0;
        assert_true(whole_file_write(bench->path, span_of("old"), 0600, &err));
        countdown = ++call;
        written = whole_file_write(bench->path, span_of("new"), 0600, &err);
        assert_int_equal(countdown > 0, written);
        countdown = 0;
        if (!written)
            assert_true(str_ends(err.text, "/file: Input/output error"));
        assert_holds(bench->path, written ? "new" : "old");
        assert_int_equal(entries_of(bench->folder), 1);
    } while (!written);
    assert_int_equal(call, 5);
}

static void a_write_in_parts_is_completed(void **state)
{
    const struct bench *bench = *state;
    struct err err = {0};

    interrupted = 1;
    assert_true(whole_file_write(bench->path, span_of("in parts"), 0600, &err));
    interrupted = 0;
    assert_holds(bench->path, "in parts");
}

static void a_file_without_a_name_is_read_and_written(void **state)
{
    FILE *file = unnamed_file_open();
    char text[16];

    (void)state;
    assert_non_null(file);
    fputs("text", file);
    rewind(file);
    assert_string_equal(fgets(text, sizeof text, file), "text");
    fclose(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_file_is_replaced_with_its_mode_and_leaves_no_other,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_file_of_a_killed_process_does_no_harm, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(only_regular_files_are_used, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_missing_folder_is_an_error, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_incomplete_write_leaves_the_old_file_unchanged, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(any_call_that_fails_leaves_the_old_file_and_nothing_else,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_write_in_parts_is_completed, set_up, tear_down),
        cmocka_unit_test(a_file_without_a_name_is_read_and_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
