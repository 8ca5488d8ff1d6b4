#include "core/validate/format.h"
#include "core/validate/pattern.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

#define A10          "aaaaaaaaaa"
#define A60          A10 A10 A10 A10 A10 A10
#define LABEL_63     A60 "aaa"

static const struct {
    const char *format, *text;
    bool holds;
} cases[] = {
    {"date", "2026-11-23", true},
    {"date", "2024-02-29", true},
    {"date", "2000-02-29", true},
    {"date", "2023-02-29", false},
    {"date", "1900-02-29", false},
    {"date", "2026-04-31", false},
    {"date", "2026-13-01", false},
    {"date", "2026-00-01", false},
    {"date", "2026-01-00", false},
    {"date", "2026-1-01", false},
    {"date", "20261123", false},
    {"date", "2026-11-23 ", false},
    {"date", "26-11-23", false},
    {"date", "23.11.2026", false},
    {"date", "2026-11-2\u0663", false},
    {"date", "", false},
    {"time", "23:05:00Z", true},
    {"time", "23:05:00z", true},
    {"time", "00:00:00.123456789+23:59", true},
    {"time", "23:59:60Z", true},
    {"time", "15:59:60-08:00", true},
    {"time", "00:29:60+00:30", true},
    {"time", "22:59:60Z", false},
    {"time", "23:59:60+01:00", false},
    {"time", "23:59:61Z", false},
    {"time", "24:00:00Z", false},
    {"time", "12:60:00Z", false},
    {"time", "12:00:00", false},
    {"time", "12:00:00.Z", false},
    {"time", "12:00Z", false},
    {"time", "12:00:00+24:00", false},
    {"time", "12:00:00+00:60", false},
    {"time", "12:00:00+0100", false},
    {"time", "12:00:00 Z", false},
    {"time", "1:00:00Z", false},
    {"date-time", "2026-11-23T23:05:00Z", true},
    {"date-time", "2026-11-23t23:05:00.5-02:00", true},
    {"date-time", "1998-12-31T23:59:60Z", true},
    {"date-time", "2026-11-23 23:05:00Z", false},
    {"date-time", "2026-11-23", false},
    {"date-time", "2026-11-31T23:05:00Z", false},
    {"date-time", "2026-11-23T25:05:00Z", false},
    {"date-time", "2026-11-23T23:05:00", false},
    {"email", "joe.bloggs@example.com", true},
    {"email", "te~st+x@example.com", true},
    {"email", "\"joe bloggs\"@example.com", true},
    {"email", "\"joe@\\\"bloggs\"@example.com", true},
    {"email", "joe@[127.0.0.1]", true},
    {"email", "joe@[IPv6:::1]", true},
    {"email", "joe@xn--mller-kva.example", true},
    {"email", "2962", false},
    {"email", "@example.com", false},
    {"email", "joe@", false},
    {"email", ".joe@example.com", false},
    {"email", "joe.@example.com", false},
    {"email", "jo..e@example.com", false},
    {"email", "joe bloggs@example.com", false},
    {"email", "joe@exa mple.com", false},
    {"email", "joe@[127.0.0.300]", false},
    {"email", "joe@[]", false},
    {"email", "\"joe\\\"@example.com", false},
    {"email", "\"a\"b\"@example.com", false},
    {"email", "a@b@example.com", false},
    {"email", LABEL_63 "a@example.com", true},
    {"email", LABEL_63 "aa@example.com", false},
    {"hostname", "www.example.com", true},
    {"hostname", "localhost", true},
    {"hostname", "1host.2", true},
    {"hostname", "h0stn4me", true},
    {"hostname", "r3---sn.example", true},
    {"hostname", "xn--mller-kva.example", true},
    {"hostname", "XN--MLLER-KVA.example", true},
    {"hostname", "xn--X", false},
    {"hostname", "xn--", false},
    {"hostname", "xn--ihqwcrb4cv8a8dqg056pqjye", true},
    {"hostname", "xn--07jt112bpxg", false},
    {"hostname", "xn--hello-txk", false},
    {"hostname", "", false},
    {"hostname", ".", false},
    {"hostname", "example.com.", false},
    {"hostname", "a..b", false},
    {"hostname", "-bad", false},
    {"hostname", "bad-.example", false},
    {"hostname", "under_score", false},
    {"hostname", "m\u00fcller.example", false},
    {"hostname", LABEL_63 ".com", true},
    {"hostname", LABEL_63 "a.com", false},
    {"hostname", LABEL_63 "." LABEL_63 "." LABEL_63 "." A60 "a", true},
    {"hostname", LABEL_63 "." LABEL_63 "." LABEL_63 "." A60 "aa", false},
    {"ipv4", "192.168.0.1", true},
    {"ipv4", "0.0.0.0", true},
    {"ipv4", "127.0.0.0.1", false},
    {"ipv4", "256.0.0.1", false},
    {"ipv4", "127.0.1", false},
    {"ipv4", "087.10.0.1", false},
    {"ipv4", "0x7f.0.0.1", false},
    {"ipv4", "1.2.3.4 ", false},
    {"ipv4", "1.2.3.4/24", false},
    {"ipv4", "1\u09e87.0.0.1", false},
    {"ipv4", "", false},
    {"ipv6", "::1", true},
    {"ipv6", "::", true},
    {"ipv6", "1:2:3:4:5:6:7:8", true},
    {"ipv6", "::ffff:192.168.0.1", true},
    {"ipv6", "12345::", false},
    {"ipv6", "1::2::3", false},
    {"ipv6", "1:2:3:4:5:6:7:8:9", false},
    {"ipv6", ":2:3:4:5:6:7:8", false},
    {"ipv6", "fe80::a%eth1", false},
    {"ipv6", "::1/64", false},
    {"ipv6", "[::1]", false},
    {"ipv6", "::ffff:256.1.1.1", false},
    {"uri", "http://foo.bar/?baz=qux#quux", true},
    {"uri", "http://foo.bar?q=Test%20URL-encoded%20stuff", true},
    {"uri", "http://userid:pass@example.com:8080/", true},
    {"uri", "http://[2001:db8::7]:80/x", true},
    {"uri", "http://[v1.a:b]/", true},
    {"uri", "ftp://ftp.is.co.za/rfc/rfc1808.txt", true},
    {"uri", "mailto:John.Doe@example.com", true},
    {"uri", "urn:oasis:names:specification:docbook:dtd:xml:4.1.2", true},
    {"uri", "tel:+1-816-555-1212", true},
    {"uri", "file:///etc/hosts", true},
    {"uri", "a:", true},
    {"uri", "http://-.~_!$&'()*+,;=:%40:80%2f::::::@example.com", true},
    {"uri", "//foo.bar/", false},
    {"uri", "/abc", false},
    {"uri", "\\\\WINDOWS\\fileshare", false},
    {"uri", "abc", false},
    {"uri", "", false},
    {"uri", ":// should fail", false},
    {"uri", "1http://a", false},
    {"uri", "ht tp://a", false},
    {"uri", "http:// shouldfail.com", false},
    {"uri", "http://foo.bar/%zz", false},
    {"uri", "http://foo.bar/%2", false},
    {"uri", "http://foo.bar/#a#b", false},
    {"uri", "http://foo.bar/<>", false},
    {"uri", "http://f\u00f6o.bar/", false},
    {"uri", "http://[::1", false},
    {"uri", "http://[fe80::a%25eth0]/", false},
    {"uri", "http://[v.a]/", false},
    {"uri", "http://a:b/", false},
    {"uri", "http://a@b@c/", false},
    {"uri", "https://[@example.org/", false},
    {"uri", "bar,baz:foo", false},
    {"uri-reference", "abc", true},
    {"uri-reference", "", true},
    {"uri-reference", "#fragment", true},
    {"uri-reference", "//foo.bar/?baz=qux#quux", true},
    {"uri-reference", "../a/b:c", true},
    {"uri-reference", "?q", true},
    {"uri-reference", "http://foo.bar/", true},
    {"uri-reference", "1a:b", false},
    {"uri-reference", "\\\\WINDOWS", false},
    {"uri-reference", "#a#b", false},
    {"uri-reference", "f\u00f6o", false},
    {"iri", "http://f\u00f6o.bar/\u00e4?\u00e9#\u4e2d", true},
    {"iri", "http://foo.bar/", true},
    {"iri", "f\u00f6o", false},
    {"iri", "http://foo bar/", false},
    {"iri-reference", "f\u00f6o", true},
    {"iri-reference", "#f\u00f6o", true},
    {"iri-reference", "\\\\f\u00f6o", false},
    {"uri-template", "http://example.com/dictionary/{term:1}/{term}", true},
    {"uri-template", "/a{?b*,c.d}", true},
    {"uri-template", "", true},
    {"uri-template", "/a/{b", false},
    {"uri-template", "/a/b}", false},
    {"uri-template", "/a/{}", false},
    {"uri-template", "/a/{b:0}", false},
    {"uri-template", "/a/{b..c}", false},
    {"uri-template", "/a b", false},
    {"url", "https://example.org/", true},
    {"url", "example.org", false},
    {"idn-hostname", "xn--ihqwcrb4cv8a8dqg056pqjye.example", true},
    {"idn-hostname", "b\u00fccher.example", true},
    {"idn-hostname", "example.ORG", true},
    {"idn-hostname", "-b\u00fccher", false},
    {"idn-hostname", "a..b", false},
    {"idn-hostname", "\u3164a", false},
    {"idn-email", "\u00fcmit@b\u00fccher.example", true},
    {"idn-email", "a@b.example", true},
    {"idn-email", "\u00fcmit", false},
    {"email", "\u00fcmit@example.org", false},
    {"duration", "P4DT12H30M5S", true},
    {"duration", "P1Y", true},
    {"duration", "PT36H", true},
    {"duration", "P2W", true},
    {"duration", "P1Y2D", true},
    {"duration", "P", false},
    {"duration", "PT", false},
    {"duration", "P1D2H", false},
    {"duration", "P2D1Y", false},
    {"duration", "P1YT", false},
    {"duration", "P1Y2W", false},
    {"duration", "PT1D", false},
    {"duration", "4DT12H", false},
    {"duration", "P\u09e8Y", false},
    {"json-pointer", "", true},
    {"json-pointer", "/a~0b/~1/0", true},
    {"json-pointer", "/a~", false},
    {"json-pointer", "/a~2", false},
    {"json-pointer", "a", false},
    {"relative-json-pointer", "0", true},
    {"relative-json-pointer", "1/a~1b", true},
    {"relative-json-pointer", "10#", true},
    {"relative-json-pointer", "0-1/a", true},
    {"relative-json-pointer", "01", false},
    {"relative-json-pointer", "/a", false},
    {"relative-json-pointer", "0##", false},
    {"relative-json-pointer", "-1", false},
    {"regex", "^a+[.,.]$", true},
    {"regex", "(?<=a+)b", true},
    {"regex", "^(abc]", false},
    {"regex", "a\\Z", false},
    {"byte", "aGVsbG8=", true},
    {"byte", "", true},
    {"byte", "aGVsbG8", false},
    {"byte", "aGVs_G8=", false},
    {"byte", "a===", false},
    {"guid", "2eb8aa08-aa98-11ea-b4aa-73b441d16380", true},
    {"int32", "2147483647", true},
    {"int32", "-2147483648", true},
    {"int32", "1.0", true},
    {"int32", "2147483648", false},
    {"int32", "1.5", false},
    {"int64", "9223372036854775807", true},
    {"int64", "9223372036854775808", false},
    {"int64", "-9223372036854775808", true},
    {"int64", "-9223372036854775809", false},
    {"uint32", "-1", false},
    {"uint64", "18446744073709551615", true},
    {"uint64", "18446744073709551616", false},
    {"float", "3.4e38", true},
    {"float", "3.5e38", false},
    {"double", "1.7e308", true},
    {"double", "1e309", false},
    {"uuid", "2eb8aa08-aa98-11ea-b4aa-73b441d16380", true},
    {"uuid", "2EB8AA08-AA98-11EA-B4AA-73B441D16380", true},
    {"uuid", "00000000-0000-0000-0000-000000000000", true},
    {"uuid", "2eb8aa08-aa98-11ea-b4aa-73b441d1638", false},
    {"uuid", "2eb8aa08aa98-11ea-b4aa73b441d16380", false},
    {"uuid", "2eb8aa08-aa98-11ea-b4aa-73b441d1638g", false},
    {"uuid", "2eb8-aa08-aa98-11ea-b4aa73b44-1d16380", false},
    {"date", "20a6-11-23", false},
    {"time", "23-05:00Z", false},
    {"time", "23:05-00Z", false},
    {"time", "23:05:0aZ", false},
    {"time", "23:05:00+0100", false},
    {"time", "23:05:00+01-00", false},
    {"time", "23:05:00*01:00", false},
    {"duration", "P1", false},
    {"duration", "P1X", false},
    {"relative-json-pointer", "1+2/a", true},
    {"relative-json-pointer", "1-2", true},
    {"relative-json-pointer", "1+", false},
    {"relative-json-pointer", "1-0", false},
    {"relative-json-pointer", "1x", false},
    {"byte", "+/8=", true},
    {"byte", "a*==", false},
    {"email", "\"a b\"@example.org", true},
    {"email", "\"a\"b\"@example.org", false},
    {"email", "\"ab\\\"@example.org", false},
    {"email", "\"a\\\"b\"@example.org", true},
    {"email", "\"a\x01\"@example.org", false},
    {"email", "\"\u00e9\"@example.org", false},
    {"email", "\"@example.org", false},
    {"email", "a(b@example.org", false},
    {"email", "a\u00e9@example.org", false},
    {"uri", "http://[v1.x:y]/", true},
    {"uri", "http://[v1x]/", false},
    {"uri", "http://[vg.x]/", false},
    {"uri", "http://[v1.]/", false},
    {"uri", "http://[v.xy]/", false},
    {"uri", "http://[x1.x]/", false},
    {"uri", "http://[v1.a%41]/", false},
    {"uri", "1a:b", false},
    {"uri", "a_b:c", false},
    {"uri", "a+b-1.c:d", true},
    {"uri", ":a", false},
    {"uri-template", "/{a%2Fb}", true},
    {"uri-template", "/{a%2}", false},
    {"uri-template", "/{a%2g}", false},
    {"uri-template", "/{a%g2}", false},
    {"uri-template", "/{a-b}", false},
    {"uri-template", "/{a..b}", false},
    {"uri-template", "/{a.b,c_d*}", true},
    {"uri-template", "/{?a:123}", true},
    {"uri-template", "/{a:x}", false},
    {"uri-template", "/{a:0}", false},
    {"uri-template", "/{a:12345}", false},
    {"uri-template", "/{a:}", false},
    {"uri-template", "/{a*b}", false},
    {"uri-template", "/%41", true},
    {"uri-template", "/%4", false},
    {"uri-template", "/%4g", false},
    {"uri-template", "/%g4", false},
    {"uri-template", "/ ", false},
    {"uri-template", "/\x7f", false},
    {"uri-template", "/<", false},
    {"uri-template", "/}", false},
    {"uri-template", "/{a", false},
    {"uri-template", "/{}", false},
    {"int8", "-128", true},
    {"int8", "128", false},
    {"uint8", "255", true},
    {"uint8", "-1", false},
    {"int16", "-32768", true},
    {"int16", "32768", false},
    {"uint16", "65535", true},
    {"uint16", "65536", false},
    {"uint32", "4294967295", true},
    {"uint32", "4294967296", false},
    {"uint64", "18446744073709551615", true},
    {"uint64", "18446744073709551616", false},
    {"uint", "1.5", false},
    {"uuid", "{eb8aa08-aa98-11ea-b4aa-73b441d16380", false},
};

/* As the check of a schema does it. */
static bool fits(const struct format *format, struct span text)
{
    char fault[PATTERN_FAULT_SIZE];
    struct pattern *pattern =
        format->pattern ? pattern_open(span_of(format->pattern), fault) : NULL;
    struct matcher *matcher = matcher_open();
    bool found = !format->pattern;

    if (format->pattern && !pattern)
        fail_msg("%s: %s", format->name, fault);
    if (pattern)
        found = pattern_search(pattern, matcher, text) == PATTERN_FOUND;
    matcher_close(matcher);
    pattern_close(pattern);
    return found && (!format->holds || format->holds(text));
}

static void each_format_accepts_what_its_standard_accepts(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct format *format = format_find(span_of(cases[i].format));

        assert_non_null(format);
        if (fits(format, span_of(cases[i].text)) != cases[i].holds)
            fail_msg("%s \"%s\" should be %s", cases[i].format, cases[i].text,
                     cases[i].holds ? "taken" : "refused");
    }
}

/* Pointers and regular expressions can contain any character, numbers never have one. */
static bool may_hold_nul(const struct format *format)
{
    return format->of_numbers || strstr(format->name, "pointer") ||
           strcmp(format->name, "regex") == 0;
}

static void no_format_accepts_a_nul(void **state)
{
    char text[512];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct format *format = format_find(span_of(cases[i].format));
        size_t size = strlen(cases[i].text);

        if (may_hold_nul(format))
            continue;
        assert_true(size + 2 < sizeof text);
        memcpy(text, cases[i].text, size);
        text[size] = '\0';
        text[size + 1] = '1';
        assert_false(fits(format, (struct span){text, size + 1}));
        assert_false(fits(format, (struct span){text, size + 2}));
        assert_int_equal(fits(format, (struct span){NULL, 0}), fits(format, span_of("")));
    }
}

static void an_unknown_format_is_not_found(void **state)
{
    (void)state;
    assert_null(format_find(span_of("iban")));
    assert_null(format_find(span_of("Date")));
    assert_null(format_find(span_of("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_format_accepts_what_its_standard_accepts),
        cmocka_unit_test(no_format_accepts_a_nul),
        cmocka_unit_test(an_unknown_format_is_not_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
