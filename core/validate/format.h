/* The keyword `format`, as an assertion. */
#ifndef ROWFERRY_VALIDATE_FORMAT_H
#define ROWFERRY_VALIDATE_FORMAT_H

#include "core/base/str.h"

#include <stdbool.h>

struct format {
    const char *name;
    const char *meaning;             /* for a message: `must be ...` */
    bool (*holds)(struct span text); /* of a number, its digits; NULL where nothing is asserted */
    bool of_numbers;                 /* strings are passed over, otherwise numbers are */
};

/* The format of that name, or NULL where there is none. */
const struct format *format_find(struct span name);

/* What format.c does not hold itself. text is valid UTF-8. Only an A-label (xn--) allocates. */
bool format_is_hostname(struct span text); /* RFC 1123 section 2.1, RFC 5891 section 5.4 */
bool format_is_email(struct span text);    /* RFC 5321 section 4.1.2, Mailbox */
bool format_is_uri(struct span text);      /* RFC 3986 appendix A, with a scheme */
bool format_is_uri_reference(struct span text);
bool format_is_iri(struct span text); /* RFC 3987 section 2.2 */
bool format_is_iri_reference(struct span text);
bool format_is_uri_template(struct span text); /* RFC 6570 section 2 */
bool format_is_idn_hostname(struct span text); /* RFC 5890 section 2.3.2.3 */
bool format_is_idn_email(struct span text);    /* RFC 6531 section 3.3 */
bool format_is_ipv4(struct span text);         /* RFC 2673 section 3.2 */
bool format_is_ipv6(struct span text);         /* RFC 4291 section 2.2 */

#endif
