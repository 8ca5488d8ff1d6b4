/* Which record ids of a file may occur twice: a first look at millions of them that costs a few
 * nanoseconds each, by their hashes alone. Private to core/ingest. */
#ifndef ROWFERRY_INGEST_SIEVE_H
#define ROWFERRY_INGEST_SIEVE_H

#include "core/base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SIEVE_IDS_MAX = 100000000, /* of 8 bytes each */
    SIEVE_IDS_HELD = 1 << 20, /* in memory; more are in a file without a name in the system's folder
                                 for such, so that memory does not grow with the rows */
};

struct sieve;

/* ids_max: more are not looked at. */
struct sieve *sieve_open(size_t ids_max);
void sieve_close(struct sieve *sieve);

/* The id of the next row, of which nothing is kept as pointer. False: there is no room for it. */
bool sieve_add(struct sieve *sieve, struct span record_id);

/* After the last row: whether one of the ids may have occurred twice. */
bool sieve_end(struct sieve *sieve);

/* After sieve_end: true for every id that was added twice, and hardly ever for another. */
bool sieve_holds(const struct sieve *sieve, struct span record_id);

#endif
