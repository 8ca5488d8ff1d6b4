/* A file -> a batch: fingerprint, rows, violations, chunks, and what an earlier process left. */
#ifndef ROWFERRY_INGEST_INGEST_H
#define ROWFERRY_INGEST_INGEST_H

#include "core/base/err.h"
#include "core/base/notice.h"
#include "core/inbox/place.h"
#include "core/ingest/limits.h"
#include "core/row/row.h"
#include "core/row/violation.h"
#include "core/store/batches.h"
#include "core/validate/catalog.h"

#include <stdbool.h>
#include <stdint.h>

enum { INGEST_SUFFIX_SIZE = 32 };

struct lock;

struct ingest_options {
    struct lock *lock; /* looked at before each chunk; NULL: none */
    const struct catalog *catalog;
    const char *schema;     /* --schema, or NULL: by the file's name */
    enum row_format format; /* --format, or ROW_FORMAT_NONE: by the file's name */
    char delimiter;         /* --delimiter, or 0: by schema file, file name or header row */
    bool force;             /* read a known file again */
    bool tail;              /* files in done/ that grew: only what came since */
    uint64_t skip_bytes;    /* of the content: rows that end before them were read by an earlier */
    char skip_hash[BATCH_HASH_SIZE]; /* batch; and their hash. For core/ingest alone */
    struct ingest_limits limits;
    bool leave_files;                     /* files of an inbox stay there: `ingest`, --keep */
    char done_suffix[INGEST_SUFFIX_SIZE]; /* of the markers that go along with files; or "" */
    int64_t run_id;
    const struct notice_sink *notices;
    /* Called after each chunk from the thread that called ingest; may be NULL. bytes_total 0: not
     * known (standard input, a compressed file). */
    void (*progress)(void *context, const char *source, uint64_t bytes_done, uint64_t bytes_total,
                     uint64_t rows);
    void *progress_context;
};

enum ingest_outcome {
    INGEST_LOADED,  /* the batch is open (or done, without jobs) */
    INGEST_KNOWN,   /* nothing read: the result names the earlier batch */
    INGEST_REFUSED, /* refused as a whole; reason says why; batch_id 0: it never became a batch */
    INGEST_HELD,    /* its schema file is wrong: the file stays where it is; reason says why */
    INGEST_WAITS,   /* an earlier file of its schema is not read to its end; it stays; reason ... */
    INGEST_UNREADABLE, /* no permission, no regular file, an I/O error: it stays; reason says why */
};

struct ingest_result {
    enum ingest_outcome outcome;
    int64_t batch_id;
    uint64_t rows_read, rows_rejected, jobs, violations;
    bool over_limit; /* of INGEST_REFUSED: by --max-errors or --min-rows */
    bool has_sheets; /* rows were rejected, and are to be written next to the file */
    char reason[ERR_TEXT_SIZE];
    struct inbox_identity file; /* what was read, for ingest_file_away */
};

/* Reads one file (`-`: standard input, which needs schema and format) into a batch: steps 1
 * to 3 of docs/design.md#the-life-of-a-file. filing: BATCH_STAYS for a file that was named itself,
 * or where in an inbox it lies (steps 4 to 6 by ingest_file_away). Bad rows are in the result; a
 * file that is refused as a whole is INGEST_REFUSED. False for what stops the command: ERR_STORE,
 * ERR_INTERNAL, ERR_CONFIG (no such file), ERR_STOPPED (the batch stays `loading`). */
bool ingest_file(struct store *store, const struct ingest_options *options, const char *path,
                 enum batch_filing filing, struct ingest_result *result, struct err *err);

/* Steps 4 to 6 for a file of an inbox folder, by the result of ingest_file. name: in the folder, or
 * SUB-FOLDER/FILE; done/ and refused/ are the folder's either way. Rejected rows and
 * errors are written beside it, it moves to done/ or refused/ (with NAME.error.txt), the batch is
 * marked filed. INGEST_HELD, INGEST_WAITS and INGEST_UNREADABLE files stay.
 * ERR_NETWORK: some process has it open for writing, and it stays as well; ERR_INPUT: another file
 * took its place while it was moved. Safe to repeat. */
bool ingest_file_away(struct store *store, const struct ingest_options *options, const char *folder,
                      const char *name, const struct ingest_result *result, struct err *err);

/* Under the intake lock, before anything is read: takes up what an earlier process left — resumes,
 * begins anew or refuses `loading` batches, finishes discarding and filing. visit (may be NULL) is
 * told each batch that was worked on. A file that cannot be moved keeps nothing else from being
 * done; the first such error (ERR_CONFIG) is given at the end. */
bool ingest_recover(struct store *store, const struct ingest_options *options,
                    bool (*visit)(void *context, const char *source,
                                  const struct ingest_result *result, struct err *err),
                    void *context, struct err *err);

/* What ingest would say, without database or writing: calls visit for each row that would be
 * rejected. Rows for a record that another row of the file is for are told as notices, at the end
 * of a file that would be read; those of a file are found by reading it twice. */
bool ingest_validate(const struct ingest_options *options, const char *path,
                     bool (*visit)(void *context, const struct row *row,
                                   const struct violations *violations, struct err *err),
                     void *context, struct ingest_result *result, struct err *err);

#endif
