/* The keyword `format`, as an assertion. */
#ifndef ROWFERRY_VALIDATE_FORMAT_H
#define ROWFERRY_VALIDATE_FORMAT_H

#include "core/base/str.h"

#include <stdbool.h>

struct format {
    const char *name;
    const char *meaning; /* for a message: `must be ...` */
    bool (*holds)(struct span text);
};

/* The format of that name, or NULL where there is none. */
const struct format *format_find(struct span name);

/* The names of all, for a message. */
const char *format_names(void);

/* What format.c does not hold itself. text is valid UTF-8. Only an A-label (xn--) allocates. */
bool format_is_hostname(struct span text); /* RFC 1123 section 2.1, RFC 5891 section 5.4 */
bool format_is_email(struct span text);    /* RFC 5321 section 4.1.2, Mailbox */
bool format_is_uri(struct span text);      /* RFC 3986 appendix A, with a scheme */
bool format_is_ipv4(struct span text);     /* RFC 2673 section 3.2 */
bool format_is_ipv6(struct span text);     /* RFC 4291 section 2.2 */

#endif
