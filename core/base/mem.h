/* Allocation that ends the process when it fails. Whoever allocates for data from outside sets its
 * limit. */
#pragma once

#include <stddef.h>

/* Returns zeroed memory for count items of size bytes; the caller frees it with free(). */
void *mem_calloc(size_t count, size_t size);

/* Grows or shrinks an array to count items of size bytes, as reallocarray(3). */
void *mem_resize(void *memory, size_t count, size_t size);

/* Returns a copy of size bytes with a NUL after them. */
char *mem_copy(const char *bytes, size_t size);

/* Returns a copy of a C string; NULL for NULL. */
char *mem_strdup(const char *text);

/* Formats into new memory, which the caller frees. */
char *mem_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Has up to 4 MiB of freed memory kept for what is allocated next. Otherwise a loop that allocates
 * and frees much gives memory back to the kernel and gets it again, a page fault for each page. */
void mem_keep_freed(void);
