/* What ingest would say of a file. */
#ifndef ROWFERRY_INGEST_VALIDATE_H
#define ROWFERRY_INGEST_VALIDATE_H

#include "core/ingest/intake.h"
#include "core/row/violation.h"

/* What ingest would say, without database or writing: calls visit for each row that would be
 * rejected. Rows for a record that another row of the file is for are told as notices, at the end
 * of a file that would be read; those of a file are found by reading it twice. */
bool ingest_validate(const struct ingest_options *options, const char *path,
                     bool (*visit)(void *context, const struct row *row,
                                   const struct violations *violations, struct err *err),
                     void *context, struct ingest_result *result, struct err *err);

#endif
