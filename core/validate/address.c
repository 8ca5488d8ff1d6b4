/* Formats that name a place in a network. */
#include "core/validate/format.h"

#include <arpa/inet.h>
#include <idn2.h>

enum {
    HOSTNAME_MAX = 253, /* bytes; RFC 1035 section 2.3.4, without the root's dot */
    LABEL_MAX = 63,
    LOCAL_PART_MAX = 64, /* RFC 5321 section 4.5.3.1.1 */
    ADDRESS_MAX = 45,    /* bytes of the longest IPv6 address */
};

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_letter(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

static bool is_hex(char byte)
{
    return is_digit(byte) || (byte >= 'a' && byte <= 'f') || (byte >= 'A' && byte <= 'F');
}

static bool is_one_of(char byte, const char *set)
{
    return byte && strchr(set, byte);
}

static struct span from(struct span text, size_t offset)
{
    return (struct span){text.data + offset, text.size - offset};
}

static struct span up_to(struct span text, size_t size)
{
    return (struct span){text.data, size < text.size ? size : text.size};
}

/* Offset of the first of these bytes, or text.size. */
static size_t find_byte(struct span text, const char *set)
{
    size_t i = 0;

    while (i < text.size && !is_one_of(text.data[i], set))
        i++;
    return i;
}

/* An A-label is one that its own U-label would be registered under: RFC 5891 section 4. */
static bool is_a_label(struct span label)
{
    char lower[LABEL_MAX + 1] = {0};
    uint8_t *out = NULL;
    int code;

    for (size_t i = 0; i < label.size; i++)
        lower[i] = (char)(is_letter(label.data[i]) ? label.data[i] | 0x20 : label.data[i]);
    code = idn2_register_u8(NULL, (const uint8_t *)lower, &out, 0);
    idn2_free(out);
    return code == IDN2_OK;
}

static bool is_label(struct span label)
{
    if (!label.size || label.size > LABEL_MAX)
        return false;
    for (size_t i = 0; i < label.size; i++)
        if (!is_letter(label.data[i]) && !is_digit(label.data[i]) && label.data[i] != '-')
            return false;
    if (label.data[0] == '-' || label.data[label.size - 1] == '-')
        return false;
    if (label.size >= 4 && strncasecmp(label.data, "xn--", 4) == 0)
        return is_a_label(label);
    return true;
}

bool format_is_hostname(struct span text)
{
    if (text.size > HOSTNAME_MAX)
        return false;
    for (;;) {
        size_t size = find_byte(text, ".");

        if (!is_label(up_to(text, size)))
            return false;
        if (size == text.size)
            return true;
        text = from(text, size + 1);
    }
}

/* Bytes of the address with a NUL behind, or false where it is too long or holds a NUL itself. */
static bool copy_address(struct span text, char out[ADDRESS_MAX + 1])
{
    if (!text.size || text.size > ADDRESS_MAX || memchr(text.data, '\0', text.size))
        return false;
    memcpy(out, text.data, text.size);
    out[text.size] = '\0';
    return true;
}

bool format_is_ipv4(struct span text)
{
    char address[ADDRESS_MAX + 1];
    struct in_addr parsed;

    return copy_address(text, address) && inet_pton(AF_INET, address, &parsed) == 1;
}

bool format_is_ipv6(struct span text)
{
    char address[ADDRESS_MAX + 1];
    struct in6_addr parsed;

    return copy_address(text, address) && inet_pton(AF_INET6, address, &parsed) == 1;
}

static bool is_dot_string(struct span text)
{
    bool dot = true; /* none may stand first, last or beside another */

    for (size_t i = 0; i < text.size; i++) {
        char byte = text.data[i];

        if (byte == '.'
                ? dot
                : !is_letter(byte) && !is_digit(byte) && !is_one_of(byte, "!#$%&'*+-/=?^_`{|}~"))
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

/* address-literal, without what RFC 5321 leaves to later standards. */
static bool is_address_literal(struct span text)
{
    if (text.size < 2 || text.data[0] != '[' || text.data[text.size - 1] != ']')
        return false;
    text = (struct span){text.data + 1, text.size - 2};
    if (text.size > 5 && strncasecmp(text.data, "IPv6:", 5) == 0)
        return format_is_ipv6(from(text, 5));
    return format_is_ipv4(text);
}

bool format_is_email(struct span text)
{
    size_t at = text.size;
    struct span local, domain;

    while (at > 0 && text.data[at - 1] != '@')
        at--;
    if (at < 2 || at - 1 > LOCAL_PART_MAX)
        return false;
    local = up_to(text, at - 1);
    domain = from(text, at);
    if (!is_dot_string(local) && !is_quoted_string(local))
        return false;
    return format_is_hostname(domain) || is_address_literal(domain);
}

/* Whether all of text is unreserved, sub-delims, of the set, or percent-encoded. */
static bool is_made_of(struct span text, const char *set)
{
    for (size_t i = 0; i < text.size; i++) {
        char byte = text.data[i];

        if (byte == '%') {
            if (text.size - i < 3 || !is_hex(text.data[i + 1]) || !is_hex(text.data[i + 2]))
                return false;
            i += 2;
        } else if (!is_letter(byte) && !is_digit(byte) && !is_one_of(byte, "-._~!$&'()*+,;=") &&
                   !is_one_of(byte, set)) {
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
        if (!is_hex(text.data[i]))
            return false;
    text = from(text, dot + 1);
    return find_byte(text, "%") == text.size && is_made_of(text, ":");
}

/* [ userinfo "@" ] host [ ":" port ] */
static bool is_authority(struct span text)
{
    size_t at = find_byte(text, "@"), end;

    if (at < text.size) {
        if (!is_made_of(up_to(text, at), ":"))
            return false;
        text = from(text, at + 1);
    }
    if (text.size && text.data[0] == '[') {
        struct span inside;

        end = find_byte(text, "]");
        if (end == text.size)
            return false;
        inside = (struct span){text.data + 1, end - 1};
        if (!format_is_ipv6(inside) && !is_future_address(inside))
            return false;
        end++;
    } else {
        end = find_byte(text, ":");
        if (!is_made_of(up_to(text, end), ""))
            return false;
    }
    text = from(text, end);
    for (size_t i = 0; i < text.size; i++)
        if (i == 0 ? text.data[i] != ':' : !is_digit(text.data[i]))
            return false;
    return true;
}

/* What stands behind the scheme and its colon. */
static bool is_hier_part(struct span text)
{
    if (text.size >= 2 && memcmp(text.data, "//", 2) == 0) {
        size_t size;

        text = from(text, 2);
        size = find_byte(text, "/");
        if (!is_authority(up_to(text, size)))
            return false;
        text = from(text, size);
    }
    return is_made_of(text, ":@/");
}

bool format_is_uri(struct span text)
{
    size_t colon = find_byte(text, ":"), hash, query;

    if (!colon || colon == text.size || !is_letter(text.data[0]))
        return false;
    for (size_t i = 1; i < colon; i++)
        if (!is_letter(text.data[i]) && !is_digit(text.data[i]) && !is_one_of(text.data[i], "+-."))
            return false;
    text = from(text, colon + 1);
    hash = find_byte(text, "#");
    query = find_byte(up_to(text, hash), "?");
    if (hash < text.size && !is_made_of(from(text, hash + 1), ":@/?"))
        return false;
    if (query < hash && !is_made_of(from(up_to(text, hash), query + 1), ":@/?"))
        return false;
    return is_hier_part(up_to(text, query < hash ? query : hash));
}
