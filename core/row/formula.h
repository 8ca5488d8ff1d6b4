/* Cells that a spreadsheet evaluates. */
#pragma once

#include "core/base/str.h"

/* Returns whether a spreadsheet can take a cell for a formula: after any blanks it begins with = +
 * - @ (also in full width), a tab or a carriage return, and is not a number. */
bool formula_is(struct span content);
