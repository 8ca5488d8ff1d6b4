/* JSON read without mercy: RFC 8259 grammar, UTF-8, no duplicate names. json-c parses a second time
 * and has to agree; the bytes themselves are kept, so that no digit is ever lost. */
#ifndef GENESYS_SIM_STRICT_H
#define GENESYS_SIM_STRICT_H

#include "core/base/err.h"
#include "core/base/str.h"

#include <stdbool.h>
#include <stddef.h>

enum { STRICT_MEMBERS = 16, STRICT_DEPTH = 100 };

/* name: the bytes between the quotes, escapes as written; value: its bytes, quotes included. */
struct strict_member {
    struct span name;
    struct span value;
};

/* The first level of one object; the spans point into the text it was read from. */
struct strict_object {
    struct strict_member member[STRICT_MEMBERS];
    size_t count;
};

/* True when text is one JSON value, alone, nested at most STRICT_DEPTH deep, in valid UTF-8, and
 * no object in it names a member twice (escapes resolved). err tells the first problem. */
bool strict_check(struct span text, struct err *err);

/* Takes an object's first level apart; text has passed strict_check. False, with err filled, when
 * it is not an object or has more than STRICT_MEMBERS members. */
bool strict_split(struct strict_object *object, struct span text, struct err *err);

/* The member's value, or a span whose data is NULL. */
struct span strict_find(const struct strict_object *object, const char *name);

/* False, with err filled, when the object has a member that is not in names (ended by NULL). */
bool strict_only(const struct strict_object *object, const char *const *names, struct err *err);

bool strict_is_object(struct span value);
bool strict_is_string(struct span value);
bool strict_is_string_array(struct span value);

/* A JSON string's text with escapes resolved, in memory of the caller's; NULL when value is no
 * string or holds U+0000. */
char *strict_text(struct span value);

#endif
