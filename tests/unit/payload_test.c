/* What is read of a notification, which ones count as the same, and what the ERP is sent. */
#include "core/notify/payload.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

static const char whole[] =
    "{\"action\":\"update\",\"schemaName\":\"InventoryItem\",\"record\":{\"id\":\"WH-1042\","
    "\"modifiedTime\":\"2026-11-23T02:00:00.250Z\",\"modifiedBy\":{\"id\":\"u-1\"},"
    "\"fields\":{\"quantity\":150,\"price\":45.50}}}";

/* Which two bodies count as the same. */
static bool are_same(const char *a, const char *id_a, const char *b, const char *id_b)
{
    struct payload_reader reader = {0};
    struct payload first, second;
    char problem[PAYLOAD_PROBLEM_SIZE];

    assert_true(payload_read(&reader, span_of(a), id_a, &first, problem));
    assert_true(payload_read(&reader, span_of(b), id_b, &second, problem));
    payload_reader_release(&reader);
    return memcmp(first.notification.key, second.notification.key, NOTIFICATION_KEY_SIZE) == 0;
}

static void assert_erp(const char *body, const char *expected)
{
    struct payload_reader reader = {0};
    char problem[PAYLOAD_PROBLEM_SIZE];
    struct payload payload;
    struct buf out = {0};

    assert_true(payload_read(&reader, span_of(body), NULL, &payload, problem));
    payload_for_erp(&payload, &out);
    assert_string_equal(buf_text(&out), expected);
    buf_release(&out);
    payload_reader_release(&reader);
}

static void a_whole_notification_is_read(void **state)
{
    struct payload_reader reader = {0};
    char problem[PAYLOAD_PROBLEM_SIZE];
    struct payload payload;

    (void)state;
    assert_true(payload_read(&reader, span_of(whole), NULL, &payload, problem));
    assert_true(span_is(payload.notification.action, "update"));
    assert_true(span_is(payload.notification.schema, "InventoryItem"));
    assert_true(span_is(payload.notification.record_id, "WH-1042"));
    assert_true(span_is(payload.author, "u-1"));
    assert_true(span_is(payload.fields, "{\"quantity\":150,\"price\":45.50}"));
    assert_int_equal(payload.notification.modified_ms, 1795399200250);
    assert_null(payload.notification.refusal);
    payload_reader_release(&reader);
}

static void what_is_no_notification_is_a_problem(void **state)
{
    static const struct {
        const char *body, *problem;
    } cases[] = {
        {"", "not JSON"},
        {"{", "not JSON"},
        {"{\"action\":\"update\",\"record\":{\"id\":\"a\"}} x", "not JSON"},
        {"{\"action\":\"\xff\",\"record\":{\"id\":\"a\"}}", "not JSON"},
        {"{\"action\":\"update\",\"action\":\"delete\",\"record\":{\"id\":\"a\"}}", "not JSON"},
        {"[]", "not a notification"},
        {"\"update\"", "not a notification"},
        {"{}", "not a notification"},
        {"{\"action\":1,\"record\":{\"id\":\"a\"}}", "not a notification"},
        {"{\"action\":\"update\",\"record\":{\"id\":5}}", "not a notification"},
        {"{\"action\":\"update\",\"record\":[\"id\",\"a\"]}", "not a notification"},
        {"{\"action\":\"update\",\"record\":{}}", "not a notification"},
        {"{\"action\":\"update\",\"id\":\"a\"}", "not a notification"},
    };
    struct payload_reader reader = {0};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char problem[PAYLOAD_PROBLEM_SIZE] = "";
        struct payload payload;

        assert_false(payload_read(&reader, span_of(cases[i].body), NULL, &payload, problem));
        assert_non_null(strstr(problem, cases[i].problem));
    }
    payload_reader_release(&reader);
}

static void what_is_not_passed_on_has_a_reason(void **state)
{
    static const struct {
        const char *body, *reason;
    } cases[] = {
        {"{\"action\":\"create\",\"record\":{\"id\":\"a\"}}", "action"},
        {"{\"action\":\"Update\",\"record\":{\"id\":\"a\"}}", "action"},
        {"{\"action\":\"update\",\"record\":{\"id\":\"\"}}", "record.id"},
        {"{\"action\":\"update\",\"record\":{\"id\":\"..\"}}", "record.id"},
        {"{\"action\":\"update\",\"record\":{\"id\":\"a\\u0000\"}}", "record.id"},
        {"{\"action\":\"update\",\"record\":{\"id\":\"a\",\"fields\":[]}}", "record.fields"},
        {"{\"action\":\"update\",\"record\":{\"id\":\"a\",\"fields\":null}}", NULL},
        {"{\"action\":\"\\u0075pdate\",\"record\":{\"id\":\"a\"}}", NULL},
    };
    struct payload_reader reader = {0};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char problem[PAYLOAD_PROBLEM_SIZE];
        struct payload payload;

        assert_true(payload_read(&reader, span_of(cases[i].body), NULL, &payload, problem));
        if (cases[i].reason)
            assert_non_null(strstr(payload.notification.refusal, cases[i].reason));
        else
            assert_null(payload.notification.refusal);
    }
    payload_reader_release(&reader);
}

#define RECORD(id, time, fields)                                                                   \
    "{\"action\":\"update\",\"schemaName\":\"S\",\"record\":{\"id\":\"" id                         \
    "\",\"modifiedTime\":\"" time "\",\"fields\":" fields "}}"

/* In the index by key, a group of notifications changes few pages. */
static void keys_rise_with_the_modified_time(void **state)
{
    static const char *const times[] = {"-", "1970-01-01T00:00:00.255Z", "1970-01-01T00:00:00.256Z",
                                        "2026-11-23T02:00:00.250Z", "2026-11-23T02:00:00.251Z"};
    unsigned char last[NOTIFICATION_KEY_SIZE] = {0};
    struct payload_reader reader = {0};

    (void)state;
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        for (unsigned n = 0; n < 4; n++) {
            char problem[PAYLOAD_PROBLEM_SIZE], body[128];
            struct payload payload;

            snprintf(body, sizeof body, RECORD("a", "%s", "{\"n\":%u}"), times[i], n);
            assert_true(payload_read(&reader, span_of(body), NULL, &payload, problem));
            assert_true(n > 0 || memcmp(last, payload.notification.key, 6) <= 0);
            assert_memory_not_equal(last, payload.notification.key, sizeof last);
            memcpy(last, payload.notification.key, sizeof last);
        }
    payload_reader_release(&reader);
}

static void the_same_record_time_and_fields_are_the_same(void **state)
{
    static const struct {
        const char *other;
        bool same;
    } cases[] = {
        {RECORD("a", "2026-11-23T02:00:00Z", "{\"n\":1,\"o\":{\"x\":[1,2],\"y\":null}}"), true},
        /* by value: whatever the order, the digits, the zone and the escapes */
        {RECORD("a", "2026-11-23T03:00:00.000+01:00",
                "{ \"o\":{\"y\":null,\"x\":[1.0,20e-1]},\"\\u006e\":1.00}"),
         true},
        {"{\"record\":{\"fields\":{\"n\":1,\"o\":{\"x\":[1,2],\"y\":null}},\"id\":\"\\u0061\","
         "\"modifiedTime\":\"2026-11-23T02:00:00Z\",\"modifiedBy\":{\"id\":\"z\"}},"
         "\"schemaName\":\"S\",\"action\":\"update\"}",
         true},
        {RECORD("b", "2026-11-23T02:00:00Z", "{\"n\":1,\"o\":{\"x\":[1,2],\"y\":null}}"), false},
        {RECORD("a", "2026-11-23T02:00:00.000001Z", "{\"n\":1,\"o\":{\"x\":[1,2],\"y\":null}}"),
         false},
        {RECORD("a", "2026-11-23T02:00:00Z", "{\"n\":1,\"o\":{\"x\":[2,1],\"y\":null}}"), false},
        {RECORD("a", "2026-11-23T02:00:00Z", "{\"n\":\"1\",\"o\":{\"x\":[1,2],\"y\":null}}"),
         false},
        {RECORD("a", "2026-11-23T02:00:00Z", "{\"n\":-1,\"o\":{\"x\":[1,2],\"y\":null}}"), false},
        {RECORD("a", "2026-11-23T02:00:00Z", "{\"n\":10,\"o\":{\"x\":[1,2],\"y\":null}}"), false},
        {RECORD("a", "2026-11-23T02:00:00Z", "{\"n\":1,\"o\":{\"x\":[1,2]}}"), false},
        {RECORD("a", "2026-11-23T02:00:00Z", "{\"n\":1,\"o\":{\"x\":[1,2],\"y\":false}}"), false},
        {RECORD("a", "2026-11-23T02:00:00Z", "null"), false},
        {RECORD("a", "yesterday", "{\"n\":1,\"o\":{\"x\":[1,2],\"y\":null}}"), false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(are_same(cases[0].other, NULL, cases[i].other, NULL), cases[i].same);
    assert_true(
        are_same(RECORD("a", "", "{\"n\":0}"), NULL, RECORD("a", "", "{\"n\":-0.0}"), NULL));
}

#define TIMED(time) "{\"action\":\"update\",\"record\":{\"id\":\"a\"" time "}}"

static void a_time_that_is_no_string_counts_by_value(void **state)
{
    static const struct {
        const char *other;
        bool same;
    } cases[] = {
        {TIMED(",\"modifiedTime\":5"), true},
        {TIMED(",\"modifiedTime\":5.0"), true},
        {TIMED(",\"modifiedTime\":6"), false},
        {TIMED(",\"modifiedTime\":\"5\""), false},
        {TIMED(",\"modifiedTime\":{\"s\":5}"), false},
        {TIMED(",\"modifiedTime\":null"), false},
        {TIMED(""), false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(are_same(cases[0].other, NULL, cases[i].other, NULL), cases[i].same);
    assert_true(are_same(TIMED(""), NULL, TIMED(",\"modifiedTime\":null"), NULL));
}

static void a_webhook_id_alone_decides(void **state)
{
    const char *a = RECORD("a", "2026-11-23T02:00:00Z", "{}");
    const char *b = RECORD("b", "2026-11-23T02:00:00Z", "{}");

    (void)state;
    assert_true(are_same(a, "1", b, "1"));
    assert_false(are_same(a, "1", a, "2"));
    assert_false(are_same(a, "1", a, NULL));
}

static void the_erp_gets_the_form_of_the_guide(void **state)
{
    (void)state;
    assert_erp(whole, "{\"source\":\"genesys-cloud\",\"schemaName\":\"InventoryItem\","
                      "\"recordId\":\"WH-1042\",\"timestamp\":\"2026-11-23T02:00:00.250Z\","
                      "\"modifiedBy\":\"u-1\",\"fields\":{\"quantity\":150,\"price\":45.50}}");
    /* as it came: escapes and digits; line breaks between tokens go */
    assert_erp("{\"action\":\"update\",\"record\":{\"id\":\"a\\\"\\u00e4\",\"modifiedTime\":1.50,"
               "\"modifiedBy\":{\"id\":7},\"fields\":{\n\"n\":1e400}}}",
               "{\"source\":\"genesys-cloud\",\"schemaName\":null,\"recordId\":\"a\\\"\\u00e4\","
               "\"timestamp\":1.50,\"modifiedBy\":\"7\",\"fields\":{ \"n\":1e400}}");
    assert_erp("{\"action\":\"update\",\"schemaName\":null,\"record\":{\"id\":\"a\","
               "\"modifiedBy\":\"x\"}}",
               "{\"source\":\"genesys-cloud\",\"schemaName\":null,\"recordId\":\"a\","
               "\"timestamp\":null,\"modifiedBy\":null,\"fields\":{}}");
    /* a time and an id that are not scalars */
    assert_erp("{\"action\":\"update\",\"record\":{\"id\":\"a\",\"modifiedTime\":[1],"
               "\"modifiedBy\":{\"id\":[7]}}}",
               "{\"source\":\"genesys-cloud\",\"schemaName\":null,\"recordId\":\"a\","
               "\"timestamp\":null,\"modifiedBy\":null,\"fields\":{}}");
}

static void members_of_large_objects_are_sorted(void **state)
{
    struct buf up = {0}, down = {0};

    (void)state;
    buf_append_text(&up, "{\"action\":\"update\",\"record\":{\"id\":\"a\",\"fields\":{");
    buf_append_span(&down, buf_span(&up));
    for (int i = 0; i < 5000; i++) {
        buf_printf(&up, "%s\"f%d\":%d", i ? "," : "", i, i);
        buf_printf(&down, "%s\"f%d\":%d", i ? "," : "", 4999 - i, 4999 - i);
    }
    buf_append_text(&up, "}}}");
    buf_append_text(&down, "}}}");
    assert_true(are_same(buf_text(&up), NULL, buf_text(&down), NULL));
    buf_release(&up);
    buf_release(&down);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_notification_is_read),
        cmocka_unit_test(what_is_no_notification_is_a_problem),
        cmocka_unit_test(what_is_not_passed_on_has_a_reason),
        cmocka_unit_test(keys_rise_with_the_modified_time),
        cmocka_unit_test(the_same_record_time_and_fields_are_the_same),
        cmocka_unit_test(a_time_that_is_no_string_counts_by_value),
        cmocka_unit_test(a_webhook_id_alone_decides),
        cmocka_unit_test(the_erp_gets_the_form_of_the_guide),
        cmocka_unit_test(members_of_large_objects_are_sorted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
