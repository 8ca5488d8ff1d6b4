#include "core/job/budget.h"

void budget_init(struct budget *budget)
{
    budget->units = BUDGET_FULL;
}

void budget_earn(struct budget *budget)
{
    if (budget->units < BUDGET_FULL)
        budget->units++;
}

bool budget_charge(struct budget *budget)
{
    budget->units -= BUDGET_RETRY;
    if (budget->units < 0)
        budget->units = 0;
    return budget->units > 0;
}
