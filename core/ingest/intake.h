/* Options of intake, and its result for a file. */
#pragma once

#include "core/base/err.h"
#include "core/base/notice.h"
#include "core/inbox/place.h"
#include "core/ingest/limits.h"
#include "core/row/row.h"
#include "core/store/batches.h"
#include "core/validate/catalog.h"

#include <stdbool.h>
#include <stdint.h>

enum { INGEST_SUFFIX_SIZE = 32 };

struct lock;

struct ingest_options {
    struct lock *lock; /* checked before each chunk; NULL: none */
    const struct catalog *catalog;
    const char *schema;     /* --schema, or NULL: by the file's name */
    enum row_format format; /* --format, or ROW_FORMAT_NONE: by the file's name */
    char delimiter;         /* --delimiter, or 0: by schema file, file name or header row */
    bool force;             /* read a known file again */
    bool tail;              /* files in done/ that grew: read only the new part */
    uint64_t skip_bytes;    /* of the content: rows that end before them were read by an earlier */
    char skip_hash[BATCH_HASH_SIZE]; /* batch; and their hash. For core/ingest alone */
    int64_t skip_rows;               /* ... and how many rows these are */
    struct ingest_limits limits;
    bool leave_files;                     /* files of an inbox stay there: `ingest`, --keep */
    char done_suffix[INGEST_SUFFIX_SIZE]; /* of the markers of files; or "" */
    int64_t run_id;
    const struct notice_sink *notices;
    /* Called after each chunk from the thread that called ingest; may be NULL. bytes_total 0:
     * unknown (standard input, a compressed file). */
    void (*progress)(void *context, const char *source, uint64_t bytes_done, uint64_t bytes_total,
                     uint64_t rows);
    void *progress_context;
    /* Called by ingest_validate for each row that would be accepted; may be NULL. */
    bool (*accept)(void *context, const char *schema, const struct row *row, struct err *err);
    void *accept_context;
};

enum ingest_outcome {
    INGEST_LOADED,  /* the batch is open (or done, without jobs) */
    INGEST_KNOWN,   /* nothing read: the result names the earlier batch */
    INGEST_REFUSED, /* refused as a whole; reason says why; batch_id 0: it never became a batch */
    INGEST_HELD,    /* its schema file is invalid: the file stays where it is; reason says why */
    INGEST_WAITS,   /* an earlier file of its schema is not read completely; it stays; reason ... */
    INGEST_UNREADABLE, /* no permission, not a regular file, an I/O error: it stays; reason says why
                        */
};

struct ingest_result {
    enum ingest_outcome outcome;
    int64_t batch_id;
    uint64_t rows_read, rows_rejected, jobs, violations;
    bool over_limit; /* of INGEST_REFUSED: by a limit on rows or rejected rows */
    bool has_sheets; /* rows were rejected, and are to be written next to the file */
    char reason[ERR_TEXT_SIZE];
    struct inbox_identity file; /* what was read, for ingest_file_away */
};
