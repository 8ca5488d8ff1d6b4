/* Rows of a batch -> the bytes of a file that the reader makes the same rows of: the inverse of
 * reader.h, with the outcome of each row beside it. */
#ifndef ROWFERRY_ROW_WRITER_H
#define ROWFERRY_ROW_WRITER_H

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

/* Appends what stands before the first row: of CSV the header row, of NDJSON nothing. */
void writer_begin(struct writer *writer, struct buf *out);

/* Appends a row that became a job: record_id, version, tags and fields count, and row_no for
 * messages. Its cells are written as the dialect declares; columns that are ignored are empty.
 * False with ERR_CONFIG that names row and property: what it holds cannot be said in CSV, or not in
 * that encoding; out is as it was. */
bool writer_job(struct writer *writer, const struct row *row, const struct outcome *outcome,
                struct buf *out, struct err *err);

/* Appends a row that was rejected: its raw bytes with the outcome behind them, cell by cell or
 * member by member as they are. Where they cannot be taken apart (ragged, an open quote, not JSON)
 * they stand in OUTCOME_RAW alone, as one line of at most WRITER_RAW_MAX bytes, and nothing stands
 * where a reader would look for a record id or for fields: it is rejected again, and harms no row
 * beside it. row: raw and record_id count. */
void writer_rejected(struct writer *writer, const struct row *row, const struct outcome *outcome,
                     struct buf *out);

enum { WRITER_RAW_MAX = 32767 /* what a cell of the usual spreadsheets holds */ };

#endif
