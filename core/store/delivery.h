/* The outbox: notifications on their way to the ERP, in order for each record. */
#pragma once

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/store/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum delivery_state { DELIVERY_PENDING, DELIVERY_DELIVERED, DELIVERY_FAILED };

enum {
    DELIVERY_ERROR_SIZE = 256,
    DELIVERY_WAIT_MAX_MS =
        600000, /* between two tries; a later time is of a clock that was ahead */
};

/* What is sent. Used again for one after the other; zeroed means fresh. */
struct delivery {
    int64_t id;
    unsigned attempts;
    unsigned tries;        /* of these, since deliveries_begin */
    unsigned char key[16]; /* of the notification: the same whenever it is sent again */
    struct buf record_id, body;
};

void delivery_release(struct delivery *delivery);

/* At the start of a sender, under its lock: what waited for another try is due now, and tries are
 * counted from here on. */
bool deliveries_begin(struct store *store, int64_t now_ms, struct err *err);

struct delivery_due {
    int64_t id;
    bool is_repeated; /* it has been tried since deliveries_begin */
};

struct delivery_list {
    struct delivery_due *items; /* with room for max */
    size_t max, count;
};

/* The deliveries that are due and have been tried less than `tries` times, in the order in which
 * they became due; at most `repeated` that were tried before. *next_due_ms: when
 * the first of the others is; 0: none is. Of a record it is the oldest one that is pending, and one
 * that `retry` put back. What is in flight is among them until it is settled. What was entered or
 * put off by a clock that was ahead, is due at the next call. */
bool deliveries_due(struct store *store, int64_t now_ms, unsigned tries, struct delivery_list *list,
                    size_t repeated, int64_t *next_due_ms, struct err *err);

/* The deliveries that are due and have not been tried since deliveries_begin, the newest first. */
bool deliveries_newest(struct store *store, int64_t now_ms, struct delivery_list *list,
                       struct err *err);

bool delivery_read(struct store *store, int64_t id, struct delivery *delivery, struct err *err);

/* How an attempt ended. */
struct delivery_outcome {
    int64_t id;
    enum delivery_state state;
    unsigned attempts;               /* with this one */
    int64_t not_before_ms;           /* of a pending one */
    int http_status;                 /* 0: no answer came */
    char error[DELIVERY_ERROR_SIZE]; /* "" where it was delivered */
};

/* Writes them in one transaction. After a delivery that is finished, the next one of its record
 * becomes due. */
bool deliveries_settle(struct store *store, const struct delivery_outcome *outcomes, size_t count,
                       int64_t now_ms, struct err *err);

/* Which of the failed deliveries; zeroed means all. */
struct delivery_choice {
    struct span record_id; /* only of this record; empty: of each */
    int64_t since_ms;      /* only what failed then or later */
};

struct delivery_failed {
    int64_t id;
    struct span schema, record_id, error;
    int http_status;
    int64_t later_id; /* of the record's last notification that was delivered after it; 0: none */
};

/* Visits the failed deliveries, oldest first. */
bool deliveries_failed(struct store *store, const struct delivery_choice *choice,
                       void (*visit)(void *context, const struct delivery_failed *failed),
                       void *context, struct err *err);

/* Puts the failed deliveries back to pending in one transaction: the oldest of each record is due
 * now. */
bool deliveries_retry(struct store *store, const struct delivery_choice *choice, int64_t now_ms,
                      uint64_t *count, struct err *err);

/* Inside core/store only: the caller counts. */

/* Enters the delivery of a notification that has none; waits: its notification may still be an
 * echo. */
bool delivery_begin(struct store *store, int64_t id, struct span record_id, bool waits,
                    int64_t now_ms, struct err *err);

/* The notification is an echo after all. */
bool delivery_drop(struct store *store, int64_t id, struct span record_id, int64_t now_ms,
                   struct err *err);

/* The delivery waits for nothing but the earlier ones of its record. */
bool delivery_free(struct store *store, int64_t id, struct span record_id, int64_t now_ms,
                   struct err *err);
