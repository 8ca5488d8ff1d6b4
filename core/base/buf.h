/* A growing buffer of bytes with one owner, which can be emptied and used again. */
#pragma once

#include "core/base/str.h"

#include <stddef.h>

/* Zeroed: empty and ready. data is NULL until the first byte is appended. */
struct buf {
    char *data;
    size_t size;
    size_t capacity;
};

void buf_release(struct buf *buf);

/* Makes room for size more bytes and returns their place, which is never NULL; buf->size does not
 * change. */
char *buf_reserve(struct buf *buf, size_t size);

void buf_append(struct buf *buf, const char *bytes, size_t size);
void buf_append_span(struct buf *buf, struct span span);
void buf_append_text(struct buf *buf, const char *text);
void buf_append_char(struct buf *buf, char byte);
void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Appends JSON text on one line: a line break, which can only be between tokens, becomes a space.
 */
void buf_append_json_text(struct buf *buf, struct span json);

/* Appends text as the content of a JSON string (RFC 8259 section 7), without the quotes. Bytes that
 * are not UTF-8 become U+FFFD. */
void buf_append_json(struct buf *buf, struct span text);

/* The same between quotes. */
void buf_append_quoted(struct buf *buf, struct span text);

/* Returns the bytes with a NUL after them; valid until the buffer changes. */
const char *buf_text(struct buf *buf);

static inline void buf_reset(struct buf *buf)
{
    buf->size = 0;
}

static inline struct span buf_span(const struct buf *buf)
{
    return (struct span){buf->data, buf->size};
}
