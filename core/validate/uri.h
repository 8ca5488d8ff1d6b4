/* URI references and their resolution. */
#ifndef ROWFERRY_VALIDATE_URI_H
#define ROWFERRY_VALIDATE_URI_H

#include "core/base/buf.h"
#include "core/base/str.h"

#include <stdbool.h>

/* Appends the target of a reference without its fragment (RFC 3986 section 5.2.2). If the base is
 * relative or empty, the target is relative too. */
void uri_resolve(struct span base, struct span reference, struct buf *out);

/* Returns a reference up to its '#'; *fragment is what follows, or empty. */
struct span uri_without_fragment(struct span reference, struct span *fragment);

/* Appends text with its percent-encoded bytes decoded (RFC 3986 section 2.1). False if a '%' is not
 * followed by two digits. */
bool uri_decode(struct span text, struct buf *out);

#endif
