/* CSV files (RFC 4180): header row and rows. Private to core/row. */
#pragma once

#include "core/row/csv_lines.h"
#include "core/row/csv_row.h"
#include "core/row/row.h"
#include "core/row/source.h"

struct csv {
    const struct row_shape *shape;
    char delimiter;
    bool delimiter_detected; /* from the header row alone */
    struct csv_lines lines;
    struct csv_row row;
    bool lost_quote;   /* an earlier cell was not closed: short rows can be its lines */
    size_t cells_most; /* the most that a row had so far; used if rows can be short */
    bool surplus;      /* the current row has cells with content beyond the last column */
};

/* Reads the header row. ERR_INPUT names all that is wrong with it. Call release also after an
 * error. */
bool csv_init(struct csv *csv, struct source *source, const struct row_shape *shape,
              struct err *err);
void csv_release(struct csv *csv);

/* Reads the next row as reader_next does, without row_no. */
enum row_step csv_next(struct csv *csv, struct source *source, struct row *row,
                       struct violations *violations, struct err *err);

/* Returns whether a column is the outcome of an earlier batch. */
bool csv_has_outcome(const struct csv *csv);
