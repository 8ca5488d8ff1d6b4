/* Batches that an earlier process left before the end of their intake, and their rejected rows. */
#pragma once

#include "core/job/state.h"
#include "core/store/batches.h"

/* A batch that an earlier process left before the end of its intake. */
struct batch_unfinished {
    int64_t id;
    struct batch_origin origin;
    struct batch_progress progress;
    enum batch_state state;
    const char *reason; /* why it was refused; "" otherwise */
    bool over_limit;    /* it was by a limit on rows or rejected rows */
};

/* Finds the next batch above `after` that an earlier process left: in state `loading`, refused with
 * jobs to discard, or with a file that is not moved yet. Call it only under the intake lock. */
bool batch_next_unfinished(struct store *store, int64_t after, struct batch_unfinished *batch,
                           bool *found, struct err *err);

/* Step 6: notes that the file was moved. Only the first time counts. */
bool batch_filed(struct store *store, int64_t batch_id, int64_t now_ms, struct err *err);

/* One rejected row with its violations, for NAME.rejected.* and NAME.errors.tsv: calls visit for
 * each violation in order of row and place; `first` is true at a row's first one. False from
 * visit ends the walk with its error. */
struct rejection {
    uint32_t row_no;
    uint64_t line_no;
    struct span record_id, raw, field, rule, message;
    bool first;
};

bool batch_rejections(struct store *store, int64_t batch_id,
                      bool (*visit)(void *context, const struct rejection *rejection,
                                    struct err *err),
                      void *context, struct err *err);
