/* What is said to declare for a cell that does not fit its column. */
#include "core/row/cell_hint.h"

#include "core/base/zone.h"
#include "core/row/row.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define DECLARE(form)                                                                              \
    "; if that is meant, declare \"formats\": {\"p\": {" form "}} under x-rowferry"
#define ABSENT(word) DECLARE("\"absent\": [\"" word "\"]")

static const struct span property = {"p", 1};

#define MINUS   "\xE2\x88\x92"
#define EN_DASH "\xE2\x80\x93"

static const struct cell_form declared_form = {.kind = CELL_DECIMAL, .decimal = '.'};
static const struct {
    const struct cell_form *form;
    const char *content, *hint;
} numbers[] = {
    {NULL, "1,5", DECLARE("\"decimal\": \",\"")},
    {NULL, "1.234,5", DECLARE("\"decimal\": \",\", \"thousands\": \".\"")},
    {NULL, "1,234.5", DECLARE("\"thousands\": \",\"")},
    {NULL, "1,234,567", DECLARE("\"thousands\": \",\"")},
    {NULL, "1'234.5", DECLARE("\"thousands\": \"'\"")},
    {NULL,
     "1\xE2\x80\x99"
     "234,5",
     DECLARE("\"decimal\": \",\", \"thousands\": \"\xE2\x80\x99\"")},
    {NULL, "1 234", DECLARE("\"thousands\": \" \"")},
    {NULL,
     "1\xC2\xA0"
     "234,5",
     DECLARE("\"decimal\": \",\", \"thousands\": \" \"")},
    {NULL, "5-", DECLARE("\"sign\": \"trailing\"")},
    {NULL, "+5", DECLARE("\"sign\": \"leading\"")},
    {NULL, "(5)", DECLARE("\"sign\": \"parentheses\"")},
    {NULL, "007", DECLARE("\"padding\": \"0\"")},
    {NULL, " 7", DECLARE("\"padding\": \" \"")},
    {NULL, "7 ", DECLARE("\"padding\": \" \"")},
    {NULL, "7 EUR", DECLARE("\"unit\": \"EUR\"")},
    {NULL, "7\xC2\xA0\xE2\x82\xAC", DECLARE("\"unit\": \"\xE2\x82\xAC\"")},
    {NULL, "$7", DECLARE("\"unit\": \"$\"")},
    {NULL,
     "USD\xC2\xA0"
     "7",
     DECLARE("\"unit\": \"USD\"")},
    {NULL, "7%", DECLARE("\"unit\": \"%\"")},
    {NULL, MINUS "5", DECLARE("\"sign\": \"leading\"")},
    {NULL, "5" MINUS, DECLARE("\"sign\": \"trailing\"")},
    {NULL, MINUS "5,5 EUR",
     DECLARE("\"decimal\": \",\", \"sign\": \"leading\", \"unit\": \"EUR\"")},
    {&declared_form, "1,5", DECLARE("\"decimal\": \",\"") " instead of what is there"},
    /* nothing that a form says */
    {NULL, "x", ""},
    {NULL, "EUR", ""},
    {NULL, "1.2.3", ""},
    {NULL, "1,2,3", ""},
    {NULL, "7 a unit of 17 bytes", ""},
    {NULL, "7 \x01", ""},
    {NULL, "5", ""},
    {NULL, "+", ""},
    {NULL, "(", ""},
    {NULL, "0", ""},
    /* what changes the number is not a unit */
    {NULL, EN_DASH "5", ""},
    {NULL, "<5", ""},
    {NULL, "~5", ""},
    {NULL, "5 CR", ""},
    {NULL, "H 5", ""},
    {NULL,
     "\xC2\xB1"
     "5",
     ""},
};

static void the_form_of_a_number_is_guessed(void **state)
{
    struct buf out = {0};

    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        buf_reset(&out);
        cell_hint(numbers[i].form, property, ROW_NUMBER, span_of(numbers[i].content), &out);
        assert_string_equal(buf_text(&out), numbers[i].hint);
    }
    buf_release(&out);
}

static void a_word_for_an_absent_value_can_be_declared(void **state)
{
    static const struct cell_form date = {.kind = CELL_DATE, .pattern = {"YYYYMMDD", 8}},
                                  decimal = {.kind = CELL_DECIMAL}, word = {.kind = CELL_BOOLEAN};
    static const struct {
        const struct cell_form *form;
        unsigned types;
        const char *content, *hint;
    } cases[] = {
        {NULL, ROW_NUMBER, "NULL", ABSENT("NULL")},
        {NULL, ROW_STRING, "\\N", ABSENT("\\\\N")},
        {&date, ROW_STRING, "00000000", ABSENT("00000000")},
        {&date, ROW_STRING, "0000-00-00 00:00", ABSENT("0000-00-00 00:00")},
        {&date, ROW_STRING, "00000", ""},
        {&date, ROW_STRING, "00000001", ""},
        {NULL, ROW_NUMBER, "000000", DECLARE("\"padding\": \"0\"")},
        {NULL, ROW_BOOLEAN, "000000", ABSENT("000000")},
        {&decimal, ROW_NUMBER, "000000", ABSENT("000000")},
        {NULL, ROW_BOOLEAN, "x", DECLARE("\"boolean\": {\"true\": [...], \"false\": [...]}")},
        {&word, ROW_BOOLEAN, "x", ""},
        {NULL, ROW_STRING, "x", ""},
        {&word, ROW_NUMBER, "1,5", ""},
        {NULL, ROW_STRING, "",
         "; an empty cell without quotes is absent, and \"csv\": {\"quotedEmpty\": \"absent\"} "
         "under x-rowferry makes \"\" so too"},
    };
    struct buf out = {0};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        buf_reset(&out);
        cell_hint(cases[i].form, property, cases[i].types, span_of(cases[i].content), &out);
        assert_string_equal(buf_text(&out), cases[i].hint);
    }
    buf_release(&out);
}

static void a_local_time_without_one_moment_is_explained(void **state)
{
    static const struct {
        const char *content, *hint;
    } cases[] = {
        {"25.10.2026 02:30", ", which came twice, as clocks were put back: \"fold\": \"earlier\" "
                             "or \"later\" says which is meant"},
        {"29.03.2026 02:30", ", which never came, as clocks were put forward over it"},
        {"31.04.2026 02:30", ""},
    };
    struct err err = {0};
    struct cell_form form = {.kind = CELL_DATETIME,
                             .zone = zone_open(span_of("Europe/Berlin"), &err),
                             .pattern = {"DD.MM.YYYY hh:mm", 16}};
    struct buf out = {0};

    (void)state;
    assert_non_null(form.zone);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        buf_reset(&out);
        cell_hint(&form, property, ROW_STRING, span_of(cases[i].content), &out);
        assert_string_equal(buf_text(&out), cases[i].hint);
    }
    zone_close(form.zone);
    buf_release(&out);
}

static void the_pattern_of_a_date_is_guessed(void **state)
{
    static const struct {
        bool with_time;
        const char *content, *hint;
    } cases[] = {
        {false, "31.12.2026", DECLARE("\"date\": \"DD.MM.YYYY\"")},
        {false, "05/06/2026", DECLARE("\"date\": \"DD/MM/YYYY\" or \"MM/DD/YYYY\"")},
        {false, "31/12/2026", DECLARE("\"date\": \"DD/MM/YYYY\"")},
        {false, "5.6.2026", DECLARE("\"date\": \"D.M.YYYY\"")},
        {false, "5/6/2026", DECLARE("\"date\": \"D/M/YYYY\" or \"M/D/YYYY\"")},
        {false, "20261231", DECLARE("\"date\": \"YYYYMMDD\"")},
        {false, "NULL", ABSENT("NULL")},
        {false, "soon", ""},
        {false, "31.12.2026 10:00", ""},
        {true, "31.12.2026 10:00", DECLARE("\"datetime\": \"DD.MM.YYYY hh:mm\", \"zone\": ...")},
        {true, "31.12.2026 10:00:01",
         DECLARE("\"datetime\": \"DD.MM.YYYY hh:mm:ss\", \"zone\": ...")},
        {true, "20261231100001", DECLARE("\"datetime\": \"YYYYMMDDhhmmss\", \"zone\": ...")},
        {true, "05/06/2026 10:00",
         DECLARE("\"datetime\": \"DD/MM/YYYY hh:mm\" or \"MM/DD/YYYY hh:mm\", \"zone\": ...")},
        {true, "2026-12-31T10:00", DECLARE("\"datetime\": \"YYYY-MM-DDThh:mm\", \"zone\": ...")},
        {true, "31.12.2026", ""},
    };
    struct buf out = {0};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        buf_reset(&out);
        cell_hint_date(property, cases[i].with_time, span_of(cases[i].content), &out);
        assert_string_equal(buf_text(&out), cases[i].hint);
    }
    buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_form_of_a_number_is_guessed),
        cmocka_unit_test(a_word_for_an_absent_value_can_be_declared),
        cmocka_unit_test(a_local_time_without_one_moment_is_explained),
        cmocka_unit_test(the_pattern_of_a_date_is_guessed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
