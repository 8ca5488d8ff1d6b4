/* Which API and which login a setting means, and whether it is safe to talk to them. */
#pragma once

#include "core/base/err.h"
#include "core/http/token.h"

#include <stdbool.h>

struct environment {
    char api_url[512];   /* scheme://host[:port], no slash at the end */
    char login_url[512]; /* the login, for messages: without a query */
    char token_url[512]; /* where tokens are asked for */
    char api_host[256];  /* lower case, without the brackets of an IPv6 address */
    bool foreign_login;  /* token_url was named, and can be any OAuth server's */
    bool platform_login; /* it is in a domain of the platform */
};

/* Where the API and its login are, as settings name them. */
struct environment_names {
    const char *api;       /* a URL (`https://api.mypurecloud.de`), a domain (`mypurecloud.de`) or a
                              region (`eu-central-1`, `eu_central_1`) of the platform */
    const char *login_url; /* scheme, host and port; NULL: `https://login.X` for `https://api.X`,
                              and any other host is its own login */
    const char *token_url; /* the whole URL of a token endpoint, instead of a login; or NULL */
    bool login_is_option, token_is_option; /* they are not from a variable */
};

/* Fills *environment. ERR_CONFIG: not understood, plain http to a host that is not loopback, user
 * names in a URL, a path that is too much or missing, a login of another domain than the API that
 * is not from an option. */
bool environment_resolve(const struct environment_names *names, struct environment *environment,
                         struct err *err);

/* Opens the token of a client in the environment; the caller closes it (token_close). */
struct token *environment_token(const struct environment *environment,
                                const struct token_client *client, int64_t timeout_ms);
