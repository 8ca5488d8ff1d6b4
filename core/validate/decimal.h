/* Numbers of JSON, compared by their decimal value without binary rounding: 1.0 is an integer, and
 * 20 digits stay 20 digits. */
#pragma once

#include "core/base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    DECIMAL_SHORT = 18, /* digits that fit int64_t */
};

/* The value is +-coefficient * 10^exponent without zeros at either end, so that equal values have
 * equal parts. Points into the text that it was parsed from. */
struct decimal {
    int64_t coefficient; /* no sign; only where count <= DECIMAL_SHORT */
    int64_t exponent;    /* of the last digit */
    const char *digits;  /* the first digit that is not 0; a '.' can follow */
    uint32_t count;      /* digits from there to the last that is not 0; 0 means the value is 0 */
    bool negative;
};

/* text is a number (RFC 8259 section 6). An exponent beyond +-10^15 counts as +-10^15. */
struct decimal decimal_parse(struct span text);

/* Returns -1, 0 or 1, as memcmp. */
int decimal_compare(const struct decimal *a, const struct decimal *b);

/* True if there is no fraction: 1, 1.0, 10e-1 (JSON Schema 2020-12 core, section 4.2.3). */
bool decimal_is_integer(const struct decimal *value);

/* True if value is a whole multiple of divisor, which is above 0 and has at most DECIMAL_SHORT
 * digits. The value can have any number of digits and any exponent. */
bool decimal_is_multiple(const struct decimal *value, const struct decimal *divisor);

/* Returns the nearest double; infinite if it is out of range. text is the one that value was parsed
 * from; the byte after it must be readable and not part of a number. */
double decimal_to_double(const struct decimal *value, struct span text);
