/* POST /erp: the ERP endpoint that webhook notifications are forwarded to. */
#pragma once

#include "cmd/genesys-sim/sim.h"

/* Reads the body: sets schema and record id of request->route, and payload_ok or problem. */
void erp_read(struct request *request);

void erp_answer(struct sim *sim, struct request *request);
