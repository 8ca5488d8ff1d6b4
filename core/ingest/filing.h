/* Step 6 by itself. Private to core/ingest. */
#ifndef ROWFERRY_INGEST_FILING_H
#define ROWFERRY_INGEST_FILING_H

#include "core/ingest/ingest.h"

/* Marks the batch of the result filed, where it names one: for a file that was known it is the one
 * whose file waited, or was filed long ago. */
bool filing_mark(struct store *store, const struct ingest_result *result, struct err *err);

#endif
