/* Which applied jobs are to be looked up in the audit log of the API, and the verdicts on them. */
#pragma once

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/job/verdict.h"
#include "core/store/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What one run looks up. */
struct audit_scope {
    int64_t run_id;
    int64_t batch_id; /* of this batch alone; 0: of all */
    bool again;   /* of every batch, and also the jobs that were missing before this run; else of
                     the batches that are due, and the jobs that have no verdict */
    double share; /* of the jobs that are looked up, by verdict_samples; 1: all */
};

/* Notes that the open batches, whose jobs are about to be sent, are to be looked up. What a run
 * leaves due is taken up by the next. */
bool audit_expect(struct store *store, struct err *err);

/* Whether a batch of the scope is due. */
bool audit_is_due(struct store *store, int64_t batch_id, bool *due, struct err *err);

/* Takes the batches of the scope for this run. *jobs: how many of their jobs have no final verdict,
 * at most; a sample takes its share of them. */
bool audit_begin(struct store *store, const struct audit_scope *scope, uint64_t *jobs,
                 struct err *err);

/* The next batch of the run after *batch_id, in the order of their ids; *batch_id 0: none is left.
 * schema: takes its schema. */
bool audit_next_batch(struct store *store, const struct audit_scope *scope, int64_t *batch_id,
                      struct buf *schema, struct err *err);

/* Nothing of the batch is left to look up: it is not due any more. */
bool audit_end_batch(struct store *store, int64_t batch_id, struct err *err);

/* An applied job without a final verdict. */
struct audit_job {
    int64_t job_id;
    unsigned char correlation[16];
    bool has_version; /* the server's version after the update is known */
    int64_t version;
    bool is_answered; /* ... from the answer to the PUT */
    int64_t applied_ms;
    size_t record_id, record_id_size; /* in the texts that come with it */
};

/* Reads the next `wanted` jobs of its batch after `after`, a job or id_before(), lowest id first,
 * record ids appended to texts. *count: how many there were; fewer than wanted: these are the last.
 */
bool audit_next_jobs(struct store *store, const struct audit_scope *scope, int64_t after,
                     struct audit_job *jobs, unsigned wanted, unsigned *count, struct buf *texts,
                     struct err *err);

struct audit_result {
    int64_t job_id;
    enum verdict verdict;
    size_t entry, entry_size; /* in the texts that come with it; size 0: there is none */
};

/* Writes verdicts, in one transaction, in place of earlier ones. A job that was pruned meanwhile is
 * passed over. */
bool audit_write(struct store *store, const struct audit_result *results, size_t count,
                 const char *texts, int64_t run_id, int64_t now_ms, struct err *err);
