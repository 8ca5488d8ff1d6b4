/* Bytes with a length: comparison, numbers, UTF-8, printing. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Bytes that are owned elsewhere; not terminated. data can be NULL if size is 0. */
struct span {
    const char *data;
    size_t size;
};

static inline struct span span_of(const char *text)
{
    return (struct span){text, text ? strlen(text) : 0};
}

static inline bool span_equal(struct span a, struct span b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static inline bool span_is(struct span span, const char *text)
{
    return span_equal(span, span_of(text));
}

/* True if the text begins with a part, which can be empty. */
static inline bool span_starts(struct span text, struct span part)
{
    return text.size >= part.size &&
           (part.size == 0 || memcmp(text.data, part.data, part.size) == 0);
}

/* Returns the index of the text among `count` names, of which some can be NULL; count: it is none
 * of them. */
size_t span_index(struct span text, const char *const *names, size_t count);

static inline bool span_is_one_of(struct span text, const char *const *names, size_t count)
{
    return span_index(text, names, count) < count;
}

/* Returns the number of bytes before the first that is one of set, or text.size. */
size_t span_until(struct span text, const char *set);

/* Returns what follows the first `size` bytes, which are there. */
static inline struct span span_from(struct span span, size_t size)
{
    return (struct span){span.data + size, span.size - size};
}

/* Removes a line end, either of its bytes or both. */
static inline struct span span_without_end(struct span line)
{
    if (line.size && line.data[line.size - 1] == '\n')
        line.size--;
    if (line.size && line.data[line.size - 1] == '\r')
        line.size--;
    return line;
}

/* ASCII, independent of the locale. */
static inline bool str_is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static inline bool str_is_letter(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

/* Writes the bytes as lower-case hexadecimal digits and a NUL: 2 * size + 1 characters. */
void str_hex(const unsigned char *bytes, size_t size, char *out);

/* Returns the value of a hexadecimal digit, or -1. */
static inline int str_hex_value(char byte)
{
    if (str_is_digit(byte))
        return byte - '0';
    byte |= 0x20;
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

/* True when the byte is one of the characters of set; NUL never is. */
static inline bool str_has(const char *set, char byte)
{
    return byte && strchr(set, byte);
}

/* Compares as memcmp; a beginning of the other comes first. */
int span_compare(struct span a, struct span b);

bool str_starts(const char *text, const char *prefix);
bool str_ends(const char *text, const char *suffix);

/* Reads a whole number in [minimum, maximum]: decimal digits with an optional '-'. */
bool str_to_int64(struct span text, int64_t minimum, int64_t maximum, int64_t *value);

/* Reads `90`, `90s`, `15m`, `4h`, `90d` as milliseconds (docs/operations.md#settings). */
bool str_to_duration_ms(const char *text, int64_t *ms);

/* Returns the offset of the first byte that is not UTF-8 (RFC 3629: no surrogates, no overlong
 * forms), or text.size. Reads runs of ASCII eight bytes at a time. */
size_t str_utf8_valid(struct span text);

/* The same; sets *several if a character of several bytes is before that. */
size_t str_utf8_scan(struct span text, bool *several);

/* Returns the number of code points in valid UTF-8. */
size_t str_utf8_length(struct span text);

/* Returns the size in bytes of the first so many code points of valid UTF-8, at most text.size. */
size_t str_utf8_first(struct span text, size_t count);

/* What a reader of a text sees of a character. */
enum str_sight {
    STR_VISIBLE,
    STR_CONTROL,   /* general category Cc: C0, DEL, C1 */
    STR_SPACE,     /* Zs: width without ink, such as U+0020 */
    STR_FORMAT,    /* Cf with ink: marks around digits */
    STR_INVISIBLE, /* Zl, Zp, other Cf, and Default_Ignorable_Code_Point */
};

enum str_sight str_sight(uint32_t character);

/* Returns the first character of a text that is not empty, and its size in bytes; a byte that is
 * not UTF-8 counts as one character (U+FFFD). */
uint32_t str_character(struct span text, size_t *size);

/* Return the size of a blank at the beginning or the end of a text, which is a STR_SPACE or a tab;
 * 0: none. */
size_t str_space_first(struct span text);
size_t str_space_last(struct span text);

/* Returns the text without U+0020, tab and U+00A0 at both ends. */
struct span str_trim_ends(struct span text);

static inline struct span str_trim(struct span text)
{
    /* mostly there are none; a byte above 0x7f can belong to U+00A0 */
    if (text.size && (signed char)text.data[0] > ' ' && (signed char)text.data[text.size - 1] > ' ')
        return text;
    return str_trim_ends(text);
}

/* Returns how many bytes at the end of the text begin a UTF-8 sequence that is not complete. */
size_t str_utf8_cut(struct span text);

/* Writes text for people to out (always terminated, cut at out_size), so that nothing controls a
 * terminal or stays invisible: control characters, spaces except U+0020, and what is
 * STR_FORMAT or STR_INVISIBLE as \n, \t, \xNN, \uNNNN or \UNNNNNNNN, bytes that are not UTF-8 as
 * \xNN. Returns out. */
char *str_printable(struct span text, char *out, size_t out_size);

/* Returns the edit distance of two names: bytes added, removed, replaced, or swapped with the next
 * one. A large number if one is longer than 63 bytes. */
unsigned str_distance(const char *a, const char *b);
