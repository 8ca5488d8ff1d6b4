/* Turns a file into a batch: fingerprint, rows, violations, chunks. */
#pragma once

#include "core/ingest/intake.h"

/* Reads one file (`-`: standard input, which needs schema and format) into a batch: steps 1 to 3 of
 * docs/design.md#the-life-of-a-file. filing: BATCH_STAYS for a file named by the user, or where it
 * is in an inbox (ingest_file_away does steps 4 to 6). The result counts rejected rows; a file that
 * is refused as a whole is INGEST_REFUSED. False for errors that stop the command: ERR_STORE,
 * ERR_INTERNAL, ERR_CONFIG (no such file), ERR_STOPPED (the batch stays `loading`). */
bool ingest_file(struct store *store, const struct ingest_options *options, const char *path,
                 enum batch_filing filing, struct ingest_result *result, struct err *err);
