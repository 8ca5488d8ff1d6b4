/* Base64 (RFC 4648). */
#pragma once

#include "core/base/buf.h"

#include <stdbool.h>

enum base64 {
    BASE64_PADDED, /* section 4: '+' and '/', with padding; HTTP Basic */
    BASE64_URL,    /* section 5: '-' and '_', without padding; JWT (RFC 7515 section 2) */
};

void base64_encode(struct buf *out, struct span bytes, enum base64 form);

/* Appends the bytes that text encodes. False when text is not in this form, or has bits set after
 * its last byte (section 3.5); out then holds a part of it. */
bool base64_decode(struct buf *out, struct span text, enum base64 form);
