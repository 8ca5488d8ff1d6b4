/* Forms of cells of which an encoding can express everything that is written. Private to the
 * writer.
 */
#pragma once

#include "core/row/cell_form.h"

struct recoder;

/* Copies forms without the units and words that the encoding lacks: none of them was in a file in
 * that encoding. A unit can be left out. Texts stay those of the forms. The caller frees it. */
struct cell_form *encodable_forms(const struct cell_form *forms, size_t count,
                                  struct recoder *encoder);

/* NULL is allowed. */
void encodable_forms_free(struct cell_form *forms, size_t count);
