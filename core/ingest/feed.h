/* The file (or standard input) that a batch is made from: opened with care, told by name and
 * content, compared with itself at the end. Private to core/ingest. */
#ifndef ROWFERRY_INGEST_FEED_H
#define ROWFERRY_INGEST_FEED_H

#include "core/base/err.h"
#include "core/ingest/intake.h"
#include "core/row/reader.h"
#include "core/store/batches.h"

#include <stdbool.h>
#include <stdint.h>

struct feed {
    const char *source; /* as the user named it: for messages */
    char *path;         /* absolute; NULL: standard input */
    int fd;
    struct inbox_identity identity; /* as of the fingerprint; zero for standard input */
    char hash[BATCH_HASH_SIZE];     /* of all bytes; "" for standard input */
};

/* Opens path (`-`: standard input), which must be a regular file itself, or through_links one that
 * a link of the same owner leads to. source is kept as pointer. ERR_CONFIG: there is no such file;
 * ERR_INPUT: it cannot be read, or is something else than a file. After an error there is nothing
 * to close. */
bool feed_open(struct feed *feed, const char *source, const char *path, bool through_links,
               struct err *err);
void feed_close(struct feed *feed);

/* Takes identity and hash anew and goes back to the first byte; ERR_INPUT. Nothing to do for
 * standard input. */
bool feed_fingerprint(struct feed *feed, struct err *err);

/* Back to the first byte without reading: for a file whose hash is known. */
bool feed_rewind(struct feed *feed, struct err *err);

/* Whether the file is not any more what it was at its fingerprint, by size and modification time.
 */
bool feed_changed(const struct feed *feed);

/* The schema that the options say, or else for BATCH_SUBFOLDER the folder in which the file lies,
 * or else its name. NULL with ERR_CONFIG: standard input without --schema, a wrong schema file, no
 * such schema; with ERR_INPUT: the name fits none. */
const struct schema *feed_schema(const struct feed *feed, const struct ingest_options *options,
                                 enum batch_filing filing, struct err *err);

/* The format that the options or the end of the file's name say; errors as above. */
bool feed_format(const struct feed *feed, const struct ingest_options *options,
                 enum row_format *format, struct err *err);

/* The schema's shape, with what the options or the file's name say of its dialect. */
void feed_shape(const struct feed *feed, const struct ingest_options *options,
                const struct schema *schema, struct row_shape *shape);

/* Says what was told from the content of a file that was opened. */
void feed_tell(const struct feed *feed, const struct ingest_options *options,
               const struct reader *reader);

/* Says what the user should know of one that was read to its end. */
void feed_tell_end(const struct feed *feed, const struct ingest_options *options,
                   const struct reader *reader);

/* As the batch's row has it: `csv`, `ndjson`; and back. */
const char *feed_format_name(enum row_format format);
enum row_format feed_format_of(const char *name);

#endif
