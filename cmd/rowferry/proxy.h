/* The proxy that the environment names. */
#ifndef ROWFERRY_CMD_PROXY_H
#define ROWFERRY_CMD_PROXY_H

#include "core/api/environment.h"
#include "core/base/buf.h"
#include "core/base/err.h"

#include <stdbool.h>

/* The variable that libcurl takes the proxy for this URL from (https_proxy, HTTPS_PROXY,
 * http_proxy, all_proxy, ALL_PROXY); NULL when there is none, or the URL is at loopback, which does
 * without. */
const char *proxy_variable(const char *url);

/* Appends `SCHEME://HOST:PORT (VARIABLE)` of the proxy for this URL, without the user-info; nothing
 * where there is none. */
void proxy_name(const char *url, struct buf *out);

/* Checks the proxies for API and login. ERR_CONFIG names the variable and shows nothing of it. */
bool proxy_check(const struct environment *environment, struct err *err);

#endif
