#include "core/drain/keeper.h"

#include "core/base/crash.h"
#include "core/base/mem.h"

#include <pthread.h>
#include <stdlib.h>

enum { CACHE_KIB = 8000 }; /* the rest is for the jobs in hand */

enum turn_state { TURN_NONE, TURN_HANDED, TURN_FINISHED };

struct keeper {
    struct store *store;
    void (*wake)(void *context);
    void *context;
    pthread_t thread;
    bool idle; /* for the loop alone: no turn is handed over */

    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t changed;
    enum turn_state state;
    bool closing;
    struct exchange *exchange;
    bool fine;
    struct err err;
};

static void *work(void *argument)
{
    struct keeper *keeper = argument;

    pthread_mutex_lock(&keeper->mutex);
    for (;;) {
        while (keeper->state != TURN_HANDED && !keeper->closing)
            pthread_cond_wait(&keeper->changed, &keeper->mutex);
        if (keeper->state != TURN_HANDED)
            break;
        pthread_mutex_unlock(&keeper->mutex);
        keeper->fine = jobs_exchange(keeper->store, keeper->exchange, &keeper->err);
        crash_point(CRASH_TURN_COMMITTED);
        pthread_mutex_lock(&keeper->mutex);
        keeper->state = TURN_FINISHED;
        keeper->wake(keeper->context);
    }
    pthread_mutex_unlock(&keeper->mutex);
    return NULL;
}

struct keeper *keeper_open(const char *database, void (*wake)(void *context), void *context,
                           struct err *err)
{
    struct keeper *keeper = mem_calloc(1, sizeof *keeper);
    bool created;

    keeper->wake = wake;
    keeper->context = context;
    keeper->idle = true;
    keeper->store = store_open(database, STORE_EXISTING, &created, err);
    if (!keeper->store || !store_set_cache(keeper->store, CACHE_KIB, err)) {
        store_close(keeper->store);
        free(keeper);
        return NULL;
    }
    pthread_mutex_init(&keeper->mutex, NULL);
    pthread_cond_init(&keeper->changed, NULL);
    if (pthread_create(&keeper->thread, NULL, work, keeper) != 0) {
        err_set(err, ERR_INTERNAL, "cannot start a thread");
        store_close(keeper->store);
        free(keeper);
        return NULL;
    }
    return keeper;
}

void keeper_close(struct keeper *keeper)
{
    if (!keeper)
        return;
    pthread_mutex_lock(&keeper->mutex);
    keeper->closing = true;
    pthread_cond_signal(&keeper->changed);
    pthread_mutex_unlock(&keeper->mutex);
    pthread_join(keeper->thread, NULL);
    pthread_mutex_destroy(&keeper->mutex);
    pthread_cond_destroy(&keeper->changed);
    store_close(keeper->store);
    free(keeper);
}

bool keeper_is_idle(const struct keeper *keeper)
{
    return keeper->idle;
}

void keeper_hand(struct keeper *keeper, struct exchange *exchange)
{
    keeper->idle = false;
    pthread_mutex_lock(&keeper->mutex);
    keeper->exchange = exchange;
    keeper->state = TURN_HANDED;
    pthread_cond_signal(&keeper->changed);
    pthread_mutex_unlock(&keeper->mutex);
}

bool keeper_take(struct keeper *keeper, bool *done, struct err *err)
{
    bool fine = true;

    pthread_mutex_lock(&keeper->mutex);
    *done = keeper->state == TURN_FINISHED;
    if (*done) {
        keeper->state = TURN_NONE;
        keeper->idle = true;
        fine = keeper->fine;
        if (!fine)
            *err = keeper->err;
    }
    pthread_mutex_unlock(&keeper->mutex);
    return fine;
}
