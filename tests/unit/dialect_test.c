/* CSV as other programs write it: delimiters, columns of other names, cells in declared forms. */
#include "core/row/cell_form.h"
#include "tests/lib/rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>

static void assert_dump(const struct row_dialect *dialect, const char *text, const char *expected)
{
    static const size_t chunks[] = {ROWS_FILE, 1, 7, ROWS_RANDOM};
    struct row_shape shape = rows_shape;

    if (dialect)
        shape.dialect = *dialect;
    for (size_t i = 0; i < sizeof chunks / sizeof *chunks; i++) {
        char *dump = rows_dump(span_of(text), ROW_FORMAT_CSV, &shape, chunks[i]);

        assert_string_equal(dump, expected);
        free(dump);
    }
}

/* --- delimiters --- */

static void the_delimiter_is_detected_from_the_header_row(void **state)
{
    static const char expected[] = "1@2 [a] {\"sku\":\"b\",\"price\":1}\nend\n";

    (void)state;
    assert_dump(NULL, "record_id,sku,price\na,b,1\n", expected);
    assert_dump(NULL, "record_id;sku;price\na;b;1\n", expected);
    assert_dump(NULL, "record_id\tsku\tprice\na\tb\t1\n", expected);
    assert_dump(NULL, "record_id|sku|price\na|b|1\n", expected);
    assert_dump(NULL, "\xEF\xBB\xBF\"record_id\";\"sku\";\"price\"\r\n\"a\";\"b\";\"1\"\r\n",
                expected);
    assert_dump(NULL, "record_id\na\n", "1@2 [a] {}\nend\n");
}

static void rows_do_not_affect_the_delimiter(void **state)
{
    (void)state;
    assert_dump(NULL, "record_id;sku\na,b;c,d\n", "1@2 [a,b] {\"sku\":\"c,d\"}\nend\n");
    assert_dump(NULL, "record_id,sku\na;b\n",
                "1@2 [a;b]\n  |row|1 cell, but the header row has 2" ROWS_ONE "\nend\n");
}

static void faults_of_a_header_row_are_reported_for_the_closest_delimiter(void **state)
{
    (void)state;
    assert_dump(NULL, "record_id;sku;weight\n",
                "error: in: line 1: with ';' between cells: unknown column \"weight\": not a "
                "property of schema Item; add it to the schema or remove it from the file\n");
    assert_dump(NULL, "sku\tprice\n",
                "error: in: line 1: with a tab between cells: no column \"record_id\"; it must "
                "name the record that each row updates\n");
    assert_dump(NULL, "record_id;s\"ku\n",
                "error: in: line 1: header row: quote inside the unquoted cell 2" ROWS_UNQUOTED
                "\n");
}

static void a_header_row_that_can_be_read_in_two_ways_is_refused(void **state)
{
    static const struct row_column columns[] = {
        {{"record_id,tags", 14}, {"record_id", 9}},
        {{"tags;sku", 8}, {NULL, 0}},
    };
    struct row_dialect dialect = {.columns = columns, .column_count = 2};

    (void)state;
    assert_dump(&dialect, "record_id,tags;sku\n",
                "error: in: line 1: the header row can be read with ',' and with ';' between "
                "cells; declare \"csv\": {\"delimiter\": ...} under x-rowferry in the schema file, "
                "or give --delimiter\n");
    dialect.delimiter = ';';
    assert_dump(&dialect, "record_id,tags;sku\na;b\n", "1@2 [a] {\"sku\":\"b\"}\nend\n");
}

static void a_declared_delimiter_is_the_only_one(void **state)
{
    const struct row_dialect tab = {.delimiter = '\t'}, comma = {.delimiter = ','};

    (void)state;
    assert_dump(&tab, "record_id\tsku\na\tb\\c,\"\n",
                "1@2 [a]\n  |row|quote inside the unquoted cell 2" ROWS_UNQUOTED "\nend\n");
    assert_dump(&tab, "record_id\tsku\ttags\na\t\"b\tc\"\t\nd\t\t\"x;y\"\n",
                "1@2 [a] {\"sku\":\"b\\tc\"}\n2@3 [d] [\"x\",\"y\"] {}\nend\n");
    assert_dump(&comma, "record_id;sku\na;b\n",
                "error: in: line 1: the header row is one cell and holds ';'; if that is the "
                "delimiter, declare \"csv\": {\"delimiter\": \";\"} under x-rowferry in the "
                "schema file, or give --delimiter\n");
    assert_dump(&tab, "record_id,sku\na,b\n",
                "error: in: line 1: the header row is one cell and holds ','; if that is the "
                "delimiter, declare \"csv\": {\"delimiter\": \",\"} under x-rowferry in the "
                "schema file, or give --delimiter\n");
}

/* --- columns --- */

static void a_column_of_another_name_fills_what_it_is_mapped_to(void **state)
{
    static const struct row_column columns[] = {
        {{"Item No.", 8}, {"sku", 3}}, {{"Key", 3}, {"record_id", 9}}, {{"Rev", 3}, {"version", 7}},
        {{"Labels", 6}, {"tags", 4}},  {{"Comment", 7}, {NULL, 0}},    {{"status", 6}, {NULL, 0}},
        {{"", 0}, {NULL, 0}},
    };
    const struct row_dialect dialect = {.columns = columns, .column_count = 7};

    (void)state;
    assert_dump(&dialect,
                "Key;Rev;Labels;Item No.;Comment;status;price;;\n"
                "a;4;\"x;y\";WH;\"what\never\";;2;;\n",
                "1@2 [a] v4 [\"x\",\"y\"] {\"sku\":\"WH\",\"price\":2}\nend\n");
    assert_dump(&dialect,
                "Key;Rev;Labels;Item No.;Comment;status;price;\n"
                "a;4;\"x;y\";WH;\"what\never\";z;2;\nb;x;;;;;;\n",
                "1@2 [a] v4 [\"x\",\"y\"] {\"sku\":\"WH\",\"price\":2}\n"
                "2@4 [b] {}\n"
                "  version|version|must be an integer from 0 to 9223372036854775807, is \"x\"\n"
                "end\n");
}

static void two_columns_for_one_property_refuse_the_file(void **state)
{
    static const struct row_column columns[] = {{{"Item No.", 8}, {"sku", 3}},
                                                {{"Article", 7}, {"sku", 3}},
                                                {{"Key", 3}, {"record_id", 9}}};
    const struct row_dialect dialect = {.columns = columns, .column_count = 3};

    (void)state;
    assert_dump(&dialect, "record_id,Item No.,sku\n",
                "error: in: line 1: columns \"Item No.\" and \"sku\" both fill \"sku\"\n");
    assert_dump(&dialect, "record_id,Key,Article,price,Item No.\n",
                "error: in: line 1: columns \"record_id\" and \"Key\" both fill \"record_id\", "
                "\"Article\" and \"Item No.\" both fill \"sku\"\n");
    assert_dump(&dialect, "Key,Article\na,b\n", "1@2 [a] {\"sku\":\"b\"}\nend\n");
    assert_dump(&dialect, "Article,Article\n",
                "error: in: line 1: no column \"record_id\"; it must name the record that each row "
                "updates; more than one column \"Article\"\n");
}

/* --- cells --- */

static const struct span words[] = {{"ja", 2}, {"J", 1}, {"nein", 4}};
static const struct cell_form forms[] = {
    {.property = {"price", 5}, .kind = CELL_DECIMAL, .decimal = ',', .thousands = {".", 1}},
    {.property = {"count", 5}, .kind = CELL_DECIMAL, .decimal = '.', .thousands = {"\xC2\xA0", 2}},
    {.property = {"quantity", 8}, .kind = CELL_DECIMAL, .decimal = ','},
    {.property = {"sku", 3}, .kind = CELL_DATE, .pattern = {"DD.MM.YYYY", 10}},
    {.property = {"active", 6},
     .kind = CELL_BOOLEAN,
     .words = words,
     .true_count = 2,
     .word_count = 3},
};
static const struct row_dialect formed = {.forms = forms,
                                          .form_count = sizeof forms / sizeof *forms};

static void cells_are_read_in_their_declared_form(void **state)
{
    (void)state;
    assert_dump(&formed,
                "record_id;price;count;quantity;sku;active\n"
                "a;1.234.567,50;1\xC2\xA0"
                "000;12;29.02.2024;ja\n"
                "b;-0,5;null;-3,0;01.01.0001;nein\n"
                "c;\"1234,50\";;;;\n"
                "d;1,5E3;1.5;;;J\n",
                "1@2 [a] {\"price\":1234567.50,\"count\":1000,\"quantity\":12,"
                "\"sku\":\"2024-02-29\",\"active\":true}\n"
                "2@3 [b] {\"price\":-0.5,\"count\":null,\"quantity\":-3.0,\"sku\":\"0001-01-01\","
                "\"active\":false}\n"
                "3@4 [c] {\"price\":1234.50}\n"
                "4@5 [d] {\"price\":1.5E3,\"count\":1.5,\"active\":true}\n"
                "end\n");
}

static void a_cell_that_does_not_fit_its_form_is_a_violation(void **state)
{
    (void)state;
    assert_dump(
        &formed, "record_id;price;count;quantity;sku;active\na;12.50;1,5;1.5;31.04.2026;true\n",
        "1@2 [a] {}\n"
        "  price|type|must be a number like 1.234,50, is \"12.50\"\n"
        "  count|type|must be an integer like 1\xC2\xA0"
        "234, is \"1,5\"" ROWS_FORM(
            "count",
            "\"decimal\": \",\"") " instead of what is there\n"
                                  "  quantity|type|must be an integer like 1234, is \"1.5\"\n"
                                  "  sku|format|must be a day of the calendar as DD.MM.YYYY, is "
                                  "\"31.04.2026\"\n"
                                  "  active|type|must be \"ja\", \"J\" or \"nein\", is \"true\"\n"
                                  "end\n");
}

/* --- limits of quoted cells --- */

static void the_limits_of_a_quoted_cell_can_be_declared(void **state)
{
    const struct row_dialect dialect = {.cell_size_max = 5, .cell_lines_max = 1};

    (void)state;
    assert_dump(
        &dialect,
        "record_id,sku\na,\"12345\"\nb,\"123456\"\nc,1234567\nd,\"1\n2\"\ne,\"1\n\n\"\nf,x\n",
        "1@2 [a] {\"sku\":\"12345\"}\n"
        "2@3 [b]\n  |row|the quoted cell 2 is longer than 5 bytes; is its closing quote "
        "missing?" ROWS_LIMIT(
            "maxFieldBytes") "\n"
                             "3@4 [c] {\"sku\":\"1234567\"}\n"
                             "4@5 [d] {\"sku\":\"1\\n2\"}\n"
                             "5@7 [e]\n  |row|the quoted cell 2 holds more than 1 line breaks; is "
                             "its closing "
                             "quote missing?" ROWS_LIMIT(
                                 "maxFieldLines") "\n"
                                                  "6@9\n  |row|the quoted cell 1 holds more than 1 "
                                                  "line breaks; is its closing quote "
                                                  "missing?" ROWS_LIMIT(
                                                      "maxFieldLines") "\n"
                                                                       "7@10 [f] {\"sku\":\"x\"}\n"
                                                                       "end\n");
}

static void an_overlong_cell_is_reported_whatever_follows(void **state)
{
    const struct row_dialect dialect = {.cell_size_max = 5, .cell_lines_max = 1};
    static const char expected[] =
        "1@2 [a]\n  |row|the quoted cell 2 is longer than 5 bytes; is "
        "its closing quote missing?" ROWS_LIMIT("maxFieldBytes") "\nend\n";

    (void)state;
    assert_dump(&dialect, "record_id,sku\na,\"12345\"\"6", expected);
    assert_dump(&dialect, "record_id,sku\na,\"123456", expected);
    assert_dump(&dialect, "record_id,sku\na,\"1234\"\"\"x", expected);
    assert_dump(&dialect, "record_id,sku\na,\"123456\"x", expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_delimiter_is_detected_from_the_header_row),
        cmocka_unit_test(rows_do_not_affect_the_delimiter),
        cmocka_unit_test(faults_of_a_header_row_are_reported_for_the_closest_delimiter),
        cmocka_unit_test(a_header_row_that_can_be_read_in_two_ways_is_refused),
        cmocka_unit_test(a_declared_delimiter_is_the_only_one),
        cmocka_unit_test(a_column_of_another_name_fills_what_it_is_mapped_to),
        cmocka_unit_test(two_columns_for_one_property_refuse_the_file),
        cmocka_unit_test(cells_are_read_in_their_declared_form),
        cmocka_unit_test(a_cell_that_does_not_fit_its_form_is_a_violation),
        cmocka_unit_test(the_limits_of_a_quoted_cell_can_be_declared),
        cmocka_unit_test(an_overlong_cell_is_reported_whatever_follows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
