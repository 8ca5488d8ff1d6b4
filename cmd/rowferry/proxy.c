#include "cmd/rowferry/proxy.h"

#include "core/http/pool.h"
#include "core/http/url.h"

#include <stdlib.h>
#include <string.h>

/* Returns the variable from which libcurl takes the proxy for this URL; NULL if there is none, or
 * if the URL is at loopback, which never uses a proxy. */
static const char *proxy_variable(const char *url)
{
    /* in libcurl's order (detect_proxy in its lib/url.c): never HTTP_PROXY, which a CGI's client
     * could set */
    static const struct {
        const char *scheme; /* NULL: any */
        const char *name;
    } variables[] = {{"https", "https_proxy"},
                     {"https", "HTTPS_PROXY"},
                     {"http", "http_proxy"},
                     {NULL, "all_proxy"},
                     {NULL, "ALL_PROXY"}};
    struct url parts;

    if (!url_parse(span_of(url), &parts) || url_host_is_loopback(parts.host))
        return NULL;
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        const char *value = getenv(variables[i].name), *scheme = variables[i].scheme;

        if (value && *value && (!scheme || span_is(parts.scheme, scheme)))
            return variables[i].name;
    }
    return NULL;
}

void proxy_name(const char *url, struct buf *out)
{
    const char *variable = proxy_variable(url), *value, *host, *at;

    value = variable ? getenv(variable) : NULL;
    if (!value)
        return;
    host = strstr(value, "://");
    host = host ? host + 3 : value;
    buf_append(out, value, (size_t)(host - value));
    at = strrchr(host, '@'); /* proxy_check has refused an @ after the host */
    buf_printf(out, "%s (%s)", at ? at + 1 : host, variable);
}

bool proxy_check(const struct environment *environment, struct err *err)
{
    const char *urls[] = {environment->api_url, environment->login_url};

    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        const char *name = proxy_variable(urls[i]);

        if (name && !http_proxy_check(name, getenv(name), err))
            return false;
    }
    return true;
}
