#include "core/http/url.h"

#include <arpa/inet.h>
#include <strings.h>

static inline bool is_one_of(char byte, const char *set)
{
    for (; *set; set++)
        if (*set == byte)
            return true;
    return false;
}

/* Returns the text before the first of the bytes in `ends`; rest: that byte and what follows. */
static inline struct span cut_at(struct span text, const char *ends, struct span *rest)
{
    size_t size = 0;

    while (size < text.size && !is_one_of(text.data[size], ends))
        size++;
    *rest = span_from(text, size);
    return (struct span){text.data, size};
}

/* Reads host[:port] or [IPv6][:port] (RFC 3986 section 3.2). */
static bool parse_host(struct span text, struct url *url)
{
    struct span rest;

    if (text.size && text.data[0] == '[') {
        url->host = cut_at(span_from(text, 1), "]", &rest);
        if (!rest.size)
            return false;
        rest = span_from(rest, 1);
    } else {
        url->host = cut_at(text, ":", &rest);
    }
    if (rest.size) {
        if (rest.data[0] != ':' || rest.size == 1)
            return false;
        url->port = span_from(rest, 1);
    }
    return url->host.size > 0;
}

bool url_parse(struct span text, struct url *url)
{
    struct span authority;

    *url = (struct url){0};
    url->scheme = cut_at(text, ":/?#", &text);
    if (!url->scheme.size || text.size < 3 || memcmp(text.data, "://", 3) != 0)
        return false;
    authority = cut_at(span_from(text, 3), "/?#", &url->rest);
    for (size_t i = authority.size; i > 0; i--) {
        if (authority.data[i - 1] != '@')
            continue;
        url->has_user = true;
        url->user = (struct span){authority.data, i - 1};
        authority = span_from(authority, i);
        break;
    }
    return parse_host(authority, url);
}

static bool same_letters(struct span a, struct span b)
{
    return a.size == b.size && (a.size == 0 || strncasecmp(a.data, b.data, a.size) == 0);
}

bool url_host_is_loopback(struct span host)
{
    char text[INET6_ADDRSTRLEN];
    struct in_addr four;
    struct in6_addr six;

    if (same_letters(host, span_of("localhost")))
        return true;
    /* called for every request: most names are rejected by their first byte */
    if (!host.size || host.size >= sizeof text || !is_one_of(host.data[0], "01:"))
        return false;
    memcpy(text, host.data, host.size);
    text[host.size] = '\0';
    if (inet_pton(AF_INET, text, &four) == 1)
        return ntohl(four.s_addr) >> 24 == 127;
    return inet_pton(AF_INET6, text, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

bool url_same_domain(struct span api_host, struct span host)
{
    struct span domain = api_host, tail;

    if (url_host_is_loopback(api_host) && url_host_is_loopback(host))
        return true;
    if (domain.size > 4 && strncasecmp(domain.data, "api.", 4) == 0)
        domain = span_from(domain, 4);
    if (host.size <= domain.size)
        return same_letters(host, domain);
    tail = (struct span){host.data + host.size - domain.size, domain.size};
    return tail.data[-1] == '.' && same_letters(tail, domain);
}
