/* The correlation id of a job: a UUID of version 8 (RFC 9562 section 5.8), made of what the job is
 * and not by chance, so that the same row of the same file has the same id in every database.
 *
 * A number is 8 bytes, the most significant first; a text is its size as a number, and its bytes.
 * XXH3-128 is XXH3_128bits with seed 0, as 16 bytes in canonical form.
 *
 *     key = XXH3-128(text schema name | text content hash | number occurrence)
 *     id  = XXH3-128(key | number row), the upper half of byte 6 set to 8, the two upper bits of
 *           byte 8 set to binary 10
 *
 * The content hash is batch.content_hash, 32 digits; the occurrence says how many earlier batches
 * with jobs the database has of that schema and content; the row is the number of the data row in
 * the file, from 1. */
#pragma once

#include "core/base/str.h"

enum { CORRELATION_SIZE = 16 };

/* What the ids of a batch have in common. */
struct correlation_key {
    unsigned char hash[CORRELATION_SIZE];
    int64_t rows_before; /* rows of the file that earlier batches have read: row_no counts after
                            them */
};

void correlation_key_make(struct span schema, struct span content_hash, int64_t occurrence,
                          int64_t rows_before, struct correlation_key *key);

/* Writes the id of the batch's job with that row_no. Costs one short hash. */
void correlation_make(const struct correlation_key *key, int64_t row_no,
                      unsigned char id[CORRELATION_SIZE]);

/* Whether an id has the form of those that are made here, by whatever database. */
static inline bool correlation_is_made(const unsigned char id[CORRELATION_SIZE])
{
    return id[6] >> 4 == 8 && id[8] >> 6 == 2;
}
