/* The rows of a CSV file, written. Private to the writer. */
#ifndef ROWFERRY_ROW_CSV_WRITER_H
#define ROWFERRY_ROW_CSV_WRITER_H

#include "core/row/csv.h"
#include "core/row/outcome.h"

struct recoder;

/* What is written, and what it is made of. Everything is the caller's and outlives the writer. */
struct writer_options {
    const char *name;              /* of the batch, for messages */
    enum row_format format;        /* to be written */
    enum row_format source;        /* the format that the rows came in */
    struct span header;            /* as reader_header has it; empty: there was none */
    const struct row_shape *shape; /* of the schema file; needed where either format is CSV */
    bool for_spreadsheet;          /* CSV: cells that a spreadsheet would compute are changed */
    const char *opening;           /* NDJSON: how each line begins, `{` */
};

struct csv_scratch {
    struct buf text, formed;
};

struct csv_writer {
    const struct writer_options *options;
    struct row_shape shape; /* by which the header row is read */
    struct csv csv;         /* the header row: columns, and what stands between cells of the file */
    char delimiter;         /* that is written */
    size_t row_max;
    bool literal;              /* nothing is quoted, as declared */
    bool first_quoted;         /* the first cell of the present row is, needed or not */
    bool tells[OUTCOME_PARTS]; /* the schema has no such name */
    struct recoder *encoder;   /* NULL: UTF-8 */
    unsigned fills;            /* set of 1 << kind of the columns */
    uint32_t *values; /* of the present row, by column: the index of the token in tape, or 0 */
    struct json_tape tape, tags_tape;
    struct csv_scratch scratch;
    struct buf line; /* in UTF-8 */
    size_t row_size; /* of what is written of the present row, as UTF-8 */
    struct buf raw;  /* a rejected row on its way to its cells */
};

/* release also after an error. */
bool csv_writer_init(struct csv_writer *writer, const struct writer_options *options,
                     struct err *err);
void csv_writer_release(struct csv_writer *writer);
void csv_writer_begin(struct csv_writer *writer, struct buf *out);
bool csv_writer_job(struct csv_writer *writer, const struct row *row, const struct outcome *outcome,
                    struct buf *out, struct err *err);

/* text: the row in UTF-8, without its line end. */
void csv_writer_rejected(struct csv_writer *writer, struct span text, const struct outcome *outcome,
                         struct buf *out);

/* Whether a spreadsheet may take a cell for something to compute: after blanks of any kind it
 * begins with = + - @ (of full width, too), a tab or a carriage return, and it is no number. */
bool csv_is_formula(struct span content);

#endif
