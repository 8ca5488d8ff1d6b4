#include "core/base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define SPAN(literal)                                                                              \
    (struct span)                                                                                  \
    {                                                                                              \
        literal, sizeof literal - 1                                                                \
    }

static int sign(int number)
{
    return (number > 0) - (number < 0);
}

static void spans_compare_as_bytes_and_a_prefix_comes_first(void **state)
{
    static const struct {
        struct span a, b;
        int order;
    } rows[] = {
        {{"", 0}, {"", 0}, 0},         {{NULL, 0}, {"", 0}, 0},   {{NULL, 0}, {"a", 1}, -1},
        {{"a", 1}, {NULL, 0}, 1},      {{"a", 1}, {"b", 1}, -1},  {{"ab", 2}, {"a", 1}, 1},
        {{"a", 1}, {"ab", 2}, -1},     {{"b", 1}, {"ab", 2}, 1},  {{"\xff", 1}, {"a", 1}, 1},
        {{"a\0b", 3}, {"a\0a", 3}, 1}, {{"a\0", 2}, {"a", 1}, 1}, {{"same", 4}, {"same", 4}, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(sign(span_compare(rows[i].a, rows[i].b)), rows[i].order);
        assert_int_equal(sign(span_compare(rows[i].b, rows[i].a)), -rows[i].order);
        assert_int_equal(span_equal(rows[i].a, rows[i].b), rows[i].order == 0);
    }
}

static void a_span_of_null_is_empty(void **state)
{
    (void)state;
    assert_int_equal(span_of(NULL).size, 0);
    assert_true(span_is(span_of(NULL), ""));
    assert_true(span_is(span_of("x"), "x"));
    assert_false(span_is(span_of("x"), "xy"));
}

static void beginnings_and_ends_are_found(void **state)
{
    (void)state;
    assert_true(str_starts("inbox/x.csv", "inbox/"));
    assert_true(str_starts("x", ""));
    assert_false(str_starts("in", "inbox"));
    assert_true(str_ends("x.csv", ".csv"));
    assert_true(str_ends(".csv", ".csv"));
    assert_true(str_ends("x", ""));
    assert_false(str_ends("csv", ".csv"));
    assert_false(str_ends("x.csv.tmp", ".csv"));
}

static void whole_numbers_are_read_up_to_both_limits(void **state)
{
    static const struct {
        const char *text;
        int64_t value;
    } rows[] = {
        {"0", 0},
        {"-0", 0},
        {"007", 7},
        {"-1", -1},
        {"9223372036854775807", INT64_MAX},
        {"-9223372036854775808", INT64_MIN},
        {"00000000000000000000000000009223372036854775807", INT64_MAX},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t value = 42;

        assert_true(str_to_int64(span_of(rows[i].text), INT64_MIN, INT64_MAX, &value));
        assert_true(value == rows[i].value);
    }
}

static void other_texts_leave_the_value_unchanged(void **state)
{
    static const char *const texts[] = {
        "",
        "-",
        "--1",
        "+1",
        " 1",
        "1 ",
        "1.0",
        "1e3",
        "0x1",
        "1-1",
        "abc",
        "1\n",
        "\xd9\xa1",
        "9223372036854775808",
        "-9223372036854775809",
        "18446744073709551616",
        "99999999999999999999999999",
    };
    int64_t value = 42;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (str_to_int64(span_of(texts[i]), INT64_MIN, INT64_MAX, &value))
            fail_msg("'%s' is taken for a number", texts[i]);
    assert_false(str_to_int64((struct span){"1\0", 2}, 0, 9, &value));
    assert_false(str_to_int64((struct span){NULL, 0}, 0, 9, &value));
    assert_true(value == 42);
}

static void numbers_outside_the_range_are_refused(void **state)
{
    int64_t value = 42;

    (void)state;
    assert_false(str_to_int64(span_of("0"), 1, 256, &value));
    assert_false(str_to_int64(span_of("257"), 1, 256, &value));
    assert_false(str_to_int64(span_of("-1"), 0, INT64_MAX, &value));
    assert_true(value == 42);
    assert_true(str_to_int64(span_of("1"), 1, 256, &value));
    assert_true(str_to_int64(span_of("256"), 1, 256, &value));
    assert_int_equal(value, 256);
}

static void durations_have_four_units_and_seconds_without_one(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } rows[] = {
        {"0", 0},
        {"90", 90000},
        {"90s", 90000},
        {"15m", 900000},
        {"4h", 14400000},
        {"90d", 7776000000},
        {"106751991167d", 106751991167 * 86400000},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t ms = -1;

        assert_true(str_to_duration_ms(rows[i].text, &ms));
        assert_true(ms == rows[i].ms);
    }
}

static void other_durations_are_refused(void **state)
{
    static const char *const texts[] = {"",    "s",   "m",   "-1", "-1s", "1.5h",         "1w",
                                        "1 s", "1ms", "1hs", "s1", "1S",  "106751991168d"};
    int64_t ms = 42;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (str_to_duration_ms(texts[i], &ms))
            fail_msg("'%s' is taken for a duration", texts[i]);
    assert_true(ms == 42);
}

/* The offset of the first byte that is not UTF-8 (RFC 3629 section 4); -1: none. */
static const struct {
    struct span text;
    int bad;
} utf8[] = {
    {{"", 0}, -1},
    {{NULL, 0}, -1},
    {{"\0", 1}, -1},
    {{"\x7f", 1}, -1},
    {{"\x80", 1}, 0}, /* a continuation alone */
    {{"\xbf", 1}, 0},
    {{"\xc0\x80", 2}, 0},  /* overlong NUL */
    {{"\xc1\xbf", 2}, 0},  /* overlong U+007F */
    {{"\xc2\x80", 2}, -1}, /* U+0080 */
    {{"\xdf\xbf", 2}, -1}, /* U+07FF */
    {{"\xc2", 1}, 0},      /* cut */
    {{"\xc2\x41", 2}, 0},
    {{"\xc2\xc2", 2}, 0},
    {{"\xe0\x9f\xbf", 3}, 0},  /* overlong U+07FF */
    {{"\xe0\xa0\x80", 3}, -1}, /* U+0800 */
    {{"\xe1\x80", 2}, 0},      /* cut */
    {{"\xe1\x80\x41", 3}, 0},
    {{"\xed\x9f\xbf", 3}, -1},            /* U+D7FF */
    {{"\xed\xa0\x80", 3}, 0},             /* U+D800, a surrogate */
    {{"\xed\xbf\xbf", 3}, 0},             /* U+DFFF */
    {{"\xed\xa0\xbd\xed\xb8\x80", 6}, 0}, /* CESU-8 */
    {{"\xee\x80\x80", 3}, -1},            /* U+E000 */
    {{"\xef\xbf\xbf", 3}, -1},            /* U+FFFF */
    {{"\xef\xbb\xbf", 3}, -1},            /* the BOM */
    {{"\xf0\x8f\xbf\xbf", 4}, 0},         /* overlong U+FFFF */
    {{"\xf0\x90\x80\x80", 4}, -1},        /* U+10000 */
    {{"\xf4\x8f\xbf\xbf", 4}, -1},        /* U+10FFFF */
    {{"\xf4\x90\x80\x80", 4}, 0},         /* U+110000 */
    {{"\xf5\x80\x80\x80", 4}, 0},
    {{"\xf8\x88\x80\x80\x80", 5}, 0}, /* five bytes */
    {{"\xfe", 1}, 0},
    {{"\xff", 1}, 0},
    {{"\xf0\x90\x80", 3}, 0}, /* cut */
    {{"\xf0\x90\x41\x80", 4}, 0},
    {{"\xf0\x90\x80\x41", 4}, 0},
    {{"a\xc3\xa4\xff", 4}, 3},
    {{"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80z", 10}, -1},
};

static void invalid_utf8_is_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof utf8 / sizeof *utf8; i++) {
        size_t expected = utf8[i].bad < 0 ? utf8[i].text.size : (size_t)utf8[i].bad;

        if (str_utf8_valid(utf8[i].text) != expected)
            fail_msg("row %zu: valid up to %zu", i, str_utf8_valid(utf8[i].text));
    }
}

/* The same sequences at every offset of the runs of eight bytes that are read at once. */
static void invalid_utf8_is_found_at_every_offset_of_long_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof utf8 / sizeof *utf8; i++) {
        for (size_t before = 0; before < 20; before++) {
            for (size_t after = 0; after < 10; after++) {
                char text[48];
                size_t size = before + utf8[i].text.size + after;
                size_t expected = utf8[i].bad < 0 ? size : before + (size_t)utf8[i].bad;

                memset(text, 'x', sizeof text);
                if (utf8[i].text.size)
                    memcpy(text + before, utf8[i].text.data, utf8[i].text.size);
                assert_int_equal(str_utf8_valid((struct span){text, size}), expected);
            }
        }
    }
}

static void lengths_count_code_points(void **state)
{
    (void)state;
    assert_int_equal(str_utf8_length(SPAN("")), 0);
    assert_int_equal(str_utf8_length((struct span){NULL, 0}), 0);
    assert_int_equal(str_utf8_length(SPAN("abc")), 3);
    assert_int_equal(str_utf8_length(SPAN("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80z")), 4);
    assert_int_equal(str_utf8_length(SPAN("e\xcc\x81")), 2); /* a combining accent */
}

static void a_beginning_has_whole_code_points(void **state)
{
    static const size_t sizes[] = {0, 2, 5, 9, 10, 10};

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        assert_int_equal(str_utf8_first(SPAN("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80z"), i),
                         sizes[i]);
    assert_int_equal(str_utf8_first((struct span){NULL, 0}, 3), 0);
}

static void printable_text_cannot_control_a_terminal(void **state)
{
    static const struct {
        struct span text;
        const char *expected;
    } rows[] = {
        {{"", 0}, ""},
        {{NULL, 0}, ""},
        {{"plain \\ text", 12}, "plain \\ text"},
        {{"a\nb\r\tc", 6}, "a\\nb\\r\\tc"},
        {{"\x1b[2Jx", 5}, "\\x1b[2Jx"},
        {{"\0\x01\x1f\x7f", 4}, "\\x00\\x01\\x1f\\x7f"},
        {{"\xc2\x80\xc2\x9b\xc2\x9f", 6}, "\\u0080\\u009b\\u009f"},
        {{"\xc2\xa1\xc3\xa4\xf0\x9f\x98\x80", 8}, "\xc2\xa1\xc3\xa4\xf0\x9f\x98\x80"},
        {{"a\xc2\xa0\xe2\x80\x89 b", 8}, "a\\u00a0\\u2009 b"},
        {{"\xc2\xad\xe2\x80\xae\xef\xbb\xbf", 8}, "\\u00ad\\u202e\\ufeff"},
        {{"\xe2\x80\xa8\xe3\x80\x80\xf3\xa0\x80\xa0", 10}, "\\u2028\\u3000\\U000e0020"},
        {{"\xd8\x80\xef\xbf\xbd", 5}, "\\u0600\xef\xbf\xbd"},
        {{"\xff\xfe", 2}, "\\xff\\xfe"},
        {{"\xe2\x82", 2}, "\\xe2\\x82"},
        {{"\xed\xa0\x80", 3}, "\\xed\\xa0\\x80"},
        {{"x\x9b", 2}, "x\\x9b"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char out[64];

        assert_ptr_equal(str_printable(rows[i].text, out, sizeof out), out);
        assert_string_equal(out, rows[i].expected);
    }
}

static void every_byte_is_printed_harmlessly(void **state)
{
    (void)state;
    for (int first = 0; first < 256; first++) {
        for (int second = 0; second < 256; second++) {
            char bytes[] = {(char)first, (char)second}, out[16];

            str_printable((struct span){bytes, 2}, out, sizeof out);
            assert_int_equal(str_utf8_valid(span_of(out)), strlen(out));
            for (const unsigned char *at = (const unsigned char *)out; *at; at++)
                if (*at < 0x20 || *at == 0x7f || (at[0] == 0xc2 && at[1] < 0xa0))
                    fail_msg("%02x %02x comes out as %02x", first, second, *at);
        }
    }
}

static void blanks_are_removed_at_both_ends(void **state)
{
    (void)state;
    assert_true(span_is(str_trim(SPAN(" \t\xc2\xa0 a b \xc2\xa0\t")), "a b"));
    assert_true(span_is(str_trim(SPAN(" \xc2\xa0")), ""));
    assert_true(span_is(str_trim(SPAN("\xe2\x80\x89x\n")), "\xe2\x80\x89x\n"));
    assert_int_equal(str_space_first(SPAN("\xe2\x80\x89x")), 3);
    assert_int_equal(str_space_last(SPAN("x\xc2\xa0")), 2);
    assert_int_equal(str_space_last(SPAN("x\t")), 1);
    assert_int_equal(str_space_last(SPAN("x")), 0);
    assert_int_equal(str_space_last(SPAN("")), 0);
}

static void a_text_that_ends_within_a_character_is_cut(void **state)
{
    static const char *const cut[] = {"\xc3",         "a\xe2\x82",         "\xe0", "\xed",
                                      "\xf0\x9f\x98", "a\xe2\x82\xac\xf4", "\xf0"};
    static const char *const not_cut[] = {"",     "a",        "\xe2\x82\xac", "\xff",
                                          "\x80", "\xc3\x28", "\xc0",         "\xed\xa0"};

    (void)state;
    for (size_t i = 0; i < sizeof cut / sizeof *cut; i++)
        assert_true(str_utf8_cut(span_of(cut[i])));
    for (size_t i = 0; i < sizeof not_cut / sizeof *not_cut; i++)
        assert_false(str_utf8_cut(span_of(not_cut[i])));
}

static void printable_text_is_cut_between_its_units(void **state)
{
    /* with room for that many bytes including the NUL */
    static const char *const expected[] = {
        [1] = "",
        [2] = "a",
        [3] = "a",
        [4] = "a",
        [5] = "a\xe2\x82\xac",
        [6] = "a\xe2\x82\xac",
        [7] = "a\xe2\x82\xac\\n",
    };

    (void)state;
    for (size_t size = 1; size < sizeof expected / sizeof *expected; size++) {
        char out[8] = "#######";

        str_printable(SPAN("a\xe2\x82\xac\n"), out, size);
        assert_string_equal(out, expected[size]);
    }
}

static void a_size_of_0_writes_nothing(void **state)
{
    char out[] = "#";

    (void)state;
    str_printable(SPAN("abc"), out, 0);
    assert_string_equal(out, "#");
}

static void bytes_are_written_as_hexadecimal_digits(void **state)
{
    char out[] = "########";

    (void)state;
    str_hex((const unsigned char *)"\x00\x9f\xff", 3, out);
    assert_memory_equal(out, "009fff\0#", sizeof out - 1);
    str_hex(NULL, 0, out);
    assert_string_equal(out, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spans_compare_as_bytes_and_a_prefix_comes_first),
        cmocka_unit_test(a_span_of_null_is_empty),
        cmocka_unit_test(beginnings_and_ends_are_found),
        cmocka_unit_test(whole_numbers_are_read_up_to_both_limits),
        cmocka_unit_test(other_texts_leave_the_value_unchanged),
        cmocka_unit_test(numbers_outside_the_range_are_refused),
        cmocka_unit_test(durations_have_four_units_and_seconds_without_one),
        cmocka_unit_test(other_durations_are_refused),
        cmocka_unit_test(invalid_utf8_is_found),
        cmocka_unit_test(invalid_utf8_is_found_at_every_offset_of_long_text),
        cmocka_unit_test(lengths_count_code_points),
        cmocka_unit_test(a_beginning_has_whole_code_points),
        cmocka_unit_test(blanks_are_removed_at_both_ends),
        cmocka_unit_test(a_text_that_ends_within_a_character_is_cut),
        cmocka_unit_test(printable_text_cannot_control_a_terminal),
        cmocka_unit_test(every_byte_is_printed_harmlessly),
        cmocka_unit_test(printable_text_is_cut_between_its_units),
        cmocka_unit_test(a_size_of_0_writes_nothing),
        cmocka_unit_test(bytes_are_written_as_hexadecimal_digits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
