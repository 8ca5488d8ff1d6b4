#include "core/row/outcome.h"

const struct outcome_name outcome_names[OUTCOME_PARTS] = {
    [OUTCOME_JOB] = {"rowferry_job", "job", false},
    [OUTCOME_STATE] = {"rowferry_state", "state", false},
    [OUTCOME_HTTP_STATUS] = {"rowferry_http_status", "http_status", true},
    [OUTCOME_SERVER_VERSION] = {"rowferry_server_version", "server_version", true},
    [OUTCOME_ERROR_CODE] = {"rowferry_error_code", "error_code", false},
    [OUTCOME_ERROR] = {"rowferry_error", "error", false},
    [OUTCOME_ATTEMPTS] = {"rowferry_attempts", "attempts", true},
    [OUTCOME_UPDATED] = {"rowferry_updated", "updated", false},
    [OUTCOME_AUDIT] = {"rowferry_audit", "audit", false},
    [OUTCOME_RAW] = {"rowferry_raw", "raw", false},
};

const char outcome_spreadsheet_column[] = "rowferry_for_spreadsheet";

bool outcome_is_column(struct span heading)
{
    for (size_t i = 0; i < OUTCOME_PARTS; i++)
        if (span_is(heading, outcome_names[i].column))
            return true;
    return false;
}
