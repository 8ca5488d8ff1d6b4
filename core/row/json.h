/* A strict RFC 8259 scanner: one pass over the bytes, spans into them, numbers as text. Payloads
 * are made only from its results, because json-c is lax and loses digits. */
#pragma once

#include "core/base/buf.h"
#include "core/base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum json_kind {
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT,
};

/* A value, or a member name (a JSON_STRING before its value). A container is followed by its
 * content: a value with everything in it is tokens[i] .. tokens[next - 1]. */
struct json_token {
    uint8_t kind;    /* enum json_kind */
    uint8_t escaped; /* a string with a backslash: json_decode it first */
    uint32_t start;  /* first byte in the text; of a string: after the quote */
    uint32_t size;   /* bytes; of a string: without the quotes */
    uint32_t next;   /* index of the token after this one and its content */
    uint32_t count;  /* members or elements of a container */
};

/* Zeroed is empty; reused for each row without allocating. */
struct json_tape {
    struct json_token *tokens;
    uint32_t count, capacity;
    struct json_scratch *scratch; /* private to the scanner; NULL until it is needed */
    bool several;                 /* a string with a character of several bytes was scanned */
};

enum { JSON_DEPTH_MAX = 64 };

struct json_fault {
    size_t offset; /* byte in the text, from 0 */
    char message[128];
};

void json_tape_release(struct json_tape *tape);

/* Makes room for more tokens. */
void json_tape_grow(struct json_tape *tape);

/* Appends one token for the caller to fill; the pointer is valid until the next is appended. */
static inline struct json_token *json_tape_add(struct json_tape *tape)
{
    if (tape->count == tape->capacity)
        json_tape_grow(tape);
    return &tape->tokens[tape->count++];
}

/* Scans exactly one value with white space around it; text below 4 GiB. Tokens are appended to the
 * tape from its current count on; base is added to their starts, for text that is to be part of a
 * larger one. Refuses, with the offset and the reason: what RFC 8259 does not allow, bytes that are
 * not UTF-8, a lone surrogate escape, a member name twice in one object (after decoding), nesting
 * beyond JSON_DEPTH_MAX. The tape then keeps its count. */
bool json_scan(struct json_tape *tape, struct span text, uint32_t base, struct json_fault *fault);

/* The same for text within `depth` containers, which count as nesting. */
bool json_scan_inside(struct json_tape *tape, struct span text, uint32_t base, unsigned depth,
                      struct json_fault *fault);

/* Returns true for a number of RFC 8259 section 6: no spaces, no '+', no leading zeros. */
bool json_is_number(struct span text);

/* Appends the decoded inside of a JSON string: escapes become UTF-8. The text must have passed
 * json_scan. */
void json_decode(struct buf *out, struct span inside);

/* Returns the string of a JSON_STRING token: its own bytes, or decoded into scratch (which is reset
 * first). */
struct span json_string(const struct json_token *token, const char *text, struct buf *scratch);

/* Returns a value as it is written, a string with its quotes. */
static inline struct span json_written(const struct json_token *token, const char *text)
{
    size_t quote = token->kind == JSON_STRING;

    return (struct span){text + token->start - quote, token->size + 2 * quote};
}
