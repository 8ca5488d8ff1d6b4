/* Whether a proxy's URL, as environment variables name it, is one that libcurl can use. */
#ifndef ROWFERRY_HTTP_POOL_PROXY_H
#define ROWFERRY_HTTP_POOL_PROXY_H

#include "core/base/err.h"

#include <stdbool.h>

/* Reads text as libcurl reads a proxy: [SCHEME://][USER:PASSWORD@]HOST[:PORT]. name is what the
 * message calls it. ERR_CONFIG when libcurl would refuse it, or would take a part of a password for
 * a host or a path; err holds nothing of the text, because a password may be in it. */
bool pool_proxy_check(const char *name, const char *text, struct err *err);

#endif
