/* The keyword `format`, as an assertion. */
#pragma once

#include "core/base/str.h"

#include <stdbool.h>

struct format {
    const char *name;
    const char *meaning; /* for a message: `must be ...`; NULL: it asserts nothing */
    const char *pattern; /* for pattern_open; NULL: any text */
    bool (*holds)(
        struct span text); /* of what fits the pattern; of a number: its text; NULL: yes */
    bool of_numbers;       /* applies to numbers, otherwise to strings */
};

/* Returns the format of that name, or NULL. */
const struct format *format_find(struct span name);
