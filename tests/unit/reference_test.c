#include "tests/unit/schema_scene.h"

static void references_lead_into_the_same_file(void **state)
{
    static const struct refusal cases[] = {
        {"{\"$ref\": \"http://example.org/x.json\"}",
         "#/$ref: \"http://example.org/x.json\" is in another file: put both into one, for example "
         "with npx @sourcemeta/jsonschema bundle FILE --resolve FOLDER"},
        {"{\"$id\": \"http://example.org/x.json\", \"allOf\": [{\"$ref\": "
         "\"x.json#/definitions/a\"}]}",
         "#/allOf/0/$ref: \"x.json#/definitions/a\" does not exist in this file"},
        {"{\"$ref\": \"#/allOf/\", \"allOf\": [{}]}",
         "#/$ref: \"#/allOf/\" does not exist in this file"},
        {"{\"$ref\": \"#/allOf/x\", \"allOf\": [{}]}",
         "#/$ref: \"#/allOf/x\" does not exist in this file"},
        {"{\"$ref\": \"#/$defs/a~\", \"$defs\": {\"a~\": {}}}",
         "#/$ref: \"#/$defs/a~\" does not exist in this file"},
        {"{\"$ref\": \"#item\"}", "#/$ref: \"#item\" does not exist in this file"},
        {"{\"$ref\": \"\"}", "#/$ref: refers back to itself endlessly for the same value"},
        {"{\"$ref\": 1}", "#/$ref: must be a string"},
        {"{\"$ref\": \"#/$defs/a\"}", "#/$ref: \"#/$defs/a\" does not exist in this file"},
        {"{\"$ref\": \"#/$defs/a\", \"$defs\": {\"a\": 1}}",
         "#/$defs/a: a schema must be an object"},
        {"{\"$ref\": \"#/$defs/a~2\", \"$defs\": {\"a~2\": {}}}",
         "#/$ref: \"#/$defs/a~2\" does not exist in this file"},
        {"{\"$ref\": \"#/$defs/a%2\", \"$defs\": {\"a%2\": {}}}",
         "#/$ref: \"#/$defs/a%2\" does not exist in this file"},
        {"{\"$ref\": \"#/$defs/a%zz\", \"$defs\": {\"a%zz\": {}}}",
         "#/$ref: \"#/$defs/a%zz\" does not exist in this file"},
        {"{\"$ref\": \"#/allOf/2\", \"allOf\": [{}, {}]}",
         "#/$ref: \"#/allOf/2\" does not exist in this file"},
        {"{\"$ref\": \"#/allOf/01\", \"allOf\": [{}, {}]}",
         "#/$ref: \"#/allOf/01\" does not exist in this file"},
        {"{\"$ref\": \"#/allOf/-\", \"allOf\": [{}, {}]}",
         "#/$ref: \"#/allOf/-\" does not exist in this file"},
        {"{\"$ref\": \"#/title/x\", \"title\": \"x\"}",
         "#/$ref: \"#/title/x\" does not exist in this file"},
        {"{\"$ref\": \"#/title\", \"title\": \"x\"}", "#/title: a schema must be an object"},
        {"{\"$ref\": \"#/properties\", \"properties\": {\"a\": {}}}",
         "#/properties/a: the keyword \"a\" is not supported"},
        {"{\"properties\": {\"a\": {\"$ref\": \"#/x-types/b\"}}, \"x-types\": {\"b\": {\"typ\": "
         "1}}}",
         "#/x-types/b/typ: the keyword \"typ\" is not supported: did you mean \"type\"?"},
        {"{\"$ref\": \"#\"}", "#/$ref: refers back to itself endlessly for the same value"},
        {"{\"properties\": {\"a\": {\"$ref\": \"#/$defs/b\"}}, \"$defs\": {\"b\": {\"allOf\": "
         "[{\"$ref\": \"#/$defs/c\"}]}, \"c\": {\"anyOf\": [{}, {\"$ref\": \"#/$defs/b\"}]}}}",
         "#/$defs/b/allOf/0/$ref: refers back to itself endlessly for the same value"},
        {"{\"$defs\": {\"b\": {\"if\": {\"$ref\": \"#/$defs/b\"}}}}",
         "#/$defs/b/if/$ref: refers back to itself endlessly for the same value"},
        {"{\"$defs\": {\"b\": {\"dependentSchemas\": {\"x\": {\"not\": {\"$ref\": "
         "\"#/$defs/b\"}}}}}}",
         "#/$defs/b/dependentSchemas/x/not/$ref: refers back to itself endlessly for the same "
         "value"},
        {"{\"$schema\": \"http://json-schema.org/draft-07/schema#\", \"$ref\": "
         "\"#/definitions/a\", \"definitions\": {\"a\": {\"$ref\": \"#/definitions/a\"}}}",
         "#/definitions/a/$ref: refers back to itself endlessly for the same value"},
    };

    (void)state;
    assert_schemas_refused(cases, COUNT(cases));
}

static void references_apply_their_target(void **state)
{
    static const struct value_case cases[] = {
        {"{\"properties\": {\"v\": {\"$ref\": \"#/$defs/a\"}}, \"$defs\": {\"a\": {\"minimum\": "
         "1}}}",
         "{\"v\": 0}", "v|minimum|must be at least 1, is 0"},
        {"{\"properties\": {\"v\": {\"$ref\": \"#/definitions/a\", \"maximum\": -1}}, "
         "\"definitions\": {\"a\": {\"minimum\": 1}}}",
         "{\"v\": 0}", "v|maximum|must be at most -1, is 0\nv|minimum|must be at least 1, is 0"},
        {"{\"properties\": {\"v\": {\"$ref\": \"#/$defs/a~1b~0c%25d%20e\"}}, \"$defs\": {\"a/b~c%d "
         "e\": {\"minimum\": 1}}}",
         "{\"v\": 0}", "v|minimum|must be at least 1, is 0"},
        {"{\"properties\": {\"v\": {\"$ref\": \"#%2Fproperties%2Fw\"}, \"w\": {\"minimum\": 1}}}",
         "{\"v\": 0}", "v|minimum|must be at least 1, is 0"},
        {"{\"properties\": {\"v\": {\"$ref\": \"#/allOf/1/properties/w\"}}, \"allOf\": [{}, "
         "{\"properties\": {\"w\": "
         "{\"minimum\": 1}}}]}",
         "{\"v\": 0}", "v|minimum|must be at least 1, is 0"},
        {"{\"properties\": {\"v\": {\"$ref\": \"#/x-types/a\"}}, \"x-types\": {\"a\": "
         "{\"minimum\": 1}}}",
         "{\"v\": 0}", "v|minimum|must be at least 1, is 0"},
        {"{\"properties\": {\"v\": {\"$ref\": \"#/$defs/\"}}, \"$defs\": {\"\": {\"minimum\": 1}}}",
         "{\"v\": 0}", "v|minimum|must be at least 1, is 0"},
        {"{\"properties\": {\"v\": {\"$ref\": \"#/$defs/no\"}}, \"$defs\": {\"no\": false}}",
         "{\"v\": 0}", "v|$ref|is not allowed"},
        {"{\"properties\": {\"v\": {\"$ref\": \"#\"}, \"n\": {\"type\": \"integer\"}}, "
         "\"additionalProperties\": false}",
         "{\"v\": {\"v\": {\"n\": 1}, \"n\": \"x\"}, \"n\": 1}",
         "/v/n|type|must be an integer, is \"x\""},
        {"{\"properties\": {\"v\": {\"$ref\": \"#\"}}, \"additionalProperties\": false}",
         "{\"v\": {\"v\": {\"x\": 1}}}", "/v/v/x|additionalProperties|is not a property of Item"},
        {"{\"$schema\": \"http://json-schema.org/draft-07/schema#\", \"properties\": {\"v\": "
         "{\"$ref\": \"#/definitions/a\", \"maximum\": -1, \"unheard\": 1}}, \"definitions\": "
         "{\"a\": {\"minimum\": 1}}}",
         "{\"v\": 0}", "v|minimum|must be at least 1, is 0"},
        {"{\"$schema\": \"http://json-schema.org/draft-04/schema#\", \"properties\": {\"v\": "
         "{\"$ref\": \"#/definitions/a\", \"maximum\": -1}}, \"definitions\": {\"a\": "
         "{\"minimum\": 1}}}",
         "{\"v\": 0}", "v|minimum|must be at least 1, is 0"},
        {"{\"properties\": {\"v\": {\"properties\": {\"$ref\": {\"type\": \"null\"}}}}}",
         "{\"v\": {\"$ref\": 1}}", "/v/$ref|type|must be null, is 1"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_string_equal(violations_of(cases[i].schema, cases[i].value), cases[i].violations);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(references_lead_into_the_same_file),
        cmocka_unit_test(references_apply_their_target),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
