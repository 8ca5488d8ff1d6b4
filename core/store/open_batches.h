/* Inside core/store only: the open batches and their counters, kept from turn to turn of a drain.
 */
#pragma once

#include "core/store/db.h"
#include "core/store/known_claim.h"

/* An open batch, and how its counters change in one transaction. */
struct open_batch {
    int64_t id;
    char *schema;
    struct correlation_key key;
    bool keeps_before; /* what its records held before is stored */
    bool undoes;       /* its rows are sent as they are */
    int64_t next_job_id;
    int64_t counts[JOB_STATES]; /* before the transaction */
    int64_t deltas[JOB_STATES];
    bool in_question; /* of the batches to claim from */
    bool cursor_moved;
    struct target_parts parts; /* of its record ids; the text is owned */
    struct known_target facts; /* about the target, once that was asked */
    bool asked, keeps_known; /* whether what is known of its records is stored, once it was asked */
    bool is_quiet;  /* nothing of it can be claimed before due_ms, unless one of its jobs changes */
    int64_t due_ms; /* 0: at no time */
};

/* All open batches by id, kept from turn to turn while nobody else writes to the database. */
struct open_batches {
    struct open_batch *items;
    size_t count;
    bool is_valid;
    int64_t batch_id;     /* the exchange's when they were read */
    int64_t data_version; /* of the database then, which others' commits change */
    int64_t changes;      /* rows this connection has changed, as of the last turn */
    int64_t from_id;      /* where the next turn begins to look for jobs; 0: at the first batch */
};

/* Reads the open batches into store->open again if anyone but the last turn has changed the
 * database. In question are batch_id, or all of them if that is 0. */
bool open_batches_refresh(struct store *store, int64_t batch_id, struct err *err);

/* After a transaction that failed: has them read again. */
void open_batches_forget(struct store *store);

/* For store_close. */
void open_batches_close(struct store *store);

/* The open batch of that id, or NULL. */
struct open_batch *open_batches_find(const struct open_batches *open, int64_t batch_id);

/* Writes counters, cursors, and `done` where nothing is left open. *left: open jobs in the batches
 * in question; *ended: jobs that finished. */
bool open_batches_write(struct store *store, int64_t now_ms, int64_t run_id, uint64_t *left,
                        uint64_t *ended, struct err *err);

/* After the commit: adds the deltas to the counts. */
void open_batches_keep(struct store *store);

/* Adds deltas to the counters of a batch, and moves its cursor on; next_job_id 0: it stays. */
bool open_batches_count(struct store *store, int64_t batch_id, const int64_t deltas[JOB_STATES],
                        int64_t next_job_id, struct err *err);

/* Makes a batch done in which no job is open any more; run_id 0: in no run. */
bool open_batches_done(struct store *store, int64_t batch_id, int64_t now_ms, int64_t run_id,
                       struct err *err);
