#include "core/ingest/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void every_limit_is_recognised_by_its_text(void **state)
{
    static const struct {
        struct ingest_limits limits;
        const char *text;
    } rows[] = {
        {{.has_errors = true, .errors = 3},
         "in/x.csv: 40 rows are rejected so far, and --max-errors allows 3: mend the file, or "
         "raise "
         "the limit"},
        {{.has_percent = true, .percent = 0.5},
         "in/x.csv: 40 of 1000 rows are rejected, and --max-errors allows 0.5%: mend the file, or "
         "raise the limit"},
        {{.rows = 1001},
         "in/x.csv: it has 1000 rows, and --min-rows asks for 1001: is the export complete?"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct err err = {0};

        assert_false(limits_accept(&rows[i].limits, "in/x.csv", 1000, 40, &err));
        assert_int_equal(err.kind, ERR_LIMIT);
        assert_string_equal(err.text, rows[i].text);
        assert_true(limits_refused("in/x.csv", err.text));
    }
}

static void no_other_reason_is_taken_for_a_limit(void **state)
{
    static const char *const reasons[] = {
        "",
        "in/x.csv",
        "in/x.csv: ",
        "in/x.csv: changed while it was read",
        "in/x.csv: it has many rows, and --min-rows asks for 3",
        "in/x.csv: it has 1000 rows",
        "in/x.csv: line 1: unknown column \": it has 1 rows, and --min-rows asks for 2\"",
        "in/y.csv: it has 1 rows, and --min-rows asks for 2: is the export complete?",
        "the same content is batch 3",
    };

    (void)state;
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        assert_false(limits_refused("in/x.csv", reasons[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_limit_is_recognised_by_its_text),
        cmocka_unit_test(no_other_reason_is_taken_for_a_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
