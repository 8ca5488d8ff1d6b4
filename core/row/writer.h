/* Turns rows of a batch into a file from which the reader gets the same rows: the inverse of
 * reader.h, with the outcome of each row. */
#pragma once

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/row/csv_writer.h"
#include "core/row/outcome.h"
#include "core/row/row.h"

#include <stdbool.h>

struct writer;

/* A CSV file of a CSV file has the columns of its header row, in that order; of an NDJSON file,
 * one for each property of the shape. Then come those of outcome.h, but for names that the shape
 * has itself. The delimiter is the declared one, or else that of the header row, or else a comma;
 * the encoding is the declared one, or else UTF-8.
 *
 * NULL with ERR_CONFIG: the header row does not fit the schema file any more. */
struct writer *writer_open(const struct writer_options *options, struct err *err);
void writer_close(struct writer *writer);

/* Appends what comes before the first row: the header row of CSV. */
void writer_begin(struct writer *writer, struct buf *out);

/* Appends a row that became a job: record_id, version, tags and fields count, and row_no for
 * messages. Its cells are written as the dialect declares; columns that are ignored are empty.
 * False with ERR_CONFIG that names row and property: CSV or the encoding cannot express the value;
 * out is unchanged. */
bool writer_job(struct writer *writer, const struct row *row, const struct outcome *outcome,
                struct buf *out, struct err *err);

/* Appends the NDJSON line of a row that puts back what a record held: record_id, version and fields
 * count. opening: how the line begins, `{`. shape: NULL if a record id has no parts. */
void writer_undo(const char *opening, const struct row_shape *shape, const struct row *row,
                 struct buf *out);

/* Appends a rejected row: its cells or members as they are, followed by the outcome. If the row
 * cannot be split (ragged, an open quote, not JSON), OUTCOME_RAW has its bytes as one line of at
 * most WRITER_RAW_MAX bytes, and there is neither a record id nor fields: a reader rejects it
 * again, and no other row is affected. row: raw and record_id count. */
void writer_rejected(struct writer *writer, const struct row *row, const struct outcome *outcome,
                     struct buf *out);

enum { WRITER_RAW_MAX = 32767 /* what a cell of common spreadsheets holds */ };
