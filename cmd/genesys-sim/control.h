/* Requests below /sim: statistics, records as they are, foreign updates, options. */
#pragma once

#include "cmd/genesys-sim/sim.h"

void control_answer(struct sim *sim, struct request *request);
