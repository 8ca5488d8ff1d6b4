/* The table of settings. A new one is a line here and an id in the header. */
#include "cmd/rowferry/option_table.h"

#include "core/store/export.h"

#define SENDING    (FOR_RUN | FOR_DRAIN)
#define ASKING     (SENDING | FOR_AUDIT)
#define FETCHING   (ASKING | FOR_DIFF)
#define REACHING   (FETCHING | FOR_DOCTOR)
#define READING    (FOR_RUN | FOR_INGEST | FOR_VALIDATE | FOR_DIFF)
#define DECIDING   (FOR_RESOLVE | FOR_RETRY | FOR_CANCEL)
#define LOOKING    (FOR_HISTORY | FOR_EXPORT | FOR_DOCTOR)
#define DELIVERING (FOR_RUN | FOR_FORWARD | FOR_LISTEN)
#define STORING    (FOR_RUN | FOR_INGEST | FOR_DRAIN | FOR_STATUS | FOR_AUDIT | FOR_DIFF)

#define MEASURED   (FOR_RUN | FOR_INGEST | FOR_DRAIN | FOR_AUDIT | FOR_DIFF | FOR_FORWARD)
#define WATCHED    (MEASURED | FOR_LISTEN)

enum { SECOND_MS = 1000, HOUR_MS = 3600000, DAY_MS = 86400000 };

#define WORD(state, name)       #name
#define COMMA_WORD(state, name) "," #name

/* clang-format off */
/* NOLINTBEGIN(misc-redundant-expression): sets of commands overlap */
static const struct option table[OPT_COUNT] = {
    [OPT_DB] = {.name = "db", .kind = KIND_PATH, .argument = "FILE", .env = {"ROWFERRY_DB"},
        .fallback = "rowferry.db",
        .commands = STORING | DECIDING | LOOKING | FOR_PRUNE | FOR_BACKUP | DELIVERING, .group = GROUP_FILES,
        .help = "the database",
        .manual = "run and ingest create it if it does not exist; every other command fails with "
            "exit status 2."},
    [OPT_SCHEMAS] = {.name = "schemas", .kind = KIND_PATH, .argument = "FOLDER",
        .env = {"ROWFERRY_SCHEMAS"}, .fallback = "schema",
        .commands = READING | FOR_DRAIN | FOR_EXPORT | FOR_DOCTOR | DELIVERING, .group = GROUP_FILES,
        .help = "the folder of schema files, one NAME.json per object"},
    [OPT_SCHEMA] = {.name = "schema", .kind = KIND_TEXT, .argument = "NAME",
        .commands = READING | FOR_HISTORY | FOR_DOCTOR, .group = GROUP_FILES,
        .help = "schema of files whose names do not begin with it, or of the record, if several "
            "schemas have its id"},
    [OPT_FORMAT] = {.name = "format", .kind = KIND_FORMAT, .argument = "F", .commands = READING,
        .group = GROUP_FILES,
        .help = "csv or ndjson, for files whose names end in neither"},
    [OPT_EXPORT_FORMAT] = {.name = "format", .kind = KIND_FORMAT, .argument = "F",
        .commands = FOR_EXPORT, .group = GROUP_FILES,
        .help = "csv or ndjson (default: the format of the batch's file)"},
    [OPT_DELIMITER] = {.name = "delimiter", .kind = KIND_DELIMITER, .argument = "C",
        .commands = READING, .group = GROUP_FILES,
        .help = "field delimiter of CSV files: a byte, tab or U+0001 (default: from the schema "
            "file, else detected from the header row)"},
    [OPT_FOR_SPREADSHEET] = {.name = "for-spreadsheet", .commands = FOR_EXPORT,
        .group = GROUP_FILES,
        .help = "write CSV in UTF-8, with an apostrophe before each cell that a spreadsheet would "
            "compute",
        .manual = "rowferry does not read such a file back."},
    [OPT_SUGGEST] = {.name = "suggest", .commands = FOR_VALIDATE, .group = GROUP_FILES,
        .help = "print a schema file that fits the file",
        .manual = "A $comment in it names what the file leaves open."},
    [OPT_MAX_ERRORS] = {.name = "max-errors", .kind = KIND_ERRORS, .argument = "N",
        .env = {"ROWFERRY_MAX_ERRORS"}, .commands = READING, .group = GROUP_FILES,
        .help = "refuse a file as a whole if more than N, or N%, of its rows are rejected",
        .manual = "Nothing of such a file is sent, and the exit status is 4."},
    [OPT_MIN_ROWS] = {.name = "min-rows", .kind = KIND_INTEGER, .argument = "N",
        .env = {"ROWFERRY_MIN_ROWS"}, .maximum = INT32_MAX, .commands = READING,
        .group = GROUP_FILES,
        .help = "refuse a file as a whole if it has fewer rows",
        .manual = "Nothing of such a file is sent, and the exit status is 4."},
    [OPT_MIN_AGE] = {.name = "min-age", .kind = KIND_DURATION, .argument = "D", .maximum = DAY_MS,
        .commands = FOR_RUN, .group = GROUP_FILES,
        .help = "read a file of the inbox only when it has not changed for this time (default: 2s, "
            "or 30s if this user cannot see which process writes it)"},
    [OPT_MIN_FILES] = {.name = "min-files", .kind = KIND_INTEGER, .argument = "N",
        .env = {"ROWFERRY_MIN_FILES"}, .maximum = INT32_MAX, .commands = FOR_RUN,
        .group = GROUP_FILES,
        .help = "end with exit status 4 if the inbox has fewer files",
        .manual = "The files that are there are read and sent."},
    [OPT_DONE_FILE] = {.name = "done-file", .kind = KIND_SUFFIX, .argument = "SUFFIX",
        .env = {"ROWFERRY_DONE_FILE"}, .commands = FOR_RUN, .group = GROUP_FILES,
        .help = "read X.csv only when X.csvSUFFIX or XSUFFIX exists next to it",
        .manual = "That file is moved along with X.csv."},
    [OPT_IGNORE] = {.name = "ignore", .kind = KIND_TEXT, .argument = "GLOB,...",
        .env = {"ROWFERRY_IGNORE"}, .commands = FOR_RUN, .group = GROUP_FILES,
        .help = "leave these files of the inbox alone"},
    [OPT_FORCE] = {.name = "force", .commands = READING, .group = GROUP_FILES,
        .help = "read a file that was read before, or whose declared encoding is doubtful"},
    [OPT_KEEP] = {.name = "keep", .commands = FOR_RUN, .group = GROUP_FILES,
        .help = "leave the files of an inbox where they are"},
    [OPT_KEEP_COPIES] = {.name = "keep", .kind = KIND_INTEGER, .argument = "N", .minimum = 1,
        .maximum = 10000, .commands = FOR_BACKUP, .group = GROUP_FILES,
        .help = "keep the newest N copies in the folder, and delete older ones",
        .manual = "Only files with names as backup makes them, of a database of this name, are "
            "deleted, and only after the new copy is complete."},
    [OPT_EVERY] = {.name = "every", .kind = KIND_DURATION, .argument = "D",
        .minimum = SECOND_MS, .maximum = 36500 * (int64_t)DAY_MS, .commands = FOR_BACKUP,
        .group = GROUP_FILES,
        .help = "do nothing if the newest copy in the folder is younger: 20h"},
    [OPT_TAIL] = {.name = "tail", .commands = FOR_INGEST, .group = GROUP_FILES,
        .help = "read only the rows that were added to a file in done/ after it was read"},
    [OPT_BATCH] = {.name = "batch", .kind = KIND_INTEGER, .argument = "ID", .minimum = 1,
        .maximum = INT32_MAX, .commands = FOR_DRAIN | FOR_RESOLVE | FOR_AUDIT, .group = GROUP_JOBS,
        .help = "only this batch"},
    [OPT_ALL] = {.name = "all", .commands = FOR_RESOLVE | FOR_RETRY, .group = GROUP_JOBS,
        .help = "every batch"},
    [OPT_STATE] = {.name = "state", .kind = KIND_STATES, .argument = "S",
        .fallback = JOB_RETRIABLE_LIST(WORD, COMMA_WORD), .maximum = JOB_SET(JOB_RETRIABLE_LIST),
        .commands = FOR_RETRY, .group = GROUP_JOBS,
        .help = "only jobs in these states"},
    [OPT_EXPORT_STATE] = {.name = "state", .kind = KIND_STATES, .argument = "STATES",
        .fallback = "all", .maximum = EXPORT_ALL, .commands = FOR_EXPORT, .group = GROUP_JOBS,
        .help = "only rows in these states: rejected, any state of a job (pending, applied, "
            "conflict, refused, failed, ...) or jobs for all of them; separate with commas"},
    [OPT_SINCE] = {.name = "since", .kind = KIND_DURATION, .argument = "D",
        .maximum = 36500 * (int64_t)DAY_MS, .commands = FOR_RETRY, .group = GROUP_JOBS,
        .help = "only jobs that changed within this time: 4h, 90d"},
    [OPT_RECORD] = {.name = "record", .kind = KIND_TEXT, .argument = "ID",
        .commands = FOR_RETRY | FOR_EXPORT, .group = GROUP_JOBS,
        .help = "only jobs of this record"},
    [OPT_PROBE] = {.name = "probe", .kind = KIND_TEXT, .argument = "RECORD",
        .commands = FOR_DOCTOR, .group = GROUP_JOBS,
        .help = "also update this test record, compare what comes back with the target of its "
            "schema, and put it back",
        .manual = "It is updated up to three times, with its own values or those of --fields: once "
            "unchanged, once without one of its fields, and once with an old token. Then it is put "
            "back; what it held is printed before, and again if that fails. Nothing is created or "
            "deleted. If there are several schema files, --schema names the one to use."},
    [OPT_FIELDS] = {.name = "fields", .kind = KIND_TEXT, .argument = "JSON",
        .commands = FOR_DOCTOR, .group = GROUP_JOBS,
        .help = "with --probe: values as the ERP writes them, {\"phone\": \"+49 30 1234\"}"},
    [OPT_READ] = {.name = "read", .commands = FOR_DIFF, .group = GROUP_JOBS,
        .help = "read every record, even if its values are known"},
    [OPT_UNDO] = {.name = "undo", .commands = FOR_EXPORT, .group = GROUP_JOBS,
        .help = "instead of the rows, write NDJSON that restores what their records held before",
        .manual = "The schema file needs \"keepBefore\": true when the batch is read. The rows "
            "have the version that our update made: a record that was changed since becomes a "
            "conflict."},
    [OPT_OLDER_THAN] = {.name = "older-than", .kind = KIND_DURATION, .argument = "D",
        .maximum = 36500 * (int64_t)DAY_MS, .commands = FOR_PRUNE, .group = GROUP_JOBS,
        .help = "only batches that finished longer ago: 90d, 12h"},
    [OPT_OURS] = {.name = "ours", .commands = FOR_RESOLVE, .group = GROUP_DECISION,
        .help = "send the row again: the next drain fetches the record and sets the fields of the "
            "row in it"},
    [OPT_THEIRS] = {.name = "theirs", .commands = FOR_RESOLVE, .group = GROUP_DECISION,
        .help = "dismiss the row; the record stays as it is"},
    [OPT_EVEN_IF_SUPERSEDED] = {.name = "even-if-superseded", .commands = FOR_RESOLVE | FOR_RETRY,
        .group = GROUP_DECISION,
        .help = "include rows although a later row of their record was sent",
        .manual = "The older row can undo the values of the later one."},
    [OPT_DELIVERIES] = {.name = "deliveries", .commands = FOR_RETRY, .group = GROUP_JOBS,
        .help = "retry failed deliveries to the ERP instead of jobs",
        .manual = "--record and --since choose among them. The listing names a later notification of the "
            "same record that the ERP has already: the retried one reaches it after that one."},
    [OPT_FILES] = {.name = "files", .commands = FOR_PRUNE, .group = GROUP_DECISION,
        .help = "also delete their files in done/ and refused/, and what was written next to them"},
    [OPT_DRY_RUN] = {.name = "dry-run", .commands = DECIDING | FOR_PRUNE | FOR_DOCTOR, .group = GROUP_DECISION,
        .help = "show what would be done, and change nothing"},
    [OPT_YES] = {.name = "yes", .commands = DECIDING | FOR_PRUNE | FOR_DOCTOR, .group = GROUP_DECISION,
        .help = "do not ask for confirmation"},
    [OPT_ENVIRONMENT] = {.name = "environment", .kind = KIND_TEXT, .argument = "E",
        .env = {"GENESYS_ENVIRONMENT", "GENESYSCLOUD_REGION"},
        .fallback = "https://api.mypurecloud.com", .commands = REACHING, .group = GROUP_API,
        .help = "a URL, a domain (mypurecloud.de) or a region (eu-central-1)",
        .manual = "Plain http:// is refused for every host but loopback."},
    [OPT_LOGIN_URL] = {.name = "login-url", .kind = KIND_TEXT, .argument = "URL",
        .env = {"GENESYS_LOGIN_URL"}, .commands = REACHING, .group = GROUP_API,
        .help = "where to get tokens (default: the login host of the environment)",
        .manual = "A login host of another domain than the API's must be given as an option, not "
            "by the variable."},
    [OPT_TOKEN_URL] = {.name = "token-url", .kind = KIND_TEXT, .argument = "URL",
        .env = {"ROWFERRY_TOKEN_URL"}, .commands = REACHING, .group = GROUP_API,
        .help = "the token endpoint of another OAuth server, instead of the environment's login",
        .manual = "It must take the client credentials grant. The issuer of its tokens is not "
            "checked. A host of another domain than the API's must be given as an option."},
    [OPT_SCOPE] = {.name = "scope", .kind = KIND_TEXT, .argument = "TEXT",
        .env = {"ROWFERRY_SCOPE"}, .commands = REACHING, .group = GROUP_API,
        .help = "the scope to ask for (default: that of custom objects; none with --token-url)",
        .manual = "Separate several with spaces. --scope '' asks for none."},
    [OPT_CLIENT_ID] = {.kind = KIND_TEXT, .argument = "client id",
        .env = {"GENESYS_CLIENT_ID", "GENESYSCLOUD_OAUTHCLIENT_ID"},
        .commands = REACHING | DELIVERING, .group = GROUP_API,
        .help = "id of the OAuth client"},
    [OPT_CLIENT_SECRET] = {.name = "client-secret-file", .kind = KIND_SECRET, .argument = "FILE",
        .env = {"GENESYS_CLIENT_SECRET", "GENESYS_CLIENT_SECRET_FILE",
            "GENESYSCLOUD_OAUTHCLIENT_SECRET"},
        .commands = REACHING, .group = GROUP_API,
        .help = "a file with the client secret that nobody else can read; the secret itself comes "
            "from a variable, never from an argument"},
    [OPT_API_KEY] = {.name = "api-key-file", .kind = KIND_SECRET, .argument = "FILE",
        .env = {"ROWFERRY_API_KEY", "ROWFERRY_API_KEY_FILE"}, .commands = REACHING,
        .group = GROUP_API,
        .help = "a file with a key that nobody else can read; it is sent instead of a token",
        .manual = "The key is the whole value of its header field: Bearer and the key, if the API "
            "wants that. No token is requested, and a 401 is final."},
    [OPT_API_KEY_HEADER] = {.name = "api-key-header", .kind = KIND_FIELD, .argument = "NAME",
        .env = {"ROWFERRY_API_KEY_HEADER"}, .fallback = "Authorization", .commands = REACHING,
        .group = GROUP_API,
        .help = "the header field that the key belongs in"},
    [OPT_CA_FILE] = {.name = "ca-file", .kind = KIND_PATH, .argument = "FILE",
        .env = {"ROWFERRY_CA_FILE"}, .commands = REACHING | DELIVERING, .group = GROUP_API,
        .help = "certificates to trust instead of the system's"},
    [OPT_CONCURRENCY] = {.name = "concurrency", .kind = KIND_INTEGER, .argument = "N",
        .env = {"ROWFERRY_CONCURRENCY"}, .fallback = "8", .minimum = 1, .maximum = 256,
        .commands = FETCHING | DELIVERING, .group = GROUP_SENDING,
        .help = "maximum number of requests in flight"},
    [OPT_RATE] = {.name = "rate", .kind = KIND_RATE, .argument = "R", .env = {"ROWFERRY_RATE"},
        .fallback = "300/m", .commands = STORING, .group = GROUP_SENDING,
        .help = "maximum rate of requests: N/s, N/m, N/h or none",
        .manual = "300/m is the platform's default limit for a token. If the API asks for less, "
            "rowferry sends less."},
    [OPT_TIMEOUT] = {.name = "timeout", .kind = KIND_DURATION, .argument = "S",
        .env = {"ROWFERRY_TIMEOUT"}, .fallback = "10", .minimum = SECOND_MS, .maximum = HOUR_MS,
        .commands = REACHING, .group = GROUP_SENDING,
        .help = "maximum time of one request, in seconds"},
    [OPT_MAX_RETRIES] = {.name = "max-retries", .kind = KIND_INTEGER, .argument = "N",
        .env = {"ROWFERRY_MAX_RETRIES"}, .fallback = "3", .maximum = 1000,
        .commands = FETCHING | FOR_FORWARD, .group = GROUP_SENDING,
        .help = "retries of a job, or tries of a delivery to the ERP, in one run",
        .manual = "A delivery is tried at least once; `listen` never gives up on one."},
    [OPT_MAX_ATTEMPTS] = {.name = "max-attempts", .kind = KIND_INTEGER, .argument = "N",
        .env = {"ROWFERRY_MAX_ATTEMPTS"}, .fallback = "12", .minimum = 1, .maximum = 10000,
        .commands = SENDING, .group = GROUP_SENDING,
        .help = "attempts per job over all runs, after which it fails"},
    [OPT_MAX_REFUSED] = {.name = "max-refused", .kind = KIND_ERRORS, .argument = "N",
        .env = {"ROWFERRY_MAX_REFUSED"}, .commands = SENDING, .group = GROUP_SENDING,
        .help = "stop the run if the API refuses more than N jobs, or more than N% of the finished "
            "jobs",
        .manual = "The exit status is 4. A percentage counts from 100 finished jobs on."},
    [OPT_MAX_WAIT] = {.name = "max-wait", .kind = KIND_DURATION, .argument = "D",
        .env = {"ROWFERRY_MAX_WAIT"}, .fallback = "15m", .maximum = 365 * (int64_t)DAY_MS,
        .commands = FETCHING | FOR_FORWARD, .group = GROUP_SENDING,
        .help = "maximum wait that the API can ask for; if it asks for more, the run ends",
        .manual = "The exit status is 5, and the pause is stored; a run that starts after it "
            "resumes."},
    [OPT_IGNORE_PAUSE] = {.name = "ignore-pause", .commands = FETCHING, .group = GROUP_SENDING,
        .help = "send at once although the API asked an earlier run to wait"},
    [OPT_ON_CONFLICT] = {.name = "on-conflict", .kind = KIND_ON_CONFLICT, .argument = "HOW",
        .env = {"ROWFERRY_ON_CONFLICT"}, .fallback = "park", .commands = SENDING,
        .group = GROUP_SENDING,
        .help = "what to do if somebody else changed the record: park (keep the row for a "
            "decision), rebase (set our fields in the changed record) or dismiss (drop the row)",
        .manual = "It applies only to a proven conflict. If ids are missing or garbled, or if the "
            "version of the row is ahead of the record, the row is kept for a decision."},
    [OPT_AUDIT] = {.name = "audit", .kind = KIND_AUDIT, .argument = "A", .env = {"ROWFERRY_AUDIT"},
        .fallback = "all", .commands = ASKING | FOR_PRUNE, .group = GROUP_SENDING,
        .help = "which applied updates to look up in the audit log afterwards: all, none or N%",
        .manual = "A percentage selects the same updates each time. rowferry audit looks up what "
            "run and drain left out. With none, prune also deletes batches that are still to be "
            "looked up."},
    [OPT_AUDIT_WAIT] = {.name = "audit-wait", .kind = KIND_DURATION, .argument = "D",
        .env = {"ROWFERRY_AUDIT_WAIT"}, .fallback = "60s", .maximum = DAY_MS, .commands = ASKING,
        .group = GROUP_SENDING,
        .help = "how long the audit log can lag",
        .manual = "A missing entry counts only after this time."},
    [OPT_AUDIT_IDS] = {.name = "audit-ids", .kind = KIND_INTEGER, .argument = "N",
        .env = {"ROWFERRY_AUDIT_IDS"}, .fallback = "25", .minimum = 1, .maximum = 100,
        .commands = ASKING, .group = GROUP_SENDING,
        .help = "records per request to the audit log"},
    [OPT_TAGS] = {.name = "tags", .kind = KIND_TAGS, .argument = "A,B", .env = {"ROWFERRY_TAGS"},
        .fallback = "api-update", .commands = SENDING, .group = GROUP_SENDING,
        .help = "tags of rows that have none"},
    [OPT_SOURCE] = {.name = "source", .kind = KIND_TEXT, .argument = "NAME",
        .env = {"ROWFERRY_SOURCE"}, .fallback = "rowferry", .commands = SENDING,
        .group = GROUP_SENDING,
        .help = "the source that updates give to the API"},
    [OPT_ERP_ENDPOINT] = {.name = "erp-endpoint", .kind = KIND_TEXT, .argument = "URL",
        .env = {"ERP_ENDPOINT"}, .commands = DELIVERING | FOR_DOCTOR, .group = GROUP_WEBHOOKS,
        .help = "the URL of the ERP that notifications are posted to",
        .manual = "Without it, notifications are stored and not delivered. Plain http:// is "
            "refused for every host but loopback."},
    [OPT_ERP_SECRET] = {.name = "erp-secret-file", .kind = KIND_SECRET, .argument = "FILE",
        .env = {"ROWFERRY_ERP_SECRET", "ROWFERRY_ERP_SECRET_FILE"},
        .commands = DELIVERING | FOR_DOCTOR, .group = GROUP_WEBHOOKS,
        .help = "a file with the secret that deliveries are signed with (default: unsigned)",
        .manual = "A secret is whsec_ and base64, or plain text. While a secret is being changed, "
            "the file has one per line. Deliveries are signed by Standard Webhooks, once with each "
            "secret. `listen` reads the file again a second or two after it has changed. If it is "
            "unusable then, `listen` reports that and goes on with the secrets that it has."},
    [OPT_WEBHOOK_SECRET] = {.name = "webhook-secret-file", .kind = KIND_SECRET, .argument = "FILE",
        .env = {"ROWFERRY_WEBHOOK_SECRET", "ROWFERRY_WEBHOOK_SECRET_FILE"}, .commands = FOR_LISTEN,
        .group = GROUP_WEBHOOKS,
        .help = "a file with the secret that notifications must be signed with",
        .manual = "It is required unless only this machine can reach the address. Secrets are "
            "written, and read again, as for --erp-secret-file. Signatures are those of Standard "
            "Webhooks (at most 5 minutes old), or X-Hub-Signature-256."},
    [OPT_ECHO] = {.name = "echo", .kind = KIND_ECHO, .argument = "HOW", .env = {"ROWFERRY_ECHO"},
        .fallback = "drop", .commands = DELIVERING, .group = GROUP_WEBHOOKS,
        .help = "what to do with notifications of our own updates: drop or deliver"},
    [OPT_TLS_CERT] = {.name = "tls-cert", .kind = KIND_PATH, .argument = "FILE",
        .env = {"ROWFERRY_TLS_CERT"}, .commands = FOR_LISTEN, .group = GROUP_WEBHOOKS,
        .help = "serve HTTPS with this certificate (PEM), with its chain"},
    [OPT_TLS_KEY] = {.name = "tls-key", .kind = KIND_PATH, .argument = "FILE",
        .env = {"ROWFERRY_TLS_KEY"}, .commands = FOR_LISTEN, .group = GROUP_WEBHOOKS,
        .help = "the key of the certificate (PEM), which nobody else can read"},
    [OPT_SUMMARY] = {.name = "summary", .kind = KIND_PATH, .argument = "FILE",
        .env = {"ROWFERRY_SUMMARY"}, .commands = WATCHED, .group = GROUP_MONITORING,
        .help = "write the summary of --json to this file at the end",
        .manual = "It is one JSON object, and is written whenever the program ends, even by a "
            "signal or because of a wrong setting. Its mode is 0600. It is replaced as a whole. If "
            "it cannot be written, the exit status is 2 instead of 0."},
    [OPT_METRICS_FILE] = {.name = "metrics-file", .kind = KIND_PATH, .argument = "FILE",
        .env = {"ROWFERRY_METRICS_FILE"}, .commands = MEASURED, .group = GROUP_MONITORING,
        .help = "write metrics for Prometheus to this file every 15 s and at the end: NAME.prom in "
            "the folder of the node exporter's textfile collector",
        .manual = "It has jobs and batches by state, the requests of the run, their answers and a "
            "histogram of their latencies, and the times of the last success (exit status 0) and "
            "the last finish (0 or 3). Every sample has the labels database and command; each pair "
            "of these needs its own file. While rowferry_run_active is 1, it is written every 15 "
            "seconds as long as requests are made. Its mode is 0644. It is replaced as a whole. If "
            "it cannot be written, the exit status is 2 instead of 0."},
    [OPT_ON_FAILURE] = {.name = "on-failure", .kind = KIND_TEXT, .argument = "CMD",
        .env = {"ROWFERRY_ON_FAILURE"}, .commands = WATCHED | FOR_BACKUP, .group = GROUP_MONITORING,
        .help = "run this shell command if the exit status is not 0",
        .manual = "It gets the summary on standard input and the exit status in "
            "ROWFERRY_EXIT_STATUS, but not the client secret. It runs after everything else, and "
            "its output goes to standard error. It is stopped after 60 seconds, or when rowferry "
            "gets a signal. It does not change the exit status."},
    [OPT_LOG_FORMAT] = {.name = "log-format", .kind = KIND_LOG_FORMAT, .argument = "F",
        .env = {"ROWFERRY_LOG_FORMAT"}, .commands = WATCHED | FOR_VALIDATE | DECIDING | FOR_BACKUP,
        .group = GROUP_MONITORING,
        .help = "write messages as a log, text or json, one line each with time and run",
        .manual = "A line has a level: error, notice, or debug with --verbose. As JSON, an error "
            "has its kind, exit_status and the source line that reports it; lines about certain "
            "events have an event: began, file, reading, sending, throttled, paused, parked, batch "
            "and ended, the last one with the summary."},
    [OPT_MAX_TIME] = {.name = "max-time", .kind = KIND_DURATION, .argument = "D",
        .env = {"ROWFERRY_MAX_TIME"}, .minimum = SECOND_MS, .maximum = 365 * (int64_t)DAY_MS,
        .commands = MEASURED, .group = GROUP_GENERAL,
        .help = "maximum run time; then rowferry finishes requests in flight and exits"},
    [OPT_ENV_FILE] = {.name = "env-file", .kind = KIND_PATH, .argument = "FILE",
        .commands = FOR_ALL, .group = GROUP_GENERAL,
        .help = "read settings from this file instead of .env in the working directory"},
    [OPT_JSON] = {.name = "json", .commands = FOR_ALL, .group = GROUP_GENERAL,
        .help = "write JSON lines to standard output",
        .manual = "Each has a message_type: status, notice, row, error or summary. The summary "
            "comes last, whatever ended the program. An error has its kind, exit_status and the "
            "source line that reports it."},
    [OPT_QUIET] = {.name = "quiet", .letter = 'q', .commands = FOR_ALL, .group = GROUP_GENERAL,
        .help = "print only errors, and a summary only if something is wrong"},
    [OPT_VERBOSE] = {.name = "verbose", .letter = 'v', .commands = FOR_ALL, .group = GROUP_GENERAL,
        .help = "print details, and the source line that reports an error"},
    [OPT_NO_COLOR] = {.name = "no-color", .commands = FOR_ALL, .group = GROUP_GENERAL,
        .help = "print without colour, like NO_COLOR in the environment"},
    [OPT_HELP] = {.name = "help", .letter = 'h', .commands = FOR_ALL, .group = GROUP_GENERAL,
        .help = "print this text"},
    [OPT_VERSION] = {.name = "version", .commands = FOR_ALL, .group = GROUP_GENERAL,
        .help = "print the version"},
};
/* NOLINTEND(misc-redundant-expression) */
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

const char *option_heading(enum option_group group)
{
    static const char *const headings[] = {
        [GROUP_FILES] = "Files and database",
        [GROUP_JOBS] = "Which jobs",
        [GROUP_DECISION] = "What to do with them",
        [GROUP_API] = "The API",
        [GROUP_SENDING] = "Sending",
        [GROUP_WEBHOOKS] = "Notifications and the ERP",
        [GROUP_MONITORING] = "Monitoring",
        [GROUP_GENERAL] = "General",
    };

    return headings[group];
}
