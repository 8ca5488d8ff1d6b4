#include "core/ingest/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void every_limit_says_what_to_do(void **state)
{
    static const struct {
        struct ingest_limits limits;
        const char *text;
    } rows[] = {
        {{.has_errors = true, .errors = 3},
         "in/x.csv: 40 rows are rejected so far, and --max-errors allows 3: fix the file, or "
         "raise "
         "the limit"},
        {{.has_percent = true, .percent = 0.5},
         "in/x.csv: 40 of 1000 rows are rejected, and --max-errors allows 0.5%: fix the file, or "
         "raise the limit"},
        {{.rows = 1001},
         "in/x.csv: it has 1000 rows, but --min-rows requires 1001: is the export complete?"},
        {{.most = 959},
         "in/x.csv: it has more rows than its target can hold, which is 959 (`rows` of its "
         "`limits`): divide the rows among several targets, or raise the limit if the target takes "
         "more"},
    };
    const struct ingest_limits enough = {.most = 960};
    struct err none = {0};

    (void)state;
    assert_true(limits_accept(&enough, "in/x.csv", 1000, 40, &none));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct err err = {0};

        assert_false(limits_accept(&rows[i].limits, "in/x.csv", 1000, 40, &err));
        assert_int_equal(err.kind, ERR_LIMIT);
        assert_string_equal(err.text, rows[i].text);
    }
}

static void a_single_row_is_counted_as_one(void **state)
{
    const struct ingest_limits none = {.has_errors = true}, more = {.rows = 2};
    struct err err = {0}, few = {0};

    (void)state;
    assert_false(limits_accept(&none, "x.csv", 2, 1, &err));
    assert_string_equal(err.text, "x.csv: 1 row is rejected so far, and --max-errors allows 0: fix "
                                  "the file, or raise the limit");
    assert_false(limits_accept(&more, "x.csv", 1, 0, &few));
    assert_string_equal(few.text,
                        "x.csv: it has 1 row, but --min-rows requires 2: is the export complete?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_limit_says_what_to_do),
        cmocka_unit_test(a_single_row_is_counted_as_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
