#include "core/notify/health.h"

#include <limits.h>

void health_worked(struct health *health, int64_t now_us)
{
    *health = (struct health){.worked_us = now_us};
}

void health_failed(struct health *health, int64_t departed_us, bool is_first, double dice,
                   int64_t now_us)
{
    const int64_t most_us = HEALTH_WAIT_MAX_MS * INT64_C(1000);
    bool shows = is_first && departed_us >= health->worked_us;
    int64_t until_us;

    if (shows && health->failures < UINT_MAX)
        health->failures++;
    if (health->failures < HEALTH_TROUBLE_FROM)
        return;
    shows = shows && departed_us >= health->since_us;
    if (shows) {
        health->wait_us =
            health->wait_us > 0 ? 2 * health->wait_us : HEALTH_WAIT_MS * INT64_C(1000);
        if (health->wait_us > most_us)
            health->wait_us = most_us;
        health->since_us = now_us;
    }
    until_us = now_us + health->wait_us + (int64_t)(dice * (double)health->wait_us / 4);
    health->repeated_from_us = until_us;
    if (shows)
        health->first_from_us = until_us;
}

bool health_in_trouble(const struct health *health)
{
    return health->wait_us > 0;
}

int64_t health_wait_us(const struct health *health, bool is_first, int64_t now_us)
{
    int64_t from_us = is_first ? health->first_from_us : health->repeated_from_us;

    return from_us > now_us ? from_us - now_us : 0;
}
