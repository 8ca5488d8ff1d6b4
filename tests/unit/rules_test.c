#include "core/base/buf.h"
#include "core/base/clock.h"
#include "tests/unit/schema_scene.h"

#include <unistd.h>

/* A schema with these properties (without types) and one rule with the field a. */
static void write_schema(struct buf *text, const char *check)
{
    static const char *const names[] = {"a", "b", "c", "order", "odd \"name"};

    buf_append_text(text, "{\"properties\": {");
    for (size_t i = 0; i < COUNT(names); i++) {
        buf_append_text(text, i ? ", \"" : "\"");
        buf_append_json(text, span_of(names[i]));
        buf_append_text(text, "\": {}");
    }
    buf_append_text(text,
                    "}, \"x-rowferry\": {\"rules\": [{\"field\": \"a\", \"message\": \"fails\", "
                    "\"check\": \"");
    buf_append_json(text, span_of(check));
    buf_append_text(text, "\"}]}}");
}

static void assert_rule(const char *check, const char *fields, const char *violations)
{
    struct buf text = {0};
    const char *found;

    write_schema(&text, check);
    found = violations_of(buf_text(&text), fields);
    if (strcmp(found, violations) != 0)
        fail_msg("%s on %s\n is: %s\nnot: %s", check, fields, found, violations);
    buf_release(&text);
}

/* The reason why a check is refused; NULL: a message of SQLite. */
static void assert_refused(const char *check, const char *reason)
{
    static const char place[] = "#/x-rowferry/rules/0/check: ";
    struct buf text = {0};
    const char *found;

    write_schema(&text, check);
    found = refusal_of(buf_text(&text));
    if (!str_starts(found, place))
        fail_msg("%s: %s", check, *found ? found : "is taken");
    if (reason && strcmp(found + strlen(place), reason) != 0)
        fail_msg("%s\n is: %s\nnot: %s", check, found + strlen(place), reason);
    buf_release(&text);
}

static void a_rule_fails_like_a_check_constraint(void **state)
{
    static const struct {
        const char *check, *fields;
        bool fails;
    } cases[] = {
        {"a > 1", "{\"a\": 2}", false},
        {"a > 1", "{\"a\": 1}", true},
        {"a > 1", "{\"a\": null}", false}, /* NULL passes */
        {"a > 1", "{}", false},
        {"a IS NOT NULL", "{}", true},
        {"a IS NOT NULL", "{\"a\": null}", true},
        {"coalesce(a, 0) > 1", "{}", true},
        {"NULL OR a", "{\"a\": 0}", false},
        {"a", "{\"a\": 0}", true},
        {"a", "{\"a\": 0.0}", true},
        {"a", "{\"a\": 0.5}", false},
        {"a", "{\"a\": -1}", false},
        {"a", "{\"a\": \"0\"}", true}, /* text counts as the number it starts with */
        {"a", "{\"a\": \"0.0x\"}", true},
        {"a", "{\"a\": \"\"}", true},
        {"a", "{\"a\": \"abc\"}", true},
        {"a", "{\"a\": \"1abc\"}", false},
        {"a", "{\"a\": true}", false},
        {"a", "{\"a\": false}", true},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_rule(cases[i].check, cases[i].fields, cases[i].fails ? "a|check|fails" : "");
}

static void a_rule_sees_values_of_sql_types(void **state)
{
    static const char *const cases[][2] = {
        {"typeof(a) = 'integer' AND a = 9223372036854775807", "{\"a\": 9223372036854775807}"},
        {"typeof(a) = 'integer' AND a = -5", "{\"a\": -5}"},
        {"typeof(a) = 'real' AND a > 9e18", "{\"a\": 9223372036854775808}"},
        {"typeof(a) = 'real' AND a = 1", "{\"a\": 1.0}"},
        {"typeof(a) = 'real' AND a = 45.5", "{\"a\": 45.50}"},
        {"typeof(a) = 'real' AND a > 1e308", "{\"a\": 1e400}"},
        {"typeof(a) = 'integer' AND a = TRUE", "{\"a\": true}"},
        {"typeof(a) = 'text' AND a = 'x'", "{\"a\": \"x\"}"},
        {"a = '\u00e9' || b", "{\"a\": \"\\u00e9\\n\", \"b\": \"\\n\"}"},
        {"length(a) = 0", "{\"a\": \"\"}"},
        {"typeof(a) = 'text' AND a = '[1, {\"x\": 2}]'", "{\"a\": [1, {\"x\": 2}]}"},
        {"json_extract(a, '$.x[1]') = 2 AND a ->> '$.y' = 'z'",
         "{\"a\": {\"x\": [1, 2], \"y\": \"z\"}}"},
        {"a IS NULL AND b IS NULL", "{\"a\": null}"},
        {"\"order\" > 1 AND [order] > 1 AND `order` > 1", "{\"order\": 2}"},
        {"\"odd \"\"name\" = 5", "{\"odd \\\"name\": 5}"},
        {"A = 1 AND \"B\" = 2", "{\"a\": 1, \"b\": 2}"},
        {"a IN (1, 2, 3) AND a BETWEEN 1 AND 3", "{\"a\": 2}"},
        {"CASE WHEN a > 1 THEN b ELSE 1 END", "{\"a\": 2, \"b\": 1}"},
        {"a LIKE 'wh-%' AND a GLOB 'WH-*' AND a = 'wh-1' COLLATE nocase", "{\"a\": \"WH-1\"}"},
        {"date(a) < date('now') AND a < CURRENT_DATE", "{\"a\": \"2020-01-31\"}"},
        {"abs(a) + round(a) + min(a, b) + max(a, b) = 4", "{\"a\": -1, \"b\": 5}"},
        {"iif(a, upper(b), '') || substr(b, 1, 1) || trim(' c ') = 'Xxc'",
         "{\"a\": 1, \"b\": \"x\"}"},
        {"CAST(a AS INTEGER) = 12", "{\"a\": \"12 pieces\"}"},
        {"a = 1 -- a comment", "{\"a\": 1}"},
        {"a = 1 /* a comment */", "{\"a\": 1}"},
        {"a = 1 -- )", "{\"a\": 1}"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_rule(cases[i][0], cases[i][1], "");
}

static void a_value_of_a_wrong_type_is_null_to_the_rules(void **state)
{
    static const char schema[] =
        "{\"properties\": {\"a\": {\"type\": \"integer\"}, \"b\": {\"type\": [\"string\", "
        "\"null\"]}},"
        " \"x-rowferry\": {\"rules\": [{\"check\": \"a > 10\", \"message\": \"too small\"},"
        " {\"check\": \"b IS NOT NULL\", \"message\": \"no b\"}]}}";

    (void)state;
    assert_string_equal(violations_of(schema, "{\"a\": 5, \"b\": \"\"}"), "|check|too small");
    assert_string_equal(violations_of(schema, "{\"a\": 5.5, \"b\": 1}"),
                        "a|type|must be an integer, is 5.5\n"
                        "b|type|must be a string or null, is 1\n"
                        "|check|no b");
    assert_string_equal(violations_of(schema, "{\"a\": \"5\", \"b\": null}"),
                        "a|type|must be an integer, is \"5\"\n"
                        "|check|no b");
}

static void every_rule_that_fails_is_reported(void **state)
{
    static const char schema[] =
        "{\"properties\": {\"a\": {}, \"b\": {}}, \"x-rowferry\": {\"rules\": ["
        "{\"check\": \"a > 1\", \"field\": \"a\", \"message\": \"one\"},"
        "{\"check\": \"b > 1\", \"field\": \"b\", \"message\": \"100% two\"},"
        "{\"check\": \"a + b > 1\", \"message\": \"three\"}]}}";

    (void)state;
    assert_string_equal(violations_of(schema, "{\"a\": 2, \"b\": 2}"), "");
    assert_string_equal(violations_of(schema, "{\"a\": 2, \"b\": 1}"), "b|check|100% two");
    assert_string_equal(violations_of(schema, "{\"a\": 1, \"b\": -1}"),
                        "a|check|one\nb|check|100% two\n|check|three");
    assert_string_equal(violations_of(schema, "{\"a\": 1}"), "a|check|one");
}

static void rows_do_not_see_each_others_values(void **state)
{
    struct buf text = {0};
    struct err err = {0};
    struct schema *schema;
    struct checker *checker;

    (void)state;
    write_schema(&text, "a = 1 OR b = 'x'");
    schema = schema_of(buf_text(&text), &err);
    checker = checker_open(schema, &err);
    assert_string_equal(check_row(checker, "{\"a\": 1}"), "");
    assert_string_equal(check_row(checker, "{\"b\": \"\\u0078\"}"), "");
    assert_string_equal(check_row(checker, "{}"), "");
    assert_string_equal(check_row(checker, "{\"a\": 2, \"b\": \"y\"}"), "a|check|fails");
    assert_string_equal(check_row(checker, "{\"a\": 2}"), "");
    assert_string_equal(check_row(checker, "{\"b\": \"x\", \"a\": 2}"), "");
    checker_close(checker);
    schema_close(schema);
    buf_release(&text);
}

/* One statement is used from row to row, and SQLite evaluates the time once in each. */
static void each_row_has_a_time_of_its_own(void **state)
{
    static const char *const checks[] = {"a > julianday('now')",
                                         "a > julianday(CURRENT_TIMESTAMP)"};

    (void)state;
    for (size_t i = 0; i < COUNT(checks); i++) {
        struct buf text = {0};
        struct err err = {0};
        char fields[64];
        struct schema *schema;
        struct checker *checker;

        write_schema(&text, checks[i]);
        schema = schema_of(buf_text(&text), &err);
        checker = checker_open(schema, &err);
        assert_string_equal(check_row(checker, "{\"a\": 9999999}"), "");
        /* half a second or more ahead of the time in the first row */
        snprintf(fields, sizeof fields, "{\"a\": %.9f}",
                 2440587.5 + ((double)clock_now_ms() + 500) / 86400000);
        usleep(1700 * 1000);
        assert_string_equal(check_row(checker, fields), "a|check|fails");
        checker_close(checker);
        schema_close(schema);
        buf_release(&text);
    }
}

static void a_rule_that_cannot_be_evaluated_rejects_only_its_row(void **state)
{
    static const char schema[] =
        "{\"properties\": {\"a\": {}, \"b\": {}}, \"x-rowferry\": {\"rules\": ["
        "{\"check\": \"b > 1\", \"field\": \"b\", \"message\": \"small\"},"
        "{\"check\": \"json_extract(a, '$.x')\", \"field\": \"a\", \"message\": \"needs x\"}]}}";
    struct err err = {0};
    struct schema *loaded = schema_of(schema, &err);
    struct checker *checker = checker_open(loaded, &err);

    (void)state;
    assert_string_equal(check_row(checker, "{\"a\": {\"x\": 1}, \"b\": 2}"), "");
    assert_string_equal(check_row(checker, "{\"a\": \"{x\", \"b\": 2}"),
                        "a|check|cannot be evaluated (malformed JSON): needs x");
    assert_string_equal(check_row(checker, "{\"a\": \"{x\", \"b\": 1}"),
                        "b|check|small\na|check|cannot be evaluated (malformed JSON): needs x");
    assert_string_equal(check_row(checker, "{\"a\": {\"x\": 0}, \"b\": 2}"), "a|check|needs x");
    checker_close(checker);
    schema_close(loaded);
    assert_rule("abs(a) > 0", "{\"a\": -9223372036854775808}",
                "a|check|cannot be evaluated (integer overflow): fails");
}

static void values_do_not_grow_without_limit(void **state)
{
    char check[1024];
    size_t size = (size_t)snprintf(check, sizeof check, "length(");

    (void)state;
    for (int i = 0; i < 20; i++)
        size += (size_t)snprintf(check + size, sizeof check - size, "replace(");
    size += (size_t)snprintf(check + size, sizeof check - size, "a");
    for (int i = 0; i < 20; i++)
        size += (size_t)snprintf(check + size, sizeof check - size, ", 'x', 'xxxxxxxxxx')");
    snprintf(check + size, sizeof check - size, ") > 0");
    assert_rule(check, "{\"a\": \"y\"}", "");
    assert_rule(check, "{\"a\": \"x\"}",
                "a|check|cannot be evaluated (string or blob too big): fails");
}

static void a_rule_is_exactly_one_expression(void **state)
{
    static const char *const checks[][2] = {
        {"a > 0) OR (1", NULL},
        {"a > 0), (1", NULL},
        {"1) --", NULL},
        {"1)--", NULL},
        {"a > 0) /*", NULL},
        {"a > 0 /*", NULL},
        {"a; SELECT 1", NULL},
        {"a;", NULL},
        {"a; DROP TABLE x", NULL},
        {"a AS b", NULL},
        {"a b", NULL},
        {"a, 1", NULL},
        {"(a, 1)", NULL},
        {"*", NULL},
        {"DISTINCT a", NULL},
        {"a FROM x", NULL},
        {"a > 0 LIMIT 1", NULL},
        {"a > 0 ORDER BY 1", NULL},
        {"a > 0 UNION SELECT 1", NULL},
        {"a > 0 WINDOW w AS ()", NULL},
        {"a >", NULL},
        {" ", NULL},
        {"-- a", NULL},
        {"'a", NULL},
        {"a > ?", "must not use parameters"},
        {"a > ?1", "must not use parameters"},
        {"a > :b", "must not use parameters"},
        {"a > @b", "must not use parameters"},
        {"a > $b", "must not use parameters"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(checks); i++)
        assert_refused(checks[i][0], checks[i][1]);
}

static void a_rule_names_properties_and_nothing_else(void **state)
{
    static const char *const checks[][2] = {
        {"1", "does not name a property"},
        {"'a' = 'b'", "does not name a property"},
        {"length('a') > 0", "does not name a property"},
        {"d > 0", "no such column: d"},
        {"\"d\" = 'd'", "no such column: d"}, /* never a string */
        {"a > 0 AND stock > 1", "no such column: stock"},
        {"row.a > 0", "no such column: row.a"},
        {"\"\001\".a > 0", "must not use the table \001"},
        {"main.row.a > 0", "no such column: main.row.a"},
        {"rowid > 0", "must not use the column ROWID"},
        {"_rowid_ > a", "must not use the column ROWID"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(checks); i++)
        assert_refused(checks[i][0], checks[i][1]);
}

static void a_rule_cannot_leave_the_sandbox(void **state)
{
    static const char *const checks[][2] = {
        {"a = (SELECT 1)", "must not use a SELECT"},
        {"a IN (SELECT 1)", "must not use a SELECT"},
        {"EXISTS (SELECT a)", "must not use a SELECT"},
        {"a IN (VALUES (1), (2))", "must not use a SELECT"},
        {"a = (SELECT sql FROM sqlite_master)", "must not use the table sqlite_master"},
        {"a IN sqlite_master", "must not use the table sqlite_master"},
        {"a IN sqlite_schema", "must not use the table sqlite_master"},
        {"a IN row", "no such table: row"},
        {"a IN \"\001\"", "must not use the table \001"},
        {"a IN pragma_table_info('x')", NULL},
        {"a IN (SELECT name FROM pragma_database_list)", NULL},
        {"a IN json_each('[1]')", NULL},
        {"a > (WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n)",
         "must not use a SELECT"},
        {"a AND load_extension('x')", "must not use the function load_extension"},
        {"a = readfile('/etc/passwd')", NULL},
        {"a = writefile('x', 'y')", NULL},
        {"a = edit('x')", NULL},
        {"a = fts3_tokenizer('x')", NULL},
        {"a = randomblob(1000000000)", "must not use the function randomblob"},
        {"a = zeroblob(1000000000)", "must not use the function zeroblob"},
        {"a = hex(zeroblob(1000000000))", NULL},
        {"a = printf('%1000000000d', 1)", "must not use the function printf"},
        {"a = format('%.*c', 1000000000, 'x')", "must not use the function format"},
        {"a = char(1)", "must not use the function char"},
        {"a = random()", "must not use the function random"},
        {"a = sqlite_version()", "must not use the function sqlite_version"},
        {"a = sqlite_compileoption_get(1)", "must not use the function sqlite_compileoption_get"},
        {"a = changes()", "must not use the function changes"},
        {"a = count(*)", "must not use the function count"},
        {"sum(a) > 1", "must not use the function sum"},
        {"total(a) > 1", "must not use the function total"},
        {"group_concat(a) = 'x'", "must not use the function group_concat"},
        {"max(a) > 1", "misuse of aggregate function max()"},
        {"max(a) FILTER (WHERE a) > 1", NULL},
        {"row_number() OVER () = a", "must not use the function row_number"},
        {"max(a) OVER () = a", NULL},
        {"RAISE(ABORT, 'x') = a", NULL},
        {"a MATCH 'x'", "must not use the function match"},
        {"a REGEXP 'x'", NULL},
        {"a = 'x' COLLATE nothing", NULL},
        {"ATTACH 'x' AS y", NULL},
        {"PRAGMA user_version", NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(checks); i++)
        assert_refused(checks[i][0], checks[i][1]);
}

static void a_rule_has_limits(void **state)
{
    struct buf check = {0};

    (void)state;
    for (int i = 0; i < 300; i++)
        buf_append_char(&check, '(');
    assert_refused(buf_text(&check), NULL);
    buf_reset(&check);
    buf_append_text(&check, "a");
    for (int i = 0; i < 200; i++)
        buf_append_text(&check, " + a");
    assert_refused(buf_text(&check), "Expression tree is too large (maximum depth 100)");
    buf_reset(&check);
    buf_append_text(&check, "a");
    while (check.size <= 4096)
        buf_append_char(&check, ' ');
    assert_refused(buf_text(&check), "must not be longer than 4096 bytes");
    assert_string_equal(refusal_of("{\"properties\": {\"a\": {}}, \"x-rowferry\": {\"rules\": ["
                                   "{\"check\": \"a\\u0000)\", \"message\": \"m\"}]}}"),
                        "#/x-rowferry/rules/0/check: contains a NUL byte");
    buf_release(&check);
}

static void rules_can_use_two_thousand_properties(void **state)
{
    (void)state;
    for (int count = 2000; count <= 2001; count++) {
        struct buf text = {0};

        buf_append_text(&text, "{\"properties\": {");
        for (int i = 0; i < count; i++)
            buf_printf(&text, "%s\"p%d\": {}", i ? ", " : "", i);
        buf_append_text(&text, "}, \"x-rowferry\": {\"rules\": ["
                               "{\"check\": \"p1999 > p0\", \"message\": \"m\"}]}}");
        if (count == 2000)
            assert_string_equal(violations_of(buf_text(&text), "{\"p0\": 1, \"p1999\": 1}"),
                                "|check|m");
        else
            assert_string_equal(refusal_of(buf_text(&text)),
                                "#/x-rowferry/rules: rules support at most 2000 properties");
        buf_release(&text);
    }
}

static void there_can_be_two_hundred_rules(void **state)
{
    for (int count = 200; count <= 201; count++) {
        struct buf text = {0};

        buf_append_text(&text, "{\"properties\": {\"a\": {}}, \"x-rowferry\": {\"rules\": [");
        for (int i = 0; i < count; i++)
            buf_printf(&text,
                       "%s{\"check\": \"a <> %d AND (a + 1) * 2 <> -1\", \"message\": \"m%d\"}",
                       i ? ", " : "", i, i);
        buf_append_text(&text, "]}}");
        if (count == 200) {
            assert_string_equal(violations_of(buf_text(&text), "{\"a\": 77}"), "|check|m77");
            assert_string_equal(violations_of(buf_text(&text), "{\"a\": 200}"), "");
        } else {
            assert_string_equal(refusal_of(buf_text(&text)),
                                "#/x-rowferry/rules/200/check: there are more than 200 rules");
        }
        buf_release(&text);
    }
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rule_fails_like_a_check_constraint),
        cmocka_unit_test(a_rule_sees_values_of_sql_types),
        cmocka_unit_test(a_value_of_a_wrong_type_is_null_to_the_rules),
        cmocka_unit_test(every_rule_that_fails_is_reported),
        cmocka_unit_test(rows_do_not_see_each_others_values),
        cmocka_unit_test(each_row_has_a_time_of_its_own),
        cmocka_unit_test(a_rule_that_cannot_be_evaluated_rejects_only_its_row),
        cmocka_unit_test(values_do_not_grow_without_limit),
        cmocka_unit_test(a_rule_is_exactly_one_expression),
        cmocka_unit_test(a_rule_names_properties_and_nothing_else),
        cmocka_unit_test(a_rule_cannot_leave_the_sandbox),
        cmocka_unit_test(a_rule_has_limits),
        cmocka_unit_test(rules_can_use_two_thousand_properties),
        cmocka_unit_test(there_can_be_two_hundred_rules),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
