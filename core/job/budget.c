#include "core/job/budget.h"

void budget_init(struct budget *budget)
{
    *budget = (struct budget){.units = BUDGET_FULL};
}

void budget_earn(struct budget *budget)
{
    if (budget->units < BUDGET_FULL)
        budget->units++;
    if (budget->units >= BUDGET_RECOVERED)
        budget->low = false;
}

static bool budget_was_charged(const struct budget *budget, int64_t job_id)
{
    size_t count = budget->count < BUDGET_JOBS ? budget->count : BUDGET_JOBS;

    for (size_t i = 0; i < count; i++)
        if (budget->job_ids[i] == job_id)
            return true;
    return false;
}

bool budget_charge(struct budget *budget, int64_t job_id, bool sampled)
{
    if (budget_was_charged(budget, job_id))
        return budget->units > 0;
    budget->job_ids[budget->count++ % BUDGET_JOBS] = job_id;
    budget->units -= BUDGET_RETRY;
    if (!sampled && budget->units < BUDGET_HEAD)
        budget->units += BUDGET_RETRY;
    if (budget->units < 0)
        budget->units = 0;
    budget->low = budget->low || budget->units <= BUDGET_LOW;
    return budget->units > 0;
}
