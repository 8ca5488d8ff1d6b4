/* Base64 (RFC 4648): what HTTP Basic wants, and what a JWT is written in. */
#ifndef ROWFERRY_BASE_BASE64_H
#define ROWFERRY_BASE_BASE64_H

#include "core/base/buf.h"

#include <stdbool.h>

/* Appends the standard form with padding (section 4). */
void base64_encode(struct buf *out, struct span bytes);

/* Appends what a text in the URL-safe alphabet without padding (section 5; RFC 7515 section 2)
 * stands for. False when it is none; out then holds a part of it. */
bool base64url_decode(struct buf *out, struct span text);

#endif
