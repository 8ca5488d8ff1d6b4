/* What a schema file has to declare so that a cell is read: for messages. */
#pragma once

#include "core/row/cell_form.h"

/* Appends `; ` and what to declare so that such a cell is read, or nothing if that is unclear.
 * form: what is declared, or NULL. types: a set of enum row_type. */
void cell_hint(const struct cell_form *form, struct span property, unsigned types,
               struct span content, struct buf *out);

/* The same for a string that is not a date, or not a date-time, of RFC 3339. */
void cell_hint_date(struct span property, bool with_time, struct span content, struct buf *out);

/* Returns whether a text next to the digits can be a unit: it is short, has only visible
 * characters, and does not change the number, as a dash or CR (credit) does. */
bool cell_hint_is_unit(struct span text);
