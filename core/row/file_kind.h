/* Files that are no text, whatever their name says, by their first bytes. */
#ifndef ROWFERRY_ROW_FILE_KIND_H
#define ROWFERRY_ROW_FILE_KIND_H

#include "core/base/str.h"

enum {
    FILE_KIND_SIZE = 512, /* bytes of a file that say what it is */
    FILE_KIND_FAULT_SIZE = 200,
};

/* Whether a file that begins so is no text in an encoding that can be declared; out: what it is,
 * and what to do: `a PDF document: ...`. delimiter: a control character that is declared to be
 * between cells counts as text; 0: none is. */
bool file_kind_fault(struct span first, char delimiter, char out[FILE_KIND_FAULT_SIZE]);

/* Whether a CSV file begins as JSON does, with `{"` or `[{`, and so has no header row: what it is,
 * and what to do; else NULL. */
const char *file_kind_json(struct span first);

#endif
