#include "core/ingest/sieve.h"

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/base/whole_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

enum {
    HELD_MAX = SIEVE_IDS_HELD, /* hashes in memory; more of them go to a file */
    BUCKETS = 256,
};

/* One table for all ids would miss every cache at every id. So the hashes are only collected, in a
 * file if there are many, and compared at the end: one share of their range at a time, in buckets
 * with a small table each. */
struct sieve {
    uint64_t *held;
    size_t held_count;
    FILE *file; /* unnamed; NULL until it is needed */
    size_t count, ids_max;
    bool blind; /* the file could not be read back: every id can be repeated */
    XXH64_hash_t seed;
    struct buf repeated; /* after sieve_end: the repeated hashes, sorted */
};

/* One share: its hashes as collected, and in buckets. */
struct share {
    size_t index, shares;
    struct buf hashes, sorted, table;
};

struct sieve *sieve_open(size_t ids_max)
{
    struct sieve *sieve = mem_calloc(1, sizeof *sieve);

    sieve->held = mem_calloc(HELD_MAX, sizeof *sieve->held);
    sieve->ids_max = ids_max;
    /* the seed is an address, which differs from run to run: no file can be made to fill one bucket
     */
    sieve->seed = (XXH64_hash_t)(uintptr_t)sieve;
    return sieve;
}

void sieve_close(struct sieve *sieve)
{
    if (!sieve)
        return;
    if (sieve->file)
        fclose(sieve->file);
    buf_release(&sieve->repeated);
    free(sieve->held);
    free(sieve);
}

/* Returns a hash that is never 0, which marks a free slot. */
static uint64_t hash_of(const struct sieve *sieve, struct span record_id)
{
    return XXH3_64bits_withSeed(record_id.data, record_id.size, sieve->seed) | 1;
}

static bool spill(struct sieve *sieve)
{
    if (!sieve->file)
        sieve->file = unnamed_file_open();
    if (!sieve->file || fwrite(sieve->held, sizeof *sieve->held, sieve->held_count, sieve->file) !=
                            sieve->held_count)
        return false;
    sieve->held_count = 0;
    return true;
}

bool sieve_add(struct sieve *sieve, struct span record_id)
{
    if (sieve->count == sieve->ids_max)
        return false;
    if (sieve->held_count == HELD_MAX && !spill(sieve)) {
        sieve->ids_max = sieve->count;
        return false;
    }
    sieve->held[sieve->held_count++] = hash_of(sieve, record_id);
    sieve->count++;
    return true;
}

/* Returns the place of the hash in the range, in buckets of a share. */
static size_t place_of(const struct share *share, uint64_t hash)
{
    return (size_t)((hash >> 32) * (share->shares * BUCKETS) >> 32);
}

static void gather(struct share *share, const uint64_t *hashes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (place_of(share, hashes[i]) / BUCKETS == share->index)
            buf_append(&share->hashes, (const char *)&hashes[i], sizeof hashes[i]);
}

/* Collects all hashes of a share. False: the file cannot be read. */
static bool gather_all(struct sieve *sieve, struct share *share)
{
    enum { BLOCK = 4096 };
    uint64_t block[BLOCK];
    size_t count;

    buf_reset(&share->hashes);
    if (sieve->file) {
        rewind(sieve->file);
        while ((count = fread(block, sizeof *block, BLOCK, sieve->file)) > 0)
            gather(share, block, count);
        if (ferror(sieve->file))
            return false;
    }
    gather(share, sieve->held, sieve->held_count);
    return true;
}

static int compare(const void *a, const void *b)
{
    const uint64_t *left = a, *right = b;

    return (*left > *right) - (*left < *right);
}

/* Adds a hash to the table. Returns true if it was there. */
static bool enter(uint64_t *slots, unsigned bits, uint64_t hash)
{
    size_t slot = (hash * UINT64_C(0x9E3779B97F4A7C15)) >> (64 - bits);

    for (; slots[slot]; slot = (slot + 1) & (((size_t)1 << bits) - 1))
        if (slots[slot] == hash)
            return true;
    slots[slot] = hash;
    return false;
}

static void keep_repeated(struct sieve *sieve, const uint64_t *hashes, size_t count,
                          struct buf *table)
{
    size_t before = sieve->repeated.size;
    unsigned bits = 1;
    uint64_t *slots;

    while (count * 2 > (size_t)1 << bits)
        bits++;
    slots = (uint64_t *)(void *)buf_reserve(table, sizeof *slots << bits);
    memset(slots, 0, sizeof *slots << bits);
    for (size_t i = 0; i < count; i++)
        if (enter(slots, bits, hashes[i]))
            buf_append(&sieve->repeated, (const char *)&hashes[i], sizeof hashes[i]);
    if (sieve->repeated.size > before)
        qsort(sieve->repeated.data + before, (sieve->repeated.size - before) / sizeof *hashes,
              sizeof *hashes, compare);
}

/* Sorts the collected hashes into buckets, in the order of their range. */
static void compare_share(struct sieve *sieve, struct share *share)
{
    const uint64_t *hashes = (const uint64_t *)(const void *)share->hashes.data;
    size_t count = share->hashes.size / sizeof *hashes, ends[BUCKETS] = {0}, begin = 0;
    uint64_t *sorted;

    buf_reset(&share->sorted);
    sorted = (uint64_t *)(void *)buf_reserve(&share->sorted, share->hashes.size);
    for (size_t i = 0; i < count; i++)
        ends[place_of(share, hashes[i]) % BUCKETS]++;
    for (size_t i = 0, sum = 0; i < BUCKETS; i++) {
        size_t size = ends[i];

        ends[i] = sum; /* its beginning, until it is filled */
        sum += size;
    }
    for (size_t i = 0; i < count; i++)
        sorted[ends[place_of(share, hashes[i]) % BUCKETS]++] = hashes[i];
    for (size_t i = 0; i < BUCKETS; begin = ends[i++])
        keep_repeated(sieve, sorted + begin, ends[i] - begin, &share->table);
}

bool sieve_end(struct sieve *sieve)
{
    struct share share = {.shares = sieve->count / HELD_MAX + 1};

    for (; share.index < share.shares && !sieve->blind; share.index++) {
        sieve->blind = !gather_all(sieve, &share);
        compare_share(sieve, &share);
    }
    buf_release(&share.hashes);
    buf_release(&share.sorted);
    buf_release(&share.table);
    return sieve->blind || sieve->repeated.size > 0;
}

bool sieve_holds(const struct sieve *sieve, struct span record_id)
{
    uint64_t hash = hash_of(sieve, record_id);

    return sieve->blind || (sieve->repeated.size > 0 &&
                            bsearch(&hash, sieve->repeated.data, sieve->repeated.size / sizeof hash,
                                    sizeof hash, compare) != NULL);
}
