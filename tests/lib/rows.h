/* What a reader makes of some bytes, as one text to compare; for the tests of core/row. */
#pragma once

#include "core/base/str.h"
#include "core/row/reader.h"

#include <pthread.h>

/* Properties: sku, status (string), quantity (integer), price (number), active (boolean), count
 * (integer or null), sizes (array), extra (object), mixed (boolean, array or null), any (any type),
 * and odd"name (string). The version is not required. */
extern const struct row_shape rows_shape;

/* The same, with the version required. */
extern const struct row_shape rows_shape_versioned;

/* A descriptor to read bytes from; no read gets more than `chunk` of them. */
struct rows_feed {
    int fd, writer;
    struct span bytes;
    size_t chunk;
    unsigned seed;
    size_t sent;
    bool has_thread; /* more than fits into the socket at once */
    pthread_t thread;
};

enum {
    ROWS_FILE = 0,         /* a file: a read gets as much as it wants */
    ROWS_RANDOM = 1 << 30, /* chunks of 1 to 40 bytes */
};

void rows_feed_open(struct rows_feed *feed, struct span bytes, size_t chunk);
void rows_feed_close(struct rows_feed *feed);

/* What some messages say to declare. */
#define ROWS_SHORT                                                                                 \
    "; where empty cells at the end are left out, declare \"csv\": {\"shortRows\": \"absent\"} "   \
    "under x-rowferry"
#define ROWS_BOOLEAN(property)                                                                     \
    "; if that is meant, declare \"formats\": {\"" property "\": {\"boolean\": {\"true\": [...], " \
    "\"false\": [...]}}} under x-rowferry"
#define ROWS_ONE                                                                                   \
    "; if it is a line after the table, declare \"csv\": {\"footer\": \"^...\"}, or where empty "  \
    "cells at the end are left out, {\"shortRows\": \"absent\"} under x-rowferry"
#define ROWS_LONG                                                                                  \
    "; those in excess are empty: declare \"csv\": {\"longRows\": \"empty\"} under x-rowferry"
#define ROWS_UNQUOTED    "; \"csv\": {\"quote\": null} under x-rowferry declares text without quoting"
#define ROWS_LIMIT(name) " \"csv\": {\"" name "\": N} under x-rowferry allows more"
#define ROWS_FORM(field, form)                                                                     \
    "; if that is meant, declare \"formats\": {\"" field "\": {" form "}} under x-rowferry"
#define ROWS_QUOTED_EMPTY                                                                          \
    "; an empty cell without quotes is absent, and \"csv\": {\"quotedEmpty\": \"absent\"} under "  \
    "x-rowferry makes \"\" so too"

/* Reads bytes to their end. For each row a line
 *     ROW_NO@LINE_NO [RECORD_ID] vVERSION TAGS FIELDS
 * without what the row does not have, then for each violation `  FIELD|RULE|MESSAGE`; at last
 * `end` or `error: TEXT`. Complains in the text when a tape is not the one that json_scan makes of
 * fields, or if raw is not what is in the file. The caller frees it. */
char *rows_dump(struct span bytes, enum row_format format, const struct row_shape *shape,
                size_t chunk);

/* Whether the tape is the one that json_scan makes of fields. */
bool rows_tape_fits(const struct row *row);

/* One row as rows_dump writes it. */
void rows_print(struct buf *out, const struct row *row, const struct violations *violations);
