/* A bounded number of record ids with their rows, sorted in memory. Private to core/ingest. */
#pragma once

#include "core/base/buf.h"

#include <stdint.h>

/* Where a key is in the text. Its first eight bytes, as a number, decide most comparisons. */
struct key_entry {
    uint64_t prefix;
    uint32_t start;
};

struct key_run {
    struct buf text; /* packed keys in order of arrival, at most 4 GiB */
    struct key_entry *entries, *spare;
    size_t count, capacity;
};

/* Initializes a run. The arrays are allocated with the first key. */
void key_run_init(struct key_run *run, size_t capacity);
void key_run_release(struct key_run *run);
void key_run_reset(struct key_run *run);

/* Adds a key. The caller checks that there is room. Row numbers must ascend. */
void key_run_add(struct key_run *run, struct span key, uint32_t row_no);

/* Sorts by key (memcmp order) and then by row. */
void key_run_sort(struct key_run *run);

/* Returns key and row in a form that can be stored; valid until the run changes. */
struct span key_run_packed(const struct key_run *run, size_t index);

/* Finds the key at the beginning of the bytes, which it points into. Returns the size it takes, or
 * 0 if it is not complete. */
size_t key_run_unpack(struct span bytes, struct span *key, uint32_t *row_no);

/* Returns the first eight bytes as a number in the order of the keys. */
uint64_t key_run_prefix(struct span key);
