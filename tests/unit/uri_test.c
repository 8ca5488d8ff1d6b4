#include "core/validate/uri.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* RFC 3986 sections 5.4.1 and 5.4.2, without fragments, and bases that are relative or end at the
 * authority. */
static void references_resolve_as_in_the_rfc(void **state)
{
    static const char base[] = "http://a/b/c/d;p?q";
    static const struct {
        const char *base, *reference, *target;
    } cases[] = {
        {base, "g:h", "g:h"},
        {base, "g", "http://a/b/c/g"},
        {base, "./g", "http://a/b/c/g"},
        {base, "g/", "http://a/b/c/g/"},
        {base, "/g", "http://a/g"},
        {base, "//g", "http://g"},
        {base, "?y", "http://a/b/c/d;p?y"},
        {base, "g?y", "http://a/b/c/g?y"},
        {base, "", "http://a/b/c/d;p?q"},
        {base, "#s", "http://a/b/c/d;p?q"},
        {base, ";x", "http://a/b/c/;x"},
        {base, ".", "http://a/b/c/"},
        {base, "./", "http://a/b/c/"},
        {base, "..", "http://a/b/"},
        {base, "../g", "http://a/b/g"},
        {base, "../..", "http://a/"},
        {base, "../../g", "http://a/g"},
        {base, "../../../g", "http://a/g"},
        {base, "/./g", "http://a/g"},
        {base, "/../g", "http://a/g"},
        {base, "g.", "http://a/b/c/g."},
        {base, "..g", "http://a/b/c/..g"},
        {base, "./g/.", "http://a/b/c/g/"},
        {base, "g/../h", "http://a/b/c/h"},
        {base, "g?y/../x", "http://a/b/c/g?y/../x"},
        {base, "http://x/../y", "http://x/y"},
        {"http://a", "g", "http://a/g"},
        {"http://a?q", "g", "http://a/g"},
        {"a/b", "c", "a/c"},
        {"a/b", "../../c", "c"},
        {"a", "../c", "c"},
        {"", "a/b", "a/b"},
        {"", "", ""},
    };
    struct buf out = {0};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        buf_reset(&out);
        uri_resolve(span_of(cases[i].base), span_of(cases[i].reference), &out);
        if (strcmp(buf_text(&out), cases[i].target) != 0)
            fail_msg("%s at %s is %s, not %s", cases[i].reference, cases[i].base, buf_text(&out),
                     cases[i].target);
    }
    buf_release(&out);
}

static void a_fragment_is_cut_off(void **state)
{
    struct span fragment, uri = uri_without_fragment(span_of("a?b#c#d"), &fragment);

    (void)state;
    assert_true(span_is(uri, "a?b"));
    assert_true(span_is(fragment, "c#d"));
    uri = uri_without_fragment(span_of("a"), &fragment);
    assert_true(span_is(uri, "a"));
    assert_int_equal(fragment.size, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(references_resolve_as_in_the_rfc),
        cmocka_unit_test(a_fragment_is_cut_off),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
