/* Returns what is wrong with a row: all its faults, in memory that is reused. */
#pragma once

#include "core/base/buf.h"

#include <stddef.h>

/* Offsets into violations.text, because that buffer moves when it grows. */
struct violation {
    size_t field, field_size;
    size_t rule, rule_size;
    size_t message, message_size;
};

enum {
    VIOLATIONS_MAX = 1000,       /* per row; the last one says how many more were left out */
    VIOLATION_MESSAGE_MAX = 500, /* bytes of one message; longer ones are cut at a code point */
    VIOLATION_FIELD_MAX = 500,   /* bytes of one field, cut likewise */
};

/* Zeroed is empty; the owner calls violations_release. */
struct violations {
    struct violation *items;
    size_t count, capacity;
    size_t left_out;
    struct buf text;
};

void violations_release(struct violations *list);

static inline void violations_reset(struct violations *list)
{
    list->count = 0;
    list->left_out = 0;
    list->text.size = 0;
}

/* field: the property, a JSON pointer where nested, or "" for the row as a whole. rule: the JSON
 * Schema keyword that failed, or `check`, `row`, `record_id`, `version`, `limits`
 * (docs/database.md#names).
 */
void violations_add(struct violations *list, struct span field, const char *rule,
                    const char *format, ...) __attribute__((format(printf, 4, 5)));

struct span violation_field(const struct violations *list, size_t index);
struct span violation_rule(const struct violations *list, size_t index);
struct span violation_message(const struct violations *list, size_t index);

enum {
    VIOLATION_QUOTE_MAX = 40, /* bytes of a value that a message shows */
    VIOLATION_QUOTE_SIZE = 4 * VIOLATION_QUOTE_MAX + 6 + 32, /* the words for blanks at its ends */
};

/* Writes value for a message: printable, and with `...` where it was cut. Returns out. */
char *violation_show(struct span value, char out[VIOLATION_QUOTE_SIZE]);

/* The same in double quotes, with words for U+0020 at an end. */
char *violation_quote(struct span value, char out[VIOLATION_QUOTE_SIZE]);
