/* The parts of an absolute URL (RFC 3986), and properties of its host. */
#pragma once

#include "core/base/str.h"

#include <stdbool.h>

/* Spans into the text; a part that is not there is empty. */
struct url {
    struct span scheme;
    struct span user; /* user names and passwords: never to be shown */
    struct span host; /* without the brackets of an IPv6 address */
    struct span port;
    struct span rest; /* path, query and fragment */
    bool has_user;
};

/* Splits `scheme://[user@]host[:port][rest]`, without checking the contents of the parts. False
 * when the text has another form or no host. */
bool url_parse(struct span text, struct url *url);

/* True for 127.0.0.0/8, ::1 and localhost. */
bool url_host_is_loopback(struct span host);

/* True when host is the domain of api_host (which is api_host without `api.`) or is in it, or when
 * both are loopback. Letters of either case. */
bool url_same_domain(struct span api_host, struct span host);
