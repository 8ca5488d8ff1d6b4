/* Texts with placeholders `{name}`, taken apart when a description is loaded and written with the
 * values of a job. */
#pragma once

#include "core/base/buf.h"
#include "core/row/json.h"

#include <stdbool.h>
#include <stdint.h>

/* How a value is written. */
enum template_use {
    TEMPLATE_LITERAL, /* not a value: the piece's own text */
    TEMPLATE_TEXT,    /* as it is */
    TEMPLATE_SEGMENT, /* percent-encoded */
    TEMPLATE_STRING,  /* inside a JSON string */
    TEMPLATE_VALUE,   /* as a JSON value */
};

struct template_piece {
    enum template_use use;
    unsigned value;      /* its number, as template_find gave it */
    struct span literal; /* within the text that was compiled */
};

/* Zeroed is the empty text. */
struct template
{
    struct template_piece *pieces;
    uint32_t count, capacity;
};

/* A value. Without json it is a string. */
struct template_value {
    struct span text, json;
};

/* Returns the number of the value of that name, or -1. */
typedef int template_find(const void *context, struct span name);

/* Returns the value of that number. */
typedef struct template_value template_get(const void *context, unsigned value);

void template_release(struct template *template);

/* Append a text, or the JSON value at a token of a tape, in which strings have placeholders; one
 * that is a single placeholder becomes a JSON value. The texts are not copied. False with *unknown
 * set, the name of a placeholder that find does not know. */
bool template_add_text(struct template *template, struct span text, enum template_use use,
                       template_find *find, const void *context, struct span *unknown);
bool template_add_json(struct template *template, const char *text, const struct json_tape *tape,
                       uint32_t token, template_find *find, const void *context,
                       struct span *unknown);

/* Appends the text with its values. */
void template_write(const struct template *template, template_get *get, const void *context,
                    struct buf *out);

/* True when the text has that value in it. */
bool template_has(const struct template *template, unsigned value);
