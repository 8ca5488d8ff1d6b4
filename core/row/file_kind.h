/* Recognizes files that are not text by their first bytes. */
#pragma once

#include "core/base/str.h"

enum {
    FILE_KIND_SIZE = 512, /* bytes at the beginning of a file that are looked at */
    FILE_KIND_FAULT_SIZE = 200,
};

/* Returns whether a file that begins so is not text in any encoding that can be declared; out: what
 * it is, and what to do: `a PDF document: ...`. delimiter: as declared, or 0; a control character
 * counts as text then. */
bool file_kind_fault(struct span first, char delimiter, char out[FILE_KIND_FAULT_SIZE]);

/* Returns what a CSV file is and what to do if it begins like JSON, with `{"` or `[{`; else NULL.
 */
const char *file_kind_json(struct span first);
