#include "core/base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool err_set_at(struct err *err, const char *source, enum err_kind kind, const char *format, ...)
{
    va_list args;

    err->kind = kind;
    err->source = source;
    err->fault = 0;
    va_start(args, format);
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    return false;
}

bool err_wrap(struct err *err, const char *format, ...)
{
    char before[ERR_TEXT_SIZE];
    va_list args;
    size_t size, kept = strlen(err->text);

    va_start(args, format);
    vsnprintf(before, sizeof before - 2, format, args);
    va_end(args);
    size = strlen(before);
    memcpy(before + size, ": ", 3);
    size += 2;
    if (kept > sizeof err->text - 1 - size)
        kept = sizeof err->text - 1 - size;
    memmove(err->text + size, err->text, kept);
    memcpy(err->text, before, size);
    err->text[size + kept] = '\0';
    return false;
}
