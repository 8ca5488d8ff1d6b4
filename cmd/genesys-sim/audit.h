/* GET .../records/auditlogs: one page of what happened to the records named. */
#ifndef GENESYS_SIM_AUDIT_H
#define GENESYS_SIM_AUDIT_H

#include "cmd/genesys-sim/sim.h"

void audit_answer(struct sim *sim, struct request *request);

#endif
