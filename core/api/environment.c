#include "core/api/environment.h"

#include "core/http/url.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* The regions of the platform by its documentation. The host of the API is `api.` and the domain,
 * that of the login `login.` and the domain. */
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

enum {
    REGIONS = sizeof regions / sizeof *regions,
    SHOWN_SIZE = 200, /* of a setting in messages */
};

/* True also for other spellings: `EU_Central_1` is eu-central-1. */
static bool same_token(const char *text, const char *name)
{
    for (; *text && *name; text++, name++)
        if (tolower((unsigned char)*text) != *name && !(*text == '_' && *name == '-'))
            return false;
    return !*text && !*name;
}

/* Returns the domain that a region or domain, with or without `api.`, means; else NULL. */
static const char *find_domain(const char *text)
{
    const char *bare = strncasecmp(text, "api.", 4) == 0 ? text + 4 : text;

    for (size_t i = 0; i < REGIONS; i++)
        if (same_token(text, regions[i].name) || strcasecmp(bare, regions[i].domain) == 0)
            return regions[i].domain;
    return NULL;
}

/* Returns the domain of the platform that the host is in; else NULL. */
static const char *domain_of(const char *host)
{
    for (size_t i = 0; i < REGIONS; i++) {
        size_t size = strlen(host), domain_size = strlen(regions[i].domain);
        const char *tail = host + size - domain_size;

        if (size >= domain_size && strcmp(tail, regions[i].domain) == 0 &&
            (tail == host || tail[-1] == '.'))
            return regions[i].domain;
    }
    return NULL;
}

/* True for letters, digits, '-', '_' and '.'; in brackets for what IPv6 addresses consist of. */
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

/* A URL of scheme, host and port. */
struct origin {
    char url[512];
    char host[256]; /* lower case, without brackets */
};

/* True for a path, and perhaps a query, of visible ASCII. */
static bool is_path(struct span text)
{
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] < 0x21 || text.data[i] > 0x7E || text.data[i] == '#')
            return false;
    return text.size > 1 && text.data[0] == '/';
}

/* Why a URL cannot be the origin of an API, or the URL of a token endpoint (with_path), after its
 * text; or NULL. */
static const char *find_fault(const struct url *url, bool https, bool bracketed, bool with_path)
{
    struct span rest = url->rest;
    int64_t port;

    if (url->host.size >= sizeof((struct origin *)0)->host || !is_host(url->host, bracketed))
        return "has a host that is not a name or an address";
    if (url->port.size > 5 || (url->port.size && !str_to_int64(url->port, 1, 65535, &port)))
        return "has a port that is not a number from 1 to 65535";
    if (with_path && !is_path(rest))
        return "has no path, or one with blanks, '#' or bytes that are not ASCII: give the whole "
               "URL of the token endpoint";
    if (!with_path && rest.size && !span_is(rest, "/"))
        return "has a path: give only scheme, host and port";
    if (!https && !url_host_is_loopback(url->host))
        return "is plain http, which is for loopback alone: write https";
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

/* A setting as messages show it: nothing of it if there is an '@', because a password can be before
 * it. */
static const char *shown(const char *text, char out[SHOWN_SIZE])
{
    return str_printable(span_of(strchr(text, '@') ? "..." : text), out, SHOWN_SIZE);
}

/* what: the name of the setting in messages. path: NULL (the text must have none), or the path and
 * query. */
static bool parse_origin(const char *what, const char *text, struct span *path,
                         struct origin *origin, struct err *err)
{
    const char *fault = "is not a URL like https://api.mypurecloud.com";
    bool https = strncasecmp(text, "https:", 6) == 0, bracketed;
    char out[SHOWN_SIZE];
    struct url url;

    if (url_parse(span_of(text), &url) && (https || strncasecmp(text, "http:", 5) == 0)) {
        if (url.has_user)
            return err_set(err, ERR_CONFIG,
                           "the %s has a user name or password: give the URL without", what);
        bracketed = url.host.data[-1] == '[';
        fault = find_fault(&url, https, bracketed, path);
        if (!fault) {
            write_origin(&url, https, bracketed, origin);
            if (path)
                *path = url.rest;
            return true;
        }
    }
    return err_set(err, ERR_CONFIG, "%s '%s' %s", what, shown(text, out), fault);
}

static bool resolve_api(const char *text, struct origin *api, struct err *err)
{
    char url[300], out[SHOWN_SIZE];
    const char *domain = find_domain(text);

    if (domain) {
        snprintf(url, sizeof url, "https://api.%s", domain);
        return parse_origin("environment", url, NULL, api, err);
    }
    if (!strstr(text, "://"))
        return err_set(err, ERR_CONFIG,
                       "environment '%s' is not a region (eu-central-1) or domain "
                       "(mypurecloud.de) of the platform: name another API by its URL, "
                       "https://HOST",
                       shown(text, out));
    if (!parse_origin("environment", text, NULL, api, err))
        return false;
    domain = domain_of(api->host);
    if (domain && (strncmp(api->host, "api.", 4) != 0 || strcmp(api->host + 4, domain) != 0))
        return err_set(err, ERR_CONFIG, "environment '%s' is not the API: it is at https://api.%s",
                       api->url, domain);
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

/* Fills in where tokens are asked for, at a login without a path or at a token endpoint. */
static bool resolve_login(const struct environment_names *names, const struct origin *api,
                          struct environment *environment, struct err *err)
{
    const char *what = names->token_url ? "token URL" : "login URL";
    struct span path = span_of("/oauth/token");
    size_t size, shown_size = 0; /* of the path */
    struct origin login;

    if (names->token_url) {
        if (!parse_origin(what, names->token_url, &path, &login, err))
            return false;
        shown_size = strcspn(path.data, "?");
    } else if (!names->login_url) {
        derive_login(api, &login);
    } else if (!parse_origin(what, names->login_url, NULL, &login, err)) {
        return false;
    }
    if ((names->token_url ? !names->token_is_option
                          : names->login_url && !names->login_is_option) &&
        !url_same_domain(span_of(api->host), span_of(login.host)))
        return err_set(err, ERR_CONFIG,
                       "%s '%s' is of another domain than the API '%s', and would receive the "
                       "client secret: give it as the option --%s if that is meant",
                       what, login.url, api->url, names->token_url ? "token-url" : "login-url");
    size = strlen(login.url);
    if (size + path.size >= sizeof environment->token_url)
        return err_set(err, ERR_CONFIG, "the %s is longer than %zu bytes", what,
                       sizeof environment->token_url - 1);
    memcpy(environment->token_url, login.url, size);
    memcpy(environment->token_url + size, path.data, path.size + 1);
    memcpy(environment->login_url, environment->token_url, size + shown_size);
    environment->login_url[size + shown_size] = '\0';
    environment->foreign_login = names->token_url;
    environment->platform_login = domain_of(login.host);
    return true;
}

bool environment_resolve(const struct environment_names *names, struct environment *environment,
                         struct err *err)
{
    struct origin api;

    if (!resolve_api(names->api, &api, err) || !resolve_login(names, &api, environment, err))
        return false;
    memcpy(environment->api_url, api.url, sizeof environment->api_url);
    memcpy(environment->api_host, api.host, sizeof environment->api_host);
    return true;
}

struct token *environment_token(const struct environment *environment,
                                const struct token_client *client, int64_t timeout_ms)
{
    return token_open(&(struct token_options){
        .url = environment->token_url,
        .login_url = environment->login_url,
        .api_host = environment->foreign_login ? NULL : environment->api_host,
        .platform = environment->platform_login,
        .client = *client,
        .timeout_ms = timeout_ms,
    });
}
