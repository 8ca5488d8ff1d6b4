/* Inside core/drain only: updates of several jobs in one request. The first job's task has the
 * request; the others follow it by `row`. */
#pragma once

#include "core/drain/task.h"
#include "core/target/results.h"

/* Bytes of the body, unless one row alone is longer, or the target's limits say otherwise. */
enum { BULK_BYTES_MAX = 512000 };

/* Begins a request with a job. False with ERR_CONFIG as task_request has it. */
bool bulk_begin(struct task *task, struct task_sender *sender, struct err *err);

/* Whether a job can be in a request that begins with `first`: same target, and same columns in the
 * record id. */
bool bulk_is_alike(const struct task *first, const struct task *task, struct rebase *rebase);

/* Adds a job to the request that begins with `first`. *fits is false, and nothing has changed, if
 * the request is full or is about something else. max: jobs of the request. */
bool bulk_add(struct task *first, struct task *task, unsigned max, struct task_sender *sender,
              bool *fits, struct err *err);

/* Finishes the request, which can leave now. */
void bulk_request(struct task *first, struct task_sender *sender, struct http_request *request);

/* What the answer to a request of several jobs is. */
enum bulk_answer {
    BULK_RESULTS, /* a result for each job, or for some of them */
    BULK_SHARED,  /* it means the same for all jobs */
    BULK_REFUSED, /* it is about one of several jobs, or about their number */
};

/* Reads an answer, and into the reader's fault what it says to all of several jobs. The results,
 * one for each job in order, are for the caller to free; NULL unless BULK_RESULTS. */
enum bulk_answer bulk_read(const struct task *first, const struct http_answer *answer,
                           const struct task_reader *reader, struct result **results);

/* Changes a copy of the answer to what it means for one job. result: of that job; NULL: of
 * BULK_SHARED. */
void bulk_answer_for(const struct result *result, struct http_answer *answer);

/* Fills the outcomes of BULK_REFUSED: the jobs stay in hand and are sent again in two halves. */
void bulk_split(struct task *first, const struct http_answer *answer, const char *message);

/* Notes that a request was taken, or that it was not or never left, for its other half and for how
 * many jobs a request can have. */
void bulk_note(struct task *first, bool worked, struct rebase *rebase);

/* Whether a job that was denied together with others, and is to be refused, is sent again first,
 * until it is denied alone. From then on such requests are sent again in halves. */
bool bulk_parts(const struct task *task, struct rebase *rebase);

/* Returns how many jobs a request with this one can have. */
unsigned bulk_room(const struct task *task, struct rebase *rebase);
