/* Which jobs are sent next, in a transaction of the drain. */
#pragma once

#include "core/base/err.h"
#include "core/store/claim.h"
#include "core/store/known_claim.h"
#include "core/store/store.h"

#include <stdbool.h>
#include <stdint.h>

/* One turn: outcomes in, claims out. */
struct exchange {
    int64_t run_id;
    int64_t batch_id; /* 0: every open batch; else this one, and the jobs of others that its jobs
                         wait for */
    unsigned max_retries; /* beyond these, a job is left until jobs_recover of the next run */
    int64_t now_ms;
    struct claim **settled; /* outcomes to write; all are free again afterwards */
    unsigned settled_count;
    struct claim **claims;               /* free ones, to be filled */
    unsigned wanted;                     /* how many of them at most */
    const struct known_decider *decider; /* of what is known of records; NULL: nothing is */
    bool spread;                         /* claim a sample from the whole queue, not in its order */
    unsigned claimed;                    /* out: how many were filled */
    unsigned prior;      /* out: of these, jobs of other batches, which batch_id's jobs wait for */
    int64_t next_due_ms; /* out: when the next job that waits is due; 0: none waits */
    unsigned ahead;      /* out: stored times that were in the future, and are set to now */
    uint64_t left;       /* out: jobs pending or unknown in the batches in question */
    uint64_t finished;   /* out: jobs that finished in this turn */
    unsigned skipped;    /* out: ended `unchanged` by what is known, without a request */
    unsigned fetched;    /* out: outcomes of rows whose record was fetched (each once) */
    unsigned drifted;    /* out: ... of which somebody else had changed it since it was known */
    int64_t taken_id;    /* out: a job in hand that another process has changed, so that its outcome
                            was not written; 0: none */
};

/* Inside core/store only: fills exchange->claims from the open batches, oldest first: in each the
 * due jobs, then fresh ones. */
bool claim_jobs(struct store *store, struct exchange *exchange, struct err *err);

/* Inside core/store only: inserts the attempt of a claim, which must be in the database before the
 * request is sent. */
bool claim_attempt(struct store *store, const struct exchange *exchange, struct claim *claim,
                   struct err *err);
