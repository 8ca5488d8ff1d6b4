#include "core/job/freshness.h"

#include <xxhash.h>

bool freshness_counts(int64_t known_for_ms, struct span schema, struct span record_id,
                      int64_t seen_ms, int64_t now_ms)
{
    int64_t half_ms = known_for_ms / 2;
    uint64_t hash;

    if (seen_ms > now_ms)
        return false;
    if (known_for_ms == 0)
        return true;
    hash = XXH3_64bits_withSeed(schema.data, schema.size, (XXH64_hash_t)seen_ms);
    hash = XXH3_64bits_withSeed(record_id.data, record_id.size, hash);
    return now_ms - seen_ms < half_ms + (int64_t)(hash % (uint64_t)(known_for_ms - half_ms + 1));
}
