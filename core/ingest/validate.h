/* Checks a file as ingest would. */
#pragma once

#include "core/ingest/intake.h"
#include "core/row/violation.h"

/* Checks a file as ingest would, without a database and without writing. Calls visit for each row
 * that would be rejected (NULL: for none), and options->accept for each other one. At the end of a
 * file that would be read, notices report records with several rows, which are found by reading it
 * twice. */
bool ingest_validate(const struct ingest_options *options, const char *path,
                     bool (*visit)(void *context, const struct row *row,
                                   const struct violations *violations, struct err *err),
                     void *context, struct ingest_result *result, struct err *err);
