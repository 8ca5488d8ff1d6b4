/* Finds which record ids of a file can be repeated: a first check of millions of ids by their
 * hashes, a few nanoseconds each. Private to core/ingest. */
#pragma once

#include "core/base/str.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    SIEVE_IDS_MAX = 100000000, /* 8 bytes each */
    SIEVE_IDS_HELD = 1 << 20,  /* in memory; more are in an unnamed temporary file, so that memory
                                  does not grow with the rows */
};

struct sieve;

/* ids_max: further ids are not checked. */
struct sieve *sieve_open(size_t ids_max);
void sieve_close(struct sieve *sieve);

/* Adds the id of the next row, which is not kept. False: the sieve is full. */
bool sieve_add(struct sieve *sieve, struct span record_id);

/* Ends the collection. Returns whether any id can be repeated. */
bool sieve_end(struct sieve *sieve);

/* After sieve_end: returns true for every repeated id, and very rarely for another. */
bool sieve_holds(const struct sieve *sieve, struct span record_id);
