/* Rows of one file that are for the same record: found while it is read, told at its end. What is
 * kept has a ceiling, and what is told is exact up to there. Private to core/ingest. */
#ifndef ROWFERRY_INGEST_DUPLICATES_H
#define ROWFERRY_INGEST_DUPLICATES_H

#include "core/base/notice.h"
#include "core/row/row.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    /* Of record ids with what is known of their rows: a million that are 36 bytes long. The table
     * that finds them takes up to half as much again. */
    DUPLICATES_BYTES_MAX = 64 << 20,
    DUPLICATES_SHOWN = 20, /* records told one by one, in the order of their second rows */
    DUPLICATES_LINES = 5,  /* lines told of each */
};

struct duplicates;

/* bytes_max: at most DUPLICATES_BYTES_MAX; a record that comes when they are full is missed.
 * versioned: rows are sent with the versions that they declare. */
struct duplicates *duplicates_open(size_t bytes_max, bool versioned);
void duplicates_close(struct duplicates *duplicates);

/* A row that would become a job, in the order of the file; nothing of it is kept as pointer. */
void duplicates_add(struct duplicates *duplicates, const struct row *row);

/* A row on that line is the first of those whose record nobody has room for. */
void duplicates_miss(struct duplicates *duplicates, uint64_t line_no);

/* Says which records have several rows and how these would be sent (API section 3): a notice a
 * record, one for all beyond DUPLICATES_SHOWN, and one when records were missed. */
void duplicates_tell(const struct duplicates *duplicates, const char *source,
                     const struct notice_sink *notices);

#endif
