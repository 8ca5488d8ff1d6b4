/* The options of an intake as they are kept with its batch, and read by the process that resumes.
 */
#include "core/ingest/work.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct {
    struct ingest_options options;
    const char *text;
} rows[] = {
    {{0}, ""},
    {{.delimiter = ';'}, "delimiter=0x3b "},
    {{.delimiter = ' '}, "delimiter=0x20 "},
    {{.limits = {.has_errors = true}}, "max-errors=0 "},
    {{.limits = {.has_errors = true, .errors = UINT64_MAX}}, "max-errors=18446744073709551615 "},
    {{.limits = {.has_percent = true, .percent = 0.5}}, "max-errors-percent=0.5 "},
    {{.limits = {.rows = 7}}, "min-rows=7 "},
    {{.force = true}, "force "},
    {{.done_suffix = ".ok"}, "done-file=.ok "},
    {{.skip_bytes = 12, .skip_hash = "0123456789abcdef0123456789abcdef"},
     "skip=12:0123456789abcdef0123456789abcdef "},
    {{.delimiter = '\t', .limits = {.rows = 2}, .force = true, .done_suffix = ".done"},
     "delimiter=0x09 min-rows=2 force done-file=.done "},
};

static void options_are_read_as_they_were_written(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct ingest_options *wrote = &rows[i].options;
        struct ingest_options read = {
            .delimiter = 'x', .force = true, .tail = true, .skip_bytes = 9, .done_suffix = "old"};
        char text[WORK_OPTIONS_SIZE];

        work_write_options(wrote, text);
        assert_string_equal(text, rows[i].text);
        work_read_options(text, &read);
        assert_int_equal(read.delimiter, wrote->delimiter);
        assert_int_equal(read.limits.has_errors, wrote->limits.has_errors);
        assert_true(read.limits.errors == wrote->limits.errors);
        assert_int_equal(read.limits.has_percent, wrote->limits.has_percent);
        assert_true(read.limits.percent >= wrote->limits.percent &&
                    read.limits.percent <= wrote->limits.percent);
        assert_int_equal(read.limits.rows, wrote->limits.rows);
        assert_int_equal(read.force, wrote->force);
        assert_false(read.tail);
        assert_string_equal(read.done_suffix, wrote->done_suffix);
        assert_int_equal(read.skip_bytes, wrote->skip_bytes);
        assert_string_equal(read.skip_hash, wrote->skip_hash);
    }
}

static void options_of_older_databases_are_read(void **state)
{
    struct ingest_options options = {0};

    (void)state;
    work_read_options("delimiter=tab min-rows=3", &options);
    assert_int_equal(options.delimiter, '\t');
    assert_int_equal(options.limits.rows, 3);
    work_read_options("delimiter=; unheard=of force", &options);
    assert_int_equal(options.delimiter, ';');
    assert_int_equal(options.limits.rows, 0);
    assert_true(options.force);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_are_read_as_they_were_written),
        cmocka_unit_test(options_of_older_databases_are_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
