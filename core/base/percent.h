/* Percent-encoding (RFC 3986 section 2.1) of any bytes. */
#pragma once

#include "core/base/buf.h"

#include <stdbool.h>

/* Appends text percent-encoded, except the unreserved characters of RFC 3986 section 2.3. */
void percent_encode(struct buf *out, struct span text);

/* Appends the bytes that text encodes; bytes that are not encoded stay as they are. False when a %
 * is not followed by two hexadecimal digits. */
bool percent_decode(struct buf *out, struct span text);
