#include "core/ingest/limits.h"

#include "core/base/str.h"

#include <ctype.h>
#include <inttypes.h>

bool limits_allow(const struct ingest_limits *limits, const char *source, uint64_t rejected,
                  struct err *err)
{
    if (!limits->has_errors || rejected <= limits->errors)
        return true;
    return err_set(err, ERR_LIMIT,
                   "%s: %" PRIu64 " rows are rejected so far, and --max-errors allows %" PRIu64
                   ": mend the file, or raise the limit",
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
                       "%g%%: mend the file, or raise the limit",
                       source, rejected, rows, limits->percent);
    if (rows < limits->rows)
        return err_set(err, ERR_LIMIT,
                       "%s: it has %" PRIu64 " rows, and --min-rows asks for %" PRIu64
                       ": is the export complete?",
                       source, rows, limits->rows);
    return true;
}

/* Passes what a shape says, where # stands for a number. */
static bool begins_as(const char *text, const char *shape)
{
    for (; *shape; shape++) {
        if (*shape != '#') {
            if (*text++ != *shape)
                return false;
            continue;
        }
        if (!isdigit((unsigned char)*text))
            return false;
        while (isdigit((unsigned char)*text))
            text++;
    }
    return true;
}

bool limits_refused(const char *source, const char *reason)
{
    /* no other refusal begins so, whatever a file holds: they name a line, or what is wrong */
    static const char *const shapes[] = {
        ": # rows are rejected so far, and --max-errors allows #",
        ": # of # rows are rejected, and --max-errors allows #",
        ": it has # rows, and --min-rows asks for #",
    };

    if (!str_starts(reason, source))
        return false;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        if (begins_as(reason + strlen(source), shapes[i]))
            return true;
    return false;
}
