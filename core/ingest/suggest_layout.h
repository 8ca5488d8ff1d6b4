/* Finds the layout of a CSV file without declarations: its encoding, its delimiter, where its
 * header row is, and what follows its last row. Determined from the bytes of the whole file
 * (encoding), its first 256 KiB and its last lines. Private to core/ingest. */
#pragma once

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/row/dialect.h"
#include "core/row/encoding.h"

#include <stdbool.h>
#include <stddef.h>

struct feed;

/* A column by its heading. */
struct layout_column {
    char *name;    /* as in the header row, UTF-8 */
    bool empty;    /* every row of the sample has an empty cell */
    bool filled;   /* no row of the sample has an empty cell */
    bool distinct; /* ... and no two rows have the same */
};

/* Zeroed is empty; the owner calls layout_release. */
struct layout {
    enum row_encoding encoding; /* ROW_ENCODING_NONE: UTF-8, or UTF-16 with a byte order mark */
    char delimiter;
    unsigned skip_lines; /* physical lines before the header row, unless they are comments */
    /* what begins comments: `#`, or a line of dashes under the header row; or empty */
    char comment[DIALECT_COMMENT_MAX + 1];
    bool quote_none; /* a quote is an ordinary character */
    bool short_rows, long_rows;
    bool versioned;       /* there is a column named version */
    size_t record_column; /* the column that names the record; column_count: none does */
    struct buf footer;    /* a regular expression for the lines after the last row, or empty */
    struct buf remarks;   /* what is ambiguous, separated by "; " */
    struct layout_column *columns;
    size_t column_count;
};

/* Reads the file once, from its beginning. delimiter: given by the user, or 0. ERR_INPUT: there is
 * no header row in the first lines, or the file cannot be read. Call release also after an error.
 */
bool layout_find(struct feed *feed, char delimiter, struct layout *layout, struct err *err);
void layout_release(struct layout *layout);

/* Appends a remark for people. */
void layout_remark(struct buf *remarks, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
