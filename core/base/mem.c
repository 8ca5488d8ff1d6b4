#include "core/base/mem.h"

#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *must(void *memory)
{
    if (!memory) {                                  /* GCOVR_EXCL_BR_LINE: no test runs out of it */
        fputs("rowferry: out of memory\n", stderr); /* GCOVR_EXCL_LINE */
        abort();                                    /* GCOVR_EXCL_LINE */
    }
    return memory;
}

void *mem_calloc(size_t count, size_t size)
{
    return must(calloc(count ? count : 1, size ? size : 1));
}

void *mem_resize(void *memory, size_t count, size_t size)
{
    return must(reallocarray(memory, count ? count : 1, size ? size : 1));
}

char *mem_copy(const char *bytes, size_t size)
{
    char *copy = must(malloc(size + 1));

    if (size)
        memcpy(copy, bytes, size);
    copy[size] = '\0';
    return copy;
}

char *mem_strdup(const char *text)
{
    return text ? mem_copy(text, strlen(text)) : NULL;
}

char *mem_printf(const char *format, ...)
{
    va_list args;
    char *text = NULL;
    int size;

    va_start(args, format);
    size = vasprintf(&text, format, args);
    va_end(args);
    return must(size < 0 ? NULL : text);
}

void mem_keep_freed(void)
{
    enum { KEPT = 4 << 20, LARGE = 1 << 20 };

    mallopt(M_TRIM_THRESHOLD, KEPT);
    /* malloc stops raising it by itself once something is set */
    mallopt(M_MMAP_THRESHOLD, LARGE);
}
