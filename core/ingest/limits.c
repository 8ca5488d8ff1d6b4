#include "core/ingest/limits.h"

#include <inttypes.h>

bool limits_allow(const struct ingest_limits *limits, const char *source, uint64_t accepted,
                  uint64_t rejected, struct err *err)
{
    if (limits->most && accepted > limits->most)
        return err_set(err, ERR_LIMIT,
                       "%s: it has more rows than its target can hold, which is %" PRIu64
                       " (`rows` of its `limits`): divide the rows among several targets, or raise "
                       "the limit if the target takes more",
                       source, limits->most);
    if (!limits->has_errors || rejected <= limits->errors)
        return true;
    return err_set(err, ERR_LIMIT,
                   "%s: %" PRIu64 " %s rejected so far, and --max-errors allows %" PRIu64
                   ": fix the file, or raise the limit",
                   source, rejected, rejected == 1 ? "row is" : "rows are", limits->errors);
}

bool limits_accept(const struct ingest_limits *limits, const char *source, uint64_t rows,
                   uint64_t rejected, struct err *err)
{
    if (!limits_allow(limits, source, rows - rejected, rejected, err))
        return false;
    if (limits->has_percent && (double)rejected * 100 > limits->percent * (double)rows)
        return err_set(err, ERR_LIMIT,
                       "%s: %" PRIu64 " of %" PRIu64 " rows are rejected, and --max-errors allows "
                       "%g%%: fix the file, or raise the limit",
                       source, rejected, rows, limits->percent);
    if (rows < limits->rows)
        return err_set(err, ERR_LIMIT,
                       "%s: it has %" PRIu64 " row%s, but --min-rows requires %" PRIu64
                       ": is the export complete?",
                       source, rows, rows == 1 ? "" : "s", limits->rows);
    return true;
}
