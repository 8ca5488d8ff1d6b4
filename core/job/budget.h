/* The retry budget of a run (docs/api.md#pace): a service that answers, but not usefully, ends the
 * run before it uses up the attempts of every job. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The budget counts jobs, not repeated failures of the same ones, and only jobs sampled from the
 * whole queue can spend its last quarter. */
enum {
    BUDGET_FULL = 100,     /* units, at the start and at most */
    BUDGET_RETRY = 5,      /* cost of a job that has to be retried; a success earns 1 */
    BUDGET_LOW = 50,       /* at this or below, jobs are sampled from the whole queue ... */
    BUDGET_RECOVERED = 75, /* ... until this is reached */
    BUDGET_HEAD = 25,      /* below this, only sampled jobs are charged */
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

/* Charges for a job that has to be retried. sampled: it was taken from anywhere in the queue, not
 * from its head. Returns false when nothing is left, so that no further request should leave. */
bool budget_charge(struct budget *budget, int64_t job_id, bool sampled);
