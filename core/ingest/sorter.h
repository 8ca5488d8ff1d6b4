/* Sorts record ids with their rows in constant memory: sorted runs in an unnamed temporary file,
 * merged at the end. Private to core/ingest. */
#pragma once

#include "core/base/err.h"
#include "core/base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum { SORTER_KEY_MAX = 2048 }; /* bytes */

struct sorter;

/* The file is created in `folder` (copied) when a run is full; few keys need none. It takes the
 * size of the keys and 8 bytes for each, has mode 0600, and ends with the process. */
struct sorter *sorter_open(const char *folder);
void sorter_close(struct sorter *sorter);

/* Adds a key. Row numbers must ascend. ERR_STORE: no file can be created, or the disk is full. */
bool sorter_add(struct sorter *sorter, struct span key, uint32_t row_no, struct err *err);

/* Ends adding; then sorter_next returns all keys, by key (memcmp order) and then by row. ERR_STORE.
 */
bool sorter_finish(struct sorter *sorter, struct err *err);

/* Returns the next key, valid until the next call. *found false: there are no more. ERR_STORE. */
bool sorter_next(struct sorter *sorter, bool *found, struct span *key, uint32_t *row_no,
                 struct err *err);
