/* POST /oauth/token: client credentials in, a bearer token out. */
#ifndef GENESYS_SIM_LOGIN_H
#define GENESYS_SIM_LOGIN_H

#include "cmd/genesys-sim/sim.h"

void login_answer(struct sim *sim, struct request *request);

#endif
