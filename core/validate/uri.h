/* URI references and their resolution. */
#pragma once

#include "core/base/buf.h"
#include "core/base/str.h"

/* Appends the target of a reference without its fragment (RFC 3986 section 5.2.2). If the base is
 * relative or empty, the target is relative too. */
void uri_resolve(struct span base, struct span reference, struct buf *out);

/* Returns a reference up to its '#'; *fragment is what follows, or empty. */
struct span uri_without_fragment(struct span reference, struct span *fragment);
