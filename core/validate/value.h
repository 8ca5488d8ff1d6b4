/* JSON values as values: when two are the same, what type they have, how a message shows them. */
#ifndef ROWFERRY_VALIDATE_VALUE_H
#define ROWFERRY_VALIDATE_VALUE_H

#include "core/row/json.h"

#include <stdbool.h>
#include <stdint.h>

/* A token and what it belongs to; constant. */
struct value {
    const char *text; /* that the tape was scanned from */
    const struct json_token *tokens;
    uint32_t index;
};

static inline const struct json_token *value_token(struct value value)
{
    return &value.tokens[value.index];
}

/* The bytes of a value; of a string without its quotes. */
static inline struct span value_span(struct value value)
{
    const struct json_token *token = value_token(value);

    return (struct span){value.text + token->start, token->size};
}

/* Equality as JSON Schema defines it (2020-12 core, section 4.2.2): numbers by decimal value,
 * strings by code points, objects whatever the order of their members. */
bool value_equal(struct value a, struct value b);

/* The same for values that are equal, whatever they look like. */
uint64_t value_hash(struct value value);

/* Whether the value has one of the types, a set of enum row_type. */
bool value_has_type(struct value value, unsigned types);

/* Appends `a string or null` for a set of enum row_type, in the words of the CSV reader. */
void value_name_types(struct buf *out, unsigned types);

/* Appends the value for a message: a scalar as JSON writes it, a long one cut; `an array`,
 * `an object`. */
void value_describe(struct buf *out, struct value value);

/* Appends a member's name as one step of a JSON pointer (RFC 6901 section 3). */
void value_point(struct buf *out, struct span name);

#endif
