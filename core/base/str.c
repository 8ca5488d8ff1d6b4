#include "core/base/str.h"

#include <stdio.h>

size_t span_index(struct span text, const char *const *names, size_t count)
{
    size_t i = 0;

    while (i < count && !(names[i] && span_is(text, names[i])))
        i++;
    return i;
}

size_t span_until(struct span text, const char *set)
{
    size_t i = 0;

    while (i < text.size && !str_has(set, text.data[i]))
        i++;
    return i;
}

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
        /* negative, because -INT64_MIN does not exist */
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

/* Returns the size of the UTF-8 sequence at text (RFC 3629 section 4), or 0. */
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

size_t str_utf8_scan(struct span text, bool *several)
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
        *several |= size > 1;
        i += size;
    }
    return i;
}

size_t str_utf8_valid(struct span text)
{
    bool several = false;

    return str_utf8_scan(text, &several);
}

size_t str_utf8_length(struct span text)
{
    size_t count = 0;

    for (size_t i = 0; i < text.size; i++)
        count += ((unsigned char)text.data[i] & 0xC0) != 0x80;
    return count;
}

size_t str_utf8_first(struct span text, size_t count)
{
    size_t size = 0;

    for (; size < text.size; size++)
        if (((unsigned char)text.data[size] & 0xC0) != 0x80 && count-- == 0)
            break;
    return size;
}

/* True if these bytes, which are not a complete sequence, are the beginning of one. */
static bool begins_sequence(const unsigned char *bytes, size_t size)
{
    /* the lowest second byte after each kind of first byte; later bytes do not depend on it */
    static const unsigned char seconds[] = {0x80, 0xA0, 0x90};
    unsigned char whole[4];

    for (size_t i = 0; i < sizeof seconds; i++) {
        memset(whole, 0x80, sizeof whole);
        whole[1] = seconds[i];
        memcpy(whole, bytes, size);
        if (sequence_size(whole, sizeof whole) > size)
            return true;
    }
    return false;
}

size_t str_utf8_cut(struct span text)
{
    for (size_t size = 1; size <= 3 && size <= text.size; size++)
        if (begins_sequence((const unsigned char *)text.data + text.size - size, size))
            return size;
    return 0;
}

uint32_t str_character(struct span text, size_t *size)
{
    const unsigned char *bytes = (const unsigned char *)text.data;
    uint32_t character;

    *size = sequence_size(bytes, text.size);
    if (!*size) {
        *size = 1;
        return 0xFFFD;
    }
    if (*size == 1)
        return bytes[0];
    character = bytes[0] & (0x7FU >> *size);
    for (size_t i = 1; i < *size; i++)
        character = character << 6 | (bytes[i] & 0x3FU);
    return character;
}

/* Unicode 15.1, DerivedGeneralCategory.txt and DerivedCoreProperties.txt; sorted. */
static const struct {
    uint32_t first, last;
    enum str_sight sight;
} unseen[] = {
    {0x0000, 0x001F, STR_CONTROL},     {0x0020, 0x0020, STR_SPACE},
    {0x007F, 0x009F, STR_CONTROL},     {0x00A0, 0x00A0, STR_SPACE},
    {0x00AD, 0x00AD, STR_INVISIBLE},   {0x034F, 0x034F, STR_INVISIBLE},
    {0x0600, 0x0605, STR_FORMAT},      {0x061C, 0x061C, STR_INVISIBLE},
    {0x06DD, 0x06DD, STR_FORMAT},      {0x070F, 0x070F, STR_FORMAT},
    {0x0890, 0x0891, STR_FORMAT},      {0x08E2, 0x08E2, STR_FORMAT},
    {0x115F, 0x1160, STR_INVISIBLE},   {0x1680, 0x1680, STR_SPACE},
    {0x17B4, 0x17B5, STR_INVISIBLE},   {0x180B, 0x180F, STR_INVISIBLE},
    {0x2000, 0x200A, STR_SPACE},       {0x200B, 0x200F, STR_INVISIBLE},
    {0x2028, 0x202E, STR_INVISIBLE},   {0x202F, 0x202F, STR_SPACE},
    {0x205F, 0x205F, STR_SPACE},       {0x2060, 0x206F, STR_INVISIBLE},
    {0x2800, 0x2800, STR_INVISIBLE}, /* the braille pattern without dots */
    {0x3000, 0x3000, STR_SPACE},       {0x3164, 0x3164, STR_INVISIBLE},
    {0xFE00, 0xFE0F, STR_INVISIBLE},   {0xFEFF, 0xFEFF, STR_INVISIBLE},
    {0xFFA0, 0xFFA0, STR_INVISIBLE},   {0xFFF0, 0xFFFB, STR_INVISIBLE},
    {0x110BD, 0x110BD, STR_FORMAT},    {0x110CD, 0x110CD, STR_FORMAT},
    {0x13430, 0x1343F, STR_FORMAT},    {0x1BCA0, 0x1BCA3, STR_INVISIBLE},
    {0x1D173, 0x1D17A, STR_INVISIBLE}, {0xE0000, 0xE0FFF, STR_INVISIBLE},
};

enum str_sight str_sight(uint32_t character)
{
    size_t low = 0, high = sizeof unseen / sizeof *unseen;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (character > unseen[middle].last)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == sizeof unseen / sizeof *unseen || character < unseen[low].first)
        return STR_VISIBLE;
    return unseen[low].sight;
}

static bool is_blank(uint32_t character)
{
    return character == '\t' || str_sight(character) == STR_SPACE;
}

size_t str_space_first(struct span text)
{
    size_t size;

    return text.size && is_blank(str_character(text, &size)) ? size : 0;
}

size_t str_space_last(struct span text)
{
    size_t at = text.size, size;

    if (!at)
        return 0;
    do
        at--;
    while (at && text.size - at < 4 && ((unsigned char)text.data[at] & 0xC0) == 0x80);
    text = span_from(text, at);
    return is_blank(str_character(text, &size)) && size == text.size ? size : 0;
}

struct span str_trim_ends(struct span text)
{
    while (text.size && (text.data[0] == ' ' || text.data[0] == '\t'))
        text = span_from(text, 1);
    while (text.size && (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == '\t'))
        text.size--;
    if (text.size >= 2 && memcmp(text.data, "\xC2\xA0", 2) == 0)
        return str_trim_ends(span_from(text, 2));
    if (text.size >= 2 && memcmp(text.data + text.size - 2, "\xC2\xA0", 2) == 0)
        return str_trim_ends((struct span){text.data, text.size - 2});
    return text;
}

enum { ESCAPE_SIZE = 12 };

/* One unit of str_printable: returns its size, and writes its escape or "". */
static size_t printable_unit(struct span text, char escape[ESCAPE_SIZE])
{
    unsigned char byte = (unsigned char)text.data[0];
    uint32_t character;
    size_t count;

    escape[0] = '\0';
    if (byte >= 0x20 && byte < 0x7F)
        return 1;
    character = str_character(text, &count);
    if (byte == '\n')
        memcpy(escape, "\\n", 3);
    else if (byte == '\r')
        memcpy(escape, "\\r", 3);
    else if (byte == '\t')
        memcpy(escape, "\\t", 3);
    else if (byte < 0x80 || (count == 1 && character == 0xFFFD))
        snprintf(escape, ESCAPE_SIZE, "\\x%02x", byte);
    else if (str_sight(character) != STR_VISIBLE)
        snprintf(escape, ESCAPE_SIZE, character > 0xFFFF ? "\\U%08x" : "\\u%04x", character);
    return count;
}

char *str_printable(struct span text, char *out, size_t out_size)
{
    size_t used = 0;

    while (text.size) {
        char escape[ESCAPE_SIZE];
        size_t count = printable_unit(text, escape);
        size_t written = escape[0] ? strlen(escape) : count;

        if (used + written + 1 > out_size)
            break;
        memcpy(out + used, escape[0] ? escape : text.data, written);
        used += written;
        text = span_from(text, count);
    }
    if (out_size)
        out[used] = '\0';
    return out;
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

unsigned str_distance(const char *a, const char *b)
{
    enum { SIZE = 64 };
    unsigned rows[3][SIZE], size = (unsigned)strlen(b); /* of this byte of a and the two before */

    if (size >= SIZE || strlen(a) >= SIZE)
        return 1000;
    for (unsigned j = 0; j <= size; j++)
        rows[0][j] = j;
    for (unsigned i = 1; a[i - 1]; i++) {
        unsigned *row = rows[i % 3], *above = rows[(i + 2) % 3], *over = rows[(i + 1) % 3];

        row[0] = i;
        for (unsigned j = 1; j <= size; j++) {
            row[j] = least(above[j - 1] + (a[i - 1] != b[j - 1]), least(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], over[j - 2] + 1);
        }
    }
    return rows[strlen(a) % 3][size];
}

void str_hex(const unsigned char *bytes, size_t size, char *out)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < size; i++) {
        *out++ = digits[bytes[i] >> 4];
        *out++ = digits[bytes[i] & 0x0F];
    }
    *out = '\0';
}
