/* What a database is like, looked at and never changed: for `doctor`, on a store that was opened
 * with STORE_LOOKING or otherwise. */
#ifndef ROWFERRY_STORE_CENSUS_H
#define ROWFERRY_STORE_CENSUS_H

#include "core/base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct store;

struct census_facts {
    int64_t version, newest_version; /* migrations: the database's, and this program's */
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

/* PRAGMA integrity_check (sqlite.org/pragma.html#pragma_integrity_check), which walks all tables
 * and compares their indexes, in one read transaction: what is committed meanwhile stays in the
 * write-ahead log until it is over. What is wrong is ERR_STORE, with the first thing found;
 * ERR_STOPPED. */
bool census_integrity(struct store *store, struct err *err);

/* A counter that is not what a count of the rows says. */
struct census_difference {
    int64_t batch_id;
    const char *source;  /* valid during the visit */
    const char *counter; /* `applied jobs` */
    int64_t kept, counted;
};

struct census {
    uint64_t batches, jobs, rows_rejected; /* counted */
};

/* Counts the rows of every batch, and tells where its counters differ, batches by id. Batch by
 * batch: its counters and its rows are of one moment, whoever writes meanwhile, and the write-ahead
 * log waits for no more than one batch. ERR_STOPPED. */
bool census_take(struct store *store, struct census *census,
                 void (*visit)(void *context, const struct census_difference *difference),
                 void *context, struct err *err);

#endif
