/* A bounded number of record ids with their rows, sorted in memory. Private to core/ingest. */
#ifndef ROWFERRY_INGEST_KEY_RUN_H
#define ROWFERRY_INGEST_KEY_RUN_H

#include "core/base/buf.h"

#include <stdint.h>

/* Where a key stands in the text. The first eight bytes, as a number, settle most comparisons. */
struct key_entry {
    uint64_t prefix;
    uint32_t start;
};

struct key_run {
    struct buf text; /* packed keys as they came, 4 GiB at most */
    struct key_entry *entries, *spare;
    size_t count, capacity;
};

/* The arrays are made with the first key. */
void key_run_init(struct key_run *run, size_t capacity);
void key_run_release(struct key_run *run);
void key_run_reset(struct key_run *run);

/* The caller looks whether there is room. Row numbers come in ascending order. */
void key_run_add(struct key_run *run, struct span key, uint32_t row_no);

/* By key (memcmp order) and then by row. */
void key_run_sort(struct key_run *run);

/* Key and row as they may be written elsewhere; valid until the run changes. */
struct span key_run_packed(const struct key_run *run, size_t index);

/* The key at the beginning of these bytes, pointing into them: returns the size it takes, 0 when
 * it is not there as a whole. */
size_t key_run_unpack(struct span bytes, struct span *key, uint32_t *row_no);

/* The first eight bytes as a number in whose order the keys are. */
uint64_t key_run_prefix(struct span key);

#endif
