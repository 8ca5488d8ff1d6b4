#include "core/base/bar.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char *const parts[] = {" 45%", "12,345 of 27,000 jobs", "41.2/s", "", "5m 3s left"};

enum { PARTS = sizeof parts / sizeof *parts };

static void assert_bar(size_t columns, double share, size_t count, const char *expected)
{
    struct buf out = {0};

    bar_render(&out, columns, share, parts, count);
    assert_string_equal(buf_text(&out), expected);
    buf_release(&out);
}

static void a_bar_takes_the_room_that_its_parts_leave(void **state)
{
    (void)state;
    assert_bar(80, 0.45, PARTS,
               "[############................]   45%  12,345 of 27,000 jobs  41.2/s  5m 3s left");
    assert_bar(120, 0.45, PARTS,
               "[#############.................]   45%  12,345 of 27,000 jobs  41.2/s  5m 3s left");
    assert_bar(50, 0.45, PARTS, "[####......]   45%  12,345 of 27,000 jobs  41.2/s");
}

static void parts_that_do_not_fit_are_left_out_from_the_end(void **state)
{
    (void)state;
    assert_bar(40, 0.45, PARTS, "[###.....]   45%  12,345 of 27,000 jobs");
    assert_bar(30, 0.45, PARTS, "[#####........]   45%  41.2/s");
    assert_bar(16, 0.45, PARTS, "[###....]   45%");
}

static void a_screen_too_small_for_a_bar_shows_the_start_of_the_first_part(void **state)
{
    (void)state;
    assert_bar(6, 0.45, PARTS, " 45%");
    assert_bar(3, 0.45, PARTS, " 4");
    assert_bar(1, 0.45, PARTS, "");
    assert_bar(0, 0.45, PARTS, "");
}

static void nothing_done_is_an_empty_bar_and_everything_a_full_one(void **state)
{
    (void)state;
    assert_bar(80, 0, 1, "[..............................]   45%");
    assert_bar(80, 1, 1, "[##############################]   45%");
    assert_bar(80, 1.5, 1, "[##############################]   45%");
}

static void without_a_share_there_is_no_bar(void **state)
{
    (void)state;
    assert_bar(80, -1, PARTS, " 45%  12,345 of 27,000 jobs  41.2/s  5m 3s left");
    assert_bar(20, -1, PARTS, " 45%  41.2/s");
}

static void no_bar_is_wider_than_its_screen(void **state)
{
    (void)state;
    for (size_t columns = 1; columns <= 200; columns++) {
        static const char *const wide[] = {"\u5012\u5eab-\u00fc.csv", "100 rows", "7/s"};
        struct buf out = {0};

        for (int share = -1; share <= 4; share++) {
            buf_reset(&out);
            bar_render(&out, columns, share / 4.0, wide, 3);
            assert_in_range(bar_width(buf_span(&out)), 0, columns - 1);
            assert_int_equal(str_utf8_valid(buf_span(&out)), out.size);
        }
        buf_release(&out);
    }
}

static void a_character_beyond_ascii_counts_as_two_columns_and_is_never_cut_within(void **state)
{
    struct span text = span_of("a\u00fc\u5012b");

    (void)state;
    assert_int_equal(bar_width(text), 6);
    assert_int_equal(bar_fit(text, 6), text.size);
    assert_int_equal(bar_fit(text, 5), 6);
    assert_int_equal(bar_fit(text, 4), 3);
    assert_int_equal(bar_fit(text, 3), 3);
    assert_int_equal(bar_fit(text, 2), 1);
    assert_int_equal(bar_fit(text, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bar_takes_the_room_that_its_parts_leave),
        cmocka_unit_test(parts_that_do_not_fit_are_left_out_from_the_end),
        cmocka_unit_test(a_screen_too_small_for_a_bar_shows_the_start_of_the_first_part),
        cmocka_unit_test(nothing_done_is_an_empty_bar_and_everything_a_full_one),
        cmocka_unit_test(without_a_share_there_is_no_bar),
        cmocka_unit_test(no_bar_is_wider_than_its_screen),
        cmocka_unit_test(a_character_beyond_ascii_counts_as_two_columns_and_is_never_cut_within),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
