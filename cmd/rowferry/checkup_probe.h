/* Checks of `doctor --probe RECORD`: one record is read, updated a few times, and put back; what
 * the API makes of that is compared with the target's description (docs/targets.md). */
#pragma once

#include "cmd/rowferry/checkup.h"

/* In this order. check_record finds the schema and reads the record; check_update asks first. */
void check_record(struct checkup *checkup);
void check_update(struct checkup *checkup);
void check_token(struct checkup *checkup);
void check_absent(struct checkup *checkup);
void check_stale(struct checkup *checkup);
