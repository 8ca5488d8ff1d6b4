#include "tests/unit/schema_scene.h"

#define LEFT "|unevaluatedProperties|is a property that no schema describes"

/* v has the schema, with $defs/x next to it. */
static const struct value_case objects[] = {
    {"{\"properties\": {\"a\": {}}, \"unevaluatedProperties\": false}", "{\"a\": 1, \"b\": 2}",
     "/v/b" LEFT},
    {"{\"patternProperties\": {\"^a\": {}}, \"unevaluatedProperties\": false}",
     "{\"ab\": 1, \"b\": 2}", "/v/b" LEFT},
    {"{\"additionalProperties\": true, \"unevaluatedProperties\": false}", "{\"a\": 1}", ""},
    {"{\"allOf\": [{\"properties\": {\"a\": {}}}], \"unevaluatedProperties\": false}",
     "{\"a\": 1, \"b\": 2}", "/v/b" LEFT},
    {"{\"allOf\": [{\"additionalProperties\": true}], \"unevaluatedProperties\": false}",
     "{\"a\": 1}", ""},
    {"{\"$ref\": \"#/$defs/x\", \"unevaluatedProperties\": {\"type\": \"number\"}}",
     "{\"a\": \"s\", \"b\": \"s\"}", "/v/b|type|must be a number, is \"s\""},
    {"{\"anyOf\": [{\"properties\": {\"a\": {\"const\": 1}}, \"required\": [\"a\"]},"
     " {\"properties\": {\"b\": {\"const\": 2}}}], \"unevaluatedProperties\": false}",
     "{\"a\": 1, \"b\": 2}", ""},
    {"{\"anyOf\": [{\"properties\": {\"a\": {\"const\": 1}}, \"required\": [\"a\"]},"
     " {\"properties\": {\"b\": {\"const\": 2}}}], \"unevaluatedProperties\": false}",
     "{\"a\": 2, \"b\": 2}", "/v/a" LEFT},
    {"{\"oneOf\": [{\"properties\": {\"a\": {\"const\": 1}}, \"required\": [\"a\"]},"
     " {\"properties\": {\"b\": {}}, \"required\": [\"b\"]}], \"unevaluatedProperties\": "
     "false}",
     "{\"a\": 1, \"c\": 2}", "/v/c" LEFT},
    /* a value that fits no alternative is reported only for that */
    {"{\"oneOf\": [{\"required\": [\"a\"]}, {\"required\": [\"b\"]}],"
     " \"unevaluatedProperties\": false}",
     "{\"c\": 2}",
     "v|oneOf|fits none of the 2 schemas of oneOf (1: /v/a is required; 2: /v/b is required)"},
    {"{\"not\": {\"not\": {\"properties\": {\"a\": {}}}}, \"unevaluatedProperties\": false}",
     "{\"a\": 1}", "/v/a" LEFT},
    {"{\"if\": {\"properties\": {\"a\": {\"const\": 1}}, \"required\": [\"a\"]}, \"then\":"
     " {\"properties\": {\"b\": {}}}, \"else\": {\"properties\": {\"c\": {}}},"
     " \"unevaluatedProperties\": false}",
     "{\"a\": 1, \"b\": 2, \"c\": 3}", "/v/c" LEFT},
    {"{\"if\": {\"properties\": {\"a\": {\"const\": 1}}, \"required\": [\"a\"]}, \"then\":"
     " {\"properties\": {\"b\": {}}}, \"else\": {\"properties\": {\"c\": {}}},"
     " \"unevaluatedProperties\": false}",
     "{\"a\": 2, \"c\": 3}", "/v/a" LEFT},
    {"{\"if\": {\"properties\": {\"a\": {}}}, \"unevaluatedProperties\": false}", "{\"a\": 1}", ""},
    {"{\"dependentSchemas\": {\"a\": {\"properties\": {\"a\": {}, \"b\": {}}}},"
     " \"unevaluatedProperties\": false}",
     "{\"a\": 1, \"b\": 2}", ""},
    {"{\"dependentSchemas\": {\"a\": {\"properties\": {\"a\": {}, \"b\": {}}}},"
     " \"unevaluatedProperties\": false}",
     "{\"b\": 2}", "/v/b" LEFT},
    {"{\"propertyNames\": {\"maxLength\": 1}, \"unevaluatedProperties\": false}", "{\"a\": 1}",
     "/v/a" LEFT},
    {"{\"allOf\": [{\"unevaluatedProperties\": true}], \"unevaluatedProperties\": false}",
     "{\"a\": 1}", ""},
    /* a schema does not see those next to it */
    {"{\"allOf\": [{\"properties\": {\"a\": {}}}, {\"unevaluatedProperties\": false}]}",
     "{\"a\": 1}", "/v/a" LEFT},
    {"{\"properties\": {\"a\": {\"properties\": {\"b\": {}}}}, \"unevaluatedProperties\": "
     "false}",
     "{\"a\": {\"c\": 1}}", ""},
    {"{\"unevaluatedProperties\": false}", "[1]", ""},
    {"{\"unevaluatedProperties\": false}", "{}", ""},
};

static void properties_that_a_schema_describes_are_evaluated(void **state)
{
    char text[2048], fields[256];

    (void)state;
    for (size_t i = 0; i < COUNT(objects); i++) {
        const char *found;

        snprintf(text, sizeof text,
                 "{\"properties\": {\"v\": %s}, \"$defs\": {\"x\": {\"properties\": {\"a\": {}}}}}",
                 objects[i].schema);
        snprintf(fields, sizeof fields, "{\"v\": %s}", objects[i].value);
        found = violations_of(text, fields);
        if (strcmp(found, objects[i].violations) != 0)
            fail_msg("%s on %s\n is: %s\nnot: %s", objects[i].schema, objects[i].value, found,
                     objects[i].violations);
    }
}

static void items_that_a_schema_describes_are_evaluated(void **state)
{
#define ITEM "|unevaluatedItems|is an item that no schema describes"
    static const struct value_case cases[] = {
        {"{\"prefixItems\": [{}], \"unevaluatedItems\": false}", "[1, 2]", "/v/1" ITEM},
        {"{\"prefixItems\": [{}], \"items\": true, \"unevaluatedItems\": false}", "[1, 2]", ""},
        {"{\"allOf\": [{\"prefixItems\": [{}, {}]}], \"prefixItems\": [{}],"
         " \"unevaluatedItems\": false}",
         "[1, 2, 3]", "/v/2" ITEM},
        {"{\"contains\": {\"type\": \"string\"}, \"unevaluatedItems\": false}", "[1, \"a\"]",
         "/v/0" ITEM},
        {"{\"contains\": {\"type\": \"string\"}, \"unevaluatedItems\": {\"minimum\": 5}}",
         "[1, \"a\", 7]", "/v/0|minimum|must be at least 5, is 1"},
        {"{\"anyOf\": [{\"prefixItems\": [{\"const\": 1}]}, {\"prefixItems\": [true, {\"const\": "
         "2}]}], \"unevaluatedItems\": false}",
         "[1, 3]", "/v/1" ITEM},
        {"{\"if\": {\"prefixItems\": [{\"const\": 1}]}, \"else\": {\"items\": {}},"
         " \"unevaluatedItems\": false}",
         "[2, 3]", ""},
        {"{\"if\": {\"prefixItems\": [{\"const\": 1}]}, \"else\": {\"items\": {}},"
         " \"unevaluatedItems\": false}",
         "[1, 3]", "/v/1" ITEM},
        {"{\"items\": false, \"unevaluatedItems\": false}", "[1]", "/v/0|items|is not allowed"},
        {"{\"unevaluatedItems\": false}", "{\"a\": 1}", ""},
    };

    (void)state;
    assert_values(cases, COUNT(cases));
    /* contains does not evaluate its items before 2020-12 */
    assert_string_equal(
        violations_of("{\"$schema\": \"https://json-schema.org/draft/2019-09/schema\","
                      " \"properties\": {\"v\": {\"contains\": {}, \"unevaluatedItems\": false}}}",
                      "{\"v\": [1]}"),
        "/v/0" ITEM);
    assert_string_equal(
        violations_of("{\"$schema\": \"https://json-schema.org/draft/2019-09/schema\","
                      " \"properties\": {\"v\": {\"items\": [{}], \"additionalItems\": true,"
                      " \"unevaluatedItems\": false}}}",
                      "{\"v\": [1, 2]}"),
        "");
}

static void the_row_itself_can_be_closed(void **state)
{
    static const char schema[] =
        "{\"$ref\": \"#/$defs/base\", \"properties\": {\"b\": {\"type\": \"number\"}},"
        " \"unevaluatedProperties\": false, \"$defs\": {\"base\": {\"properties\": {\"a\": {}}}}}";

    (void)state;
    assert_string_equal(violations_of(schema, "{\"a\": 1, \"b\": 2}"), "");
    assert_string_equal(violations_of(schema, "{\"a\": 1, \"c\": 2}"), "c" LEFT);
}

/* The target of a dynamic reference counts, by itself or as the outermost one. */
static void properties_of_a_dynamic_reference_are_evaluated(void **state)
{
    static const char schema[] =
        "{\"$id\": \"http://x.test/root\", \"$defs\": {"
        "\"a\": {\"$id\": \"a\", \"$dynamicAnchor\": \"n\", \"properties\": {\"p\": {\"type\": "
        "\"string\"}}}, "
        "\"b\": {\"$id\": \"b\", \"$dynamicAnchor\": \"n\"}}, "
        "\"properties\": {\"v\": {\"$dynamicRef\": \"a#n\", \"unevaluatedProperties\": false}, "
        "\"w\": {\"$ref\": \"a\", \"unevaluatedProperties\": false}}}";

    (void)state;
    assert_string_equal(violations_of(schema, "{\"v\": {\"p\": \"x\"}, \"w\": {\"p\": \"x\"}}"),
                        "");
    assert_string_equal(violations_of(schema, "{\"v\": {\"p\": 5}}"),
                        "/v/p|type|must be a string, is 5");
    assert_string_equal(violations_of(schema, "{\"v\": {\"q\": 5}, \"w\": {\"q\": 5}}"),
                        "/v/q|unevaluatedProperties|is a property that no schema describes\n"
                        "/w/q|unevaluatedProperties|is a property that no schema describes");
}

static void searches_that_cost_too_much_are_given_up(void **state)
{
    struct buf schema = {0}, fields = {0};

    (void)state;
    buf_append_text(&schema, "{\"properties\": {\"v\": ");
    for (int i = 0; i < 24; i++)
        buf_append_text(&schema, "{\"unevaluatedProperties\": false, \"anyOf\": [");
    buf_append_text(&schema, "{\"properties\": {\"a\": {}}}");
    for (int i = 0; i < 24; i++)
        buf_append_text(&schema, "]}");
    buf_append_text(&schema, "}}");
    buf_append_text(&fields, "{\"v\": {\"a\": 1}}");
    assert_string_equal(violations_of(buf_text(&schema), buf_text(&fields)),
                        "|row|takes more than 4000000 steps to check against the schema");
    buf_release(&schema);
    buf_release(&fields);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(properties_that_a_schema_describes_are_evaluated),
        cmocka_unit_test(items_that_a_schema_describes_are_evaluated),
        cmocka_unit_test(the_row_itself_can_be_closed),
        cmocka_unit_test(properties_of_a_dynamic_reference_are_evaluated),
        cmocka_unit_test(searches_that_cost_too_much_are_given_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
