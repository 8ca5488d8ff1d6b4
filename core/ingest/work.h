/* A file that becomes a batch: steps 1 to 3, begun by ingest_file or resumed by ingest_recover.
 * Private to core/ingest. */
#pragma once

#include "core/ingest/feed.h"
#include "core/ingest/intake.h"

/* Convert the options that affect a batch to text, which is stored with it, and back: a leftover
 * batch is read with the options with which it was begun. */
enum { WORK_OPTIONS_SIZE = 256 };

void work_write_options(const struct ingest_options *options, char text[WORK_OPTIONS_SIZE]);
void work_read_options(const char *text, struct ingest_options *options);

struct work {
    struct store *store;
    const struct ingest_options *options;
    struct ingest_options own; /* what options points to if some are only for this file */
    struct feed feed;
    const struct schema *schema;
    enum row_format format;
    enum batch_filing filing;
    bool compressed; /* found by its reader; positions then count the content */
    int64_t batch_id;
    char options_text[WORK_OPTIONS_SIZE]; /* of work_origin */
};

/* Returns the origin of the batch at the last fingerprint; points into work. */
struct batch_origin work_origin(struct work *work);

/* Finds whether the content begins with the bytes that the batch has read. Leaves the feed at its
 * first byte. */
bool work_begins_with(struct work *work, const struct batch_read *batch, bool *begins,
                      struct err *err);

/* Reads the file and opens or refuses the batch, which is `loading` with the feed at its first
 * byte. Resumes at `resume` if that is not NULL and the bytes before it are unchanged. A file that
 * changes is read again once. Fills the result; errors as ingest_file. */
bool work_load(struct work *work, const struct batch_progress *resume, struct ingest_result *result,
               struct err *err);

/* Restarts a batch whose file, schema file or options have changed: deletes its content and takes a
 * new fingerprint. ERR_INPUT if the file cannot be read. */
bool work_restart(struct work *work, struct err *err);

/* Marks the batch refused and empties it. progress: what was in the tables. reason is stored.
 * over_limit: a limit refused it. */
bool work_refuse(struct work *work, const struct batch_progress *progress, const char *reason,
                 bool over_limit, struct ingest_result *result, struct err *err);
