/* Checks of `doctor`: what was set, schema files, and the inbox. */
#pragma once

#include "cmd/rowferry/checkup.h"

void check_configuration(struct checkup *checkup);
void check_schemas(struct checkup *checkup);
void check_inbox(struct checkup *checkup);
