/* What an earlier process left. */
#ifndef ROWFERRY_INGEST_RECOVER_H
#define ROWFERRY_INGEST_RECOVER_H

#include "core/ingest/intake.h"

/* Under the intake lock, before anything is read: takes up what an earlier process left — resumes,
 * begins anew or refuses `loading` batches, finishes discarding and filing. visit (may be NULL) is
 * told each batch that was worked on. A file that cannot be moved keeps nothing else from being
 * done; the first such error (ERR_CONFIG) is given at the end. */
bool ingest_recover(struct store *store, const struct ingest_options *options,
                    bool (*visit)(void *context, const char *source,
                                  const struct ingest_result *result, struct err *err),
                    void *context, struct err *err);

#endif
