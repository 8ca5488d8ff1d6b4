/* CSV files (RFC 4180): header row and rows. Private to core/row. */
#ifndef ROWFERRY_ROW_CSV_H
#define ROWFERRY_ROW_CSV_H

#include "core/row/csv_lines.h"
#include "core/row/csv_row.h"
#include "core/row/row.h"
#include "core/row/source.h"

struct csv {
    const struct row_shape *shape;
    char delimiter;
    bool delimiter_told; /* by the header row alone */
    struct csv_lines lines;
    struct csv_row row;
    bool lost_quote;   /* a cell before it was not closed: short rows may be its lines */
    size_t cells_most; /* of a row so far; kept where rows may be short */
    bool surplus;      /* the present row has cells with something in them that no column is for */
};

/* Reads the header row. ERR_INPUT names all that is wrong with it. release also after an error. */
bool csv_init(struct csv *csv, struct source *source, const struct row_shape *shape,
              struct err *err);
void csv_release(struct csv *csv);

/* As reader_next, without row_no. */
enum row_step csv_next(struct csv *csv, struct source *source, struct row *row,
                       struct violations *violations, struct err *err);

/* Whether some column tells what became of an earlier batch. */
bool csv_has_outcome(const struct csv *csv);

#endif
