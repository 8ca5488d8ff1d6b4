#include "core/row/json.h"

static uint32_t hex_unit(const char *digits)
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

/* One escape at its backslash; returns its size. */
static size_t decode_escape(struct buf *out, const char *escape)
{
    static const char letters[] = "bfnrt", bytes[] = "\b\f\n\r\t";
    const char *found = strchr(letters, escape[1]);
    uint32_t code;

    if (escape[1] != 'u') {
        buf_append_char(out, found ? bytes[found - letters] : escape[1]);
        return 2;
    }
    code = hex_unit(escape + 2);
    if (code < 0xD800 || code > 0xDFFF) {
        append_utf8(out, code);
        return 6;
    }
    append_utf8(out, 0x10000 + ((code - 0xD800) << 10) + (hex_unit(escape + 8) - 0xDC00));
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
