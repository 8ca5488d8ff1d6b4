/* Turns the cells of a CSV row into the row and its JSON text. Private to core/row. */
#pragma once

#include "core/row/csv_columns.h"
#include "core/row/parts.h"
#include "core/row/row.h"

/* The columns, and the current row. */
struct csv_row {
    const struct row_shape *shape;
    struct csv_column *columns;
    size_t column_count;
    struct buf fields, tags, record_id, scratch, formed;
    struct parts parts;
    struct json_tape tape;
    bool version_ignored; /* a row had a version, and the shape says that versions are fetched */
    bool version_given;
    bool maybe_header; /* its record id is the heading of that column */
};

void csv_row_release(struct csv_row *csv);

/* Puts a cell where its column says: into fields and tape, or into a member of the row. */
void csv_row_begin(struct csv_row *csv, struct row *row);
void csv_row_put(struct csv_row *csv, const struct csv_column *column, const struct csv_cell *cell,
                 struct row *row, struct violations *violations);
void csv_row_end(struct csv_row *csv, struct row *row, struct violations *violations);
