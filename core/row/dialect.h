/* How the CSV files of an object are written, where that is not as RFC 4180 has it: what its schema
 * file declares under x-rowferry `csv`, `columns` and `formats`. Zeroed: nothing is declared. */
#ifndef ROWFERRY_ROW_DIALECT_H
#define ROWFERRY_ROW_DIALECT_H

#include "core/base/str.h"
#include "core/row/encoding.h"

#include <stdint.h>

struct cell_form;

/* A column that is not named as what it fills. */
struct row_column {
    struct span name;   /* in the header row */
    struct span target; /* a property or a reserved column; data NULL: the column is ignored */
};

enum {
    /* Of a quoted cell, where the schema file says nothing else. More of either means that a
     * closing quote was lost. */
    DIALECT_CELL_SIZE = 1 << 20,
    DIALECT_CELL_LINES = 100,
    DIALECT_CELL_SIZE_MAX = 16 << 20, /* what a schema file may set them to */
    DIALECT_CELL_LINES_MAX = 100000,
};

struct row_dialect {
    char delimiter; /* `,` `;` tab or `|`; 0: told from the header row */
    enum row_encoding encoding;
    uint32_t cell_size_max, cell_lines_max; /* 0: as above */
    const struct row_column *columns;
    size_t column_count;
    const struct cell_form *forms; /* one a property at most */
    size_t form_count;
};

/* `','`, `a tab` and so on, for messages. */
static inline const char *dialect_delimiter_name(char delimiter)
{
    switch (delimiter) {
    case ';':
        return "';'";
    case '\t':
        return "a tab";
    case '|':
        return "'|'";
    default:
        return "','";
    }
}

#endif
