/* A progress bar as one line of text that never wraps. */
#ifndef ROWFERRY_BASE_BAR_H
#define ROWFERRY_BASE_BAR_H

#include "core/base/buf.h"

#include <stddef.h>

/* Appends `[####......]  part  part`, at most columns - 1 wide: terminals wrap behind the last.
 * share: what is done, 0 to 1; negative where nobody knows, and then there is no bar. Of the parts,
 * in order and free of control characters, those stand there that have room beside a bar of at
 * least 8 columns; empty ones are passed over. What is left is the bar's, up to 32. Where not even
 * the first part has room, it is cut. */
void bar_render(struct buf *out, size_t columns, double share, const char *const *parts,
                size_t count);

/* Columns that a terminal may take for UTF-8 text, at most: what is not ASCII counts as two. */
size_t bar_width(struct span text);

/* Bytes of the longest beginning of the text that is at most so wide. */
size_t bar_fit(struct span text, size_t width);

#endif
