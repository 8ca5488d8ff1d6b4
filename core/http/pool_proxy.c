#include "core/http/pool_proxy.h"

#include "core/base/str.h"

#include <curl/curl.h>
#include <string.h>
#include <strings.h>

/* Of libcurl's parse_proxy (lib/url.c). */
static bool is_known_scheme(const char *scheme)
{
    static const char *const schemes[] = {"http",    "socks",  "socks4",
                                          "socks4a", "socks5", "socks5h"};
    bool https = curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_HTTPS_PROXY;

    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (strcasecmp(scheme, schemes[i]) == 0)
            return true;
    return https && strcasecmp(scheme, "https") == 0;
}

/* A part that is missing is fine. With CURLU_URLDECODE, control characters are not. */
static bool can_be_decoded(CURLU *url, CURLUPart part)
{
    char *text = NULL;
    CURLUcode code = curl_url_get(url, part, &text, CURLU_URLDECODE);

    if (text)
        explicit_bzero(text, strlen(text));
    curl_free(text);
    return code == CURLUE_OK || code == CURLUE_NO_USER || code == CURLUE_NO_PASSWORD;
}

static const char *find_fault(CURLU *url, const char *text)
{
    CURLUcode code =
        curl_url_set(url, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME | CURLU_GUESS_SCHEME);
    const char *start = strstr(text, "://"), *authority = start ? start + 3 : text;
    char *scheme = NULL;
    bool known;

    if (code != CURLUE_OK)
        return curl_url_strerror(code);
    if (strchr(authority + strcspn(authority, "/?#"), '@'))
        return "there is an @ after the host";
    if (curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK)
        return "it has no scheme";
    known = is_known_scheme(scheme);
    curl_free(scheme);
    if (!known)
        return "the scheme is not http, https, socks4, socks4a, socks5 or socks5h";
    if (!can_be_decoded(url, CURLUPART_USER) || !can_be_decoded(url, CURLUPART_PASSWORD))
        return "the user name or the password holds a control character";
    return NULL;
}

bool pool_proxy_check(const char *name, const char *text, struct err *err)
{
    CURLU *url = curl_url();
    const char *fault = url ? find_fault(url, text) : "out of memory";

    curl_url_cleanup(url);
    return !fault ||
           err_set(err, ERR_CONFIG,
                   "%s is not the URL of a proxy (%s): write http://HOST:PORT or "
                   "http://USER:PASSWORD@HOST:PORT, and # / ? @ and blanks within user name and "
                   "password as %%23 %%2F %%3F %%40 %%20",
                   name, fault);
}
