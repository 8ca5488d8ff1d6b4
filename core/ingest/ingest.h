/* A file -> a batch: fingerprint, rows, violations, chunks. */
#ifndef ROWFERRY_INGEST_INGEST_H
#define ROWFERRY_INGEST_INGEST_H

#include "core/ingest/intake.h"

/* Reads one file (`-`: standard input, which needs schema and format) into a batch: steps 1
 * to 3 of docs/design.md#the-life-of-a-file. filing: BATCH_STAYS for a file that was named itself,
 * or where in an inbox it lies (steps 4 to 6 by ingest_file_away). Bad rows are in the result; a
 * file that is refused as a whole is INGEST_REFUSED. False for what stops the command: ERR_STORE,
 * ERR_INTERNAL, ERR_CONFIG (no such file), ERR_STOPPED (the batch stays `loading`). */
bool ingest_file(struct store *store, const struct ingest_options *options, const char *path,
                 enum batch_filing filing, struct ingest_result *result, struct err *err);

#endif
