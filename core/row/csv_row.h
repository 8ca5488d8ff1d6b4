/* The cells of a CSV row -> the row, and the JSON text that it becomes. Private to core/row. */
#ifndef ROWFERRY_ROW_CSV_ROW_H
#define ROWFERRY_ROW_CSV_ROW_H

#include "core/row/csv_columns.h"
#include "core/row/row.h"

/* The columns, and what is made of the present row. */
struct csv_row {
    const struct row_shape *shape;
    struct csv_column *columns;
    size_t column_count;
    struct buf fields, tags, record_id, scratch, formed;
    struct json_tape tape;
    bool version_ignored; /* some row had one, and the shape has them fetched */
    bool version_given;
    bool maybe_header; /* its record id is the heading of that column */
};

void csv_row_release(struct csv_row *csv);

/* Puts a cell where its column says: into fields and tape, or one of the row's own members. */
void csv_row_begin(struct csv_row *csv, struct row *row);
void csv_row_put(struct csv_row *csv, const struct csv_column *column, const struct csv_cell *cell,
                 struct row *row, struct violations *violations);
void csv_row_end(struct csv_row *csv, struct row *row, struct violations *violations);

#endif
