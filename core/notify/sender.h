/* Delivers pending notifications to the ERP: at least once, in order for each record, several
 * records at a time. */
#pragma once

#include "core/base/err.h"
#include "core/base/histogram.h"
#include "core/base/notice.h"
#include "core/http/pool.h"
#include "core/notify/signature.h"
#include "core/store/delivery.h"
#include "core/store/lock.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    SENDER_TIMEOUT_MS = 5000,
    SENDER_BACKOFF_MS = 1000, /* after the first try; doubled each time */
    SENDER_BACKOFF_MAX_MS = 300000,
    SENDER_WAIT_MAX_MS = 3600000, /* that a Retry-After is obeyed */
};

struct sender_options {
    const char *endpoint; /* checked by sender_check */
    const char *ca_file, *user_agent;
    const struct signature_keys *keys; /* NULL: unsigned */
    unsigned concurrency;
    unsigned max_tries; /* of one delivery; 0: without end */
    int64_t run_id;
    int64_t max_wait_ms; /* a longer Retry-After ends it; 0: none does */
    const struct notice_sink *notices;
};

/* ERR_CONFIG: not an absolute URL, user names in it, or plain http to a host that is not loopback.
 */
bool sender_check(const char *endpoint, struct err *err);

struct sender_counts {
    uint64_t delivered, failed, retried; /* retried: attempts that have to be made again */
    uint64_t throttled;
    struct histogram latency_us; /* of complete answers */
};

enum sender_end {
    SENDER_AT_WORK,
    SENDER_DONE,      /* nothing is due any more, and nothing will be */
    SENDER_EXHAUSTED, /* the ERP does not work; of max_tries alone */
    SENDER_PARKED,    /* it asks to wait longer than max_wait_ms */
    SENDER_UNTRUSTED, /* its certificate is not trusted; of max_tries alone */
};

struct sender;

/* The store is the sender's until it is closed; the options stay the caller's. NULL on error. */
struct sender *sender_open(struct store *store, const struct sender_options *options,
                           struct err *err);

/* Ends what is in flight without an answer: it is delivered again. */
void sender_close(struct sender *sender);

/* Begins to count tries, and takes over the wait that the ERP asked an earlier run for; under
 * LOCK_DELIVERY. */
bool sender_begin(struct sender *sender, struct err *err);

/* Settles what was answered, sends what is due, and waits up to wait_ms for more, or until fd (or
 * -1) is readable or sender_wake was called. stopping: nothing more is sent, and SENDER_DONE means
 * that nothing is in flight. */
bool sender_turn(struct sender *sender, bool stopping, int wait_ms, int fd, enum sender_end *end,
                 struct err *err);

/* Signs with these keys from now on, which stay the caller's; between two turns. */
void sender_use_keys(struct sender *sender, const struct signature_keys *keys);

/* From any thread: something new is due. */
void sender_wake(struct sender *sender);

const struct sender_counts *sender_counts(const struct sender *sender);

/* What the last answer that was not a 2xx said; "" while there is none. */
const char *sender_trouble(const struct sender *sender);

/* What an answer means for a delivery with so many tries before it; dice: 0 to 1. Pure. */
void sender_settle(struct delivery_outcome *outcome, const struct http_answer *answer,
                   unsigned tries, double dice, int64_t now_ms);
