/* The file (or standard input) that becomes a batch: checked when it is opened, identified by name
 * and content, compared with its fingerprint at the end. Private to core/ingest. */
#pragma once

#include "core/base/err.h"
#include "core/ingest/intake.h"
#include "core/row/reader.h"
#include "core/store/batches.h"

#include <stdbool.h>

struct feed {
    const char *source; /* as the user named it, for messages */
    char *path;         /* absolute; NULL: standard input */
    int fd;
    struct inbox_identity identity; /* at the fingerprint; zero for standard input */
    char hash[BATCH_HASH_SIZE];     /* of all bytes; "" for standard input */
};

/* Opens path (`-`: standard input), which must be a regular file or, with through_links, a link to
 * one of the same owner. source must outlive the feed. ERR_CONFIG: there is no such file;
 * ERR_INPUT: it cannot be read, or is not a file. After an error there is nothing to close. */
bool feed_open(struct feed *feed, const char *source, const char *path, bool through_links,
               struct err *err);
void feed_close(struct feed *feed);

/* Takes identity and hash again and returns to the first byte; ERR_INPUT. Does nothing for standard
 * input. */
bool feed_fingerprint(struct feed *feed, struct err *err);

/* Returns to the first byte without reading, for a file whose hash is known. */
bool feed_rewind(struct feed *feed, struct err *err);

/* Returns whether size or modification time have changed since the fingerprint. */
bool feed_changed(const struct feed *feed);

/* Returns the schema by the options, or else for BATCH_SUBFOLDER by the folder of the file, or else
 * by its name. NULL with ERR_CONFIG: standard input without --schema, an invalid schema file, or no
 * such schema; with ERR_INPUT: no schema fits the name. */
const struct schema *feed_schema(const struct feed *feed, const struct ingest_options *options,
                                 enum batch_filing filing, struct err *err);

/* Finds the format by the options or the end of the file's name; errors as above. */
bool feed_format(const struct feed *feed, const struct ingest_options *options,
                 enum row_format *format, struct err *err);

/* Fills in the schema's shape, with what the options or the file's name say about the dialect. */
void feed_shape(const struct feed *feed, const struct ingest_options *options,
                const struct schema *schema, struct row_shape *shape);

/* Reports what was detected from the beginning of a file. */
void feed_tell(const struct feed *feed, const struct ingest_options *options,
               const struct reader *reader);

/* Reports what the user should know about a file that was read completely. */
void feed_report_end(const struct feed *feed, const struct ingest_options *options,
                     const struct reader *reader, const struct target *target);

/* Convert a format to its name in the database, `csv` or `ndjson`, and back. */
const char *feed_format_name(enum row_format format);
enum row_format feed_format_of(const char *name);
