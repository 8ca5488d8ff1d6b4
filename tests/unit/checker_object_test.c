#include "tests/unit/schema_scene.h"

static void members_are_counted(void **state)
{
    static const struct value_case cases[] = {
        {"{\"minProperties\": 2}", "{\"a\": 1, \"b\": 2}", ""},
        {"{\"minProperties\": 2}", "{\"a\": 1}",
         "v|minProperties|must have at least 2 properties, has 1"},
        {"{\"maxProperties\": 1}", "{\"a\": {\"b\": 1, \"c\": 2}}", ""},
        {"{\"maxProperties\": 1}", "{\"a\": 1, \"b\": 2}",
         "v|maxProperties|must have at most 1 property, has 2"},
        {"{\"maxProperties\": 1}", "[1, 2]", ""},
    };

    (void)state;
    assert_values(cases, COUNT(cases));
}

static void members_are_checked_by_pattern(void **state)
{
    static const struct value_case cases[] = {
        {"{\"patternProperties\": {\"^n_\": {\"type\": \"number\"}}}", "{\"n_a\": 1, \"b\": \"x\"}",
         ""},
        {"{\"patternProperties\": {\"^n_\": {\"type\": \"number\"}}}",
         "{\"n_a\": \"x\", \"\\u006e_b\": \"y\"}",
         "/v/n_a|type|must be a number, is \"x\"\n/v/n_b|type|must be a number, is \"y\""},
        {"{\"properties\": {\"a\": {\"type\": \"integer\"}}, \"patternProperties\": {\"a\": "
         "{\"minimum\": 5}, \"^a\": {\"maximum\": 1}}}",
         "{\"a\": 2.5}",
         "/v/a|type|must be an integer, is 2.5\n/v/a|minimum|must be at least 5, is "
         "2.5\n/v/a|maximum|must be at most 1, is 2.5"},
        {"{\"patternProperties\": {\"^x\": {}}, \"additionalProperties\": false}",
         "{\"x1\": 1, \"y\": 2}", "/v/y|additionalProperties|is not a property of /properties/v"},
        {"{\"properties\": {\"a\": {}}, \"patternProperties\": {\"^x\": {}}, "
         "\"additionalProperties\": {\"type\": \"null\"}}",
         "{\"x1\": 1, \"a\": 2, \"c\": 3}", "/v/c|type|must be null, is 3"},
        {"{\"patternProperties\": {\"x\": false}}", "{\"ax\": 1}",
         "/v/ax|patternProperties|is not allowed"},
        {"{\"patternProperties\": {\"^(a+)+$\": {}}, \"additionalProperties\": false}",
         "{\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\": 1}",
         "/v/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!|patternProperties|has a name that takes too "
         "many steps to match against ^(a+)+$"},
    };

    (void)state;
    assert_values(cases, COUNT(cases));
}

static void names_are_checked(void **state)
{
    static const struct value_case cases[] = {
        {"{\"propertyNames\": {\"pattern\": \"^[a-z]+$\", \"maxLength\": 3}}", "{\"abc\": 1}", ""},
        {"{\"propertyNames\": {\"pattern\": \"^[a-z]+$\", \"maxLength\": 3}}",
         "{\"abc\": 1, \"A/\": 2, \"abcd\": 3}",
         "/v/A~1|propertyNames|has a name that must match ^[a-z]+$, is "
         "\"A/\"\n/v/abcd|propertyNames|has a name that must have at most 3 characters, has 4"},
        {"{\"propertyNames\": {\"anyOf\": [{\"const\": \"a\"}, {\"minLength\": 2}]}}", "{\"b\": 1}",
         "/v/b|propertyNames|has a name that fits none of the 2 schemas of anyOf"},
        {"{\"propertyNames\": false}", "{\"b\": 1}",
         "/v/b|propertyNames|has a name that is not allowed"},
        {"{\"propertyNames\": false}", "{}", ""},
        {"{\"anyOf\": [{\"propertyNames\": {\"const\": \"a\"}}]}", "{\"b\": 1}",
         "v|anyOf|fits none of the 1 schemas of anyOf (1: has a member whose name is not allowed)"},
    };

    (void)state;
    assert_values(cases, COUNT(cases));
}

static void members_can_depend_on_others(void **state)
{
    static const struct value_case cases[] = {
        {"{\"dependentRequired\": {\"card\": [\"street\", \"zip\"]}}", "{\"street\": 1}", ""},
        {"{\"dependentRequired\": {\"card\": [\"street\", \"zip\"]}}", "{\"card\": 1, \"zip\": 2}",
         "/v/street|dependentRequired|is required next to \"card\""},
        {"{\"dependentRequired\": {\"card\": [\"street\", \"zip\"]}}", "{\"card\": null}",
         "/v/street|dependentRequired|is required next to \"card\"\n/v/zip|dependentRequired|is "
         "required next to \"card\""},
        {"{\"dependentRequired\": {\"a\": []}}", "{\"a\": 1}", ""},
        {"{\"dependentSchemas\": {\"a\": {\"required\": [\"b\"], \"properties\": {\"b\": "
         "{\"minimum\": 1}}}}}",
         "{\"b\": 0}", ""},
        {"{\"dependentSchemas\": {\"a\": {\"required\": [\"b\"], \"properties\": {\"b\": "
         "{\"minimum\": 1}}}}}",
         "{\"a\": 1, \"b\": 0}", "/v/b|minimum|must be at least 1, is 0"},
        {"{\"dependentSchemas\": {\"a\": false}}", "{\"a\": 1}",
         "v|dependentSchemas|is not allowed"},
    };

    (void)state;
    assert_values(cases, COUNT(cases));
}

static void older_drafts_have_one_keyword_for_both(void **state)
{
    static const char schema[] =
        "{\"$schema\": \"http://json-schema.org/draft-04/schema#\", \"dependencies\":"
        " {\"a\": [\"b\"], \"c\": {\"properties\": {\"d\": {\"type\": \"string\"}}}}}";

    (void)state;
    assert_string_equal(violations_of(schema, "{\"b\": 1, \"d\": 1}"), "");
    assert_string_equal(violations_of(schema, "{\"a\": 1, \"c\": 1, \"d\": 1}"),
                        "b|dependencies|is required next to \"a\"\n"
                        "d|type|must be a string, is 1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_counted),
        cmocka_unit_test(members_are_checked_by_pattern),
        cmocka_unit_test(names_are_checked),
        cmocka_unit_test(members_can_depend_on_others),
        cmocka_unit_test(older_drafts_have_one_keyword_for_both),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
