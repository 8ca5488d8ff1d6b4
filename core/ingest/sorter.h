/* Record ids with their rows, brought into order in memory that does not depend on their number:
 * sorted runs in a temporary file without a name, merged at the end. Private to core/ingest. */
#ifndef ROWFERRY_INGEST_SORTER_H
#define ROWFERRY_INGEST_SORTER_H

#include "core/base/err.h"
#include "core/base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum { SORTER_KEY_MAX = 2048 }; /* bytes */

struct sorter;

/* The file is made in `folder` (copied) once one run is full: few keys need none. It takes the size
 * of the keys and 8 bytes for each, mode 0600, and ends with the process. */
struct sorter *sorter_open(const char *folder);
void sorter_close(struct sorter *sorter);

/* Row numbers come in ascending order. ERR_STORE: no file can be made there, or the disk is full.
 */
bool sorter_add(struct sorter *sorter, struct span key, uint32_t row_no, struct err *err);

/* No more is added; sorter_next gives all, by key (memcmp order) and then by row. ERR_STORE. */
bool sorter_finish(struct sorter *sorter, struct err *err);

/* *found false: that was all. The key is valid until the next call. ERR_STORE. */
bool sorter_next(struct sorter *sorter, bool *found, struct span *key, uint32_t *row_no,
                 struct err *err);

#endif
