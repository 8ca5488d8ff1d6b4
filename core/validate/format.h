/* The keyword `format`, as an assertion. */
#pragma once

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
