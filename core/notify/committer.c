#include "core/notify/committer.h"

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/notify/echo.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { GROUP_MAX = 1024, LOOK_EVERY_US = 1000000, FAILING_US = 10000000 };

struct committer {
    struct committer_options options;
    struct echo echo;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t added;
    struct commit_item *waiting, **last; /* in the order of their coming */
    struct commit_item *done;
    bool is_closing, has_ended;
    struct committer_counts counts;
    struct notification *group[GROUP_MAX]; /* the thread's */
    int64_t looked_us, failed_us;
};

/* Takes up to GROUP_MAX items off the queue, waiting for the first until it is time to look at
 * notifications that wait for jobs. *end: nothing is left, and nothing will come. */
static struct commit_item *take(struct committer *committer, bool *end)
{
    struct commit_item *first, *item;
    struct timespec until;
    bool is_late = false;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec++;
    pthread_mutex_lock(&committer->mutex);
    while (!committer->waiting && !committer->is_closing && !is_late)
        is_late = pthread_cond_timedwait(&committer->added, &committer->mutex, &until) == ETIMEDOUT;
    first = item = committer->waiting;
    *end = !first && committer->is_closing;
    for (unsigned count = 1; item && item->next && count < GROUP_MAX; count++)
        item = item->next;
    if (item) {
        committer->waiting = item->next;
        item->next = NULL;
    }
    if (!committer->waiting)
        committer->last = &committer->waiting;
    pthread_mutex_unlock(&committer->mutex);
    return first;
}

static void note_failure(struct committer *committer, const struct err *err)
{
    committer->counts.is_failing = true;
    committer->counts.err = *err;
    committer->failed_us = clock_monotonic_us();
}

static struct notification_decider decider_of(struct committer *committer)
{
    return (struct notification_decider){
        .decide = echo_of_store,
        .knows = committer->options.catalog ? echo_knows : NULL,
        .context = &committer->echo,
        .delivers_echoes = committer->options.delivers_echoes,
    };
}

static void store_group(struct committer *committer, struct commit_item *first)
{
    const struct notification_decider decider = decider_of(committer);
    int64_t began_us = clock_monotonic_us();
    struct commit_item *last = first;
    struct err err = {0};
    size_t count = 0;
    bool fine;

    for (struct commit_item *item = first; item; item = item->next) {
        committer->group[count++] = &item->notification;
        last = item;
    }
    fine = notifications_add(committer->options.store, committer->group, count, &decider,
                             clock_now_ms(), &err) &&
           store_is_in_place(committer->options.store, &err);
    for (struct commit_item *item = first; item; item = item->next)
        item->is_stored = fine;
    pthread_mutex_lock(&committer->mutex);
    if (!fine)
        note_failure(committer, &err);
    committer->counts.is_failing = !fine;
    committer->counts.groups++;
    histogram_add(&committer->counts.group_size, count);
    histogram_add(&committer->counts.commit_us, (uint64_t)(clock_monotonic_us() - began_us));
    last->next = committer->done;
    committer->done = first;
    pthread_mutex_unlock(&committer->mutex);
    committer->options.done(committer->options.context);
}

/* Jobs may have finished, and others change the counters too. */
static void look(struct committer *committer)
{
    const struct notification_decider decider = decider_of(committer);
    int64_t now_us = clock_monotonic_us();
    struct notification_counts counts;
    uint64_t decided = 0;
    struct err err = {0};
    bool fine;

    if (now_us - committer->looked_us < LOOK_EVERY_US)
        return;
    committer->looked_us = now_us;
    fine =
        notifications_decide(committer->options.store, &decider, clock_now_ms(), &decided, &err) &&
        notification_count(committer->options.store, &counts, &err) &&
        store_is_in_place(committer->options.store, &err);
    pthread_mutex_lock(&committer->mutex);
    if (!fine)
        note_failure(committer, &err);
    else
        committer->counts.stored = counts;
    if (fine && now_us - committer->failed_us > FAILING_US)
        committer->counts.is_failing = false;
    pthread_mutex_unlock(&committer->mutex);
    if (decided > 0)
        committer->options.done(committer->options.context);
}

static void *work(void *context)
{
    struct committer *committer = context;
    bool end = false;

    while (!end) {
        struct commit_item *first = take(committer, &end);

        if (first)
            store_group(committer, first);
        look(committer);
    }
    return NULL;
}

struct committer *committer_open(const struct committer_options *options, struct err *err)
{
    struct committer *committer = mem_calloc(1, sizeof *committer);
    pthread_condattr_t monotonic;
    int code;

    committer->options = *options;
    committer->echo.store = options->store;
    committer->echo.client_id = options->client_id;
    committer->echo.catalog = options->catalog;
    committer->last = &committer->waiting;
    /* for metrics before the first look, which reports what fails */
    notification_count(options->store, &committer->counts.stored, &(struct err){0});
    pthread_mutex_init(&committer->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&committer->added, &monotonic);
    pthread_condattr_destroy(&monotonic);
    code = pthread_create(&committer->thread, NULL, work, committer);
    if (code == 0)
        return committer;
    err_set(err, ERR_INTERNAL, "cannot start a thread: %s", strerror(code));
    free(committer);
    return NULL;
}

void committer_end(struct committer *committer)
{
    if (committer->has_ended)
        return;
    pthread_mutex_lock(&committer->mutex);
    committer->is_closing = true;
    pthread_cond_signal(&committer->added);
    pthread_mutex_unlock(&committer->mutex);
    pthread_join(committer->thread, NULL);
    committer->has_ended = true;
}

void committer_close(struct committer *committer)
{
    if (!committer)
        return;
    committer_end(committer);
    pthread_cond_destroy(&committer->added);
    pthread_mutex_destroy(&committer->mutex);
    echo_release(&committer->echo);
    free(committer);
}

void committer_add(struct committer *committer, struct commit_item *items)
{
    struct commit_item *last = items;

    while (last->next)
        last = last->next;
    pthread_mutex_lock(&committer->mutex);
    *committer->last = items;
    committer->last = &last->next;
    pthread_cond_signal(&committer->added);
    pthread_mutex_unlock(&committer->mutex);
}

struct commit_item *committer_take_done(struct committer *committer)
{
    struct commit_item *done;

    pthread_mutex_lock(&committer->mutex);
    done = committer->done;
    committer->done = NULL;
    pthread_mutex_unlock(&committer->mutex);
    return done;
}

void committer_count(struct committer *committer, struct committer_counts *counts)
{
    pthread_mutex_lock(&committer->mutex);
    *counts = committer->counts;
    pthread_mutex_unlock(&committer->mutex);
}
