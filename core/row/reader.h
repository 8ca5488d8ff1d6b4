/* Bytes of a file -> numbered rows, in one pass, with memory that does not depend on its length. */
#ifndef ROWFERRY_ROW_READER_H
#define ROWFERRY_ROW_READER_H

#include "core/base/err.h"
#include "core/row/row.h"
#include "core/row/violation.h"

#include <stdbool.h>
#include <stdint.h>

struct reader;

/* How far a reader is: all that is needed to go on later. */
struct reader_position {
    uint64_t bytes; /* consumed from the beginning of the file; of what a gzip file holds */
    uint64_t lines; /* physical lines consumed */
    uint32_t rows;  /* data rows handed out */
    char hash[33];  /* XXH3-128 of those bytes, hexadecimal */
};

/* The dialect of the shape is how a CSV file is read; gzip is told by the first bytes of the file.
 * fd stays the caller's, is read from its present offset (which is 0), and need not be seekable.
 * name stands in messages and is kept as pointer. shape must outlive the reader. For CSV the header
 * row is read here: a missing record_id, a column twice, or one that is neither reserved nor a
 * property is an ERR_INPUT that names all such columns and the remedy. ERR_CONFIG: the system lacks
 * the declared encoding. NULL on error. */
struct reader *reader_open(int fd, const char *name, enum row_format format,
                           const struct row_shape *shape, struct err *err);

void reader_close(struct reader *reader);

/* The next row. Blank lines between rows are skipped. violations is reset, then filled. */
enum row_step reader_next(struct reader *reader, struct row *row, struct violations *violations,
                          struct err *err);

/* The position behind the last row that reader_next gave. */
void reader_position(struct reader *reader, struct reader_position *position);

/* Reads up to `position` without parsing and goes on from there. False with ERR_INPUT when the
 * bytes before it are not those that its hash was made of. Only right after reader_open. */
bool reader_resume(struct reader *reader, const struct reader_position *position, struct err *err);

/* Hash and size, as reader_fingerprint has them, of the file that was read to its end: of a gzip
 * file as it is, where positions count what it holds. */
void reader_file(struct reader *reader, char hash[33], uint64_t *bytes);

/* The file's content says so: it is gzip. */
bool reader_is_compressed(const struct reader *reader);

/* What is between cells (`';'`, `a tab`), where nothing declared it and the header row alone shows
 * that it is not the usual comma; else NULL. */
const char *reader_delimiter_told(const struct reader *reader,
                                  char out[DIALECT_DELIMITER_NAME_SIZE]);

/* After the end: how many lines were a footer, as declared, and the first of them. */
uint64_t reader_footer(const struct reader *reader, uint64_t *first);

/* After the end: its last byte was 0x1A, as CP/M and DOS end a text, and was left out. */
bool reader_ctrl_z_dropped(const struct reader *reader);

/* After the end: the declared encoding, where the only character above 0x7f would be UTF-8 too;
 * else ROW_ENCODING_NONE. */
enum row_encoding reader_encoding_doubtful(const struct reader *reader);

/* True when rows so far had a version that the shape has fetched instead. */
bool reader_version_ignored(const struct reader *reader);

/* True when columns, or rows so far, tell what became of an earlier batch: an export. */
bool reader_outcome_ignored(const struct reader *reader);

/* CSV: the bytes of the header row with its line end, and of the lines before it that are skipped
 * by their number or say what is between cells, as in the file; without a byte order mark of UTF-8,
 * but with one of UTF-16, which what stands behind cannot be read without. Else empty. */
struct span reader_header(const struct reader *reader);

/* XXH3-128 of all bytes of fd from its present offset to the end, hexadecimal, and their count. */
bool reader_fingerprint(int fd, char hash[33], uint64_t *size, struct err *err);

#endif
