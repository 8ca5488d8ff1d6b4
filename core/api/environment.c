#include "core/api/environment.h"

#include "core/http/url.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* The platform's regions, as its documentation lists them. The API is `api.` before the domain, the
 * login `login.`. */
static const struct region {
    const char *name;
    const char *domain;
} regions[] = {
    {"us-east-1", "mypurecloud.com"},
    {"us-west-2", "usw2.pure.cloud"},
    {"us-east-2", "use2.us-gov-pure.cloud"},
    {"ca-central-1", "cac1.pure.cloud"},
    {"mx-central-1", "mxc1.pure.cloud"},
    {"sa-east-1", "sae1.pure.cloud"},
    {"eu-west-1", "mypurecloud.ie"},
    {"eu-west-2", "euw2.pure.cloud"},
    {"eu-central-1", "mypurecloud.de"},
    {"eu-central-2", "euc2.pure.cloud"},
    {"eusc-de-east-1", "edee1.eusc-pure.cloud"},
    {"me-central-1", "mec1.pure.cloud"},
    {"ap-south-1", "aps1.pure.cloud"},
    {"ap-southeast-1", "apse1.pure.cloud"},
    {"ap-southeast-2", "mypurecloud.com.au"},
    {"ap-northeast-1", "mypurecloud.jp"},
    {"ap-northeast-2", "apne2.pure.cloud"},
    {"ap-northeast-3", "apne3.pure.cloud"},
};

enum { REGIONS = sizeof regions / sizeof *regions };

/* What of a setting is shown in messages. */
enum { SHOWN_SIZE = 200 };

/* `EU_Central_1` is eu-central-1. */
static bool same_token(const char *text, const char *name)
{
    for (; *text && *name; text++, name++)
        if (tolower((unsigned char)*text) != *name && !(*text == '_' && *name == '-'))
            return false;
    return !*text && !*name;
}

/* The domain that a region or domain means, with or without `api.`; NULL when it is none of them.
 */
static const char *find_domain(const char *text)
{
    const char *bare = strncasecmp(text, "api.", 4) == 0 ? text + 4 : text;

    for (size_t i = 0; i < REGIONS; i++)
        if (same_token(text, regions[i].name) || strcasecmp(bare, regions[i].domain) == 0)
            return regions[i].domain;
    return NULL;
}

/* The platform's domain that the host lies in, though it is not its API; else NULL. */
static const char *misplaced(const char *host)
{
    for (size_t i = 0; i < REGIONS; i++) {
        size_t size = strlen(host), domain_size = strlen(regions[i].domain);
        const char *tail = host + size - domain_size;

        if (size < domain_size || strcmp(tail, regions[i].domain) != 0)
            continue;
        if (tail == host || (tail[-1] == '.' && strncmp(host, "api.", (size_t)(tail - host)) != 0))
            return regions[i].domain;
    }
    return NULL;
}

/* Letters, digits, '-', '_' and '.'; or what an IPv6 address is written with. */
static bool is_host(struct span host, bool bracketed)
{
    for (size_t i = 0; i < host.size; i++) {
        unsigned char byte = (unsigned char)host.data[i];

        if (!isascii(byte))
            return false;
        if (bracketed ? !isxdigit(byte) && byte != ':' && byte != '.'
                      : !isalnum(byte) && !strchr("-_.", byte))
            return false;
    }
    return true;
}

/* An address of ours: where it is, and how it is written. */
struct origin {
    char url[512];
    char host[256]; /* lower case, without brackets */
};

/* What speaks against a URL as the origin of an API, or NULL. */
static const char *find_fault(const struct url *url, bool https, bool bracketed)
{
    struct span rest = url->rest;
    int64_t port;

    if (url->host.size >= sizeof((struct origin *)0)->host || !is_host(url->host, bracketed))
        return "the host is no name or address";
    if (url->port.size > 5 || (url->port.size && !str_to_int64(url->port, 1, 65535, &port)))
        return "the port is no number from 1 to 65535";
    if (rest.size && !span_is(rest, "/"))
        return "it has a path: only scheme, host and port belong here";
    if (!https && !url_host_is_loopback(url->host))
        return "plain http is for loopback alone: write https";
    return NULL;
}

static void write_origin(const struct url *url, bool https, bool bracketed, struct origin *origin)
{
    for (size_t i = 0; i < url->host.size; i++)
        origin->host[i] = (char)tolower((unsigned char)url->host.data[i]);
    origin->host[url->host.size] = '\0';
    snprintf(origin->url, sizeof origin->url, "%s://%s%s%s%s%.*s", https ? "https" : "http",
             bracketed ? "[" : "", origin->host, bracketed ? "]" : "", url->port.size ? ":" : "",
             (int)url->port.size, url->port.size ? url->port.data : "");
}

/* A setting as messages show it; nothing of it where a password may stand before an '@'. */
static const char *shown(const char *text, char out[SHOWN_SIZE])
{
    return str_printable(span_of(strchr(text, '@') ? "..." : text), out, SHOWN_SIZE);
}

/* what: the setting's name in messages. */
static bool parse_origin(const char *what, const char *text, struct origin *origin, struct err *err)
{
    const char *fault = "it is no URL like https://api.mypurecloud.com";
    bool https = strncasecmp(text, "https:", 6) == 0, bracketed;
    char out[SHOWN_SIZE];
    struct url url;

    if (url_parse(span_of(text), &url) && (https || strncasecmp(text, "http:", 5) == 0)) {
        if (url.has_user)
            return err_set(err, ERR_CONFIG, "%s: a URL here has no user name or password", what);
        bracketed = url.host.data[-1] == '[';
        fault = find_fault(&url, https, bracketed);
        if (!fault) {
            write_origin(&url, https, bracketed, origin);
            return true;
        }
    }
    return err_set(err, ERR_CONFIG, "%s '%s': %s", what, shown(text, out), fault);
}

static bool resolve_api(const char *text, struct origin *api, struct err *err)
{
    char url[300], out[SHOWN_SIZE];
    const char *domain = find_domain(text);

    if (domain) {
        snprintf(url, sizeof url, "https://api.%s", domain);
        return parse_origin("environment", url, api, err);
    }
    if (!strstr(text, "://"))
        return err_set(err, ERR_CONFIG,
                       "environment '%s': it is no region (eu-central-1) or domain "
                       "(mypurecloud.de) of the platform; another API is named by its URL, "
                       "https://HOST",
                       shown(text, out));
    if (!parse_origin("environment", text, api, err))
        return false;
    domain = misplaced(api->host);
    if (domain)
        return err_set(err, ERR_CONFIG, "environment '%s': the API is at https://api.%s", api->url,
                       domain);
    return true;
}

/* `https://api.X` -> `https://login.X`; any other host is its own login. */
static void derive_login(const struct origin *api, struct origin *login)
{
    const char *at = strstr(api->url, "://api.");

    *login = *api;
    if (at)
        snprintf(login->url, sizeof login->url, "%.*s://login.%s", (int)(at - api->url), api->url,
                 at + strlen("://api."));
}

bool environment_resolve(const char *text, const char *login_url, bool login_url_is_option,
                         struct environment *environment, struct err *err)
{
    struct origin api, login;

    if (!resolve_api(text, &api, err))
        return false;
    if (!login_url)
        derive_login(&api, &login);
    else if (!parse_origin("login URL", login_url, &login, err))
        return false;
    else if (!login_url_is_option && !environment_same_domain(api.host, login.host))
        return err_set(err, ERR_CONFIG,
                       "login URL '%s': it is of another domain than the API's '%s', and the "
                       "client secret would go there: give it as the option --login-url if that "
                       "is meant",
                       login.url, api.url);
    memcpy(environment->api_url, api.url, sizeof environment->api_url);
    memcpy(environment->login_url, login.url, sizeof environment->login_url);
    memcpy(environment->api_host, api.host, sizeof environment->api_host);
    return true;
}

bool environment_is_loopback(const char *host)
{
    return url_host_is_loopback(span_of(host));
}

bool environment_same_domain(const char *api_host, const char *host)
{
    return url_same_domain(span_of(api_host), span_of(host));
}
