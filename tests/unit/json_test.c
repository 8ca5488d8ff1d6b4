#include "core/row/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

static bool scan(struct json_tape *tape, const char *text, struct json_fault *fault)
{
    tape->count = 0;
    return json_scan(tape, span_of(text), 0, fault);
}

static void valid_texts_are_accepted(void **state)
{
    static const char *const texts[] = {
        "0",
        "-0",
        "1",
        "-1",
        "10",
        "1.5",
        "-0.0",
        "0e0",
        "1E5",
        "1e+5",
        "1e-5",
        "0.5e10",
        "123456789012345678901234567890",
        "1e9999",
        "0.1000000000000000055511151231257827",
        "true",
        "false",
        "null",
        "\"\"",
        "\"a\"",
        "[]",
        "{}",
        " [] ",
        "\t\r\n {} \r\n",
        "[1,2,3]",
        "[ 1 , 2 ]",
        "[[],[[]],{}]",
        "{\"a\":1}",
        "{ \"a\" : 1 , \"b\" : [ ] }",
        "{\"\":0}",
        "{\"a\":{\"a\":{\"a\":1}}}",
        "[\"\\u0000\"]",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
        "\"\\u00e9\\u20AC\"",
        "\"\\ud83d\\ude00\"",
        "\"\\uD800\\uDC00\\uDBFF\\uDFFF\"",
        "\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\"",
        "\"\x7F\"",
        "\"\xC2\x80\"",
        "\"\xEF\xBF\xBF\"",
        "\"\xF4\x8F\xBF\xBF\"",
        "\"// no comment\"",
        "\"0123456789abcdef0123456789abcdef\"",
        "{\"a\":null,\"b\":true,\"c\":false}",
        "[1e1,1E1,-1.0]",
        "\"\xED\x9F\xBF\xEE\x80\x80\"",
        "[\"a\",\"a\"]",
        "{\"a\":[{\"a\":1},{\"a\":2}]}",
        "{\"\xC3\xA9\":1,\"e\xCC\x81\":2}",
    };
    struct json_tape tape = {0};
    struct json_fault fault;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (!scan(&tape, texts[i], &fault))
            fail_msg("%s: %zu: %s", texts[i], fault.offset, fault.message);
    json_tape_release(&tape);
}

static const struct {
    const char *text;
    size_t offset;
    const char *message;
} wrong_texts[] = {
    /* nothing, too little, too much */
    {"", 0, "expected a value, found the end"},
    {"  ", 2, "expected a value, found the end"},
    {"[", 1, "expected a value, found the end"},
    {"[1", 2, "expected ',' or ']', found the end"},
    {"[1,", 3, "expected a value, found the end"},
    {"{", 1, "expected a member name in double quotes, found the end"},
    {"{\"a\"", 4, "expected ':', found the end"},
    {"{\"a\":", 5, "expected a value, found the end"},
    {"{\"a\":1", 6, "expected ',' or '}', found the end"},
    {"1 2", 2, "expected the end, found '2'"},
    {"{}{}", 2, "expected the end, found '{'"},
    {"[]]", 2, "expected the end, found ']'"},
    {"{} x", 3, "expected the end, found 'x'"},
    {"\xEF\xBB\xBF{}", 0, "expected a value, found byte 0xef"},
    /* commas and colons */
    {"[1,]", 3, "expected a value, found ']'"},
    {"[,1]", 1, "expected a value, found ','"},
    {"[1,,2]", 3, "expected a value, found ','"},
    {"[1 2]", 3, "expected ',' or ']', found '2'"},
    {"[1:2]", 2, "expected ',' or ']', found ':'"},
    {"[}", 1, "expected a value, found '}'"},
    {"[1}", 2, "expected ',' or ']', found '}'"},
    {"{\"a\":1,}", 7, "expected a member name in double quotes, found '}'"},
    {"{,}", 1, "expected a member name in double quotes, found ','"},
    {"{\"a\" 1}", 5, "expected ':', found '1'"},
    {"{\"a\":}", 5, "expected a value, found '}'"},
    {"{\"a\"}", 4, "expected ':', found '}'"},
    {"{\"a\":1 \"b\":2}", 7, "expected ',' or '}', found '\"'"},
    {"{\"a\":1]", 6, "expected ',' or '}', found ']'"},
    {"{a:1}", 1, "expected a member name in double quotes, found 'a'"},
    {"{1:1}", 1, "expected a member name in double quotes, found '1'"},
    {"{'a':1}", 1, "expected a member name in double quotes, found '''"},
    {"['a']", 1, "expected a value, found '''"},
    /* what other dialects allow */
    {"[1] // x", 4, "expected the end, found '/'"},
    {"/* x */ 1", 0, "expected a value, found '/'"},
    {"NaN", 0, "expected a value, found 'N'"},
    {"Infinity", 0, "expected a value, found 'I'"},
    {"-Infinity", 1, "digits are missing in a number"},
    {"True", 0, "expected a value, found 'T'"},
    {"nul", 0, "expected a value, found 'n'"},
    {"truth", 0, "expected a value, found 't'"},
    {"trueish", 4, "expected the end, found 'i'"},
    {"undefined", 0, "expected a value, found 'u'"},
    {"[1\f]", 2, "expected ',' or ']', found byte 0x0c"},
    {"[\xC2\xA0]", 1, "expected a value, found byte 0xc2"},
    /* numbers */
    {"-", 1, "digits are missing in a number"},
    {"+1", 0, "expected a value, found '+'"},
    {"01", 0, "a number begins with a superfluous 0"},
    {"-01", 1, "a number begins with a superfluous 0"},
    {"00", 0, "a number begins with a superfluous 0"},
    {"[012]", 1, "a number begins with a superfluous 0"},
    {".5", 0, "expected a value, found '.'"},
    {"1.", 2, "digits are missing after the decimal point"},
    {"1.e5", 2, "digits are missing after the decimal point"},
    {"-.5", 1, "digits are missing in a number"},
    {"1e", 2, "digits are missing in an exponent"},
    {"1e+", 3, "digits are missing in an exponent"},
    {"1e5.5", 3, "expected the end, found '.'"},
    {"0x10", 1, "expected the end, found 'x'"},
    {"1_000", 1, "expected the end, found '_'"},
    {"1,5", 1, "expected the end, found ','"},
    {"--1", 1, "digits are missing in a number"},
    /* strings */
    {"\"abc", 0, "string is not closed"},
    {"[\"abc]", 1, "string is not closed"},
    {"\"abc\\\"", 0, "string is not closed"},
    {"\"abc\\", 4, "unknown escape in a string"},
    {"\"\\x41\"", 1, "unknown escape in a string"},
    {"\"\\'\"", 1, "unknown escape in a string"},
    {"\"\\U0041\"", 1, "unknown escape in a string"},
    {"\"\\u12\"", 1, "\\u is not followed by four hexadecimal digits"},
    {"\"\\u12g4\"", 1, "\\u is not followed by four hexadecimal digits"},
    {"\"\\u", 1, "\\u is not followed by four hexadecimal digits"},
    {"\"a\nb\"", 2, "control character 0x0a in a string"},
    {"\"a\tb\"", 2, "control character 0x09 in a string"},
    {"\"0123456789abcdef\x1F\"", 17, "control character 0x1f in a string"},
    {"\"\\ud800\"", 1, "lone surrogate \\ud800"},
    {"\"\\uD834x\"", 1, "lone surrogate \\ud834"},
    {"\"\\ud800\\n\"", 1, "lone surrogate \\ud800"},
    {"\"\\ud800\\u0041\"", 1, "lone surrogate \\ud800"},
    {"\"\\ud800\\ud800\"", 1, "lone surrogate \\ud800"},
    {"\"\\udc00\"", 1, "lone surrogate \\udc00"},
    {"\"\\udc00\\ud800\"", 1, "lone surrogate \\udc00"},
    {"{\"\\udfff\":1}", 2, "lone surrogate \\udfff"},
    /* bytes that are not UTF-8 */
    {"\"\xFF\"", 1, "byte 0xff is not UTF-8"},
    {"\"abc\xE9\"", 4, "byte 0xe9 is not UTF-8"},
    {"\"\x80\"", 1, "byte 0x80 is not UTF-8"},
    {"\"\xC0\x80\"", 1, "byte 0xc0 is not UTF-8"},
    {"\"\xE0\x80\x80\"", 1, "byte 0xe0 is not UTF-8"},
    {"\"\xED\xA0\x80\"", 1, "byte 0xed is not UTF-8"},
    {"\"\xF4\x90\x80\x80\"", 1, "byte 0xf4 is not UTF-8"},
    {"\"\xE2\x82\"", 1, "byte 0xe2 is not UTF-8"},
    {"\"0123456789abcdef0123\xC3\"", 21, "byte 0xc3 is not UTF-8"},
    {"\"\xC3\xA9\\n\xE9\"", 5, "byte 0xe9 is not UTF-8"},
    {"{\"\xE9\":1}", 2, "byte 0xe9 is not UTF-8"},
    /* the same name twice */
    {"{\"a\":1,\"a\":2}", 7, "member \"a\" is twice in one object"},
    {"{\"a\":1,\"b\":{},\"a\":[]}", 14, "member \"a\" is twice in one object"},
    {"{\"\":1,\"\":2}", 6, "member \"\" is twice in one object"},
    {"{\"ab\":1,\"\\u0061b\":2}", 8, "member \"\\u0061b\" is twice in one object"},
    {"{\"\\u0061\":1,\"\\u0062\":0,\"a\":2}", 23, "member \"a\" is twice in one object"},
    {"{\"\xC3\xA9\":1,\"\\u00E9\":2}", 8, "member \"\\u00E9\" is twice in one object"},
    {"{\"\\\\\":1,\"\\u005c\":2}", 8, "member \"\\u005c\" is twice in one object"},
    {"[{\"x\":{\"k\":1,\"k\":1}}]", 13, "member \"k\" is twice in one object"},
};

static void invalid_texts_are_refused_with_place_and_reason(void **state)
{
    struct json_tape tape = {0};
    struct json_fault fault;

    (void)state;
    for (size_t i = 0; i < sizeof wrong_texts / sizeof *wrong_texts; i++) {
        if (scan(&tape, wrong_texts[i].text, &fault))
            fail_msg("%s is accepted", wrong_texts[i].text);
        if (fault.offset != wrong_texts[i].offset ||
            strcmp(fault.message, wrong_texts[i].message) != 0)
            fail_msg("%s: %zu: %s", wrong_texts[i].text, fault.offset, fault.message);
        assert_int_equal(tape.count, 0);
    }
    json_tape_release(&tape);
}

static void a_nul_is_neither_white_space_nor_the_end(void **state)
{
    struct json_tape tape = {0};
    struct json_fault fault;

    (void)state;
    assert_false(json_scan(&tape, (struct span){"1\0", 2}, 0, &fault));
    assert_string_equal(fault.message, "expected the end, found byte 0x00");
    assert_false(json_scan(&tape, (struct span){"\0", 1}, 0, &fault));
    assert_string_equal(fault.message, "expected a value, found byte 0x00");
    assert_false(json_scan(&tape, (struct span){"\"a\0\"", 4}, 0, &fault));
    assert_string_equal(fault.message, "control character 0x00 in a string");
    assert_false(json_scan(&tape, (struct span){"\"\\\0\"", 4}, 0, &fault));
    assert_string_equal(fault.message, "unknown escape in a string");
    json_tape_release(&tape);
}

/* A text that ends early has to be refused wherever it ends, without reading past its end. */
static void a_truncated_text_is_refused_at_every_length(void **state)
{
    static const char text[] =
        "{\"a\":[1.5e+3,{\"b\\u00e9\\ud83d\\ude00\":null},true,\"\xE2\x82\xAC\"],"
        "\"c\":\"0123456789abcdef0123456789\"}";
    struct json_tape tape = {0};
    struct json_fault fault;

    (void)state;
    for (size_t size = 0; size < sizeof text - 1; size++) {
        char *exact = malloc(size + !size);

        memcpy(exact, text, size);
        assert_false(json_scan(&tape, (struct span){exact, size}, 0, &fault));
        assert_true(fault.offset <= size);
        free(exact);
    }
    assert_true(json_scan(&tape, span_of(text), 0, &fault));
    json_tape_release(&tape);
}

static char *nested(unsigned depth, const char *open, const char *inside, const char *close)
{
    struct buf text = {0};

    for (unsigned i = 0; i < depth; i++)
        buf_append_text(&text, open);
    buf_append_text(&text, inside);
    for (unsigned i = 0; i < depth; i++)
        buf_append_text(&text, close);
    buf_append_char(&text, '\0');
    return text.data;
}

static void nesting_is_allowed_to_64_levels(void **state)
{
    static const char *const pairs[][3] = {{"[", "", "]"}, {"{\"a\":", "1", "}"}};
    struct json_tape tape = {0};
    struct json_fault fault;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        char *fits = nested(64, pairs[i][0], pairs[i][1], pairs[i][2]);
        char *deep = nested(65, pairs[i][0], pairs[i][1], pairs[i][2]);

        assert_true(scan(&tape, fits, &fault));
        assert_false(scan(&tape, deep, &fault));
        assert_int_equal(fault.offset, 64 * strlen(pairs[i][0]));
        assert_string_equal(fault.message, "nested deeper than 64 levels");

        assert_false(json_scan_inside(&tape, span_of(fits), 0, 1, &fault));
        assert_true(json_scan_inside(&tape, span_of("{\"a\":{}}"), 0, 62, &fault));
        assert_false(json_scan_inside(&tape, span_of("{\"a\":{}}"), 0, 63, &fault));
        assert_true(json_scan_inside(&tape, span_of("1"), 0, 64, &fault));
        free(fits);
        free(deep);
    }
    json_tape_release(&tape);
}

static void the_tape_has_kinds_places_and_what_comes_next(void **state)
{
    static const char text[] = " {\"a\": [1, -2.50], \"b\\n\": {\"c\": \"x\"}, \"d\": null} ";
    static const struct json_token expected[] = {
        {JSON_OBJECT, 0, 1, 47, 11, 3}, {JSON_STRING, 0, 3, 1, 2, 0},
        {JSON_ARRAY, 0, 7, 10, 5, 2},   {JSON_NUMBER, 0, 8, 1, 4, 0},
        {JSON_NUMBER, 0, 11, 5, 5, 0},  {JSON_STRING, 1, 20, 3, 6, 0},
        {JSON_OBJECT, 0, 26, 10, 9, 1}, {JSON_STRING, 0, 28, 1, 8, 0},
        {JSON_STRING, 0, 33, 1, 9, 0},  {JSON_STRING, 0, 39, 1, 10, 0},
        {JSON_NULL, 0, 43, 4, 11, 0},
    };
    struct json_tape tape = {0};
    struct json_fault fault;

    (void)state;
    for (uint32_t base = 0; base < 200; base += 100) {
        uint32_t before = tape.count;

        assert_true(json_scan(&tape, span_of(text), base, &fault));
        assert_int_equal(tape.count - before, sizeof expected / sizeof *expected);
        for (uint32_t i = 0; i < tape.count - before; i++) {
            const struct json_token *token = &tape.tokens[before + i];

            assert_int_equal(token->kind, expected[i].kind);
            assert_int_equal(token->escaped, expected[i].escaped);
            assert_int_equal(token->start, expected[i].start + base);
            assert_int_equal(token->size, expected[i].size);
            assert_int_equal(token->next, expected[i].next + before);
            assert_int_equal(token->count, expected[i].count);
        }
    }
    json_tape_release(&tape);
}

static void numbers_keep_their_digits(void **state)
{
    static const char *const numbers[] = {"45.50", "-0.0", "1E+02", "98765432109876543210.10",
                                          "100000000000000000000000000000000000001"};
    struct json_tape tape = {0};
    struct json_fault fault;

    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        assert_true(scan(&tape, numbers[i], &fault));
        assert_int_equal(tape.tokens[0].start, 0);
        assert_int_equal(tape.tokens[0].size, strlen(numbers[i]));
        assert_true(json_is_number(span_of(numbers[i])));
    }
    json_tape_release(&tape);
}

static void only_the_number_grammar_is_a_number(void **state)
{
    static const char *const wrong[] = {
        "",   " 1",   "1 ",  "+1",  "01",    "1.",    ".1",    "1e",   "1,5",   "0x1", "-",
        "1-", "1e5x", "NaN", "--1", "1.2.3", "1e1e1", "\"1\"", "null", "1 000", "-00", "1e-"};

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (json_is_number(span_of(wrong[i])))
            fail_msg("'%s' is taken for a number", wrong[i]);
}

/* Objects of every size on both sides of the step from comparing each with each to a table. */
static void a_repeated_name_is_found_in_objects_of_every_size(void **state)
{
    struct json_tape tape = {0};
    struct json_fault fault;
    struct buf text = {0};

    (void)state;
    for (int count = 2; count < 70; count++) {
        for (int repeated = -1; repeated < count - 1; repeated += 7) {
            buf_reset(&text);
            for (int i = 0; i < count; i++)
                buf_printf(&text, "%c\"name%d\":{\"name0\":[%d]}", i ? ',' : '{',
                           i == count - 1 && repeated >= 0 ? repeated : i, i);
            buf_append_char(&text, '}');
            tape.count = 0;
            assert_int_equal(json_scan(&tape, buf_span(&text), 0, &fault), repeated < 0);
        }
    }
    buf_release(&text);
    json_tape_release(&tape);
}

static void a_repeated_name_among_very_many_is_found_in_time(void **state)
{
    struct json_tape tape = {0};
    struct json_fault fault;
    struct buf text = {0};
    size_t last;

    (void)state;
    for (int i = 0; i < 80000; i++)
        buf_printf(&text, "%c\"n%d\":0", i ? ',' : '{', i);
    last = text.size;
    buf_append_text(&text, ",\"\\u006e79999\":1}");
    assert_false(json_scan(&tape, buf_span(&text), 0, &fault));
    assert_int_equal(fault.offset, last + 1);
    text.size = last;
    buf_append_char(&text, '}');
    assert_true(json_scan(&tape, buf_span(&text), 0, &fault));
    assert_int_equal(tape.count, 160001);
    buf_release(&text);
    json_tape_release(&tape);
}

static void a_long_repeated_name_is_cut_in_the_message(void **state)
{
    char name[201] = "", text[500];
    struct json_tape tape = {0};
    struct json_fault fault;

    (void)state;
    memset(name, 'a', 200);
    snprintf(text, sizeof text, "{\"%s\":1,\"%s\":2}", name, name);
    assert_false(scan(&tape, text, &fault));
    assert_int_equal(fault.offset, 206);
    assert_string_equal(
        fault.message, "member \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\" "
                       "is twice in one object");
    json_tape_release(&tape);
}

static void escapes_decode_to_utf8(void **state)
{
    static const struct {
        const char *inside, *decoded;
    } cases[] = {
        {"", ""},
        {"plain", "plain"},
        {"\\\"\\\\\\/", "\"\\/"},
        {"\\b\\f\\n\\r\\t", "\b\f\n\r\t"},
        {"a\\u0041b", "aAb"},
        {"\\u007f\\u0080\\u07ff\\u0800", "\x7F\xC2\x80\xDF\xBF\xE0\xA0\x80"},
        {"\\uFFFF\\ud83D\\uDe00!", "\xEF\xBF\xBF\xF0\x9F\x98\x80!"},
        {"\\uD800\\uDC00\\udbff\\udfff", "\xF0\x90\x80\x80\xF4\x8F\xBF\xBF"},
        {"\\\\u0041", "\\u0041"},
        {"\xE2\x82\xAC\\n\xE2\x82\xAC", "\xE2\x82\xAC\n\xE2\x82\xAC"},
    };
    struct buf out = {0};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        buf_reset(&out);
        json_decode(&out, span_of(cases[i].inside));
        assert_string_equal(buf_text(&out), cases[i].decoded);
    }
    buf_release(&out);
}

static void json_string_decodes_only_what_is_escaped(void **state)
{
    static const char text[] = "[\"plain\",\"a\\u0000b\"]";
    struct json_tape tape = {0};
    struct json_fault fault;
    struct buf scratch = {0};
    struct span string;

    (void)state;
    buf_append_text(&scratch, "left over");
    assert_true(scan(&tape, text, &fault));
    string = json_string(&tape.tokens[1], text, &scratch);
    assert_ptr_equal(string.data, text + 2);
    assert_int_equal(string.size, 5);
    string = json_string(&tape.tokens[2], text, &scratch);
    assert_int_equal(string.size, 3);
    assert_memory_equal(string.data, "a\0b", 3);
    buf_release(&scratch);
    json_tape_release(&tape);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(valid_texts_are_accepted),
        cmocka_unit_test(invalid_texts_are_refused_with_place_and_reason),
        cmocka_unit_test(a_nul_is_neither_white_space_nor_the_end),
        cmocka_unit_test(a_truncated_text_is_refused_at_every_length),
        cmocka_unit_test(nesting_is_allowed_to_64_levels),
        cmocka_unit_test(the_tape_has_kinds_places_and_what_comes_next),
        cmocka_unit_test(numbers_keep_their_digits),
        cmocka_unit_test(only_the_number_grammar_is_a_number),
        cmocka_unit_test(a_repeated_name_is_found_in_objects_of_every_size),
        cmocka_unit_test(a_repeated_name_among_very_many_is_found_in_time),
        cmocka_unit_test(a_long_repeated_name_is_cut_in_the_message),
        cmocka_unit_test(escapes_decode_to_utf8),
        cmocka_unit_test(json_string_decodes_only_what_is_escaped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
