/* The condition of a database, for `doctor`. Nothing is changed. */
#pragma once

#include "core/base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct store;

struct census_facts {
    int64_t version,
        newest_version; /* numbers of migrations: of the database, and of this program */
    uint64_t size_bytes, free_bytes; /* as of the last commit; free: of deleted rows */
    bool write_ahead;                /* in WAL mode, as every database of ours */
};

bool census_facts(struct store *store, struct census_facts *facts, struct err *err);

/* Stored times that are in the future, because the clock was ahead when they were written. */
struct census_ahead {
    uint64_t jobs;         /* put off for longer than any delay */
    uint64_t runs;         /* that begin later than now_ms */
    int64_t latest_run_ms; /* the last of these; 0: none */
};

bool census_ahead(struct store *store, int64_t now_ms, struct census_ahead *ahead, struct err *err);

/* Runs PRAGMA integrity_check (sqlite.org/pragma.html#pragma_integrity_check), which reads all
 * tables and compares their indexes, in one read transaction: what is committed at the same time
 * stays in the write-ahead log until it ends. ERR_STORE with the first fault that it found;
 * ERR_STOPPED. */
bool census_integrity(struct store *store, struct err *err);

/* A counter that differs from a count of the rows. */
struct census_difference {
    int64_t batch_id;
    const char *source;  /* valid during the visit */
    const char *counter; /* `applied jobs` */
    int64_t kept, counted;
};

struct census {
    uint64_t batches, jobs, rows_rejected; /* counted */
};

/* Counts the rows of every batch, lowest id first, and visits the counters that differ. Each batch
 * is read in a transaction of its own, so that its counters and its rows are of one moment.
 * ERR_STOPPED. */
bool census_take(struct store *store, struct census *census,
                 void (*visit)(void *context, const struct census_difference *difference),
                 void *context, struct err *err);
