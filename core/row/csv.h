/* CSV files (RFC 4180): header row, rows, and the JSON text that a row's cells become. Private to
 * the reader. */
#ifndef ROWFERRY_ROW_CSV_H
#define ROWFERRY_ROW_CSV_H

#include "core/row/csv_lexer.h"
#include "core/row/row.h"
#include "core/row/source.h"

#include <strings.h>

struct cell_form;

enum csv_column_kind {
    CSV_RECORD_ID,
    CSV_VERSION,
    CSV_TAGS,
    CSV_STRING, /* a property whose cells are strings whatever they hold */
    CSV_NUMBER, /* a property that takes numbers and nothing else */
    CSV_OTHER,
    CSV_FORMED,   /* a property with a declared form */
    CSV_IGNORED,  /* declared so */
    CSV_OUTCOME,  /* of an export; likewise ignored */
    CSV_NAMELESS, /* nothing, as long as its cells are empty */
    CSV_SCREENED, /* of csv_column.put alone: a cell is first compared with what was declared */
};

struct csv_column {
    enum csv_column_kind kind;
    enum csv_column_kind put; /* what csv_put goes by: kind, or CSV_SCREENED */
    unsigned types;           /* set of enum row_type */
    char *prefix;             /* `,"name":`, with slack to be read behind it */
    size_t prefix_size;
    bool escaped;                 /* the name, inside prefix */
    struct span name;             /* of what it fills; no data: nothing */
    const struct cell_form *form; /* NULL: none, or one that knows absent words alone */
    struct row_words absent;      /* cells that mean 'absent' in this column */
    uint64_t absent_marks;        /* the csv_mark of each of them and of the file's, a bit each */
    struct span heading;          /* its cell of the header row; owned */
};

struct csv_complaints;

/* What the header row says when a certain byte stands between its cells. */
struct csv_heading {
    const struct row_shape *shape;
    char delimiter;
    struct csv_column *columns; /* those that are known */
    size_t column_count;
    struct csv_complaints *complaints;
};

struct csv {
    const struct row_shape *shape;
    char delimiter;
    bool delimiter_told; /* by the header row alone */
    bool delimiter_line; /* by a line `sep=;` */
    bool screens_lines;  /* some of them are passed over: comments, a footer */
    uint32_t cell_size_max, cell_lines_max;
    struct csv_column *columns;
    size_t column_count;
    struct buf header;   /* the bytes of the header row, and of the lines before it that count */
    struct buf preamble; /* those lines, in UTF-8 */
    size_t footer_size;  /* bytes at the end of the window; once footer_known */
    bool footer_known;
    uint64_t footer_lines, footer_first; /* how many there are, and the first of them */
    /* of the present row */
    struct buf fields, tags, record_id, scratch, formed;
    struct json_tape tape;
    bool version_ignored; /* some row had one, and the shape has them fetched */
    bool version_given;
    bool maybe_header; /* its record id is the heading of that column */
    bool lost_quote;   /* a cell before it was not closed: short rows may be its lines */
    size_t cells_most; /* of a row so far; kept where rows may be short */
    bool surplus;      /* it has cells with something in them that no column is for */
};

/* Reads the header row. ERR_INPUT names all that is wrong with it. release also after an error. */
bool csv_init(struct csv *csv, struct source *source, const struct row_shape *shape,
              struct err *err);
void csv_release(struct csv *csv);

/* As reader_next, without row_no. */
enum row_step csv_next(struct csv *csv, struct source *source, struct row *row,
                       struct violations *violations, struct err *err);

/* Reads the cells of a header row whose form is right. A lexer at its beginning; for at most
 * `count` cells. release always. */
void csv_heading_read(struct csv_heading *heading, const struct row_shape *shape,
                      struct csv_lexer lexer, size_t count);
void csv_heading_release(struct csv_heading *heading);

/* Every cell names something that is known, record_id among them, and nothing twice. */
bool csv_heading_fits(const struct csv_heading *heading);

/* Appends all that is wrong with it. header: its bytes. */
void csv_heading_complain(const struct csv_heading *heading, struct span header, struct buf *text);

/* Whether a column of that name would be one of the outcome, and of nothing else. */
bool csv_is_outcome(const struct row_shape *shape, struct span name);

/* Whether a column of that name would be the record id's. */
bool csv_is_record_id(const struct row_shape *shape, struct span name);

/* Whether some column is one of them. */
bool csv_has_outcome(const struct csv *csv);

void csv_columns_release(struct csv_column *columns, size_t count);

/* Takes lines that hold nothing but their end. At the end of the file the window is empty then. */
bool csv_skip_blank(struct source *source, struct err *err);

/* Takes the lines before the header row: those that are skipped, `sep=;`, comments, blank ones. */
bool csv_take_preamble(struct csv *csv, struct source *source, struct err *err);

/* Takes comments, blank lines and the footer at the beginning of the window. */
bool csv_screen_lines(struct csv *csv, struct source *source, struct err *err);

/* Returns how many bytes of a line of dashes, such as `----+------`, tell it from a row: what a
 * schema file can declare as the beginning of comments. 0: the line is a row. */
size_t csv_dashes(struct span line, char delimiter);

/* Says which of the next lines may be the header row, and what to declare then. delimiter: what the
 * present one was read with. False: none of them. */
bool csv_hint_header(const struct csv *csv, struct source *source, struct buf *text);

/* A lexer at the beginning of the window. */
struct csv_lexer csv_lexer_start(const struct csv *csv, const struct source *source);

/* What a cell stands for: its own bytes, or those in scratch where quotes were doubled. */
struct span csv_undouble(const struct csv_cell *cell, struct buf *scratch);

static inline struct span csv_content(const struct csv_cell *cell, struct buf *scratch)
{
    return cell->doubled ? csv_undouble(cell, scratch) : cell->text;
}

/* A number below 64 that tells most texts apart without comparing them. text: not empty. */
static inline unsigned csv_mark(struct span text)
{
    unsigned first = (unsigned char)text.data[0], last = (unsigned char)text.data[text.size - 1];

    return ((unsigned)text.size * 7 + first + last * 3) & 63;
}

/* Whether two headings differ in the case of ASCII letters at most. */
static inline bool csv_same_heading(struct span a, struct span b)
{
    return a.size == b.size && strncasecmp(a.data, b.data, a.size) == 0;
}

/* Puts a cell where its column says: into fields and tape, or one of the row's own members. */
void csv_row_begin(struct csv *csv, struct row *row);
void csv_put(struct csv *csv, const struct csv_column *column, const struct csv_cell *cell,
             struct row *row, struct violations *violations);
void csv_row_end(struct csv *csv, struct row *row, struct violations *violations);

#endif
