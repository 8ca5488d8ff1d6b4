/* What the simulator swears to: every applied update and every request, one JSON line each, on
 * its way to the disk before the answer leaves. */
#ifndef GENESYS_SIM_LEDGER_H
#define GENESYS_SIM_LEDGER_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* fd is -1 for a file that nobody wants. */
struct ledger {
    int updates_fd;
    int requests_fd;
    uint64_t updates;
    struct buf line;
};

struct ledger_update {
    uint64_t request; /* the seq of its line in the requests; 0 for a foreign update */
    const char *schema;
    const char *id;
    int64_t submitted_version;  /* the new one is this + 1 */
    const char *correlation_id; /* empty: none */
    struct span fields;         /* JSON as it came; its line breaks become spaces */
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
    unsigned status; /* 0: the connection is cut */
    bool applied;
    const char *fault; /* NULL: none */
    uint64_t connection;
    int64_t at_ms;
    struct span body; /* JSON, for ERP requests; data NULL: none */
};

/* Opens both files for appending, made if need be; either path may be NULL. */
bool ledger_open(struct ledger *ledger, const char *updates_path, const char *requests_path,
                 struct err *err);

void ledger_close(struct ledger *ledger);

/* One write(2) a line. False when it did not go out whole. */
bool ledger_add_update(struct ledger *ledger, const struct ledger_update *update, struct err *err);
bool ledger_add_request(struct ledger *ledger, const struct ledger_request *request,
                        struct err *err);

#endif
