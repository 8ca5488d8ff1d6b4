#include "core/ingest/limits.h"

#include <inttypes.h>

bool limits_allow(const struct ingest_limits *limits, const char *source, uint64_t rejected,
                  struct err *err)
{
    if (!limits->has_errors || rejected <= limits->errors)
        return true;
    return err_set(err, ERR_LIMIT,
                   "%s: %" PRIu64 " rows are rejected so far, and --max-errors allows %" PRIu64
                   ": fix the file, or raise the limit",
                   source, rejected, limits->errors);
}

bool limits_accept(const struct ingest_limits *limits, const char *source, uint64_t rows,
                   uint64_t rejected, struct err *err)
{
    if (!limits_allow(limits, source, rejected, err))
        return false;
    if (limits->has_percent && (double)rejected * 100 > limits->percent * (double)rows)
        return err_set(err, ERR_LIMIT,
                       "%s: %" PRIu64 " of %" PRIu64 " rows are rejected, and --max-errors allows "
                       "%g%%: fix the file, or raise the limit",
                       source, rejected, rows, limits->percent);
    if (rows < limits->rows)
        return err_set(err, ERR_LIMIT,
                       "%s: it has %" PRIu64 " rows, and --min-rows asks for %" PRIu64
                       ": is the export complete?",
                       source, rows, limits->rows);
    return true;
}
