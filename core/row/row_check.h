/* The checks of a row's own members that both formats share: private to the readers. */
#ifndef ROWFERRY_ROW_ROW_CHECK_H
#define ROWFERRY_ROW_ROW_CHECK_H

#include "core/row/row.h"
#include "core/row/violation.h"

void row_check_record_id(const struct row *row, struct violations *violations);

/* A version that is none; shown is how the message shows it. */
void row_refuse_version(const char *shown, struct violations *violations);

/* A row without a version, where the schema wants one. */
void row_miss_version(struct violations *violations);

/* A fault of the row as a whole. */
void row_refuse(struct violations *violations, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* NUL bytes in a row: how many, and where in the file the first is. */
void row_refuse_nul(size_t count, uint64_t first, struct violations *violations);

/* A line longer than row_max. */
void row_refuse_length(size_t row_max, struct violations *violations);

#endif
