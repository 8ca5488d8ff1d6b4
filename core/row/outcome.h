/* The outcome of a row: the columns or members that an export adds. Readers ignore them by their
 * names, so that an export can be read again. */
#pragma once

#include "core/base/str.h"

#include <stdbool.h>

enum outcome_part {
    OUTCOME_JOB, /* BATCH/ROW, also for a row that never became a job */
    OUTCOME_STATE,
    OUTCOME_HTTP_STATUS,
    OUTCOME_SERVER_VERSION,
    OUTCOME_ERROR_CODE,
    OUTCOME_ERROR,
    OUTCOME_ATTEMPTS,
    OUTCOME_UPDATED, /* ISO 8601 */
    OUTCOME_AUDIT,   /* the verdict of the audit log */
    OUTCOME_RAW,     /* a rejected row that cannot be split, as far as it can be shown */
    OUTCOME_PARTS,
};

/* All names begin so; no property of Genesys Cloud does. */
struct outcome_name {
    const char *column; /* of CSV */
    const char *member; /* of the object "outcome" of NDJSON */
    bool is_number;
};

extern const struct outcome_name outcome_names[OUTCOME_PARTS];

/* The column that marks a file whose cells were changed for a spreadsheet. */
extern const char outcome_spreadsheet_column[];

/* UTF-8; data NULL: unknown. */
struct outcome {
    struct span parts[OUTCOME_PARTS];
};

/* Returns whether a heading is one of the columns. */
bool outcome_is_column(struct span heading);
