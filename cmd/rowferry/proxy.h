/* The proxy that the environment names. */
#ifndef ROWFERRY_CMD_PROXY_H
#define ROWFERRY_CMD_PROXY_H

#include "core/api/environment.h"
#include "core/base/err.h"

#include <stdbool.h>

/* The variable that libcurl takes the proxy for this URL from (https_proxy, HTTPS_PROXY,
 * http_proxy, all_proxy, ALL_PROXY); NULL when there is none, or the URL is at loopback, which does
 * without. */
const char *proxy_variable(const char *url);

/* Checks the proxies for API and login. ERR_CONFIG names the variable and shows nothing of it. */
bool proxy_check(const struct environment *environment, struct err *err);

#endif
