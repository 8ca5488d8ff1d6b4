/* Loads the rows of a file into the tables of a batch, on two threads: one reads, parses and checks
 * a chunk while the other inserts the one before it. Private to core/ingest. */
#pragma once

#include "core/ingest/limits.h"
#include "core/row/reader.h"
#include "core/store/batches.h"
#include "core/validate/checker.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    /* The limits of a transaction, so that it holds the write lock for less than 50 ms. */
    PIPELINE_ROWS = 16384,
    PIPELINE_VIOLATIONS = 16384,
    PIPELINE_TEXT = 2 << 20,
    PIPELINE_KEYS = 16384,
};

struct pipeline {
    struct reader
        *reader; /* after its header, or at the position that an earlier process reached */
    struct checker *checker; /* of the schema of the reader's shape */
    struct store *store;
    int64_t batch_id;
    struct lock *lock; /* checked before each chunk; NULL: none */
    const struct ingest_limits *limits;
    const char *source; /* for messages */
    /* Folder for a temporary file, to insert record ids sorted; NULL: reading continues within a
     * file, and batch_open sorts them. */
    const char *sort_folder;
    uint64_t skip_bytes; /* rows that end before them are skipped and not counted; 0: none */
    bool endless; /* reading can block for ever (standard input), and is cancelled by a signal */
    /* Called after each commit with what is in the tables, from the calling thread. */
    void (*committed)(void *context, const struct batch_progress *progress);
    void *context;
};

struct pipeline_totals {
    struct batch_progress progress; /* at the last commit, including rejected rows */
    uint64_t violations;
};

/* Reads to the end of the file and inserts from the calling thread, which must be the one that can
 * call stop_requested(). totals say where to begin and are updated at each commit, also on failure.
 * ERR_INPUT: the file is refused as a whole, what was committed remains; ERR_STOPPED after the
 * current chunk; ERR_LIMIT as soon as too many rows are rejected, after inserting these; ERR_STORE,
 * ERR_INTERNAL. */
bool pipeline_run(struct pipeline *pipeline, struct pipeline_totals *totals, struct err *err);
