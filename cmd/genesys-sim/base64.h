/* Base64 (RFC 4648): the URL alphabet out, the usual one in. */
#ifndef GENESYS_SIM_BASE64_H
#define GENESYS_SIM_BASE64_H

#include "core/base/buf.h"
#include "core/base/str.h"

#include <stdbool.h>

/* Appends bytes in the alphabet of section 5, without padding. */
void base64_append_url(struct buf *out, struct span bytes);

/* Appends what text encodes in the alphabet of section 4, padding required; false when it is
 * anything else. */
bool base64_decode(struct buf *out, struct span text);

#endif
