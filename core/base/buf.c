#include "core/base/buf.h"

#include "core/base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void buf_release(struct buf *buf)
{
    free(buf->data);
    *buf = (struct buf){0};
}

char *buf_reserve(struct buf *buf, size_t size)
{
    if (buf->capacity - buf->size < size || !buf->data) {
        size_t capacity = buf->capacity ? buf->capacity * 2 : 256;

        while (capacity - buf->size < size)
            capacity *= 2;
        buf->data = mem_resize(buf->data, capacity, 1);
        buf->capacity = capacity;
    }
    return buf->data + buf->size;
}

void buf_append(struct buf *buf, const char *bytes, size_t size)
{
    if (size) {
        memcpy(buf_reserve(buf, size), bytes, size);
        buf->size += size;
    }
}

void buf_append_span(struct buf *buf, struct span span)
{
    buf_append(buf, span.data, span.size);
}

void buf_append_text(struct buf *buf, const char *text)
{
    buf_append(buf, text, strlen(text));
}

void buf_append_char(struct buf *buf, char byte)
{
    *buf_reserve(buf, 1) = byte;
    buf->size++;
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args;
    int size;

    va_start(args, format);
    size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (size <= 0)
        return;
    buf_reserve(buf, (size_t)size + 1);
    va_start(args, format);
    vsnprintf(buf->data + buf->size, (size_t)size + 1, format, args);
    va_end(args);
    buf->size += (size_t)size;
}

static void append_json_byte(struct buf *buf, unsigned char byte)
{
    static const char shorts[] = "\b\t\n\f\r\"\\", letters[] = "btnfr\"\\";
    const char *found = byte ? strchr(shorts, byte) : NULL;

    if (found) {
        buf_append_char(buf, '\\');
        buf_append_char(buf, letters[found - shorts]);
    } else if (byte < 0x20) {
        buf_printf(buf, "\\u%04x", byte);
    } else {
        buf_append_char(buf, (char)byte);
    }
}

/* Appends valid UTF-8; runs without escapes are appended at once. */
static void append_json_valid(struct buf *buf, struct span text)
{
    size_t start = 0;

    for (size_t i = 0; i < text.size; i++) {
        unsigned char byte = (unsigned char)text.data[i];

        if (byte >= 0x20 && byte != '"' && byte != '\\')
            continue;
        buf_append(buf, text.data + start, i - start);
        append_json_byte(buf, byte);
        start = i + 1;
    }
    buf_append(buf, text.data + start, text.size - start);
}

void buf_append_json_text(struct buf *buf, struct span json)
{
    char *at = buf_reserve(buf, json.size), *end = at + json.size;

    buf_append_span(buf, json);
    while ((at = memchr(at, '\n', (size_t)(end - at))))
        *at = ' ';
}

void buf_append_json(struct buf *buf, struct span text)
{
    while (text.size) {
        size_t valid = str_utf8_valid(text);

        append_json_valid(buf, (struct span){text.data, valid});
        if (valid == text.size)
            return;
        buf_append_text(buf, "\xEF\xBF\xBD");
        text.data += valid + 1;
        text.size -= valid + 1;
    }
}

void buf_append_quoted(struct buf *buf, struct span text)
{
    buf_append_char(buf, '"');
    buf_append_json(buf, text);
    buf_append_char(buf, '"');
}

const char *buf_text(struct buf *buf)
{
    *buf_reserve(buf, 1) = '\0';
    return buf->data;
}
