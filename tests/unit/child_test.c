#include "core/base/child.h"

#include "core/base/mem.h"
#include "core/base/stop.h"
#include "tests/lib/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LONG_MS = 600000 };

static char path_variable[] = "PATH=/usr/bin:/bin", mark_variable[] = "MARK=here";
static char *const environment[] = {path_variable, mark_variable, NULL};

/* What memfd_create and posix_spawn fail with; 0: they are those of the C library. */
static int memfd_fault, spawn_fault;

int memfd_create(const char *name, unsigned flags)
{
    if (!memfd_fault)
        return (int)syscall(SYS_memfd_create, name, flags);
    errno = memfd_fault;
    return -1;
}

int posix_spawn(pid_t *restrict pid, const char *restrict path,
                const posix_spawn_file_actions_t *restrict files,
                const posix_spawnattr_t *restrict attributes, char *const arguments[restrict],
                char *const variables[restrict])
{
    int (*real)(pid_t *, const char *, const posix_spawn_file_actions_t *,
                const posix_spawnattr_t *, char *const[], char *const[]) = NULL;

    *(void **)&real = dlsym(RTLD_NEXT, "posix_spawn");
    return spawn_fault ? spawn_fault : real(pid, path, files, attributes, arguments, variables);
}

static struct child_result result_of(const char *command, struct span input, int64_t timeout_ms)
{
    struct child_order order = {command, input, environment, timeout_ms};
    struct child_result result = {0};
    struct err err = {0};

    assert_true(child_run(&order, &result, &err));
    return result;
}

static void assert_exits(int status, const char *command, struct span input)
{
    struct child_result result = result_of(command, input, LONG_MS);

    assert_int_equal(result.end, CHILD_EXITED);
    assert_int_equal(result.status, status);
}

static void a_command_gets_the_text_on_its_standard_input(void **state)
{
    (void)state;
    assert_exits(0, "test \"$(cat)\" = '{\"a\": 1}'", span_of("{\"a\": 1}\n"));
    assert_exits(0, "test -z \"$(cat)\"", span_of(""));
}

static void a_text_that_is_not_read_does_no_harm(void **state)
{
    size_t size = 1 << 20;
    char *text = mem_calloc(size, 1);

    (void)state;
    memset(text, 'x', size);
    assert_exits(0, "true", (struct span){text, size});
    assert_exits(0, "test $(wc -c) = 1048576", (struct span){text, size});
    free(text);
}

static void it_gets_the_given_environment(void **state)
{
    (void)state;
    assert_exits(0, "test \"$MARK\" = here && test -z \"$HOME\"", span_of(""));
}

static void its_exit_status_or_signal_is_returned(void **state)
{
    struct child_result result;

    (void)state;
    assert_exits(7, "exit 7", span_of(""));
    assert_exits(127, "no-such-command-anywhere 2>/dev/null", span_of(""));
    result = result_of("kill -KILL $$", span_of(""), LONG_MS);
    assert_int_equal(result.end, CHILD_KILLED);
    assert_int_equal(result.status, SIGKILL);
}

static void it_starts_with_every_signal_at_its_default(void **state)
{
    static const int signals[] = {SIGPIPE, SIGTERM, SIGIO,   SIGXFSZ,
                                  SIGHUP,  SIGINT,  SIGUSR1, SIGALRM};

    (void)state;
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        char *command = mem_printf("kill -%d $$", signals[i]);
        void (*before)(int) = signal(signals[i], SIG_IGN);
        struct child_result result = result_of(command, span_of(""), LONG_MS);

        assert_int_equal(result.end, CHILD_KILLED);
        assert_int_equal(result.status, signals[i]);
        signal(signals[i], before);
        free(command);
    }
    assert_exits(
        0, "grep -q '^SigBlk:.0*$' /proc/self/status && grep -q '^SigIgn:.0*$' /proc/self/status",
        span_of(""));
}

/* A grandchild that survives would keep the pipe open. */
static void one_that_hangs_is_ended_with_all_its_children(void **state)
{
    struct child_result result;
    int ends[2];
    char *command, byte;

    (void)state;
    assert_int_equal(pipe(ends), 0);
    command = mem_printf("sleep 100000 >&%d & sleep 100000", ends[1]);
    result = result_of(command, span_of(""), 10);
    assert_int_equal(result.end, CHILD_TIMED_OUT);
    close(ends[1]);
    assert_int_equal(read(ends[0], &byte, 1), 0);
    close(ends[0]);
    free(command);
}

/* In its own process, with the signals blocked as in the program. */
static void a_signal_to_stop_ends_it_and_is_returned(void **state)
{
    pid_t child = scratch_fork();

    (void)state;
    if (child == 0) {
        struct child_order order = {"kill -TERM $PPID; sleep 100000", {0}, environment, LONG_MS};
        struct child_result result = {0};
        struct err err = {0};

        _exit(!(stop_init(&err) && child_run(&order, &result, &err) &&
                result.end == CHILD_STOPPED && result.status == SIGTERM));
    }
    assert_int_equal(scratch_join(child), 0);
}

static void its_end_is_seen_even_if_sigchld_was_inherited_as_ignored(void **state)
{
    (void)state;
    signal(SIGCHLD, SIG_IGN);
    assert_exits(3, "exit 3", span_of(""));
}

static void a_command_that_cannot_be_started_is_an_error(void **state)
{
    struct child_order order = {"true", span_of("text"), environment, LONG_MS};
    struct child_result result;
    struct err err = {0};

    (void)state;
    memfd_fault = EMFILE;
    assert_false(child_run(&order, &result, &err));
    memfd_fault = 0;
    assert_string_equal(err.text, "cannot store its input: Too many open files");
    spawn_fault = EAGAIN;
    assert_false(child_run(&order, &result, &err));
    spawn_fault = 0;
    assert_string_equal(err.text, "cannot start /bin/sh: Resource temporarily unavailable");
    assert_int_equal(err.kind, ERR_CONFIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_command_gets_the_text_on_its_standard_input),
        cmocka_unit_test(a_text_that_is_not_read_does_no_harm),
        cmocka_unit_test(it_gets_the_given_environment),
        cmocka_unit_test(its_exit_status_or_signal_is_returned),
        cmocka_unit_test(it_starts_with_every_signal_at_its_default),
        cmocka_unit_test(one_that_hangs_is_ended_with_all_its_children),
        cmocka_unit_test(a_signal_to_stop_ends_it_and_is_returned),
        cmocka_unit_test(its_end_is_seen_even_if_sigchld_was_inherited_as_ignored),
        cmocka_unit_test(a_command_that_cannot_be_started_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
