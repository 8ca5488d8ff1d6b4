#include "core/api/record.h"
#include "core/http/body.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <json-c/json.h>
#include <stdlib.h>

static const unsigned char correlation[16] = {0x0b, 0x5b, 0x4a, 0x3c, 0x11, 0x11, 0x42, 0x22,
                                              0xa3, 0x33, 0x44, 0x44, 0x55, 0x55, 0xff, 0x66};

#define UUID "0b5b4a3c-1111-4222-a333-44445555ff66"
#define URL  "https://api.mypurecloud.de/api/v2/customobjects/schemas/"

static void names_and_ids_are_one_path_segment_each(void **state)
{
    static const struct {
        struct span schema, id;
        const char *url;
    } cases[] = {
        {{"InventoryItem", 13}, {"WH-1042", 7}, URL "InventoryItem/records/WH-1042"},
        {{"a", 1}, {"AZaz09-._~", 10}, URL "a/records/AZaz09-._~"},
        {{"a", 1}, {"../b", 4}, URL "a/records/..%2Fb"},
        {{"a b", 3},
         {"?#&=+;,@:$!'()*", 15},
         URL "a%20b/records/%3F%23%26%3D%2B%3B%2C%40%3A%24%21%27%28%29%2A"},
        {{"a", 1}, {"%2f", 3}, URL "a/records/%252f"},
        {{"\xc3\xa9", 2}, {"\xe2\x82\xac\xff", 4}, URL "%C3%A9/records/%E2%82%AC%FF"},
        {{"a", 1}, {"a\0\n\x7f", 4}, URL "a/records/a%00%0A%7F"},
        {{"a", 1}, {"\\\"<>[]{}|^`", 11}, URL "a/records/%5C%22%3C%3E%5B%5D%7B%7D%7C%5E%60"},
        {{"", 0}, {NULL, 0}, URL "/records/"},
    };
    struct buf out = {0};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        buf_reset(&out);
        api_record_url(&out, "https://api.mypurecloud.de", cases[i].schema, cases[i].id);
        assert_string_equal(buf_text(&out), cases[i].url);
    }
    buf_release(&out);
}

static void an_update_is_written_as_the_guide_has_it(void **state)
{
    struct buf out = {0};
    struct json_object *read;

    (void)state;
    api_update_body(&out, 5, span_of("{\"price\": 45.50, \"n\":12345678901234567890.10}"),
                    span_of("[\"erp-sync\"]"), "row \"ferry\"", correlation);
    assert_string_equal(
        buf_text(&out),
        "{\"version\":5,\"fields\":{\"price\": 45.50, \"n\":12345678901234567890.10},"
        "\"metadata\":{\"tags\":[\"erp-sync\"],\"source\":\"row \\\"ferry\\\"\","
        "\"requestCorrelationId\":\"" UUID "\"}}");
    read = body_parse(buf_span(&out));
    assert_non_null(read);
    json_object_put(read);
    buf_reset(&out);
    api_update_body(&out, INT64_MAX, span_of("{}"), span_of("[]"), "", correlation);
    assert_string_equal(buf_text(&out),
                        "{\"version\":9223372036854775807,\"fields\":{},\"metadata\":"
                        "{\"tags\":[],\"source\":\"\",\"requestCorrelationId\":"
                        "\"" UUID "\"}}");
    buf_release(&out);
}

static void a_record_is_read_for_what_it_has(void **state)
{
    static const struct {
        const char *body;
        int64_t version; /* -1: none */
        bool is_ours;
        const char *fields; /* NULL: none */
    } cases[] = {
        {"{}", -1, false, NULL},
        {"{\"version\":6}", 6, false, NULL},
        {" {\"id\":\"x\",\"version\":0,\"fields\":{\"a\":1.50, "
         "\"b\":[{}]},\"metadata\":{\"tags\":[],"
         "\"requestCorrelationId\":\"" UUID "\"}}\n",
         0, true, "{\"a\":1.50, \"b\":[{}]}"},
        {"{\"metadata\":{\"tags\":[]}}", -1, false, NULL},
        {"{\"metadata\":null,\"fields\":null,\"version\":null}", -1, false, NULL},
        {"{\"requestCorrelationId\":\"" UUID "\"}", -1, false, NULL},
        {"{\"fields\":{\"version\":3,\"metadata\":{\"requestCorrelationId\":\"" UUID "\"}}}", -1,
         false, "{\"version\":3,\"metadata\":{\"requestCorrelationId\":\"" UUID "\"}}"},
        {"{\"metadata\":{\"version\":3,\"metadata\":{\"requestCorrelationId\":\"" UUID "\"}}}", -1,
         false, NULL},
        /* missing is not empty */
        {"{\"version\":6,\"fields\":{}}", 6, false, "{}"},
        {"{\"version\":6,\"fields\":\"{}\"}", 6, false, NULL},
        {"{\"version\":6,\"fields\":[]}", 6, false, NULL},
        {"{\"version\":6,\"fields\":0}", 6, false, NULL},
        {"{\"ver\\u0073ion\":7}", 7, false, NULL},
        {"{\"version\":6.0}", 6, false, NULL},
        {"{\"version\":60e-1}", 6, false, NULL},
        {"{\"version\":12e2}", 1200, false, NULL},
        {"{\"version\":6.5}", -1, false, NULL},
        {"{\"version\":-1}", -1, false, NULL},
        {"{\"version\":\"6\"}", -1, false, NULL},
        {"{\"version\":999999999999999999}", 999999999999999999, false, NULL},
        {"{\"version\":1e999999999999}", -1, false, NULL},
        {"{\"version\":123456789012345678901234}", -1, false, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct api_record record;

        memset(&record, 0x55, sizeof record);
        assert_true(api_read_record(span_of(cases[i].body), &record));
        assert_int_equal(record.has_version, cases[i].version >= 0);
        assert_int_equal(record.version, cases[i].version >= 0 ? cases[i].version : 0);
        assert_int_equal(api_owner(&record.id, correlation) == API_OURS, cases[i].is_ours);
        assert_int_equal(record.has_fields, cases[i].fields != NULL);
        assert_true(span_is(record.fields, cases[i].fields ? cases[i].fields : ""));
    }
}

/* Only a complete UUID that differs is another's. What is missing, empty or garbled is nobody's: a
 * server that drops or garbles ids does so with ours. Our digits count in any form. */
static void an_id_names_its_owner_only_where_it_is_complete(void **state)
{
    static const struct {
        const char *id; /* JSON */
        enum api_owner owner;
    } cases[] = {
        {"\"" UUID "\"", API_OURS},
        {"\"0B5B4A3C-1111-4222-A333-44445555FF66\"", API_OURS},
        {"\"0b5b4a3c-1111-4222-A333-44445555ff66\"", API_OURS},
        {"\"{" UUID "}\"", API_OURS},
        {"\"{0B5B4A3C-1111-4222-A333-44445555FF66}\"", API_OURS},
        {"\"urn:uuid:" UUID "\"", API_OURS},
        {"\"URN:UUID:" UUID "\"", API_OURS},
        {"\" " UUID "\"", API_OURS},
        {"\"" UUID "  \"", API_OURS},
        {"\"0b5b4a3c111142 22a33344445555ff66\"", API_OURS},
        {"\"0b5b4a3c11114222a33344445555ff66\"", API_OURS},
        {"\"\\u0030b5b4a3c-1111-4222-a333-44445555ff66\"", API_OURS},
        {"\"11111111-2222-4333-8444-555555555555\"", API_ANOTHERS},
        {"\"AAAAAAAA-2222-4333-8444-555555555555\"", API_ANOTHERS},
        {"\"0b5b4a3c-1111-4222-a333-44445555ff67\"", API_ANOTHERS},
        {"\"0b5b4a3c-1111-8222-a333-44445555ff66\"", API_ANOTHERS},
        /* what could be a garbled form of ours */
        {"null", API_OWNER_UNKNOWN},
        {"\"\"", API_OWNER_UNKNOWN},
        {"\" \"", API_OWNER_UNKNOWN},
        {"7", API_OWNER_UNKNOWN},
        {"true", API_OWNER_UNKNOWN},
        {"{}", API_OWNER_UNKNOWN},
        {"[\"" UUID "\"]", API_OWNER_UNKNOWN},
        {"\"nightly import\"", API_OWNER_UNKNOWN},
        {"\"" UUID "x\"", API_OWNER_UNKNOWN},
        {"\"x" UUID "\"", API_OWNER_UNKNOWN},
        {"\"" UUID "0\"", API_OWNER_UNKNOWN},
        {"\"0b5b4a3c-1111-4222-a333-44445555ff6\"", API_OWNER_UNKNOWN},
        {"\"0b5b4a3c-1111-4222-a333\"", API_OWNER_UNKNOWN},
        {"\"gb5b4a3c-1111-4222-a333-44445555ff66\"", API_OWNER_UNKNOWN},
        {"\"" UUID "\\u0000\"", API_OWNER_UNKNOWN},
        {"\"\\ufeff" UUID "\"", API_OWNER_UNKNOWN},
        {"\"xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx\"", API_OWNER_UNKNOWN},
        {"\"{11111111-2222-4333-8444-555555555555}\"", API_OWNER_UNKNOWN},
        {"\"urn:uuid:11111111-2222-4333-8444-555555555555\"", API_OWNER_UNKNOWN},
        {"\" 11111111-2222-4333-8444-555555555555\"", API_OWNER_UNKNOWN},
        {"\"11111111222243338444555555555555\"", API_OWNER_UNKNOWN},
        {"\"111111112222-4333-8444-5555555555555\"", API_OWNER_UNKNOWN},
        {"\"00000000-0000-0000-0000-000000000000\"", API_OWNER_UNKNOWN},
        {"\"ffffffff-ffff-ffff-ffff-ffffffffffff\"", API_OWNER_UNKNOWN},
    };
    struct buf body = {0};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct api_record record;

        buf_reset(&body);
        buf_printf(&body, "{\"metadata\":{\"requestCorrelationId\":%s}}", cases[i].id);
        assert_true(api_read_record(buf_span(&body), &record));
        if (api_owner(&record.id, correlation) != cases[i].owner)
            fail_msg("%s: %d", cases[i].id, api_owner(&record.id, correlation));
    }
    buf_release(&body);
}

static void what_is_no_record_is_told(void **state)
{
    static const char *const bodies[] = {
        "",
        " ",
        "[]",
        "null",
        "\"version\"",
        "<html>",
        "{\"version\":6",
        "{\"version\":6}}",
        "{\"version\":6,}",
        "{'version':6}",
        "{\"version\":06}",
        "{\"version\":NaN}",
        "{\"version\":6,\"version\":7}",
        "{\"a\":\"\xff\"}",
    };
    struct api_record record;
    struct buf deep = {0};
    char *large = calloc(1, (1 << 20) + 1);

    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        assert_false(api_read_record(span_of(bodies[i]), &record));
    assert_false(api_read_record((struct span){NULL, 0}, &record));
    buf_append_text(&deep, "{\"a\":");
    for (int i = 0; i < 10000; i++)
        buf_append_char(&deep, '[');
    assert_false(api_read_record(buf_span(&deep), &record));
    buf_release(&deep);
    memset(large, ' ', (1 << 20) + 1);
    memcpy(large, "{}", 2);
    assert_true(api_read_record((struct span){large, 1 << 20}, &record));
    assert_false(api_read_record((struct span){large, (1 << 20) + 1}, &record));
    free(large);
}

static void our_fields_are_looked_for_by_value(void **state)
{
    static const struct {
        const char *ours, *theirs;
        bool within;
    } cases[] = {
        {"{}", "{}", true},
        {"{}", "{\"a\":1}", true},
        {"{\"a\":1}", "{}", false},
        {"{\"a\":1,\"b\":2}", "{\"b\":2,\"x\":0,\"a\":1}", true},
        {"{\"b\":2,\"a\":1,\"c\":3}", "{\"a\":1,\"b\":2,\"c\":3}", true},
        {"{\"a\":1}", "{\"a\":2}", false},
        {"{\"a\":45.50}", "{\"a\":45.5}", true},
        {"{\"a\":1}", "{\"a\":1.0e0}", true},
        {"{\"a\":0}", "{\"a\":-0.000}", true},
        {"{\"a\":100}", "{\"a\":1E+2}", true},
        {"{\"a\":12345678901234567890.1}", "{\"a\":12345678901234567890.10}", true},
        {"{\"a\":12345678901234567890.1}", "{\"a\":12345678901234567890.2}", false},
        {"{\"a\":1}", "{\"a\":-1}", false},
        {"{\"a\":1}", "{\"a\":\"1\"}", false},
        {"{\"a\":null}", "{\"a\":null}", true},
        {"{\"a\":null}", "{}", false},
        {"{\"a\":true}", "{\"a\":false}", false},
        {"{\"a\":\"\\u00e9\\/\"}", "{\"\\u0061\":\"\xc3\xa9/\"}", true},
        {"{\"a\":\"x\"}", "{\"a\":\"X\"}", false},
        {"{\"a\":\"\"}", "{\"a\":\"\"}", true},
        {"{\"a\":[1,2,{\"x\":[]}]}", "{\"a\":[1.0,2,{\"x\":[]}]}", true},
        {"{\"a\":[1,2]}", "{\"a\":[2,1]}", false},
        {"{\"a\":[1,2]}", "{\"a\":[1,2,3]}", false},
        {"{\"a\":[]}", "{\"a\":{}}", false},
        {"{\"a\":{\"x\":1,\"y\":{\"z\":2}}}", "{\"a\":{\"y\":{\"z\":2},\"x\":1}}", true},
        {"{\"a\":{\"x\":1}}", "{\"a\":{\"x\":1,\"y\":2}}", false},
        {"{\"a\":{\"x\":1}}", "{\"a\":{\"y\":1}}", false},
        {"[]", "{}", false},
        {"{}", "[]", false},
        {"{", "{}", false},
        {"{}", "", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(api_fields_within(span_of(cases[i].ours), span_of(cases[i].theirs)),
                         cases[i].within);
}

static void hear_name(void *context, struct span name)
{
    struct buf *names = context;

    buf_append_text(names, names->size ? " " : "");
    buf_append_span(names, name);
}

static void fields_that_differ_are_named_ours_first(void **state)
{
    static const struct {
        const char *ours, *theirs, *names;
    } cases[] = {
        {"{\"a\":1}", "{\"a\":1.0}", ""},
        {"{\"a\":1,\"b\":2,\"c\":3}", "{\"c\":3,\"b\":1,\"x\":0}", "a b x"},
        {"{\"a\":{\"x\":1}}", "{\"a\":{\"x\":2}}", "a"},
        {"{\"\\u00e9\":1}", "{}", "\xc3\xa9"},
        {"{}", "{\"b\":null,\"a\":1}", "b a"},
        {"{\"a\":1}", "", ""},
    };
    struct buf names = {0};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        buf_reset(&names);
        api_fields_differing(span_of(cases[i].ours), span_of(cases[i].theirs), hear_name, &names);
        assert_string_equal(buf_text(&names), cases[i].names);
    }
    buf_release(&names);
}

static void an_error_body_gives_code_message_and_more(void **state)
{
    static const struct {
        const char *body;
        long status;
        const char *code, *message;
        int64_t version, retry_after_ms; /* -1: none */
    } cases[] = {
        {"{\"message\":\"Not found\",\"code\":\"not.found\",\"status\":404}", 404, "not.found",
         "Not found", -1, -1},
        {"{\"message\":\"Version conflict\",\"code\":\"conflict\",\"version\":9}", 409, "conflict",
         "Version conflict", 9, -1},
        {"{\"version\":-1}", 409, "", "HTTP 409 without a message", -1, -1},
        {"{\"version\":99999999999999999999}", 409, "", "HTTP 409 without a message", -1, -1},
        {"{\"version\":\"9\"}", 409, "", "HTTP 409 without a message", -1, -1},
        {"{\"message\":\"Rate limit exceeded. Retry the request in [27] seconds\"}", 429, "",
         "Rate limit exceeded. Retry the request in [27] seconds", -1, 27000},
        {"{\"message\":\"Retry the request in [99999999999999999999] seconds\"}", 429, "",
         "Retry the request in [99999999999999999999] seconds", -1, 86400000},
        {"{\"message\":\"Retry the request in [-5] seconds\"}", 429, "",
         "Retry the request in [-5] seconds", -1, -1},
        {"{\"message\":\"Retry the request in [N] seconds\"}", 429, "",
         "Retry the request in [N] seconds", -1, -1},
        {"{\"message\":\"Retry the request in [5\"}", 429, "", "Retry the request in [5", -1, -1},
        {"{\"error\":\"invalid_client\",\"error_description\":\"bad\"}", 401, "invalid_client",
         "bad", -1, -1},
        {"{\"description\":\"said so\",\"code\":1234}", 400, "1234", "said so", -1, -1},
        {"{\"message\":\"\",\"description\":\"said so\"}", 400, "", "said so", -1, -1},
        {"{\"message\":{\"text\":1},\"code\":null}", 400, "", "HTTP 400 without a message", -1, -1},
        {"{\"message\":\"a\\u001b[2J\\nb\\u0000c\",\"code\":\"\\u007f\"}", 400, "\\x7f",
         "a\\x1b[2J\\nb\\x00c", -1, -1},
        {"{}", 500, "", "HTTP 500 without a message", -1, -1},
        {"{\"note\":\"\xFF\"}", 200, "",
         "HTTP 200 with a body that is no record (\"{\"note\":\"\\xff\"}\")", -1, -1},
        {"", 502, "", "HTTP 502 without a body", -1, -1},
        {"<html>\r\n<body>Bad Gateway</body></html>", 502, "",
         "HTTP 502 with a body that is no JSON object "
         "(\"<html>\\r\\n<body>Bad Gateway</body></html>\")",
         -1, -1},
        {"[1]", 400, "", "HTTP 400 with a body that is no JSON object (\"[1]\")", -1, -1},
        {"{\"message\":\"cut", 500, "",
         "HTTP 500 with a body that is no JSON object (\"{\"message\":\"cut\")", -1, -1},
        {"<0123456789012345678901234567890123456789012345678901234567890123456789012345678>more",
         500, "",
         "HTTP 500 with a body that is no JSON object "
         "(\"<0123456789012345678901234567890123456789012345678901234567890123456789012345678\")",
         -1, -1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        static struct api_fault fault;

        memset(&fault, 0x55, sizeof fault);
        api_read_fault(span_of(cases[i].body), cases[i].status, &fault);
        assert_string_equal(fault.code, cases[i].code);
        assert_string_equal(fault.message, cases[i].message);
        assert_int_equal(fault.has_version, cases[i].version >= 0);
        assert_int_equal(fault.version, cases[i].version >= 0 ? cases[i].version : 0);
        assert_int_equal(fault.retry_after_ms, cases[i].retry_after_ms);
        assert_int_equal(fault.violation_count, 0);
    }
}

static void violations_come_in_every_form_the_api_has(void **state)
{
    static const struct {
        const char *body;
        size_t count;
        struct api_violation last;
    } cases[] = {
        {"{\"validationErrors\":[\"a\",\"sku is wrong\"]}", 2, {"", "", "sku is wrong"}},
        {"{\"validationErrors\":[{\"field\":\"sku\",\"code\":\"pattern\",\"message\":\"no\"}]}",
         1,
         {"sku", "pattern", "no"}},
        {"{\"validationErrors\":[],\"details\":[{\"errorCode\":\"bad\",\"fieldName\":\"price\"}],"
         "\"errors\":[{},{}]}",
         1,
         {"price", "bad", ""}},
        {"{\"validationErrors\":\"none\",\"errors\":[{\"code\":5,\"message\":\"nested\"}]}",
         1,
         {"", "5", "nested"}},
        {"{\"errors\":[{\"why\":[1]}]}", 1, {"", "", "{\"why\":[1]}"}},
        {"{\"errors\":[null]}", 1, {"", "", "null"}},
        {"{\"errors\":[17]}", 1, {"", "", "17"}},
        {"{\"errors\":[\"\\u001b\\n\"]}", 1, {"", "", "\\x1b\\n"}},
        {"{\"errors\":{\"a\":1}}", 0, {"", "", ""}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        static struct api_fault fault;
        const struct api_violation *last;

        api_read_fault(span_of(cases[i].body), 422, &fault);
        assert_int_equal(fault.violation_count, cases[i].count);
        if (!cases[i].count)
            continue;
        last = &fault.violations[fault.violation_count - 1];
        assert_string_equal(last->field, cases[i].last.field);
        assert_string_equal(last->code, cases[i].last.code);
        assert_string_equal(last->message, cases[i].last.message);
    }
}

static void what_is_too_much_is_cut_between_characters(void **state)
{
    static struct api_fault fault;
    struct buf body = {0};

    (void)state;
    buf_append_text(&body, "{\"message\":\"x");
    for (int i = 0; i < 400; i++)
        buf_append_text(&body, "\xc3\xa9");
    buf_append_text(&body, "\",\"errors\":[\"0\"");
    for (int i = 1; i < 1000; i++)
        buf_printf(&body, ",\"%d\"", i);
    buf_append_text(&body, "]}");
    api_read_fault(buf_span(&body), 422, &fault);
    assert_int_equal(strlen(fault.message), 511);
    assert_int_equal(str_utf8_valid(span_of(fault.message)), 511);
    assert_int_equal(fault.violation_count, API_VIOLATIONS_MAX);
    assert_string_equal(fault.violations[99].message, "99");
    buf_release(&body);
}

static void nesting_beyond_all_bounds_is_no_json(void **state)
{
    static struct api_fault fault;
    struct buf body = {0};

    (void)state;
    buf_append_text(&body, "{\"message\":");
    for (int i = 0; i < 10000; i++)
        buf_append_char(&body, '[');
    for (int i = 0; i < 10000; i++)
        buf_append_char(&body, ']');
    buf_append_char(&body, '}');
    api_read_fault(buf_span(&body), 500, &fault);
    assert_true(
        str_starts(fault.message, "HTTP 500 with a body that is no JSON object (\"{\"mess"));
    buf_release(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_ids_are_one_path_segment_each),
        cmocka_unit_test(an_update_is_written_as_the_guide_has_it),
        cmocka_unit_test(a_record_is_read_for_what_it_has),
        cmocka_unit_test(an_id_names_its_owner_only_where_it_is_complete),
        cmocka_unit_test(what_is_no_record_is_told),
        cmocka_unit_test(our_fields_are_looked_for_by_value),
        cmocka_unit_test(fields_that_differ_are_named_ours_first),
        cmocka_unit_test(an_error_body_gives_code_message_and_more),
        cmocka_unit_test(violations_come_in_every_form_the_api_has),
        cmocka_unit_test(what_is_too_much_is_cut_between_characters),
        cmocka_unit_test(nesting_beyond_all_bounds_is_no_json),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
