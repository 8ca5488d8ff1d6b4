#include "core/row/json.h"

#include "core/base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* --- the text of strings --- */

static uint32_t unit_of(const char *digits)
{
    uint32_t unit = 0;

    for (int i = 0; i < 4; i++) {
        char byte = digits[i];

        unit = unit * 16 + (uint32_t)(byte <= '9' ? byte - '0' : (byte | 0x20) - 'a' + 10);
    }
    return unit;
}

static void append_utf8(struct buf *out, uint32_t code)
{
    if (code < 0x80) {
        buf_append_char(out, (char)code);
        return;
    }
    if (code < 0x800) {
        buf_append_char(out, (char)(0xC0 | code >> 6));
    } else if (code < 0x10000) {
        buf_append_char(out, (char)(0xE0 | code >> 12));
        buf_append_char(out, (char)(0x80 | (code >> 6 & 0x3F)));
    } else {
        buf_append_char(out, (char)(0xF0 | code >> 18));
        buf_append_char(out, (char)(0x80 | (code >> 12 & 0x3F)));
        buf_append_char(out, (char)(0x80 | (code >> 6 & 0x3F)));
    }
    buf_append_char(out, (char)(0x80 | (code & 0x3F)));
}

/* Decodes the escape at a backslash; returns its size. */
static size_t decode_escape(struct buf *out, const char *escape)
{
    static const char letters[] = "bfnrt", bytes[] = "\b\f\n\r\t";
    const char *found = strchr(letters, escape[1]);
    uint32_t code;

    if (escape[1] != 'u') {
        buf_append_char(out, found ? bytes[found - letters] : escape[1]);
        return 2;
    }
    code = unit_of(escape + 2);
    if (code < 0xD800 || code > 0xDFFF) {
        append_utf8(out, code);
        return 6;
    }
    append_utf8(out, 0x10000 + ((code - 0xD800) << 10) + (unit_of(escape + 8) - 0xDC00));
    return 12;
}

void json_decode(struct buf *out, struct span inside)
{
    const char *at = inside.data, *end = inside.data + inside.size;

    while (at < end) {
        const char *backslash = memchr(at, '\\', (size_t)(end - at));
        size_t plain = (size_t)((backslash ? backslash : end) - at);

        buf_append(out, at, plain);
        at += plain;
        if (backslash)
            at += decode_escape(out, at);
    }
}

struct span json_string(const struct json_token *token, const char *text, struct buf *scratch)
{
    struct span inside = {text + token->start, token->size};

    if (!token->escaped)
        return inside;
    buf_reset(scratch);
    json_decode(scratch, inside);
    return buf_span(scratch);
}

/* --- member names of one object that are the same --- */

/* Up to this number, comparing each with each is cheaper than a table. */
enum { FEW_NAMES = 16 };

struct json_scratch {
    struct span *names; /* of one object, in order, decoded */
    uint32_t names_capacity;
    uint32_t *slots; /* open addressing; 0: free, else index of a name + 1 */
    uint32_t slots_capacity;
    struct buf decoded;
};

static void *grow(void *memory, uint32_t *capacity, uint32_t needed, size_t item_size)
{
    if (*capacity >= needed)
        return memory;
    while (*capacity < needed)
        *capacity = *capacity ? *capacity * 2 : 64;
    return mem_resize(memory, *capacity, item_size);
}

/* Decodes the escaped names. Decoded text is never longer than its source, so one reservation is
 * enough and the buffer does not move. */
static void decode_names(struct json_scratch *scratch, const struct json_tape *tape,
                         uint32_t object, size_t escaped_size)
{
    uint32_t index = object + 1;

    buf_reset(&scratch->decoded);
    buf_reserve(&scratch->decoded, escaped_size);
    for (uint32_t i = 0; i < tape->tokens[object].count; i++) {
        const struct json_token *name = &tape->tokens[index];

        if (name->escaped) {
            size_t start = scratch->decoded.size;

            json_decode(&scratch->decoded, scratch->names[i]);
            scratch->names[i] = span_from(buf_span(&scratch->decoded), start);
        }
        index = tape->tokens[name->next].next;
    }
}

static void collect_names(struct json_scratch *scratch, const struct json_tape *tape,
                          uint32_t object, const char *text, uint32_t base)
{
    uint32_t count = tape->tokens[object].count, index = object + 1;
    size_t escaped_size = 0;

    scratch->names = grow(scratch->names, &scratch->names_capacity, count, sizeof(struct span));
    for (uint32_t i = 0; i < count; i++) {
        const struct json_token *name = &tape->tokens[index];

        scratch->names[i] = (struct span){text + (name->start - base), name->size};
        if (name->escaped)
            escaped_size += name->size;
        index = tape->tokens[name->next].next;
    }
    if (escaped_size)
        decode_names(scratch, tape, object, escaped_size);
}

/* Returns one of 64 classes; names of different classes differ. */
static unsigned name_class(struct span name)
{
    size_t mixed = name.size;

    if (name.size)
        mixed += (size_t)(unsigned char)name.data[0] * 7 +
                 (size_t)(unsigned char)name.data[name.size - 1] * 29 +
                 (size_t)(unsigned char)name.data[name.size / 2] * 11;
    return mixed & 63;
}

/* Returns the index of the first repeated name, or count. */
static uint32_t find_repeat_few(const struct span *names, uint32_t count)
{
    uint64_t seen = 0;

    for (uint32_t i = 0; i < count; i++) {
        uint64_t class = UINT64_C(1) << name_class(names[i]);

        for (uint32_t j = 0; (seen & class) && j < i; j++)
            if (span_equal(names[i], names[j]))
                return i;
        seen |= class;
    }
    return count;
}

static uint32_t find_repeat_many(struct json_scratch *scratch, uint32_t count)
{
    /* the seed is an address, which differs from run to run: no file can be made to hit one slot */
    XXH64_hash_t seed = (XXH64_hash_t)(uintptr_t)scratch->names;
    uint32_t mask = 64;

    while (mask < count * 2)
        mask *= 2;
    scratch->slots = grow(scratch->slots, &scratch->slots_capacity, mask, sizeof(uint32_t));
    memset(scratch->slots, 0, mask * sizeof(uint32_t));
    mask--;
    for (uint32_t i = 0; i < count; i++) {
        struct span name = scratch->names[i];
        uint32_t slot = (uint32_t)XXH3_64bits_withSeed(name.data, name.size, seed) & mask;

        for (; scratch->slots[slot]; slot = (slot + 1) & mask)
            if (span_equal(scratch->names[scratch->slots[slot] - 1], name))
                return i;
        scratch->slots[slot] = i + 1;
    }
    return count;
}

/* Finds a repeated name among the direct members of tokens[object], which is complete, after
 * decoding; *name_index: its token. text and base are those of json_scan. Takes linear time; the
 * memory belongs to the tape and is reused. */
static bool names_repeat(struct json_tape *tape, uint32_t object, const char *text, uint32_t base,
                         uint32_t *name_index)
{
    uint32_t count = tape->tokens[object].count, found, index = object + 1;

    if (count < 2)
        return false;
    if (!tape->scratch)
        tape->scratch = mem_calloc(1, sizeof *tape->scratch);
    collect_names(tape->scratch, tape, object, text, base);
    found = count <= FEW_NAMES ? find_repeat_few(tape->scratch->names, count)
                               : find_repeat_many(tape->scratch, count);
    if (found == count)
        return false;
    while (found--)
        index = tape->tokens[tape->tokens[index].next].next;
    *name_index = index;
    return true;
}

/* --- the scanner --- */

struct scan {
    struct json_tape *tape;
    const char *text;
    size_t size;
    size_t at; /* the next byte to look at */
    uint32_t base;
    unsigned outer_depth, depth;
    uint32_t open[JSON_DEPTH_MAX]; /* token of each container that is not closed yet */
    struct json_fault *fault;
};

void json_tape_release(struct json_tape *tape)
{
    free(tape->tokens);
    if (tape->scratch) {
        free(tape->scratch->names);
        free(tape->scratch->slots);
        buf_release(&tape->scratch->decoded);
        free(tape->scratch);
    }
    *tape = (struct json_tape){0};
}

void json_tape_grow(struct json_tape *tape)
{
    tape->capacity = tape->capacity ? tape->capacity * 2 : 64;
    tape->tokens = mem_resize(tape->tokens, tape->capacity, sizeof *tape->tokens);
}

static bool fail(struct scan *scan, size_t offset, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static bool fail(struct scan *scan, size_t offset, const char *format, ...)
{
    va_list args;

    scan->fault->offset = offset;
    va_start(args, format);
    vsnprintf(scan->fault->message, sizeof scan->fault->message, format, args);
    va_end(args);
    return false;
}

static bool fail_expected(struct scan *scan, const char *what)
{
    unsigned char byte;

    if (scan->at == scan->size)
        return fail(scan, scan->at, "expected %s, found the end", what);
    byte = (unsigned char)scan->text[scan->at];
    if (byte < 0x20 || byte >= 0x7F)
        return fail(scan, scan->at, "expected %s, found byte 0x%02x", what, byte);
    return fail(scan, scan->at, "expected %s, found '%c'", what, byte);
}

/* Returns the current byte, or NUL at the end: JSON has no NUL outside strings. */
static inline char peek(const struct scan *scan)
{
    return scan->at < scan->size ? scan->text[scan->at] : '\0';
}

static inline void skip_space(struct scan *scan)
{
    while (scan->at < scan->size && (unsigned char)scan->text[scan->at] <= ' ') {
        char byte = scan->text[scan->at];

        if (byte != ' ' && byte != '\t' && byte != '\n' && byte != '\r')
            return;
        scan->at++;
    }
}

static inline bool is_plain(char byte)
{
    return byte != '"' && byte != '\\' && (unsigned char)byte >= 0x20;
}

/* Skips the plain bytes of a string; *high: some of them are not ASCII. */
static inline void skip_plain(struct scan *scan, bool *high)
{
    size_t at = scan->at;
#ifdef __SSE2__
    const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'),
                  control = _mm_set1_epi8(0x1F);

    for (; scan->size - at >= 16; at += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(scan->text + at));
        __m128i stops = _mm_or_si128(
            _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash)),
            _mm_cmpeq_epi8(_mm_min_epu8(bytes, control), bytes));
        unsigned stop = (unsigned)_mm_movemask_epi8(stops);
        unsigned highs = (unsigned)_mm_movemask_epi8(bytes);

        if (stop) {
            *high |= (highs & (stop - 1) & ~stop) != 0;
            scan->at = at + (unsigned)__builtin_ctz(stop);
            return;
        }
        *high |= highs != 0;
    }
#endif
    for (; at < scan->size && is_plain(scan->text[at]); at++)
        *high |= (scan->text[at] & 0x80) != 0;
    scan->at = at;
}

/* Returns the number of the escape `\uXXXX` at offset, or -1. */
static int32_t hex_unit(const struct scan *scan, size_t offset)
{
    int32_t unit = 0;

    if (scan->size - offset < 6 || scan->text[offset] != '\\' || scan->text[offset + 1] != 'u')
        return -1;
    for (size_t i = offset + 2; i < offset + 6; i++) {
        int digit = str_hex_value(scan->text[i]);

        if (digit < 0)
            return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

static inline bool is_surrogate(int32_t unit)
{
    return unit >= 0xD800 && unit <= 0xDFFF;
}

static bool scan_escape(struct scan *scan)
{
    char letter = scan->size - scan->at > 1 ? scan->text[scan->at + 1] : '\0';
    int32_t unit, low;

    if (letter && strchr("\"\\/bfnrt", letter)) {
        scan->at += 2;
        return true;
    }
    if (letter != 'u')
        return fail(scan, scan->at, "unknown escape in a string");
    unit = hex_unit(scan, scan->at);
    if (unit < 0)
        return fail(scan, scan->at, "\\u is not followed by four hexadecimal digits");
    if (!is_surrogate(unit)) {
        scan->at += 6;
        return true;
    }
    /* RFC 8259 section 7 writes code points beyond the BMP as a pair; section 8.2 leaves a lone
     * half undefined, and UTF-8 has no form for it. */
    low = hex_unit(scan, scan->at + 6);
    if (unit >= 0xDC00 || low < 0xDC00 || low > 0xDFFF)
        return fail(scan, scan->at, "lone surrogate \\u%04x", (unsigned)unit);
    scan->at += 12;
    return true;
}

/* Scans a string at its opening quote. */
static bool scan_string(struct scan *scan)
{
    size_t start = ++scan->at, size;
    bool escaped = false, high = false;
    struct json_token *token;

    for (;;) {
        skip_plain(scan, &high);
        if (scan->at == scan->size)
            return fail(scan, start - 1, "string is not closed");
        if (scan->text[scan->at] == '"')
            break;
        if (scan->text[scan->at] != '\\')
            return fail(scan, scan->at, "control character 0x%02x in a string",
                        (unsigned char)scan->text[scan->at]);
        escaped = true;
        if (!scan_escape(scan))
            return false;
    }
    size = scan->at - start;
    if (high) {
        size_t valid = str_utf8_valid((struct span){scan->text + start, size});

        if (valid < size)
            return fail(scan, start + valid, "byte 0x%02x is not UTF-8",
                        (unsigned char)scan->text[start + valid]);
        scan->tape->several = true;
    }
    scan->at++;
    token = json_tape_add(scan->tape);
    *token = (struct json_token){.kind = JSON_STRING,
                                 .escaped = escaped,
                                 .start = (uint32_t)start + scan->base,
                                 .size = (uint32_t)size,
                                 .next = scan->tape->count};
    return true;
}

static inline size_t skip_digits(struct span text, size_t at)
{
    while (at < text.size && text.data[at] >= '0' && text.data[at] <= '9')
        at++;
    return at;
}

/* Scans a number (RFC 8259 section 6) at the beginning of text. Returns where it ends or, with a
 * reason, where it is wrong. */
static size_t pass_number(struct span text, const char **reason)
{
    size_t at = text.size && text.data[0] == '-', digits = at;

    *reason = NULL;
    at = skip_digits(text, at);
    if (at == digits) {
        *reason = "digits are missing in a number";
        return at;
    }
    if (text.data[digits] == '0' && at > digits + 1) {
        *reason = "a number begins with a superfluous 0";
        return digits;
    }
    if (at < text.size && text.data[at] == '.') {
        digits = ++at;
        at = skip_digits(text, at);
        if (at == digits)
            *reason = "digits are missing after the decimal point";
    }
    if (!*reason && at < text.size && (text.data[at] | 0x20) == 'e') {
        at++;
        if (at < text.size && (text.data[at] == '+' || text.data[at] == '-'))
            at++;
        digits = at;
        at = skip_digits(text, at);
        if (at == digits)
            *reason = "digits are missing in an exponent";
    }
    return at;
}

bool json_is_number(struct span text)
{
    const char *reason;

    return pass_number(text, &reason) == text.size && !reason;
}

static bool scan_number(struct scan *scan)
{
    const char *reason;
    size_t start = scan->at;
    size_t size = pass_number((struct span){scan->text + start, scan->size - start}, &reason);
    struct json_token *token;

    if (reason)
        return fail(scan, start + size, "%s", reason);
    scan->at += size;
    token = json_tape_add(scan->tape);
    *token = (struct json_token){.kind = JSON_NUMBER,
                                 .start = (uint32_t)start + scan->base,
                                 .size = (uint32_t)size,
                                 .next = scan->tape->count};
    return true;
}

static bool scan_word(struct scan *scan, const char *word, enum json_kind kind)
{
    size_t size = strlen(word);
    struct json_token *token;

    if (scan->size - scan->at < size || memcmp(scan->text + scan->at, word, size) != 0)
        return fail_expected(scan, "a value");
    token = json_tape_add(scan->tape);
    *token = (struct json_token){.kind = (uint8_t)kind,
                                 .start = (uint32_t)scan->at + scan->base,
                                 .size = (uint32_t)size,
                                 .next = scan->tape->count};
    scan->at += size;
    return true;
}

static bool close_container(struct scan *scan)
{
    uint32_t index = scan->open[--scan->depth], name_index;
    struct json_token *token = &scan->tape->tokens[index];
    char name[64];

    scan->at++;
    token->size = (uint32_t)scan->at + scan->base - token->start;
    token->next = scan->tape->count;
    if (token->kind != JSON_OBJECT || token->count < 2 ||
        !names_repeat(scan->tape, index, scan->text, scan->base, &name_index))
        return true;
    token = &scan->tape->tokens[name_index];
    token->start -= scan->base;
    str_printable((struct span){scan->text + token->start, token->size}, name, sizeof name);
    return fail(scan, token->start - 1, "member \"%s\" is twice in one object", name);
}

/* Scans the name of a member and the colon after it. */
static bool scan_name(struct scan *scan)
{
    skip_space(scan);
    if (peek(scan) != '"')
        return fail_expected(scan, "a member name in double quotes");
    if (!scan_string(scan))
        return false;
    skip_space(scan);
    if (peek(scan) != ':')
        return fail_expected(scan, "':'");
    scan->at++;
    return true;
}

/* Opens a container; *entered: it is not empty, and its first value comes next. */
static bool scan_container(struct scan *scan, enum json_kind kind, bool *entered)
{
    struct json_token *token;

    if (scan->depth + scan->outer_depth >= JSON_DEPTH_MAX)
        return fail(scan, scan->at, "nested deeper than %d levels", JSON_DEPTH_MAX);
    scan->open[scan->depth++] = scan->tape->count;
    token = json_tape_add(scan->tape);
    *token = (struct json_token){.kind = (uint8_t)kind, .start = (uint32_t)scan->at + scan->base};
    scan->at++;
    skip_space(scan);
    *entered = peek(scan) != (kind == JSON_OBJECT ? '}' : ']');
    if (!*entered)
        return close_container(scan);
    return kind == JSON_ARRAY || scan_name(scan);
}

static bool scan_value(struct scan *scan, bool *entered)
{
    *entered = false;
    skip_space(scan);
    switch (peek(scan)) {
    case '{':
        return scan_container(scan, JSON_OBJECT, entered);
    case '[':
        return scan_container(scan, JSON_ARRAY, entered);
    case '"':
        return scan_string(scan);
    case 't':
        return scan_word(scan, "true", JSON_TRUE);
    case 'f':
        return scan_word(scan, "false", JSON_FALSE);
    case 'n':
        return scan_word(scan, "null", JSON_NULL);
    default:
        if (peek(scan) == '-' || (peek(scan) >= '0' && peek(scan) <= '9'))
            return scan_number(scan);
        return fail_expected(scan, "a value");
    }
}

/* Scans what follows a complete value: closes containers up to a comma or the end of the text. */
static bool scan_behind(struct scan *scan, bool *done)
{
    for (*done = false;;) {
        struct json_token *container;
        bool object;

        skip_space(scan);
        if (scan->depth == 0) {
            *done = true;
            return scan->at == scan->size || fail_expected(scan, "the end");
        }
        container = &scan->tape->tokens[scan->open[scan->depth - 1]];
        container->count++;
        object = container->kind == JSON_OBJECT;
        if (peek(scan) == ',') {
            scan->at++;
            return !object || scan_name(scan);
        }
        if (peek(scan) != (object ? '}' : ']'))
            return fail_expected(scan, object ? "',' or '}'" : "',' or ']'");
        if (!close_container(scan))
            return false;
    }
}

static bool scan_text(struct scan *scan)
{
    bool entered, done;

    for (;;) {
        if (!scan_value(scan, &entered))
            return false;
        if (entered)
            continue;
        if (!scan_behind(scan, &done))
            return false;
        if (done)
            return true;
    }
}

bool json_scan_inside(struct json_tape *tape, struct span text, uint32_t base, unsigned depth,
                      struct json_fault *fault)
{
    uint32_t count = tape->count;
    struct scan scan; /* open[] is filled as containers are opened */

    scan.tape = tape;
    scan.text = text.data;
    scan.size = text.size;
    scan.at = 0;
    scan.base = base;
    scan.outer_depth = depth;
    scan.depth = 0;
    scan.fault = fault;
    if (text.size >= UINT32_MAX - base)
        return fail(&scan, 0, "longer than 4 GiB");
    if (scan_text(&scan))
        return true;
    tape->count = count;
    return false;
}

bool json_scan(struct json_tape *tape, struct span text, uint32_t base, struct json_fault *fault)
{
    return json_scan_inside(tape, text, base, 0, fault);
}
