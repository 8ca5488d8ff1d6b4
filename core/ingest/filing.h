/* Filing of a file whose rows were read: steps 4 to 6. */
#pragma once

#include "core/ingest/intake.h"

/* Files a file of an inbox folder, by the result of ingest_file. name: in the folder, or
 * SUB-FOLDER/FILE; done/ and refused/ are in the folder in both cases. Writes rejected rows and
 * errors next to the file, moves it to done/ or refused/ (with NAME.error.txt), and marks the batch
 * filed. INGEST_HELD, INGEST_WAITS and INGEST_UNREADABLE files stay. ERR_NETWORK: a process has it
 * open for writing, and it stays as well; ERR_INPUT: another file took its place while it was
 * moved. Can be repeated. */
bool ingest_file_away(struct store *store, const struct ingest_options *options, const char *folder,
                      const char *name, const struct ingest_result *result, struct err *err);

/* Marks the batch of the result filed, if there is one: for a known file, the batch whose file
 * waited or was filed before. */
bool filing_mark(struct store *store, const struct ingest_result *result, struct err *err);
