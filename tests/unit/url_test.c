/* The parts of URLs, and properties of their hosts. */
#include "core/http/url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void loopback_is_127_and_one_and_localhost(void **state)
{
    static const struct {
        const char *host;
        bool loopback;
    } cases[] = {
        {"127.0.0.1", true},
        {"127.255.255.254", true},
        {"::1", true},
        {"localhost", true},
        {"LocalHost", true},
        {"0:0:0:0:0:0:0:1", true},
        {"0000::0001", true},
        {"", false},
        {"128.0.0.1", false},
        {"127.0.0", false},
        {"127.1", false},
        {"127.0.0.1.example.org", false},
        {"0127.0.0.1", false},
        {"0.0.0.0", false},
        {"::", false},
        {"::2", false},
        {"localhost.", false},
        {"localhost.example.org", false},
        {"127.0.0.1 ", false},
        {"10.0.0.1", false},
        {"1localhost", false},
        {"::ffff:127.0.0.1", false},
        {"0000:0000:0000:0000:0000:0000:0000:0000:0000:0001", false},
        {":1", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(url_host_is_loopback(span_of(cases[i].host)), cases[i].loopback);
}

static void domains_are_compared_label_by_label(void **state)
{
    static const struct {
        const char *api_host, *host;
        bool same;
    } cases[] = {
        {"api.mypurecloud.de", "login.mypurecloud.de", true},
        {"api.mypurecloud.de", "LOGIN.MYPURECLOUD.DE", true},
        {"api.mypurecloud.de", "mypurecloud.de", true},
        {"api.mypurecloud.de", "a.b.mypurecloud.de", true},
        {"api.mypurecloud.de", "login.mypurecloud.com", false},
        {"api.mypurecloud.de", "xmypurecloud.de", false},
        {"api.mypurecloud.de", "mypurecloud.de.example", false},
        {"api.mypurecloud.de", "", false},
        {"api.usw2.pure.cloud", "login.usw2.pure.cloud", true},
        {"api.usw2.pure.cloud", "login.euw2.pure.cloud", false},
        {"api.", "api.", true},
        {"gateway.example.org", "gateway.example.org", true},
        {"gateway.example.org", "login.example.org", false},
        {"127.0.0.1", "localhost", true},
        {"127.0.0.1", "10.0.0.1", false},
        {"", "", true},
        {"api", "api", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(url_same_domain(span_of(cases[i].api_host), span_of(cases[i].host)),
                         cases[i].same);
}

static void a_url_is_taken_apart(void **state)
{
    struct url url;

    (void)state;
    assert_true(url_parse(span_of("https://a:b@c@[fe80::1]:443/p?q#f"), &url));
    assert_true(span_is(url.scheme, "https"));
    assert_true(url.has_user && span_is(url.user, "a:b@c"));
    assert_true(span_is(url.host, "fe80::1"));
    assert_true(span_is(url.port, "443"));
    assert_true(span_is(url.rest, "/p?q#f"));
    assert_true(url_parse(span_of("http://host?a@b"), &url));
    assert_true(!url.has_user && span_is(url.host, "host") && span_is(url.rest, "?a@b"));
    assert_false(url_parse(span_of("http://"), &url));
    assert_false(url_parse(span_of("http://:80"), &url));
    assert_false(url_parse(span_of("http://host:"), &url));
    assert_false(url_parse(span_of("http://[::1"), &url));
    assert_false(url_parse(span_of("http://[::1]80"), &url));
    assert_false(url_parse(span_of("host"), &url));
    assert_false(url_parse(span_of("http:/host"), &url));
    assert_false(url_parse(span_of("urn:a:b"), &url));
    assert_false(url_parse((struct span){NULL, 0}, &url));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loopback_is_127_and_one_and_localhost),
        cmocka_unit_test(domains_are_compared_label_by_label),
        cmocka_unit_test(a_url_is_taken_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
