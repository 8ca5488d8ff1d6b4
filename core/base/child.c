#include "core/base/child.h"

#include "core/base/clock.h"
#include "core/base/stop.h"
#include "core/base/whole_file.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* Opens the text as a file without a name: a pipe would block, or raise SIGPIPE. */
static int open_input(struct span text)
{
    int fd = memfd_create("rowferry", MFD_CLOEXEC);

    if (fd >= 0 && !whole_file_fill(fd, text)) {
        close(fd);
        return -1;
    }
    if (fd >= 0)
        lseek(fd, 0, SEEK_SET);
    return fd;
}

/* Starts it with no signal blocked or ignored. Returns 0 or an errno. */
static int start(const struct child_order *order, int input, pid_t *child)
{
    char shell[] = "sh", option[] = "-c";
    char *const arguments[] = {shell, option, (char *)order->command, NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    int fault;

    sigemptyset(&none);
    /* every bit: sigfillset omits the two signals of glibc, and posix_spawn would make the command
     * ignore them */
    memset(&all, 0xff, sizeof all);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, input, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                              POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    fault = posix_spawn(child, "/bin/sh", &files, &attributes, arguments, order->environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    return fault;
}

/* True when the child has ended; false at the deadline, with *stopped 0, or at a signal. The
 * signals are blocked; a blocked SIGCHLD can be waited for, though it is ignored by default. */
static bool await(pid_t child, int64_t deadline_us, const sigset_t *signals, int *wait_status,
                  int *stopped)
{
    *stopped = 0;
    while (waitpid(child, wait_status, WNOHANG) != child) {
        int64_t left_us = deadline_us - clock_monotonic_us();
        struct timespec left = {left_us / 1000000, left_us % 1000000 * 1000};
        int signal;

        if (left_us <= 0)
            return false;
        signal = sigtimedwait(signals, NULL, &left);
        if (signal > 0 && signal != SIGCHLD) {
            *stopped = signal;
            return false;
        }
    }
    return true;
}

static void end_group(pid_t child, const sigset_t *signals)
{
    int wait_status, stopped;

    kill(-child, SIGTERM);
    if (await(child, clock_monotonic_us() + INT64_C(1000) * CHILD_GRACE_MS, signals, &wait_status,
              &stopped))
        return;
    kill(-child, SIGKILL);
    waitpid(child, &wait_status, 0);
}

static void wait_for(pid_t child, int64_t timeout_ms, const sigset_t *signals,
                     struct child_result *result)
{
    int wait_status, stopped;

    if (await(child, clock_monotonic_us() + timeout_ms * 1000, signals, &wait_status, &stopped)) {
        *result = WIFEXITED(wait_status)
                      ? (struct child_result){CHILD_EXITED, WEXITSTATUS(wait_status)}
                      : (struct child_result){CHILD_KILLED, WTERMSIG(wait_status)};
        return;
    }
    end_group(child, signals);
    *result = (struct child_result){stopped ? CHILD_STOPPED : CHILD_TIMED_OUT, stopped};
}

bool child_run(const struct child_order *order, struct child_result *result, struct err *err)
{
    int input = open_input(order->input), fault;
    sigset_t signals, before;
    pid_t child;

    if (input < 0)
        return err_set(err, ERR_CONFIG, "cannot store its input: %s", strerror(errno));
    /* it can be inherited as ignored, and then children leave no status */
    signal(SIGCHLD, SIG_DFL);
    sigemptyset(&signals);
    sigaddset(&signals, SIGCHLD);
    stop_add_signals(&signals);
    pthread_sigmask(SIG_BLOCK, &signals, &before);
    fault = start(order, input, &child);
    close(input);
    if (fault == 0)
        wait_for(child, order->timeout_ms, &signals, result);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return fault == 0 || err_set(err, ERR_CONFIG, "cannot start /bin/sh: %s", strerror(fault));
}
