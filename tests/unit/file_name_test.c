#include "core/inbox/file_name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static void the_ending_says_the_format_in_any_case_and_compressed(void **state)
{
    static const struct {
        const char *name;
        enum row_format format;
    } rows[] = {
        {"a.csv", ROW_FORMAT_CSV},      {"a.CSV", ROW_FORMAT_CSV},
        {"a.tsv.gz", ROW_FORMAT_CSV},   {"a.ndjson", ROW_FORMAT_NDJSON},
        {"a.jsonl", ROW_FORMAT_NDJSON}, {"a.csv.GZ", ROW_FORMAT_CSV},
        {".csv", ROW_FORMAT_NONE},      {"a.csv.gz.gz", ROW_FORMAT_NONE},
        {"a.csv.", ROW_FORMAT_NONE},    {"csv", ROW_FORMAT_NONE},
        {"a.gz", ROW_FORMAT_NONE},      {"", ROW_FORMAT_NONE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(file_name_format(rows[i].name), rows[i].format);
}

static void names_of_transfers_markers_and_desktops_are_not_read(void **state)
{
    static const char *const side[] = {"x.csv.partial", "x.csv.1a2b.PARTIAL", "x.csv~",   "#x.csv#",
                                       "x.csv.ok",      "x.csv.sha512",       "THUMBS.DB"};
    static const char *const own[] = {"x.csv", "partial.csv", "x.part.csv", "done.csv", "x"};

    (void)state;
    for (size_t i = 0; i < sizeof side / sizeof *side; i++)
        assert_true(file_name_is_side(side[i]));
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        assert_false(file_name_is_side(own[i]));
}

static void patterns_are_shell_patterns_separated_by_commas(void **state)
{
    (void)state;
    assert_false(file_name_is_ignored("a.csv", NULL));
    assert_false(file_name_is_ignored("a.csv", ""));
    assert_false(file_name_is_ignored("a.csv", ",,"));
    assert_true(file_name_is_ignored("a.csv", "b*,[ab].csv"));
    assert_true(file_name_is_ignored("a.csv", "*"));
    assert_false(file_name_is_ignored("a.csv", "A.csv,?csv"));
}

static void a_marker_can_have_the_name_without_its_ending(void **state)
{
    char marker[16];

    (void)state;
    assert_true(file_name_stem_marker("x.csv", ".done", marker, sizeof marker));
    assert_string_equal(marker, "x.done");
    assert_true(file_name_stem_marker("x.ndjson.gz", "_OK", marker, sizeof marker));
    assert_string_equal(marker, "x_OK");
    assert_false(file_name_stem_marker("x.dat", ".done", marker, sizeof marker));
    assert_false(file_name_stem_marker("a-long-name.csv", ".done", marker, sizeof marker));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_ending_says_the_format_in_any_case_and_compressed),
        cmocka_unit_test(names_of_transfers_markers_and_desktops_are_not_read),
        cmocka_unit_test(patterns_are_shell_patterns_separated_by_commas),
        cmocka_unit_test(a_marker_can_have_the_name_without_its_ending),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
