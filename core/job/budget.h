/* The retry budget of a run (API.md section 4): a service that answers, but not usefully, ends the
 * run instead of every job's attempts. */
#ifndef ROWFERRY_JOB_BUDGET_H
#define ROWFERRY_JOB_BUDGET_H

#include <stdbool.h>

enum {
    BUDGET_FULL = 100, /* units, at the start and at most */
    BUDGET_RETRY = 5,  /* what a retry costs; a success earns 1 */
};

struct budget {
    int units;
};

void budget_init(struct budget *budget);
void budget_earn(struct budget *budget);

/* False when nothing is left: no further request should leave. */
bool budget_charge(struct budget *budget);

#endif
