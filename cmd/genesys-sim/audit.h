/* GET .../records/auditlogs: one page of the audit entries of some records. */
#pragma once

#include "cmd/genesys-sim/sim.h"

void audit_answer(struct sim *sim, struct request *request);
