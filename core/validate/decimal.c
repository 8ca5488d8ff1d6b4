#include "core/validate/decimal.h"

#include <stdlib.h>

static const int64_t EXPONENT_MAX = 1000000000000000;

#define THOUSANDS(base) (base), (base)*10, (base)*100
static const int64_t powers[] = {
    THOUSANDS(INT64_C(1)),
    THOUSANDS(INT64_C(1000)),
    THOUSANDS(INT64_C(1000000)),
    THOUSANDS(INT64_C(1000000000)),
    THOUSANDS(INT64_C(1000000000000)),
    THOUSANDS(INT64_C(1000000000000000)),
    INT64_C(1000000000000000000),
};
_Static_assert(sizeof powers / sizeof *powers == DECIMAL_SHORT + 1, "one power per digit");

/* Parses what follows `e`: an optional sign, digits. */
static int64_t parse_exponent(const char *text, const char *end)
{
    bool negative = text < end && *text == '-';
    int64_t exponent = 0;

    if (text < end && (*text == '-' || *text == '+'))
        text++;
    for (; text < end; text++) {
        exponent = exponent * 10 + (*text - '0');
        if (exponent > EXPONENT_MAX)
            exponent = EXPONENT_MAX;
    }
    return negative ? -exponent : exponent;
}

struct decimal decimal_parse(struct span text)
{
    struct decimal value = {0};
    const char *at = text.data, *end = text.data + text.size;
    bool negative = at < end && *at == '-';
    uint32_t zeros = 0; /* since the last digit that was not 0 */
    int64_t fraction = 0;
    bool in_fraction = false;

    for (at += negative; at < end && *at != 'e' && *at != 'E'; at++) {
        if (*at == '.') {
            in_fraction = true;
            continue;
        }
        fraction += in_fraction;
        if (*at == '0') {
            zeros += value.count > 0;
            continue;
        }
        if (!value.count)
            value.digits = at;
        value.count += zeros + 1;
        if (value.count <= DECIMAL_SHORT)
            value.coefficient = value.coefficient * powers[zeros + 1] + (*at - '0');
        zeros = 0;
    }
    if (!value.count)
        return value; /* 0, -0, 0e9 are equal */
    value.negative = negative;
    value.exponent = (int64_t)zeros - fraction;
    if (at < end)
        value.exponent += parse_exponent(at + 1, end);
    return value;
}

/* Compares two coefficients with more digits than int64_t holds, both read as 0.ddd... */
static int compare_digits(const struct decimal *a, const struct decimal *b)
{
    const char *left = a->digits, *right = b->digits;
    uint32_t count = a->count < b->count ? a->count : b->count;

    for (; count; count--, left++, right++) {
        left += *left == '.';
        right += *right == '.';
        if (*left != *right)
            return *left < *right ? -1 : 1;
    }
    return (a->count > b->count) - (a->count < b->count);
}

/* Compares the values without their signs; neither is 0. */
static int compare_magnitude(const struct decimal *a, const struct decimal *b)
{
    int64_t a_top = a->exponent + a->count, b_top = b->exponent + b->count;
    int64_t left = a->coefficient, right = b->coefficient;

    if (a_top != b_top)
        return a_top < b_top ? -1 : 1;
    if (a->count > DECIMAL_SHORT || b->count > DECIMAL_SHORT)
        return compare_digits(a, b);
    /* their first digits have the same place, so pad the shorter one */
    if (a->count < b->count)
        left *= powers[b->count - a->count];
    else
        right *= powers[a->count - b->count];
    return (left > right) - (left < right);
}

static int sign(const struct decimal *value)
{
    if (!value->count)
        return 0;
    return value->negative ? -1 : 1;
}

int decimal_compare(const struct decimal *a, const struct decimal *b)
{
    int a_sign = sign(a), b_sign = sign(b);

    if (a_sign != b_sign)
        return a_sign < b_sign ? -1 : 1;
    return a_sign ? a_sign * compare_magnitude(a, b) : 0;
}

bool decimal_is_integer(const struct decimal *value)
{
    return value->exponent >= 0;
}

bool decimal_is_multiple(const struct decimal *value, const struct decimal *divisor)
{
    /* both stay below 10^18, so ten times a remainder plus a digit fits 64 bits */
    uint64_t modulus = (uint64_t)divisor->coefficient, rest = 0;
    int64_t shift = value->exponent - divisor->exponent;
    const char *digit = value->digits;

    if (!value->count)
        return true;
    if (shift < 0)
        return false; /* a quotient in whole numbers would need a last digit of 0 */
    if (value->count <= DECIMAL_SHORT) {
        rest = (uint64_t)value->coefficient % modulus;
    } else {
        for (uint32_t i = 0; i < value->count; i++, digit++) {
            digit += *digit == '.';
            rest = (rest * 10 + (uint64_t)(*digit - '0')) % modulus;
        }
    }
    /* A modulus below 2^60 holds at most 59 twos and fives: more tens change nothing. */
    for (int64_t i = 0; i < shift && i < 60 && rest; i++)
        rest = rest * 10 % modulus;
    return rest == 0;
}

double decimal_to_double(const struct decimal *value, struct span text)
{
    /* Both operands are exact, up to 2^53 and 10^22, so one operation rounds once (Clinger 1990).
     */
    double number = (double)value->coefficient;

    if (value->count > 15 || value->exponent > DECIMAL_SHORT || value->exponent < -DECIMAL_SHORT)
        return strtod(text.data, NULL); /* the process stays in the C locale */
    if (value->exponent < 0)
        number /= (double)powers[-value->exponent];
    else
        number *= (double)powers[value->exponent];
    return value->negative ? -number : number;
}
