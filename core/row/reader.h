/* Turns the bytes of a file into numbered rows, in one pass and with constant memory. */
#pragma once

#include "core/base/err.h"
#include "core/row/row.h"
#include "core/row/violation.h"

#include <stdbool.h>
#include <stdint.h>

struct reader;

/* The position of a reader: all that is needed to resume. */
struct reader_position {
    uint64_t bytes; /* consumed from the beginning of the file, or of the content of a gzip file */
    uint64_t lines; /* physical lines consumed */
    uint32_t rows;  /* data rows handed out */
    char hash[33];  /* XXH3-128 of those bytes, hexadecimal */
};

/* Opens a file, whose CSV dialect is that of the shape; gzip is recognized by its first bytes. The
 * caller keeps fd, which is read from offset 0 and need not be seekable. name (for messages) and
 * shape must outlive the reader. For CSV the header row is read here: ERR_INPUT names all columns
 * that are missing (record_id), repeated or unknown, and what to do. ERR_CONFIG: the system lacks
 * the declared encoding. NULL on error. */
struct reader *reader_open(int fd, const char *name, enum row_format format,
                           const struct row_shape *shape, struct err *err);

void reader_close(struct reader *reader);

/* Reads the next row, skipping blank lines. violations is reset first. */
enum row_step reader_next(struct reader *reader, struct row *row, struct violations *violations,
                          struct err *err);

/* Returns the position after the last row that reader_next gave. */
void reader_position(struct reader *reader, struct reader_position *position);

/* Skips to `position` and resumes there. False with ERR_INPUT if the bytes before it do not have
 * its hash. Only right after reader_open. */
bool reader_resume(struct reader *reader, const struct reader_position *position, struct err *err);

/* Returns hash and size, like reader_fingerprint, of a file that was read completely. Of a gzip
 * file these are of the file itself, while positions count its content. */
void reader_file(struct reader *reader, char hash[33], uint64_t *bytes);

/* Returns true for a gzip file. */
bool reader_is_compressed(const struct reader *reader);

/* Returns the delimiter (`';'`, `a tab`) if it is not a comma and only the header row shows it;
 * else NULL. */
const char *reader_detected_delimiter(const struct reader *reader,
                                      char out[DIALECT_DELIMITER_NAME_SIZE]);

/* After the end: returns how many lines were a footer, and the first of them. */
uint64_t reader_footer(const struct reader *reader, uint64_t *first);

/* After the end: returns true if the last byte was 0x1A, with which CP/M and DOS end a text, and
 * was ignored. */
bool reader_ctrl_z_dropped(const struct reader *reader);

/* After the end: returns the declared encoding if the only character above 0x7f would be UTF-8 as
 * well; else ROW_ENCODING_NONE. */
enum row_encoding reader_encoding_doubtful(const struct reader *reader);

/* Returns true if rows so far had a version that is fetched instead. */
bool reader_version_ignored(const struct reader *reader);

/* Returns true if columns, or rows so far, have the outcome of an earlier batch: the file is an
 * export. */
bool reader_outcome_ignored(const struct reader *reader);

/* Returns true if the file is one of `export --undo`. */
bool reader_undoes(const struct reader *reader);

/* CSV: returns the bytes of the header row with its line end, after the skipped lines and the sep=
 * line, as in the file; with a byte order mark of UTF-16, which is needed to read them, but not of
 * UTF-8. Else empty. */
struct span reader_header(const struct reader *reader);

/* Returns the XXH3-128 of all bytes of fd from its current offset to the end, hexadecimal, and
 * their number. */
bool reader_fingerprint(int fd, char hash[33], uint64_t *size, struct err *err);
