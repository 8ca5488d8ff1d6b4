/* The schema file that would read a file for which nothing, or not enough, is declared: for the
 * person who sets the nightly import up. Nothing that runs at night calls this. */
#ifndef ROWFERRY_INGEST_SUGGEST_H
#define ROWFERRY_INGEST_SUGGEST_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/ingest/intake.h"

/* What the suggested schema file makes of the file. */
struct suggestion {
    struct buf schema; /* the text of the schema file, UTF-8 JSON */
    uint64_t rows, accepted;
    uint64_t rejected_line; /* the first row that it would reject; 0: none */
    char rejected_why[VIOLATION_MESSAGE_MAX];
};

/* Reads the file three times or more; writes nothing. Of the options only format and delimiter
 * count. zone: for times that name none, as the system's time zone database calls it. The caller
 * releases suggestion->schema. ERR_CONFIG: no such file, or standard input, which cannot be read
 * twice; ERR_INPUT: the file cannot be read, or has no header row; ERR_STOPPED. */
bool ingest_suggest(const struct ingest_options *options, const char *path, const char *zone,
                    struct suggestion *suggestion, struct err *err);

#endif
