/* Inside core/store only: what the claiming and the settling half of an exchange share, and the
 * counters, which decisions change too. */
#ifndef ROWFERRY_STORE_EXCHANGE_H
#define ROWFERRY_STORE_EXCHANGE_H

#include "core/store/claims.h"
#include "core/store/db.h"

/* An open batch, and how its counters change in one transaction. */
struct open_batch {
    int64_t id;
    char *schema;
    int64_t next_job_id;
    int64_t counts[JOB_STATES]; /* before the transaction */
    int64_t deltas[JOB_STATES];
    bool in_question; /* of the batches to claim from */
    bool cursor_moved;
    bool is_quiet;  /* nothing of it can be claimed before due_ms, unless it is touched */
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

/* For store_close. */
void open_batches_close(struct store *store);

enum { TURN_RANDOM_SIZE = 256 }; /* what getrandom(2) always gives at once */

/* A turn while it claims. */
struct turn {
    struct store *store;
    struct exchange *exchange;
    struct open_batches *open;
    struct open_batch *batch; /* the one that is walked */
    size_t bytes;
    unsigned char random[TURN_RANDOM_SIZE];
    size_t random_left;
    unsigned put_off; /* jobs that turned out to wait */
    bool errands_added;
};

/* What the earlier jobs of a claim's record mean for it. */
struct order {
    int64_t waits_for;     /* the latest earlier job that is open, in whatever batch; 0: none */
    int64_t previous_id;   /* the row of the record before it in its batch; 0: none */
    bool previous_applied; /* ... was applied, or its values were there */
    bool has_returned;     /* a version came back for an earlier row of the batch */
    int64_t returned;
};

/* Looks at as few earlier jobs as there are batches of other schemas among them, and withdrawn ones
 * in a row, however many the record has. */
bool order_look(struct turn *turn, const struct claim *claim, struct order *order, struct err *err);

/* Fills claim->siblings: the other jobs of its record that were sent, the nearest on each side. */
bool order_find_siblings(struct turn *turn, struct claim *claim, struct err *err);

/* A row whose record has earlier rows in the batch goes out with the version that the last of them
 * came back with, if its own is between the first one's and that. */
bool order_chain_version(struct turn *turn, struct claim *claim, struct order *order,
                         struct err *err);

/* A job that a decision had opened again is at its end. */
bool order_ended(struct store *store, const struct claim *claim, struct err *err);

/* Writes one outcome: job, attempt, and what hangs on them. *taken: another process has touched the
 * job since it was claimed, and nothing was written. */
bool settle_claim(struct store *store, const struct exchange *exchange, struct open_batch *batch,
                  const struct claim *claim, bool *taken, struct err *err);

/* Fills exchange->claims from the open batches, oldest first: in each the due jobs, then fresh
 * ones. */
bool claim_jobs(struct store *store, struct exchange *exchange, struct open_batches *open,
                struct err *err);

/* The rest of a turn's claims: a job by its id, which was claimed before (due) or never (fresh);
 * put off where an earlier one of its record is open. */
bool claim_due_job(struct turn *turn, int64_t job_id, struct err *err);
bool claim_fresh_job(struct turn *turn, int64_t job_id, struct err *err);
bool claim_is_full(const struct turn *turn);

/* Where a job is that others wait for, or that is part of a sample. */
struct standing {
    bool is_over; /* at its end, or nothing more is done about it in this run */
    bool is_fresh;
    bool is_due;
    int64_t not_before_ms; /* 0: in hand, waiting itself, or left by an earlier run */
};

bool errand_standing(struct turn *turn, int64_t job_id, struct standing *standing, struct err *err);

/* Has the job sent ahead of its batch, unless that is claimed from anyway. */
void errand_add(struct turn *turn, int64_t job_id);

/* Before the first turn for that batch (0: all): finds the errands that an earlier process left. */
bool errands_find(struct store *store, int64_t batch_id, struct err *err);

/* Claims what can be sent of the jobs that others wait for. */
bool errands_claim(struct turn *turn, struct err *err);

/* Adds deltas to the counters of the batch, and moves its cursor on; next_job_id 0: it stays. */
bool tally_change(struct store *store, int64_t batch_id, const int64_t deltas[JOB_STATES],
                  int64_t next_job_id, struct err *err);

/* The open batch of that id, or NULL. */
struct open_batch *open_batches_find(struct open_batches *open, int64_t batch_id);

#endif
