#include "core/ingest/sieve.h"

#include "core/base/buf.h"
#include "core/base/mem.h"

#include <stdlib.h>
#include <xxhash.h>

enum { BUCKETS = 256 };

/* One table for all ids would miss every cache at every id. So the hashes only line up, by their
 * first byte, and are compared at the end, a bucket at a time, in a table of its size. */
struct sieve {
    struct buf buckets[BUCKETS]; /* hashes; after sieve_end only the repeated ones, sorted */
    size_t count, ids_max;
    XXH64_hash_t seed;
};

struct sieve *sieve_open(size_t ids_max)
{
    struct sieve *sieve = mem_calloc(1, sizeof *sieve);

    sieve->ids_max = ids_max;
    /* an address differs from run to run: a file cannot be made to fill one bucket */
    sieve->seed = (XXH64_hash_t)(uintptr_t)sieve;
    return sieve;
}

void sieve_close(struct sieve *sieve)
{
    if (!sieve)
        return;
    for (unsigned i = 0; i < BUCKETS; i++)
        buf_release(&sieve->buckets[i]);
    free(sieve);
}

/* Never 0, which is a free slot. */
static uint64_t hash_of(const struct sieve *sieve, struct span record_id)
{
    return XXH3_64bits_withSeed(record_id.data, record_id.size, sieve->seed) | 1;
}

bool sieve_add(struct sieve *sieve, struct span record_id)
{
    uint64_t hash = hash_of(sieve, record_id);
    struct buf *bucket = &sieve->buckets[hash >> 56];

    if (sieve->count == sieve->ids_max)
        return false;
    sieve->count++;
    memcpy(buf_reserve(bucket, sizeof hash), &hash, sizeof hash);
    bucket->size += sizeof hash;
    return true;
}

static int compare(const void *a, const void *b)
{
    const uint64_t *left = a, *right = b;

    return (*left > *right) - (*left < *right);
}

/* True when the hash was in the table, where it is afterwards. */
static bool enter(uint64_t *slots, unsigned bits, uint64_t hash)
{
    size_t slot = hash << 8 >> (64 - bits);

    for (; slots[slot]; slot = (slot + 1) & (((size_t)1 << bits) - 1))
        if (slots[slot] == hash)
            return true;
    slots[slot] = hash;
    return false;
}

static void keep_repeated(struct buf *bucket, struct buf *table)
{
    uint64_t *hashes = (uint64_t *)(void *)bucket->data;
    size_t count = bucket->size / sizeof *hashes, repeated = 0;
    unsigned bits = 1;
    uint64_t *slots;

    while (count * 2 > (size_t)1 << bits)
        bits++;
    slots = (uint64_t *)(void *)buf_reserve(table, sizeof *slots << bits);
    memset(slots, 0, sizeof *slots << bits);
    for (size_t i = 0; i < count; i++)
        if (enter(slots, bits, hashes[i]))
            hashes[repeated++] = hashes[i];
    if (repeated > 1)
        qsort(hashes, repeated, sizeof *hashes, compare);
    bucket->size = repeated * sizeof *hashes;
}

bool sieve_end(struct sieve *sieve)
{
    struct buf table = {0};
    bool repeats = false;

    for (unsigned i = 0; i < BUCKETS; i++) {
        keep_repeated(&sieve->buckets[i], &table);
        repeats |= sieve->buckets[i].size > 0;
    }
    buf_release(&table);
    return repeats;
}

bool sieve_holds(const struct sieve *sieve, struct span record_id)
{
    uint64_t hash = hash_of(sieve, record_id);
    const struct buf *bucket = &sieve->buckets[hash >> 56];

    return bucket->size > 0 &&
           bsearch(&hash, bucket->data, bucket->size / sizeof hash, sizeof hash, compare) != NULL;
}
