#include "core/base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

static void setting_fills_kind_and_text_and_is_false(void **state)
{
    struct err err = {0};

    (void)state;
    assert_false(err_set(&err, ERR_INPUT, "line %d: %s", 812, "ragged"));
    assert_int_equal(err.kind, ERR_INPUT);
    assert_string_equal(err.text, "line 812: ragged");
}

static void the_line_that_set_it_is_its_source(void **state)
{
    struct err err = {0};
    char expected[64];

    (void)state;
    snprintf(expected, sizeof expected, "tests/unit/err_test.c:%d", __LINE__ + 1);
    err_set(&err, ERR_STORE, "disk full");
    err_wrap(&err, "chunk %d", 3);
    assert_string_equal(err.source, expected);
}

static void wrapping_puts_the_place_before_and_keeps_the_kind(void **state)
{
    struct err err = {0};

    (void)state;
    err_set(&err, ERR_STORE, "disk full");
    assert_false(err_wrap(&err, "chunk %d", 3));
    assert_false(err_wrap(&err, "ingest %s", "x.csv"));
    assert_int_equal(err.kind, ERR_STORE);
    assert_string_equal(err.text, "ingest x.csv: chunk 3: disk full");
}

static void wrapping_nothing_still_says_where(void **state)
{
    struct err err = {0};

    (void)state;
    err_wrap(&err, "here");
    assert_int_equal(err.kind, ERR_NONE);
    assert_string_equal(err.text, "here: ");
}

static void a_text_beyond_the_ceiling_is_cut(void **state)
{
    char text[ERR_TEXT_SIZE + 100];
    struct err err = {0};

    (void)state;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    err_set(&err, ERR_CONFIG, "%s", text);
    assert_int_equal(strlen(err.text), ERR_TEXT_SIZE - 1);
    assert_memory_equal(err.text, text, ERR_TEXT_SIZE - 1);
}

static void wrapping_a_full_text_cuts_its_end(void **state)
{
    char text[ERR_TEXT_SIZE];
    struct err err = {0};

    (void)state;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    err_set(&err, ERR_CONFIG, "%s", text);
    err_wrap(&err, "abc");
    assert_int_equal(strlen(err.text), ERR_TEXT_SIZE - 1);
    assert_memory_equal(err.text, "abc: xxx", 8);
    assert_int_equal(err.kind, ERR_CONFIG);
}

static void a_place_beyond_the_ceiling_is_cut_and_drops_the_text(void **state)
{
    char place[ERR_TEXT_SIZE + 100];
    struct err err = {0};

    (void)state;
    memset(place, 'y', sizeof place - 1);
    place[sizeof place - 1] = '\0';
    err_set(&err, ERR_CONFIG, "lost");
    err_wrap(&err, "%s", place);
    assert_int_equal(strlen(err.text), ERR_TEXT_SIZE - 1);
    assert_string_equal(err.text + ERR_TEXT_SIZE - 5, "yy: ");
}

static void every_size_of_place_and_text_stays_inside(void **state)
{
    char text[ERR_TEXT_SIZE];

    (void)state;
    memset(text, 'z', sizeof text);
    for (int size = ERR_TEXT_SIZE - 8; size < ERR_TEXT_SIZE; size++) {
        for (int kept = 0; kept < 8; kept++) {
            struct err err = {0};

            err_set(&err, ERR_INPUT, "%.*s", kept, "abcdefgh");
            err_wrap(&err, "%.*s", size, text);
            assert_in_range(strlen(err.text), 1, ERR_TEXT_SIZE - 1);
            assert_non_null(strstr(err.text, "z: "));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_line_that_set_it_is_its_source),
        cmocka_unit_test(setting_fills_kind_and_text_and_is_false),
        cmocka_unit_test(wrapping_puts_the_place_before_and_keeps_the_kind),
        cmocka_unit_test(wrapping_nothing_still_says_where),
        cmocka_unit_test(a_text_beyond_the_ceiling_is_cut),
        cmocka_unit_test(wrapping_a_full_text_cuts_its_end),
        cmocka_unit_test(a_place_beyond_the_ceiling_is_cut_and_drops_the_text),
        cmocka_unit_test(every_size_of_place_and_text_stays_inside),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
