/* Names of places in a network: host names, addresses, URIs. text is valid UTF-8; only an A-label
 * (xn--) allocates. */
#pragma once

#include "core/base/str.h"

bool address_is_hostname(struct span text); /* RFC 1123 section 2.1, RFC 5891 section 5.4 */
bool address_is_email(struct span text);    /* RFC 5321 section 4.1.2, Mailbox */
bool address_is_uri(struct span text);      /* RFC 3986 appendix A, with a scheme */
bool address_is_uri_reference(struct span text);
bool address_is_iri(struct span text); /* RFC 3987 section 2.2 */
bool address_is_iri_reference(struct span text);
bool address_is_uri_template(struct span text); /* RFC 6570 section 2 */
bool address_is_idn_hostname(struct span text); /* RFC 5890 section 2.3.2.3 */
bool address_is_idn_email(struct span text);    /* RFC 6531 section 3.3 */
bool address_is_ipv4(struct span text);         /* RFC 2673 section 3.2 */
bool address_is_ipv6(struct span text);         /* RFC 4291 section 2.2 */
