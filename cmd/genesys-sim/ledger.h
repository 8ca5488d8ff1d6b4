/* The ledgers: every applied update and every request as one JSON line, written before the answer
 * is sent. */
#pragma once

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum ledger_file { LEDGER_UPDATES, LEDGER_REQUESTS, LEDGER_NOTIFICATIONS, LEDGER_FILES };

/* fd is -1 for a file that was not asked for. */
struct ledger {
    int fd[LEDGER_FILES];
    uint64_t updates;
    struct buf line;
};

struct ledger_update {
    uint64_t request; /* seq of its request; 0 for a foreign update */
    const char *schema;
    const char *id;
    int64_t submitted_version;  /* the new one is this + 1 */
    const char *correlation_id; /* empty: none */
    struct span fields;         /* JSON as received; line breaks become spaces */
    struct span state;          /* JSON of the record afterwards; data NULL: fields */
    struct span source;         /* a JSON string with its quotes; data NULL: none */
    int64_t at_ms;
    bool foreign;
};

struct ledger_request {
    uint64_t seq;
    const char *kind;
    const char *schema; /* NULL: none */
    const char *id;     /* NULL: none */
    int64_t version;    /* negative: none */
    const char *correlation_id;
    unsigned status; /* 0: closed without an answer */
    bool applied;
    unsigned rows;     /* of a bulk request; 0: none */
    const char *fault; /* NULL: none */
    uint64_t connection;
    int64_t at_ms;
    struct span body;                         /* JSON, for ERP requests; data NULL: none */
    const char *idempotency_key, *webhook_id; /* of ERP requests; NULL: none */
};

/* One attempt to send a notification. */
struct ledger_notification {
    uint64_t number; /* the changes of records, counted from 1 */
    const char *webhook_id;
    const char *id;                /* of the record */
    unsigned attempt;              /* from 1 */
    long status;                   /* 0: no complete answer */
    const char *error, *distorted; /* NULL or empty: none */
    int64_t at_ms, ended_ms;
    const char *timestamp, *signature, *hub; /* as sent; NULL: not */
    struct span body;
};

#define LEDGER_CLOSED ((struct ledger){.fd = {-1, -1, -1}})

/* Opens the files for appending, and creates them if missing; each path can be NULL. */
bool ledger_open(struct ledger *ledger, const char *const paths[LEDGER_FILES], struct err *err);

void ledger_close(struct ledger *ledger);

/* Write one line with one write(2). False when it was not written completely. */
bool ledger_add_update(struct ledger *ledger, const struct ledger_update *update, struct err *err);
bool ledger_add_request(struct ledger *ledger, const struct ledger_request *request,
                        struct err *err);

/* Writes a line when the attempt has ended. */
bool ledger_add_notification(struct ledger *ledger, const struct ledger_notification *sent,
                             struct err *err);
