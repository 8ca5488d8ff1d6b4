/* `csv`, `columns` and `formats` of x-rowferry. */
#include "core/row/cell_form.h"
#include "tests/unit/schema_scene.h"

#define FILE_OF(inside)                                                                            \
    "{\"properties\": {\"s\": {\"type\": \"string\"}, \"n\": {\"type\": [\"number\", \"null\"]}, " \
    "\"b\": {\"type\": \"boolean\"}}, \"x-rowferry\": {" inside "}}"

static const struct {
    const char *text, *refusal;
} mistakes[] = {
    {FILE_OF("\"csv\": []"), "#/x-rowferry/csv: must be an object"},
    {FILE_OF("\"csv\": {\"quotes\": 1}"),
     "#/x-rowferry/csv/quotes: is not a setting: use delimiter, encoding, quote, skipLines, "
     "comment, "
     "footer, "
     "absent, quotedEmpty, shortRows, longRows, maxFieldBytes and maxFieldLines"},
    {FILE_OF("\"csv\": {\"quote\": \"'\"}"),
     "#/x-rowferry/csv/quote: must be null, for text without quoting, or \"\\\"\""},
    {FILE_OF("\"csv\": {\"skipLines\": -1}"),
     "#/x-rowferry/csv/skipLines: must be an integer from 0 to 1000"},
    {FILE_OF("\"csv\": {\"comment\": \"\"}"), "#/x-rowferry/csv/comment: must be what comment "
                                              "lines begin with, like \"#\" or \"//\": up "
                                              "to 16 bytes, no delimiter and no quote"},
    {FILE_OF("\"csv\": {\"comment\": \"~~\", \"delimiter\": \"~\"}"),
     "#/x-rowferry/csv/comment: begins with the delimiter"},
    {FILE_OF("\"csv\": {\"footer\": 1}"),
     "#/x-rowferry/csv/footer: must be a regular expression for the last lines"},
    {FILE_OF("\"csv\": {\"footer\": \"x*\"}"),
     "#/x-rowferry/csv/footer: matches an empty line, and so every line: anchor it, like "
     "\"^Total\""},
    {FILE_OF("\"csv\": {\"footer\": \"(\"}"),
     "#/x-rowferry/csv/footer: is not a regular expression: missing closing parenthesis"},
    {FILE_OF("\"csv\": {\"absent\": [1]}"), "#/x-rowferry/csv/absent: must be a list of words"},
    {FILE_OF("\"csv\": {\"absent\": []}"), "#/x-rowferry/csv/absent: must be a list of words"},
    {FILE_OF("\"csv\": {\"absent\": [\"a\", \"a\"]}"),
     "#/x-rowferry/csv/absent: lists a word twice"},
    {FILE_OF("\"csv\": {\"encoding\": 1}"),
     "#/x-rowferry/csv/encoding: must be one of " ROW_ENCODING_LIST},
    {FILE_OF("\"csv\": {\"quote\": null, \"maxFieldBytes\": 5}"),
     "#/x-rowferry/csv/maxFieldBytes: is for cells in quotes, and \"quote\" is null"},
    {FILE_OF("\"formats\": {\"n\": {\"unit\": \"E\", \"decimal\": \".\", \"thousands\": \".\"}}"),
     "#/x-rowferry/formats/n: needs thousands that differ from decimal"},
    {FILE_OF("\"formats\": {\"n\": {\"unit\": \"'\", \"thousands\": \"'\"}}"),
     "#/x-rowferry/formats/n/unit: must differ from decimal and thousands"},
    {FILE_OF("\"formats\": {\"b\": {\"boolean\": {\"true\": [\"x\"], \"false\": [1]}}}"),
     "#/x-rowferry/formats/b/boolean/false: must be a list of words"},
    {FILE_OF("\"formats\": {\"b\": {\"boolean\": {\"true\": [\"\"], \"false\": [\"x\"]}}}"),
     "#/x-rowferry/formats/b/boolean/true: must be a list of words"},
    {FILE_OF("\"formats\": {\"s\": {\"datetime\": \"DD.MM.YYYY hh:mm\", \"zone\": \"UTC\", "
             "\"fold\": \"x\"}}"),
     "#/x-rowferry/formats/s/fold: must be \"earlier\" or \"later\""},
    {FILE_OF("\"formats\": {\"s\": {\"date\": 1}}"),
     "#/x-rowferry/formats/s/date: must be a pattern like \"DD.MM.YYYY\""},
    {FILE_OF("\"formats\": {\"s\": []}"),
     "#/x-rowferry/formats/s: must be an object with decimal, date, datetime, boolean or absent"},
    {FILE_OF("\"csv\": {\"absent\": \"NULL\"}"),
     "#/x-rowferry/csv/absent: must be a list of words"},
    {FILE_OF("\"csv\": {\"absent\": [\"\"]}"), "#/x-rowferry/csv/absent: must be a list of words"},
    {FILE_OF("\"csv\": {\"quotedEmpty\": \"null\"}"),
     "#/x-rowferry/csv/quotedEmpty: must be \"absent\", or \"empty\" (the default)"},
    {FILE_OF("\"csv\": {\"quotedEmpty\": \"absent\", \"quote\": null}"),
     "#/x-rowferry/csv/quotedEmpty: needs quotes, and \"quote\" is null"},
    {FILE_OF("\"csv\": {\"quote\": null, \"maxFieldLines\": 5}"),
     "#/x-rowferry/csv/maxFieldLines: is for cells in quotes, and \"quote\" is null"},
    {FILE_OF("\"csv\": {\"shortRows\": true}"),
     "#/x-rowferry/csv/shortRows: must be \"absent\", or \"rejected\" (the default)"},
    {FILE_OF("\"csv\": {\"longRows\": \"absent\"}"),
     "#/x-rowferry/csv/longRows: must be \"empty\", or \"rejected\" (the default)"},
    {FILE_OF("\"trim\": 1"), "#/x-rowferry/trim: must be true or false"},
    {FILE_OF("\"recordId\": {\"pattern\": 1}"), "#/x-rowferry/recordId/pattern: must be a string"},
    {FILE_OF("\"recordId\": {\"format\": \"x\"}"),
     "#/x-rowferry/recordId: must be an object with pattern"},
    {FILE_OF("\"formats\": {\"n\": {\"sign\": \"last\"}}"),
     "#/x-rowferry/formats/n/sign: must be \"leading\", \"trailing\" or \"parentheses\""},
    {FILE_OF("\"formats\": {\"n\": {\"padding\": \"x\"}}"),
     "#/x-rowferry/formats/n/padding: must be \"0\" or \" \""},
    {FILE_OF("\"formats\": {\"n\": {\"unit\": \"1x\"}}"),
     "#/x-rowferry/formats/n/unit: must be a unit like \"EUR\" or \"%\", which does not begin "
     "with a digit or space, and has no sign"},
    {FILE_OF("\"formats\": {\"n\": {\"unit\": \"\u2212\"}}"),
     "#/x-rowferry/formats/n/unit: must be a unit like \"EUR\" or \"%\", which does not begin "
     "with a digit or space, and has no sign"},
    {FILE_OF("\"formats\": {\"n\": {\"unit\": \"EUR>\"}}"),
     "#/x-rowferry/formats/n/unit: must be a unit like \"EUR\" or \"%\", which does not begin "
     "with a digit or space, and has no sign"},
    {FILE_OF("\"formats\": {\"n\": {\"absent\": []}}"),
     "#/x-rowferry/formats/n/absent: must be a list of words"},
    {FILE_OF("\"formats\": {\"s\": {\"datetime\": \"DD.MM.YYYY hh:mm\"}}"),
     "#/x-rowferry/formats/s: needs zone with datetime: the time zone of the local times, like "
     "\"Europe/Berlin\" or \"UTC\""},
    {FILE_OF("\"formats\": {\"s\": {\"datetime\": \"DD.MM.YYYY\", \"zone\": \"UTC\"}}"),
     "#/x-rowferry/formats/s/datetime: must hold the year, the month, the day, the hour and "
     "the "
     "minute once each, like DD.MM.YYYY hh:mm:ss"},
    {FILE_OF("\"formats\": {\"s\": {\"zone\": \"UTC\"}}"),
     "#/x-rowferry/formats/s: needs datetime, with zone and fold"},
    {FILE_OF("\"formats\": {\"s\": {\"datetime\": \"DD.MM.YYYY hh:mm\", \"zone\": "
             "\"Europe/Berlim\"}}"),
     "#/x-rowferry/formats/s/zone: is not a time zone of this system's tz database "
     "(/usr/share/zoneinfo)"},
    {FILE_OF("\"formats\": {\"s\": {\"datetime\": \"DD.MM.YYYY hh:mm\", \"zone\": \"UTC\", "
             "\"fold\": \"first\"}}"),
     "#/x-rowferry/formats/s/fold: must be \"earlier\" or \"later\""},
    {FILE_OF("\"csv\": {\"delimiter\": \"::\"}"),
     "#/x-rowferry/csv/delimiter: must be one byte, and not a letter, a digit, a quote or a "
     "line end, like \",\", \";\", \"|\" or \"\\t\""},
    {FILE_OF("\"csv\": {\"delimiter\": 9}"),
     "#/x-rowferry/csv/delimiter: must be one byte, and not a letter, a digit, a quote or a "
     "line end, like \",\", \";\", \"|\" or \"\\t\""},
    {FILE_OF("\"csv\": {\"encoding\": \"latin1\"}"),
     "#/x-rowferry/csv/encoding: must be one of UTF-8, UTF-16, UTF-16LE, UTF-16BE, "
     "windows-1252, "
     "ISO-8859-1, ISO-8859-15, CP850 or CP437"},
    {FILE_OF("\"csv\": {\"maxFieldBytes\": 0}"),
     "#/x-rowferry/csv/maxFieldBytes: must be an integer from 1 to 16777216"},
    {FILE_OF("\"csv\": {\"maxFieldLines\": \"9\"}"),
     "#/x-rowferry/csv/maxFieldLines: must be an integer from 1 to 100000"},
    {FILE_OF("\"columns\": []"), "#/x-rowferry/columns: must be an object"},
    {FILE_OF("\"columns\": {\"A\": 1}"),
     "#/x-rowferry/columns/A: must be the name of a property, or null"},
    {FILE_OF("\"columns\": {\"A\": \"z\"}"),
     "#/x-rowferry/columns/A: is neither declared in properties nor record_id, version or "
     "tags"},
    {FILE_OF("\"formats\": 1"), "#/x-rowferry/formats: must be an object"},
    {FILE_OF("\"formats\": {\"z\": {\"decimal\": \",\"}}"),
     "#/x-rowferry/formats/z: is not declared in properties"},
    {FILE_OF("\"formats\": {\"n\": {}}"), "#/x-rowferry/formats/n: must be an object with "
                                          "decimal, date, datetime, boolean or absent"},
    {FILE_OF("\"formats\": {\"n\": {\"comma\": 1}}"),
     "#/x-rowferry/formats/n/comma: is not a setting: use decimal, thousands, sign, padding, unit, "
     "date, datetime, zone, fold, boolean and absent"},
    {FILE_OF("\"formats\": {\"n\": {\"decimal\": \";\"}}"),
     "#/x-rowferry/formats/n/decimal: must be \",\" or \".\""},
    {FILE_OF("\"formats\": {\"n\": {\"thousands\": \"x\"}}"),
     "#/x-rowferry/formats/n/thousands: must be \",\", \".\", an apostrophe, a space of some "
     "kind or \"_\""},
    {FILE_OF("\"formats\": {\"n\": {\"thousands\": \".\"}}"),
     "#/x-rowferry/formats/n: needs thousands that differ from decimal"},
    {FILE_OF("\"formats\": {\"s\": {\"decimal\": \",\"}}"),
     "#/x-rowferry/formats/s/decimal: is for a property that can be a number"},
    {FILE_OF("\"formats\": {\"n\": {\"date\": \"DD.MM.YYYY\"}}"),
     "#/x-rowferry/formats/n/date: is for a property that can be a string"},
    {FILE_OF("\"formats\": {\"s\": {\"date\": \"DD.MM.YY\"}}"),
     "#/x-rowferry/formats/s/date: must write the year as YYYY"},
    {FILE_OF("\"formats\": {\"s\": {\"date\": 1}}"),
     "#/x-rowferry/formats/s/date: must be a pattern like \"DD.MM.YYYY\""},
    {FILE_OF("\"formats\": {\"b\": {\"boolean\": {\"true\": [\"ja\"]}}}"),
     "#/x-rowferry/formats/b/boolean: must be an object with true and false"},
    {FILE_OF("\"formats\": {\"b\": {\"boolean\": {\"true\": [\"ja\"], \"false\": []}}}"),
     "#/x-rowferry/formats/b/boolean/false: must be a list of words"},
    {FILE_OF("\"formats\": {\"b\": {\"boolean\": {\"true\": [\"ja\"], \"false\": [\"ja\"]}}}"),
     "#/x-rowferry/formats/b/boolean/false: lists a word twice"},
    {"{\"properties\": {\"a\": {}}, \"x-rowferry\": {\"formats\": {\"a\": {\"decimal\": "
     "\",\", \"date\": \"YYYYMMDD\"}}}}",
     "#/x-rowferry/formats/a: must be of one kind"},
};

static void a_mistake_is_reported_with_its_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++)
        assert_string_equal(refusal_of(mistakes[i].text), mistakes[i].refusal);
}

static void declared_columns_and_formats_reach_the_reader(void **state)
{
    struct err err = {0};
    struct schema *schema = schema_of(
        FILE_OF("\"csv\": {\"delimiter\": \"\\t\", \"encoding\": \"ISO-8859-15\", "
                "\"maxFieldBytes\": 2000000, \"maxFieldLines\": 7}, "
                "\"columns\": {\"Art. \\u2116\": \"s\", \"x\": null, \"id\": \"record_id\"}, "
                "\"formats\": {\"n\": {\"thousands\": \".\", \"decimal\": \",\"}, "
                "\"s\": {\"date\": \"D.M.YYYY\"}, "
                "\"b\": {\"boolean\": {\"false\": [\"N\"], \"true\": [\"J\", \"ja\"]}}}"),
        &err);
    const struct row_dialect *dialect;

    (void)state;
    assert_non_null(schema);
    dialect = &schema_shape(schema)->dialect;
    assert_int_equal(dialect->delimiter, '\t');
    assert_int_equal(dialect->encoding, ROW_ENCODING_ISO_8859_15);
    assert_int_equal(dialect->cell_size_max, 2000000);
    assert_int_equal(dialect->cell_lines_max, 7);
    assert_int_equal(dialect->column_count, 3);
    assert_true(span_is(dialect->columns[0].name, "Art. \xE2\x84\x96"));
    assert_true(span_is(dialect->columns[0].target, "s"));
    assert_null(dialect->columns[1].target.data);
    assert_true(span_is(dialect->columns[2].target, "record_id"));
    assert_int_equal(dialect->form_count, 3);
    assert_int_equal(dialect->forms[0].decimal, ',');
    assert_true(span_is(dialect->forms[0].thousands, "."));
    assert_true(span_is(dialect->forms[1].pattern, "D.M.YYYY"));
    assert_int_equal(dialect->forms[2].true_count, 2);
    assert_int_equal(dialect->forms[2].word_count, 3);
    assert_true(span_is(dialect->forms[2].words[2], "N"));
    schema_close(schema);
}

static void every_setting_reaches_the_reader(void **state)
{
    struct err err = {0};
    struct schema *schema = schema_of(
        FILE_OF("\"csv\": {\"skipLines\": 2, \"comment\": \"//\", \"footer\": \"^Total\", "
                "\"absent\": [\"NULL\", \"-\"], \"quotedEmpty\": \"absent\", "
                "\"shortRows\": \"absent\", \"longRows\": \"empty\"}, "
                "\"columns\": {\"V\": \"version\", \"T\": \"tags\"}, "
                "\"formats\": {\"n\": {\"thousands\": \" \", \"sign\": \"trailing\", "
                "\"padding\": \"0\", \"unit\": \"EUR\", \"absent\": [\"n/a\"]}, "
                "\"s\": {\"datetime\": \"DD.MM.YYYY hh:mm\", \"zone\": \"UTC\", "
                "\"fold\": \"later\"}}"),
        &err);
    const struct row_dialect *dialect;

    (void)state;
    if (!schema)
        fail_msg("%s", err.text);
    dialect = &schema_shape(schema)->dialect;
    assert_int_equal(dialect->skip_lines, 2);
    assert_true(span_is(dialect->comment, "//"));
    assert_true(dialect->is_footer(dialect->footer, span_of("Total 5")));
    assert_false(dialect->is_footer(dialect->footer, span_of("5 Total")));
    assert_true(dialect_holds(dialect->absent, span_of("-")));
    assert_false(dialect_holds(dialect->absent, span_of("")));
    assert_true(dialect->quoted_absent && dialect->short_rows && dialect->long_rows);
    assert_true(span_is(dialect->columns[0].target, "version"));
    assert_true(span_is(dialect->columns[1].target, "tags"));
    assert_int_equal(dialect->forms[0].sign, CELL_SIGN_TRAILING);
    assert_int_equal(dialect->forms[0].padding, '0');
    assert_int_equal(dialect->forms[0].decimal, '.');
    assert_true(span_is(dialect->forms[0].unit, "EUR"));
    assert_true(dialect_holds(dialect->forms[0].absent, span_of("n/a")));
    assert_int_equal(dialect->forms[1].fold, CELL_FOLD_LATER);
    assert_non_null(dialect->forms[1].zone);
    schema_close(schema);
}

static void defaults_can_be_written_down(void **state)
{
    struct err err = {0};
    struct schema *schema =
        schema_of(FILE_OF("\"csv\": {\"quote\": \"\\\"\", \"quotedEmpty\": \"empty\", "
                          "\"shortRows\": \"rejected\", \"longRows\": \"rejected\"}"),
                  &err);
    const struct row_dialect *dialect;

    (void)state;
    if (!schema)
        fail_msg("%s", err.text);
    dialect = &schema_shape(schema)->dialect;
    assert_false(dialect->unquoted || dialect->quoted_absent || dialect->short_rows ||
                 dialect->long_rows);
    schema_close(schema);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mistake_is_reported_with_its_place),
        cmocka_unit_test(declared_columns_and_formats_reach_the_reader),
        cmocka_unit_test(every_setting_reaches_the_reader),
        cmocka_unit_test(defaults_can_be_written_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
