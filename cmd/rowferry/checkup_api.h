/* Checks of `doctor`: the login, one GET, and the clocks of this machine and the server. */
#ifndef ROWFERRY_CMD_CHECKUP_API_H
#define ROWFERRY_CMD_CHECKUP_API_H

#include "cmd/rowferry/checkup.h"

void check_login(struct checkup *checkup);
void check_api(struct checkup *checkup);
void check_clock(struct checkup *checkup);

#endif
