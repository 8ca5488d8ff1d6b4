/* Writes the rows of a CSV file. Private to the writer. */
#pragma once

#include "core/row/csv.h"
#include "core/row/outcome.h"

struct recoder;

/* What is written, and from what. Everything belongs to the caller and outlives the writer. */
struct writer_options {
    const char *name;       /* of the batch, for messages */
    enum row_format format; /* to be written */
    enum row_format source; /* the format that the rows came in */
    struct span header;     /* as reader_header has it; empty: there was none */
    const struct row_shape
        *shape;           /* of the schema file; NULL: unknown, where neither format is CSV */
    bool for_spreadsheet; /* CSV: cells that a spreadsheet would evaluate are changed */
    const char *opening;  /* NDJSON: how each line begins, `{` */
};

struct csv_scratch {
    struct buf text, formed;
};

struct csv_writer {
    const struct writer_options *options;
    struct row_shape shape; /* by which the header row is read */
    struct csv csv;         /* the header row: columns and delimiter of the file */
    char delimiter;         /* of what is written */
    size_t row_max;
    bool literal;                /* nothing is quoted (x-rowferry `quote` is null) */
    bool first_quoted;           /* the first cell of the current row is quoted in any case */
    bool too_large;              /* a cell of the current row is, for one with quotes */
    bool reports[OUTCOME_PARTS]; /* parts of the outcome whose names the schema does not use */
    struct recoder *encoder;     /* NULL: UTF-8 */
    struct cell_form *forms;     /* of the shape, without what the encoding lacks; or NULL */
    unsigned fills;              /* set of 1 << kind of the columns */
    uint32_t *values; /* of the current row, by column: the index of the token in tape, or 0 */
    struct json_tape tape, tags_tape;
    struct csv_scratch scratch;
    struct buf line; /* in UTF-8 */
    size_t row_size; /* of what is written of the current row, as UTF-8 */
    struct buf raw;  /* a rejected row while it is split */
};

/* Call release also after an error. */
bool csv_writer_init(struct csv_writer *writer, const struct writer_options *options,
                     struct err *err);
void csv_writer_release(struct csv_writer *writer);
void csv_writer_begin(struct csv_writer *writer, struct buf *out);
bool csv_writer_job(struct csv_writer *writer, const struct row *row, const struct outcome *outcome,
                    struct buf *out, struct err *err);

/* text: the row in UTF-8, without its line end. */
void csv_writer_rejected(struct csv_writer *writer, struct span text, const struct outcome *outcome,
                         struct buf *out);
