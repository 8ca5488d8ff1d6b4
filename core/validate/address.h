/* Names of places in a network: host names and addresses. text is valid UTF-8; only an A-label
 * (xn--) allocates. */
#pragma once

#include "core/base/str.h"

bool address_is_hostname(struct span text);     /* RFC 1123 section 2.1, RFC 5891 section 5.4 */
bool address_is_idn_hostname(struct span text); /* RFC 5890 section 2.3.2.3 */
bool address_is_ipv4(struct span text);         /* RFC 2673 section 3.2 */
bool address_is_ipv6(struct span text);         /* RFC 4291 section 2.2 */

/* Check what the patterns in format.c leave of an e-mail address, which has an `@`: the size of
 * what is before the last one, and the domain after it. */
bool address_is_email(struct span text);
bool address_is_idn_email(struct span text);

/* The same of a URI: an IPv6 address, if its host is in brackets. */
bool address_has_host(struct span text);
