/* One function a kind of request: each fills request->answer. */
#ifndef GENESYS_SIM_HANDLERS_H
#define GENESYS_SIM_HANDLERS_H

#include "cmd/genesys-sim/ledger.h"
#include "cmd/genesys-sim/options.h"
#include "core/base/str.h"

#include <stdbool.h>

struct record_state;
struct request;
struct sim;

void put_answer(struct sim *sim, struct request *request);
void get_answer(struct sim *sim, struct request *request);
void audit_answer(struct sim *sim, struct request *request);
void login_answer(struct sim *sim, struct request *request);
void erp_answer(struct sim *sim, struct request *request);

/* Reads an ERP body: names into request->route, payload_ok or problem. */
void erp_read(struct request *request);

/* Everything below /sim. */
void control_answer(struct sim *sim, struct request *request);

/* True, with the answer filled in, when an option fixes the answer for requests of this scope about
 * the record. */
bool fixed_answer(struct sim *sim, struct request *request, enum answer_scope scope,
                  const char *id);

/* True when value is the media type, parameters or not. */
bool media_type_is(const char *value, const char *type);

enum update_result { UPDATE_APPLIED, UPDATE_MISSING, UPDATE_CONFLICT, UPDATE_FAILED };

/* Applies one update if submitted_version is the record's: ledger first, then the record. metadata
 * data NULL: none; at_ms is filled in here. *state is set when applied. FAILED: the ledger could
 * not be written, see sim->err. */
enum update_result update_apply(struct sim *sim, struct ledger_update *update, struct span metadata,
                                const struct record_state **state);

/* The JSON of a record in a state; NULL stands for one never seen. */
void record_append(struct buf *out, const struct sim *sim, const char *id,
                   const struct record_state *state);

/* The 429, or the login's 400, with the wait told as --retry-after says. */
void throttle_answer(struct sim *sim, struct request *request, int64_t wait_ms);

#endif
