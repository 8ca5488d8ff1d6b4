/* Requests below /sim: statistics, records as they are, foreign updates, options. */
#ifndef GENESYS_SIM_CONTROL_H
#define GENESYS_SIM_CONTROL_H

#include "cmd/genesys-sim/sim.h"

void control_answer(struct sim *sim, struct request *request);

#endif
