/* The last check of `doctor --probe`: the record is put back. */
#pragma once

#include "cmd/rowferry/checkup.h"

/* Puts the record back, also after a signal, if anything was sent; but not over a change by
 * somebody else. */
void check_restored(struct checkup *checkup);
