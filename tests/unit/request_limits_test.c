/* Limits of a target: rows whose request would be too large, at the byte; and the estimate that
 * saves most rows the building of it, which must never be too low. */
#include "core/validate/request_limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { LONG = 700 };

/* Control characters, which are 6 bytes each as JSON; the id of a record; many fields. */
static char long_value[LONG], many_fields[16 * LONG];

static const char *environment(const char *name)
{
    return strcmp(name, "SITE") == 0 ? long_value : NULL;
}

static int prepare(void **state)
{
    size_t size = 0;

    (void)state;
    memset(long_value, 1, sizeof long_value - 1);
    for (unsigned i = 0; i < LONG; i++)
        size += (size_t)snprintf(many_fields + size, sizeof many_fields - size, "%c\"%u\":1%s",
                                 i ? ',' : '{', i, i == LONG - 1 ? "}" : "");
    return 0;
}

/* Opens a description, which is without its last brace, with limits. */
static struct target *open_target(const char *description, const char *limits)
{
    static const char *const names[] = {"a", "b", "firstName", "workPhone", "city"};
    struct span properties[COUNT(names)];
    struct description_fault fault;
    struct json_tape tape = {0};
    struct json_fault wrong;
    struct buf text = {0};
    struct target *target;

    for (size_t i = 0; i < COUNT(names); i++)
        properties[i] = span_of(names[i]);
    target_set_environment(environment);
    buf_printf(&text, "%s,\"limits\":%s}", description, limits);
    assert_true(json_scan(&tape, buf_span(&text), 0, &wrong));
    target = target_open(buf_text(&text), &tape, 0, properties, COUNT(properties), &fault);
    if (!target)
        fail_msg("%s: %s: %s", buf_text(&text), fault.pointer, fault.text);
    json_tape_release(&tape);
    buf_release(&text);
    return target;
}

/* Returns the number of violations of a row with such limits, and the message of the last one. */
static size_t check(const char *description, const char *limits, struct row *row,
                    struct buf *message)
{
    const struct row_shape shape = {.schema_name = "Item \"x\""};
    struct target *target = open_target(description, limits);
    struct request_limits *checking = request_limits_open(&shape, target);
    struct violations violations = {0};
    size_t count;

    assert_non_null(checking);
    request_limits_check(checking, row, &violations);
    count = violations.count;
    buf_reset(message);
    for (size_t i = 0; i < count; i++) {
        assert_true(span_is(violation_rule(&violations, i), "limits"));
        assert_int_equal(violation_field(&violations, i).size, 0);
        buf_reset(message);
        buf_append_span(message, violation_message(&violations, i));
    }
    buf_text(message);
    violations_release(&violations);
    request_limits_close(checking);
    target_close(target);
    return count;
}

/* The bytes of the body that a run would send. */
static size_t sent(const char *description, const struct row *row, const char *token)
{
    static const unsigned char correlation[16] = {7};
    struct target *target = open_target(description, "null");
    const struct description *d = target_description(target);
    const struct target_row it = {.schema = span_of("Item \"x\""),
                                  .record_id = row->record_id,
                                  .fields = row->fields,
                                  .tags = row->tags.size ? row->tags : span_of("[]"),
                                  .source = span_of(""),
                                  .token = span_of(token),
                                  .correlation = correlation};
    struct target_scratch scratch = {0};
    struct buf path = {0}, body = {0};
    enum target_method method;
    size_t bytes = d->bulk.max ? strlen(d->bulk.head) + strlen(d->bulk.tail) : 0;

    assert_true(target_request(target, d->bulk.max ? TARGET_SEVERAL : TARGET_WRITE_IT, &it,
                               &scratch, &method, &path, &body));
    bytes += body.size;
    buf_release(&path);
    buf_release(&body);
    target_scratch_release(&scratch);
    target_close(target);
    return bytes;
}

#define DIGITS                                                                                     \
    "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567"     \
    "8901234567890123456789012345678901234567890123456789012345678901234567890123456789012345"     \
    "6789012345678901234567890123456789012345678901234567890123456789012345678901234567890123"
#define LETTERS DIGITS DIGITS DIGITS DIGITS DIGITS DIGITS DIGITS DIGITS DIGITS DIGITS
#define SMALL   "{\"a\":1}"
#define ODD                                                                                        \
    "{\"a\":\"\\u00e4\\n\\\"\",\"b\":[1,{\"c\":null}],\"firstName\":\"\\u0001\",\"x\":true,\"y\":" \
    "2}"

static void a_request_is_refused_from_its_limit_on_and_not_before(void **state)
{
    static const char *const descriptions[] = {
        "{\"preset\":\"guide\"",
        "{\"preset\":\"genesys-external-contacts\",\"params\":{\"source\":{\"env\":\"SITE\"}}",
        "{\"preset\":\"genesys-scim-users\"",
        "{\"preset\":\"genesys-outbound-contacts\",\"params\":{\"list\":{\"env\":\"SITE\"}}",
        "{\"preset\":\"genesys-workitems\"",
        "{\"preset\":\"rest-plain\",\"write\":{\"path\":\"/p/{id}\",\"body\":{\"k\":\"{id} {id} "
        "{schema} {tags} {s}\"}},\"params\":{\"s\":{\"env\":\"SITE\"}},\"mark\":\"/deep/er/mark\"",
        "{\"preset\":\"guide\",\"write\":{\"body\":{\"k\":\"" LETTERS "\"}}",
        "{\"preset\":\"rest-plain\",\"write\":{\"path\":\"/p/"
        "{id}\"},\"fields\":{\"text\":true,\"each\":"
        "{\"list\":\"/l\",\"item\":{\"n\":\"{name}{name}\",\"p\":\"{path}\",\"v\":\"{value}\","
        "\"i\":\"{id}\"}}}",
    };
    const char *const fields[] = {"{}", SMALL, ODD, "{\"" LETTERS "\":1}", many_fields};
    const char *const ids[] = {"1", long_value};
    static const char *const tags[] = {"", "[\"" LETTERS "\\\"\"]"};
    struct buf message = {0};
    char limits[64];

    (void)state;
    for (size_t i = 0; i < COUNT(descriptions) * 20; i++) {
        const char *description = descriptions[i / 20];
        struct row row = {.record_id = span_of(ids[i % 2]),
                          .tags = span_of(tags[i / 2 % 2]),
                          .fields = span_of(fields[i / 4 % 5])};
        struct json_fault wrong;
        size_t bytes;

        assert_true(json_scan(&row.tape, row.fields, 0, &wrong));
        bytes = sent(description, &row, "");
        snprintf(limits, sizeof limits, "{\"bytes\":%zu}", bytes);
        if (check(description, limits, &row, &message))
            fail_msg("%s %s %s: %s", description, limits, row.fields.data, buf_text(&message));
        snprintf(limits, sizeof limits, "{\"bytes\":%zu}", bytes - 1);
        if (check(description, limits, &row, &message) != 1)
            fail_msg("%s %s %s: not refused", description, limits, row.fields.data);
        json_tape_release(&row.tape);
    }
    buf_release(&message);
}

static void a_long_field_is_named_with_what_to_do(void **state)
{
    struct row row = {.record_id = span_of("7"), .has_version = true, .version = 12345};
    struct buf message = {0}, fields = {0};
    struct json_fault wrong;
    char expected[256];
    size_t bytes;

    (void)state;
    buf_append_text(&fields, "{\"a\":\"short\",\"b\":\"");
    for (unsigned i = 0; i < 512000; i++)
        buf_append_char(&fields, 'x');
    buf_append_text(&fields, "\",\"city\":\"Ulm\"}");
    row.fields = buf_span(&fields);
    assert_true(json_scan(&row.tape, row.fields, 0, &wrong));
    /* the version that the row brings counts */
    bytes = sent("{\"preset\":\"guide\"", &row, "12345");
    assert_int_equal(check("{\"preset\":\"guide\"", "{}", &row, &message), 1);
    snprintf(expected, sizeof expected,
             "would be sent with %zu bytes, and the target takes 512000 in a request (`bytes` of "
             "its `limits`): shorten its fields, of which \"b\" is the longest",
             bytes);
    assert_string_equal(buf_text(&message), expected);
    assert_int_equal(check("{\"preset\":\"guide\"", "{\"bytes\":600000}", &row, &message), 0);
    assert_int_equal(
        check("{\"preset\":\"guide\"", "{\"bytes\":null,\"fields\":3}", &row, &message), 0);
    assert_int_equal(check("{\"preset\":\"guide\"", "{\"fields\":2}", &row, &message), 2);
    assert_int_equal(
        check("{\"preset\":\"guide\"", "{\"bytes\":null,\"fields\":2}", &row, &message), 1);
    assert_string_equal(buf_text(&message),
                        "has 3 fields, and the target takes 2 (`fields` of its `limits`): leave "
                        "columns out, or leave their cells empty");
    json_tape_release(&row.tape);
    buf_release(&message);
    buf_release(&fields);
}

static void without_such_a_limit_nothing_is_checked(void **state)
{
    static const char *const limits[] = {"null", "{\"bytes\":null,\"rows\":5}",
                                         "{\"bytes\":null,\"fields\":null}"};
    const struct row_shape shape = {.schema_name = "Item"};

    (void)state;
    for (size_t i = 0; i < COUNT(limits); i++) {
        struct target *target = open_target("{\"preset\":\"guide\"", limits[i]);

        assert_null(request_limits_open(&shape, target));
        target_close(target);
    }
    request_limits_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_refused_from_its_limit_on_and_not_before),
        cmocka_unit_test(a_long_field_is_named_with_what_to_do),
        cmocka_unit_test(without_such_a_limit_nothing_is_checked),
    };

    return cmocka_run_group_tests(tests, prepare, NULL);
}
