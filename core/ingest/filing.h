/* What becomes of a file when its rows were read: steps 4 to 6. */
#ifndef ROWFERRY_INGEST_FILING_H
#define ROWFERRY_INGEST_FILING_H

#include "core/ingest/intake.h"

/* Steps 4 to 6 for a file of an inbox folder, by the result of ingest_file. name: in the folder, or
 * SUB-FOLDER/FILE; done/ and refused/ are the folder's either way. Rejected rows and
 * errors are written beside it, it moves to done/ or refused/ (with NAME.error.txt), the batch is
 * marked filed. INGEST_HELD, INGEST_WAITS and INGEST_UNREADABLE files stay.
 * ERR_NETWORK: some process has it open for writing, and it stays as well; ERR_INPUT: another file
 * took its place while it was moved. Safe to repeat. */
bool ingest_file_away(struct store *store, const struct ingest_options *options, const char *folder,
                      const char *name, const struct ingest_result *result, struct err *err);

/* Marks the batch of the result filed, where it names one: for a file that was known it is the one
 * whose file waited, or was filed long ago. */
bool filing_mark(struct store *store, const struct ingest_result *result, struct err *err);

#endif
