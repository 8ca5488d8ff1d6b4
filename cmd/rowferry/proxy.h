/* The proxy, from the variables of the environment. */
#pragma once

#include "core/api/environment.h"
#include "core/base/buf.h"
#include "core/base/err.h"

#include <stdbool.h>

/* Appends `SCHEME://HOST:PORT (VARIABLE)` of the proxy for this URL, if there is one, without the
 * user-info. */
void proxy_name(const char *url, struct buf *out);

/* Checks the proxies for API and login. ERR_CONFIG names the variable, and shows nothing of its
 * value. */
bool proxy_check(const struct environment *environment, struct err *err);
