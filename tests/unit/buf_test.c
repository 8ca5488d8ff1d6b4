#include "core/base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void an_empty_buffer_reads_as_empty_text(void **state)
{
    struct buf buf = {0};

    (void)state;
    assert_int_equal(buf_span(&buf).size, 0);
    assert_string_equal(buf_text(&buf), "");
    assert_int_equal(buf.size, 0);
    buf_release(&buf);
}

static void appending_nothing_needs_no_memory(void **state)
{
    struct buf buf = {0};

    (void)state;
    buf_append(&buf, NULL, 0);
    buf_append_span(&buf, (struct span){NULL, 0});
    buf_append_text(&buf, "");
    buf_append_json(&buf, (struct span){NULL, 0});
    assert_null(buf.data);
    assert_int_equal(buf.capacity, 0);
}

static void reserving_nothing_returns_a_pointer(void **state)
{
    struct buf buf = {0};

    (void)state;
    assert_non_null(buf_reserve(&buf, 0));
    assert_int_equal(buf.size, 0);
    buf_release(&buf);
}

static void appended_bytes_keep_their_order(void **state)
{
    struct buf buf = {0};

    (void)state;
    buf_append(&buf, "ab\0", 3);
    buf_append_char(&buf, 'c');
    buf_append_text(&buf, "de");
    buf_append_span(&buf, (struct span){"fgh", 2});
    buf_printf(&buf, "%d%s", 7, "x");
    assert_int_equal(buf.size, 10);
    assert_memory_equal(buf_text(&buf), "ab\0cdefg7x", 11);
    buf_release(&buf);
}

static void a_buffer_grows_byte_by_byte_without_losing_any(void **state)
{
    struct buf buf = {0};

    (void)state;
    for (int i = 0; i < 100000; i++)
        buf_append_char(&buf, (char)i);
    assert_int_equal(buf.size, 100000);
    for (int i = 0; i < 100000; i++)
        assert_int_equal(buf.data[i], (char)i);
    assert_in_range(buf.capacity, 100000, 200000);
    buf_release(&buf);
}

static void one_large_piece_fits_after_any_content(void **state)
{
    static const size_t sizes[] = {1, 255, 256, 257, 511, 512, 513, 1000000};

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct buf buf = {0};

        buf_append_char(&buf, 'a');
        memset(buf_reserve(&buf, sizes[i]), 'b', sizes[i]);
        assert_int_equal(buf.size, 1);
        buf.size += sizes[i];
        assert_true(buf.capacity >= buf.size);
        assert_int_equal(buf.data[0], 'a');
        assert_int_equal(buf.data[sizes[i]], 'b');
        buf_release(&buf);
    }
}

static void a_reset_keeps_the_memory_and_a_release_does_not(void **state)
{
    struct buf buf = {0};
    size_t capacity;

    (void)state;
    buf_append_text(&buf, "something");
    capacity = buf.capacity;
    buf_reset(&buf);
    assert_int_equal(buf.size, 0);
    assert_int_equal(buf.capacity, capacity);
    assert_string_equal(buf_text(&buf), "");
    buf_release(&buf);
    assert_null(buf.data);
    assert_int_equal(buf.capacity, 0);
    buf_release(&buf);
}

static void formatted_text_of_any_size_fits(void **state)
{
    (void)state;
    for (int size = 0; size < 600; size++) {
        struct buf buf = {0};

        buf_printf(&buf, "%*s", size, "");
        assert_int_equal(buf.size, size);
        assert_int_equal(strlen(buf_text(&buf)), size);
        buf_release(&buf);
    }
}

static void json_escapes_what_rfc_8259_requires(void **state)
{
    static const struct {
        struct span text;
        const char *expected;
    } rows[] = {
        {{"", 0}, ""},
        {{"plain", 5}, "plain"},
        {{"\"\\/", 3}, "\\\"\\\\/"},
        {{"\b\t\n\f\r", 5}, "\\b\\t\\n\\f\\r"},
        {{"\0\x01\x1f\x20\x7f", 5}, "\\u0000\\u0001\\u001f \x7f"},
        {{"a\"b\"c", 5}, "a\\\"b\\\"c"},
        {{"\"", 1}, "\\\""},
        {{"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", 9}, "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"},
        {{"\xff", 1}, "\xef\xbf\xbd"},
        {{"a\xff\xfe\"b", 5}, "a\xef\xbf\xbd\xef\xbf\xbd\\\"b"},
        {{"\xe2\x82", 2}, "\xef\xbf\xbd\xef\xbf\xbd"},
        {{"\xed\xa0\x80", 3}, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {{"\xc0\x80x", 3}, "\xef\xbf\xbd\xef\xbf\xbdx"},
        {{"\xc3\xa4\xc3", 3}, "\xc3\xa4\xef\xbf\xbd"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf buf = {0};

        buf_append_char(&buf, '>');
        buf_append_json(&buf, rows[i].text);
        assert_string_equal(buf_text(&buf) + 1, rows[i].expected);
        buf_release(&buf);
    }
}

static void every_byte_becomes_valid_json(void **state)
{
    (void)state;
    for (int byte = 0; byte < 256; byte++) {
        char text[] = {(char)byte, 'x'};
        struct buf buf = {0};

        buf_append_json(&buf, (struct span){text, 2});
        assert_int_equal(str_utf8_valid(buf_span(&buf)), buf.size);
        assert_int_equal(buf.data[buf.size - 1], 'x');
        for (size_t i = 0; i < buf.size; i++)
            assert_true((unsigned char)buf.data[i] >= 0x20);
        buf_release(&buf);
    }
}

static void json_text_of_several_lines_becomes_one_line(void **state)
{
    struct buf buf = {0};

    (void)state;
    buf_append_text(&buf, "{\"a\": ");
    buf_append_json_text(&buf, span_of("[1,\n 2,\r\n\n\"x\\ny\"]"));
    buf_append_json_text(&buf, (struct span){NULL, 0});
    buf_append_char(&buf, '}');
    assert_string_equal(buf_text(&buf), "{\"a\": [1,  2,\r  \"x\\ny\"]}");
    buf_release(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_buffer_reads_as_empty_text),
        cmocka_unit_test(appending_nothing_needs_no_memory),
        cmocka_unit_test(reserving_nothing_returns_a_pointer),
        cmocka_unit_test(appended_bytes_keep_their_order),
        cmocka_unit_test(a_buffer_grows_byte_by_byte_without_losing_any),
        cmocka_unit_test(one_large_piece_fits_after_any_content),
        cmocka_unit_test(a_reset_keeps_the_memory_and_a_release_does_not),
        cmocka_unit_test(formatted_text_of_any_size_fits),
        cmocka_unit_test(json_escapes_what_rfc_8259_requires),
        cmocka_unit_test(every_byte_becomes_valid_json),
        cmocka_unit_test(json_text_of_several_lines_becomes_one_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
