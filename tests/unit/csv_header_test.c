#include "tests/unit/rows_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <unistd.h>

static void assert_refused_bytes(struct span bytes, const char *expected)
{
    assert_read(bytes, ROW_FORMAT_CSV, &rows_shape, expected);
}

static void assert_refused(const char *text, const char *expected)
{
    assert_refused_bytes(span_of(text), expected);
}

static void an_empty_file_is_refused(void **state)
{
    (void)state;
    assert_refused("", "error: in: the file is empty\n");
    assert_refused("\xEF\xBB\xBF", "error: in: the file is empty\n");
    assert_refused("\n\r\n\n", "error: in: there is no header row, only blank lines\n");
    assert_refused("\r", "error: in: there is no header row, only blank lines\n");
    assert_refused("\xEF\xBB\xBF\n", "error: in: there is no header row, only blank lines\n");
}

static void an_unknown_column_is_reported_with_the_remedy(void **state)
{
    (void)state;
    assert_refused(
        "record_id,sku,warehouse\na,b,c\n",
        "error: in: line 1: unknown column \"warehouse\": not a property of schema Item; "
        "add it to the schema or remove it from the file\n");
    assert_refused(
        "\nrecord_id,Sku, price,\"two\nlines\"\n",
        "error: in: line 2: unknown columns \"Sku\", \" price\" (begins with a blank), "
        "\"two\\nlines\": "
        "not properties of schema Item; add them to the schema or remove them from the file\n");
}

static void a_repeated_column_is_reported(void **state)
{
    (void)state;
    assert_refused("record_id,sku,price,sku\n",
                   "error: in: line 1: more than one column \"sku\"\n");
    assert_refused("record_id,sku,\"sku\",tags,record_id,tags\n",
                   "error: in: line 1: more than one column \"sku\", \"record_id\", \"tags\"\n");
}

static void a_missing_record_id_is_reported(void **state)
{
    (void)state;
    assert_refused("sku,price\n", "error: in: line 1: no column \"record_id\"; "
                                  "it must name the record that each row updates\n");
}

static void unnamed_columns_are_ignored_while_they_are_empty(void **state)
{
    (void)state;
    assert_refused("record_id,,sku,\"\"\na,,x,\"\"\nb,y,z,\n",
                   "1@2 [a] {\"sku\":\"x\"}\n"
                   "2@3 [b] {\"sku\":\"z\"}\n"
                   "  |row|column 2 has no name, but holds \"y\"; name it in the header row, or "
                   "declare \"columns\": {\"\": null} under x-rowferry to ignore it\nend\n");
    assert_refused("record_id,sku,,,\na,x,,,\n", "1@2 [a] {\"sku\":\"x\"}\nend\n");
}

static void all_faults_are_reported_at_once(void **state)
{
    (void)state;
    assert_refused("sku,sku,,a,b\n",
                   "error: in: line 1: no column \"record_id\"; it must name the record that each "
                   "row updates; more than one column \"sku\"; unknown "
                   "columns \"a\", \"b\": not properties of schema Item; add them to "
                   "the schema or remove them from the file\n");
}

static void a_malformed_header_row_is_refused(void **state)
{
    (void)state;
    assert_refused("record_id,s\"ku\n",
                   "error: in: line 1: header row: quote inside the unquoted cell 2" ROWS_UNQUOTED
                   "\n");
    assert_refused(
        "record_id,\"sku\n",
        "error: in: line 1: header row: the quoted cell 2 is not closed before the end of "
        "the file\n");
    assert_refused("\n\"record_id\"x,sku\n",
                   "error: in: line 2: header row: the closing quote of cell 1 is followed by 'x', "
                   "not by a delimiter or line end\n");
    assert_refused("record_id,sku\ra,b\rc,d\r",
                   "error: in: line 1: header row: holds a carriage return; end lines with LF or "
                   "CRLF\n");
    assert_refused_bytes((struct span){"record_id,s\0ku\n", 15},
                         "error: in: line 1: header row: holds 1 NUL byte, the first at byte 11 of "
                         "the file: was it cut off by a crash?\n");
}

static void a_header_row_beyond_its_limits_is_refused(void **state)
{
    struct buf text = {0};

    (void)state;
    buf_append_text(&text, "record_id");
    for (int i = 0; i < ROW_COLUMNS_MAX; i++)
        buf_append_text(&text, ",a");
    assert_refused_bytes(buf_span(&text),
                         "error: in: line 1: header row: more than 2000 columns\n");
    buf_reset(&text);
    memset(buf_reserve(&text, ROW_SIZE_MAX + 1), 'a', ROW_SIZE_MAX + 1);
    text.size = ROW_SIZE_MAX + 1;
    assert_refused_bytes(buf_span(&text),
                         "error: in: line 1: header row: longer than 1048576 bytes\n");
    buf_release(&text);
}

static void very_many_unknown_columns_leave_room_for_the_remedy(void **state)
{
    struct buf text = {0};
    char *dump;

    (void)state;
    buf_append_text(&text, "record_id");
    for (int i = 0; i < 1000; i++)
        buf_printf(&text, ",column%d", i);
    dump = rows_dump(buf_span(&text), ROW_FORMAT_CSV, &rows_shape, ROWS_FILE);
    assert_non_null(strstr(dump,
                           "\"column50\", \"column51\" and 948 more: not properties of schema "
                           "Item; add them to the schema or remove them from the file\n"));
    free(dump);
    buf_release(&text);
}

static void only_the_columns_of_an_export_are_skipped(void **state)
{
    (void)state;
    assert_refused("rowferry_job,record_id,rowferry_raw\n1/1,a,x\n", "1@2 [a] {}\nend\n");
    assert_refused("record_id,rowferry_jobs\n",
                   "error: in: line 1: unknown column \"rowferry_jobs\": not a property of schema "
                   "Item; add it to the schema or remove it from the file\n");
    assert_refused("record_id,rowferry_job,rowferry_job\n",
                   "error: in: line 1: more than one column \"rowferry_job\"\n");
}

static void bytes_that_are_not_utf8_explain_a_header_row(void **state)
{
    (void)state;
    assert_refused(
        "record_id,gr\xF6\xDF"
        "e\na,1\n",
        "error: in: line 1, column 13: byte 0xf6 is not UTF-8 (looks like windows-1252; declare it "
        "with \"csv\": {\"encoding\": \"windows-1252\"} under x-rowferry in the schema file)\n");
    assert_refused(
        "record_id,\xE9\"\n",
        "error: in: line 1, column 11: byte 0xe9 is not UTF-8 (looks like windows-1252 or CP850: "
        "see which one shows the right letters; declare it "
        "with \"csv\": {\"encoding\": \"windows-1252\"} under x-rowferry in the schema file)\n");
}

static void the_header_row_is_kept_as_it_is_in_the_file(void **state)
{
    static const char text[] = "\xEF\xBB\xBF\n\"record_id\",sku\r\na,b\n";
    struct err err = {0};
    struct rows_feed feed;
    struct reader *reader;

    (void)state;
    rows_feed_open(&feed, span_of(text), ROWS_FILE);
    reader = reader_open(feed.fd, "in", ROW_FORMAT_CSV, &rows_shape, &err);
    assert_non_null(reader);
    assert_int_equal(reader_header(reader).size, 17);
    assert_memory_equal(reader_header(reader).data, "\"record_id\",sku\r\n", 17);
    reader_close(reader);
    rows_feed_close(&feed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_file_is_refused),
        cmocka_unit_test(an_unknown_column_is_reported_with_the_remedy),
        cmocka_unit_test(a_repeated_column_is_reported),
        cmocka_unit_test(a_missing_record_id_is_reported),
        cmocka_unit_test(unnamed_columns_are_ignored_while_they_are_empty),
        cmocka_unit_test(all_faults_are_reported_at_once),
        cmocka_unit_test(a_malformed_header_row_is_refused),
        cmocka_unit_test(a_header_row_beyond_its_limits_is_refused),
        cmocka_unit_test(very_many_unknown_columns_leave_room_for_the_remedy),
        cmocka_unit_test(only_the_columns_of_an_export_are_skipped),
        cmocka_unit_test(bytes_that_are_not_utf8_explain_a_header_row),
        cmocka_unit_test(the_header_row_is_kept_as_it_is_in_the_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
