/* Member names of one object that are the same: private to the scanner. */
#ifndef ROWFERRY_ROW_JSON_NAMES_H
#define ROWFERRY_ROW_JSON_NAMES_H

#include "core/row/json.h"

#include <stdbool.h>
#include <stdint.h>

/* Looks through the direct members of tokens[object], which is complete; text and base are those of
 * json_scan. True, with the index of the name's token, when a name was there before, escapes
 * decoded. Time grows with the number of members only; memory is the tape's and used again. */
bool json_names_repeat(struct json_tape *tape, uint32_t object, const char *text, uint32_t base,
                       uint32_t *name_index);

void json_scratch_release(struct json_scratch *scratch);

#endif
