/* The simulator without its sockets: a request goes in, its answer and delay come out. */
#ifndef GENESYS_SIM_SIM_H
#define GENESYS_SIM_SIM_H

#include "cmd/genesys-sim/answer.h"
#include "cmd/genesys-sim/ledger.h"
#include "cmd/genesys-sim/options.h"
#include "cmd/genesys-sim/payload.h"
#include "cmd/genesys-sim/records.h"
#include "cmd/genesys-sim/routes.h"
#include "cmd/genesys-sim/timers.h"
#include "cmd/genesys-sim/tokens.h"
#include "core/base/err.h"

/* One connection; served counts the answers it got whole. */
struct client {
    uint64_t number;
    uint64_t served;
};

/* Header values and method are borrowed from the connection, NULL where the header is missing.
 * body holds what fits into BODY_MAX; body_size counts all of it. */
struct request {
    const char *method;
    const char *authorization;
    const char *content_type;
    char *target;
    const struct client *client;
    struct buf body;
    size_t body_size;

    uint64_t seq;
    int64_t at_ms;
    struct route route;
    struct payload payload;
    bool payload_ok;
    struct err problem; /* why payload_ok is false */
    const char *fault;  /* NULL: none */
    bool applied;
    bool early; /* to be answered before its body is read */
    bool late;  /* to be applied when the connection is gone */

    struct answer answer;
    int64_t delay_us; /* before the answer, or the cut */
};

struct stats {
    uint64_t requests[ROUTE_KINDS];
    uint64_t faults[FAULT_KINDS];
    uint64_t applied, foreign, throttled, connections;
    uint64_t logins, logins_peak; /* in flight now; most that ever were */
};

/* One thread uses it. failed is set, with err, when a ledger line could not be written; from then
 * on nothing is answered, and the process should end. */
struct sim {
    struct options *options;
    struct records records;
    struct tokens tokens;
    struct ledger ledger;
    struct timers timers;
    struct stats stats;
    uint64_t request_seq;
    uint64_t context_seq;
    bool failed;
    struct err err;
};

/* Loads seeds and opens the ledgers; options stay the caller's and have to outlive sim. On failure
 * sim_close is still due. */
bool sim_open(struct sim *sim, struct options *options, struct err *err);
void sim_close(struct sim *sim);

/* The request's headers are there: finds its route, and whether it is to be answered at once. */
void sim_begin(struct sim *sim, struct request *request);

/* Decides a request that is complete, or early: everything it changes is changed and written down
 * on return, but for late updates, which sim->timers will run. */
void sim_answer(struct sim *sim, struct request *request);

/* The answer went out, or the connection is gone. */
void sim_end(struct sim *sim, const struct request *request);

void request_release(struct request *request);

#endif
