#include "core/base/percent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct {
    struct span plain;
    const char *encoded;
} cases[] = {
    {{"AZaz09-._~", 10}, "AZaz09-._~"},
    {{"a/b c", 5}, "a%2Fb%20c"},
    {{"a\0\n\x7f", 4}, "a%00%0A%7F"},
    {{"\xe2\x82\xac\xff", 4}, "%E2%82%AC%FF"},
    {{"%2f", 3}, "%252f"},
    {{"", 0}, ""},
};

static void what_is_encoded_is_decoded(void **state)
{
    struct buf out = {0}, back = {0};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        buf_reset(&out);
        buf_reset(&back);
        percent_encode(&out, cases[i].plain);
        assert_string_equal(buf_text(&out), cases[i].encoded);
        assert_true(percent_decode(&back, buf_span(&out)));
        assert_true(span_equal(buf_span(&back), cases[i].plain));
    }
    buf_release(&out);
    buf_release(&back);
}

static void only_two_digits_follow_a_percent_sign(void **state)
{
    static const char *const wrong[] = {"%", "a%", "%2", "%2g", "%g2", "%%20"};
    struct buf out = {0};

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(percent_decode(&out, span_of(wrong[i])));
    buf_reset(&out);
    assert_true(percent_decode(&out, span_of("a+b %2f%2F")));
    assert_string_equal(buf_text(&out), "a+b //");
    buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_encoded_is_decoded),
        cmocka_unit_test(only_two_digits_follow_a_percent_sign),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
