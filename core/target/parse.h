/* Reading the values of a description, which was scanned before. */
#pragma once

#include "core/target/description.h"

#include <stdio.h>

/* A description while it is read. Pointers in messages are below the description. */
struct parse {
    struct description *to;
    const struct description_source *source;
    struct description_fault *fault;
    struct buf scratch;
    bool in_item; /* {name}, {path} and {value} are known */
};

enum { PARSE_POINTER_SIZE = 256 };

/* Declares a text with a pointer in it, which is cut where it is too long. */
#define PARSE_BELOW(name, ...)                                                                     \
    char name[PARSE_POINTER_SIZE];                                                                 \
    parse_below(name, __VA_ARGS__)

void parse_below(char pointer[PARSE_POINTER_SIZE], const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Says what is wrong at a pointer. Returns false. */
bool parse_refuse(struct parse *r, const char *pointer, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Makes the description the owner of memory; returns it. */
void *parse_own(struct parse *r, void *memory);

const struct json_token *parse_token(const struct parse *r, uint32_t i);
bool parse_is(const struct parse *r, uint32_t i, enum json_kind kind);

/* Returns the decoded text of a string, terminated, which lives as long as the description. */
struct span parse_string(struct parse *r, uint32_t i);

/* Returns a value's own text. */
struct span parse_json(const struct parse *r, uint32_t i);

/* Returns the value of a member; 0 where it is missing or null. */
uint32_t parse_member(struct parse *r, uint32_t object, const char *name);

/* Checks that a value is an object that has only these members; the names end with NULL. */
bool parse_members(struct parse *r, uint32_t object, const char *pointer, const char *const *names);

bool parse_pointer(struct parse *r, uint32_t value, const char *pointer, struct pointer *out);

/* The same for a place in a request, which cannot be an item of an array. */
bool parse_is_place(struct parse *r, const char *pointer, const struct pointer *place);
bool parse_place(struct parse *r, uint32_t value, const char *pointer, struct pointer *out);

/* Reads a pointer or `header:NAME`. */
bool parse_spot(struct parse *r, uint32_t value, const char *pointer,
                struct description_spot *spot);

/* True of the name of a header field (RFC 9110 section 5.1). */
bool parse_is_field_name(struct span name);

/* Read a string, or any value, with placeholders. */
bool parse_text(struct parse *r, uint32_t value, const char *pointer, enum template_use use,
                struct template *out);
bool parse_constant(struct parse *r, uint32_t value, const char *pointer, struct template *out);

/* Reads a path of the API. Without `query` it ends before a `?`. */
bool parse_path(struct parse *r, uint32_t value, const char *pointer, bool query,
                struct template *path);
