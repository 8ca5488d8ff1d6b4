/* Lines of a CSV file that are not rows: where they end, and what is said about a wrong one. */
#include "core/row/csv_lines.h"

#include "tests/unit/rows_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>

/* Reads a text in pieces of several sizes, which must not matter. */
static void assert_dump(struct row_dialect dialect, struct span text, const char *expected)
{
    struct row_shape shape = rows_shape;

    shape.dialect = dialect;
    assert_read(text, ROW_FORMAT_CSV, &shape, expected);
}

struct sample {
    struct row_dialect dialect;
    const char *text, *expected;
};

#define ASSERT_SAMPLES(samples)                                                                    \
    do {                                                                                           \
        for (size_t i = 0; i < sizeof(samples) / sizeof *(samples); i++)                           \
            assert_dump((samples)[i].dialect, span_of((samples)[i].text), (samples)[i].expected);  \
    } while (0)

/* What is said about a header row of one unknown column, and about a later one. */
#define NO_ID(delimiter, name)                                                                     \
    "error: in: line 1: " delimiter "no column \"record_id\"; it must name the record that each "  \
    "row updates; unknown column \"" name "\": not a property of schema Item; add it to the "      \
    "schema or remove it from the file"
#define INSTEAD(line, name, setting)                                                               \
    "; line " line " holds \"" name "\": if that is the header row, declare \"csv\": {" setting    \
    "} under x-rowferry in the schema file\n"
#define SKIP(count) "\"skipLines\": " count
#define BAD_BYTE(place)                                                                            \
    "error: in: " place ": byte 0xe4 is not UTF-8 (looks like windows-1252 or CP850: see which "   \
    "one shows the right letters; declare it with \"csv\": {\"encoding\": \"windows-1252\"} "      \
    "under x-rowferry in the schema file)\n"
#define ONLY_BLANK   "error: in: there is no header row, only blank lines\n"

#define ROW_AB(line) "1@" line " [a] {\"sku\":\"b\"}\nend\n"

static void a_line_for_excel_declares_the_delimiter(void **state)
{
    static const struct sample samples[] = {
        {{0}, "sep=;\nrecord_id;sku\na;b\n", ROW_AB("3")},
        {{0}, "SEP=|\r\nrecord_id|sku\r\na|b\r\n", ROW_AB("3")},
        {{0}, "\"sep=;\"\r\n\r\nrecord_id;sku\na;b", ROW_AB("4")},
        {{.delimiter = ';'}, "sep=;\nrecord_id;sku\na;b\n", ROW_AB("3")},
        {{.comment = {"#", 1}}, "#1\nsep=;\n#3\nrecord_id;sku\na;b\n", ROW_AB("5")},
        {{.skip_lines = 1}, "sep=~\nrecord_id~sku\na~b\n", ROW_AB("3")},
        {{.delimiter = ','},
         "sep=\t\nrecord_id\tsku\na\tb\n",
         "error: in: line 1: sep= says that a tab is between cells, but ',' is declared\n"},
        {{.delimiter = ' '},
         "sep=;\n",
         "error: in: line 1: sep= says that ';' is between cells, but a blank is declared\n"},
        {{.skip_lines = 2, .delimiter = ','},
         "one\nsep=\x01\nrecord_id\n",
         "error: in: line 2: sep= says that U+0001 is between cells, but ',' is declared\n"},
        {{0}, "sep=a\nrecord_id\na\n", NO_ID("", "sep=a") INSTEAD("2", "record_id", SKIP("1"))},
        {{0},
         "sep=;;\nrecord_id\na\n",
         NO_ID("with ';' between cells: ", "sep=") INSTEAD("2", "record_id", SKIP("1"))},
        {{0},
         "\"sep=;\nrecord_id\na\n",
         "error: in: line 1: header row: the quoted cell 1 is not closed before the end of the "
         "file" INSTEAD("2", "record_id", SKIP("1"))},
        {{0}, "sep=", NO_ID("", "sep=") "\n"},
        {{0}, "sep=;", ONLY_BLANK},
    };

    (void)state;
    ASSERT_SAMPLES(samples);
}

static void lines_before_the_header_row_are_limited(void **state)
{
    static const struct sample samples[] = {
        {{.skip_lines = 2}, "one\ntwo\nrecord_id,sku\na,b\n", ROW_AB("4")},
        {{.skip_lines = 2},
         "one",
         "error: in: the file has 1 line, and skipLines skips 2: there is no header row\n"},
        {{.skip_lines = 3},
         "one\n\n",
         "error: in: the file has 2 lines, and skipLines skips 3: there is no header row\n"},
        {{.skip_lines = 1, .row_max = 20},
         "12345678901234567890\nrecord_id\n",
         "error: in: line 1: longer than 20 bytes\n"},
        {{.skip_lines = 2, .row_max = 20},
         "1234567890\n1234567890\nrecord_id\n",
         "error: in: line 2: more than 20 bytes before the header row\n"},
        {{.skip_lines = 2}, "one\n\xE4 two\nrecord_id\na\n", BAD_BYTE("line 2, column 1")},
        {{.row_max = 20},
         "sep=567890123456789012345\nrecord_id\n",
         "error: in: line 1: longer than 20 bytes\n"},
    };

    (void)state;
    ASSERT_SAMPLES(samples);
}

static void comments_are_skipped_wherever_they_are(void **state)
{
    static const struct row_dialect hash = {.comment = {"#", 1}}, slashes = {.comment = {"//", 2}};
    const struct sample samples[] = {
        {hash, "#1\n\n#3\r\n\r\nrecord_id,sku\n#6\na,b\n#8", ROW_AB("7")},
        {slashes, "record_id,sku\na,b\n//\n//", ROW_AB("2")},
        {slashes, "record_id,sku\na,b\n/",
         "1@2 [a] {\"sku\":\"b\"}\n2@3 [/]\n  |row|1 cell, but the header row has 2" ROWS_ONE
         "\nend\n"},
        {hash, "record_id,sku\n#\"\na,b\n", ROW_AB("3")},
        {hash, "record_id,sku\n\"#x\",b\nc,#d\n",
         "1@2 [#x] {\"sku\":\"b\"}\n2@3 [c] {\"sku\":\"#d\"}\nend\n"},
        {hash, "record_id,sku\n#\xE4\na,b\n", BAD_BYTE("line 2, column 2")},
        {hash, "#\xE4\nrecord_id,sku\na,b\n", BAD_BYTE("line 1, column 2")},
        {{.comment = {"#", 1}, .row_max = 40},
         "record_id,sku\n#345678901234567890123456789012345678901234567890\na,b\n",
         ROW_AB("3")},
    };

    (void)state;
    ASSERT_SAMPLES(samples);
}

static void blank_lines_are_not_rows(void **state)
{
    static const struct sample samples[] = {
        {{0}, "\n\r\n\nrecord_id,sku\n\r\n\na,b\n\r\n", ROW_AB("7")},
        {{0}, "record_id,sku\na,b\n\r", ROW_AB("2")},
        {{0},
         "record_id,sku\na,b\n\r\r\n",
         "1@2 [a] {\"sku\":\"b\"}\n2@3\n  |row|1 cell, but the header row has 2" ROWS_ONE
         "\nend\n"},
        {{0}, "\n\n", ONLY_BLANK},
    };

    (void)state;
    ASSERT_SAMPLES(samples);
}

static void a_footer_ends_the_file(void **state)
{
    static const struct row_dialect total = {.is_footer = begins_with_total};
    const struct sample samples[] = {
        {total, "record_id,sku\na,b\nTotal,1\n", ROW_AB("2")},
        {total, "record_id,sku\na,b\n\nTotal,1\r\n\nTotal,2", ROW_AB("2")},
        {total, "record_id,sku\na,b\nTotal,1\n\r\n\n", ROW_AB("2")},
        {total, "record_id,sku\nTotal,1\na,b\n",
         "1@2 [Total] {\"sku\":\"1\"}\n2@3 [a] {\"sku\":\"b\"}\nend\n"},
        {total, "record_id,sku\na,b\nTotal,\xE4\n",
         "1@2 [a] {\"sku\":\"b\"}\n" BAD_BYTE("line 3, column 7")},
        {total, "record_id,sku\nTotal,1\n", "end\n"},
        {total, "record_id,sku\na,\"b\nTotal,1\"\n", "1@2 [a] {\"sku\":\"b\\nTotal,1\"}\nend\n"},
        {total, "record_id,sku\na,b\nTotal,\"1\n2\"\n",
         "1@2 [a] {\"sku\":\"b\"}\n2@3 [Total] {\"sku\":\"1\\n2\"}\nend\n"},
        {{.is_footer = begins_with_total, .comment = {"#", 1}},
         "record_id,sku\n#2\na,b\n#4\nTotal\n",
         ROW_AB("3")},
    };

    (void)state;
    ASSERT_SAMPLES(samples);
}

/* Appends lines of 1,000 bytes, `Total` and blanks. */
static void append_totals(struct buf *text, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        buf_printf(text, "%-999s\n", "Total");
}

static void a_footer_is_at_most_64_kib(void **state)
{
    static const struct row_dialect total = {.is_footer = begins_with_total};
    struct row_shape shape = rows_shape;
    struct buf text = {0};
    char *dump;

    (void)state;
    shape.dialect = total;
    buf_append_text(&text, "record_id,sku\na,b\n");
    append_totals(&text, 65);
    assert_dump(total, buf_span(&text), ROW_AB("2"));
    append_totals(&text, 1);
    dump = rows_dump(buf_span(&text), ROW_FORMAT_CSV, &shape, ROWS_FILE);
    assert_memory_equal(dump, "1@2 [a] {\"sku\":\"b\"}\n2@3", 23);
    assert_null(strstr(dump, "\n3@"));
    free(dump);
    buf_release(&text);
}

static void a_line_of_dashes_can_be_declared_as_a_comment(void **state)
{
    static const struct {
        const char *line;
        char delimiter;
        size_t size;
    } cases[] = {
        {"---", ',', 3},
        {"-----+----\r\n", ',', 5},
        {"-- --\n", ',', 5},
        {"--=|+ -", ',', 7},
        {"---;---", ';', 3},
        {"---;---", ',', 0},
        {"--", ',', 0},
        {"-", ',', 0},
        {"", ',', 0},
        {"\r\n", ',', 0},
        {"a---", ',', 0},
        {"- - -", ',', 0},
        {"---a", ',', 0},
        {"--------------------", ',', 16},
        {"-- -- -- -- -- -- --", ',', 16},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(csv_lines_dashes(span_of(cases[i].line), cases[i].delimiter),
                         cases[i].size);
}

static void a_later_line_that_can_be_the_header_row_is_named(void **state)
{
    static const struct row_column columns[] = {{{"Key", 3}, {"record_id", 9}}};
    static const struct sample samples[] = {
        {{0},
         "Report\n\nrecord_id;sku\na;b\n",
         NO_ID("", "Report") INSTEAD("3", "record_id", SKIP("2"))},
        {{0},
         "#Report\n\n#\nrecord_id|sku\na|b\n",
         NO_ID("", "#Report") INSTEAD("4", "record_id", "\"comment\": \"#\"}, or {" SKIP("3"))},
        {{0},
         "#Report\nof May\nrecord_id,sku\n",
         NO_ID("", "#Report") INSTEAD("3", "record_id", SKIP("2"))},
        {{0},
         "* Report\r\n\r\n\"record_id\"\tsku",
         NO_ID("", "* Report") INSTEAD("3", "record_id", "\"comment\": \"*\"}, or {" SKIP("2"))},
        {{.delimiter = ','}, "Report\nrecord_id;sku\n", NO_ID("", "Report") "\n"},
        {{.delimiter = ','},
         "Report\nsku,record_id",
         NO_ID("", "Report") INSTEAD("2", "record_id", SKIP("1"))},
        {{.columns = columns, .column_count = 1},
         "Report\nsku,Key\n",
         NO_ID("", "Report") INSTEAD("2", "Key", SKIP("1"))},
        {{0}, "Report\n\"record_id\"\"\"\n\"sku\nrecord_id\"\n", NO_ID("", "Report") "\n"},
        {{0},
         "Report\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n14\n15\n16\n17\n18\n19\nrecord_id\n",
         NO_ID("", "Report") INSTEAD("20", "record_id", SKIP("19"))},
        {{0},
         "Report\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n14\n15\n16\n17\n18\n19\n20\nrecord_id\n",
         NO_ID("", "Report") "\n"},
        {{.row_max = 60},
         "Report\nthis line is so long that the next one is not searched\nrecord_id,sku\n",
         NO_ID("", "Report") "\n"},
    };

    (void)state;
    ASSERT_SAMPLES(samples);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_for_excel_declares_the_delimiter),
        cmocka_unit_test(lines_before_the_header_row_are_limited),
        cmocka_unit_test(comments_are_skipped_wherever_they_are),
        cmocka_unit_test(blank_lines_are_not_rows),
        cmocka_unit_test(a_footer_ends_the_file),
        cmocka_unit_test(a_footer_is_at_most_64_kib),
        cmocka_unit_test(a_line_of_dashes_can_be_declared_as_a_comment),
        cmocka_unit_test(a_later_line_that_can_be_the_header_row_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
