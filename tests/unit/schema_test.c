#include "tests/unit/schema_scene.h"

#include <sys/stat.h>
#include <unistd.h>

#define EXTENSION(inside) "{\"properties\": {\"v\": {}}, \"x-rowferry\": " inside "}"

static void every_unknown_keyword_is_refused_by_name(void **state)
{
    static const char *const names[] = {
        "extends", "disallow", "divisibleBy", "ranges", "version", "name", "",
    };
    char text[256], reason[256];

    (void)state;
    for (size_t i = 0; i < COUNT(names); i++) {
        snprintf(text, sizeof text, "{\"%s\": 1}", names[i]);
        snprintf(reason, sizeof reason, "#/%s: the keyword \"%s\" is not supported", names[i],
                 names[i]);
        assert_string_equal(refusal_of(text), reason);
        snprintf(text, sizeof text,
                 "{\"properties\": {\"a/b~\": {\"type\": \"string\", \"%s\": 1}}}", names[i]);
        snprintf(reason, sizeof reason,
                 "#/properties/a~1b~0/%s: the keyword \"%s\" is not supported", names[i], names[i]);
        assert_string_equal(refusal_of(text), reason);
    }
}

static void annotations_pass_anywhere(void **state)
{
    (void)state;
    assert_string_equal(
        refusal_of("{\"$schema\": \"https://json-schema.org/draft/2020-12/schema\", \"$id\": \"x\","
                   " \"id\": \"x\", \"title\": \"t\", \"description\": \"d\", \"$comment\": \"c\","
                   " \"default\": {}, \"examples\": [1], \"x-anything\": {\"type\": 5},"
                   " \"deprecated\": true, \"readOnly\": false, \"writeOnly\": false,"
                   " \"properties\": {\"v\": {\"title\": \"t\", \"description\": \"d\","
                   " \"$comment\": \"c\", \"default\": {\"type\": 1}, \"examples\": [],"
                   " \"x-y\": null}, \"$id\": {}, \"type\": {}, \"format\": {}}}"),
        "");
}

static void annotations_of_the_wrong_form_are_refused(void **state)
{
    static const struct refusal cases[] = {
        {"{\"title\": 5}", "#/title: must be a string"},
        {"{\"readOnly\": 1}", "#/readOnly: must be true or false"},
        {"{\"deprecated\": false}", ""},
        {"{\"examples\": {}}", "#/examples: must be an array"},
        {"{\"$anchor\": 5}", "#/$anchor: must be a name, without \"#\" and \"/\""},
        {"{\"$anchor\": \"a#b\"}", "#/$anchor: must be a name, without \"#\" and \"/\""},
        {"{\"$anchor\": \"a/b\"}", "#/$anchor: must be a name, without \"#\" and \"/\""},
        {"{\"$schema\": \"https://json-schema.org/draft/2019-09/schema\", \"$recursiveAnchor\": 5}",
         "#/$recursiveAnchor: must be true or false"},
        {"{\"$schema\": \"https://json-schema.org/draft/2019-09/schema\", \"$recursiveAnchor\": "
         "false}",
         ""},
        {"{\"$defs\": {\"//\": \"a comment\"}}", ""},
        {"{\"$schema\": \"http://json-schema.org/draft-07/schema#\", \"properties\": "
         "{\"v\": {\"$schema\": \"http://json-schema.org/draft-07/schema#\", \"items\": {}, "
         "\"additionalItems\": {\"type\": \"string\"}}}}",
         ""},
        {"{\"$schema\": \"http://json-schema.org/draft-07/schema#\", \"items\": []}", ""},
    };

    (void)state;
    assert_schemas_refused(cases, COUNT(cases));
}

static void values_of_the_wrong_form_are_refused(void **state)
{
    static const char types[] = "#/type: must be null, boolean, integer, number, string, array or "
                                "object, or an array of these";
    static const struct refusal cases[] = {
        {"{\"title\": 1}", "#/title: must be a string"},
        {"{\"$comment\": null}", "#/$comment: must be a string"},
        {"{\"examples\": 1}", "#/examples: must be an array"},
        {"{\"$id\": 1}", "#/$id: must be a string"},
        {"{\"type\": \"strnig\"}", types},
        {"{\"type\": 1}", types},
        {"{\"type\": [\"string\", 1]}", types},
        {"{\"type\": {\"a\": \"string\"}}", types},
        {"{\"type\": [[\"string\"]]}", types},
        {"{\"type\": [\"object\", \"object\"]}", "#/type: names a type twice"},
        {"{\"type\": []}", "#/type: must name a type"},
        {"{\"type\": \"string\"}",
         "#/type: must allow an object, because the fields of a row are one"},
        {"{\"enum\": {}}", "#/enum: must be an array"},
        {"{\"minimum\": \"1\"}", "#/minimum: must be a number"},
        {"{\"exclusiveMaximum\": true}", "#/exclusiveMaximum: must be a number"},
        {"{\"multipleOf\": 0}", "#/multipleOf: must be a number above 0"},
        {"{\"multipleOf\": -1}", "#/multipleOf: must be a number above 0"},
        {"{\"multipleOf\": \"1\"}", "#/multipleOf: must be a number above 0"},
        {"{\"multipleOf\": 1.234567890123456789}",
         "#/multipleOf: must not have more than 18 digits"},
        {"{\"minLength\": -1}", "#/minLength: must be a whole number, 0 or more"},
        {"{\"maxLength\": 1.5}", "#/maxLength: must be a whole number, 0 or more"},
        {"{\"maxLength\": \"1\"}", "#/maxLength: must be a whole number, 0 or more"},
        {"{\"maxLength\": 1e18}", "#/maxLength: must not have more than 18 digits"},
        {"{\"pattern\": 1}", "#/pattern: must be a string"},
        {"{\"pattern\": \"[a\"}", "#/pattern: is not a regular expression: a [ is not closed"},
        {"{\"pattern\": \"(?i)a\"}", "#/pattern: is not a regular expression: a group that starts "
                                     "with (? is not part of ECMA-262"},
        {"{\"properties\": []}", "#/properties: must be an object"},
        {"{\"properties\": {\"a\": 1}}", "#/properties/a: a schema must be an object"},
        {"{\"properties\": {\"a\": {\"properties\": {\"b\": {\"type\": 0}}}}}",
         "#/properties/a/properties/b/type: must be null, boolean, integer, number, string, array "
         "or object, or an array of these"},
        {"{\"required\": \"a\"}", "#/required: must be an array of names"},
        {"{\"required\": [1]}", "#/required: must be an array of names"},
        {"{\"required\": [[\"a\"]]}", "#/required: must be an array of names"},
        {"{\"required\": [\"a\", \"a\"]}", "#/required: names a property twice"},
        {"{\"additionalProperties\": 1}",
         "#/additionalProperties: must be true, false or a schema"},
        {"{\"properties\": {\"a\": {\"$id\": 1}}}", "#/properties/a/$id: must be a string"},
        {"{\"properties\": {\"a\": {\"x-rowferry\": {}}}}",
         "#/properties/a/x-rowferry: belongs at the root of the schema"},
        {"{\"properties\": {\"a\\u0001\": {\"b\\n\": 0}}}",
         "#/properties/a\\x01/b\\n: the keyword \"b\\n\" is not supported"},
    };

    (void)state;
    assert_schemas_refused(cases, COUNT(cases));
}

static void nested_values_of_the_wrong_form_are_refused(void **state)
{
    static const struct refusal cases[] = {
        {"{\"deprecated\": 1}", "#/deprecated: must be true or false"},
        {"{\"uniqueItems\": \"yes\"}", "#/uniqueItems: must be true or false"},
        {"{\"minItems\": -1}", "#/minItems: must be a whole number, 0 or more"},
        {"{\"maxItems\": null}", "#/maxItems: must be a whole number, 0 or more"},
        {"{\"minProperties\": 0.5}", "#/minProperties: must be a whole number, 0 or more"},
        {"{\"maxProperties\": []}", "#/maxProperties: must be a whole number, 0 or more"},
        {"{\"minContains\": -1}", "#/minContains: must be a whole number, 0 or more"},
        {"{\"contains\": {}, \"maxContains\": 1.5}",
         "#/maxContains: must be a whole number, 0 or more"},
        {"{\"contains\": 1}", "#/contains: a schema must be an object"},
        {"{\"prefixItems\": {}}", "#/prefixItems: must be an array of at least one schema"},
        {"{\"prefixItems\": [{}, 1]}", "#/prefixItems/1: a schema must be an object"},
        {"{\"items\": [{}]}", "#/items: is a schema in draft 2020-12; use \"prefixItems\""},
        {"{\"items\": \"string\"}", "#/items: a schema must be an object"},
        {"{\"propertyNames\": 1}", "#/propertyNames: a schema must be an object"},
        {"{\"patternProperties\": 1}", "#/patternProperties: must be an object"},
        {"{\"patternProperties\": {\"^a/(\": {}}}",
         "#/patternProperties/^a~1(: is not a regular expression: missing closing parenthesis"},
        {"{\"patternProperties\": {\"a\": {\"tpye\": 1}}}",
         "#/patternProperties/a/tpye: the keyword \"tpye\" is not supported: did you mean "
         "\"type\"?"},
        {"{\"dependentRequired\": []}", "#/dependentRequired: must be an object"},
        {"{\"dependentRequired\": {\"a\": {}}}",
         "#/dependentRequired: must contain arrays of names"},
        {"{\"dependentRequired\": {\"a\": [1]}}",
         "#/dependentRequired: must contain arrays of names"},
        {"{\"dependentSchemas\": {\"a\": []}}", "#/dependentSchemas/a: a schema must be an object"},
        {"{\"allOf\": []}", "#/allOf: must be an array of at least one schema"},
        {"{\"anyOf\": {}}", "#/anyOf: must be an array of at least one schema"},
        {"{\"oneOf\": [1]}", "#/oneOf/0: a schema must be an object"},
        {"{\"not\": null}", "#/not: a schema must be an object"},
        {"{\"if\": {\"typ\": 1}}",
         "#/if/typ: the keyword \"typ\" is not supported: did you mean \"type\"?"},
        {"{\"if\": {}, \"then\": {\"typ\": 1}}",
         "#/then/typ: the keyword \"typ\" is not supported: did you mean \"type\"?"},
        {"{\"else\": {\"typ\": 1}}",
         "#/else/typ: the keyword \"typ\" is not supported: did you mean \"type\"?"},
        {"{\"$defs\": 1}", "#/$defs: must be an object"},
        {"{\"$defs\": {\"a b\": {\"typ\": 1}}}",
         "#/$defs/a b/typ: the keyword \"typ\" is not supported: did you mean \"type\"?"},
        {"{\"definitions\": {\"a\": {\"format\": \"date\", \"typ\": 1}}}",
         "#/definitions/a/typ: the keyword \"typ\" is not supported: did you mean \"type\"?"},
        {"{\"properties\": {\"a\": {\"format\": \"iban\"}}}",
         "#/properties/a/format: the format \"iban\" is not supported: see the list in "
         "rowferry-schema(5)"},
        {"{\"format\": null}", "#/format: must be a string"},
        {"{\"properties\": {\"a\": {\"$anchor\": \"#x\"}}}",
         "#/properties/a/$anchor: must be a name, without \"#\" and \"/\""},
        {"{\"allOf\": [{\"$id\": \"#x\"}]}",
         "#/allOf/0/$id: must not have a fragment: use \"$anchor\""},
        {"{\"allOf\": [{\"id\": 1}]}", "#/allOf/0/id: must be a string"},
        {"{\"allOf\": [{\"type\": \"array\"}]}",
         "#: must allow an object, because the fields of a row are one"},
    };

    (void)state;
    assert_schemas_refused(cases, COUNT(cases));
}

static void texts_that_are_not_a_schema_are_refused(void **state)
{
    static const struct refusal cases[] = {
        {"[]", "#: a schema must be an object"},
        {"true", "#: a schema must be an object"},
        {"1", "#: a schema must be an object"},
    };
    static const char *const places[][2] = {
        {"", "line 1, column 1: "},
        {"{", "line 1, column 2: "},
        {"{\n  \"type\": \"object\",\n}", "line 3, column 1: "},
        {"{\"type\": \"object\"} {}", "line 1, column 20: "},
        {"{\"title\": \"a\", \"title\": \"b\"}", "line 1, column "},
        {"{\"minimum\": NaN}", "line 1, column 13: "},
        {"{\"minimum\": 01}", "line 1, column "},
        {"{'type': 'object'}", "line 1, column 2: "},
        {"{\"title\": \"\xff\"}", "line 1, column 12: "},
    };

    (void)state;
    assert_schemas_refused(cases, COUNT(cases));
    for (size_t i = 0; i < COUNT(places); i++) {
        const char *reason = refusal_of(places[i][0]);

        if (strncmp(reason, places[i][1], strlen(places[i][1])) != 0)
            fail_msg("%s: %s", places[i][0], reason);
    }
}

static void five_drafts_are_known(void **state)
{
    static const char *const known[] = {
        "https://json-schema.org/draft/2020-12/schema",
        "http://json-schema.org/draft-07/schema#",
        "http://json-schema.org/draft-07/schema",
        "http://json-schema.org/draft-04/schema#",
        "https://json-schema.org/draft-06/schema#",
        "http://json-schema.org/draft/2020-12/schema",
        "https://json-schema.org/draft/2019-09/schema",
        "http://json-schema.org/schema#",
    };
    static const char *const unknown[] = {"\"http://json-schema.org/draft-03/schema#\"",
                                          "\"http://json-schema.org/draft-04/schema#/\"",
                                          "\"ftp://json-schema.org/draft-04/schema#\"",
                                          "\"https://example.org/draft-07/schema#\"",
                                          "\"\"",
                                          "4"};
    char text[256];

    (void)state;
    for (size_t i = 0; i < COUNT(known); i++) {
        snprintf(text, sizeof text, "{\"$schema\": \"%s\"}", known[i]);
        assert_string_equal(refusal_of(text), "");
    }
    for (size_t i = 0; i < COUNT(unknown); i++) {
        snprintf(text, sizeof text, "{\"$schema\": %s}", unknown[i]);
        assert_string_equal(refusal_of(text),
                            "#/$schema: must be the address of draft 2020-12, 2019-09, draft-07, "
                            "draft-06 or draft-04, like "
                            "https://json-schema.org/draft/2020-12/schema");
    }
}

static void draft_04_has_its_own_keywords(void **state)
{
#define DRAFT_04 "{\"$schema\": \"http://json-schema.org/draft-04/schema#\", "
    static const struct refusal cases[] = {
        {DRAFT_04 "\"const\": 1}", "#/const: the keyword \"const\" is not supported in draft-04"},
        {DRAFT_04 "\"contains\": {}}",
         "#/contains: the keyword \"contains\" is not supported in draft-04"},
        {DRAFT_04 "\"propertyNames\": {}}",
         "#/propertyNames: the keyword \"propertyNames\" is not supported in draft-04"},
        {DRAFT_04 "\"if\": {}}", "#/if: the keyword \"if\" is not supported in draft-04"},
        {DRAFT_04 "\"prefixItems\": []}",
         "#/prefixItems: the keyword \"prefixItems\" is not supported in draft-04"},
        {DRAFT_04 "\"dependentRequired\": {}}",
         "#/dependentRequired: the keyword \"dependentRequired\" is not supported in draft-04"},
        {DRAFT_04 "\"not\": true}", "#/not: a schema must be an object"},
        {DRAFT_04 "\"items\": false}", "#/items: must be a schema or an array of schemas"},
        {DRAFT_04 "\"additionalItems\": 1}", "#/additionalItems: must be true, false or a schema"},
        {DRAFT_04 "\"additionalItems\": {\"typ\": 1}}",
         "#/additionalItems/typ: the keyword \"typ\" is not supported: did you mean \"type\"?"},
        {DRAFT_04 "\"dependencies\": {\"a\": 1}}", "#/dependencies/a: a schema must be an object"},
        {DRAFT_04 "\"definitions\": {}, \"additionalItems\": false, \"items\": []}", ""},
        {DRAFT_04 "\"minimum\": 1, \"exclusiveMinimum\": 1}",
         "#/exclusiveMinimum: must be true or false in draft-04"},
        {DRAFT_04 "\"exclusiveMaximum\": true}",
         "#/exclusiveMaximum: needs \"maximum\" next to it"},
        {DRAFT_04 "\"minimum\": 1, \"exclusiveMinimum\": false}", ""},
    };

    (void)state;
    assert_schemas_refused(cases, COUNT(cases));
    assert_string_equal(violations_of(DRAFT_04 "\"properties\": {\"v\": {\"minimum\": 1,"
                                               " \"exclusiveMinimum\": true}}}",
                                      "{\"v\": 1}"),
                        "v|exclusiveMinimum|must be more than 1, is 1");
    assert_string_equal(violations_of(DRAFT_04 "\"properties\": {\"v\": {\"maximum\": 1,"
                                               " \"exclusiveMaximum\": false}}}",
                                      "{\"v\": 1}"),
                        "");
    assert_string_equal(violations_of(DRAFT_04 "\"properties\": {\"v\": {\"maximum\": 1,"
                                               " \"exclusiveMaximum\": true}}}",
                                      "{\"v\": 1}"),
                        "v|exclusiveMaximum|must be less than 1, is 1");
#undef DRAFT_04
}

static void draft_07_has_its_own_keywords(void **state)
{
#define DRAFT_07 "{\"$schema\": \"http://json-schema.org/draft-07/schema#\", "
    static const struct refusal cases[] = {
        {DRAFT_07 "\"prefixItems\": [{}]}",
         "#/prefixItems: the keyword \"prefixItems\" is not supported in draft-07"},
        {DRAFT_07 "\"minContains\": 1}",
         "#/minContains: the keyword \"minContains\" is not supported in draft-07"},
        {DRAFT_07 "\"dependentSchemas\": {}}",
         "#/dependentSchemas: the keyword \"dependentSchemas\" is not supported in draft-07"},
        {DRAFT_07 "\"exclusiveMinimum\": true}", "#/exclusiveMinimum: must be a number"},
        {DRAFT_07 "\"items\": [{}, true], \"additionalItems\": false, \"const\": {},"
                  " \"dependencies\": {\"a\": [\"b\"], \"c\": false}, \"if\": {},"
                  " \"definitions\": {\"d\": true}, \"contains\": {}, \"propertyNames\": {}}",
         ""},
    };

    (void)state;
    assert_schemas_refused(cases, COUNT(cases));
#undef DRAFT_07
}

static const struct refusal wrong_settings[] = {
    {EXTENSION("{}"), ""},
    {EXTENSION("{\"version\": \"required\", \"write\": \"merge\", \"rules\": []}"), ""},
    {EXTENSION("[]"), "#/x-rowferry: must be an object"},
    {EXTENSION("{\"rule\": []}"), "#/x-rowferry/rule: the setting \"rule\" is not supported"},
    {EXTENSION("{\"version\": \"fetch\", \"write\": \"replace\"}"), ""},
    {EXTENSION("{\"version\": 5}"),
     "#/x-rowferry/version: must be \"required\", \"fetch\" or \"known\""},
    {EXTENSION("{\"knownFor\": \"1d\"}"), "#/x-rowferry/knownFor: is for \"version\": \"known\""},
    {EXTENSION("{\"knownFor\": \"1d\", \"version\": \"fetch\"}"),
     "#/x-rowferry/knownFor: is for \"version\": \"known\""},
    {EXTENSION("{\"knownFor\": \"soon\", \"version\": \"known\"}"),
     "#/x-rowferry/knownFor: must be a time like \"30d\" or \"12h\", or 0, for ever"},
    {EXTENSION("{\"knownFor\": 30, \"version\": \"known\"}"),
     "#/x-rowferry/knownFor: must be a time like \"30d\" or \"12h\", or 0, for ever"},
    {EXTENSION("{\"knownFor\": true, \"version\": \"known\"}"),
     "#/x-rowferry/knownFor: must be a time like \"30d\" or \"12h\", or 0, for ever"},
    {EXTENSION("{\"unchanged\": \"skip\"}"),
     "#/x-rowferry/unchanged: is for \"version\": \"known\" or \"fetch\""},
    {EXTENSION("{\"unchanged\": \"keep\", \"version\": \"known\"}"),
     "#/x-rowferry/unchanged: must be \"skip\" or \"send\""},
    {EXTENSION("{\"write\": \"all\"}"), "#/x-rowferry/write: must be \"merge\" or \"replace\""},
    {EXTENSION("{\"rules\": {}}"), "#/x-rowferry/rules: must be an array"},
    {EXTENSION("{\"rules\": [1]}"),
     "#/x-rowferry/rules/0: must be an object with check, field and message"},
    {EXTENSION("{\"rules\": [{\"check\": \"v\"}]}"),
     "#/x-rowferry/rules/0: needs check and message"},
    {EXTENSION("{\"rules\": [{\"message\": \"m\"}]}"),
     "#/x-rowferry/rules/0: needs check and message"},
    {EXTENSION("{\"rules\": [{\"check\": 1, \"message\": \"m\"}]}"),
     "#/x-rowferry/rules/0/check: must be a string"},
    {EXTENSION("{\"rules\": [{\"check\": \"v\", \"message\": \"m\", \"fields\": \"v\"}]}"),
     "#/x-rowferry/rules/0: can only have check, field and message"},
    {EXTENSION("{\"rules\": [{\"check\": \"v\", \"message\": \"m\"},"
               " {\"check\": \"v\", \"message\": \"m\", \"field\": \"w\"}]}"),
     "#/x-rowferry/rules/1/field: is not declared in properties"},
    {"{\"x-rowferry\": {\"rules\": [{\"check\": \"v\", \"message\": \"m\"}]}}",
     "#/x-rowferry/rules: need declared properties"},
    {EXTENSION("{\"trim\": 1}"), "#/x-rowferry/trim: must be true or false"},
    {EXTENSION("{\"trim\": false}"), ""},
    {EXTENSION("{\"keepBefore\": \"yes\"}"), "#/x-rowferry/keepBefore: must be true or false"},
    {EXTENSION("{\"keepBefore\": true}"), ""},
    {EXTENSION("{\"keepBefore\": true, \"target\": \"guide\"}"), ""},
    {EXTENSION("{\"keepBefore\": true, \"version\": \"fetch\", \"target\": {\"preset\": "
               "\"rest-etag\", \"write\": {\"path\": \"/x/{id}\"}}}"),
     "#/x-rowferry/keepBefore: needs a target whose lock is a version that each update raises "
     "by "
     "1"},
    {EXTENSION("{\"keepBefore\": true, \"target\": {\"preset\": \"guide\", \"write\": "
               "{\"absent\": \"keep\"}}}"),
     "#/x-rowferry/keepBefore: cannot be true: the target keeps what is not sent, so that no "
     "update removes a field again"},
    {EXTENSION("{\"recordId\": 1}"), "#/x-rowferry/recordId: must be an object with pattern"},
    {EXTENSION("{\"recordId\": {\"pattern\": \"(\"}}"),
     "#/x-rowferry/recordId/pattern: is not a regular expression: missing closing parenthesis"},
    {"{\"properties\": {\"sku\": {}, \"SKU\": {}},"
     " \"x-rowferry\": {\"rules\": [{\"check\": \"sku\", \"message\": \"m\"}]}}",
     "#/x-rowferry/rules: SQL cannot use these properties in rules: "
     "duplicate column name: SKU"},
};

static void settings_are_checked_and_unknown_ones_refused(void **state)
{
    (void)state;
    assert_schemas_refused(wrong_settings, COUNT(wrong_settings));
}

static void the_shape_holds_the_declared_properties(void **state)
{
    static const struct {
        const char *name;
        unsigned types;
    } expected[] = {
        {"a", ROW_STRING},
        {"b", ROW_INTEGER | ROW_NULL},
        {"c", ROW_NUMBER},
        {"d\"e", ROW_NUMBER},
        {"f", ROW_ARRAY | ROW_OBJECT | ROW_BOOLEAN},
    };
    struct err err = {0};
    struct schema *schema =
        schema_of("{\"required\": [\"z\", \"b\"], \"properties\": {\"a\": {\"type\": \"string\"},"
                  " \"b\": {\"type\": [\"integer\", \"null\"]}, \"c\": {\"enum\": [1]},"
                  " \"d\\\"e\": {\"type\": \"number\", \"properties\": {\"inner\": {}}},"
                  " \"f\": {\"type\": [\"array\", \"object\", \"boolean\"]}}}",
                  &err);
    const struct row_shape *shape;

    (void)state;
    assert_non_null(schema);
    shape = schema_shape(schema);
    assert_string_equal(schema_name(schema), "Item");
    assert_string_equal(shape->schema_name, "Item");
    assert_true(shape->version_required);
    assert_int_equal(shape->count, COUNT(expected));
    for (size_t i = 0; i < COUNT(expected); i++) {
        assert_true(span_is(shape->properties[i].name, expected[i].name));
        assert_int_equal(shape->properties[i].types, expected[i].types);
    }
    schema_close(schema);
}

static void listed_values_decide_how_a_cell_is_read(void **state)
{
    static const struct {
        const char *property;
        unsigned types;
    } cases[] = {
        {"{\"enum\": [1, 2]}", ROW_NUMBER},
        {"{\"const\": true}", ROW_BOOLEAN},
        {"{\"const\": null}", ROW_NULL},
        {"{\"const\": \"1\"}", ROW_STRING},
        {"{\"enum\": [[1], {\"a\": 1}]}", ROW_ARRAY | ROW_OBJECT},
        {"{\"enum\": [1, null]}", ROW_NUMBER | ROW_NULL},
        {"{\"type\": \"integer\", \"enum\": [1]}", ROW_INTEGER},
        {"{\"enum\": [\"mixed\", 0, 9]}", ROW_STRING | ROW_NUMBER | ROW_WORDS},
        {"{\"enum\": [true, \"nofunc\"]}", ROW_STRING | ROW_BOOLEAN | ROW_WORDS},
        {"{\"enum\": [null, \"a\"]}", ROW_STRING | ROW_NULL | ROW_WORDS},
        {"{\"enum\": [\"1x\", \"tru\", \"\", 1]}", ROW_STRING | ROW_NUMBER | ROW_WORDS},
        {"{\"enum\": [\"1\", \"true\", null]}", ROW_STRING | ROW_NULL | ROW_WORDS},
        {"{\"type\": [\"string\", \"null\"]}", ROW_STRING | ROW_NULL},
        {"{\"type\": [\"string\", \"number\"], \"enum\": [\"1\", 1]}", ROW_STRING | ROW_NUMBER},
        {"{\"$ref\": \"#/$defs/n\"}", ROW_NUMBER},
        {"{\"allOf\": [{\"$ref\": \"#/$defs/n\"}, {\"minimum\": 0}]}", ROW_NUMBER},
        {"{\"anyOf\": [{\"const\": 1}, {\"const\": \"a\"}]}", ROW_STRING | ROW_NUMBER | ROW_WORDS},
        {"{\"anyOf\": [{\"$ref\": \"#/$defs/n\"}, {\"type\": \"null\"}]}", ROW_NUMBER | ROW_NULL},
        {"{\"anyOf\": [{\"const\": 1}, {\"type\": \"string\"}]}", ROW_STRING | ROW_NUMBER},
        {"{\"allOf\": [{\"anyOf\": [{\"const\": 1}, {\"type\": \"string\"}]}, {\"enum\": "
         "[\"a\", 1]}]}",
         ROW_STRING | ROW_NUMBER | ROW_WORDS},
        {"{\"anyOf\": [{\"const\": 1}, {\"minimum\": 2}]}", ROW_ANY},
        {"{\"not\": {\"const\": 1}}", ROW_ANY},
    };
    static const char *const refused[] = {
        "{\"enum\": [\"0.1\", 0.1]}",
        "{\"enum\": [true, \"true\"]}",
        "{\"enum\": [null, \"null\"]}",
        "{\"enum\": [1, \" [x\", []]}",
        "{\"anyOf\": [{\"const\": 1}, {\"const\": \"2\"}]}",
    };
    char text[512];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct err err = {0};
        struct schema *schema;

        snprintf(text, sizeof text,
                 "{\"properties\": {\"v\": %s}, \"$defs\": {\"n\": {\"enum\": [1, 2]}}}",
                 cases[i].property);
        schema = schema_of(text, &err);
        assert_non_null(schema);
        if (schema_shape(schema)->properties[0].types != cases[i].types)
            fail_msg("%s: %u", text, schema_shape(schema)->properties[0].types);
        schema_close(schema);
    }
    for (size_t i = 0; i < COUNT(refused); i++) {
        snprintf(text, sizeof text, "{\"properties\": {\"v\": %s}}", refused[i]);
        assert_string_equal(refusal_of(text),
                            "#/properties/v: lists strings that look like its other values, which "
                            "CSV cells cannot distinguish: add \"type\"");
    }
}

static void the_hash_distinguishes_files(void **state)
{
    static const char *const texts[] = {"{}", "{} ", "{\"title\": \"t\"}"};
    char hashes[COUNT(texts)][33];
    struct err err = {0};

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct schema *schema = schema_of(texts[i], &err);

        assert_non_null(schema);
        assert_int_equal(strlen(schema_hash(schema)), 32);
        memcpy(hashes[i], schema_hash(schema), sizeof hashes[i]);
        schema_close(schema);
    }
    assert_string_not_equal(hashes[0], hashes[1]);
    assert_string_not_equal(hashes[0], hashes[2]);
    /* XXH3-128 of "{}", as xxhsum -H128 prints it */
    assert_string_equal(hashes[0], "dc7048f8f8747f561349cde127705c16");
}

static void assert_open_fails(const char *path, const char *reason)
{
    char expected[SCRATCH_SIZE + 100];
    struct err err = {0};

    assert_null(schema_open(path, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    snprintf(expected, sizeof expected, "%s: %s", path, reason);
    assert_string_equal(err.text, expected);
}

static void a_schema_can_be_parsed_from_a_text(void **state)
{
    struct err err = {0};
    struct schema *schema = schema_parse("Item", span_of("{\"properties\": {\"a\": {}}}"), &err);

    (void)state;
    assert_non_null(schema);
    assert_string_equal(schema_name(schema), "Item");
    assert_int_equal(schema_shape(schema)->count, 1);
    assert_int_equal(strlen(schema_hash(schema)), 32);
    schema_close(schema);
    assert_null(schema_parse("Item", span_of("{\n \"type\" 5}"), &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_memory_equal(err.text, "Item: line 2, column 9: ", 24);
}

/* The record id of check_row is empty. */
static void a_record_id_can_have_a_pattern(void **state)
{
    (void)state;
    assert_string_equal(
        violations_of("{\"x-rowferry\": {\"recordId\": {\"pattern\": \"^A\\\\d\"}}}", "{}"),
        "record_id|record_id|must match the pattern \"^A\\d\", is \"\"");
    assert_string_equal(
        violations_of("{\"x-rowferry\": {\"recordId\": {\"pattern\": \"^$\"}}}", "{}"), "");
}

static void files_that_cannot_be_read_are_refused(void **state)
{
    enum { LARGE = (8 << 20) + 1 };
    char folder[SCRATCH_SIZE], path[SCRATCH_SIZE + 16];
    char *large = malloc(LARGE);

    (void)state;
    scratch_make(folder);
    assert_non_null(large);
    snprintf(path, sizeof path, "%s/None.json", folder);
    assert_open_fails(path, "cannot be read: No such file or directory");
    snprintf(path, sizeof path, "%s/Fifo.json", folder);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_open_fails(path, "is not a regular file");
    assert_open_fails(folder, "is not a regular file");
    memset(large, ' ', LARGE);
    snprintf(path, sizeof path, "%s/Large.json", folder);
    scratch_write(path, large, LARGE);
    assert_open_fails(path, "is larger than 8388608 bytes");
    large[0] = '{';
    large[1] = '}';
    scratch_write(path, large, LARGE - 1);
    schema_close(schema_open(path, &(struct err){0}));
    snprintf(path, sizeof path, "%s/.json", folder);
    assert_open_fails(path, "has no name before .json");
    free(large);
    scratch_remove(folder);
}

static void the_shape_has_the_version_and_write_settings(void **state)
{
    static const struct {
        const char *text;
        bool required, fetched, replaces, known, sends;
        int64_t known_for_h;
    } rows[] = {
        {"{}", true, false, false, false, false, 0},
        {EXTENSION("{}"), true, false, false, false, false, 0},
        {EXTENSION("{\"version\": \"required\", \"write\": \"merge\"}"), true, false, false, false,
         false, 720},
        {EXTENSION("{\"version\": \"fetch\"}"), false, true, false, false, false, 720},
        {EXTENSION("{\"write\": \"replace\"}"), true, false, true, false, false, 0},
        {EXTENSION("{\"version\": \"fetch\", \"write\": \"replace\"}"), false, true, true, false,
         false, 720},
        {EXTENSION("{\"unchanged\": \"send\", \"version\": \"fetch\"}"), false, true, false, false,
         true, 720},
        {EXTENSION("{\"version\": \"known\"}"), false, true, false, true, false, 720},
        {EXTENSION("{\"knownFor\": \"12h\", \"unchanged\": \"skip\", \"version\": \"known\"}"),
         false, true, false, true, false, 12},
        {EXTENSION("{\"version\": \"known\", \"knownFor\": 0}"), false, true, false, true, false,
         0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct err err = {0};
        struct schema *schema = schema_of(rows[i].text, &err);
        const struct row_shape *shape;

        if (!schema)
            fail_msg("%s", err.text);
        shape = schema_shape(schema);
        assert_int_equal(shape->version_required, rows[i].required);
        assert_int_equal(shape->version_fetched, rows[i].fetched);
        assert_int_equal(shape->write_replaces, rows[i].replaces);
        assert_int_equal(shape->version_known, rows[i].known);
        assert_int_equal(shape->sends_unchanged, rows[i].sends);
        assert_int_equal(shape->known_for_ms, rows[i].known_for_h * 3600000);
        schema_close(schema);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_unknown_keyword_is_refused_by_name),
        cmocka_unit_test(annotations_pass_anywhere),
        cmocka_unit_test(annotations_of_the_wrong_form_are_refused),
        cmocka_unit_test(values_of_the_wrong_form_are_refused),
        cmocka_unit_test(nested_values_of_the_wrong_form_are_refused),
        cmocka_unit_test(texts_that_are_not_a_schema_are_refused),
        cmocka_unit_test(five_drafts_are_known),
        cmocka_unit_test(draft_04_has_its_own_keywords),
        cmocka_unit_test(draft_07_has_its_own_keywords),
        cmocka_unit_test(settings_are_checked_and_unknown_ones_refused),
        cmocka_unit_test(the_shape_holds_the_declared_properties),
        cmocka_unit_test(listed_values_decide_how_a_cell_is_read),
        cmocka_unit_test(the_hash_distinguishes_files),
        cmocka_unit_test(a_schema_can_be_parsed_from_a_text),
        cmocka_unit_test(a_record_id_can_have_a_pattern),
        cmocka_unit_test(files_that_cannot_be_read_are_refused),
        cmocka_unit_test(the_shape_has_the_version_and_write_settings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
