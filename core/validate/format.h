/* The keyword `format`, as an assertion. */
#ifndef ROWFERRY_VALIDATE_FORMAT_H
#define ROWFERRY_VALIDATE_FORMAT_H

#include "core/base/str.h"

#include <stdbool.h>

struct format {
    const char *name;
    const char *meaning;             /* for a message: `must be ...` */
    bool (*holds)(struct span text); /* of a number, its digits; NULL where nothing is asserted */
    bool of_numbers;                 /* strings are passed over, otherwise numbers are */
};

/* The format of that name, or NULL where there is none. */
const struct format *format_find(struct span name);

#endif
