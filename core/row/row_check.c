#include "core/row/row_check.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

void row_check_record_id(const struct row *row, struct violations *violations)
{
    char text[ROW_FAULT_SIZE];
    const char *fault = row_record_id_fault(row->record_id, text);

    if (fault)
        violations_add(violations, span_of("record_id"), "record_id", "%s", fault);
}

void row_refuse_version(const char *shown, struct violations *violations)
{
    violations_add(violations, span_of("version"), "version",
                   "must be an integer from 0 to 9223372036854775807, is %s", shown);
}

void row_miss_version(struct violations *violations)
{
    violations_add(violations, span_of("version"), "version",
                   "is missing; it is required for optimistic locking");
}

void row_refuse(struct violations *violations, const char *format, ...)
{
    char text[VIOLATION_MESSAGE_MAX + 2];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    violations_add(violations, (struct span){0}, "row", "%s", text);
}

void row_refuse_nul(size_t count, uint64_t first, struct violations *violations)
{
    if (count == 1)
        row_refuse(violations, "holds a NUL byte, at byte %" PRIu64 " of the file", first);
    else
        row_refuse(violations,
                   "holds %zu NUL bytes, the first at byte %" PRIu64 " of the file: was it cut off "
                   "by a crash?",
                   count, first);
}

void row_refuse_length(size_t row_max, struct violations *violations)
{
    row_refuse(violations, "is longer than %zu bytes; only those at its beginning are kept",
               row_max);
}
