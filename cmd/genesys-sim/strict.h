/* Strict JSON: the grammar of RFC 8259, UTF-8, no duplicate names. json-c parses a second time and
 * must agree; callers keep the bytes themselves, so that no digit is lost. */
#pragma once

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

/* True when text is one JSON value, nested at most STRICT_DEPTH deep, in valid UTF-8, and no object
 * in it has two members with one name (escapes resolved). err names the first problem. */
bool strict_check(struct span text, struct err *err);

/* Splits the first level of an object; text has passed strict_check. False, with err filled, when
 * it is not an object or has more than STRICT_MEMBERS members. */
bool strict_split(struct strict_object *object, struct span text, struct err *err);

/* Returns the value of a member, or a span whose data is NULL. */
struct span strict_find(const struct strict_object *object, const char *name);

/* False, with err filled, when the object has a member that is not in names (ended by NULL). */
bool strict_only(const struct strict_object *object, const char *const *names, struct err *err);

/* Takes the next item of an array, which has passed strict_check: *rest is that array at first, and
 * what is left of it afterwards. False after the last one, or if it is not an array. */
bool strict_next(struct span *rest, struct span *item);

bool strict_is_object(struct span value);
bool strict_is_string(struct span value);
bool strict_is_string_array(struct span value);

/* Returns the text of a JSON string with escapes resolved, which the caller frees; NULL when value
 * is not a string or holds U+0000. */
char *strict_text(struct span value);
