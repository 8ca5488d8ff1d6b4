/* Whether `run` could work in a folder: read it, and move its files to done/ and refused/. Nothing
 * is changed to find out. */
#ifndef ROWFERRY_INBOX_USABLE_H
#define ROWFERRY_INBOX_USABLE_H

#include "core/base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct catalog;

/* *waiting: the files that lie there to be read, also in sub-folders that are named like a schema
 * of the catalog (NULL: none). False with ERR_CONFIG, what is wrong alone, and *advice, what to do
 * about it, without a full stop. */
bool inbox_usable(const char *folder, const struct catalog *catalog, size_t *waiting,
                  const char **advice, struct err *err);

#endif
