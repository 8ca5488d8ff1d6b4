/* Published schemas: identifiers, references, keywords of tools, formats of OpenAPI. */
#include "tests/unit/schema_scene.h"

#define DRAFT_04   "\"$schema\": \"http://json-schema.org/draft-04/schema#\", "
#define DRAFT_06   "\"$schema\": \"http://json-schema.org/draft-06/schema#\", "
#define DRAFT_07   "\"$schema\": \"http://json-schema.org/draft-07/schema#\", "
#define DRAFT_2019 "\"$schema\": \"https://json-schema.org/draft/2019-09/schema\", "

/* A schema file, the fields of a row, and its violations. */
struct row_case {
    const char *schema, *fields, *violations;
};

static void assert_rows(const struct row_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *found = violations_of(cases[i].schema, cases[i].fields);

        if (strcmp(found, cases[i].violations) != 0)
            fail_msg("%s on %s\n is: %s\nnot: %s", cases[i].schema, cases[i].fields, found,
                     cases[i].violations);
    }
}

static void an_integer_of_draft_04_has_no_fraction_and_no_exponent(void **state)
{
#define INTEGER(draft, type) "{" draft "\"properties\": {\"v\": {\"type\": " type "}}}"
    static const struct row_case cases[] = {
        {INTEGER(DRAFT_04, "\"integer\""), "{\"v\": 5.0}", "v|type|must be an integer, is 5.0"},
        {INTEGER(DRAFT_04, "\"integer\""), "{\"v\": 1e2}", "v|type|must be an integer, is 1e2"},
        {INTEGER(DRAFT_04, "\"integer\""), "{\"v\": 10E-1}", "v|type|must be an integer, is 10E-1"},
        {INTEGER(DRAFT_04, "\"integer\""), "{\"v\": -0}", ""},
        {INTEGER(DRAFT_04, "[\"integer\", \"null\"]"), "{\"v\": 5.0}",
         "v|type|must be an integer or null, is 5.0"},
        {INTEGER(DRAFT_04, "[\"integer\", \"null\"]"), "{\"v\": null}", ""},
        {INTEGER(DRAFT_04, "[\"integer\", \"number\"]"), "{\"v\": 5.0}", ""},
        {INTEGER(DRAFT_04, "\"number\""), "{\"v\": 5.0}", ""},
        {INTEGER(DRAFT_06, "\"integer\""), "{\"v\": 5.0}", ""},
        {INTEGER(DRAFT_07, "\"integer\""), "{\"v\": 1e2}", ""},
        {INTEGER(DRAFT_2019, "\"integer\""), "{\"v\": 5.0}", ""},
        {INTEGER("", "\"integer\""), "{\"v\": 5.0}", ""},
    };

    (void)state;
    assert_rows(cases, COUNT(cases));
}

#define NUMBER(key) "\"" key "\": {\"n\": {\"type\": \"number\"}}"
#define WRONG       "v|type|must be a number, is \"x\""
/* Each requires v to be a number. */
static const char *const schemas[] = {
    /* the address of the file */
    "{\"$id\": \"https://x.test/a.json\", \"properties\": {\"v\": {\"$ref\": "
    "\"https://x.test/a.json#/$defs/n\"}}, " NUMBER("$defs") "}",
    "{\"$id\": \"https://x.test/a.json\", \"properties\": {\"v\": {\"$ref\": "
    "\"a.json#/$defs/n\"}}, " NUMBER("$defs") "}",
    "{\"$id\": \"https://x.test/b/c/a.json#\", \"properties\": {\"v\": {\"$ref\": "
    "\"/b/./d/../c/a.json#/$defs/n\"}}, " NUMBER("$defs") "}",
    "{" DRAFT_04 "\"id\": \"http://x.test/a\", \"properties\": {\"v\": {\"$ref\": "
    "\"http://x.test/a#/definitions/n\"}}, " NUMBER("definitions") "}",
    "{" DRAFT_04 "\"$id\": \"http://x.test/a\", \"properties\": {\"v\": {\"$ref\": "
    "\"http://x.test/a#/definitions/n\"}}, " NUMBER("definitions") "}",
    "{\"$id\": \"urn:uuid:1-2\", \"properties\": {\"v\": {\"$ref\": "
    "\"urn:uuid:1-2#/$defs/n\"}}, " NUMBER("$defs") "}",
    /* places for definitions in each draft, and undeclared ones */
    "{" DRAFT_07 "\"properties\": {\"v\": {\"$ref\": \"#/$defs/n\"}}, " NUMBER("$defs") "}",
    "{" DRAFT_04 "\"properties\": {\"v\": {\"$ref\": \"#/$defs/n\"}}, " NUMBER("$defs") "}",
    "{\"properties\": {\"v\": {\"$ref\": \"#/definitions/n\"}}, " NUMBER("definitions") "}",
    "{\"properties\": {\"v\": {\"$ref\": \"#/components/n\"}}, " NUMBER("components") "}",
    "{\"properties\": {\"v\": {\"$ref\": \"#/definitions/a/n\"}}, "
    "\"definitions\": {\"a\": {\"n\": {\"type\": \"number\"}}}}",
    /* definitions next to a $ref, which hides other keywords */
    "{" DRAFT_07 "\"$ref\": \"#/definitions/o\", \"minimun\": 1, \"definitions\": {\"o\": "
    "{\"properties\": {\"v\": {\"$ref\": \"n.json\"}}}, \"n\": {\"$id\": \"n.json\", "
    "\"type\": \"number\"}}}",
    /* schemas with their own address */
    "{\"$id\": \"https://x.test/a/\", \"properties\": {\"v\": {\"$ref\": \"n.json\"}}, "
    "\"$defs\": "
    "{\"n\": {\"$id\": \"n.json\", \"type\": \"number\"}}}",
    "{\"properties\": {\"v\": {\"$ref\": \"n.json\"}}, \"$defs\": "
    "{\"n\": {\"$id\": \"n.json\", \"type\": \"number\"}}}",
    "{\"properties\": {\"v\": {\"$ref\": \"n.json#/$defs/m\"}}, \"$defs\": {\"n\": {\"$id\": "
    "\"n.json\", \"$defs\": {\"m\": {\"type\": \"number\"}}}}}",
    "{\"properties\": {\"v\": {\"$ref\": \"n.json\"}}, \"$defs\": {\"n\": {\"$id\": "
    "\"n.json\", "
    "\"$ref\": \"#/$defs/m\", \"$defs\": {\"m\": {\"type\": \"number\"}}}}}",
    "{\"properties\": {\"v\": {\"$ref\": \"b/n.json\"}}, \"$defs\": {\"b\": {\"$id\": "
    "\"b/\", \"$defs\": {\"n\": {\"$id\": \"n.json\", \"type\": \"number\"}}}}}",
    "{" DRAFT_07 "\"properties\": {\"v\": {\"$ref\": \"n.json\"}}, \"definitions\": {\"n\": "
    "{\"$schema\": \"http://json-schema.org/draft-07/schema#\", \"$id\": \"n.json\", "
    "\"type\": \"number\"}}}",
    /* names */
    "{\"properties\": {\"v\": {\"$ref\": \"#n\"}}, \"$defs\": {\"a\": {\"$anchor\": \"n\", "
    "\"type\": \"number\"}}}",
    "{" DRAFT_2019 "\"properties\": {\"v\": {\"$ref\": \"#n\"}}, \"$defs\": {\"a\": {\"$anchor\": "
    "\"n\", \"type\": \"number\"}}}",
    "{\"properties\": {\"v\": {\"$ref\": \"b#n\"}}, \"$defs\": {\"b\": {\"$id\": \"b\", "
    "\"$defs\": "
    "{\"a\": {\"$anchor\": \"n\", \"type\": \"number\"}}}}}",
    "{" DRAFT_07 "\"properties\": {\"v\": {\"$ref\": \"#n\"}}, \"definitions\": {\"a\": {\"$id\": "
    "\"#n\", \"type\": \"number\"}}}",
    "{" DRAFT_06 "\"properties\": {\"v\": {\"$ref\": \"#n\"}}, \"definitions\": {\"a\": {\"$id\": "
    "\"#n\", \"type\": \"number\"}}}",
    "{" DRAFT_04 "\"properties\": {\"v\": {\"$ref\": \"#n\"}}, \"definitions\": {\"a\": {\"id\": "
    "\"#n\", \"type\": \"number\"}}}",
    "{\"properties\": {\"v\": {\"$dynamicRef\": \"#n\"}}, \"$defs\": {\"a\": "
    "{\"$dynamicAnchor\": "
    "\"n\", \"type\": \"number\"}}}",
    /* a generator writes the place of a schema */
    "{" DRAFT_07 "\"$id\": \"http://x.test/r.json\", \"properties\": {\"v\": {\"$id\": "
    "\"#/properties/v\", \"$ref\": \"#/definitions/n\"}}, " NUMBER("definitions") "}",
    "{\"$id\": \"http://x.test/r.json\", \"properties\": {\"v\": {\"$id\": "
    "\"#/properties/v\", \"$ref\": \"#/$defs/n\"}}, " NUMBER("$defs") "}",
    /* an identifier within data is not one */
    "{\"properties\": {\"v\": {\"$ref\": \"n\"}}, \"$defs\": {\"e\": {\"enum\": [{\"$id\": "
    "\"n\", "
    "\"type\": \"null\"}]}, \"n\": {\"$id\": \"n\", \"type\": \"number\"}}}",
    "{" DRAFT_07 "\"properties\": {\"v\": {\"$ref\": \"n\"}}, \"definitions\": {\"e\": {\"$id\": "
    "\"n\", \"$ref\": \"#\"}, \"n\": {\"$id\": \"n\", \"type\": \"number\"}}}",
};

static void references_lead_to_identifiers_of_the_same_file(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(schemas); i++) {
        const char *good = violations_of(schemas[i], "{\"v\": 1}");

        if (*good)
            fail_msg("%s: %s", schemas[i], good);
        if (strcmp(violations_of(schemas[i], "{\"v\": \"x\"}"), WRONG) != 0)
            fail_msg("%s: %s", schemas[i], violations_of(schemas[i], "{\"v\": \"x\"}"));
    }
}

static void references_to_other_files_name_a_bundler(void **state)
{
#define ELSEWHERE                                                                                  \
    " is in another file: put both into one, for example with npx @sourcemeta/jsonschema bundle "  \
    "FILE --resolve FOLDER"
    static const struct refusal cases[] = {
        {"{\"properties\": {\"v\": {\"$ref\": \"price.json\"}}}",
         "#/properties/v/$ref: \"price.json\"" ELSEWHERE},
        {"{\"$ref\": \"https://x.test/price.json#/$defs/a\"}",
         "#/$ref: \"https://x.test/price.json#/$defs/a\"" ELSEWHERE},
        {"{\"$id\": \"https://x.test/a.json\", \"$ref\": \"https://x.test/b.json\"}",
         "#/$ref: \"https://x.test/b.json\"" ELSEWHERE},
        {"{" DRAFT_04 "\"$ref\": \"http://json-schema.org/draft-04/schema#\"}",
         "#/$ref: \"http://json-schema.org/draft-04/schema#\"" ELSEWHERE},
        {"{\"$ref\": \"#/definitions/a\"}",
         "#/$ref: \"#/definitions/a\" does not exist in this file"},
        {"{\"$ref\": \"#a\"}", "#/$ref: \"#a\" does not exist in this file"},
        {"{\"$ref\": \"#%zz\"}", "#/$ref: \"#%zz\" does not exist in this file"},
        {"{\"$ref\": \"#/%\"}", "#/$ref: \"#/%\" does not exist in this file"},
        {"{\"$ref\": 1}", "#/$ref: must be a string"},
        {"{" DRAFT_2019 "\"$recursiveRef\": \"#a\"}", "#/$recursiveRef: must be \"#\""},
        {"{\"$dynamicRef\": \"#a\", \"$dynamicAnchor\": \"a\"}",
         "#/$dynamicRef: refers back to itself endlessly for the same value"},
        {"{\"properties\": {\"v\": {\"$schema\": \"http://json-schema.org/draft-07/schema#\"}}}",
         "#/properties/v/$schema: is not the draft of the schemas around it: only a "
         "schema with an \"$id\" can have its own"},
        {"{\"properties\": {\"v\": {\"$schema\": \"https://x.test/\", \"$id\": \"v\"}}}",
         "#/properties/v/$schema: must be the address of draft 2020-12, 2019-09, draft-07, "
         "draft-06 "
         "or draft-04, like https://json-schema.org/draft/2020-12/schema"},
    };

    (void)state;
    assert_schemas_refused(cases, COUNT(cases));
}

static void a_part_with_an_address_can_have_its_own_draft(void **state)
{
    static const char schema[] = "{\"properties\": {\"v\": {\"$ref\": \"old\"}, \"w\": "
                                 "{\"minimum\": 1}}, \"$defs\": {\"old\": "
                                 "{\"$schema\": \"http://json-schema.org/draft-04/schema#\", "
                                 "\"$id\": \"old\", \"properties\": "
                                 "{\"a\": {\"minimum\": 1, \"exclusiveMinimum\": true}}}}}";

    (void)state;
    assert_string_equal(violations_of(schema, "{\"v\": {\"a\": 1}, \"w\": 1}"),
                        "/v/a|exclusiveMinimum|must be more than 1, is 1");
    assert_string_equal(
        refusal_of(
            "{\"$defs\": {\"old\": {\"$schema\": \"http://json-schema.org/draft-04/schema#\", "
            "\"$id\": \"old\", \"const\": 1}}}"),
        "#/$defs/old/const: the keyword \"const\" is not supported in draft-04");
}

static void keywords_of_known_tools_pass_and_assert_nothing(void **state)
{
    static const char *const names[] = {
        "markdownDescription",
        "defaultSnippets",
        "enumDescriptions",
        "deprecationMessage",
        "doNotSuggest",
        "allowComments",
        "allowTrailingCommas",
        "errorMessage",
        "discriminator",
        "xml",
        "externalDocs",
        "example",
        "javaType",
        "tsType",
        "existingJavaType",
        "x-anything",
        "options",
        "headerTemplate",
        "propertyOrder",
        "//",
        "tsEnumNames",
        "$comment",
    };
    char schema[256];

    (void)state;
    for (size_t i = 0; i < COUNT(names); i++) {
        snprintf(schema, sizeof schema, "{\"%s\": \"a\", \"type\": \"string\"}", names[i]);
        assert_string_equal(violations_of_value(schema, "\"x\""), "");
        assert_string_equal(violations_of_value(schema, "1"), "v|type|must be a string, is 1");
    }
    assert_string_equal(refusal_of("{\"contentMediaType\": \"text/html\", \"contentEncoding\": "
                                   "\"base64\", \"contentSchema\": {}, \"$vocabulary\": {}}"),
                        "");
}

static void an_unknown_keyword_is_refused_with_a_similar_one(void **state)
{
    static const struct refusal cases[] = {
        {"{\"minimun\": 1}",
         "#/minimun: the keyword \"minimun\" is not supported: did you mean \"minimum\"?"},
        {"{\"requried\": []}",
         "#/requried: the keyword \"requried\" is not supported: did you mean \"required\"?"},
        {"{\"additionalproperties\": false}",
         "#/additionalproperties: the keyword \"additionalproperties\" is not supported: did you "
         "mean \"additionalProperties\"?"},
        {"{\"Type\": \"object\"}",
         "#/Type: the keyword \"Type\" is not supported: did you mean \"type\"?"},
        {"{\"$def\": {}}",
         "#/$def: the keyword \"$def\" is not supported: did you mean \"$defs\"?"},
        {"{\"defaultSnipets\": []}",
         "#/defaultSnipets: the keyword \"defaultSnipets\" is not supported: did you mean "
         "\"defaultSnippets\"?"},
        {"{\"additionalItems\": false}",
         "#/additionalItems: the keyword \"additionalItems\" is not supported in draft 2020-12"},
        {"{" DRAFT_06 "\"if\": {}}", "#/if: the keyword \"if\" is not supported in draft-06"},
        {"{" DRAFT_2019 "\"prefixItems\": [{}]}",
         "#/prefixItems: the keyword \"prefixItems\" is not supported in draft 2019-09"},
        {"{\"port\": 1}", "#/port: the keyword \"port\" is not supported"},
    };

    (void)state;
    assert_schemas_refused(cases, COUNT(cases));
}

static void nullable_is_what_open_api_says(void **state)
{
    static const struct value_case cases[] = {
        {"{\"type\": \"string\", \"nullable\": true}", "null", ""},
        {"{\"type\": \"string\", \"nullable\": true}", "1",
         "v|type|must be a string or null, is 1"},
        {"{\"type\": \"string\", \"nullable\": false}", "null", "v|type|must be a string, is null"},
        {"{\"type\": \"string\", \"nullable\": true, \"enum\": [\"a\"]}", "null",
         "v|enum|must be one of \"a\", is null"},
        {"{\"nullable\": true, \"minimum\": 1}", "0", "v|minimum|must be at least 1, is 0"},
    };

    (void)state;
    assert_values(cases, COUNT(cases));
    assert_string_equal(refusal_of("{\"nullable\": 1}"), "#/nullable: must be true or false");
}

static void formats_of_numbers_apply_to_numbers(void **state)
{
    static const struct value_case cases[] = {
        {"{\"format\": \"int32\"}", "2147483647", ""},
        {"{\"format\": \"int32\"}", "2147483648",
         "v|format|must be a whole number from -2147483648 to 2147483647, is 2147483648"},
        {"{\"format\": \"int32\"}", "\"x\"", ""},
        {"{\"format\": \"double\"}", "1e400",
         "v|format|must be a number in the range of a double, is 1e400"},
        {"{\"format\": \"uri-reference\"}", "5", ""},
        {"{\"format\": \"uri-reference\"}", "\"a b\"",
         "v|format|must be a URI or a relative reference, is \"a b\""},
        {"{\"format\": \"password\"}", "\"a b\"", ""},
        {"{\"format\": \"binary\"}", "\"\\u0001\"", ""},
    };

    (void)state;
    assert_values(cases, COUNT(cases));
}

static void draft_06_and_2019_09_have_their_own_keywords(void **state)
{
    static const struct row_case cases[] = {
        {"{" DRAFT_06 "\"properties\": {\"v\": {\"exclusiveMinimum\": 1}}}", "{\"v\": 1}",
         "v|exclusiveMinimum|must be more than 1, is 1"},
        {"{" DRAFT_06 "\"properties\": {\"v\": {\"const\": 1}, \"w\": false}}",
         "{\"v\": 2, \"w\": 1}", "v|const|must be 1, is 2\nw|properties|is not allowed"},
        {"{" DRAFT_06 "\"properties\": {\"v\": {\"$ref\": \"#/definitions/a\", \"minimum\": 9}}, "
         "\"definitions\": {\"a\": {\"type\": \"number\"}}}",
         "{\"v\": 2}", ""},
        {"{" DRAFT_06 "\"properties\": {\"v\": {\"contains\": {\"const\": 1}}}}", "{\"v\": []}",
         "v|contains|must have at least 1 item that fits {\"const\": 1}, has 0"},
        {"{" DRAFT_2019 "\"properties\": {\"v\": {\"items\": [{\"type\": \"string\"}], "
         "\"additionalItems\": false}}}",
         "{\"v\": [\"a\", 1]}", "v|additionalItems|must have at most 1 item, has 2"},
        {"{" DRAFT_2019 "\"properties\": {\"v\": {\"$ref\": \"#/$defs/a\", \"minimum\": 9}}, "
         "\"$defs\": {\"a\": {\"type\": \"number\"}}}",
         "{\"v\": 2}", "v|minimum|must be at least 9, is 2"},
        {"{" DRAFT_2019 "\"dependentRequired\": {\"v\": [\"w\"]}}", "{\"v\": 2}",
         "w|dependentRequired|is required next to \"v\""},
        {"{\"dependencies\": {\"v\": [\"w\"]}}", "{\"v\": 2}",
         "w|dependencies|is required next to \"v\""},
    };

    (void)state;
    assert_rows(cases, COUNT(cases));
}

/* The example of 2020-12 core, section 8.2.3.2: a tree whose strict variant restricts each node. */
static void dynamic_references_depend_on_the_resources_entered(void **state)
{
    static const char tree[] =
        "\"$defs\": {\"tree\": {\"$id\": \"tree\", %s, \"properties\": {\"children\": {\"items\": "
        "{%s}}}}, \"strict\": {\"$id\": \"strict\", %s, \"$ref\": \"tree\", \"required\": "
        "[\"data\"]}}, \"properties\": {\"loose\": {\"$ref\": \"tree\"}, \"tight\": {\"$ref\": "
        "\"strict\"}}}";
    static const struct {
        const char *draft, *anchor, *reference;
    } kinds[] = {
        {"{", "\"$dynamicAnchor\": \"node\"", "\"$dynamicRef\": \"#node\""},
        {"{" DRAFT_2019, "\"$recursiveAnchor\": true", "\"$recursiveRef\": \"#\""},
    };
    char schema[1024];

    (void)state;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        int size = snprintf(schema, sizeof schema, "%s", kinds[i].draft);

        snprintf(schema + size, sizeof schema - (size_t)size, tree, kinds[i].anchor,
                 kinds[i].reference, kinds[i].anchor);
        assert_string_equal(violations_of(schema, "{\"loose\": {\"children\": [{}]}}"), "");
        assert_string_equal(
            violations_of(schema, "{\"tight\": {\"data\": 1, \"children\": [{\"data\": 1}, {}]}}"),
            "/tight/children/1/data|required|is required");
        assert_string_equal(
            violations_of(schema, "{\"loose\": {\"children\": [{\"children\": [{}]}]}, \"tight\": "
                                  "{\"data\": 1}}"),
            "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_integer_of_draft_04_has_no_fraction_and_no_exponent),
        cmocka_unit_test(references_lead_to_identifiers_of_the_same_file),
        cmocka_unit_test(references_to_other_files_name_a_bundler),
        cmocka_unit_test(a_part_with_an_address_can_have_its_own_draft),
        cmocka_unit_test(keywords_of_known_tools_pass_and_assert_nothing),
        cmocka_unit_test(an_unknown_keyword_is_refused_with_a_similar_one),
        cmocka_unit_test(nullable_is_what_open_api_says),
        cmocka_unit_test(formats_of_numbers_apply_to_numbers),
        cmocka_unit_test(draft_06_and_2019_09_have_their_own_keywords),
        cmocka_unit_test(dynamic_references_depend_on_the_resources_entered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
