/* Error bodies: of the API, of its login, and of whatever else answers. */
#include "core/api/fault.h"

#include "core/base/buf.h"

#include "tests/unit/target_scene.h"

#include <string.h>

/* A body, what it was sent with, and what it gives. */
static const struct {
    const char *body;
    long status;
    const char *code, *message;
    int64_t version, retry_after_ms; /* -1: none */
} bodies[] = {
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
    {"{\"error\":\"invalid_client\",\"error_description\":\"bad\"}", 401, "invalid_client", "bad",
     -1, -1},
    {"{\"description\":\"said so\",\"code\":1234}", 400, "1234", "said so", -1, -1},
    {"{\"message\":\"\",\"description\":\"said so\"}", 400, "", "said so", -1, -1},
    {"{\"message\":{\"text\":1},\"code\":null}", 400, "", "HTTP 400 without a message", -1, -1},
    {"{\"message\":\"a\\u001b[2J\\nb\\u0000c\",\"code\":\"\\u007f\"}", 400, "\\x7f",
     "a\\x1b[2J\\nb\\x00c", -1, -1},
    {"{}", 500, "", "HTTP 500 without a message", -1, -1},
    {"{\"message\":\"no\"} \r\n\t", 400, "", "no", -1, -1},
    {"{\"message\":\"no\"} x", 400, "",
     "HTTP 400 with a body that is not a JSON object (\"{\"message\":\"no\"} x\")", -1, -1},
    {"{\"note\":\"\xFF\"}", 200, "",
     "HTTP 200 with a body that is not a record (\"{\"note\":\"\\xff\"}\")", -1, -1},
    {"{}", 300, "", "HTTP 300 without a message", -1, -1},
    {"{}", 199, "", "HTTP 199 without a message", -1, -1},
    {"", 502, "", "HTTP 502 without a body", -1, -1},
    {"<html>\r\n<body>Bad Gateway</body></html>", 502, "",
     "HTTP 502 with a body that is not a JSON object "
     "(\"<html>\\r\\n<body>Bad Gateway</body></html>\")",
     -1, -1},
    {"\"no \\u00e4\"", 400, "", "HTTP 400 with the text \"no \\u00e4\"", -1, -1},
    {"\"\"", 400, "", "HTTP 400 with a body that is not a JSON object (\"\"\"\")", -1, -1},
    {"[1]", 400, "", "HTTP 400 with a body that is not a JSON object (\"[1]\")", -1, -1},
    {"{\"message\":\"cut", 500, "",
     "HTTP 500 with a body that is not a JSON object (\"{\"message\":\"cut\")", -1, -1},
    {"<0123456789012345678901234567890123456789012345678901234567890123456789012345678>more", 500,
     "",
     "HTTP 500 with a body that is not a JSON object "
     "(\"<0123456789012345678901234567890123456789012345678901234567890123456789012345678\")",
     -1, -1},
};

static void an_error_body_gives_code_message_and_more(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        static struct api_fault fault;

        memset(&fault, 0x55, sizeof fault);
        api_read_fault(target_guide(), span_of(bodies[i].body), bodies[i].status, &fault);
        assert_string_equal(fault.code, bodies[i].code);
        assert_string_equal(fault.message, bodies[i].message);
        assert_int_equal(fault.has_version, bodies[i].version >= 0);
        assert_int_equal(fault.version, bodies[i].version >= 0 ? bodies[i].version : 0);
        assert_int_equal(fault.retry_after_ms, bodies[i].retry_after_ms);
        assert_int_equal(fault.violation_count, 0);
    }
}

/* Members that the target has elsewhere, and what is known where they are not there. */
static void an_error_is_read_where_the_target_has_it(void **state)
{
    static const char description[] =
        "{\"preset\":\"rest-plain\",\"write\":{\"path\":\"/{id}\"},\"error\":{\"code\":\"/e/code\","
        "\"message\":\"/e/text\",\"list\":\"/e/list\"}}";
    static const struct {
        const char *body, *code, *message;
        size_t violations;
    } cases[] = {
        {"{\"e\":{\"code\":\"x\",\"text\":\"no\",\"list\":[\"a\",\"b\"]},\"code\":\"y\"}", "x",
         "no", 2},
        {"{\"e\":{\"code\":7,\"text\":[],\"list\":7},\"message\":\"so\",\"errors\":[1]}", "7", "so",
         1},
        {"{\"e\":null,\"code\":\"y\"}", "y", "HTTP 400 without a message", 0},
        {"{\"e\":7,\"code\":\"y\"}", "y", "HTTP 400 without a message", 0},
        {"{}", "", "HTTP 400 without a message", 0},
    };
    struct target *target = target_of(description, NULL, 0);

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        static struct api_fault fault;

        api_read_fault(target, span_of(cases[i].body), 400, &fault);
        assert_string_equal(fault.code, cases[i].code);
        assert_string_equal(fault.message, cases[i].message);
        assert_int_equal(fault.violation_count, cases[i].violations);
    }
    target_close(target);
}

/* Where the code decides what an answer means, one that cannot be read has a code of its own. */
static void a_code_that_cannot_be_read_is_named_where_the_target_asks_for_it(void **state)
{
    static const char description[] = "{\"preset\":\"rest-plain\",\"write\":{\"path\":\"/{id}\"},"
                                      "\"answers\":{\"409 taken\":\"retry\",\"410\":\"retry\"}}";
    static const struct {
        long status;
        const char *body, *code;
    } cases[] = {
        {409, "<html>", TARGET_UNREADABLE},     {409, "", ""},       {409, "{}", ""},
        {409, "{\"code\":\"taken\"}", "taken"}, {410, "<html>", ""}, {400, "<html>", ""},
    };
    struct target *target = target_of(description, NULL, 0);

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        static struct api_fault fault;

        api_read_fault(target, span_of(cases[i].body), cases[i].status, &fault);
        assert_string_equal(fault.code, cases[i].code);
    }
    target_close(target);
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

        api_read_fault(target_guide(), span_of(cases[i].body), 422, &fault);
        assert_int_equal(fault.violation_count, cases[i].count);
        if (!cases[i].count)
            continue;
        last = &fault.violations[fault.violation_count - 1];
        assert_string_equal(last->field, cases[i].last.field);
        assert_string_equal(last->code, cases[i].last.code);
        assert_string_equal(last->message, cases[i].last.message);
    }
}

static void texts_and_lists_that_are_too_long_are_cut(void **state)
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
    api_read_fault(target_guide(), buf_span(&body), 422, &fault);
    assert_int_equal(strlen(fault.message), 511);
    assert_int_equal(str_utf8_valid(span_of(fault.message)), 511);
    assert_int_equal(fault.violation_count, API_VIOLATIONS_MAX);
    assert_string_equal(fault.violations[99].message, "99");
    buf_release(&body);
}

static void a_body_nested_too_deep_is_not_json(void **state)
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
    api_read_fault(target_guide(), buf_span(&body), 500, &fault);
    assert_true(
        str_starts(fault.message, "HTTP 500 with a body that is not a JSON object (\"{\"mess"));
    buf_release(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_body_gives_code_message_and_more),
        cmocka_unit_test(an_error_is_read_where_the_target_has_it),
        cmocka_unit_test(a_code_that_cannot_be_read_is_named_where_the_target_asks_for_it),
        cmocka_unit_test(violations_come_in_every_form_the_api_has),
        cmocka_unit_test(texts_and_lists_that_are_too_long_are_cut),
        cmocka_unit_test(a_body_nested_too_deep_is_not_json),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
