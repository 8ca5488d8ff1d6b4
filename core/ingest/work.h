/* One file on its way to being a batch: steps 1 to 3, begun by ingest_file or taken up by
 * ingest_recover. Private to core/ingest. */
#ifndef ROWFERRY_INGEST_WORK_H
#define ROWFERRY_INGEST_WORK_H

#include "core/ingest/feed.h"
#include "core/ingest/ingest.h"

struct work {
    struct store *store;
    const struct ingest_options *options;
    struct feed feed;
    const struct schema *schema;
    enum row_format format;
    enum batch_filing filing;
    bool compressed; /* as its reader found; positions then count what it holds */
    int64_t batch_id;
};

/* What the batch is made from, as of the last fingerprint; points into work. */
struct batch_origin work_origin(const struct work *work);

/* What of the options changes how a file is read: a batch is taken up only under the same. */
const char *work_options(const struct ingest_options *options);

/* The batch in state `loading` and feed at its first byte: reads it, from `resume` on where that is
 * not NULL and the bytes before it are what they were, else as a whole, and opens or refuses the
 * batch. A file that changes meanwhile is begun anew once. Fills the result; errors as
 * ingest_file. */
bool work_load(struct work *work, const struct batch_progress *resume, struct ingest_result *result,
               struct err *err);

/* Step 1 again for a batch whose file, schema file or options are not what they were: all it holds
 * is deleted and the new fingerprint taken. ERR_INPUT when the file cannot be read. */
bool work_restart(struct work *work, struct err *err);

/* Marks the batch refused and empties it. progress: what was in the tables; reason: kept. */
bool work_refuse(struct work *work, const struct batch_progress *progress, const char *reason,
                 struct ingest_result *result, struct err *err);

#endif
