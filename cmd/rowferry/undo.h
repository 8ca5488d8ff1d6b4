/* Writes rows that put back what the records of a batch held before it: export --undo. */
#pragma once

#include "cmd/rowferry/session.h"
#include "core/row/row.h"
#include "core/store/export.h"

#include <stdbool.h>

/* Writes the rows and reports what is left out; status 3 if what a record held was not kept. name:
 * of the batch, for messages. shape: NULL without a readable schema file. */
bool undo_write(struct session *session, int64_t batch_id, const struct export_batch *batch,
                const char *name, const struct row_shape *shape, struct err *err);
