/* A strict RFC 8259 scanner: one pass over the bytes, spans into them, numbers as text. It is the
 * only source of what is sent as a payload, because json-c is lax and loses digits. */
#ifndef ROWFERRY_ROW_JSON_H
#define ROWFERRY_ROW_JSON_H

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

/* One value, or one member name (a JSON_STRING in front of its value). A container is followed by
 * what it holds, so that a value and all inside it is tokens[i] .. tokens[next - 1]. */
struct json_token {
    uint8_t kind;    /* enum json_kind */
    uint8_t escaped; /* a string that holds a backslash: json_decode before looking at it */
    uint32_t start;  /* first byte in the text; of a string: behind the quote */
    uint32_t size;   /* bytes; of a string: without the quotes */
    uint32_t next;   /* index of the token behind this one and all inside it */
    uint32_t count;  /* members or elements of a container */
};

/* Zeroed means empty and ready; used again for each row without allocating. */
struct json_tape {
    struct json_token *tokens;
    uint32_t count, capacity;
    struct json_scratch *scratch; /* the scanner's own; NULL until it needs one */
    bool several; /* a string with a character of several bytes was scanned, now or before */
};

enum { JSON_DEPTH_MAX = 64 };

struct json_fault {
    size_t offset; /* byte in the text, from 0 */
    char message[128];
};

void json_tape_release(struct json_tape *tape);

/* Makes room for more tokens than there are. */
void json_tape_grow(struct json_tape *tape);

/* Appends one token for the caller to fill; the pointer is valid until the next is appended. */
static inline struct json_token *json_tape_add(struct json_tape *tape)
{
    if (tape->count == tape->capacity)
        json_tape_grow(tape);
    return &tape->tokens[tape->count++];
}

/* Scans exactly one value with white space around it; text below 4 GiB. Tokens are appended to the
 * tape from its present count on; base is added to their starts, for text that is to be part of a
 * larger one. Refuses, with the offset and the reason: what RFC 8259 does not allow, bytes that are
 * not UTF-8, a lone surrogate escape, a member name twice in one object (after decoding), nesting
 * beyond JSON_DEPTH_MAX. The tape keeps its count then. */
bool json_scan(struct json_tape *tape, struct span text, uint32_t base, struct json_fault *fault);

/* The same for text that stands inside `depth` containers already, which count as nesting. */
bool json_scan_inside(struct json_tape *tape, struct span text, uint32_t base, unsigned depth,
                      struct json_fault *fault);

/* True for a number as RFC 8259 section 6 writes it: no spaces, no '+', no leading zeros. */
bool json_is_number(struct span text);

/* Appends the string that the inside of a JSON string stands for: escapes become UTF-8. The text
 * has passed json_scan. */
void json_decode(struct buf *out, struct span inside);

/* The string a JSON_STRING token stands for: its own bytes, or decoded into scratch (which is reset
 * first). */
struct span json_string(const struct json_token *token, const char *text, struct buf *scratch);

#endif
