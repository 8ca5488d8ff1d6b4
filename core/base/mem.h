/* Memory that is there or ends the process: callers never see a failed allocation.
 * What outside data can make large is bounded by its owner, not here. */
#ifndef ROWFERRY_BASE_MEM_H
#define ROWFERRY_BASE_MEM_H

#include <stddef.h>

/* Zeroed memory for count items of size bytes; the caller frees it with free(). */
void *mem_calloc(size_t count, size_t size);

/* Grows or shrinks an array to count items of size bytes, as reallocarray(3). */
void *mem_resize(void *memory, size_t count, size_t size);

/* A copy of size bytes with a NUL behind them. */
char *mem_copy(const char *bytes, size_t size);

/* A copy of a C string; NULL gives NULL. */
char *mem_strdup(const char *text);

/* printf into memory of its own. */
char *mem_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
