/* For how long what is known of a record counts (`knownFor` of rowferry-schema(5)). */
#pragma once

#include "core/base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* True while what was seen of the record at seen_ms still counts at now_ms: for half of
 * known_for_ms to all of it, for each record and time of its own, so that what was seen in one
 * night does not come due in one night. known_for_ms 0: for ever. What was seen later than now does
 * not count, because a clock was wrong. */
bool freshness_counts(int64_t known_for_ms, struct span schema, struct span record_id,
                      int64_t seen_ms, int64_t now_ms);
