#include "core/base/str.h"

#include <stdio.h>

int span_compare(struct span a, struct span b)
{
    size_t size = a.size < b.size ? a.size : b.size;
    int order = size ? memcmp(a.data, b.data, size) : 0;

    if (order)
        return order;
    return (a.size > b.size) - (a.size < b.size);
}

bool str_starts(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *text, const char *suffix)
{
    size_t size = strlen(text), suffix_size = strlen(suffix);

    return size >= suffix_size && memcmp(text + size - suffix_size, suffix, suffix_size) == 0;
}

bool str_to_int64(struct span text, int64_t minimum, int64_t maximum, int64_t *value)
{
    bool negative = text.size > 0 && text.data[0] == '-';
    size_t i = negative ? 1 : 0;
    int64_t result = 0;

    if (i == text.size)
        return false;
    for (; i < text.size; i++) {
        int digit = text.data[i] - '0';

        if (digit < 0 || digit > 9)
            return false;
        /* counted downwards, because INT64_MIN has no positive twin */
        if (__builtin_mul_overflow(result, 10, &result) ||
            __builtin_sub_overflow(result, digit, &result))
            return false;
    }
    if (!negative && __builtin_sub_overflow((int64_t)0, result, &result))
        return false;
    if (result < minimum || result > maximum)
        return false;
    *value = result;
    return true;
}

bool str_to_duration_ms(const char *text, int64_t *ms)
{
    static const struct {
        char suffix;
        int64_t ms;
    } units[] = {{'s', 1000}, {'m', 60000}, {'h', 3600000}, {'d', 86400000}};
    struct span digits = span_of(text);
    int64_t unit_ms = 1000, count;

    for (size_t i = 0; digits.size && i < sizeof units / sizeof *units; i++) {
        if (digits.data[digits.size - 1] == units[i].suffix) {
            unit_ms = units[i].ms;
            digits.size--;
            break;
        }
    }
    if (!str_to_int64(digits, 0, INT64_MAX / 86400000, &count))
        return false;
    *ms = count * unit_ms;
    return true;
}

/* Size of the UTF-8 sequence at text (RFC 3629 section 4), 0 where there is none. */
static size_t sequence_size(const unsigned char *text, size_t size)
{
    unsigned char low = 0x80, high = 0xBF;
    size_t count;

    if (text[0] < 0x80)
        return 1;
    if (text[0] >= 0xC2 && text[0] <= 0xDF)
        count = 2;
    else if (text[0] >= 0xE0 && text[0] <= 0xEF)
        count = 3;
    else if (text[0] >= 0xF0 && text[0] <= 0xF4)
        count = 4;
    else
        return 0;
    if (size < count)
        return 0;
    if (text[0] == 0xE0)
        low = 0xA0;
    else if (text[0] == 0xED)
        high = 0x9F;
    else if (text[0] == 0xF0)
        low = 0x90;
    else if (text[0] == 0xF4)
        high = 0x8F;
    if (text[1] < low || text[1] > high)
        return 0;
    for (size_t i = 2; i < count; i++)
        if (text[i] < 0x80 || text[i] > 0xBF)
            return 0;
    return count;
}

size_t str_utf8_valid(struct span text)
{
    const unsigned char *bytes = (const unsigned char *)text.data;
    size_t i = 0;

    while (i < text.size) {
        uint64_t eight;

        if (text.size - i >= sizeof eight) {
            memcpy(&eight, bytes + i, sizeof eight);
            if (!(eight & UINT64_C(0x8080808080808080))) {
                i += sizeof eight;
                continue;
            }
        }
        size_t size = sequence_size(bytes + i, text.size - i);

        if (!size)
            return i;
        i += size;
    }
    return i;
}

size_t str_utf8_length(struct span text)
{
    size_t count = 0;

    for (size_t i = 0; i < text.size; i++)
        count += ((unsigned char)text.data[i] & 0xC0) != 0x80;
    return count;
}

/* One unit of str_printable: the bytes to take, and the escape that stands for them or "". */
static size_t printable_unit(const unsigned char *text, size_t size, char escape[8])
{
    size_t count = sequence_size(text, size);
    bool c1 = count == 2 && text[0] == 0xC2 && text[1] < 0xA0;

    escape[0] = '\0';
    if (text[0] == '\n')
        memcpy(escape, "\\n", 3);
    else if (text[0] == '\r')
        memcpy(escape, "\\r", 3);
    else if (text[0] == '\t')
        memcpy(escape, "\\t", 3);
    else if (count == 0 || text[0] < 0x20 || text[0] == 0x7F)
        snprintf(escape, 8, "\\x%02x", text[0]);
    else if (c1)
        snprintf(escape, 8, "\\u%04x", text[1]);
    return count ? count : 1;
}

char *str_printable(struct span text, char *out, size_t out_size)
{
    const unsigned char *bytes = (const unsigned char *)text.data;
    size_t used = 0;

    for (size_t i = 0; i < text.size;) {
        char escape[8];
        size_t count = printable_unit(bytes + i, text.size - i, escape);
        size_t written = escape[0] ? strlen(escape) : count;

        if (used + written + 1 > out_size)
            break;
        memcpy(out + used, escape[0] ? escape : text.data + i, written);
        used += written;
        i += count;
    }
    if (out_size)
        out[used] = '\0';
    return out;
}
