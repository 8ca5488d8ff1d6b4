/* Which API and which login a setting means, and whether it is safe to talk to them. */
#ifndef ROWFERRY_API_ENVIRONMENT_H
#define ROWFERRY_API_ENVIRONMENT_H

#include "core/base/err.h"

#include <stdbool.h>

struct environment {
    char api_url[512]; /* scheme://host[:port], no slash at the end */
    char login_url[512];
    char api_host[256]; /* lower case, without the brackets of an IPv6 address */
};

/* text: a URL (`https://api.mypurecloud.de`), a domain (`mypurecloud.de`) or a region
 * (`eu-central-1`, `eu_central_1`) of the platform. login_url: NULL (then `https://api.X` logs in
 * at `https://login.X`, and any other host at itself) or an override; login_url_is_option tells
 * whether it came as an option: a login host of another domain than the API's needs that.
 * ERR_CONFIG: not understood, plain http to a host that is not loopback, user names or a path in
 * the URL, a login of another domain. */
bool environment_resolve(const char *text, const char *login_url, bool login_url_is_option,
                         struct environment *environment, struct err *err);

/* True for 127.0.0.0/8, ::1 and localhost. */
bool environment_is_loopback(const char *host);

/* True when host is the domain of the API host (what is left of it without `api.`) or lies in it,
 * or both are loopback. */
bool environment_same_domain(const char *api_host, const char *host);

#endif
