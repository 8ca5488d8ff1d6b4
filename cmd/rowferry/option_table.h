/* Every setting, defined once: option, environment, default, help. */
#pragma once

#include "core/base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* Which commands take an option: a set of these. */
enum {
    FOR_RUN = 1,
    FOR_INGEST = 2,
    FOR_DRAIN = 4,
    FOR_VALIDATE = 8,
    FOR_STATUS = 16,
    FOR_RESOLVE = 32,
    FOR_RETRY = 64,
    FOR_CANCEL = 128,
    FOR_HISTORY = 256,
    FOR_EXPORT = 512,
    FOR_PRUNE = 1024,
    FOR_DOCTOR = 2048,
    FOR_AUDIT = 4096,
    FOR_FORWARD = 8192,
    FOR_LISTEN = 16384,
    FOR_BACKUP = 32768,
    FOR_DIFF = 65536,
    FOR_ALL = 131071,
};

/* In the order of --help within a group. */
enum option_id {
    OPT_DB,
    OPT_SCHEMAS,
    OPT_SCHEMA,
    OPT_FORMAT,
    OPT_EXPORT_FORMAT,
    OPT_DELIMITER,
    OPT_FOR_SPREADSHEET,
    OPT_SUGGEST,
    OPT_MAX_ERRORS,
    OPT_MIN_ROWS,
    OPT_MIN_AGE,
    OPT_MIN_FILES,
    OPT_DONE_FILE,
    OPT_IGNORE,
    OPT_FORCE,
    OPT_KEEP,
    OPT_KEEP_COPIES,
    OPT_EVERY,
    OPT_TAIL,
    OPT_BATCH,
    OPT_ALL,
    OPT_STATE,
    OPT_EXPORT_STATE,
    OPT_SINCE,
    OPT_RECORD,
    OPT_PROBE,
    OPT_FIELDS,
    OPT_READ,
    OPT_UNDO,
    OPT_OLDER_THAN,
    OPT_OURS,
    OPT_THEIRS,
    OPT_EVEN_IF_SUPERSEDED,
    OPT_DELIVERIES,
    OPT_FILES,
    OPT_DRY_RUN,
    OPT_YES,
    OPT_ENVIRONMENT,
    OPT_LOGIN_URL,
    OPT_TOKEN_URL,
    OPT_SCOPE,
    OPT_CLIENT_ID,
    OPT_CLIENT_SECRET,
    OPT_API_KEY,
    OPT_API_KEY_HEADER,
    OPT_CA_FILE,
    OPT_CONCURRENCY,
    OPT_RATE,
    OPT_TIMEOUT,
    OPT_MAX_RETRIES,
    OPT_MAX_ATTEMPTS,
    OPT_MAX_REFUSED,
    OPT_MAX_WAIT,
    OPT_IGNORE_PAUSE,
    OPT_ON_CONFLICT,
    OPT_AUDIT,
    OPT_AUDIT_WAIT,
    OPT_AUDIT_IDS,
    OPT_TAGS,
    OPT_SOURCE,
    OPT_ERP_ENDPOINT,
    OPT_ERP_SECRET,
    OPT_WEBHOOK_SECRET,
    OPT_ECHO,
    OPT_TLS_CERT,
    OPT_TLS_KEY,
    OPT_SUMMARY,
    OPT_METRICS_FILE,
    OPT_ON_FAILURE,
    OPT_LOG_FORMAT,
    OPT_MAX_TIME,
    OPT_ENV_FILE,
    OPT_JSON,
    OPT_QUIET,
    OPT_VERBOSE,
    OPT_NO_COLOR,
    OPT_HELP,
    OPT_VERSION,
    OPT_COUNT,
};

enum option_kind {
    KIND_FLAG,
    KIND_TEXT, /* UTF-8 without control characters */
    KIND_PATH,
    KIND_INTEGER,
    KIND_DURATION,
    KIND_RATE,
    KIND_TAGS,
    KIND_SUFFIX, /* of a file's name */
    KIND_FORMAT,
    KIND_ON_CONFLICT,
    KIND_AUDIT,
    KIND_ECHO,
    KIND_DELIMITER,
    KIND_STATES, /* a set of EXPORT_ALL, with commas; maximum: those that there are */
    KIND_ERRORS, /* N, or N% as the rate */
    KIND_LOG_FORMAT,
    KIND_FIELD,  /* the name of a header field */
    KIND_SECRET, /* a file as option and from variables in _FILE, the secret itself from others */
};

/* Options that --help and the manual page show under one heading, in this order. */
enum option_group {
    GROUP_FILES,
    GROUP_JOBS,
    GROUP_DECISION,
    GROUP_API,
    GROUP_SENDING,
    GROUP_WEBHOOKS,
    GROUP_MONITORING,
    GROUP_GENERAL,
    OPTION_GROUPS,
};

enum { OPTION_ENV_MAX = 3 };

struct option {
    const char *name; /* NULL: from the environment only */
    char letter;      /* of the short form; 0: none */
    enum option_kind kind;
    const char *argument; /* as --help names it; NULL for flags */
    const char *env[OPTION_ENV_MAX];
    const char *fallback; /* NULL: none */
    int64_t minimum, maximum;
    unsigned commands; /* FOR_... */
    enum option_group group;
    const char *help;   /* for --help and the manual page: what it does, without a full stop */
    const char *manual; /* sentences that the manual page adds; NULL: none */
};

/* An entry of the table. */
const struct option *option_at(enum option_id id);

/* `Files and database`. */
const char *option_heading(enum option_group group);

/* Whether the value of an environment variable of this name is a secret. */
bool option_is_secret(struct span variable);
