#include "core/base/stop.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/time.h>
#include <unistd.h>

/* The only global variable of the shipped program: a process has one set of signals. */
static struct {
    int fd;
    atomic_int signal;       /* read by other threads, as is: */
    atomic_bool out_of_time; /* the time of stop_after_ms is over */
} stop = {-1, 0, false};

void stop_add_signals(sigset_t *set)
{
    struct sigaction hangup;

    sigaddset(set, SIGINT);
    sigaddset(set, SIGTERM);
    /* ignored under nohup(1); a blocked signal would be queued nevertheless */
    if (sigaction(SIGHUP, NULL, &hangup) != 0 || hangup.sa_handler != SIG_IGN)
        sigaddset(set, SIGHUP);
}

bool stop_init(struct err *err)
{
    sigset_t signals;

    /* the kernel asks for a lease back with it (core/inbox); the default ends the process */
    signal(SIGIO, SIG_IGN);
    /* for files beyond `ulimit -f`: write(2) then fails with EFBIG, which is reported */
    signal(SIGXFSZ, SIG_IGN);
    sigemptyset(&signals);
    stop_add_signals(&signals);
    sigaddset(&signals, SIGALRM);
    if (pthread_sigmask(SIG_BLOCK, &signals, NULL) != 0)
        return err_set(err, ERR_INTERNAL, "cannot block signals: %s", strerror(errno));
    if (stop.fd < 0)
        stop.fd = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
    if (stop.fd < 0)
        return err_set(err, ERR_INTERNAL, "cannot open a signal descriptor: %s", strerror(errno));
    return true;
}

void stop_after_ms(int64_t ms)
{
    const struct itimerval timer = {.it_value = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000}};

    setitimer(ITIMER_REAL, &timer, NULL);
}

int stop_fd(void)
{
    return stop.fd;
}

bool stop_requested(void)
{
    struct signalfd_siginfo info;

    while (stop.fd >= 0 && read(stop.fd, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGALRM) {
            stop.out_of_time = true;
            continue;
        }
        if (stop.signal)
            _exit(128 + (int)info.ssi_signo);
        stop.signal = (int)info.ssi_signo;
    }
    return stop_noted();
}

bool stop_noted(void)
{
    return stop.signal != 0 || stop.out_of_time;
}

int stop_signal(void)
{
    return stop.signal;
}

bool stop_wait_ms(int ms)
{
    struct pollfd waiting = {stop.fd, POLLIN, 0};

    if (!stop_requested())
        poll(&waiting, stop.fd >= 0 ? 1 : 0, ms);
    return stop_requested();
}
