#include "core/http/governor.h"

/* Share of the ceiling that is used. With one spacing of arrears (CAUGHT_UP below) a window of one
 * second at 100/s then sees at most 98.5 + 2 departures, and a window of a minute at 300/m 297.5:
 * a fixed-window limit equal to the ceiling is not touched, wherever its windows begin. */
static const double CEILING_SHARE = 0.985;

/* Requests that may leave at one moment because the schedule was missed. */
enum { CAUGHT_UP = 2 };

void governor_init(struct governor *governor, double rate_per_s)
{
    bool limited = rate_per_s > 0;

    *governor = (struct governor){
        .ceiling_per_s = limited ? rate_per_s : 0,
        .spacing_us = limited ? 1e6 / (CEILING_SHARE * rate_per_s) : 0,
    };
}

/* The schedule's next place as seen at now_us: what was missed beyond CAUGHT_UP is gone. */
static double next_place_us(const struct governor *governor, int64_t now_us)
{
    double oldest_us = (double)now_us - (CAUGHT_UP - 1) * governor->spacing_us;

    return governor->next_us > oldest_us ? governor->next_us : oldest_us;
}

int64_t governor_wait_us(const struct governor *governor, int64_t now_us)
{
    double early_us = governor->next_us - (double)now_us;
    int64_t paused_us = governor->paused_until_us - now_us;
    int64_t wait_us = 0;

    if (governor->spacing_us > 0 && early_us > 0) {
        wait_us = (int64_t)early_us;
        wait_us += (double)wait_us < early_us; /* rounded up: never a moment too early */
    }
    return paused_us > wait_us ? paused_us : wait_us;
}

uint32_t governor_allows(const struct governor *governor, int64_t now_us, int64_t within_us)
{
    int64_t end_us = now_us + within_us;
    double first_us, count;

    if (governor->paused_until_us > end_us)
        return 0;
    if (governor->spacing_us <= 0)
        return UINT32_MAX;
    first_us = next_place_us(governor, now_us);
    if (first_us > (double)end_us)
        return 0;
    count = ((double)end_us - first_us) / governor->spacing_us + 1;
    count += 1e-6; /* two spacings may come out as 1.9999999999 */
    return count >= (double)UINT32_MAX ? UINT32_MAX : (uint32_t)count;
}

void governor_departed(struct governor *governor, int64_t now_us)
{
    governor->next_us = next_place_us(governor, now_us) + governor->spacing_us;
}

void governor_pause(struct governor *governor, int64_t until_us)
{
    if (until_us > governor->paused_until_us)
        governor->paused_until_us = until_us;
    /* the schedule stands still meanwhile: a pause earns nothing to catch up */
    if (governor->next_us < (double)until_us)
        governor->next_us = (double)until_us;
}

bool governor_paused(const struct governor *governor, int64_t now_us)
{
    return governor->paused_until_us > now_us;
}

double governor_rate_per_s(const struct governor *governor)
{
    return governor->spacing_us > 0 ? 1e6 / governor->spacing_us : 0;
}
