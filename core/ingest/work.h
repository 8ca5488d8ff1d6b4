/* One file on its way to being a batch: steps 1 to 3, begun by ingest_file or taken up by
 * ingest_recover. Private to core/ingest. */
#ifndef ROWFERRY_INGEST_WORK_H
#define ROWFERRY_INGEST_WORK_H

#include "core/ingest/feed.h"
#include "core/ingest/intake.h"

/* What of the options decides about a batch, as text that is stored with it; and back: a leftover
 * is read under the options that it was begun with. */
enum { WORK_OPTIONS_SIZE = 256 };

void work_write_options(const struct ingest_options *options, char text[WORK_OPTIONS_SIZE]);
void work_read_options(const char *text, struct ingest_options *options);

struct work {
    struct store *store;
    const struct ingest_options *options;
    struct ingest_options own; /* what options points to, where some are this file's alone */
    struct feed feed;
    const struct schema *schema;
    enum row_format format;
    enum batch_filing filing;
    bool compressed; /* as its reader found; positions then count what it holds */
    int64_t batch_id;
    char options_text[WORK_OPTIONS_SIZE]; /* of work_origin */
};

/* What the batch is made from, as of the last fingerprint; points into work. */
struct batch_origin work_origin(struct work *work);

/* Whether the content begins with the bytes that the batch has read; the feed is then at its first
 * byte again. */
bool work_begins_with(struct work *work, const struct batch_read *batch, bool *begins,
                      struct err *err);

/* The batch in state `loading` and feed at its first byte: reads it, from `resume` on where that is
 * not NULL and the bytes before it are what they were, else as a whole, and opens or refuses the
 * batch. A file that changes meanwhile is begun anew once. Fills the result; errors as
 * ingest_file. */
bool work_load(struct work *work, const struct batch_progress *resume, struct ingest_result *result,
               struct err *err);

/* Step 1 again for a batch whose file, schema file or options are not what they were: all it holds
 * is deleted and the new fingerprint taken. ERR_INPUT when the file cannot be read. */
bool work_restart(struct work *work, struct err *err);

/* Marks the batch refused and empties it. progress: what was in the tables; reason: kept.
 * over_limit: it was by a limit. */
bool work_refuse(struct work *work, const struct batch_progress *progress, const char *reason,
                 bool over_limit, struct ingest_result *result, struct err *err);

#endif
