/* The formats: patterns, and what a pattern cannot say; of names and addresses that is in
 * address.c. */
#include "core/validate/format.h"

#include "core/base/zone.h"
#include "core/validate/address.h"
#include "core/validate/decimal.h"
#include "core/validate/pattern.h"

#include <float.h>
#include <math.h>

/* Reads a fixed number of digits at an offset; -1 if there is anything else. */
static int digits_at(struct span text, size_t offset, size_t count)
{
    int value = 0;

    if (text.size < offset + count)
        return -1;
    for (size_t i = offset; i < offset + count; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return -1;
        value = value * 10 + (text.data[i] - '0');
    }
    return value;
}

static bool is_between(int value, int minimum, int maximum)
{
    return value >= minimum && value <= maximum;
}

static struct span part(struct span text, size_t offset, size_t size)
{
    return (struct span){text.data + offset, size};
}

/* RFC 3339 section 5.6, full-date; appendix C for leap years. */
static bool is_date(struct span text)
{
    int year = digits_at(text, 0, 4), month = digits_at(text, 5, 2), day = digits_at(text, 8, 2);

    if (text.size != 10 || text.data[4] != '-' || text.data[7] != '-')
        return false;
    return year >= 0 && zone_has_day(year, month, day);
}

/* Reads a time-offset, `Z` or `+hh:mm`, in minutes east of UTC. */
static bool read_offset(struct span text, int *minutes)
{
    int hour = digits_at(text, 1, 2), minute = digits_at(text, 4, 2);

    *minutes = 0;
    if (text.size == 1)
        return text.data[0] == 'Z' || text.data[0] == 'z';
    if (text.size != 6 || (text.data[0] != '+' && text.data[0] != '-') || text.data[3] != ':')
        return false;
    *minutes = (hour * 60 + minute) * (text.data[0] == '-' ? -1 : 1);
    return is_between(hour, 0, 23) && is_between(minute, 0, 59);
}

/* RFC 3339 section 5.6, full-time. Second 60 only where a leap second can be: 23:59:60 UTC. */
static bool is_time(struct span text)
{
    int hour = digits_at(text, 0, 2), minute = digits_at(text, 3, 2);
    int second = digits_at(text, 6, 2), offset;
    size_t end = 8;

    if (second < 0 || text.data[2] != ':' || text.data[5] != ':')
        return false;
    if (text.size > end && text.data[end] == '.') {
        for (end++; digits_at(text, end, 1) >= 0; end++)
            ;
        if (end == 9)
            return false;
    }
    if (text.size == end || !read_offset(part(text, end, text.size - end), &offset))
        return false;
    if (!is_between(hour, 0, 23) || !is_between(minute, 0, 59))
        return false;
    if (second == 60)
        return (hour * 60 + minute - offset + 2 * 1440) % 1440 == 1439;
    return second < 60;
}

/* RFC 3339 section 5.6, date-time. */
static bool is_date_time(struct span text)
{
    if (text.size < 11 || (text.data[10] != 'T' && text.data[10] != 't'))
        return false;
    return is_date(part(text, 0, 10)) && is_time(part(text, 11, text.size - 11));
}

/* RFC 9562 section 4. */
static bool is_uuid(struct span text)
{
    if (text.size != 36)
        return false;
    for (size_t i = 0; i < text.size; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text.data[i] != '-' : str_hex_value(text.data[i]) < 0)
            return false;
    }
    return true;
}

/* Base64 has four characters for three bytes. */
static bool is_of_fours(struct span text)
{
    return text.size % 4 == 0;
}

static bool is_regex(struct span text)
{
    return pattern_is_valid(text);
}

static bool is_whole_between(struct span text, const char *minimum, const char *maximum)
{
    struct decimal value = decimal_parse(text), least = decimal_parse(span_of(minimum)),
                   most = decimal_parse(span_of(maximum));

    return decimal_is_integer(&value) && decimal_compare(&value, &least) >= 0 &&
           decimal_compare(&value, &most) <= 0;
}

#define IS_WHOLE_BETWEEN(name, minimum, maximum)                                                   \
    static bool name(struct span text)                                                             \
    {                                                                                              \
        return is_whole_between(text, minimum, maximum);                                           \
    }

IS_WHOLE_BETWEEN(is_int8, "-128", "127")
IS_WHOLE_BETWEEN(is_uint8, "0", "255")
IS_WHOLE_BETWEEN(is_int16, "-32768", "32767")
IS_WHOLE_BETWEEN(is_uint16, "0", "65535")
IS_WHOLE_BETWEEN(is_int32, "-2147483648", "2147483647")
IS_WHOLE_BETWEEN(is_int64, "-9223372036854775808", "9223372036854775807")
IS_WHOLE_BETWEEN(is_uint32, "0", "4294967295")
IS_WHOLE_BETWEEN(is_uint64, "0", "18446744073709551615")

static bool is_double(struct span text)
{
    struct decimal value = decimal_parse(text);

    return isfinite(decimal_to_double(&value, text));
}

static bool is_float(struct span text)
{
    struct decimal value = decimal_parse(text);

    return fabs(decimal_to_double(&value, text)) <= FLT_MAX;
}

#define HEX "[0-9A-Fa-f]"
/* Any number of characters of a set, and of percent-encoded bytes. */
#define RUN(set) "[" set "]*(?:%" HEX "{2}[" set "]*)*"

/* RFC 3986 appendix A and, with the characters beyond ASCII, RFC 3987 section 2.2. What is in
 * brackets is IPvFuture, or address.c decides. */
#define URI_SET "A-Za-z0-9._~!$&'()*+,;=\\-"
#define SCHEME  "[A-Za-z][A-Za-z0-9+.\\-]*:"
#define HOST(more)                                                                                 \
    "(?:\\[(?:[vV]" HEX "+\\.[" URI_SET ":]+|[0-9A-Fa-f:.]+)\\]|" RUN(URI_SET more) ")"
#define SERVER(more)   "//(?:" RUN(URI_SET more ":") "@)?" HOST(more) "(?::[0-9]*)?"
#define QUERY(more)    "(?:\\?" RUN(URI_SET more ":@/?") ")?(?:#" RUN(URI_SET more ":@/?") ")?$"
#define REST(more)     "(?:" SERVER(more) "(?![^/?#])|(?!//))" RUN(URI_SET more ":@/") QUERY(more)
#define ABSOLUTE(more) "^" SCHEME REST(more)
/* the first segment of a relative path has no colon: that would be a scheme */
#define REFERENCE(more) "^(?:" SCHEME "|(?![^/?#]*:))" REST(more)
#define BEYOND_ASCII    "\\u{80}-\\u{10ffff}"

/* RFC 5321 section 4.1.2, Mailbox, and RFC 6531 section 3.3. */
#define ATOM(more)    "[A-Za-z0-9!#$%&'*+/=?^_`{|}~\\-" more "]+"
#define QUOTED        "\"(?:[ !#-\\[\\]-~]|\\\\[ -~])*\""
#define MAILBOX(more) "^(?:" ATOM(more) "(?:\\." ATOM(more) ")*|" QUOTED ")@[^@]*$"

/* RFC 6570 section 2. */
#define VARIABLE_PART "(?:[A-Za-z0-9_]|%" HEX "{2})+"
#define VARIABLE      VARIABLE_PART "(?:\\." VARIABLE_PART ")*(?:\\*|:[1-9][0-9]{0,3})?"
#define URI_TEMPLATE                                                                               \
    "^(?:[^\\u{0}- \"'%<>\\\\^`{|}\\u{7f}]|%" HEX "{2}|\\{[+#./;?&=,!@|]?" VARIABLE                \
    "(?:," VARIABLE ")*\\})*$"

/* RFC 3339 appendix A; a unit between two others can be left out, as in ISO 8601. */
#define DURATION                                                                                   \
    "^P(?:[0-9]+W|(?=[0-9T])(?:[0-9]+Y)?(?:[0-9]+M)?(?:[0-9]+D)?"                                  \
    "(?:T(?=[0-9])(?:[0-9]+H)?(?:[0-9]+M)?(?:[0-9]+S)?)?)$"

#define JSON_POINTER "(?:/[^~]*(?:~[01][^~]*)*)?$" /* RFC 6901 section 3 */
/* draft-bhutton-relative-json-pointer-00 section 3 */
#define RELATIVE_JSON_POINTER "^(?:0|[1-9][0-9]*)(?:[+\\-][1-9][0-9]*)?(?:#$|" JSON_POINTER ")"

/* Formats of JSON Schema, then of OpenAPI's registry, ajv-formats and code generators. */
static const struct format formats[] = {
    {"date", "a date like 2026-11-23", NULL, is_date, false},
    {"time", "a time like 23:05:00Z or 23:05:00+01:00", NULL, is_time, false},
    {"date-time", "a time like 2026-11-23T23:05:00Z", NULL, is_date_time, false},
    {"duration", "a duration like P3DT12H30M or P2W", DURATION, NULL, false},
    {"email", "an e-mail address", MAILBOX(""), address_is_email, false},
    {"idn-email", "an e-mail address", MAILBOX(BEYOND_ASCII), address_is_idn_email, false},
    {"hostname", "a host name", NULL, address_is_hostname, false},
    {"idn-hostname", "a host name", NULL, address_is_idn_hostname, false},
    {"ipv4", "an IPv4 address", NULL, address_is_ipv4, false},
    {"ipv6", "an IPv6 address", NULL, address_is_ipv6, false},
    {"uri", "a URI with a scheme, like https://example.org/", ABSOLUTE(""), address_has_host,
     false},
    {"uri-reference", "a URI or a relative reference", REFERENCE(""), address_has_host, false},
    {"iri", "an IRI with a scheme, like https://example.org/", ABSOLUTE(BEYOND_ASCII),
     address_has_host, false},
    {"iri-reference", "an IRI or a relative reference", REFERENCE(BEYOND_ASCII), address_has_host,
     false},
    {"uri-template", "a URI template like /items/{id}", URI_TEMPLATE, NULL, false},
    {"uuid", "a UUID like 123e4567-e89b-12d3-a456-426614174000", NULL, is_uuid, false},
    {"json-pointer", "a JSON pointer like /items/0", "^" JSON_POINTER, NULL, false},
    {"relative-json-pointer", "a relative JSON pointer like 1/items", RELATIVE_JSON_POINTER, NULL,
     false},
    {"regex", "a regular expression", NULL, is_regex, false},
    {"guid", "a UUID like 123e4567-e89b-12d3-a456-426614174000", NULL, is_uuid, false},
    {"url", "a URL with a scheme, like https://example.org/", ABSOLUTE(""), address_has_host,
     false},
    {"byte", "Base64", "^[A-Za-z0-9+/]*={0,2}$", is_of_fours, false}, /* RFC 4648 section 4 */
    {"binary", NULL, NULL, NULL, false},
    {"password", NULL, NULL, NULL, false},
    {"int8", "a whole number from -128 to 127", NULL, is_int8, true},
    {"uint8", "a whole number from 0 to 255", NULL, is_uint8, true},
    {"int16", "a whole number from -32768 to 32767", NULL, is_int16, true},
    {"uint16", "a whole number from 0 to 65535", NULL, is_uint16, true},
    {"int32", "a whole number from -2147483648 to 2147483647", NULL, is_int32, true},
    {"int64", "a whole number from -9223372036854775808 to 9223372036854775807", NULL, is_int64,
     true},
    {"uint32", "a whole number from 0 to 4294967295", NULL, is_uint32, true},
    {"uint", "a whole number from 0 to 18446744073709551615", NULL, is_uint64, true},
    {"uint64", "a whole number from 0 to 18446744073709551615", NULL, is_uint64, true},
    {"float", "a number in the range of a float", NULL, is_float, true},
    {"double", "a number in the range of a double", NULL, is_double, true},
};

const struct format *format_find(struct span name)
{
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (span_is(name, formats[i].name))
            return &formats[i];
    return NULL;
}
