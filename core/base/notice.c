#include "core/base/notice.h"

#include "core/base/str.h"

#include <stdarg.h>
#include <stdio.h>

void notice_say(const struct notice_sink *sink, const char *format, ...)
{
    char raw[2048], text[4096];
    va_list args;

    if (!sink || !sink->say)
        return;
    va_start(args, format);
    vsnprintf(raw, sizeof raw, format, args);
    va_end(args);
    sink->say(sink->context, str_printable(span_of(raw), text, sizeof text));
}
