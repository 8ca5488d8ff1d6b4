#include "core/validate/address.h"

#include <arpa/inet.h>
#include <idn2.h>

enum {
    HOSTNAME_MAX = 253, /* bytes; RFC 1035 section 2.3.4, without the root's dot */
    LABEL_MAX = 63,
    UNICODE_NAME_MAX = 4 * HOSTNAME_MAX, /* bytes in UTF-8 */
    LOCAL_PART_MAX = 64,                 /* RFC 5321 section 4.5.3.1.1 */
    ADDRESS_MAX = 45,                    /* bytes of the longest IPv6 address */
};

/* Part of a character beyond ASCII; the text is valid UTF-8. */
static bool is_wide(char byte)
{
    return (unsigned char)byte >= 0x80;
}

static struct span up_to(struct span text, size_t size)
{
    return (struct span){text.data, size < text.size ? size : text.size};
}

/* Offset of the first of these bytes, or text.size. */
static size_t find_byte(struct span text, const char *set)
{
    size_t i = 0;

    while (i < text.size && !str_has(set, text.data[i]))
        i++;
    return i;
}

/* True if the U-label of an A-label would be registered under it (RFC 5891 section 4). */
static bool is_a_label(struct span label)
{
    char lower[LABEL_MAX + 1] = {0};
    uint8_t *out = NULL;
    int code;

    for (size_t i = 0; i < label.size; i++)
        lower[i] = (char)(str_is_letter(label.data[i]) ? label.data[i] | 0x20 : label.data[i]);
    code = idn2_register_u8(NULL, (const uint8_t *)lower, &out, 0);
    idn2_free(out);
    return code == IDN2_OK;
}

static bool is_label(struct span label)
{
    if (!label.size || label.size > LABEL_MAX)
        return false;
    for (size_t i = 0; i < label.size; i++)
        if (!str_is_letter(label.data[i]) && !str_is_digit(label.data[i]) && label.data[i] != '-')
            return false;
    if (label.data[0] == '-' || label.data[label.size - 1] == '-')
        return false;
    if (label.size >= 4 && strncasecmp(label.data, "xn--", 4) == 0)
        return is_a_label(label);
    return true;
}

/* True for a U-label that could be registered, with at most LABEL_MAX bytes as an A-label. */
static bool is_u_label(struct span label)
{
    char text[4 * LABEL_MAX + 1] = {0};
    uint8_t *out = NULL;
    bool wide = false;

    for (size_t i = 0; i < label.size; i++)
        wide |= is_wide(label.data[i]);
    if (!wide)
        return is_label(label);
    if (label.size >= sizeof text || memchr(label.data, '\0', label.size))
        return false;
    memcpy(text, label.data, label.size);
    wide = idn2_register_u8((const uint8_t *)text, NULL, &out, 0) == IDN2_OK;
    idn2_free(out);
    return wide;
}

static bool are_labels(struct span text, size_t size_max, bool (*holds)(struct span label))
{
    if (text.size > size_max)
        return false;
    for (;;) {
        size_t size = find_byte(text, ".");

        if (!holds(up_to(text, size)))
            return false;
        if (size == text.size)
            return true;
        text = span_from(text, size + 1);
    }
}

bool address_is_hostname(struct span text)
{
    return are_labels(text, HOSTNAME_MAX, is_label);
}

bool address_is_idn_hostname(struct span text)
{
    return are_labels(text, UNICODE_NAME_MAX, is_u_label);
}

/* Copies the address with a NUL after it; false if it is too long or contains a NUL itself. */
static bool copy_address(struct span text, char out[ADDRESS_MAX + 1])
{
    if (!text.size || text.size > ADDRESS_MAX || memchr(text.data, '\0', text.size))
        return false;
    memcpy(out, text.data, text.size);
    out[text.size] = '\0';
    return true;
}

bool address_is_ipv4(struct span text)
{
    char address[ADDRESS_MAX + 1];
    struct in_addr parsed;

    return copy_address(text, address) && inet_pton(AF_INET, address, &parsed) == 1;
}

bool address_is_ipv6(struct span text)
{
    char address[ADDRESS_MAX + 1];
    struct in6_addr parsed;

    return copy_address(text, address) && inet_pton(AF_INET6, address, &parsed) == 1;
}

static bool is_dot_string(struct span text, bool wide)
{
    bool dot = true; /* none can be first, last or next to another */

    for (size_t i = 0; i < text.size; i++) {
        char byte = text.data[i];

        if (byte == '.' ? dot
                        : !str_is_letter(byte) && !str_is_digit(byte) &&
                              !str_has("!#$%&'*+-/=?^_`{|}~", byte) && !(wide && is_wide(byte)))
            return false;
        dot = byte == '.';
    }
    return !dot;
}

static bool is_quoted_string(struct span text)
{
    if (text.size < 2 || text.data[0] != '"' || text.data[text.size - 1] != '"')
        return false;
    for (size_t i = 1; i < text.size - 1; i++) {
        if (text.data[i] == '"')
            return false;
        if (text.data[i] == '\\' && ++i == text.size - 1)
            return false;
        if (text.data[i] < ' ' || text.data[i] > '~')
            return false;
    }
    return true;
}

/* address-literal, without the forms that RFC 5321 leaves to later standards. */
static bool is_address_literal(struct span text)
{
    if (text.size < 2 || text.data[0] != '[' || text.data[text.size - 1] != ']')
        return false;
    text = (struct span){text.data + 1, text.size - 2};
    if (text.size > 5 && strncasecmp(text.data, "IPv6:", 5) == 0)
        return address_is_ipv6(span_from(text, 5));
    return address_is_ipv4(text);
}

static bool is_mailbox(struct span text, bool wide)
{
    size_t at = text.size;
    struct span local, domain;

    while (at > 0 && text.data[at - 1] != '@')
        at--;
    if (at < 2 || at - 1 > LOCAL_PART_MAX)
        return false;
    local = up_to(text, at - 1);
    domain = span_from(text, at);
    if (!is_dot_string(local, wide) && !is_quoted_string(local))
        return false;
    return (wide ? address_is_idn_hostname(domain) : address_is_hostname(domain)) ||
           is_address_literal(domain);
}

bool address_is_email(struct span text)
{
    return is_mailbox(text, false);
}

bool address_is_idn_email(struct span text)
{
    return is_mailbox(text, true);
}

/* True if text consists of unreserved, sub-delims, characters of the set, and percent-encoded
 * bytes; wide: as in an IRI. */
static bool is_made_of(struct span text, const char *set, bool wide)
{
    for (size_t i = 0; i < text.size; i++) {
        char byte = text.data[i];

        if (byte == '%') {
            if (text.size - i < 3 || str_hex_value(text.data[i + 1]) < 0 ||
                str_hex_value(text.data[i + 2]) < 0)
                return false;
            i += 2;
        } else if (!str_is_letter(byte) && !str_is_digit(byte) &&
                   !str_has("-._~!$&'()*+,;=", byte) && !str_has(set, byte) &&
                   !(wide && is_wide(byte))) {
            return false;
        }
    }
    return true;
}

/* IPvFuture between its brackets: "v" 1*HEXDIG "." 1*( unreserved / sub-delims / ":" ). */
static bool is_future_address(struct span text)
{
    size_t dot = find_byte(text, ".");

    if (text.size < 4 || (text.data[0] | 0x20) != 'v' || dot < 2 || dot + 1 >= text.size)
        return false;
    for (size_t i = 1; i < dot; i++)
        if (str_hex_value(text.data[i]) < 0)
            return false;
    text = span_from(text, dot + 1);
    return find_byte(text, "%") == text.size && is_made_of(text, ":", false);
}

/* [ userinfo "@" ] host [ ":" port ] */
static bool is_authority(struct span text, bool wide)
{
    size_t at = find_byte(text, "@"), end;

    if (at < text.size) {
        if (!is_made_of(up_to(text, at), ":", wide))
            return false;
        text = span_from(text, at + 1);
    }
    if (text.size && text.data[0] == '[') {
        struct span inside;

        end = find_byte(text, "]");
        if (end == text.size)
            return false;
        inside = (struct span){text.data + 1, end - 1};
        if (!address_is_ipv6(inside) && !is_future_address(inside))
            return false;
        end++;
    } else {
        end = find_byte(text, ":");
        if (!is_made_of(up_to(text, end), "", wide))
            return false;
    }
    text = span_from(text, end);
    for (size_t i = 0; i < text.size; i++)
        if (i == 0 ? text.data[i] != ':' : !str_is_digit(text.data[i]))
            return false;
    return true;
}

/* hier-part: what follows the scheme and its colon, without query and fragment. */
static bool is_hier_part(struct span text, bool wide)
{
    if (text.size >= 2 && memcmp(text.data, "//", 2) == 0) {
        size_t size;

        text = span_from(text, 2);
        size = find_byte(text, "/");
        if (!is_authority(up_to(text, size), wide))
            return false;
        text = span_from(text, size);
    }
    return is_made_of(text, ":@/", wide);
}

/* Returns the size of the scheme, or 0 if there is none. */
static size_t scheme_size(struct span text)
{
    size_t colon = find_byte(text, ":/?#");

    if (!colon || colon == text.size || text.data[colon] != ':' || !str_is_letter(text.data[0]))
        return 0;
    for (size_t i = 1; i < colon; i++)
        if (!str_is_letter(text.data[i]) && !str_is_digit(text.data[i]) &&
            !str_has("+-.", text.data[i]))
            return 0;
    return colon;
}

/* A URI without the scheme and its colon. */
static bool is_rest(struct span text, bool wide)
{
    static const char set[] = ":@/?";
    size_t hash = find_byte(text, "#"), query = find_byte(up_to(text, hash), "?");

    if (hash < text.size && !is_made_of(span_from(text, hash + 1), set, wide))
        return false;
    if (query < hash && !is_made_of(span_from(up_to(text, hash), query + 1), set, wide))
        return false;
    return is_hier_part(up_to(text, query < hash ? query : hash), wide);
}

static bool is_absolute(struct span text, bool wide)
{
    size_t colon = scheme_size(text);

    return colon && is_rest(span_from(text, colon + 1), wide);
}

/* The first segment of a relative path has no colon: that would be a scheme. */
static bool is_reference(struct span text, bool wide)
{
    size_t step = find_byte(text, ":/?#");

    if (step < text.size && text.data[step] == ':')
        return is_absolute(text, wide);
    return is_rest(text, wide);
}

bool address_is_uri(struct span text)
{
    return is_absolute(text, false);
}

bool address_is_uri_reference(struct span text)
{
    return is_reference(text, false);
}

bool address_is_iri(struct span text)
{
    return is_absolute(text, true);
}

bool address_is_iri_reference(struct span text)
{
    return is_reference(text, true);
}

/* varname [ ":" max-length / "*" ] */
static bool is_variable(struct span text)
{
    size_t size = find_byte(text, ":*");
    struct span name = up_to(text, size), digits;

    for (size_t i = 0, start = 0; i <= name.size; i++) {
        if (i < name.size && name.data[i] != '.') {
            if (name.data[i] == '%' && (name.size - i < 3 || str_hex_value(name.data[i + 1]) < 0 ||
                                        str_hex_value(name.data[i + 2]) < 0))
                return false;
            if (!str_is_letter(name.data[i]) && !str_is_digit(name.data[i]) &&
                !str_has("_%", name.data[i]))
                return false;
            continue;
        }
        if (i == start) /* a dot needs a name on both sides */
            return false;
        start = i + 1;
    }
    if (size == text.size || span_is(span_from(text, size), "*"))
        return true;
    digits = span_from(text, size + 1);
    for (size_t i = 0; i < digits.size; i++)
        if (!str_is_digit(digits.data[i]))
            return false;
    return text.data[size] == ':' && digits.size >= 1 && digits.size <= 4 && digits.data[0] != '0';
}

/* The text between braces: an operator and variables. */
static bool is_expression(struct span text)
{
    if (text.size && str_has("+#./;?&=,!@|", text.data[0]))
        text = span_from(text, 1);
    for (;;) {
        size_t size = find_byte(text, ",");

        if (!is_variable(up_to(text, size)))
            return false;
        if (size == text.size)
            return true;
        text = span_from(text, size + 1);
    }
}

bool address_is_uri_template(struct span text)
{
    while (text.size) {
        size_t open = find_byte(text, "{}"), close;

        for (size_t i = 0; i < open; i++) {
            char byte = text.data[i];

            if ((unsigned char)byte <= ' ' || byte == 0x7F || str_has("\"'<>\\^`|", byte) ||
                (byte == '%' && (open - i < 3 || str_hex_value(text.data[i + 1]) < 0 ||
                                 str_hex_value(text.data[i + 2]) < 0)))
                return false;
        }
        if (open == text.size)
            return true;
        close = find_byte(text, "}");
        if (close <= open || close == text.size ||
            !is_expression((struct span){text.data + open + 1, close - open - 1}))
            return false;
        text = span_from(text, close + 1);
    }
    return true;
}
