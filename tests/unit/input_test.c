/* Reading that is interrupted, has to wait, or is stopped. */
#include "core/row/input.h"

#include "core/base/stop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Errors of the next calls, the last first. */
static int poll_errors[3], read_errors[3];
static unsigned poll_left, read_left;

/* In place of those of the C library, for this program. */
int poll(struct pollfd *fds, nfds_t count, int ms)
{
    if (poll_left) {
        errno = poll_errors[--poll_left];
        return -1;
    }
    return (int)syscall(SYS_poll, fds, count, ms);
}

ssize_t read(int fd, void *bytes, size_t size)
{
    if (read_left) {
        errno = read_errors[--read_left];
        return -1;
    }
    return (ssize_t)syscall(SYS_read, fd, bytes, size);
}

static int file_of(const char *text, size_t size)
{
    int fd = memfd_create("input", MFD_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    if (size)
        assert_int_equal(ftruncate(fd, (off_t)size), 0);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

static void calls_that_a_signal_interrupts_are_repeated(void **state)
{
    char bytes[8] = "";
    int fd = file_of("abc", 0);

    (void)state;
    poll_errors[0] = poll_errors[1] = read_errors[1] = EINTR;
    read_errors[0] = EAGAIN;
    poll_left = read_left = 2;
    assert_int_equal(input_read_fd(fd, bytes, sizeof bytes), 3);
    assert_string_equal(bytes, "abc");
    assert_int_equal(poll_left + read_left, 0);
    close(fd);
}

static void other_errors_are_reported(void **state)
{
    char bytes[8];
    int fd = file_of("abc", 0);
    struct input *input = input_open(fd, (struct span){0}, "in");
    struct err err = {0};
    size_t size;

    (void)state;
    poll_errors[0] = ENOMEM;
    poll_left = 1;
    assert_int_equal(input_read_fd(fd, bytes, sizeof bytes), -1);
    assert_int_equal(errno, ENOMEM);
    read_errors[0] = EIO;
    read_left = 1;
    assert_false(input_read(input, bytes, sizeof bytes, &size, &err));
    assert_int_equal(err.kind, ERR_INPUT);
    assert_string_equal(err.text, "in: read: Input/output error");
    input_close(input);
    close(fd);
}

static void a_short_file_needs_a_small_block(void **state)
{
    static const struct {
        size_t size, block;
    } cases[] = {{0, 1 << 10},
                 {1023, 1 << 10},
                 {1024, 1025},
                 {5000, 5001},
                 {(256 << 10) - 1, 256 << 10},
                 {256 << 10, 256 << 10},
                 {1 << 20, 256 << 10}};
    int pair[2];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int fd = file_of("", cases[i].size);

        assert_int_equal(input_block(fd, (struct span){0}), cases[i].block);
        assert_int_equal(input_block(-1, (struct span){"", cases[i].size}), cases[i].block);
        close(fd);
    }
    assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
    assert_int_equal(input_block(pair[0], (struct span){0}), 64 << 10);
    close(pair[0]);
    close(pair[1]);
    assert_int_equal(input_block(pair[0], (struct span){0}), 64 << 10);
}

/* The last test: the signal stays pending. */
static void a_signal_to_stop_ends_the_wait_but_not_the_data(void **state)
{
    char bytes[8] = "";
    struct err err = {0};
    struct input *input;
    size_t size;
    int pair[2];

    (void)state;
    if (!stop_init(&err))
        fail_msg("%s", err.text);
    assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
    input = input_open(pair[0], (struct span){0}, "in");
    assert_int_equal(write(pair[1], "abc", 3), 3);
    assert_int_equal(raise(SIGTERM), 0);
    assert_true(input_read(input, bytes, sizeof bytes, &size, &err));
    assert_int_equal(size, 3);
    assert_string_equal(bytes, "abc");
    assert_false(input_read(input, bytes, sizeof bytes, &size, &err));
    assert_int_equal(err.kind, ERR_STOPPED);
    assert_string_equal(err.text, "in: read: stopped");
    /* the same after another thread has received it */
    assert_true(stop_requested());
    assert_int_equal(input_read_fd(pair[0], bytes, sizeof bytes), -1);
    assert_int_equal(errno, ECANCELED);
    input_close(input);
    close(pair[0]);
    close(pair[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_that_a_signal_interrupts_are_repeated),
        cmocka_unit_test(other_errors_are_reported),
        cmocka_unit_test(a_short_file_needs_a_small_block),
        cmocka_unit_test(a_signal_to_stop_ends_the_wait_but_not_the_data),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
