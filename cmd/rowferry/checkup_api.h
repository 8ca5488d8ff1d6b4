/* Checks of `doctor`: the login, one GET, and the clocks of this machine and the server. */
#pragma once

#include "cmd/rowferry/checkup.h"

void check_login(struct checkup *checkup);
void check_api(struct checkup *checkup);
void check_clock(struct checkup *checkup);
