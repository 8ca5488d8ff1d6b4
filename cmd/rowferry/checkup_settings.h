/* Checks of `doctor`: what was set, schema files, and the inbox. */
#ifndef ROWFERRY_CMD_CHECKUP_SETTINGS_H
#define ROWFERRY_CMD_CHECKUP_SETTINGS_H

#include "cmd/rowferry/checkup.h"

void check_configuration(struct checkup *checkup);
void check_schemas(struct checkup *checkup);
void check_inbox(struct checkup *checkup);

#endif
