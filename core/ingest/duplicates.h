/* Rows of a file for the same record: found while it is read, reported at its end. Memory is
 * limited; the report is exact within the limit. Private to core/ingest. */
#pragma once

#include "core/base/notice.h"
#include "core/row/row.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    /* For record ids and their rows: a million ids of 36 bytes. The hash table takes up to half as
     * much again. */
    DUPLICATES_BYTES_MAX = 64 << 20,
    DUPLICATES_SHOWN = 20, /* records reported one by one, in the order of their second rows */
    DUPLICATES_LINES = 5,  /* lines reported of each */
};

struct duplicates;

/* bytes_max: at most DUPLICATES_BYTES_MAX; records that do not fit are missed. versioned: rows are
 * sent with the versions that they declare. */
struct duplicates *duplicates_open(size_t bytes_max, bool versioned);
void duplicates_close(struct duplicates *duplicates);

/* Adds a row that would become a job, in the order of the file. The row is copied. */
void duplicates_add(struct duplicates *duplicates, const struct row *row);

/* Notes that rows from that line on were not compared. */
void duplicates_miss(struct duplicates *duplicates, uint64_t line_no);

/* Reports which records have several rows and how these would be sent (docs/api.md): a notice per
 * record, one for all beyond DUPLICATES_SHOWN, and one if records were missed. */
void duplicates_tell(const struct duplicates *duplicates, const char *source,
                     const struct notice_sink *notices);
