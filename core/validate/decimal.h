/* Numbers as they are written in JSON, compared by their decimal value: no binary rounding, so that
 * 0.1 + 0.2 stays 0.3, 1.0 is an integer and 20 digits stay 20 digits. */
#ifndef ROWFERRY_VALIDATE_DECIMAL_H
#define ROWFERRY_VALIDATE_DECIMAL_H

#include "core/base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    DECIMAL_SHORT = 18, /* digits that fit int64_t */
};

/* The value is +-coefficient * 10^exponent with neither zeros in front nor behind: equal values
 * have equal parts. Points into the text it was made of. */
struct decimal {
    int64_t coefficient; /* no sign; only where count <= DECIMAL_SHORT */
    int64_t exponent;    /* of the last digit */
    const char *digits;  /* the first digit that is not 0; a '.' may stand among them */
    uint32_t count;      /* digits from there to the last that is not 0; 0 means the value is 0 */
    bool negative;
};

/* text is a number by RFC 8259 section 6. A written exponent beyond +-10^15 is taken as 10^15. */
struct decimal decimal_parse(struct span text);

/* -1, 0, 1 as memcmp. */
int decimal_compare(const struct decimal *a, const struct decimal *b);

/* 1, 1.0, 10e-1: no fraction, however written (JSON Schema 2020-12 core, section 4.2.3). */
bool decimal_is_integer(const struct decimal *value);

/* Whether value is a whole multiple of divisor, which is above 0 and has at most DECIMAL_SHORT
 * digits. The value may have any number of digits and any exponent. */
bool decimal_is_multiple(const struct decimal *value, const struct decimal *divisor);

/* The nearest double of what text (the same that value was parsed from) says; infinite where it is
 * out of range. The byte behind text is there and belongs to no number. */
double decimal_to_double(const struct decimal *value, struct span text);

#endif
