#include "cmd/rowferry/words.h"

#include "core/base/clock.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { COLUMNS = 80 };

char *words_duration(int64_t ms, char out[WORDS_SIZE])
{
    int64_t seconds = (ms + 500) / 1000;

    if (ms < 9950)
        snprintf(out, WORDS_SIZE, "%" PRId64 ".%" PRId64 " s", (ms + 50) / 1000,
                 (ms + 50) / 100 % 10);
    else if (seconds < 60)
        snprintf(out, WORDS_SIZE, "%" PRId64 " s", seconds);
    else if (seconds < 3600)
        snprintf(out, WORDS_SIZE, "%" PRId64 "m %" PRId64 "s", seconds / 60, seconds % 60);
    else if (seconds < 86400)
        snprintf(out, WORDS_SIZE, "%" PRId64 "h %" PRId64 "m", seconds / 3600, seconds / 60 % 60);
    else
        snprintf(out, WORDS_SIZE, "%" PRId64 "d %" PRId64 "h", seconds / 86400,
                 seconds / 3600 % 24);
    return out;
}

char *words_time(int64_t now_ms, char out[WORDS_SIZE])
{
    char iso[CLOCK_ISO_SIZE];

    clock_iso(now_ms, iso);
    iso[strcspn(iso, ".")] = '\0';
    snprintf(out, WORDS_SIZE, "%.30sZ", iso);
    return out;
}

char *words_grouped(uint64_t count, char out[WORDS_SIZE])
{
    char digits[WORDS_SIZE], *to = out;
    int size = snprintf(digits, sizeof digits, "%" PRIu64, count);

    for (int i = 0; i < size; i++) {
        if (i > 0 && (size - i) % 3 == 0)
            *to++ = ',';
        *to++ = digits[i];
    }
    *to = '\0';
    return out;
}

char *words_count(uint64_t count, const char *noun, char out[WORDS_SIZE])
{
    bool hissing = str_ends(noun, "ch") || str_ends(noun, "s");

    if (count != 1 && (str_ends(noun, "ry") || str_ends(noun, "py")))
        snprintf(out, WORDS_SIZE, "%" PRIu64 " %.*sies", count, (int)strlen(noun) - 1, noun);
    else
        snprintf(out, WORDS_SIZE, "%" PRIu64 " %s%s", count, noun,
                 count == 1 ? ""
                 : hissing  ? "es"
                            : "s");
    return out;
}

void words_listed(struct buf *out, const char **before, uint64_t count, const char *what)
{
    if (count == 0)
        return;
    buf_printf(out, "%s%" PRIu64 " %s", *before, count, what);
    *before = ", ";
}

static void quote_escaped(struct buf *out, const char *text)
{
    buf_append_text(out, "$'");
    for (const char *c = text; *c; c++) {
        unsigned char byte = (unsigned char)*c;

        if (byte < 0x20 || byte >= 0x7F)
            buf_printf(out, "\\x%02x", byte);
        else if (byte == '\'' || byte == '\\')
            buf_printf(out, "\\%c", byte);
        else
            buf_append_char(out, *c);
    }
    buf_append_char(out, '\'');
}

void words_quote(struct buf *out, const char *argument)
{
    static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                               "0123456789_@%+=:,./-";
    struct buf printable = {0};
    bool escapes;

    if (*argument && strspn(argument, safe) == strlen(argument)) {
        buf_append_text(out, argument);
        return;
    }
    words_printable(&printable, argument);
    escapes = !span_is(buf_span(&printable), argument);
    buf_release(&printable);
    if (escapes) {
        quote_escaped(out, argument);
        return;
    }
    buf_append_char(out, '\'');
    for (const char *c = argument; *c; c++) {
        if (*c == '\'')
            buf_append_text(out, "'\\''");
        else
            buf_append_char(out, *c);
    }
    buf_append_char(out, '\'');
}

void words_printable(struct buf *out, const char *text)
{
    words_printable_span(out, span_of(text));
}

void words_printable_span(struct buf *out, struct span text)
{
    size_t size = 6 * text.size + 1;

    out->size += strlen(str_printable(text, buf_reserve(out, size), size));
}

char *words_bytes(uint64_t bytes, char out[WORDS_SIZE])
{
    static const char *const units[] = {"kB", "MB", "GB", "TB"};
    double value = (double)bytes / 1000;
    size_t unit = 0;

    if (bytes < 1000) {
        snprintf(out, WORDS_SIZE, "%" PRIu64 " bytes", bytes);
        return out;
    }
    /* 999.5 would be written as 1000, so it is 1.0 of the next unit */
    for (; value >= 999.5 && unit + 1 < sizeof units / sizeof *units; unit++)
        value /= 1000;
    snprintf(out, WORDS_SIZE, value < 9.95 ? "%.1f %s" : "%.0f %s", value, units[unit]);
    return out;
}

void words_wrap(struct buf *out, const char *text, unsigned indent, unsigned column)
{
    bool first = true;

    while (*text) {
        size_t size = strcspn(text, " ");

        if (!first && column + 1 + size > COLUMNS) {
            buf_printf(out, "\n%*s", (int)indent, "");
            column = indent;
        } else if (!first) {
            buf_append_char(out, ' ');
            column++;
        }
        buf_append(out, text, size);
        column += (unsigned)size;
        text += size;
        text += strspn(text, " ");
        first = false;
    }
    buf_append_char(out, '\n');
}
