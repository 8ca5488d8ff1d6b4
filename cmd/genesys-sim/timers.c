#include "cmd/genesys-sim/timers.h"

#include "core/base/mem.h"

#include <stdlib.h>

static void swap(struct timer *a, struct timer *b)
{
    struct timer kept = *a;

    *a = *b;
    *b = kept;
}

void timers_add(struct timers *timers, struct timer timer)
{
    size_t i = timers->count;

    if (timers->count == timers->capacity) {
        timers->capacity = timers->capacity ? timers->capacity * 2 : 64;
        timers->timer = mem_resize(timers->timer, timers->capacity, sizeof *timers->timer);
    }
    timers->timer[timers->count++] = timer;
    while (i > 0 && timers->timer[(i - 1) / 2].due_us > timers->timer[i].due_us) {
        swap(&timers->timer[(i - 1) / 2], &timers->timer[i]);
        i = (i - 1) / 2;
    }
}

static struct timer take_first(struct timers *timers)
{
    struct timer first = timers->timer[0];
    size_t i = 0;

    timers->timer[0] = timers->timer[--timers->count];
    for (;;) {
        size_t least = i;

        for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < timers->count; child++)
            if (timers->timer[child].due_us < timers->timer[least].due_us)
                least = child;
        if (least == i)
            return first;
        swap(&timers->timer[i], &timers->timer[least]);
        i = least;
    }
}

void timers_run(struct timers *timers, int64_t now_us)
{
    while (timers->count && timers->timer[0].due_us <= now_us) {
        struct timer timer = take_first(timers);

        timer.run(timer.context, timer.subject, false);
    }
}

int64_t timers_wait_us(const struct timers *timers, int64_t now_us)
{
    if (!timers->count)
        return -1;
    return timers->timer[0].due_us > now_us ? timers->timer[0].due_us - now_us : 0;
}

void timers_release(struct timers *timers)
{
    while (timers->count) {
        struct timer timer = take_first(timers);

        timer.run(timer.context, timer.subject, true);
    }
    free(timers->timer);
    *timers = (struct timers){0};
}
