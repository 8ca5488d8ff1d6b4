/* Suggests a schema file for a file, for the person who sets up the import. Unattended commands do
 * not use it. */
#pragma once

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/ingest/intake.h"

/* A suggested schema file, and its result for the file. */
struct suggestion {
    struct buf schema; /* the text of the schema file, UTF-8 JSON */
    uint64_t rows, accepted;
    uint64_t rejected_line; /* the first row that it rejects; 0: none */
    char rejected_why[VIOLATION_MESSAGE_MAX];
};

/* Reads the file three times or more; writes nothing. Only format and delimiter of the options are
 * used. zone: the time zone of times without one, as named in the tz database. The caller releases
 * suggestion->schema. ERR_CONFIG: no such file, or standard input, which cannot be read twice;
 * ERR_INPUT: the file cannot be read, or has no header row; ERR_STOPPED. */
bool ingest_suggest(const struct ingest_options *options, const char *path, const char *zone,
                    struct suggestion *suggestion, struct err *err);
