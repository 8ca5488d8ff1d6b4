/* Rows of one file into the tables of one batch, on two threads: one reads, parses and checks a
 * chunk while the other inserts the one before it. Private to core/ingest. */
#ifndef ROWFERRY_INGEST_PIPELINE_H
#define ROWFERRY_INGEST_PIPELINE_H

#include "core/ingest/limits.h"
#include "core/row/reader.h"
#include "core/store/batches.h"
#include "core/validate/checker.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    /* What one transaction takes at most, so that it holds the write lock for less than 50 ms. */
    PIPELINE_ROWS = 16384,
    PIPELINE_VIOLATIONS = 16384,
    PIPELINE_TEXT = 2 << 20,
    PIPELINE_KEYS = 16384,
};

struct pipeline {
    struct reader *reader;   /* behind its header, or where an earlier process got to */
    struct checker *checker; /* of the schema that the reader's shape is from */
    struct store *store;
    int64_t batch_id;
    struct lock *lock; /* looked at before each chunk; NULL: none */
    const struct ingest_limits *limits;
    const char *source; /* stands in messages */
    /* Where a temporary file may be made, to enter the record ids sorted; NULL: the reading goes on
     * in the middle of a file, and batch_open sorts them all. */
    const char *sort_folder;
    uint64_t skip_bytes; /* rows that end before them are passed over, and not counted; 0: none */
    bool endless; /* reading may wait for ever (standard input), and is given up when stopped */
    /* Called after each commit with what is in the tables, from the calling thread. */
    void (*committed)(void *context, const struct batch_progress *progress);
    void *context;
};

struct pipeline_totals {
    struct batch_progress progress; /* of the last commit; rejected is counted too */
    uint64_t violations;
};

/* Reads to the end of the file and inserts from the calling thread, which must be the one that may
 * ask stop_requested(). totals hold where to begin and are brought up to each commit, also on
 * failure. ERR_INPUT: the file as a whole is refused, what was committed stands; ERR_STOPPED
 * after the chunk in hand; ERR_LIMIT as soon as too many rows are rejected, with those in the
 * tables; ERR_STORE, ERR_INTERNAL. */
bool pipeline_run(struct pipeline *pipeline, struct pipeline_totals *totals, struct err *err);

#endif
