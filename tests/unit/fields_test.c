/* Fields that are compared, and fields that are merged. */
#include "core/api/fields.h"

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

static void our_members_replace_theirs_and_new_ones_follow(void **state)
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

/* A property is the unit of an update: its contents are not merged. */
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

/* Merging a second time changes nothing, so that a repeated rebase is recognised. */
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

static void fields_are_compared_by_value(void **state)
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
        /* U+1D800 and U+1DBFF, which json-c 0.16 decodes as U+FFFD */
        {"{\"a\":\"\xF0\x9D\xA0\x80\"}", "{\"a\":\"\\ud836\\udc00\"}", true},
        {"{\"a\":\"\xF0\x9D\xAF\xBF\"}", "{\"a\":\"\\uD836\\uDFFF\"}", true},
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

static void hear(void *context, const struct api_fields_difference *difference)
{
    struct buf *text = context;

    buf_append_text(text, text->size ? " " : "");
    buf_append_span(text, difference->name);
    buf_append_char(text, ':');
    buf_append_span(text, difference->theirs.data ? difference->theirs : span_of("-"));
    buf_append_char(text, '>');
    buf_append_span(text, difference->ours.data ? difference->ours : span_of("-"));
}

static void fields_that_differ_are_given_ours_first(void **state)
{
    static const struct {
        const char *ours, *theirs, *names;
    } cases[] = {
        {"{\"a\":1}", "{\"a\":1.0}", ""},
        {"{\"a\":1,\"b\":2,\"c\":3}", "{\"c\":3,\"b\":1,\"x\":0}", "a:->1 b:1>2 x:0>-"},
        {"{\"a\":{\"x\":1}}", "{\"a\":{\"x\":2}}", "a:{\"x\":2}>{\"x\":1}"},
        {"{\"\\u00e9\":\"\\n\"}", "{}", "\xc3\xa9:->\"\\n\""},
        {"{}", "{\"b\":null,\"a\":\"\"}", "b:null>- a:\"\">-"},
        {"{\"a\":1}", "", ""},
    };
    struct buf names = {0};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        buf_reset(&names);
        api_fields_differing(span_of(cases[i].ours), span_of(cases[i].theirs), hear, &names);
        assert_string_equal(buf_text(&names), cases[i].names);
    }
    buf_release(&names);
}

static void relations_are_found_both_ways_at_once(void **state)
{
    static const struct {
        const char *ours, *theirs;
        bool is_within, has_others;
    } rows[] = {
        {"{\"a\":1}", "{\"a\":1}", true, false},
        {"{\"a\":1}", "{\"a\":1.0}", true, false},
        {"{\"a\":1}", "{\"b\":2,\"a\":1}", true, true},
        {"{\"a\":1,\"b\":3}", "{\"b\":2,\"a\":1}", false, false},
        {"{\"a\":1}", "{\"b\":2}", false, true},
        {"{}", "{\"b\":2}", true, true},
        {"{\"a\":1}", "[]", false, false},
        {"x", "{}", false, false},
        /* plain ones in the same order, and what only looks so */
        {"{\"a\":1,\"b\":\"x\"}", "{\"a\":1.0,\"b\":\"x\"}", true, false},
        {"{\"a\":1,\"b\":\"x\"}", "{\"a\":2,\"b\":\"x\"}", false, false},
        {"{\"a\":2,\"b\":1.0}", "{\"a\":1,\"b\":1}", false, false},
        {"{\"a\":1,\"b\":\"x\"}", "{\"a\":1,\"b\":\"y\"}", false, false},
        {"{\"a\":\"1\"}", "{\"a\":1}", false, false},
        {"{\"a\":true}", "{\"a\":false}", false, false},
        {"{\"a\":null}", "{\"a\":0}", false, false},
        {"{\"a\":1e2}", "{\"a\":100}", true, false},
        {"{\"a\":1E2}", "{\"a\":100}", true, false},
        {"{\"a\":1}", "{\"a\":1,\"b\":2}", true, true},
        {"{\"a\":1,\"b\":2}", "{\"a\":1}", false, false},
        {"{\"a\":\"\\u0041\"}", "{\"a\":\"A\"}", true, false},
        {"{\"a\":\"A\"}", "{\"\\u0061\":\"A\"}", true, false},
        {"{\"a\":\"}\"}", "{\"a\":\",\"}", false, false},
        {"{\"a\":\"\",\"\":1}", "{\"a\":\"\",\"\":1.0}", true, false},
        {"{\"a\":[1],\"b\":1}", "{\"a\":[1.0],\"b\":1}", true, false},
        {"{\"a\":{\"x\":1},\"b\":2}", "{\"a\":{\"x\":1},\"b\":2, \"c\":3}", true, true},
        {"{\"a\":1}", "{\"a\":2} ", false, false},
        {"{\"a\":1}", " {\"a\":1 }", true, false},
        {"{}", "{\"\":1}", true, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct api_fields_relation relation =
            api_fields_relate(span_of(rows[i].ours), span_of(rows[i].theirs));

        if (relation.is_within != rows[i].is_within || relation.has_others != rows[i].has_others)
            fail_msg("row %zu", i);
    }
}

static void what_is_null_need_not_be_there(void **state)
{
    (void)state;
    assert_true(api_fields_held(span_of("{\"a\":null,\"b\":1}"), span_of("{\"b\":1.0,\"c\":2}")));
    assert_true(api_fields_held(span_of("{\"a\":null}"), span_of("{\"a\":null}")));
    assert_false(api_fields_held(span_of("{\"a\":null}"), span_of("{\"a\":0}")));
    assert_false(api_fields_held(span_of("{\"a\":1}"), span_of("{}")));
    assert_false(api_fields_held(span_of("{}"), span_of("[]")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(relations_are_found_both_ways_at_once),
        cmocka_unit_test(our_members_replace_theirs_and_new_ones_follow),
        cmocka_unit_test(either_side_may_be_empty),
        cmocka_unit_test(values_stay_as_both_sides_wrote_them),
        cmocka_unit_test(objects_and_arrays_are_replaced_as_a_whole),
        cmocka_unit_test(a_name_is_one_however_it_is_escaped),
        cmocka_unit_test(what_was_merged_holds_our_fields_and_merges_to_itself),
        cmocka_unit_test(fields_are_compared_by_value),
        cmocka_unit_test(fields_that_differ_are_given_ours_first),
        cmocka_unit_test(what_is_null_need_not_be_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
