/* A clock that goes on only when the test moves it, for all that this program and its libraries
 * read of it: no load of the machine uses up a limit of time. */
#pragma once

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static atomic_long skipped_s; /* so many seconds the test has moved it */
static struct timespec clock_start[2];

__attribute__((constructor)) static void stop_clocks(void)
{
    syscall(SYS_clock_gettime, CLOCK_REALTIME, &clock_start[CLOCK_REALTIME]);
    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &clock_start[CLOCK_MONOTONIC]);
}

/* In place of those of the C library, for this program. */
int clock_gettime(clockid_t clock, struct timespec *now)
{
    if (clock > CLOCK_MONOTONIC || clock_start[clock].tv_sec == 0)
        return (int)syscall(SYS_clock_gettime, clock, now);
    *now = clock_start[clock];
    now->tv_sec += skipped_s;
    return 0;
}

/* Of conditions with the monotonic clock: waits as long as that would have been. */
int pthread_cond_timedwait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex,
                           const struct timespec *restrict until)
{
    int (*real)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *) = NULL;
    struct timespec end;

    *(void **)&real = dlsym(RTLD_NEXT, "pthread_cond_timedwait");
    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &end);
    end.tv_sec += until->tv_sec - clock_start[CLOCK_MONOTONIC].tv_sec - skipped_s;
    return real(condition, mutex, &end);
}
