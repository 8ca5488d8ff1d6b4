/* What became of a row, as the columns or members that an export adds to it. Readers know them by
 * their names and ignore them, so that an export can be read again. */
#ifndef ROWFERRY_ROW_OUTCOME_H
#define ROWFERRY_ROW_OUTCOME_H

#include "core/base/str.h"

#include <stdbool.h>
#include <stddef.h>

enum outcome_part {
    OUTCOME_JOB, /* BATCH/ROW, also of a row that never became a job */
    OUTCOME_STATE,
    OUTCOME_HTTP_STATUS,
    OUTCOME_SERVER_VERSION,
    OUTCOME_ERROR_CODE,
    OUTCOME_ERROR,
    OUTCOME_ATTEMPTS,
    OUTCOME_UPDATED, /* ISO 8601 */
    OUTCOME_AUDIT,   /* the verdict of the audit log */
    OUTCOME_RAW,     /* a rejected row that cannot be taken apart, as far as it can be shown */
    OUTCOME_PARTS,
};

/* All begin so, and no property that Genesys Cloud knows does. */
struct outcome_name {
    const char *column; /* of CSV */
    const char *member; /* of the object "outcome" of NDJSON */
    bool is_number;
};

extern const struct outcome_name outcome_names[OUTCOME_PARTS];

/* The column by which a file is told whose cells were changed for a spreadsheet. */
extern const char outcome_spreadsheet_column[];

/* UTF-8; data NULL: there is nothing to tell. */
struct outcome {
    struct span parts[OUTCOME_PARTS];
};

/* Whether a heading is one of the columns. */
bool outcome_is_column(struct span heading);

#endif
