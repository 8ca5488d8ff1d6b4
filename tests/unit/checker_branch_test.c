#include "tests/unit/schema_scene.h"

static void all_of_reports_what_each_schema_reports(void **state)
{
    static const struct value_case cases[] = {
        {"{\"allOf\": [{\"type\": \"integer\"}, {\"minimum\": 2}]}", "2", ""},
        {"{\"allOf\": [{\"type\": \"integer\"}, {\"minimum\": 2}], \"maximum\": 1}", "1.5",
         "v|maximum|must be at most 1, is 1.5\nv|type|must be an integer, is 1.5\nv|minimum|must "
         "be at least 2, is 1.5"},
        {"{\"allOf\": [true, false]}", "1", "v|allOf|is not allowed"},
    };

    (void)state;
    assert_values(cases, COUNT(cases));
}

static void any_of_reports_each_alternative(void **state)
{
    static const struct value_case cases[] = {
        {"{\"anyOf\": [{\"type\": \"integer\"}, {\"type\": \"null\"}]}", "null", ""},
        {"{\"anyOf\": [{\"type\": \"integer\"}, {\"type\": \"null\"}]}", "\"x\"",
         "v|anyOf|fits none of the 2 schemas of anyOf (1: must be an integer, is \"x\"; 2: must be "
         "null, is \"x\")"},
        {"{\"anyOf\": [{\"properties\": {\"a\": {\"minimum\": 3}}}, {\"required\": [\"b\"]}]}",
         "{\"a\": 1}",
         "v|anyOf|fits none of the 2 schemas of anyOf (1: /v/a must be at least 3, is 1; 2: /v/b "
         "is required)"},
        {"{\"anyOf\": [{\"anyOf\": [{\"minimum\": 3}, false]}, {\"not\": {\"type\": \"number\"}}]}",
         "1",
         "v|anyOf|fits none of the 2 schemas of anyOf (1: fits none of the 2 schemas of anyOf; 2: "
         "must not fit {\"type\": \"number\"}, is 1)"},
        {"{\"anyOf\": [{\"const\": \"xxxxxxxxxxxxxxxxxxxx0\"}, {\"const\": "
         "\"xxxxxxxxxxxxxxxxxxxx1\"}, {\"const\": \"xxxxxxxxxxxxxxxxxxxx2\"}, {\"const\": "
         "\"xxxxxxxxxxxxxxxxxxxx3\"}, {\"const\": \"xxxxxxxxxxxxxxxxxxxx4\"}, {\"const\": "
         "\"xxxxxxxxxxxxxxxxxxxx5\"}, {\"const\": \"xxxxxxxxxxxxxxxxxxxx6\"}, {\"const\": "
         "\"xxxxxxxxxxxxxxxxxxxx7\"}, {\"const\": \"xxxxxxxxxxxxxxxxxxxx8\"}, {\"const\": "
         "\"xxxxxxxxxxxxxxxxxxxx9\"}, {\"const\": \"xxxxxxxxxxxxxxxxxxxx10\"}, {\"const\": "
         "\"xxxxxxxxxxxxxxxxxxxx11\"}, {\"const\": \"xxxxxxxxxxxxxxxxxxxx12\"}, {\"const\": "
         "\"xxxxxxxxxxxxxxxxxxxx13\"}, {\"const\": \"xxxxxxxxxxxxxxxxxxxx14\"}, {\"const\": "
         "\"xxxxxxxxxxxxxxxxxxxx15\"}, {\"const\": \"xxxxxxxxxxxxxxxxxxxx16\"}, {\"const\": "
         "\"xxxxxxxxxxxxxxxxxxxx17\"}, {\"const\": \"xxxxxxxxxxxxxxxxxxxx18\"}, {\"const\": "
         "\"xxxxxxxxxxxxxxxxxxxx19\"}]}",
         "1",
         "v|anyOf|fits none of the 20 schemas of anyOf (1: must be \"xxxxxxxxxxxxxxxxxxxx0\", is "
         "1; 2: must be \"xxxxxxxxxxxxxxxxxxxx1\", is 1; 3: must be \"xxxxxxxxxxxxxxxxxxxx2\", is "
         "1; 4: must be \"xxxxxxxxxxxxxxxxxxxx3\", is 1; 5: must be \"xxxxxxxxxxxxxxxxxxxx4\", is "
         "1; 6: must be \"xxxxxxxxxxxxxxxxxxxx5\", is 1; 7: must be \"xxxxxxxxxxxxxxxxxxxx6\", is "
         "1; 8: must be \"xxxxxxxxxxxxxxxxxxxx7\", is 1; ...)"},
    };

    (void)state;
    assert_values(cases, COUNT(cases));
}

/* Alternatives are left at the first thing that is wrong. */
static void an_alternative_that_does_not_fit_is_passed(void **state)
{
    static const char *const schemas[][2] = {
        {"{\"prefixItems\": [{\"type\": \"string\"}, {}]}", "[1, 2]"},
        {"{\"items\": {\"type\": \"string\"}}", "[1, 2]"},
        {"{\"allOf\": [{\"type\": \"string\"}, {\"minimum\": 1}]}", "5"},
        {"{\"dependentRequired\": {\"a\": [\"b\", \"c\"]}}", "{\"a\": 1}"},
        {"{\"additionalProperties\": false}", "{\"a\": 1, \"b\": 2}"},
        {"{\"required\": [\"a\"]}", "{}"},
        {"{\"properties\": {\"a\": {\"type\": \"string\"}}}", "{\"a\": 1, \"b\": 2}"},
        {"{\"propertyNames\": {\"maxLength\": 1}}", "{\"ab\": 1, \"cd\": 2}"},
        {"{\"unevaluatedItems\": false}", "[1, 2]"},
        {"{\"contains\": {\"type\": \"string\"}, \"maxContains\": 1}", "[\"a\", \"b\"]"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(schemas); i++) {
        char both[512];

        snprintf(both, sizeof both, "{\"anyOf\": [%s, {\"title\": \"any\"}]}", schemas[i][0]);
        assert_string_equal(violations_of_value(both, schemas[i][1]), "");
        snprintf(both, sizeof both, "{\"not\": %s}", schemas[i][0]);
        assert_string_equal(violations_of_value(both, schemas[i][1]), "");
    }
}

static void one_of_needs_exactly_one_match(void **state)
{
    static const struct value_case cases[] = {
        {"{\"oneOf\": [{\"type\": \"integer\"}, {\"minimum\": 2}]}", "1", ""},
        {"{\"oneOf\": [{\"type\": \"integer\"}, {\"minimum\": 2}]}", "2.5", ""},
        {"{\"oneOf\": [{\"type\": \"integer\"}, {\"minimum\": 2}]}", "1.5",
         "v|oneOf|fits none of the 2 schemas of oneOf (1: must be an integer, is 1.5; 2: must be "
         "at least 2, is 1.5)"},
        {"{\"oneOf\": [false, {\"type\": \"integer\"}, {\"minimum\": 2}, {}]}", "3",
         "v|oneOf|must fit one of the 4 schemas of oneOf, fits 2 and 3"},
    };

    (void)state;
    assert_values(cases, COUNT(cases));
}

static void not_shows_the_schema_that_must_not_fit(void **state)
{
    static const struct value_case cases[] = {
        {"{\"not\": {\"type\": \"integer\"}}", "\"a\"", ""},
        {"{\"not\": {\"type\": \"integer\"}}", "5",
         "v|not|must not fit {\"type\": \"integer\"}, is 5"},
        {"{\"not\": {\"required\": [\"a\"]}}", "{\"a\": 1}",
         "v|not|must not fit {\"required\": [\"a\"]}, is an object"},
        {"{\"not\": {\"not\": {\"enum\": [\"b\"]}}}", "\"a\"",
         "v|not|must not fit {\"not\": {\"enum\": [\"b\"]}}, is \"a\""},
        {"{\"not\": {\"description\": "
         "\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
         "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}}",
         "\"a\"", "v|not|must not fit the schema at #/properties/v/not, is \"a\""},
        {"{\"not\": true}", "\"a\"", "v|not|must not fit true, is \"a\""},
    };

    (void)state;
    assert_values(cases, COUNT(cases));
}

static void if_chooses_what_applies(void **state)
{
    static const struct value_case cases[] = {
        {"{\"if\": {\"type\": \"string\"}, \"then\": {\"minLength\": 2}, \"else\": {\"minimum\": "
         "2}}",
         "\"a\"", "v|minLength|must have at least 2 characters, has 1"},
        {"{\"if\": {\"type\": \"string\"}, \"then\": {\"minLength\": 2}, \"else\": {\"minimum\": "
         "2}}",
         "1", "v|minimum|must be at least 2, is 1"},
        {"{\"if\": {\"type\": \"string\"}, \"then\": {\"minLength\": 2}}", "1", ""},
        {"{\"if\": {\"type\": \"string\"}, \"else\": false}", "1", "v|else|is not allowed"},
        {"{\"if\": {\"type\": \"string\"}, \"then\": false}", "\"a\"", "v|then|is not allowed"},
        {"{\"if\": false}", "1", ""},
        {"{\"then\": false, \"else\": false}", "1", ""},
    };

    (void)state;
    assert_values(cases, COUNT(cases));
}

static void alternatives_leave_no_violations(void **state)
{
    static const char schema[] =
        "{\"anyOf\": [{\"properties\": {\"a\": {\"type\": \"null\"}}, \"required\": [\"z\"]},"
        " {\"properties\": {\"a\": {\"items\": {\"type\": \"integer\"}}}}]}";

    (void)state;
    assert_string_equal(violations_of(schema, "{\"a\": [1, 2]}"), "");
    assert_string_equal(
        violations_of(schema, "{\"a\": [1, \"b\"]}"),
        "|anyOf|fits none of the 2 schemas of anyOf (1: a must be null, is an array;"
        " 2: /a/1 must be an integer, is \"b\")");
}

/* anyOf over anyOf: 2 to the power of 20 ways through the schema, for each of three items. */
static void a_row_that_costs_too_much_is_rejected(void **state)
{
    static char text[8192];
    size_t size = (size_t)snprintf(text, sizeof text,
                                   "{\"properties\": {\"v\": {\"items\": {\"$ref\":"
                                   " \"#/$defs/d0\"}}, \"a\": {\"type\": \"null\"}}, \"$defs\": {");

    (void)state;
    for (int i = 0; i < 20; i++)
        size += (size_t)snprintf(text + size, sizeof text - size,
                                 "\"d%d\": {\"anyOf\": [{\"$ref\": \"#/$defs/d%d\"},"
                                 " {\"$ref\": \"#/$defs/d%d\"}]}, ",
                                 i, i + 1, i + 1);
    snprintf(text + size, sizeof text - size, "\"d20\": {\"const\": 1}}}");
    assert_string_equal(violations_of(text, "{\"a\": 0, \"v\": [1, 1, 1]}"),
                        "a|type|must be null, is 0");
    assert_string_equal(violations_of(text, "{\"a\": 0, \"v\": [2, 2, 2]}"),
                        "a|type|must be null, is 0\n"
                        "|row|takes more than 4000000 steps to check against the schema");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_reports_what_each_schema_reports),
        cmocka_unit_test(any_of_reports_each_alternative),
        cmocka_unit_test(an_alternative_that_does_not_fit_is_passed),
        cmocka_unit_test(one_of_needs_exactly_one_match),
        cmocka_unit_test(not_shows_the_schema_that_must_not_fit),
        cmocka_unit_test(if_chooses_what_applies),
        cmocka_unit_test(alternatives_leave_no_violations),
        cmocka_unit_test(a_row_that_costs_too_much_is_rejected),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
