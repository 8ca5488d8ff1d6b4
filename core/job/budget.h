/* The retry budget of a run (docs/api.md#pace): a service that answers, but not usefully, ends the
 * run instead of every job's attempts. It counts jobs, not the repeats of the same few, and its
 * last quarter is for jobs from places all over the queue. */
#ifndef ROWFERRY_JOB_BUDGET_H
#define ROWFERRY_JOB_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    BUDGET_FULL = 100,     /* units, at the start and at most */
    BUDGET_RETRY = 5,      /* what a job costs that has to be retried; a success earns 1 */
    BUDGET_LOW = 50,       /* at this or below, a sample of the queue decides */
    BUDGET_HEAD = 25,      /* below this, only that sample counts */
    BUDGET_RECOVERED = 75, /* ... until this is reached */
    BUDGET_JOBS = 256,     /* the last ones charged, which are not charged again */
};

struct budget {
    int units;
    bool low;
    size_t count; /* of jobs charged so far */
    int64_t job_ids[BUDGET_JOBS];
};

void budget_init(struct budget *budget);
void budget_earn(struct budget *budget);

/* Charges for a job that has to be retried; sampled: it was not taken from the head of the queue.
 * False when nothing is left: no further request should leave. */
bool budget_charge(struct budget *budget, int64_t job_id, bool sampled);

#endif
