/* A rate limit over fixed windows that are aligned to the wall clock. */
#pragma once

#include "core/base/err.h"

#include <stdbool.h>
#include <stdint.h>

/* Zeroed: no limit. */
struct pace {
    int64_t limit; /* requests per window; 0: any number */
    int64_t period_ms;
    int64_t window; /* number of the window that used belongs to */
    int64_t used;
};

/* Reads `N/s`, `N/m`, `N/h` or `none`; the count starts at 0. */
bool pace_parse(struct pace *pace, const char *text, struct err *err);

/* True when one more request fits into the current window, and counts it; else false, with the
 * time until the next window in wait_ms. */
bool pace_take(struct pace *pace, int64_t now_ms, int64_t *wait_ms);

/* Returns the milliseconds until the next window begins, or 1000 if there is no limit. */
int64_t pace_wait_ms(const struct pace *pace, int64_t now_ms);
