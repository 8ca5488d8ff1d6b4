/* Local times of a time zone, by the system's tz database (TZif files, RFC 8536). Constant once
 * open, may be shared between threads. */
#ifndef ROWFERRY_BASE_ZONE_H
#define ROWFERRY_BASE_ZONE_H

#include "core/base/err.h"
#include "core/base/str.h"

#include <stdint.h>

struct zone;

/* name: `Europe/Berlin`. NULL with ERR_CONFIG: there is no such zone, or no such database. */
struct zone *zone_open(struct span name, struct err *err);
void zone_close(struct zone *zone);

/* Seconds east of UTC at a moment, which is counted from 1970 without leap seconds. */
int32_t zone_offset(const struct zone *zone, int64_t moment);

enum zone_moments {
    ZONE_NONE, /* clocks were put forward over it */
    ZONE_ONE,
    ZONE_TWO, /* clocks were put back to before it */
};

/* The offsets that a local time (counted likewise, as if it were UTC) may have; the earlier
 * moment's comes first. */
enum zone_moments zone_find(const struct zone *zone, int64_t local, int32_t offsets[2]);

/* Days from 1970-01-01 to a day of the Gregorian calendar, and back. */
int64_t zone_days(int64_t year, unsigned month, unsigned day);
void zone_date(int64_t days, int64_t *year, unsigned *month, unsigned *day);

#endif
