/* x-rowferry `csv`, `columns` and `formats`: what a schema file may say of CSV files. */
#include "core/row/cell_form.h"
#include "tests/unit/schema_scene.h"

#define FILE_OF(inside)                                                                            \
    "{\"properties\": {\"s\": {\"type\": \"string\"}, \"n\": {\"type\": [\"number\", \"null\"]}, " \
    "\"b\": {\"type\": \"boolean\"}}, \"x-rowferry\": {" inside "}}"

static void a_mistake_is_named_with_its_place(void **state)
{
    static const struct {
        const char *text, *refusal;
    } cases[] = {
        {FILE_OF("\"csv\": []"), "#/x-rowferry/csv: must be an object"},
        {FILE_OF("\"csv\": {\"quote\": 1}"),
         "#/x-rowferry/csv/quote: there are delimiter, encoding, maxFieldBytes and maxFieldLines"},
        {FILE_OF("\"csv\": {\"delimiter\": \"::\"}"),
         "#/x-rowferry/csv/delimiter: must be \",\", \";\", \"|\" or \"\\t\""},
        {FILE_OF("\"csv\": {\"delimiter\": 9}"),
         "#/x-rowferry/csv/delimiter: must be \",\", \";\", \"|\" or \"\\t\""},
        {FILE_OF("\"csv\": {\"encoding\": \"latin1\"}"),
         "#/x-rowferry/csv/encoding: must be \"UTF-8\", \"UTF-16\", \"windows-1252\", "
         "\"ISO-8859-1\" or \"ISO-8859-15\""},
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
        {FILE_OF("\"formats\": {\"n\": {}}"),
         "#/x-rowferry/formats/n: must be an object with decimal, date or boolean"},
        {FILE_OF("\"formats\": {\"n\": {\"comma\": 1}}"),
         "#/x-rowferry/formats/n/comma: there are decimal, thousands, date and boolean"},
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
         "#/x-rowferry/formats/b/boolean/false: holds a word that stands there twice"},
        {"{\"properties\": {\"a\": {}}, \"x-rowferry\": {\"formats\": {\"a\": {\"decimal\": "
         "\",\", \"date\": \"YYYYMMDD\"}}}}",
         "#/x-rowferry/formats/a: must be of one kind"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(refusal_of(cases[i].text), cases[i].refusal);
}

static void what_is_declared_reaches_the_reader(void **state)
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mistake_is_named_with_its_place),
        cmocka_unit_test(what_is_declared_reaches_the_reader),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
