/* The two clocks: one for times, one for durations. */
#pragma once

#include "core/base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* Milliseconds since 1970 UTC. */
int64_t clock_now_ms(void);

/* Microseconds of the monotonic clock; only differences are meaningful. */
int64_t clock_monotonic_us(void);

enum { CLOCK_ISO_SIZE = 32 };

/* Writes now_ms as `2026-11-23T02:00:00.000Z` to out. Returns out. */
char *clock_iso(int64_t now_ms, char out[CLOCK_ISO_SIZE]);

/* Reads `2026-11-23T02:00:00[.123456789](Z|+01:00)` (RFC 3339 section 5.6) of the years 1970 to
 * 2261 as nanoseconds since 1970 UTC; digits after the ninth are passed over. False when text is
 * not one.
 */
bool clock_read_iso(struct span text, int64_t *ns);
