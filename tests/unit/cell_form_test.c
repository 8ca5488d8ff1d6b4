/* Cells in declared forms: what they are read as, what is written, and how a form is described. */
#include "core/row/cell_form.h"

#include "core/base/zone.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct span words[] = {{"ja", 2}, {"J", 1}, {"nein", 4}};
static const struct cell_form grouped = {
    .kind = CELL_DECIMAL, .decimal = ',', .thousands = {".", 1}};
static const struct cell_form comma = {.kind = CELL_DECIMAL, .decimal = ','};

/* What a content becomes, or "-". */
static const char *formed_as(const struct cell_form *form, const char *content)
{
    static struct buf out;
    enum json_kind kind;

    buf_reset(&out);
    buf_append_char(&out, '>');
    if (!cell_form_read(form, span_of(content), &out, &kind)) {
        assert_int_equal(out.size, 1);
        return "-";
    }
    return buf_text(&out) + 1;
}

static void numbers_are_grouped_by_three_or_not_at_all(void **state)
{
    static const struct {
        const char *content, *number;
    } cases[] = {
        {"0", "0"},
        {"1.234", "1234"},
        {"12.345.678,9", "12345678.9"},
        {"1234", "1234"},
        {"-1.000", "-1000"},
        {"1234.567", "-"},
        {"1.23", "-"},
        {"1.2345", "-"},
        {".123", "-"},
        {"1.", "-"},
        {"1,", "-"},
        {",5", "-"},
        {"1,5,5", "-"},
        {"1,5.000", "-"},
        {"+1", "-"},
        {"-", "-"},
        {"", "-"},
        {" 1", "-"},
        {"1 ", "-"},
        {"01", "-"},
        {"0.001", "-"},
        {"1,50-", "-"},
        {"1..000", "-"},
        {"1,2e-3", "1.2e-3"},
        {"1.000.000", "1000000"},
        {"--1", "-"},
        {"1.000.00", "-"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(formed_as(&grouped, cases[i].content), cases[i].number);
    assert_string_equal(formed_as(&comma, "1.5"), "-");
    assert_string_equal(formed_as(&comma, "1,5"), "1.5");
}

static void dates_must_be_in_the_calendar(void **state)
{
    static const struct {
        const char *pattern, *content, *date;
    } cases[] = {
        {"DD.MM.YYYY", "31.12.2026", "2026-12-31"},
        {"DD.MM.YYYY", "1.2.2026", "-"},
        {"DD.MM.YYYY", "01.02.26", "-"},
        {"DD.MM.YYYY", "01.02.20261", "-"},
        {"DD.MM.YYYY", "01/02/2026", "-"},
        {"DD.MM.YYYY", "00.01.2026", "-"},
        {"DD.MM.YYYY", "01.13.2026", "-"},
        {"DD.MM.YYYY", "29.02.2100", "-"},
        {"DD.MM.YYYY", "29.02.2000", "2000-02-29"},
        {"DD.MM.YYYY", "29.02.2023", "-"},
        {"DD.MM.YYYY", "01.00.2026", "-"},
        {"DD.MM.YYYY", "", "-"},
        {"MM/DD/YYYY", "12/31/2026", "2026-12-31"},
        {"MM/DD/YYYY", "31/12/2026", "-"},
        {"YYYYMMDD", "20261231", "2026-12-31"},
        {"YYYYMMDD", "2026-12-31", "-"},
        {"YYYYMMDD", "2026123", "-"},
        {"D.M.YYYY", "1.2.2026", "2026-02-01"},
        {"D.M.YYYY", "01.12.2026", "2026-12-01"},
        {"YYYY-MM-DD", "2026-06-30", "2026-06-30"},
        {"YYYY-MM-DD", "2026-06-31", "-"},
        {"D. M. YYYY", "5. 6. 2026", "2026-06-05"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct cell_form form = {.kind = CELL_DATE, .pattern = span_of(cases[i].pattern)};

        assert_null(cell_form_pattern_fault(form.pattern, false));
        assert_string_equal(formed_as(&form, cases[i].content), cases[i].date);
    }
}

/* What cell_form_write makes of a value; `none`: no cell says it. */
static void assert_cell(const struct cell_form *form, enum json_kind kind, const char *value,
                        const char *expected)
{
    struct buf out = {0};

    if (!cell_form_write(form, kind, span_of(value), &out)) {
        assert_int_equal(out.size, 0);
        buf_append_text(&out, "none");
    }
    assert_string_equal(buf_text(&out), expected);
    buf_release(&out);
}

static void a_value_is_written_in_its_form_or_not_at_all(void **state)
{
    const struct cell_form point = {.kind = CELL_DECIMAL, .decimal = '.', .thousands = {",", 1}};
    const struct cell_form date = {.kind = CELL_DATE, .pattern = {"D.MM.YYYY", 9}};
    const struct cell_form word = {
        .kind = CELL_BOOLEAN, .words = words, .true_count = 2, .word_count = 3};

    (void)state;
    assert_cell(&grouped, JSON_NUMBER, "-1234.50", "-1234,50");
    assert_cell(&grouped, JSON_NUMBER, "1.5e-3", "1,5e-3");
    assert_cell(&grouped, JSON_NUMBER, "1234567", "1234567");
    assert_cell(&point, JSON_NUMBER, "1234.5", "1234.5");
    assert_cell(&grouped, JSON_STRING, "12", "none");
    assert_cell(&grouped, JSON_TRUE, "true", "none");
    assert_cell(&date, JSON_STRING, "2026-01-05", "5.01.2026");
    assert_cell(&date, JSON_STRING, "2026-02-30", "none");
    assert_cell(&date, JSON_STRING, "2026/01/05", "none");
    assert_cell(&date, JSON_STRING, "", "none");
    assert_cell(&date, JSON_STRING, "2026-01-05T00:00:00Z", "none");
    assert_cell(&word, JSON_TRUE, "true", "ja");
    assert_cell(&word, JSON_FALSE, "false", "nein");
    assert_cell(&word, JSON_NUMBER, "1", "none");
}

static void an_ambiguous_pattern_is_refused(void **state)
{
    static const struct {
        const char *pattern, *fault;
        bool with_time;
    } cases[] = {
        {"DD.MM.YY", "must write the year as YYYY", false},
        {"DD.MMM.YYYY", "must write the month as MM or M and the day as DD or D", false},
        {"DMYYYY", "needs something between M or D and what follows", false},
        {"DD.MM", "must hold the year, the month and the day once each, like DD.MM.YYYY", false},
        {"DD.MM.DD.YYYY", "must hold the year, the month and the day once each, like DD.MM.YYYY",
         false},
        {"", "must hold the year, the month and the day once each, like DD.MM.YYYY", false},
        {"YYYY-MM-DDThh",
         "may hold YYYY, MM, M, DD, D and separators like . / - or "
         "a space",
         false},
        {"DD.MM.YYYY hh",
         "must hold the year, the month, the day, the hour and the minute once each, like "
         "DD.MM.YYYY hh:mm:ss",
         true},
        {"DD.MM.YYYY hhh:mm", "must write the time as hh or h, mm or m, ss or s", true},
        {"DD.MM.YYYY hmm", "needs something between M or D and what follows", true},
        {"DD.MM.YYYY hh:mm:ss s",
         "must hold the year, the month, the day, the hour and the minute once each, like "
         "DD.MM.YYYY hh:mm:ss",
         true},
        {"DD.MM.YYYY hh:mm a",
         "may hold YYYY, MM, M, DD, D, hh, h, mm, m, ss, s and separators like . / - : T or a "
         "space",
         true},
        {"DD.MM.YYYY\xC2\xA0hh:mm",
         "may hold YYYY, MM, M, DD, D, hh, h, mm, m, ss, s and separators like . / - : T or a "
         "space",
         true},
        {"DD.MM.YYYY\x7F", "may hold YYYY, MM, M, DD, D and separators like . / - or a space",
         false},
        {"DD.MM.YYYY1", "may hold YYYY, MM, M, DD, D and separators like . / - or a space", false},
        {"DD.MM.YYYY z", "may hold YYYY, MM, M, DD, D and separators like . / - or a space", false},
        {"DD.MM.YYYYT", "may hold YYYY, MM, M, DD, D and separators like . / - or a space", false},
        {"DDMYYYY", "needs something between M or D and what follows", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(cell_form_pattern_fault(span_of(cases[i].pattern), cases[i].with_time),
                            cases[i].fault);
}

static const struct cell_form plain = {.kind = CELL_DECIMAL, .decimal = '.'},
                              leading = {.kind = CELL_DECIMAL, .sign = CELL_SIGN_LEADING},
                              trailing = {.kind = CELL_DECIMAL, .sign = CELL_SIGN_TRAILING},
                              around = {.kind = CELL_DECIMAL, .sign = CELL_SIGN_PARENTHESES},
                              zeros = {.kind = CELL_DECIMAL, .padding = '0'},
                              blanks = {.kind = CELL_DECIMAL, .padding = ' '},
                              spaces = {.kind = CELL_DECIMAL, .thousands = {" ", 1}},
                              unit = {.kind = CELL_DECIMAL, .unit = {"EUR", 3}},
                              all = {.kind = CELL_DECIMAL,
                                     .decimal = ',',
                                     .sign = CELL_SIGN_TRAILING,
                                     .padding = ' ',
                                     .unit = {"\xE2\x82\xAC", 3}};

struct number {
    const struct cell_form *form;
    const char *content, *number;
};

static void a_number_has_its_sign_where_it_is_declared(void **state)
{
    static const struct number cases[] = {
        {&plain, "-1.5", "-1.5"},
        {&plain, "+1", "-"},
        {&plain, "1,5", "-"},
        {&leading, "+1", "1"},
        {&leading, "-1", "-1"},
        {&leading, "1-", "-"},
        {&leading, "+-1", "-"},
        {&leading, "1.5", "-"},
        {&trailing, "1-", "-1"},
        {&trailing, "1+", "1"},
        {&trailing, "-1", "-"},
        {&trailing, "-", "-"},
        {&trailing, "", "-"},
        {&around, "(1)", "-1"},
        {&around, "1", "1"},
        {&around, "(1", "-"},
        {&around, "(", "-"},
        {&around, "()", "-"},
        {&around, "1)", "-"},
        {&around, "-1", "-"},
        /* the minus of typography, U+2212 */
        {&leading,
         "\xE2\x88\x92"
         "1",
         "-1"},
        {&trailing, "1\xE2\x88\x92", "-1"},
        {&plain,
         "\xE2\x88\x92"
         "1",
         "-"},
        {&leading, "\xE2\x88\x92", "-"},
        {&leading,
         "\xE2\x80\x93"
         "1",
         "-"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(formed_as(cases[i].form, cases[i].content), cases[i].number);
}

static void padding_and_a_unit_are_not_part_of_a_number(void **state)
{
    static const struct number cases[] = {
        {&zeros, "007", "7"},
        {&zeros, "000", "0"},
        {&zeros, "-007", "-7"},
        {&zeros, " 7", "-"},
        {&blanks, "  7\t", "7"},
        {&blanks,
         "\xC2\xA0"
         "7\xE3\x80\x80",
         "7"},
        {&blanks, "  ", "-"},
        {&blanks, "- 7", "-7"},
        {&blanks,
         "\x01"
         "7",
         "-"},
        {&blanks, "7\x01", "-"},
        {&spaces, "1 000", "1000"},
        {&spaces,
         "1\xC2\xA0"
         "000\xE2\x80\xAF"
         "000",
         "1000000"},
        {&spaces, "1\t000", "-"},
        {&spaces, "1 00", "-"},
        {&unit, "5 EUR", "5"},
        {&unit, "EUR5", "5"},
        {&unit, "EUR 5", "5"},
        {&unit, "5EUR", "5"},
        {&unit, "5", "5"},
        {&unit, "5 EUX", "-"},
        {&unit, "5 XUR", "-"},
        {&unit, "EUX 5", "-"},
        {&unit, "EUR 5 EUR", "-"},
        {&unit, "EUR  5", "-"},
        {&unit, "EU", "-"},
        {&unit, "EUR", "-"},
        {&unit, "-5 EUR", "-5"},
        {&unit, "EUR -5", "-5"},
        {&all, " 5,5-\xE2\x82\xAC ", "-5.5"},
        {&all, "5 \xE2\x82\xAC -", "-5"},
        {&all, "5\xE2\x82\xA4", "-"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(formed_as(cases[i].form, cases[i].content), cases[i].number);
}

static struct zone *open_zone(const char *name)
{
    struct err err = {0};
    struct zone *zone = zone_open(span_of(name), &err);

    if (!zone)
        fail_msg("%s", err.text);
    return zone;
}

/* Reads and writes with the places of the parts found before, and without. */
static void assert_time(struct cell_form form, const char *content, const char *time)
{
    form.kind = CELL_DATETIME;
    assert_null(cell_form_pattern_fault(form.pattern, true));
    assert_string_equal(formed_as(&form, content), time);
    if (*time != '-' && form.fold != CELL_FOLD_NONE)
        assert_cell(&form, JSON_STRING, time, content);
    cell_form_place(&form);
    assert_string_equal(formed_as(&form, content), time);
}

static void a_local_time_is_read_with_the_offset_of_its_zone(void **state)
{
    static const char full[] = "DD.MM.YYYY hh:mm:ss", loose[] = "D.M.YYYY h:m:s",
                      minutes[] = "YYYYMMDD hhmm", t[] = "YYYY-MM-DDThh:mm";
    static const struct {
        const char *zone, *pattern, *content, *time;
        enum cell_fold fold;
    } cases[] = {
        {"UTC", full, "23.11.2026 10:00:01", "2026-11-23T10:00:01Z", CELL_FOLD_EARLIER},
        {"Europe/Berlin", full, "23.11.2026 10:00:00", "2026-11-23T10:00:00+01:00",
         CELL_FOLD_EARLIER},
        {"America/St_Johns", full, "23.11.2026 10:00:00", "2026-11-23T10:00:00-03:30",
         CELL_FOLD_EARLIER},
        {"Europe/Berlin", loose, "1.7.2026 0:5:9", "2026-07-01T00:05:09+02:00", CELL_FOLD_EARLIER},
        {"Europe/Berlin", minutes, "20260701 0059", "2026-07-01T00:59:00+02:00", CELL_FOLD_EARLIER},
        {"Europe/Berlin", t, "2026-07-01T23:59", "2026-07-01T23:59:00+02:00", CELL_FOLD_EARLIER},
        /* clocks put back and forward */
        {"Europe/Berlin", full, "25.10.2026 02:30:00", "-", CELL_FOLD_NONE},
        {"Europe/Berlin", full, "25.10.2026 02:30:00", "2026-10-25T02:30:00+02:00",
         CELL_FOLD_EARLIER},
        {"Europe/Berlin", full, "25.10.2026 02:30:00", "2026-10-25T02:30:00+01:00",
         CELL_FOLD_LATER},
        {"Europe/Berlin", full, "29.03.2026 02:30:00", "-", CELL_FOLD_EARLIER},
        /* an offset with seconds, which becomes UTC */
        {"America/New_York", full, "01.01.1880 00:00:00", "1880-01-01T04:56:02Z",
         CELL_FOLD_EARLIER},
        /* no time */
        {"UTC", full, "23.11.2026 24:00:00", "-", CELL_FOLD_EARLIER},
        {"UTC", full, "23.11.2026 10:60:00", "-", CELL_FOLD_EARLIER},
        {"UTC", full, "23.11.2026 10:00:60", "-", CELL_FOLD_EARLIER},
        {"UTC", full, "23.11.0000 10:00:00", "-", CELL_FOLD_EARLIER},
        {"UTC", full, "23.11.2026 10:00", "-", CELL_FOLD_EARLIER},
        {"UTC", full, "23.11.2026 1x:00:00", "-", CELL_FOLD_EARLIER},
        {"UTC", full, "23.11.2026 10:x0:00", "-", CELL_FOLD_EARLIER},
        {"UTC", full, "23.11.2026 10:00:0:", "-", CELL_FOLD_EARLIER},
        {"UTC", full, "23-11.2026 10:00:00", "-", CELL_FOLD_EARLIER},
        {"UTC", full, "x3.11.2026 10:00:00", "-", CELL_FOLD_EARLIER},
        {"UTC", full, "23.11.2026 10:00:001", "-", CELL_FOLD_EARLIER},
        {"UTC", loose, "1.7.2026 0:5", "-", CELL_FOLD_EARLIER},
        {"UTC", loose, "1.7.2026 0:5:", "-", CELL_FOLD_EARLIER},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct cell_form form = {.zone = open_zone(cases[i].zone),
                                 .pattern = span_of(cases[i].pattern),
                                 .fold = cases[i].fold};

        assert_time(form, cases[i].content, cases[i].time);
        zone_close(form.zone);
    }
}

static void a_time_that_no_cell_of_its_form_says_is_not_written(void **state)
{
    struct cell_form form = {.kind = CELL_DATETIME,
                             .zone = open_zone("Europe/Berlin"),
                             .pattern = {"DD.MM.YYYY hh:mm", 16}};

    (void)state;
    assert_cell(&form, JSON_STRING, "2026-07-01T10:00:00+02:00", "01.07.2026 10:00");
    assert_cell(&form, JSON_STRING, "2026-07-01T10:00:01+02:00", "none");
    assert_cell(&form, JSON_STRING, "2026-07-01T08:00:00Z", "none");
    assert_cell(&form, JSON_STRING, "2026-07-01T10:00:00+01:00", "none");
    assert_cell(&form, JSON_STRING, "2026-07-01", "none");
    assert_cell(&form, JSON_STRING, "2026-02-30T10:00:00+01:00", "none");
    assert_cell(&form, JSON_STRING, "2026/07/01T10:00:00+02:00", "none");
    assert_cell(&form, JSON_STRING, "2026-10-25T02:30:00+01:00", "none");
    zone_close(form.zone);
    form.kind = CELL_PLAIN;
    assert_cell(&form, JSON_STRING, "2026-07-01T10:00:00+02:00", "none");
    assert_string_equal(formed_as(&form, "1"), "-");
}

static void a_number_is_written_with_its_sign_and_unit(void **state)
{
    const struct cell_form after = {
        .kind = CELL_DECIMAL, .sign = CELL_SIGN_TRAILING, .unit = {"kg", 2}};
    const struct cell_form enclosed = {
        .kind = CELL_DECIMAL, .decimal = ',', .sign = CELL_SIGN_PARENTHESES};

    (void)state;
    assert_cell(&after, JSON_NUMBER, "-5", "5- kg");
    assert_cell(&after, JSON_NUMBER, "5", "5 kg");
    assert_cell(&after, JSON_NUMBER, "5.5", "none");
    assert_cell(&enclosed, JSON_NUMBER, "-5.5", "(5,5)");
    assert_cell(&enclosed, JSON_NUMBER, "", "none");
}

static void a_form_is_described_by_an_example(void **state)
{
    static const struct span many[] = {{"1", 1},  {"2", 1},  {"3", 1}, {"4", 1}, {"5", 1},
                                       {"6", 1},  {"7", 1},  {"8", 1}, {"9", 1}, {"10", 2},
                                       {"11", 2}, {"12", 2}, {"13", 2}};
    static const struct {
        struct cell_form form;
        bool integer;
        const char *text;
    } cases[] = {
        {{.kind = CELL_PLAIN}, false, ""},
        {{.kind = CELL_DECIMAL, .decimal = ',', .thousands = {".", 1}},
         false,
         "a number like 1.234,50"},
        {{.kind = CELL_DECIMAL, .decimal = ','}, true, "an integer like 1234"},
        {{.kind = CELL_DECIMAL, .sign = CELL_SIGN_LEADING, .padding = '0'},
         false,
         "a number like 1234, padded with zeros"},
        {{.kind = CELL_DECIMAL, .sign = CELL_SIGN_TRAILING, .padding = ' '},
         false,
         "a number like 1234, negative as 5-, padded with blanks"},
        {{.kind = CELL_DECIMAL, .sign = CELL_SIGN_PARENTHESES, .unit = {"kg", 2}},
         true,
         "an integer like 1234, negative as (5), with or without \"kg\""},
        {{.kind = CELL_DATE, .pattern = {"D.M.YYYY", 8}},
         false,
         "a day of the calendar as D.M.YYYY"},
        {{.kind = CELL_DATETIME, .pattern = {"D.M.YYYY h:mm", 13}},
         false,
         "a local time as D.M.YYYY h:mm"},
        {{.kind = CELL_BOOLEAN, .words = words, .true_count = 2, .word_count = 3},
         false,
         "\"ja\", \"J\" or \"nein\""},
        {{.kind = CELL_BOOLEAN, .words = many, .true_count = 2, .word_count = 12},
         false,
         "\"1\", \"2\", \"3\", \"4\", \"5\", \"6\", \"7\", \"8\", \"9\", \"10\", \"11\" or \"12\""},
        {{.kind = CELL_BOOLEAN, .words = many, .true_count = 2, .word_count = 13},
         false,
         "\"1\", \"2\", \"3\", \"4\", \"5\", \"6\", \"7\", \"8\", \"9\", \"10\", \"11\", \"12\" or "
         "another declared word"},
    };
    struct buf out = {0};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        buf_reset(&out);
        cell_form_describe(&cases[i].form, cases[i].integer, &out);
        assert_string_equal(buf_text(&out), cases[i].text);
    }
    buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_grouped_by_three_or_not_at_all),
        cmocka_unit_test(dates_must_be_in_the_calendar),
        cmocka_unit_test(a_value_is_written_in_its_form_or_not_at_all),
        cmocka_unit_test(an_ambiguous_pattern_is_refused),
        cmocka_unit_test(a_number_has_its_sign_where_it_is_declared),
        cmocka_unit_test(padding_and_a_unit_are_not_part_of_a_number),
        cmocka_unit_test(a_local_time_is_read_with_the_offset_of_its_zone),
        cmocka_unit_test(a_time_that_no_cell_of_its_form_says_is_not_written),
        cmocka_unit_test(a_number_is_written_with_its_sign_and_unit),
        cmocka_unit_test(a_form_is_described_by_an_example),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
