/* Group commit: a thread that stores what many requests bring in one transaction after the other,
 * so that one fsync serves all that came meanwhile. */
#pragma once

#include "core/base/err.h"
#include "core/base/histogram.h"
#include "core/store/notification.h"

#include <stdbool.h>
#include <stdint.h>

/* One notification on its way; the caller's, and not touched until it is done. */
struct commit_item {
    struct notification notification;
    bool is_stored; /* when it is done: it is on the disk, now or from before */
    struct commit_item *next;
};

struct catalog;

struct committer_options {
    struct store *store;           /* the thread's own */
    const char *client_id;         /* NULL: not known */
    const struct catalog *catalog; /* of schema files; NULL: none */
    bool delivers_echoes;
    void (*done)(void *context); /* from the thread: items are done, or something became due */
    void *context;
};

struct committer_counts {
    uint64_t groups;
    struct histogram group_size, commit_us;
    struct notification_counts stored; /* of the database, at most a second ago */
    bool is_failing;                   /* the last transaction failed, within the last 10 s */
    struct err err;                    /* ... with this */
};

struct committer;

/* Starts the thread; signals that stop the process are blocked in it. NULL on error. */
struct committer *committer_open(const struct committer_options *options, struct err *err);

/* Stores what was added, and ends the thread; the items are done then. */
void committer_end(struct committer *committer);
void committer_close(struct committer *committer);

/* items: a list by `next`, and its order. */
void committer_add(struct committer *committer, struct commit_item *items);

/* The items that are done, in no order, or NULL. */
struct commit_item *committer_take_done(struct committer *committer);

void committer_count(struct committer *committer, struct committer_counts *counts);
