/* GET .../records/auditlogs: one page of the audit entries of some records. */
#ifndef GENESYS_SIM_AUDIT_H
#define GENESYS_SIM_AUDIT_H

#include "cmd/genesys-sim/sim.h"

void audit_answer(struct sim *sim, struct request *request);

#endif
