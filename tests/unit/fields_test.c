/* Fields laid over others; how they are compared is in record_test.c. */
#include "core/api/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

struct merge_case {
    const char *ours, *theirs, *merged;
};

static void assert_merged(const struct merge_case *rows, size_t count)
{
    struct buf out = {0};

    for (size_t i = 0; i < count; i++) {
        buf_reset(&out);
        buf_append_text(&out, "before:");
        api_fields_merge(&out, span_of(rows[i].ours), span_of(rows[i].theirs));
        if (strcmp(buf_text(&out) + strlen("before:"), rows[i].merged) != 0)
            fail_msg("%s over %s: %s, expected %s", rows[i].ours, rows[i].theirs, buf_text(&out),
                     rows[i].merged);
    }
    buf_release(&out);
}

static void our_members_stand_in_place_of_theirs_and_new_ones_behind(void **state)
{
    static const struct merge_case rows[] = {
        {"{\"a\":1}", "{\"a\":2}", "{\"a\":1}"},
        {"{\"c\":3,\"a\":1}", "{\"a\":0,\"b\":2,\"c\":0}", "{\"a\":1,\"b\":2,\"c\":3}"},
        {"{\"z\":1,\"b\":2,\"y\":3}", "{\"a\":0,\"b\":0}", "{\"a\":0,\"b\":2,\"z\":1,\"y\":3}"},
        {"{\"a\":1}", "{\"b\":2}", "{\"b\":2,\"a\":1}"},
    };

    (void)state;
    assert_merged(rows, sizeof rows / sizeof *rows);
}

static void either_side_may_be_empty(void **state)
{
    static const struct merge_case rows[] = {
        {"{}", "{}", "{}"},
        {"{}", "", "{}"},
        {"{\"a\":1,\"b\":2}", "", "{\"a\":1,\"b\":2}"},
        {"{\"a\":1,\"b\":2}", "{}", "{\"a\":1,\"b\":2}"},
        {"{}", "{\"a\":1,\"b\":2}", "{\"a\":1,\"b\":2}"},
        {" { \"a\" : 1 } ", "\n{\t}", "{\"a\":1}"},
    };

    (void)state;
    assert_merged(rows, sizeof rows / sizeof *rows);
}

static void values_stay_as_both_sides_wrote_them(void **state)
{
    static const struct merge_case rows[] = {
        {"{\"a\":45.50}", "{\"a\":45.5,\"b\":1.250e3,\"c\":-0.0}",
         "{\"a\":45.50,\"b\":1.250e3,\"c\":-0.0}"},
        {"{\"n\":12345678901234567890.123456789}", "{\"m\":1E400}",
         "{\"m\":1E400,\"n\":12345678901234567890.123456789}"},
        {"{\"s\":\"a\\u00e9\\\"\\\\\\n\"}", "{\"t\":\"\\/\xC3\xA9\\ud83d\\ude00\"}",
         "{\"t\":\"\\/\xC3\xA9\\ud83d\\ude00\",\"s\":\"a\\u00e9\\\"\\\\\\n\"}"},
        {"{\"a\":\"\",\"b\":null,\"c\":true}", "{\"d\":false,\"a\":[]}",
         "{\"d\":false,\"a\":\"\",\"b\":null,\"c\":true}"},
    };

    (void)state;
    assert_merged(rows, sizeof rows / sizeof *rows);
}

/* A property is the unit of an update: what lies in it is not mixed. */
static void objects_and_arrays_are_replaced_as_a_whole(void **state)
{
    static const struct merge_case rows[] = {
        {"{\"o\":{\"x\": 1}}", "{\"o\":{\"x\":0,\"y\":2}}", "{\"o\":{\"x\": 1}}"},
        {"{\"o\":{}}", "{\"o\":{\"y\":2},\"p\":{\"q\":{\"r\":[ 1 ]}}}",
         "{\"o\":{},\"p\":{\"q\":{\"r\":[ 1 ]}}}"},
        {"{\"l\":[1,{\"a\":2}]}", "{\"l\":[3],\"x\":{\"l\":7}}",
         "{\"l\":[1,{\"a\":2}],\"x\":{\"l\":7}}"},
        {"{\"y\":1}", "{\"o\":{\"y\":2}}", "{\"o\":{\"y\":2},\"y\":1}"},
    };

    (void)state;
    assert_merged(rows, sizeof rows / sizeof *rows);
}

static void a_name_is_one_however_it_is_escaped(void **state)
{
    static const struct merge_case rows[] = {
        {"{\"caf\\u00e9\":1}", "{\"caf\xC3\xA9\":2}", "{\"caf\xC3\xA9\":1}"},
        {"{\"caf\xC3\xA9\":1}", "{\"caf\\u00E9\":2}", "{\"caf\\u00E9\":1}"},
        {"{\"a\\\"b\":1,\"c\\\\\":2}", "{\"a\\u0022b\":0}", "{\"a\\u0022b\":1,\"c\\\\\":2}"},
        {"{\"\":1,\"\\u0000\":2}", "{\"\\u0000\":0,\"\":0}", "{\"\\u0000\":2,\"\":1}"},
        {"{\"A\":1}", "{\"a\":2}", "{\"a\":2,\"A\":1}"},
        {"{\"\xF0\x9F\x98\x80\":1}", "{\"\\ud83d\\ude00\":2}", "{\"\\ud83d\\ude00\":1}"},
    };

    (void)state;
    assert_merged(rows, sizeof rows / sizeof *rows);
}

/* Laid over once more, nothing changes: a rebase of what is there already is that. */
static void what_was_merged_holds_our_fields_and_merges_to_itself(void **state)
{
    static const char ours[] = "{\"q\":1.50,\"caf\\u00e9\":[1],\"new\":{}}";
    static const char theirs[] = "{\"a\":null,\"caf\xC3\xA9\":0,\"q\":\"x\"}";
    struct buf once = {0}, twice = {0};

    (void)state;
    api_fields_merge(&once, span_of(ours), span_of(theirs));
    assert_true(api_fields_within(span_of(ours), buf_span(&once)));
    assert_false(api_fields_within(span_of(theirs), buf_span(&once)));
    api_fields_merge(&twice, span_of(ours), buf_span(&once));
    assert_true(api_fields_within(buf_span(&once), buf_span(&twice)));
    assert_true(api_fields_within(buf_span(&twice), buf_span(&once)));
    assert_int_equal(once.size, twice.size);
    buf_release(&once);
    buf_release(&twice);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(our_members_stand_in_place_of_theirs_and_new_ones_behind),
        cmocka_unit_test(either_side_may_be_empty),
        cmocka_unit_test(values_stay_as_both_sides_wrote_them),
        cmocka_unit_test(objects_and_arrays_are_replaced_as_a_whole),
        cmocka_unit_test(a_name_is_one_however_it_is_escaped),
        cmocka_unit_test(what_was_merged_holds_our_fields_and_merges_to_itself),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
