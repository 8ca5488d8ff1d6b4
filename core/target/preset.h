/* The presets, and how a description is applied over one. */
#pragma once

#include "core/base/buf.h"
#include "core/row/json.h"

#include <stdint.h>

/* Made by the Makefile from presets/: the name of each file without .json, and its text, in the
 * order of the names. */
struct preset {
    const char *name, *text;
};
extern const struct preset presets[];
extern const unsigned preset_count;

/* Returns the text of the preset, or NULL. */
const char *preset_find(struct span name);

/* Appends the names of all presets, with commas between them. */
void preset_list(struct buf *out);

/* Appends `base` with the value at a token of another tape over it: members of objects one by one,
 * anything else in place of what base has. Both texts have passed json_scan; base can be the tape
 * of an empty text. The result has no white space between its tokens. */
void preset_lay_over(struct buf *out, const char *base, const struct json_tape *base_tape,
                     const char *text, const struct json_tape *tape, uint32_t token);
