/* A claimed job as a request or as a part of one, and the answer to it as an outcome. */
#pragma once

#include "core/api/fault.h"
#include "core/drain/drain.h"
#include "core/drain/rebase.h"
#include "core/http/pool.h"
#include "core/job/policy.h"
#include "core/store/claim.h"
#include "core/target/target.h"

enum { TASK_DIGITS_SIZE = 24 };

struct task {
    struct claim claim; /* first, so that a claim's address is its task's */
    struct buf url, body;
    const char *authorization; /* of the request */
    struct policy_job job;     /* as the answer was assessed */
    enum policy_run open;      /* of a held task: what is unclear */
    struct task *next;         /* in one of the loop's lists */
    /* of a bulk request (bulk.h) */
    struct task *row;   /* the next job of the same request */
    bool is_further;    /* another job is the first of its request */
    bool is_shared;     /* the answer was about all jobs of the request */
    bool begins;        /* of a job that is sent again as part of a half: it is the first of that */
    unsigned row_count; /* of the first job: jobs of the request; 0: it is not a bulk request */
    struct task *last;  /* ... */
    struct task *half;  /* ... the other half of a request that was refused, until either ends */
    bool half_worked;   /* ... which was taken */
};

void task_release(struct task *task);

/* Tasks, first in first out. */
struct task_list {
    struct task *first, **end; /* end: where the next one is linked */
    unsigned count;
};

void task_list_init(struct task_list *list);
void task_list_add(struct task_list *list, struct task *task);
void task_list_push(struct task_list *list, struct task *task); /* as the first one */
struct task *task_list_take(struct task_list *list);            /* NULL: it is empty */

/* What task_request needs. */
struct task_sender {
    const struct drain_options *options;
    const char *authorization;
    struct rebase *rebase;
    struct target_scratch *scratch;
    struct http_field fields[TARGET_HEADERS]; /* of the last request */
};

/* Returns whether the job's update goes out in a bulk request. */
bool task_is_bulk(const struct task *task, struct rebase *rebase);

/* Fills what path and body are made of. digits: of the token, if that is a version. */
void task_row(const struct task *task, const struct drain_options *options,
              char digits[TASK_DIGITS_SIZE], struct target_row *row);

/* Reports that the record id does not fit the target. Always false, with ERR_CONFIG. */
bool task_does_not_fit(const struct task *task, struct err *err);

/* Gives back a buffer that has grown large, and empties it. */
void task_reset(struct buf *buf);

/* Builds the request from the claim; valid until the task or the sender is used again. False with
 * ERR_CONFIG when the record id does not fit the target, which has changed since intake. */
bool task_request(struct task *task, struct task_sender *sender, struct http_request *request,
                  struct err *err);

/* How the transfer ended, for the policy. */
enum policy_end task_end(const struct http_answer *answer);

/* What task_answer needs. */
struct task_reader {
    struct policy_limits limits;
    bool is_shared; /* the answer is about several jobs, and does not distinguish them: the fault
                       has what it says already */
    int64_t now_ms;
    struct rebase *rebase; /* builds what is sent after a fetch */
    struct target_scratch *scratch;
    struct api_fault *fault; /* scratch; afterwards it holds what the server said */
};

/* Reads the answer, assesses it, and fills the claim's outcome. False with ERR_CONFIG when the
 * job's PUT cannot be built on a fetched record, because the schema file is missing or wrong: the
 * job stays pending. */
bool task_answer(struct task *task, const struct http_answer *answer,
                 const struct task_reader *reader, struct policy_verdict *verdict, struct err *err);

/* Fills the outcome of a task that was never started. last: this run tries it after all others. */
void task_put_back(struct task *task, bool last, int64_t now_ms);

/* Changes the outcome of an answer that concerned the whole run: the job is as before the request,
 * and the next run tries it last. */
void task_spare(struct task *task, int64_t now_ms);

/* Changes the outcome of a held task to another try at once: its answer was about several jobs, of
 * which one can be refused alone. */
void task_part(struct task *task, int64_t now_ms);
