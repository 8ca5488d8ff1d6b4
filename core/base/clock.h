/* The two clocks: one for times, one for durations. */
#ifndef ROWFERRY_BASE_CLOCK_H
#define ROWFERRY_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

/* Milliseconds since 1970 UTC. */
int64_t clock_now_ms(void);

/* Microseconds of the monotonic clock; only differences are meaningful. */
int64_t clock_monotonic_us(void);

enum { CLOCK_ISO_SIZE = 32 };

/* Writes now_ms as `2026-11-23T02:00:00.000Z` to out. Returns out. */
char *clock_iso(int64_t now_ms, char out[CLOCK_ISO_SIZE]);

#endif
