#include "tests/unit/rows_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>

static void check(struct span bytes, const struct row_shape *shape, const char *expected)
{
    assert_read(bytes, ROW_FORMAT_NDJSON, shape, expected);
}

static void assert_rows(const char *text, const char *expected)
{
    check(span_of(text), &rows_shape, expected);
}

/* A line after a good one, and its only violation. */
static void assert_fault(const char *line, const char *violation)
{
    struct buf text = {0}, expected = {0};

    buf_printf(&text, "{\"recordId\":\"good\",\"fields\":{}}\n%s\n", line);
    buf_printf(&expected, "1@1 [good] {}\n2@2\n  %s\nend\n", violation);
    check(buf_span(&text), &rows_shape, buf_text(&expected));
    buf_release(&text);
    buf_release(&expected);
}

static void a_line_becomes_a_record_with_its_fields_unchanged(void **state)
{
    (void)state;
    assert_rows(
        "{\"recordId\": \"r1\", \"version\": 5, \"fields\": {\"price\": 45.50, \"a\" : [1,{}]},"
        " \"tags\": [\"x\", \"y\"]}\n"
        "{\"fields\":{\"sku\":\"a\\u0041\"},\"recordId\":\"r2\"}\n",
        "1@1 [r1] v5 [\"x\", \"y\"] {\"price\": 45.50, \"a\" : [1,{}]}\n"
        "2@2 [r2] {\"sku\":\"a\\u0041\"}\n"
        "end\n");
}

static void members_can_be_in_any_order(void **state)
{
    (void)state;
    assert_rows(
        "{\"tags\":[\"t\"],\"fields\":{\"a\":{\"b\":[{}]}},\"version\":0,\"recordId\":\"r\"}\n",
        "1@1 [r] v0 [\"t\"] {\"a\":{\"b\":[{}]}}\nend\n");
}

static void the_last_line_end_can_be_missing_and_crlf_is_a_line_end(void **state)
{
    (void)state;
    assert_rows(
        "\xEF\xBB\xBF{\"recordId\":\"a\",\"fields\":{}}\r\n{\"recordId\":\"b\",\"fields\":{}}",
        "1@1 [a] {}\n2@2 [b] {}\nend\n");
}

static void blank_lines_are_skipped_but_count_as_lines(void **state)
{
    (void)state;
    assert_rows(
        "\n\r\n{\"recordId\":\"a\",\"fields\":{}}\n\n\n{\"recordId\":\"b\",\"fields\":{}}\n\r",
        "1@3 [a] {}\n2@6 [b] {}\nend\n");
    assert_rows("\n", "end\n");
}

static void an_empty_file_is_refused(void **state)
{
    (void)state;
    assert_rows("", "error: in: the file is empty\n");
    assert_rows("\xEF\xBB\xBF", "error: in: the file is empty\n");
}

static void a_line_that_is_not_json_rejects_one_row(void **state)
{
    (void)state;
    assert_fault("{\"recordId\":\"a\"",
                 "|row|not JSON: column 16: expected ',' or '}', found the end");
    assert_fault("{'recordId':1}", "|row|not JSON: column 2: expected a member name in double "
                                   "quotes, found '''");
    assert_fault(" ", "|row|not JSON: column 2: expected a value, found the end");
    assert_fault("{\"recordId\":\"a\",\"fields\":{\"x\":NaN}}",
                 "|row|not JSON: column 31: expected a value, found 'N'");
    assert_fault("{\"recordId\":\"a\",\"fields\":{\"x\":1,\"x\":2}}",
                 "|row|not JSON: column 33: member \"x\" is twice in one object");
    assert_fault("{\"recordId\":\"a\",\"recordId\":\"a\",\"fields\":{}}",
                 "|row|not JSON: column 17: member \"recordId\" is twice in one object");
    assert_fault(
        "{\"recordId\":\"a\",\"fields\":{\"x\":\"\xE9\"}}",
        "|row|not JSON: column 32: byte 0xe9 is not UTF-8 (looks like windows-1252 or CP850: "
        "see which one shows the right letters; convert the file with iconv -f "
        "windows-1252 -t UTF-8)");
    assert_fault("\xFF", "|row|not JSON: column 1: expected a value, found byte 0xff (looks like "
                         "windows-1252; convert the file with iconv -f windows-1252 -t UTF-8)");
    assert_fault("{\"recordId\":\"a\",\"fields\":{}} // ok",
                 "|row|not JSON: column 30: expected the end, found '/'");
}

static void a_line_that_is_not_an_object_rejects_its_row(void **state)
{
    (void)state;
    assert_fault("[]", "|row|must be a JSON object");
    assert_fault("\"a\"", "|row|must be a JSON object");
    assert_fault("1", "|row|must be a JSON object");
}

static void a_nul_in_a_line_rejects_its_row(void **state)
{
    static const char text[] = "{\"recordId\":\"a\0\",\"fields\":{}}\n\0\n";

    (void)state;
    check((struct span){text, sizeof text - 1}, &rows_shape,
          "1@1\n  |row|holds a NUL byte, at byte 14 of the file\n"
          "2@2\n  |row|holds a NUL byte, at byte 30 of the file\n"
          "end\n");
}

static void other_json_is_refused_with_the_command_that_converts_it(void **state)
{
    static const char array[] = "error: in: is a JSON array, but NDJSON has one object per line: "
                                "convert it with jq -c '.[]' and use its output\n";
    static const char pretty[] =
        "error: in: its first object continues on the next line, but NDJSON "
        "has one object per line: convert it with jq -c . and use its output\n";

    (void)state;
    assert_rows("[{\"recordId\":\"a\",\"fields\":{}}]", array);
    assert_rows("[\n{\"recordId\":\"a\",\"fields\":{}},\n{\"recordId\":\"b\",\"fields\":{}}\n]\n",
                array);
    assert_rows("\n  \r\n [\n", array);
    assert_rows("\xEF\xBB\xBF[]", array);
    assert_rows("{\n  \"recordId\": \"a\",\n  \"fields\": {}\n}\n", pretty);
    assert_rows("{\"recordId\":\"a}\",\"fields\":{\n}}\n", pretty);
    assert_rows("{\"recordId\":\"{[\\\"{\",\"fields\":{}}\n", "1@1 [{[\"{] {}\nend\n");
    check((struct span){"{\0\"\0r\0\"\0", 8}, &rows_shape,
          "error: in: is UTF-16, but NDJSON must be UTF-8: convert it with iconv -f UTF-16LE -t "
          "UTF-8\n");
    check((struct span){"\xFE\xFF\0{\0}", 6}, &rows_shape,
          "error: in: is UTF-16, but NDJSON must be UTF-8: convert it with iconv -f UTF-16 -t "
          "UTF-8\n");
    check((struct span){"\xFF\xFE\0\0{\0\0\0}\0\0\0", 12}, &rows_shape,
          "error: in: is UTF-32: convert it: iconv -f UTF-32 -t UTF-8\n");
    check((struct span){"\0\0\xFE\xFF\0\0\0{\0\0\0}", 12}, &rows_shape,
          "error: in: is UTF-32: convert it: iconv -f UTF-32 -t UTF-8\n");
    check((struct span){"{\0\0\0\"\0\0\0r\0\0\0", 12}, &rows_shape,
          "error: in: is UTF-32: convert it: iconv -f UTF-32LE -t UTF-8\n");
    check((struct span){"\0\0\0{\0\0\0\"\0\0\0r", 12}, &rows_shape,
          "error: in: is UTF-32: convert it: iconv -f UTF-32BE -t UTF-8\n");
}

static void text_in_another_encoding_is_refused_with_the_command_that_converts_it(void **state)
{
    (void)state;
    assert_rows("{\"recordId\":\"a\",\"fields\":{\"n\":\"K\xFC"
                "che\"}}\n",
                "1@1\n  |row|not JSON: column 33: byte 0xfc is not UTF-8 (looks like windows-1252; "
                "convert the file with iconv -f windows-1252 -t UTF-8)\nend\n");
    assert_rows(
        "{\"recordId\":\"caf\xE9\"}\n{\"recordId\":\"K\x81\"}",
        "1@1\n  |row|not JSON: column 17: byte 0xe9 is not UTF-8 (looks like windows-1252 or "
        "CP850: see which one shows the right letters; convert the file with iconv -f "
        "windows-1252 -t UTF-8)\n"
        "2@2\n  |row|not JSON: column 15: byte 0x81 is not UTF-8 (looks like CP850; convert "
        "the file with iconv -f CP850 -t UTF-8)\nend\n");
    /* a single row, or what is not text, must not be converted */
    assert_rows(
        "{\"recordId\":\"\xC3\xBC\",\"fields\":{}}\n{\"recordId\":\"\xFC\"}\n",
        "1@1 [\xC3\xBC] {}\n2@2\n  |row|not JSON: column 14: byte 0xfc is not UTF-8\nend\n");
    assert_rows("{\"recordId\":\"\xC3\xBC\xFC\"}\n",
                "1@1\n  |row|not JSON: column 16: byte 0xfc is not UTF-8\nend\n");
    assert_rows("{\"recordId\":\"\xFC\"}\x02\n",
                "1@1\n  |row|not JSON: column 14: byte 0xfc is not UTF-8\nend\n");
}

static void a_separator_before_a_text_is_skipped(void **state)
{
    (void)state;
    assert_rows(
        "\x1E{\"recordId\":\"a\",\"fields\":{}}\n\x1E{\"recordId\":1,\"fields\":{}}\n\x1E{x\n",
        "1@1 [a] {}\n2@2 {}\n  record_id|record_id|recordId must be a string, is 1\n"
        "3@3\n  |row|not JSON: column 3: expected a member name in double quotes, found "
        "'x'\nend\n");
    /* several in a row are one (RFC 7464 section 2.1) */
    assert_rows("\x1E\n\x1E\x1E{\"recordId\":\"a\",\"fields\":{}}\n\x1E\r\n\x1E",
                "1@2 [a] {}\nend\n");
}

static void bytes_around_a_text_are_reported(void **state)
{
    (void)state;
    assert_fault("\xEF\xBB\xBF{\"recordId\":\"a\",\"fields\":{}}",
                 "|row|begins with a byte order mark (U+FEFF), which is allowed only at the "
                 "beginning of a file: remove it");
    assert_rows("{\"recordId\":\"a\",\"fields\":{}}\n\x1A", "1@1 [a] {}\nend\n");
    assert_rows("{\"recordId\":\"a\",\"fields\":{}}\n{\"recordId\":\"\xC3",
                "1@1 [a] {}\nerror: in: line 2: the file ends within a UTF-8 character: it is cut "
                "off: export it again\n");
}

static void blanks_are_trimmed_if_declared(void **state)
{
    struct row_shape shape = rows_shape;

    (void)state;
    shape.trim = true;
    check(
        span_of("{\"recordId\":\" a\\t\",\"fields\":{\"sku\":\" x \"},\"tags\":[\" t \",\" \"]}\n"),
        &shape, "1@1 [a] [\"t\"] {\"sku\":\" x \"}\nend\n");
}

static void nesting_counts_from_the_line(void **state)
{
    (void)state;
    for (int depth = 64; depth <= 65; depth++) {
        struct buf text = {0}, expected = {0};
        size_t start, size;

        buf_append_text(&text, "{\"recordId\":\"a\",\"fields\":");
        start = text.size;
        buf_append_text(&text, "{\"a\":");
        for (int i = 0; i < depth - 2; i++)
            buf_append_char(&text, '[');
        for (int i = 0; i < depth - 2; i++)
            buf_append_char(&text, ']');
        buf_append_char(&text, '}');
        size = text.size - start;
        buf_append_text(&text, "}\n");
        if (depth == 64)
            buf_printf(&expected, "1@1 [a] %.*s\nend\n", (int)size, text.data + start);
        else
            buf_printf(&expected, "1@1\n  |row|not JSON: column 93: nested deeper than 64 levels\n"
                                  "end\n");
        check(buf_span(&text), &rows_shape, buf_text(&expected));
        buf_release(&text);
        buf_release(&expected);
    }
}

static void missing_members_are_reported(void **state)
{
    (void)state;
    check(span_of("{}\n"), &rows_shape_versioned,
          "1@1\n"
          "  record_id|record_id|recordId is missing\n"
          "  version|version|is missing; it is required for optimistic locking\n"
          "  |row|fields is missing\n"
          "end\n");
    assert_rows("{\"fields\":{\"a\":1}}\n", "1@1 {\"a\":1}\n"
                                            "  record_id|record_id|recordId is missing\n"
                                            "end\n");
}

static void members_of_the_wrong_kind_are_reported(void **state)
{
    (void)state;
    assert_rows("{\"recordId\":12,\"version\":\"5\",\"fields\":[],\"tags\":\"a\"}\n"
                "{\"recordId\":null,\"version\":null,\"fields\":null,\"tags\":[1]}\n"
                "{\"recordId\":\"c\",\"version\":1.0,\"fields\":\"{}\",\"tags\":[\"a\",[\"b\"]]}\n"
                "{\"recordId\":\"d\",\"version\":-1,\"fields\":{},\"tags\":{\"a\":\"b\"}}\n",
                "1@1\n"
                "  record_id|record_id|recordId must be a string, is 12\n"
                "  version|version|must be an integer from 0 to 9223372036854775807, is \"5\"\n"
                "  |row|fields must be an object, is []\n"
                "  |row|tags must be an array of strings\n"
                "2@2\n"
                "  record_id|record_id|recordId must be a string, is null\n"
                "  version|version|must be an integer from 0 to 9223372036854775807, is null\n"
                "  |row|fields must be an object, is null\n"
                "  |row|tags must be an array of strings\n"
                "3@3 [c]\n"
                "  version|version|must be an integer from 0 to 9223372036854775807, is 1.0\n"
                "  |row|fields must be an object, is \"{}\"\n"
                "  |row|tags must be an array of strings\n"
                "4@4 [d] {}\n"
                "  version|version|must be an integer from 0 to 9223372036854775807, is -1\n"
                "  |row|tags must be an array of strings\n"
                "end\n");
}

static void an_unknown_member_is_reported_and_the_rest_is_read(void **state)
{
    (void)state;
    assert_rows("{\"recordId\":\"a\",\"Version\":1,\"fields\":{\"x\":1},\"\\u001b\":0}\n",
                "1@1 [a] {\"x\":1}\n"
                "  |row|unknown member \"Version\"; there are recordId, version, fields and tags\n"
                "  |row|unknown member \"\\x1b\"; there are recordId, version, fields and tags\n"
                "end\n");
}

static void the_outcome_of_an_export_is_skipped(void **state)
{
    (void)state;
    assert_rows("{\"recordId\":\"a\",\"fields\":{},\"outcome\":{\"job\":\"1/1\",\"x\":[1]}}",
                "1@1 [a] {}\nend\n");
    assert_rows("{\"recordId\":\"a\",\"fields\":{},\"outcome\":7}",
                "1@1 [a] {}\n  |row|outcome must be an object, is 7\nend\n");
}

/* The first line says what the file is; its versions count although the schema file has them
 * fetched.
 */
static void a_file_that_undoes_has_undo_in_each_line(void **state)
{
    const struct row_shape fetched = {.version_fetched = true};

    (void)state;
    check(span_of("\n{\"fields\":{},\"version\":7,\"recordId\":\"a\",\"undo\":true}\n"
                  "{\"undo\":true,\"recordId\":\"b\",\"fields\":{}}\n"
                  "{\"recordId\":\"c\",\"version\":7,\"fields\":{}}\n"
                  "{\"undo\":false,\"recordId\":\"d\",\"version\":7,\"fields\":{}}\n"),
          &fetched,
          "1@2 [a] v7 {}\n2@3 [b] {}\n  version|version|is missing; it is required for "
          "optimistic locking\n"
          "3@4 [c] v7 {}\n  |row|\"undo\": true must be in each line of a file, or in none\n"
          "4@5 [d] v7 {}\n  |row|undo must be true, is false\nend\n");
    assert_rows("{\"recordId\":\"a\",\"fields\":{}}\n"
                "{\"undo\":true,\"recordId\":\"b\",\"fields\":{}}\n",
                "1@1 [a] {}\n2@2 [b] {}\n"
                "  |row|\"undo\": true must be in each line of a file, or in none\nend\n");
}

static void record_ids_are_decoded_and_checked(void **state)
{
    (void)state;
    assert_rows("{\"recordId\":\"\\u0061\\ud83d\\ude00\",\"fields\":{}}\n"
                "{\"record\\u0049d\":\"b\",\"fields\":{}}\n"
                "{\"recordId\":\"\",\"fields\":{}}\n"
                "{\"recordId\":\"\\u002e.\",\"fields\":{}}\n"
                "{\"recordId\":\"a\\tb\",\"fields\":{}}\n",
                "1@1 [a\xF0\x9F\x98\x80] {}\n"
                "2@2 [b] {}\n"
                "3@3 {}\n"
                "  record_id|record_id|must not be empty\n"
                "4@4 [..] {}\n"
                "  record_id|record_id|must not be . or .., which no path can hold\n"
                "5@5 [a\tb] {}\n"
                "  record_id|record_id|must not hold control characters\n"
                "end\n");
}

static void an_empty_list_of_tags_means_no_tags(void **state)
{
    (void)state;
    assert_rows("{\"recordId\":\"a\",\"fields\":{},\"tags\":[ ]}\n", "1@1 [a] {}\nend\n");
}

static void a_version_that_int64_cannot_hold_is_refused(void **state)
{
    (void)state;
    assert_rows("{\"recordId\":\"a\",\"version\":9223372036854775807,\"fields\":{}}\n"
                "{\"recordId\":\"b\",\"version\":9223372036854775808,\"fields\":{}}\n",
                "1@1 [a] v9223372036854775807 {}\n"
                "2@2 [b] {}\n"
                "  version|version|must be an integer from 0 to 9223372036854775807, "
                "is 9223372036854775808\n"
                "end\n");
}

/* A line of `size` bytes with its line end. */
static void append_line(struct buf *text, const char *id, size_t size)
{
    size_t start = text->size, used;

    buf_printf(text, "{\"recordId\":\"%s\",\"fields\":{\"a\":\"", id);
    used = text->size - start + 4;
    memset(buf_reserve(text, size - used), 'x', size - used);
    text->size += size - used;
    buf_append_text(text, "\"}}\n");
}

static void a_line_of_exactly_the_maximum_size_is_read(void **state)
{
    struct buf text = {0};
    char *dump;

    (void)state;
    append_line(&text, "a", ROW_SIZE_MAX);
    append_line(&text, "b", ROW_SIZE_MAX + 1);
    append_line(&text, "c", 3 * ROW_SIZE_MAX);
    append_line(&text, "d", ROW_SIZE_MAX);
    dump = rows_dump(buf_span(&text), ROW_FORMAT_NDJSON, &rows_shape, ROWS_FILE);
    assert_int_equal(strlen(dump), 2 * (size_t)ROW_SIZE_MAX + 124);
    assert_memory_equal(dump, "1@1 [a] {\"a\":\"x", 15);
    assert_non_null(strstr(
        dump, "xx\"}\n"
              "2@2\n  |row|is longer than 1048576 bytes; only those at its beginning are kept\n"
              "3@3\n  |row|is longer than 1048576 bytes; only those at its beginning are kept\n"
              "4@4 [d] {\"a\":\"xx"));
    assert_string_equal(dump + strlen(dump) - 8, "x\"}\nend\n");
    free(dump);
    buf_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_becomes_a_record_with_its_fields_unchanged),
        cmocka_unit_test(members_can_be_in_any_order),
        cmocka_unit_test(the_last_line_end_can_be_missing_and_crlf_is_a_line_end),
        cmocka_unit_test(blank_lines_are_skipped_but_count_as_lines),
        cmocka_unit_test(an_empty_file_is_refused),
        cmocka_unit_test(a_line_that_is_not_json_rejects_one_row),
        cmocka_unit_test(a_line_that_is_not_an_object_rejects_its_row),
        cmocka_unit_test(a_nul_in_a_line_rejects_its_row),
        cmocka_unit_test(other_json_is_refused_with_the_command_that_converts_it),
        cmocka_unit_test(a_separator_before_a_text_is_skipped),
        cmocka_unit_test(text_in_another_encoding_is_refused_with_the_command_that_converts_it),
        cmocka_unit_test(bytes_around_a_text_are_reported),
        cmocka_unit_test(blanks_are_trimmed_if_declared),
        cmocka_unit_test(nesting_counts_from_the_line),
        cmocka_unit_test(missing_members_are_reported),
        cmocka_unit_test(members_of_the_wrong_kind_are_reported),
        cmocka_unit_test(an_unknown_member_is_reported_and_the_rest_is_read),
        cmocka_unit_test(the_outcome_of_an_export_is_skipped),
        cmocka_unit_test(a_file_that_undoes_has_undo_in_each_line),
        cmocka_unit_test(record_ids_are_decoded_and_checked),
        cmocka_unit_test(an_empty_list_of_tags_means_no_tags),
        cmocka_unit_test(a_version_that_int64_cannot_hold_is_refused),
        cmocka_unit_test(a_line_of_exactly_the_maximum_size_is_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
