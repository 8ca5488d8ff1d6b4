/* What the simulator remembers, and what several kinds of requests do with it. */
#pragma once

#include "cmd/genesys-sim/ledger.h"
#include "cmd/genesys-sim/options.h"
#include "cmd/genesys-sim/records.h"
#include "cmd/genesys-sim/request.h"
#include "cmd/genesys-sim/timers.h"
#include "cmd/genesys-sim/tokens.h"
#include "cmd/genesys-sim/webhooks.h"

struct stats {
    uint64_t requests[ROUTE_KINDS];
    uint64_t faults[FAULT_KINDS];
    uint64_t applied, foreign, throttled, connections;
    uint64_t logins, logins_peak; /* in flight now; the most so far */
};

/* One thread uses it. failed is set, with err, when a ledger line could not be written; from then
 * on nothing is answered, and the process should end. */
struct sim {
    struct options *options;
    struct records records;
    struct tokens tokens;
    struct ledger ledger;
    struct timers timers;
    struct webhooks webhooks;
    struct stats stats;
    uint64_t request_seq;
    uint64_t context_seq;
    bool failed;
    struct err err;
};

/* Loads seeds and opens the ledgers. The caller owns options, which must outlive sim, and calls
 * sim_close after a failure too. */
bool sim_open(struct sim *sim, struct options *options, struct err *err);
void sim_close(struct sim *sim);

enum update_result { UPDATE_APPLIED, UPDATE_MISSING, UPDATE_CONFLICT, UPDATE_FAILED };

/* Applies one update if submitted_version is the record's: ledger first, then the record. metadata
 * data NULL: none; update->at_ms is filled in here. FAILED: the ledger could not be written. */
enum update_result sim_update(struct sim *sim, struct ledger_update *update, struct span metadata);

/* The same for a record of any version, or none. False: the ledger could not be written. */
bool sim_apply(struct sim *sim, struct ledger_update *update, struct span metadata);

/* Fills in the answer of a request about a record: the record as it was at at_ms, distorted by what
 * is drawn for scope (DISTORT_SCOPES: not at all), or 404. */
void sim_answer_record(struct sim *sim, struct request *request, enum distort_scope scope,
                       int64_t at_ms);

/* Fills in the 429, or the 400 of the login, with the wait in the form of --retry-after. */
void sim_answer_throttled(struct sim *sim, struct request *request, int64_t wait_ms);

/* True, with the answer filled in, when --answer fixes it for requests of this scope about id. */
bool sim_answer_fixed(struct sim *sim, struct request *request, enum answer_scope scope,
                      const char *id);
