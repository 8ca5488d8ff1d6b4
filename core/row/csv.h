/* CSV files (RFC 4180): header row, rows, and the JSON text that a row's cells become. Private to
 * the reader. */
#ifndef ROWFERRY_ROW_CSV_H
#define ROWFERRY_ROW_CSV_H

#include "core/row/csv_lexer.h"
#include "core/row/reader.h"
#include "core/row/source.h"

enum csv_column_kind {
    CSV_RECORD_ID,
    CSV_VERSION,
    CSV_TAGS,
    CSV_STRING, /* a property whose cells are strings whatever they hold */
    CSV_NUMBER, /* a property that takes numbers and nothing else */
    CSV_OTHER,
};

struct csv_column {
    enum csv_column_kind kind;
    unsigned types; /* set of enum row_type */
    struct span name;
    char *prefix; /* `,"name":`, with slack to be read behind it */
    size_t prefix_size;
    bool escaped; /* the name, inside prefix */
};

struct csv {
    const struct row_shape *shape;
    char delimiter;
    struct csv_column *columns;
    size_t column_count;
    struct buf header; /* the bytes of the header row */
    /* of the present row */
    struct buf fields, tags, record_id, scratch;
    struct json_tape tape;
    bool version_given;
};

/* Reads the header row. ERR_INPUT names all that is wrong with it. release also after an error. */
bool csv_init(struct csv *csv, struct source *source, const struct row_shape *shape,
              struct err *err);
void csv_release(struct csv *csv);

/* As reader_next, without row_no. */
enum reader_step csv_next(struct csv *csv, struct source *source, struct row *row,
                          struct violations *violations, struct err *err);

/* Takes lines that hold nothing but their end. At the end of the file the window is empty then. */
bool csv_skip_blank(struct source *source, struct err *err);

/* A lexer at the beginning of the window. */
struct csv_lexer csv_lexer_start(const struct csv *csv, const struct source *source);

/* What a cell stands for: its own bytes, or those in scratch where quotes were doubled. */
struct span csv_content(const struct csv_cell *cell, struct buf *scratch);

/* Puts a cell where its column says: into fields and tape, or one of the row's own members. */
void csv_row_begin(struct csv *csv, struct row *row);
void csv_put(struct csv *csv, const struct csv_column *column, const struct csv_cell *cell,
             struct row *row, struct violations *violations);
void csv_row_end(struct csv *csv, struct row *row, struct violations *violations);

#endif
