#include "tests/unit/schema_scene.h"

struct property {
    const char *name;
    unsigned types;
};

static void assert_shape(const char *text, const struct property *expected, size_t count)
{
    struct err err = {0};
    struct schema *schema = schema_of(text, &err);
    const struct row_shape *shape;

    if (!schema)
        fail_msg("%s", err.text);
    shape = schema_shape(schema);
    assert_int_equal(shape->count, count);
    for (size_t i = 0; i < count; i++) {
        assert_true(span_is(shape->properties[i].name, expected[i].name));
        if (shape->properties[i].types != expected[i].types)
            fail_msg("%s: %u, not %u", expected[i].name, shape->properties[i].types,
                     expected[i].types);
    }
    schema_close(schema);
}

/* A schema as Genesys Cloud writes it: draft-04, core types through allOf and $ref. */
static const char core_types[] =
    "{\"$schema\": \"http://json-schema.org/draft-04/schema#\", \"type\": \"object\", "
    "\"definitions\": {\"core.string\": {\"type\": \"string\", \"maxLength\": 5}, "
    "\"core.integer\": {\"type\": \"integer\"}, \"core.number\": {\"type\": [\"number\", "
    "\"null\"]}, \"again\": {\"allOf\": [{\"$ref\": \"#/definitions/core.number\"}]}}, "
    "\"properties\": {\"a\": {\"title\": \"A\", \"allOf\": [{\"$ref\": "
    "\"#/definitions/core.string\"}]}, \"b\": {\"allOf\": [{\"$ref\": \"#/definitions/again\"}, "
    "{\"$ref\": \"#/definitions/core.integer\"}]}, \"c\": {\"allOf\": [{\"$ref\": "
    "\"#/definitions/again\"}], \"type\": \"number\"}, \"d\": {\"anyOf\": [{\"type\": \"null\"}, "
    "{\"$ref\": \"#/definitions/core.integer\"}]}, \"e\": {\"oneOf\": [{\"type\": \"null\"}, {}]}, "
    "\"f\": {\"allOf\": [{\"type\": \"string\"}, {\"type\": \"null\"}]}, \"g\": {\"not\": "
    "{\"type\": \"string\"}}, \"h\": {\"type\": [\"integer\", \"string\"], \"allOf\": [{\"type\": "
    "[\"number\", \"boolean\"]}]}}}";

static void types_are_found_through_references(void **state)
{
    static const struct property expected[] = {
        {"a", ROW_STRING}, {"b", ROW_INTEGER}, {"c", ROW_NUMBER}, {"d", ROW_INTEGER | ROW_NULL},
        {"e", ROW_ANY},    {"f", ROW_ANY}, /* no value is right; the cell goes to the checks as it
                                              is */
        {"g", ROW_ANY},    {"h", ROW_INTEGER},
    };

    (void)state;
    assert_shape(core_types, expected, COUNT(expected));
    assert_string_equal(violations_of(core_types, "{\"a\": \"abcdef\", \"b\": 1.5, \"d\": 2}"),
                        "a|maxLength|must have at most 5 characters, has 6\n"
                        "b|type|must be an integer, is 1.5");
}

static const char split_up[] =
    "{\"$ref\": \"#/$defs/base\", \"properties\": {\"b\": {\"type\": [\"integer\", \"string\"]}, "
    "\"c\": {}}, \"allOf\": [{\"$ref\": \"#/$defs/base\"}, {\"properties\": {\"d\": {\"type\": "
    "\"null\"}}}], \"anyOf\": [{\"properties\": {\"z\": {}}}], \"$defs\": {\"base\": "
    "{\"properties\": {\"a\": {\"type\": \"boolean\"}, \"b\": {\"type\": \"number\"}}, "
    "\"required\": [\"r\"]}}, \"x-rowferry\": {\"rules\": [{\"check\": \"b < 5 AND d IS NULL\", "
    "\"field\": \"b\", \"message\": \"b is below 5\"}]}}";

static void properties_are_found_through_references(void **state)
{
    static const struct property expected[] = {
        {"b", ROW_INTEGER},
        {"c", ROW_ANY},
        {"d", ROW_NULL},
        {"a", ROW_BOOLEAN},
    };

    (void)state;
    assert_shape(split_up, expected, COUNT(expected));
}

static void rules_see_properties_of_references(void **state)
{
    (void)state;
    assert_string_equal(violations_of(split_up, "{\"r\": 0, \"b\": 4}"), "");
    assert_string_equal(violations_of(split_up, "{\"r\": 0, \"a\": true, \"b\": 5}"),
                        "b|check|b is below 5");
    assert_string_equal(violations_of(split_up, "{\"d\": null, \"b\": 5}"),
                        "r|required|is required\nb|check|b is below 5");
}

/* A chain of that many references: d0 -> d1 -> ... -> the last, which is {"type": "object"}. */
static const char *chain_of(unsigned count)
{
    static char text[65536];
    size_t size = (size_t)snprintf(text, sizeof text, "{\"$ref\": \"#/$defs/d1\", \"$defs\": {");

    for (unsigned i = 1; i < count; i++)
        size += (size_t)snprintf(text + size, sizeof text - size,
                                 "\"d%u\": {\"$ref\": \"#/$defs/d%u\"}, ", i, i + 1);
    snprintf(text + size, sizeof text - size,
             "\"d%u\": {\"type\": \"object\", \"additionalProperties\": {\"$ref\": \"#\"}}}}",
             count);
    return text;
}

static void chains_have_a_limit(void **state)
{
    (void)state;
    assert_string_equal(refusal_of(chain_of(63)), "");
    assert_string_equal(
        refusal_of(chain_of(64)),
        "#/$defs/d64/additionalProperties: applies a chain of more than 64 schemas to one value");
}

static void repeat(char *out, size_t size, const char *text, int count)
{
    while (count--)
        append_span(out, size, span_of(text), "");
}

/* {"a": {"a": ... {}}}, nested that deep. */
static const char *nested(int count)
{
    static char fields[1024];

    fields[0] = '\0';
    repeat(fields, sizeof fields, "{\"a\": ", count);
    repeat(fields, sizeof fields, "{}", 1);
    repeat(fields, sizeof fields, "}", count);
    return fields;
}

/* 65 schemas a step. */
static void recursion_has_a_limit(void **state)
{
    (void)state;
    assert_string_equal(violations_of(chain_of(63), nested(6)), "");
    assert_string_equal(violations_of(chain_of(63), nested(8)),
                        "/a/a/a/a/a/a/a|$ref|is checked by more than 512 nested schemas");
}

static void rows_of_the_greatest_depth_are_checked(void **state)
{
    static const char schema[] =
        "{\"properties\": {\"a\": {\"$ref\": \"#\"}}, \"required\": [\"a\"]}";
    char expected[1024] = "";

    (void)state;
    repeat(expected, sizeof expected, "/a", JSON_DEPTH_MAX);
    repeat(expected, sizeof expected, "|required|is required", 1);
    assert_string_equal(violations_of(schema, nested(JSON_DEPTH_MAX - 1)), expected);
}

static void a_file_has_a_limit_of_schemas(void **state)
{
    enum { SIZE = 1 << 20 };
    char *text = malloc(SIZE);
    size_t size;

    (void)state;
    assert_non_null(text);
    size = (size_t)snprintf(text, SIZE, "{\"allOf\": [{}");
    for (int i = 0; i < 100000; i++)
        size += (size_t)snprintf(text + size, SIZE - size, ", {}");
    snprintf(text + size, SIZE - size, "]}");
    assert_string_equal(refusal_of(text),
                        "#/allOf/0: is one of more than 100000 schemas in the file");
    size = (size_t)snprintf(text, SIZE, "{\"properties\": {\"%0500000d\": {\"allOf\": [{}", 0);
    for (int i = 0; i < 40; i++)
        size += (size_t)snprintf(text + size, SIZE - size, ", {}");
    snprintf(text + size, SIZE - size, "]}}}");
    assert_non_null(strstr(refusal_of(text), ": is below names that are too long"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_are_found_through_references),
        cmocka_unit_test(properties_are_found_through_references),
        cmocka_unit_test(rules_see_properties_of_references),
        cmocka_unit_test(chains_have_a_limit),
        cmocka_unit_test(recursion_has_a_limit),
        cmocka_unit_test(rows_of_the_greatest_depth_are_checked),
        cmocka_unit_test(a_file_has_a_limit_of_schemas),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
