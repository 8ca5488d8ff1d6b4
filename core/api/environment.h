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

/* Fills *environment. text: a URL (`https://api.mypurecloud.de`), a domain (`mypurecloud.de`) or a
 * region (`eu-central-1`, `eu_central_1`) of the platform. login_url: NULL (then `https://api.X`
 * logs in at `https://login.X`, and any other host at itself) or another login; one of another
 * domain than the API has to be an option (login_url_is_option). ERR_CONFIG: not understood, plain
 * http to a host that is not loopback, user names or a path in the URL, a login of another domain.
 */
bool environment_resolve(const char *text, const char *login_url, bool login_url_is_option,
                         struct environment *environment, struct err *err);

#endif
