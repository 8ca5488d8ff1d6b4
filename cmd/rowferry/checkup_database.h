/* Checks of `doctor`: the database, and who works on it; nothing is changed. */
#pragma once

#include "cmd/rowferry/checkup.h"

void check_database(struct checkup *checkup);
void check_folder(struct checkup *checkup);
void check_integrity(struct checkup *checkup);
void check_counters(struct checkup *checkup);
void check_work(struct checkup *checkup);
