/* Notifications of changed records, POSTed to --webhook-url in the order of the changes, those of
 * one record one after the other. */
#pragma once

#include "cmd/genesys-sim/ledger.h"
#include "cmd/genesys-sim/options.h"

#include <stdbool.h>
#include <stdint.h>

struct http_pool;
struct notification;

struct webhooks {
    struct options *options;
    struct ledger *ledger;
    struct http_pool *pool;             /* NULL before the first notification */
    struct notification *first, **end;  /* not sent, or in flight; in the order of the changes */
    struct notification *postponed;     /* for --distort webhook:reordered; NULL: none */
    uint64_t numbers, count, in_flight; /* numbers: of changes so far */
};

/* options and ledger must outlive it. */
void webhooks_init(struct webhooks *webhooks, struct options *options, struct ledger *ledger);
void webhooks_release(struct webhooks *webhooks);

/* Notes a change, if there is a URL. metadata data NULL: the record has none. */
void webhooks_add(struct webhooks *webhooks, const struct ledger_update *update,
                  struct span metadata);

/* Starts what is due. False: libcurl failed. */
bool webhooks_send(struct webhooks *webhooks, int64_t now_us, struct err *err);

/* The microseconds until something is due; -1 when there is nothing. */
int64_t webhooks_wait_us(const struct webhooks *webhooks, int64_t now_us);

/* Works for at most wait_ms, until an answer came, or until fd is readable. */
bool webhooks_work(struct webhooks *webhooks, int wait_ms, int fd, struct err *err);

/* Appends the signature of Standard Webhooks (github.com/standard-webhooks/standard-webhooks,
 * spec/standard-webhooks.md): `v1,BASE64`. secret: whsec_BASE64 or plain text. */
void webhooks_sign(const char *secret, const char *id, const char *timestamp, struct span body,
                   struct buf *out);
