/* POST /oauth/token: client credentials in, a bearer token out. */
#pragma once

#include "cmd/genesys-sim/sim.h"

void login_answer(struct sim *sim, struct request *request);
