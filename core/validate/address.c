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
        size_t size = span_until(text, ".");

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

static bool is_mailbox(struct span text, bool (*is_domain)(struct span domain))
{
    size_t at = text.size - 1;

    while (text.data[at] != '@')
        at--;
    text = span_from(text, at + 1);
    return at <= LOCAL_PART_MAX && (is_domain(text) || is_address_literal(text));
}

bool address_is_email(struct span text)
{
    return is_mailbox(text, address_is_hostname);
}

bool address_is_idn_email(struct span text)
{
    return is_mailbox(text, address_is_idn_hostname);
}

bool address_has_host(struct span text)
{
    size_t open = span_until(text, "["), close = span_until(text, "]");

    return open == text.size || (text.data[open + 1] | 0x20) == 'v' ||
           address_is_ipv6((struct span){text.data + open + 1, close - open - 1});
}
