/* Recovery of what an earlier process left. */
#pragma once

#include "core/ingest/intake.h"

/* Resumes, restarts or refuses batches in state `loading` that an earlier process left, and
 * finishes discarding and filing. To be called with the intake lock, before anything is read. visit
 * (can be NULL) is called for each batch. A file that cannot be moved does not prevent anything
 * else; the first such error (ERR_CONFIG) is returned at the end. */
bool ingest_recover(struct store *store, const struct ingest_options *options,
                    bool (*visit)(void *context, const char *source,
                                  const struct ingest_result *result, struct err *err),
                    void *context, struct err *err);
