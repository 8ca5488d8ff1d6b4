/* A progress bar as one line of text that never wraps. */
#pragma once

#include "core/base/buf.h"

#include <stddef.h>

/* Appends `[####......]  part  part`, at most columns - 1 wide, because terminals wrap after the
 * last column. share: what is done, 0 to 1; negative: unknown, and there is no bar. parts: free of
 * control characters; in their order, those are shown that fit next to a bar of at least 8 columns,
 * without empty ones. The bar takes the remaining columns, up to 32. If even the first part does
 * not fit, it is cut. */
void bar_render(struct buf *out, size_t columns, double share, const char *const *parts,
                size_t count);

/* Returns the columns that UTF-8 text takes at most: a character beyond ASCII counts as two. */
size_t bar_width(struct span text);

/* Returns the size of the longest beginning of the text that is at most so wide. */
size_t bar_fit(struct span text, size_t width);
