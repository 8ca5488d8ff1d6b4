/* The keyword `format`, as an assertion. */
#ifndef ROWFERRY_VALIDATE_FORMAT_H
#define ROWFERRY_VALIDATE_FORMAT_H

#include "core/base/str.h"

#include <stdbool.h>

struct format {
    const char *name;
    const char *meaning;             /* for a message: `must be ...` */
    bool (*holds)(struct span text); /* of a number: its text; NULL: asserts nothing */
    bool of_numbers;                 /* applies to numbers, otherwise to strings */
};

/* Returns the format of that name, or NULL. */
const struct format *format_find(struct span name);

#endif
