#include "core/base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static void times_read_as_iso_8601_in_utc(void **state)
{
    static const struct {
        int64_t ms;
        const char *text;
    } rows[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {1, "1970-01-01T00:00:00.001Z"},
        {999, "1970-01-01T00:00:00.999Z"},
        {1000, "1970-01-01T00:00:01.000Z"},
        {951782399999, "2000-02-28T23:59:59.999Z"},
        {951782400000, "2000-02-29T00:00:00.000Z"},
        {1795485600000, "2026-11-24T02:00:00.000Z"},
        {253402300799999, "9999-12-31T23:59:59.999Z"},
        {-1, "1969-12-31T23:59:59.999Z"},
        {-1000, "1969-12-31T23:59:59.000Z"},
        {-86400001, "1969-12-30T23:59:59.999Z"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char out[CLOCK_ISO_SIZE];

        assert_ptr_equal(clock_iso(rows[i].ms, out), out);
        assert_string_equal(out, rows[i].text);
    }
}

static void the_latest_possible_time_fits(void **state)
{
    char out[CLOCK_ISO_SIZE];

    (void)state;
    assert_string_equal(clock_iso(INT64_MAX, out), "292278994-08-17T07:12:55.807Z");
}

static void the_monotonic_clock_does_not_go_back(void **state)
{
    int64_t before = clock_monotonic_us();

    (void)state;
    for (int i = 0; i < 1000; i++) {
        int64_t now = clock_monotonic_us();

        assert_true(now >= before);
        before = now;
    }
}

static void the_clock_for_stamps_is_between_2020_and_2100(void **state)
{
    (void)state;
    assert_true(clock_now_ms() > 1577836800000);
    assert_true(clock_now_ms() < 4102444800000);
}

static void times_of_rfc_3339_are_read(void **state)
{
    static const struct {
        const char *text;
        int64_t ns;
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1970-01-01t00:00:01.5z", 1500000000},
        {"1970-01-01 01:00:00+01:00", 0},
        {"2026-11-23T02:00:00.123456789Z", INT64_C(1795399200123456789)},
        {"2026-11-23T02:00:00.1234567899Z", INT64_C(1795399200123456789)},
        {"2024-02-29T23:59:59Z", INT64_C(1709251199000000000)},
    };
    static const char *const wrong[] = {
        "",
        "1970-01-01",
        "1970-01-01T00:00:00",
        "1970-01-01T00:00:00.Zx",
        "1970-01-01X00:00:00Z",
        "1970-1-01T00:00:00Z",
        "1970/01-01T00:00:00Z",
        "1970-01/01T00:00:00Z",
        "1970-01-01T00-00:00Z",
        "1970-01-01T00:00-00Z",
        "1970-01-01T00:0000Z",
        "1970-01-01T00:00:0Z",
        "2023-02-29T00:00:00Z",
        "2023-13-01T00:00:00Z",
        "2023-04-31T00:00:00Z",
        "2023-01-01T24:00:00Z",
        "2023-01-01T00:60:00Z",
        "2023-01-01T00:00:60Z",
        "2262-01-01T00:00:00Z",
        "2023-01-01T00:00:00+24:00",
        "2023-01-01T00:00:00+01:60",
        "2023-01-01T00:00:00+0100",
        "2023-01-01T00:00:00+01:0",
        "2023-01-01T00:00:00+01:00x",
        "2023-01-01T00:00:00*01:00",
        "2023-01-01T00:00:00Zx",
        "2023-01-01T00:00:00.00000000000000000000000000000000000000000000000000000000Z",
    };
    int64_t ns;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (!clock_read_iso(span_of(cases[i].text), &ns))
            fail_msg("%s is refused", cases[i].text);
        assert_int_equal(ns, cases[i].ns);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (clock_read_iso(span_of(wrong[i]), &ns))
            fail_msg("%s is read", wrong[i]);
    assert_false(clock_read_iso((struct span){"1970-01-01T00:00:00\0Z", 21}, &ns));
    assert_false(clock_read_iso((struct span){NULL, 0}, &ns));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_read_as_iso_8601_in_utc),
        cmocka_unit_test(the_latest_possible_time_fits),
        cmocka_unit_test(the_monotonic_clock_does_not_go_back),
        cmocka_unit_test(the_clock_for_stamps_is_between_2020_and_2100),
        cmocka_unit_test(times_of_rfc_3339_are_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
