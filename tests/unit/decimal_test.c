#include "core/validate/decimal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static struct decimal number(const char *text)
{
    return decimal_parse(span_of(text));
}

static void numbers_compare_by_their_decimal_value(void **state)
{
    static const struct {
        const char *left, *right;
        int order;
    } cases[] = {
        {"0", "0", 0},
        {"0", "-0", 0},
        {"0.0", "0e99999", 0},
        {"1", "1.0", 0},
        {"1", "10e-1", 0},
        {"100", "1E+2", 0},
        {"0.1", "0.10000000000000000000000000", 0},
        {"1", "2", -1},
        {"-1", "1", -1},
        {"-1", "-2", 1},
        {"0", "-1", 1},
        {"0", "1e-400", -1},
        {"9", "10", -1},
        {"0.09", "0.1", -1},
        {"0.1", "0.1000000000000000055511151231257827", -1},
        {"9007199254740993", "9007199254740992", 1},
        {"9007199254740993", "9007199254740992.5", 1},
        {"9223372036854775807", "9223372036854775808", -1},
        {"-9223372036854775808", "-9223372036854775809", 1},
        {"123456789012345678901234567890", "123456789012345678901234567891", -1},
        {"123456789012345678901234567890", "123456789012345678901234567890.0", 0},
        {"1234567890123456789", "1.234567890123456789e18", 0},
        {"12345678901234567890.5", "12345678901234567890", 1},
        {"-12345678901234567890.5", "-12345678901234567890", -1},
        {"0.00000000000000000012345678901234567890", "1.234567890123456789e-19", 0},
        {"1e400", "1e399", 1},
        {"1e400", "179769313486231570000", 1},
        {"-1e400", "1e-400", -1},
        {"1e400", "10e399", 0},
        {"999999999999999999", "1000000000000000000", -1},
        {"1e999999999999999999999", "2", 1},
        {"1e-999999999999999999999", "2", -1},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct decimal left = number(cases[i].left), right = number(cases[i].right);

        if (decimal_compare(&left, &right) != cases[i].order ||
            decimal_compare(&right, &left) != -cases[i].order)
            fail_msg("%s and %s", cases[i].left, cases[i].right);
    }
}

static void a_number_without_a_fraction_is_an_integer(void **state)
{
    static const struct {
        const char *text;
        bool integer;
    } cases[] = {
        {"0", true},
        {"-0.0", true},
        {"1", true},
        {"-1", true},
        {"1.0", true},
        {"1.50e1", true},
        {"1e400", true},
        {"0.1e1", true},
        {"123456789012345678901234567890.0", true},
        {"0.1", false},
        {"1.5", false},
        {"1e-1", false},
        {"10.01e1", false},
        {"123456789012345678901234567890.5", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct decimal value = number(cases[i].text);

        if (decimal_is_integer(&value) != cases[i].integer)
            fail_msg("%s", cases[i].text);
    }
}

static void multiples_are_exact(void **state)
{
    static const struct {
        const char *value, *divisor;
        bool multiple;
    } cases[] = {
        {"0", "7", true},
        {"14", "7", true},
        {"-14", "7", true},
        {"15", "7", false},
        {"0.1", "0.1", true},
        {"0.3", "0.1", true},
        {"1.1", "0.1", true},
        {"19.99", "0.01", true},
        {"19.999", "0.01", false},
        {"4.35", "0.01", true},
        {"35", "1.5", false},
        {"4.5", "1.5", true},
        {"0.0075", "0.0001", true},
        {"0.00751", "0.0001", false},
        {"12391239123", "1e-8", true},
        {"1e308", "0.123456789", false},
        {"1e308", "0.5", true},
        {"1e400", "1024", true},
        {"1e9", "1024", false},
        {"1e10", "1024", true},
        {"1e999999999999", "3", false},
        {"3e999999999999", "3", true},
        {"123456789012345678901234567890", "10", true},
        {"123456789012345678901234567890", "9", true},
        {"123456789012345678901234567891", "9", false},
        {"12345678901234567890.12", "0.01", true},
        {"999999999999999999999999999999999999", "999999999999999999", true},
        {"999999999999999999999999999999999998", "999999999999999999", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct decimal value = number(cases[i].value), divisor = number(cases[i].divisor);

        if (decimal_is_multiple(&value, &divisor) != cases[i].multiple)
            fail_msg("%s by %s", cases[i].value, cases[i].divisor);
    }
}

static void doubles_are_the_nearest_ones(void **state)
{
    static const char *const texts[] = {
        "0",
        "-0.0",
        "1.5",
        "-1.5",
        "45.50",
        "0.1",
        "0.3",
        "1e3",
        "1.0",
        "100.0",
        "1e22",
        "1e23",
        "1e-7",
        "123456789.123456789",
        "1e308",
        "1e400",
        "-1e400",
        "1e-400",
        "0.000001",
        "9007199254740993.0",
        "123456789012345678901234567890.5",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct decimal value = number(texts[i]);

        if (!(decimal_to_double(&value, span_of(texts[i])) <= strtod(texts[i], NULL)) ||
            !(decimal_to_double(&value, span_of(texts[i])) >= strtod(texts[i], NULL)))
            fail_msg("%s", texts[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_compare_by_their_decimal_value),
        cmocka_unit_test(a_number_without_a_fraction_is_an_integer),
        cmocka_unit_test(multiples_are_exact),
        cmocka_unit_test(doubles_are_the_nearest_ones),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
