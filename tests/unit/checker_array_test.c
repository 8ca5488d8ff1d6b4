#include "tests/unit/schema_scene.h"

static void items_are_counted(void **state)
{
    static const struct value_case cases[] = {
        {"{\"minItems\": 2}", "[1, 2]", ""},
        {"{\"minItems\": 2}", "[1]", "v|minItems|must have at least 2 items, has 1"},
        {"{\"minItems\": 1}", "[]", "v|minItems|must have at least 1 item, has 0"},
        {"{\"maxItems\": 1}", "[[1, 2]]", ""},
        {"{\"maxItems\": 1}", "[1, 2]", "v|maxItems|must have at most 1 item, has 2"},
        {"{\"maxItems\": 0}", "\"abc\"", ""},
    };

    (void)state;
    assert_values(cases, COUNT(cases));
}

static void each_item_is_checked(void **state)
{
    static const struct value_case cases[] = {
        {"{\"items\": {\"type\": \"integer\"}}", "[1, 2.0]", ""},
        {"{\"items\": {\"type\": \"integer\"}}", "[1, \"a\", 3, null]",
         "/v/1|type|must be an integer, is \"a\"\n/v/3|type|must be an integer, is null"},
        {"{\"items\": {\"items\": {\"minimum\": 1}}}", "[[1], [2, 0]]",
         "/v/1/1|minimum|must be at least 1, is 0"},
        {"{\"items\": {\"required\": [\"a\"]}}", "[{}, {\"a\": 1}]", "/v/0/a|required|is required"},
        {"{\"items\": true}", "[1]", ""},
        {"{\"items\": false}", "[]", ""},
        {"{\"items\": false}", "[1]", "v|items|must have at most 0 items, has 1"},
        {"{\"prefixItems\": [{\"type\": \"string\"}, {\"minimum\": 5}]}", "[\"a\"]", ""},
        {"{\"prefixItems\": [{\"type\": \"string\"}, {\"minimum\": 5}]}", "[1, 2, 3]",
         "/v/0|type|must be a string, is 1\n/v/1|minimum|must be at least 5, is 2"},
        {"{\"prefixItems\": [{}], \"items\": {\"type\": \"null\"}}", "[1, null, 2]",
         "/v/2|type|must be null, is 2"},
        {"{\"prefixItems\": [{}], \"items\": false}", "[1]", ""},
        {"{\"prefixItems\": [{}], \"items\": false}", "[1, 2, 3]",
         "v|items|must have at most 1 item, has 3"},
        {"{\"prefixItems\": [true, false]}", "[1, 2]", "/v/1|prefixItems|is not allowed"},
        {"{\"items\": {\"not\": {}}, \"type\": \"array\"}", "{}",
         "v|type|must be an array, is an object"},
    };

    (void)state;
    assert_values(cases, COUNT(cases));
}

static void contains_counts_the_items_that_fit(void **state)
{
    static const struct value_case cases[] = {
        {"{\"contains\": {\"const\": 5}}", "[1, 5.0]", ""},
        {"{\"contains\": {\"const\": 5}}", "[1, 2]",
         "v|contains|must have at least 1 item that fits {\"const\": 5}, has 0"},
        {"{\"contains\": {\"const\": 5}}", "5", ""},
        {"{\"contains\": {\"const\": 5}, \"minContains\": 2}", "[5]",
         "v|minContains|must have at least 2 items that fit {\"const\": 5}, has 1"},
        {"{\"contains\": {\"const\": 5}, \"minContains\": 0}", "[]", ""},
        {"{\"contains\": {\"const\": 5}, \"maxContains\": 1}", "[5, 5]",
         "v|maxContains|must have at most 1 item that fits {\"const\": 5}, has 2"},
        {"{\"contains\": {\"const\": 5}, \"maxContains\": 1}", "[]",
         "v|contains|must have at least 1 item that fits {\"const\": 5}, has 0"},
        {"{\"maxContains\": 1, \"minContains\": 3}", "[5, 5]", ""},
        {"{\"contains\": {\"description\": "
         "\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
         "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}, \"maxContains\": 0}",
         "[1]",
         "v|maxContains|must have at most 0 items that fit the schema at #/properties/v/contains, "
         "has 1"},
        {"{\"contains\": false}", "[1]",
         "v|contains|must have at least 1 item that fits false, has 0"},
    };

    (void)state;
    assert_values(cases, COUNT(cases));
}

static void items_are_compared_by_value(void **state)
{
    static const struct value_case cases[] = {
        {"{\"uniqueItems\": true}", "[[1], [2], [3], [4], [5], [6], [7], [8], [9], [1.0]]",
         "v|uniqueItems|must not contain a value twice, items 0 and 9 are both an array"},
        {"{\"uniqueItems\": true}",
         "[[], [2], true, null, false, {}, \"\", 8, [[9]], [[10]], {\"a\": 1}, {\"a\": 2}]", ""},
        {"{\"uniqueItems\": true}", "[1, \"1\", true, null, [1], {\"a\": 1}, 0, false]", ""},
        {"{\"uniqueItems\": false}", "[1, 1]", ""},
        {"{\"uniqueItems\": true}", "[1, 2, 1.0]",
         "v|uniqueItems|must not contain a value twice, items 0 and 2 are both 1.0"},
        {"{\"uniqueItems\": true}", "[\"a\", \"\\u0061\"]",
         "v|uniqueItems|must not contain a value twice, items 0 and 1 are both \"\\u0061\""},
        {"{\"uniqueItems\": true}", "[{\"a\": 1, \"b\": [2]}, {\"b\": [2.0], \"a\": 1}]",
         "v|uniqueItems|must not contain a value twice, items 0 and 1 are both an object"},
        {"{\"uniqueItems\": true}",
         "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19]", ""},
        {"{\"uniqueItems\": true}",
         "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 10.0, 3]",
         "v|uniqueItems|must not contain a value twice, items 10 and 20 are both 10.0"},
        {"{\"uniqueItems\": true}",
         "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, {\"a\": \"b\", "
         "\"c\": 10000000000000000000000}, {\"c\": 1e22, \"\\u0061\": \"b\"}]",
         "v|uniqueItems|must not contain a value twice, items 20 and 21 are both an object"},
        {"{\"uniqueItems\": true}",
         "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, "
         "100000000000000000000001, 100000000000000000000001.0]",
         "v|uniqueItems|must not contain a value twice, items 20 and 21 are both "
         "100000000000000000000001.0"},
    };

    (void)state;
    assert_values(cases, COUNT(cases));
}

static void large_objects_are_compared_in_any_order(void **state)
{
    enum { MEMBERS = 15000 };
    char *fields = malloc(64 * MEMBERS);
    size_t size = 0;

    (void)state;
    assert_non_null(fields);
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < MEMBERS; i++)
            size += (size_t)snprintf(fields + size, 64, "%s\"n%d\": %d",
                                     i          ? ", "
                                     : pass > 0 ? "}, {"
                                                : "{\"v\": [{",
                                     pass ? MEMBERS - 1 - i : i, pass ? MEMBERS - 1 - i : i);
    }
    snprintf(fields + size, 64, "}]}");
    assert_string_equal(
        violations_of("{\"properties\": {\"v\": {\"uniqueItems\": true}}}", fields),
        "v|uniqueItems|must not contain a value twice, items 0 and 1 are both an object");
    free(fields);
}

static void older_drafts_have_two_forms_of_items(void **state)
{
    static const struct value_case cases[] = {
        {"{\"items\": {\"minimum\": 1}}", "[1, 0]", "/v/1|minimum|must be at least 1, is 0"},
        {"{\"items\": [{\"minimum\": 1}]}", "[0, 0]", "/v/0|minimum|must be at least 1, is 0"},
        {"{\"items\": [{\"minimum\": 1}], \"additionalItems\": {\"type\": \"string\"}}",
         "[1, \"a\", 2]", "/v/2|type|must be a string, is 2"},
        {"{\"items\": [{\"minimum\": 1}], \"additionalItems\": false}", "[1, 2]",
         "v|additionalItems|must have at most 1 item, has 2"},
        {"{\"items\": [{}], \"additionalItems\": true}", "[1, 2]", ""},
        {"{\"items\": {}, \"additionalItems\": false}", "[1, 2]", ""},
        {"{\"additionalItems\": false}", "[1, 2]", ""},
    };
    char text[512], fields[64];

    (void)state;
    for (size_t i = 0; i < 2 * COUNT(cases); i++) {
        const struct value_case *at = &cases[i / 2];

        snprintf(text, sizeof text,
                 "{\"$schema\": \"http://json-schema.org/draft-0%d/schema#\","
                 " \"properties\": {\"v\": %s}}",
                 i % 2 ? 4 : 7, at->schema);
        snprintf(fields, sizeof fields, "{\"v\": %s}", at->value);
        assert_string_equal(violations_of(text, fields), at->violations);
    }
}

/* An object of 20 members n0 to n19; the value and the name of the last can differ. */
static const char *large_object(const char *last_name, const char *last_value, bool backwards)
{
    static char texts[2][512];
    static unsigned next;
    char *text = texts[next++ % 2];
    int size = 0;

    for (int i = 0; i < 20; i++) {
        int n = backwards ? 19 - i : i;
        char name[16], value[16];

        snprintf(name, sizeof name, "n%d", n);
        snprintf(value, sizeof value, "[%d]", n);
        size +=
            snprintf(text + size, 512 - (size_t)size, "%s\"%s\": %s%s", i ? ", " : "{",
                     n == 19 ? last_name : name, n == 19 ? last_value : value, i == 19 ? "}" : "");
    }
    return text;
}

static void objects_of_many_members_differ_in_a_name_or_a_value(void **state)
{
    char schema[1024];

    (void)state;
    snprintf(schema, sizeof schema, "{\"const\": %s}", large_object("n19", "[19]", false));
    assert_string_equal(violations_of_value(schema, large_object("n19", "[19.0]", true)), "");
    assert_string_equal(violations_of_value(schema, large_object("n19", "[20]", true)),
                        "v|const|must be an object, is an object");
    assert_string_equal(violations_of_value(schema, large_object("n20", "[19]", true)),
                        "v|const|must be an object, is an object");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_are_counted),
        cmocka_unit_test(each_item_is_checked),
        cmocka_unit_test(contains_counts_the_items_that_fit),
        cmocka_unit_test(items_are_compared_by_value),
        cmocka_unit_test(large_objects_are_compared_in_any_order),
        cmocka_unit_test(older_drafts_have_two_forms_of_items),
        cmocka_unit_test(objects_of_many_members_differ_in_a_name_or_a_value),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
