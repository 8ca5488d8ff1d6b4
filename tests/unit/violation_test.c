#include "core/row/violation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>

static void assert_span(struct span span, const char *text)
{
    char *copy = strndup(span.data ? span.data : "", span.size);

    assert_string_equal(copy, text);
    free(copy);
}

static void a_violation_gives_back_its_three_parts(void **state)
{
    struct violations list = {0};

    (void)state;
    violations_add(&list, span_of("price"), "minimum", "must be at least %d", 3);
    violations_add(&list, span_of(""), "row", "ragged");
    assert_int_equal(list.count, 2);
    assert_span(violation_field(&list, 0), "price");
    assert_span(violation_rule(&list, 0), "minimum");
    assert_span(violation_message(&list, 0), "must be at least 3");
    assert_span(violation_field(&list, 1), "");
    assert_span(violation_rule(&list, 1), "row");
    assert_span(violation_message(&list, 1), "ragged");
    violations_release(&list);
}

static void a_list_that_was_reset_is_empty_and_keeps_its_memory(void **state)
{
    struct violations list = {0};
    struct violation *items;

    (void)state;
    violations_add(&list, span_of("a"), "type", "x");
    items = list.items;
    violations_reset(&list);
    assert_int_equal(list.count, 0);
    violations_add(&list, span_of("b"), "type", "y");
    assert_ptr_equal(list.items, items);
    assert_span(violation_field(&list, 0), "b");
    violations_release(&list);
}

static void a_long_message_is_cut_at_a_code_point(void **state)
{
    struct violations list = {0};
    char text[VIOLATION_MESSAGE_MAX + 100];

    (void)state;
    memset(text, 'a', sizeof text);
    text[sizeof text - 1] = '\0';
    memcpy(text + VIOLATION_MESSAGE_MAX - 1, "\xE2\x82\xAC", 3);
    violations_add(&list, span_of("a"), "row", "%s", text);
    assert_int_equal(violation_message(&list, 0).size, VIOLATION_MESSAGE_MAX - 1);

    memcpy(text + VIOLATION_MESSAGE_MAX - 3,
           "\xE2\x82\xAC"
           "a",
           4);
    violations_add(&list, span_of("a"), "row", "%s", text);
    assert_int_equal(violation_message(&list, 1).size, VIOLATION_MESSAGE_MAX);
    violations_release(&list);
}

static void a_message_of_exactly_the_maximum_size_is_kept(void **state)
{
    struct violations list = {0};
    char text[VIOLATION_MESSAGE_MAX + 1];

    (void)state;
    memset(text, 'a', VIOLATION_MESSAGE_MAX);
    text[VIOLATION_MESSAGE_MAX] = '\0';
    violations_add(&list, span_of("a"), "row", "%s", text);
    assert_int_equal(violation_message(&list, 0).size, VIOLATION_MESSAGE_MAX);
    violations_release(&list);
}

static void a_long_field_is_cut_at_a_code_point(void **state)
{
    struct violations list = {0};
    char text[VIOLATION_FIELD_MAX + 100];

    (void)state;
    memset(text, 'a', sizeof text);
    memcpy(text + VIOLATION_FIELD_MAX - 2, "\xE2\x82\xAC", 3);
    violations_add(&list, (struct span){text, sizeof text}, "row", "x");
    assert_int_equal(violation_field(&list, 0).size, VIOLATION_FIELD_MAX - 2);
    violations_release(&list);
}

static void the_last_of_too_many_violations_says_how_many_are_left_out(void **state)
{
    struct violations list = {0};

    (void)state;
    for (int i = 0; i < VIOLATIONS_MAX; i++)
        violations_add(&list, span_of("f"), "type", "number %d", i);
    assert_int_equal(list.count, VIOLATIONS_MAX);
    assert_int_equal(list.left_out, 0);
    assert_span(violation_message(&list, VIOLATIONS_MAX - 1), "number 999");

    violations_add(&list, span_of("f"), "type", "one more");
    assert_int_equal(list.count, VIOLATIONS_MAX);
    assert_int_equal(list.left_out, 2);
    assert_span(violation_field(&list, VIOLATIONS_MAX - 1), "");
    assert_span(violation_rule(&list, VIOLATIONS_MAX - 1), "row");
    assert_span(violation_message(&list, VIOLATIONS_MAX - 1), "2 more violations are left out");
    assert_span(violation_message(&list, VIOLATIONS_MAX - 2), "number 998");

    for (int i = 0; i < 98; i++)
        violations_add(&list, span_of("f"), "type", "still more");
    assert_span(violation_message(&list, VIOLATIONS_MAX - 1), "100 more violations are left out");
    violations_reset(&list);
    assert_int_equal(list.left_out, 0);
    violations_release(&list);
}

static void a_quoted_value_is_printable_and_cut(void **state)
{
    char out[VIOLATION_QUOTE_SIZE], text[VIOLATION_QUOTE_MAX + 2];

    (void)state;
    assert_string_equal(violation_quote(span_of("abc"), out), "\"abc\"");
    assert_string_equal(violation_quote(span_of(""), out), "\"\"");
    assert_string_equal(violation_quote((struct span){0}, out), "\"\"");
    assert_string_equal(violation_quote(span_of("a\x1b[1m\n"), out), "\"a\\x1b[1m\\n\"");

    assert_string_equal(violation_show(span_of("a\tb"), out), "a\\tb");

    memset(text, 1, sizeof text - 1);
    text[sizeof text - 1] = '\0';
    violation_quote((struct span){text, VIOLATION_QUOTE_MAX}, out);
    assert_int_equal(strlen(out), 4 * VIOLATION_QUOTE_MAX + 2);
    violation_quote(span_of(text), out);
    assert_int_equal(strlen(out), 4 * VIOLATION_QUOTE_MAX + 5);
    assert_string_equal(out + strlen(out) - 8, "\\x01...\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_violation_gives_back_its_three_parts),
        cmocka_unit_test(a_list_that_was_reset_is_empty_and_keeps_its_memory),
        cmocka_unit_test(a_long_message_is_cut_at_a_code_point),
        cmocka_unit_test(a_message_of_exactly_the_maximum_size_is_kept),
        cmocka_unit_test(a_long_field_is_cut_at_a_code_point),
        cmocka_unit_test(the_last_of_too_many_violations_says_how_many_are_left_out),
        cmocka_unit_test(a_quoted_value_is_printable_and_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
