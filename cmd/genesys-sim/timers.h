/* Calls to make later, in the order of their time. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* run(context, subject) is called once; stopping: the process ends before the time, and run only
 * releases the subject. */
struct timer {
    int64_t due_us; /* monotonic clock */
    void (*run)(void *context, void *subject, bool stopping);
    void *context;
    void *subject;
};

/* A binary heap, the next one first. Zeroed: empty. */
struct timers {
    struct timer *timer;
    size_t count;
    size_t capacity;
};

void timers_add(struct timers *timers, struct timer timer);

/* Runs all that is due at now_us, the earliest first. */
void timers_run(struct timers *timers, int64_t now_us);

/* Returns the microseconds until the next one, 0 when it is due, -1 when there is none. */
int64_t timers_wait_us(const struct timers *timers, int64_t now_us);

/* Runs every timer with stopping set, and frees the heap. */
void timers_release(struct timers *timers);
