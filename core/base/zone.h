/* Local times of a time zone, from the tz database of the system (TZif files, RFC 8536).
 * Threads can share it. */
#pragma once

#include "core/base/err.h"
#include "core/base/str.h"

#include <stdint.h>

struct zone;

/* Opens a zone such as `Europe/Berlin`. NULL with ERR_CONFIG if the database does not have it. */
struct zone *zone_open(struct span name, struct err *err);
void zone_close(struct zone *zone);

/* Reads the bytes of a TZif file. NULL if they are not one, of version 2 or later and without leap
 * seconds. */
struct zone *zone_parse(struct span file);

/* Returns the seconds east of UTC at a moment, in seconds since 1970 without leap seconds. */
int32_t zone_offset(struct zone *zone, int64_t moment);

enum zone_moments {
    ZONE_NONE, /* it was skipped when clocks were set forward */
    ZONE_ONE,
    ZONE_TWO, /* it was repeated when clocks were set back */
};

/* Finds the offsets that a local time (in seconds as if it were UTC) can have; the one of the
 * earlier moment is first. */
enum zone_moments zone_find(struct zone *zone, int64_t local, int32_t offsets[2]);

/* True if the day is in the Gregorian calendar. */
bool zone_has_day(int64_t year, int64_t month, int64_t day);

/* Convert a day of the Gregorian calendar to days since 1970-01-01, and back. */
int64_t zone_days(int64_t year, unsigned month, unsigned day);
void zone_date(int64_t days, int64_t *year, unsigned *month, unsigned *day);
