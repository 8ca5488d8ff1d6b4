/* JSON values: equality, types, and their form in messages. */
#pragma once

#include "core/row/json.h"

#include <stdbool.h>
#include <stdint.h>

/* A token with its text and tape; constant. */
struct value {
    const char *text; /* of the tape */
    const struct json_token *tokens;
    uint32_t index;
};

static inline const struct json_token *value_token(struct value value)
{
    return &value.tokens[value.index];
}

/* Returns the bytes of a value; of a string without its quotes. */
static inline struct span value_span(struct value value)
{
    const struct json_token *token = value_token(value);

    return (struct span){value.text + token->start, token->size};
}

/* Equality by JSON Schema (2020-12 core, section 4.2.2): numbers by decimal value, strings by code
 * points, objects in any order of their members. */
bool value_equal(struct value a, struct value b);

/* Returns a hash that is the same for equal values. */
uint64_t value_hash(struct value value);

/* Returns the type of that kind of value; of a number ROW_NUMBER. */
unsigned value_type(enum json_kind kind);

/* True if the value has one of the types, a set of enum row_type. */
bool value_has_type(struct value value, unsigned types);

/* Appends `a string or null` for a set of enum row_type, in the words of the CSV reader. */
void value_name_types(struct buf *out, unsigned types);

/* Appends the value for a message: a scalar as in JSON, a long one cut; `an array`, `an object`. */
void value_describe(struct buf *out, struct value value);
