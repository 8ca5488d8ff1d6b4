/* What has to happen later, in the order of its time. */
#ifndef GENESYS_SIM_TIMERS_H
#define GENESYS_SIM_TIMERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* run(context, subject) is called once; stopping tells that the process ends and the time has not
 * come, so that the subject is only let go. */
struct timer {
    int64_t due_us; /* monotonic clock */
    void (*run)(void *context, void *subject, bool stopping);
    void *context;
    void *subject;
};

/* A binary heap, the next one first. Zeroed means empty. */
struct timers {
    struct timer *timer;
    size_t count;
    size_t capacity;
};

void timers_add(struct timers *timers, struct timer timer);

/* Runs everything that is due at now_us, the earliest first. */
void timers_run(struct timers *timers, int64_t now_us);

/* Microseconds until the next one, 0 when it is due, -1 when there is none. */
int64_t timers_wait_us(const struct timers *timers, int64_t now_us);

/* Lets every subject go, and frees the heap. */
void timers_release(struct timers *timers);

#endif
