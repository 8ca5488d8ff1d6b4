#include "tests/unit/schema_scene.h"

static void type_accepts_and_rejects(void **state)
{
    static const struct value_case cases[] = {
        {"{\"type\": \"null\"}", "null", ""},
        {"{\"type\": \"null\"}", "0", "v|type|must be null, is 0"},
        {"{\"type\": \"boolean\"}", "true", ""},
        {"{\"type\": \"boolean\"}", "false", ""},
        {"{\"type\": \"boolean\"}", "\"true\"", "v|type|must be true or false, is \"true\""},
        {"{\"type\": \"integer\"}", "5", ""},
        {"{\"type\": \"integer\"}", "-5.0", ""},
        {"{\"type\": \"integer\"}", "123456789012345678901234567890", ""},
        {"{\"type\": \"integer\"}", "1e400", ""},
        {"{\"type\": \"integer\"}", "1.5", "v|type|must be an integer, is 1.5"},
        {"{\"type\": \"integer\"}", "1e-1", "v|type|must be an integer, is 1e-1"},
        {"{\"type\": \"number\"}", "1.5", ""},
        {"{\"type\": \"number\"}", "\"abc\"", "v|type|must be a number, is \"abc\""},
        {"{\"type\": \"number\"}", "null", "v|type|must be a number, is null"},
        {"{\"type\": \"number\"}", "true", "v|type|must be a number, is true"},
        {"{\"type\": \"string\"}", "\"\"", ""},
        {"{\"type\": \"string\"}", "12", "v|type|must be a string, is 12"},
        {"{\"type\": \"array\"}", "[1]", ""},
        {"{\"type\": \"array\"}", "{}", "v|type|must be an array, is an object"},
        {"{\"type\": \"object\"}", "{}", ""},
        {"{\"type\": \"object\"}", "[{}]", "v|type|must be an object, is an array"},
        {"{\"type\": [\"string\", \"null\"]}", "null", ""},
        {"{\"type\": [\"null\", \"string\"]}", "1", "v|type|must be a string or null, is 1"},
        {"{\"type\": [\"null\", \"integer\", \"boolean\", \"string\"]}", "[]",
         "v|type|must be a string, an integer, true or false or null, is an array"},
        {"{}", "[null]", ""},
        {"true", "1", ""},
        {"false", "1", "v|properties|is not allowed"},
    };

    (void)state;
    assert_values(cases, COUNT(cases));
}

static void enum_and_const_compare_as_json_values(void **state)
{
    static const struct value_case cases[] = {
        {"{\"enum\": [\"a\", 1, null, true, [1, {\"x\": 2, \"y\": 3}]]}", "\"a\"", ""},
        {"{\"enum\": [\"a\", 1, null, true]}", "1.0", ""},
        {"{\"enum\": [\"a\", 1, null, true]}", "10e-1", ""},
        {"{\"enum\": [[1, {\"x\": 2, \"y\": 3}]]}", "[1.0, {\"y\": 3, \"x\": 2}]", ""},
        {"{\"enum\": [\"a\\u0062\"]}", "\"ab\"", ""},
        {"{\"enum\": [\"ab\"]}", "\"\\u0061b\"", ""},
        {"{\"enum\": [{\"\\u0061\": 1}]}", "{\"a\": 1}", ""},
        {"{\"enum\": [\"a\", 1, null, [2], {}]}", "\"b\"",
         "v|enum|must be one of \"a\", 1, null, an array, an object, is \"b\""},
        {"{\"enum\": [0]}", "false", "v|enum|must be one of 0, is false"},
        {"{\"enum\": [[1, 2]]}", "[1]", "v|enum|must be one of an array, is an array"},
        {"{\"enum\": [{\"a\": 1}]}", "{\"b\": 1}", "v|enum|must be one of an object, is an object"},
        {"{\"enum\": []}", "1", "v|enum|must be one of nothing, is 1"},
        {"{\"const\": \"erp\"}", "\"erp\"", ""},
        {"{\"const\": 9007199254740993}", "9007199254740993.0", ""},
        {"{\"const\": 9007199254740993}", "9007199254740992",
         "v|const|must be 9007199254740993, is 9007199254740992"},
        {"{\"const\": null}", "0", "v|const|must be null, is 0"},
        {"{\"const\": \"erp\"}", "\"ERP\"", "v|const|must be \"erp\", is \"ERP\""},
    };

    (void)state;
    assert_values(cases, COUNT(cases));
}

static void limits_compare_exactly_as_written(void **state)
{
    static const struct value_case cases[] = {
        {"{\"minimum\": 0}", "0", ""},
        {"{\"minimum\": 0}", "-0.0", ""},
        {"{\"minimum\": 0}", "-3", "v|minimum|must be at least 0, is -3"},
        {"{\"minimum\": 0}", "\"-3\"", ""},
        {"{\"minimum\": 0.1}", "0.1", ""},
        {"{\"minimum\": 0.1}", "0.09999999999999999999",
         "v|minimum|must be at least 0.1, is 0.09999999999999999999"},
        {"{\"maximum\": 10.50}", "10.5", ""},
        {"{\"maximum\": 10.50}", "10.51", "v|maximum|must be at most 10.50, is 10.51"},
        {"{\"maximum\": 9223372036854775807}", "9223372036854775808",
         "v|maximum|must be at most 9223372036854775807, is 9223372036854775808"},
        {"{\"exclusiveMinimum\": 0}", "0.000001", ""},
        {"{\"exclusiveMinimum\": 0}", "0", "v|exclusiveMinimum|must be more than 0, is 0"},
        {"{\"exclusiveMinimum\": 0}", "0e5", "v|exclusiveMinimum|must be more than 0, is 0e5"},
        {"{\"exclusiveMaximum\": 1e400}", "1e399", ""},
        {"{\"exclusiveMaximum\": 10}", "10.0", "v|exclusiveMaximum|must be less than 10, is 10.0"},
        {"{\"multipleOf\": 0.01}", "19.99", ""},
        {"{\"multipleOf\": 0.01}", "1e400", ""},
        {"{\"multipleOf\": 0.01}", "19.999", "v|multipleOf|must be a multiple of 0.01, is 19.999"},
        {"{\"multipleOf\": 0.1}", "0.3", ""},
    };

    (void)state;
    assert_values(cases, COUNT(cases));
}

static void lengths_count_code_points(void **state)
{
    static const struct value_case cases[] = {
        {"{\"minLength\": 2}", "\"ab\"", ""},
        {"{\"minLength\": 2}", "\"a\"", "v|minLength|must have at least 2 characters, has 1"},
        {"{\"minLength\": 1}", "\"\"", "v|minLength|must have at least 1 character, has 0"},
        {"{\"minLength\": 2}", "\"\U0001F600\"",
         "v|minLength|must have at least 2 characters, has 1"},
        {"{\"minLength\": 2.0}", "\"\u00e9\u00e9\"", ""},
        {"{\"maxLength\": 2}", "\"\U0001F600\U0001F600\"", ""},
        {"{\"maxLength\": 2}", "\"\\ud83d\\ude00\\u00e9\"", ""},
        {"{\"maxLength\": 2}", "\"abc\"", "v|maxLength|must have at most 2 characters, has 3"},
        {"{\"maxLength\": 1}", "\"\\u00e9\\u00e8\"",
         "v|maxLength|must have at most 1 character, has 2"},
        {"{\"maxLength\": 0}", "12345", ""},
        {"{\"maxLength\": 1e3}", "\"abc\"", ""},
    };

    (void)state;
    assert_values(cases, COUNT(cases));
}

static void pattern_accepts_and_rejects(void **state)
{
    static const struct value_case cases[] = {
        {"{\"pattern\": \"^[A-Z]{2}-\\\\d{4}$\"}", "\"WH-1042\"", ""},
        {"{\"pattern\": \"^[A-Z]{2}-\\\\d{4}$\"}", "\"W\\u0048-1042\"", ""},
        {"{\"pattern\": \"^[A-Z]{2}-\\\\d{4}$\"}", "\"wh-1\"",
         "v|pattern|must match ^[A-Z]{2}-\\d{4}$, is \"wh-1\""},
        {"{\"pattern\": \"^a$\"}", "\"a\\n\"", "v|pattern|must match ^a$, is \"a\\n\""},
        {"{\"pattern\": \"^a$\"}", "12", ""},
        {"{\"pattern\": \"^(a+)+$\"}", "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\"",
         "v|pattern|takes too many steps to match against ^(a+)+$, is "
         "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\""},
    };

    (void)state;
    assert_values(cases, COUNT(cases));
}

static void formats_are_assertions(void **state)
{
    static const struct value_case cases[] = {
        {"{\"format\": \"date\"}", "\"2026-11-23\"", ""},
        {"{\"format\": \"date\"}", "20261123", ""},
        {"{\"format\": \"date\"}", "\"23.11.2026\"",
         "v|format|must be a date like 2026-11-23, is \"23.11.2026\"; if that is meant, declare "
         "\"formats\": {\"v\": {\"date\": \"DD.MM.YYYY\"}} under x-rowferry"},
        {"{\"format\": \"time\"}", "\"23:05\"",
         "v|format|must be a time like 23:05:00Z or 23:05:00+01:00, is \"23:05\""},
        {"{\"format\": \"date-time\"}", "\"2026-11-23\"",
         "v|format|must be a time like 2026-11-23T23:05:00Z, is \"2026-11-23\""},
        {"{\"format\": \"email\"}", "\"a@\"", "v|format|must be an e-mail address, is \"a@\""},
        {"{\"format\": \"email\"}", "\"a\\u0040b\"", ""},
        {"{\"format\": \"hostname\"}", "\"a_b\"", "v|format|must be a host name, is \"a_b\""},
        {"{\"format\": \"ipv4\"}", "\"1.2.3\"", "v|format|must be an IPv4 address, is \"1.2.3\""},
        {"{\"format\": \"ipv6\"}", "\"1.2.3\"", "v|format|must be an IPv6 address, is \"1.2.3\""},
        {"{\"format\": \"uri\"}", "\"/a\"",
         "v|format|must be a URI with a scheme, like https://example.org/, is \"/a\""},
        {"{\"format\": \"uuid\"}", "\"1\"",
         "v|format|must be a UUID like 123e4567-e89b-12d3-a456-426614174000, is \"1\""},
    };

    (void)state;
    assert_values(cases, COUNT(cases));
}

static void required_names_every_member_that_is_missing(void **state)
{
    static const char schema[] = "{\"properties\": {\"a\": {}, \"b\": {\"type\": \"string\"}},"
                                 " \"required\": [\"z\", \"b\", \"a\"]}";

    (void)state;
    assert_string_equal(violations_of(schema, "{\"a\": 1, \"b\": \"\", \"z\": null}"), "");
    assert_string_equal(violations_of(schema, "{\"a\": 1, \"z\": null}"), "b|required|is required");
    assert_string_equal(violations_of(schema, "{}"),
                        "a|required|is required\nb|required|is required\nz|required|is required");
    assert_string_equal(violations_of(schema, "{\"z\": 0, \"b\": 1}"),
                        "b|type|must be a string, is 1\na|required|is required");
}

static void a_cell_that_the_reader_refused_is_not_reported_as_missing(void **state)
{
    struct err err = {0};
    struct schema *schema = schema_of("{\"required\": [\"a\", \"b\"]}", &err);
    struct checker *checker = checker_open(schema, &err);
    struct violations list = {0};
    struct row row = {.fields = span_of("{}")};
    struct json_fault fault;

    (void)state;
    assert_true(json_scan(&row.tape, row.fields, 0, &fault));
    violations_add(&list, span_of("a"), "type", "must be a number, is \"abc\"");
    assert_true(checker_check(checker, &row, &list, &err));
    assert_int_equal(list.count, 2);
    assert_true(span_is(violation_field(&list, 1), "b"));
    violations_release(&list);
    json_tape_release(&row.tape);
    checker_close(checker);
    schema_close(schema);
}

static void other_members_are_allowed_forbidden_or_checked(void **state)
{
    static const char closed[] = "{\"properties\": {\"a\": {}}, \"required\": [\"b\"],"
                                 " \"additionalProperties\": false}";

    (void)state;
    assert_string_equal(violations_of("{\"properties\": {\"a\": {}}}", "{\"b\": 1}"), "");
    assert_string_equal(violations_of("{\"additionalProperties\": true}", "{\"b\": 1}"), "");
    assert_string_equal(violations_of("{\"additionalProperties\": false}", "{\"b\": 1}"),
                        "b|additionalProperties|is not a property of Item");
    assert_string_equal(violations_of("{\"additionalProperties\": {\"type\": \"number\"}}",
                                      "{\"\\u0062\": \"\\u0063\"}"),
                        "b|type|must be a number, is \"\\u0063\"");
    assert_string_equal(violations_of(closed, "{\"a\": 1, \"c\\u0021\": 2, \"d\": 3, \"b\": 4}"),
                        "c!|additionalProperties|is not a property of Item\n"
                        "d|additionalProperties|is not a property of Item\n"
                        "b|additionalProperties|is not a property of Item");
}

static void nested_values_are_named_by_a_pointer(void **state)
{
    static const char schema[] =
        "{\"properties\": {\"a/b\": {\"type\": \"object\", \"required\": [\"q\"],"
        " \"properties\": {\"c~d\": {\"minimum\": 1}, \"e\": {\"properties\": {\"f\":"
        " {\"type\": \"null\"}}, \"additionalProperties\": false}}}, \"g\": {\"maximum\": 1}}}";

    (void)state;
    assert_string_equal(violations_of(schema, "{\"a/b\": {\"c~d\": 1, \"q\": 0}, \"g\": 1}"), "");
    assert_string_equal(
        violations_of(schema,
                      "{\"a/b\": {\"c\\u007ed\": 0, \"e\": {\"f\": 1, \"x\": 2}}, \"g\": 2}"),
        "/a~1b/c~0d|minimum|must be at least 1, is 0\n"
        "/a~1b/e/f|type|must be null, is 1\n"
        "/a~1b/e/x|additionalProperties|is not a property of /properties/a~1b/properties/e\n"
        "/a~1b/q|required|is required\n"
        "g|maximum|must be at most 1, is 2");
}

static void every_keyword_that_fails_is_reported(void **state)
{
    (void)state;
    assert_string_equal(violations_of_value("{\"type\": \"integer\", \"enum\": [1], \"minimum\": 0,"
                                            " \"multipleOf\": 2}",
                                            "-1.5"),
                        "v|type|must be an integer, is -1.5\n"
                        "v|enum|must be one of 1, is -1.5\n"
                        "v|minimum|must be at least 0, is -1.5\n"
                        "v|multipleOf|must be a multiple of 2, is -1.5");
    assert_string_equal(violations_of_value("{\"type\": \"object\", \"minLength\": 3,"
                                            " \"pattern\": \"^b\"}",
                                            "\"a\""),
                        "v|type|must be an object, is \"a\"\n"
                        "v|minLength|must have at least 3 characters, has 1\n"
                        "v|pattern|must match ^b, is \"a\"");
}

static void values_in_messages_are_printable_and_cut(void **state)
{
    char value[512], expected[512];

    (void)state;
    memset(value, 'x', sizeof value);
    value[0] = value[300] = '"';
    value[301] = '\0';
    snprintf(expected, sizeof expected, "v|type|must be a number, is \"%.40s...\"", value + 1);
    assert_string_equal(violations_of_value("{\"type\": \"number\"}", value), expected);
    memcpy(value + 40, "\u00e9", 2); /* a cut here would divide it */
    snprintf(expected, sizeof expected, "v|type|must be a number, is \"%.39s...\"", value + 1);
    assert_string_equal(violations_of_value("{\"type\": \"number\"}", value), expected);
    assert_string_equal(violations_of_value("{\"type\": \"number\"}", "\"a\x7f\xc2\x9b\\n\""),
                        "v|type|must be a number, is \"a\\x7f\\u009b\\n\"");
}

static void members_are_found_in_any_order(void **state)
{
    struct err err = {0};
    struct schema *schema =
        schema_of("{\"properties\": {\"a\": {\"const\": 1}, \"b\": {\"const\": 2},"
                  " \"c\": {\"const\": 3}}, \"required\": [\"a\", \"d\"]}",
                  &err);
    struct checker *checker = checker_open(schema, &err);

    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_string_equal(check_row(checker, "{\"a\":1,\"b\":2,\"c\":3,\"d\":0}"), "");
        assert_string_equal(check_row(checker, "{\"d\":0,\"c\":3,\"b\":2,\"a\":1}"), "");
        assert_string_equal(check_row(checker, "{\"x\":9,\"y\":9,\"d\":0,\"z\":9,\"\":9,\"a\":1}"),
                            "");
        assert_string_equal(check_row(checker, "{\"b\":1,\"a\":2}"), "b|const|must be 2, is 1\n"
                                                                     "a|const|must be 1, is 2\n"
                                                                     "d|required|is required");
        assert_string_equal(check_row(checker, "{}"),
                            "a|required|is required\nd|required|is required");
    }
    checker_close(checker);
    schema_close(schema);
}

static void a_row_without_fields_is_skipped(void **state)
{
    struct err err = {0};
    struct schema *schema = schema_of("{\"required\": [\"a\"]}", &err);
    struct checker *checker = checker_open(schema, &err);
    struct violations list = {0};
    struct row row = {0};

    (void)state;
    assert_true(checker_check(checker, &row, &list, &err));
    assert_int_equal(list.count, 0);
    checker_close(checker);
    schema_close(schema);
}

static void a_thousand_properties_are_distinguished(void **state)
{
    enum { PROPERTIES = 1000, SIZE = 64 * PROPERTIES };
    char *text = malloc(SIZE), *fields = malloc(SIZE);
    size_t size = 0, fields_size = 0;

    (void)state;
    assert_non_null(text);
    assert_non_null(fields);
    for (int i = 0; i < PROPERTIES; i++) {
        size += (size_t)snprintf(text + size, SIZE - size, "%s\"p%d\": {\"const\": %d}",
                                 i ? ", " : "{\"properties\": {", i, i);
        fields_size += (size_t)snprintf(fields + fields_size, SIZE - fields_size, "%s\"p%d\": %d",
                                        i ? ", " : "{", i, i == 777 ? 0 : i);
    }
    snprintf(text + size, SIZE - size, "}, \"additionalProperties\": false}");
    snprintf(fields + fields_size, SIZE - fields_size, "}");
    assert_string_equal(violations_of(text, fields), "p777|const|must be 777, is 0");
    free(text);
    free(fields);
}

/* The installed schema files, and rows as the readers make them. */
static struct checker *open_shipped(const char *path, struct schema **schema)
{
    struct err err = {0};
    struct checker *checker;

    *schema = schema_open(path, &err);
    if (!*schema)
        fail_msg("%s", err.text);
    checker = checker_open(*schema, &err);
    assert_non_null(checker);
    return checker;
}

static void the_guides_rules_hold_for_inventory_items(void **state)
{
    static const char *const cases[][2] = {
        {"{\"sku\":\"WH-1042\",\"quantity\":150,\"price\":45.50,\"status\":\"active\","
         "\"warehouseLocation\":\"A-12-04\"}",
         ""},
        {"{}", ""},
        {"{\"note\":\"the guide forbids no other fields\"}", ""},
        {"{\"sku\":\"wh-1\"}", "sku|pattern|must match ^[A-Z]{2}-\\d{4}$, is \"wh-1\""},
        {"{\"sku\":1042}", "sku|type|must be a string, is 1042"},
        {"{\"quantity\":\"150\"}", "quantity|type|must be a number, is \"150\""},
        {"{\"quantity\":-1}", "quantity|minimum|must be at least 0, is -1"},
        {"{\"quantity\":0}", ""},
        {"{\"price\":0}", "price|exclusiveMinimum|must be more than 0, is 0"},
        {"{\"price\":-0.01}", "price|exclusiveMinimum|must be more than 0, is -0.01"},
        {"{\"price\":true}", "price|type|must be a number, is true"},
        {"{\"status\":\"reserved\",\"quantity\":0}",
         "status|check|status cannot be reserved when quantity is zero"},
        {"{\"status\":\"reserved\",\"quantity\":0.0}",
         "status|check|status cannot be reserved when quantity is zero"},
        {"{\"status\":\"reserved\",\"quantity\":1}", ""},
        {"{\"status\":\"reserved\"}", ""},
        {"{\"price\":1000,\"quantity\":100}", ""},
        {"{\"price\":1000.01,\"quantity\":100}",
         "price|check|total value exceeds business threshold of 100000"},
        {"{\"price\":1e400,\"quantity\":1}",
         "price|check|total value exceeds business threshold of 100000"},
        {"{\"sku\":\"x\",\"quantity\":0,\"price\":-1,\"status\":\"reserved\"}",
         "sku|pattern|must match ^[A-Z]{2}-\\d{4}$, is \"x\"\n"
         "price|exclusiveMinimum|must be more than 0, is -1\n"
         "status|check|status cannot be reserved when quantity is zero"},
    };
    struct schema *schema;
    struct checker *checker = open_shipped("schema/InventoryItem.json", &schema);

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_string_equal(check_row(checker, cases[i][0]), cases[i][1]);
    checker_close(checker);
    schema_close(schema);
}

static void customer_accounts_are_checked(void **state)
{
    static const char *const cases[][2] = {
        {"{\"accountNumber\":\"100234\",\"name\":\"M\u00fcller\",\"country\":\"DE\",\"active\":"
         "true,"
         "\"currency\":\"EUR\",\"source\":\"erp\",\"tier\":\"gold\",\"paymentDays\":30,"
         "\"creditLimit\":2500.50,\"contacts\":[\"a@example.org\"]}",
         ""},
        {"{\"accountNumber\":\"100234\",\"name\":\"A\",\"country\":\"CH\",\"active\":false,"
         "\"creditLimit\":null}",
         ""},
        {"{\"accountNumber\":\"0234\",\"name\":\"\",\"country\":\"ch\",\"active\":\"yes\","
         "\"currency\":\"DM\",\"source\":\"crm\",\"tier\":\"bronze\",\"paymentDays\":30.5,"
         "\"creditLimit\":0.001,\"zip\":\"8000\"}",
         "accountNumber|pattern|must match ^[1-9][0-9]{5}$, is \"0234\"\n"
         "name|minLength|must have at least 1 character, has 0\n"
         "country|pattern|must match ^[A-Z]{2}$, is \"ch\"\n"
         "active|type|must be true or false, is \"yes\"\n"
         "currency|enum|must be one of \"EUR\", \"CHF\", \"GBP\", \"USD\", is \"DM\"\n"
         "source|const|must be \"erp\", is \"crm\"\n"
         "tier|enum|must be one of \"standard\", \"silver\", \"gold\", is \"bronze\"\n"
         "paymentDays|type|must be an integer, is 30.5\n"
         "creditLimit|multipleOf|must be a multiple of 0.01, is 0.001\n"
         "zip|additionalProperties|is not a property of CustomerAccount"},
        {"{\"creditLimit\":5,\"active\":false}",
         "accountNumber|required|is required\n"
         "name|required|is required\n"
         "country|required|is required\n"
         "creditLimit|check|a closed account cannot have a credit limit"},
    };
    struct schema *schema;
    struct checker *checker = open_shipped("schema/CustomerAccount.json", &schema);

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_string_equal(check_row(checker, cases[i][0]), cases[i][1]);
    checker_close(checker);
    schema_close(schema);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(type_accepts_and_rejects),
        cmocka_unit_test(enum_and_const_compare_as_json_values),
        cmocka_unit_test(limits_compare_exactly_as_written),
        cmocka_unit_test(lengths_count_code_points),
        cmocka_unit_test(pattern_accepts_and_rejects),
        cmocka_unit_test(formats_are_assertions),
        cmocka_unit_test(required_names_every_member_that_is_missing),
        cmocka_unit_test(a_cell_that_the_reader_refused_is_not_reported_as_missing),
        cmocka_unit_test(other_members_are_allowed_forbidden_or_checked),
        cmocka_unit_test(nested_values_are_named_by_a_pointer),
        cmocka_unit_test(every_keyword_that_fails_is_reported),
        cmocka_unit_test(values_in_messages_are_printable_and_cut),
        cmocka_unit_test(members_are_found_in_any_order),
        cmocka_unit_test(a_row_without_fields_is_skipped),
        cmocka_unit_test(a_thousand_properties_are_distinguished),
        cmocka_unit_test(the_guides_rules_hold_for_inventory_items),
        cmocka_unit_test(customer_accounts_are_checked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
