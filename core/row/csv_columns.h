/* The columns that a header row names: private to core/row. */
#pragma once

#include "core/base/buf.h"
#include "core/row/csv_lexer.h"
#include "core/row/row.h"

#include <strings.h>

struct cell_form;

enum csv_column_kind {
    CSV_RECORD_ID,
    CSV_VERSION,
    CSV_TAGS,
    CSV_PART,   /* of a record id of several parts */
    CSV_STRING, /* a property whose cells are always strings */
    CSV_NUMBER, /* a property that takes numbers and nothing else */
    CSV_OTHER,
    CSV_FORMED,   /* a property with a declared form */
    CSV_IGNORED,  /* declared as ignored */
    CSV_OUTCOME,  /* of an export; ignored as well */
    CSV_NAMELESS, /* nothing, as long as its cells are empty */
    CSV_SCREENED, /* only in csv_column.put: the cell is first compared with absent words */
};

struct csv_column {
    enum csv_column_kind kind;
    enum csv_column_kind put; /* what csv_row_put uses: kind, or CSV_SCREENED */
    size_t part;              /* of CSV_PART: which one */
    unsigned types;           /* set of enum row_type */
    char *prefix;             /* `,"name":`, with slack to be read after it */
    size_t prefix_size;
    bool escaped;                 /* the name, inside prefix */
    struct span name;             /* the name of what it fills; no data: nothing */
    const struct cell_form *form; /* NULL: none, or only absent words */
    struct row_words absent;      /* cells that mean 'absent' in this column */
    uint64_t absent_marks;        /* the csv_mark of each of them and of the file's, a bit each */
    struct span heading;          /* its cell of the header row; owned */
};

struct csv_complaints;

/* The header row as a certain delimiter splits it. */
struct csv_heading {
    const struct row_shape *shape;
    char delimiter;
    struct csv_column *columns; /* those that are known */
    size_t column_count;
    struct csv_complaints *complaints;
};

/* Reads at most `count` cells of a well-formed header row, from a lexer at its beginning. Always
 * call release. */
void csv_heading_read(struct csv_heading *heading, const struct row_shape *shape,
                      struct csv_lexer lexer, size_t count);
void csv_heading_release(struct csv_heading *heading);

/* Returns whether every cell names something known, record_id is among them, and nothing is there
 * twice. */
bool csv_heading_fits(const struct csv_heading *heading);

/* Appends everything that is wrong with the header row. header: its bytes. */
void csv_heading_complain(const struct csv_heading *heading, struct span header, struct buf *text);

/* Returns whether a column of that name would be one of the outcome. */
bool csv_is_outcome(const struct row_shape *shape, struct span name);

/* Returns whether a column of that name would be the record id's. */
bool csv_is_record_id(const struct row_shape *shape, struct span name);

void csv_columns_release(struct csv_column *columns, size_t count);

/* Returns a number below 64 that differs for most texts. text: not empty. */
static inline unsigned csv_mark(struct span text)
{
    unsigned first = (unsigned char)text.data[0], last = (unsigned char)text.data[text.size - 1];

    return ((unsigned)text.size * 7 + first + last * 3) & 63;
}

/* Returns whether two headings differ in the case of ASCII letters at most. */
static inline bool csv_same_heading(struct span a, struct span b)
{
    return a.size == b.size && strncasecmp(a.data, b.data, a.size) == 0;
}
