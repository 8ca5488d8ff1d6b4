/* The table of settings. A new one is a line here and an id in the header. */
#include "cmd/rowferry/option_table.h"

#include "core/store/export.h"

#include <stddef.h>

#define SENDING  (FOR_RUN | FOR_DRAIN)
#define REACHING (SENDING | FOR_DOCTOR)
#define READING  (FOR_RUN | FOR_INGEST | FOR_VALIDATE)
#define DECIDING (FOR_RESOLVE | FOR_RETRY | FOR_CANCEL)
#define LOOKING  (FOR_HISTORY | FOR_EXPORT | FOR_DOCTOR)
#define STORING  (FOR_RUN | FOR_INGEST | FOR_DRAIN | FOR_STATUS)

#define WATCHED  (FOR_RUN | FOR_INGEST | FOR_DRAIN)

enum { SECOND_MS = 1000, HOUR_MS = 3600000, DAY_MS = 86400000 };

#define WORD(state, name)       #name
#define COMMA_WORD(state, name) "," #name

/* clang-format off */
static const struct option table[OPT_COUNT] = {
    [OPT_DB] = {"db", 0, KIND_PATH, "FILE", {"ROWFERRY_DB"}, "rowferry.db", 0, 0,
        STORING | DECIDING | LOOKING | FOR_PRUNE, "the database"},
    [OPT_SCHEMAS] = {"schemas", 0, KIND_PATH, "FOLDER", {"ROWFERRY_SCHEMAS"}, "schema", 0, 0,
        READING | FOR_DRAIN | FOR_EXPORT | FOR_DOCTOR, "schema files, NAME.json each"},
    [OPT_SCHEMA] = {"schema", 0, KIND_TEXT, "NAME", {NULL}, NULL, 0, 0, READING | FOR_HISTORY,
        "schema of the files, where their names do not begin with it; of the record, where several "
        "have its id"},
    [OPT_FORMAT] = {"format", 0, KIND_FORMAT, "F", {NULL}, NULL, 0, 0, READING,
        "csv or ndjson, where the files' names do not end so"},
    [OPT_EXPORT_FORMAT] = {"format", 0, KIND_FORMAT, "F", {NULL}, NULL, 0, 0, FOR_EXPORT,
        "csv or ndjson, else as the batch's file was"},
    [OPT_DELIMITER] = {"delimiter", 0, KIND_DELIMITER, "C", {NULL}, NULL, 0, 0, READING,
        "field delimiter of CSV files: a byte, tab or U+0001 (default: from the schema file, else "
        "detected from the header row)"},
    [OPT_FOR_SPREADSHEET] = {"for-spreadsheet", 0, KIND_FLAG, NULL, {NULL}, NULL, 0, 0, FOR_EXPORT,
        "CSV in UTF-8, with an apostrophe before each cell that a spreadsheet would compute; such "
        "a file is not taken back"},
    [OPT_SUGGEST] = {"suggest", 0, KIND_FLAG, NULL, {NULL}, NULL, 0, 0, FOR_VALIDATE,
                     "print the schema file that would read the file; what is ambiguous is a $comment "
                     "in it"},
    [OPT_MAX_ERRORS] = {"max-errors", 0, KIND_ERRORS, "N", {"ROWFERRY_MAX_ERRORS"}, NULL, 0, 0,
        READING, "a file with more rejected rows (N, or N% of its rows) is refused as a whole"},
    [OPT_MIN_ROWS] = {"min-rows", 0, KIND_INTEGER, "N", {"ROWFERRY_MIN_ROWS"}, NULL, 0, INT32_MAX,
        READING, "a file with fewer rows is refused as a whole"},
    [OPT_MIN_AGE] = {"min-age", 0, KIND_DURATION, "D", {NULL}, NULL, 0, DAY_MS, FOR_RUN,
        "a file in the inbox is complete when it has not changed for so long (2s, or 30s where "
        "this user cannot see who writes it)"},
    [OPT_MIN_FILES] = {"min-files", 0, KIND_INTEGER, "N", {"ROWFERRY_MIN_FILES"}, NULL, 0, INT32_MAX,
        FOR_RUN, "fewer files in the inbox end the run with status 4; those that are there are read"},
    [OPT_DONE_FILE] = {"done-file", 0, KIND_SUFFIX, "SUFFIX", {"ROWFERRY_DONE_FILE"}, NULL, 0, 0,
        FOR_RUN, "a file is complete when X.csvSUFFIX, or XSUFFIX, is there next to X.csv; that is "
        "moved along with it"},
    [OPT_IGNORE] = {"ignore", 0, KIND_TEXT, "GLOB,...", {"ROWFERRY_IGNORE"}, NULL, 0, 0, FOR_RUN,
        "files of the inbox to leave alone, though their names end in .csv"},
    [OPT_FORCE] = {"force", 0, KIND_FLAG, NULL, {NULL}, NULL, 0, 0, READING,
        "read a file that was read before, or whose declared encoding is doubtful"},
    [OPT_KEEP] = {"keep", 0, KIND_FLAG, NULL, {NULL}, NULL, 0, 0, FOR_RUN,
        "leave the files of an inbox where they are"},
    [OPT_TAIL] = {"tail", 0, KIND_FLAG, NULL, {NULL}, NULL, 0, 0, FOR_INGEST,
        "of files in done/ that grew after they were read: only the rows that came since"},
    [OPT_BATCH] = {"batch", 0, KIND_INTEGER, "ID", {NULL}, NULL, 1, INT32_MAX,
        FOR_DRAIN | FOR_RESOLVE, "this batch alone"},
    [OPT_ALL] = {"all", 0, KIND_FLAG, NULL, {NULL}, NULL, 0, 0, FOR_RESOLVE | FOR_RETRY,
        "every batch"},
    [OPT_STATE] = {"state", 0, KIND_STATES, "S", {NULL}, JOB_RETRIABLE_LIST(WORD, COMMA_WORD), 0,
        JOB_SET(JOB_RETRIABLE_LIST), FOR_RETRY, "jobs in these states alone"},
    [OPT_EXPORT_STATE] = {"state", 0, KIND_STATES, "STATES", {NULL}, "all", 0, EXPORT_ALL,
        FOR_EXPORT, "rows in these alone: rejected, any state of a job (pending, applied, "
        "conflict, refused, failed, ...), with commas; jobs is every one of them"},
    [OPT_SINCE] = {"since", 0, KIND_DURATION, "D", {NULL}, NULL, 0, 36500 * (int64_t)DAY_MS,
        FOR_RETRY, "jobs whose last change is not older: 4h, 90d"},
    [OPT_RECORD] = {"record", 0, KIND_TEXT, "ID", {NULL}, NULL, 0, 0, FOR_RETRY,
        "jobs of this record alone"},
    [OPT_OLDER_THAN] = {"older-than", 0, KIND_DURATION, "D", {NULL}, NULL, 0,
        36500 * (int64_t)DAY_MS, FOR_PRUNE, "of batches that were finished so long ago: 90d, 12h"},
    [OPT_OURS] = {"ours", 0, KIND_FLAG, NULL, {NULL}, NULL, 0, 0, FOR_RESOLVE,
        "the next drain fetches the record, lays the row's fields over it, and sends that"},
    [OPT_THEIRS] = {"theirs", 0, KIND_FLAG, NULL, {NULL}, NULL, 0, 0, FOR_RESOLVE,
        "dismiss the row; the record stays as it is"},
    [OPT_EVEN_IF_SUPERSEDED] = {"even-if-superseded", 0, KIND_FLAG, NULL, {NULL}, NULL, 0, 0,
        FOR_RESOLVE | FOR_RETRY, "also where a later row of the record was sent, whose values an older row may "
        "undo"},
    [OPT_FILES] = {"files", 0, KIND_FLAG, NULL, {NULL}, NULL, 0, 0, FOR_PRUNE,
        "delete also their files in done/ and refused/, with what was written next to them"},
    [OPT_DRY_RUN] = {"dry-run", 0, KIND_FLAG, NULL, {NULL}, NULL, 0, 0, DECIDING | FOR_PRUNE,
        "show what would be done, and change nothing"},
    [OPT_YES] = {"yes", 0, KIND_FLAG, NULL, {NULL}, NULL, 0, 0, DECIDING | FOR_PRUNE,
        "do not ask, though more than one job is changed"},
    [OPT_ENVIRONMENT] = {"environment", 0, KIND_TEXT, "E",
        {"GENESYS_ENVIRONMENT", "GENESYSCLOUD_REGION"}, "https://api.mypurecloud.com", 0, 0,
        REACHING, "a URL, a domain (mypurecloud.de) or a region (eu-central-1)"},
    [OPT_LOGIN_URL] = {"login-url", 0, KIND_TEXT, "URL", {"GENESYS_LOGIN_URL"}, NULL, 0, 0,
        REACHING, "where tokens come from, if not from the environment's login host"},
    [OPT_CLIENT_ID] = {NULL, 0, KIND_TEXT, "client id",
        {"GENESYS_CLIENT_ID", "GENESYSCLOUD_OAUTHCLIENT_ID"}, NULL, 0, 0, REACHING,
        "the OAuth client"},
    [OPT_CLIENT_SECRET] = {"client-secret-file", 0, KIND_SECRET, "FILE",
        {"GENESYS_CLIENT_SECRET", "GENESYS_CLIENT_SECRET_FILE", "GENESYSCLOUD_OAUTHCLIENT_SECRET"},
        NULL, 0, 0, REACHING, "holds the client secret, readable by nobody else; the secret "
        "itself comes from a variable, never as an argument"},
    [OPT_CA_FILE] = {"ca-file", 0, KIND_PATH, "FILE", {"ROWFERRY_CA_FILE"}, NULL, 0, 0, REACHING,
        "certificates to trust instead of the system's"},
    [OPT_CONCURRENCY] = {"concurrency", 0, KIND_INTEGER, "N", {"ROWFERRY_CONCURRENCY"}, "8", 1, 256,
        SENDING, "requests in flight at most"},
    [OPT_RATE] = {"rate", 0, KIND_RATE, "R", {"ROWFERRY_RATE"}, "300/m", 0, 0, STORING,
        "requests at most: N/s, N/m, N/h or none"},
    [OPT_TIMEOUT] = {"timeout", 0, KIND_DURATION, "S", {"ROWFERRY_TIMEOUT"}, "10", SECOND_MS,
        HOUR_MS, REACHING, "seconds for one request"},
    [OPT_MAX_RETRIES] = {"max-retries", 0, KIND_INTEGER, "N", {"ROWFERRY_MAX_RETRIES"}, "3", 0,
        1000, SENDING, "of one job in one run"},
    [OPT_MAX_ATTEMPTS] = {"max-attempts", 0, KIND_INTEGER, "N", {"ROWFERRY_MAX_ATTEMPTS"}, "12", 1,
        10000, SENDING, "of one job over all runs; then it has failed"},
    [OPT_MAX_REFUSED] = {"max-refused", 0, KIND_ERRORS, "N", {"ROWFERRY_MAX_REFUSED"}, NULL, 0, 0,
        SENDING, "the run stops when the API refused more jobs (N, or N% of those that are at "
        "their end, from 100 on)"},
    [OPT_MAX_WAIT] = {"max-wait", 0, KIND_DURATION, "D", {"ROWFERRY_MAX_WAIT"}, "15m", 0,
        365 * (int64_t)DAY_MS, SENDING,
        "the API may ask us to wait so long; beyond it the run ends and a later one resumes"},
    [OPT_IGNORE_PAUSE] = {"ignore-pause", 0, KIND_FLAG, NULL, {NULL}, NULL, 0, 0, SENDING,
        "send at once, and forget that the API asked an earlier run to wait"},
    [OPT_MAX_TIME] = {"max-time", 0, KIND_DURATION, "D", {"ROWFERRY_MAX_TIME"}, NULL, SECOND_MS,
        365 * (int64_t)DAY_MS, FOR_RUN | FOR_INGEST | FOR_DRAIN,
        "the command may take so long; then it settles what is under way and ends"},
    [OPT_ON_CONFLICT] = {"on-conflict", 0, KIND_ON_CONFLICT, "HOW", {"ROWFERRY_ON_CONFLICT"}, "park",
        0, 0, SENDING, "park: keep what someone else changed for a decision; rebase: lay our fields "
        "over theirs; dismiss: leave theirs"},
    [OPT_AUDIT] = {"audit", 0, KIND_AUDIT, "A", {"ROWFERRY_AUDIT"}, "none", 0, 0, SENDING,
        "applied updates to look up in the audit log; this version knows `none` alone"},
    [OPT_AUDIT_WAIT] = {"audit-wait", 0, KIND_DURATION, "D", {"ROWFERRY_AUDIT_WAIT"}, "60s", 0,
        DAY_MS, SENDING, "the audit log may lag so long before its silence means something"},
    [OPT_TAGS] = {"tags", 0, KIND_TAGS, "A,B", {"ROWFERRY_TAGS"}, "api-update", 0, 0, SENDING,
        "for rows that name none"},
    [OPT_SOURCE] = {"source", 0, KIND_TEXT, "NAME", {"ROWFERRY_SOURCE"}, "rowferry", 0, 0, SENDING,
        "what the API is told that updates come from"},
    [OPT_SUMMARY] = {"summary", 0, KIND_PATH, "FILE", {"ROWFERRY_SUMMARY"}, NULL, 0, 0, WATCHED,
        "at the end, however it comes, the summary of --json, as one JSON object"},
    [OPT_METRICS_FILE] = {"metrics-file", 0, KIND_PATH, "FILE", {"ROWFERRY_METRICS_FILE"}, NULL, 0,
        0, WATCHED, "measures for Prometheus, NAME.prom in the folder of the node exporter's "
        "textfile collector; written every 15 s, and at the end"},
    [OPT_ON_FAILURE] = {"on-failure", 0, KIND_TEXT, "CMD", {"ROWFERRY_ON_FAILURE"}, NULL, 0, 0,
        WATCHED, "run by the shell when the exit status is not 0, with the summary on standard "
        "input and ROWFERRY_EXIT_STATUS set; cut after 60 s, and no status changes by it"},
    [OPT_LOG_FORMAT] = {"log-format", 0, KIND_LOG_FORMAT, "F", {"ROWFERRY_LOG_FORMAT"}, NULL, 0, 0,
        WATCHED | FOR_VALIDATE | DECIDING, "text or json: messages as a log, one event a line, "
        "with time and run"},
    [OPT_ENV_FILE] = {"env-file", 0, KIND_PATH, "FILE", {NULL}, NULL, 0, 0, FOR_ALL,
        "instead of .env in the working directory"},
    [OPT_JSON] = {"json", 0, KIND_FLAG, NULL, {NULL}, NULL, 0, 0, FOR_ALL,
        "JSON lines on standard output"},
    [OPT_QUIET] = {"quiet", 'q', KIND_FLAG, NULL, {NULL}, NULL, 0, 0, FOR_ALL,
        "errors only; a summary only when something is wrong"},
    [OPT_VERBOSE] = {"verbose", 'v', KIND_FLAG, NULL, {NULL}, NULL, 0, 0, FOR_ALL,
        "say more"},
    [OPT_NO_COLOR] = {"no-color", 0, KIND_FLAG, NULL, {NULL}, NULL, 0, 0, FOR_ALL,
        "as NO_COLOR in the environment does"},
    [OPT_HELP] = {"help", 'h', KIND_FLAG, NULL, {NULL}, NULL, 0, 0, FOR_ALL, "this text"},
    [OPT_VERSION] = {"version", 0, KIND_FLAG, NULL, {NULL}, NULL, 0, 0, FOR_ALL, "the version"},
};
/* clang-format on */

bool option_is_secret(struct span variable)
{
    for (unsigned i = 0; i < OPT_COUNT; i++)
        for (unsigned j = 0; table[i].kind == KIND_SECRET && j < OPTION_ENV_MAX; j++)
            if (table[i].env[j] && span_is(variable, table[i].env[j]) &&
                !str_ends(table[i].env[j], "_FILE"))
                return true;
    return false;
}

const struct option *option_at(enum option_id id)
{
    return &table[id];
}
