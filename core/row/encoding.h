/* The encodings that a CSV file may be in, and their conversion to UTF-8 while the size of what was
 * converted stays known in bytes of the file. */
#ifndef ROWFERRY_ROW_ENCODING_H
#define ROWFERRY_ROW_ENCODING_H

#include "core/base/str.h"

#include <stdbool.h>
#include <stddef.h>

enum row_encoding {
    ROW_ENCODING_NONE, /* not declared: UTF-8, or UTF-16 where a byte order mark says so */
    ROW_ENCODING_UTF_8,
    ROW_ENCODING_UTF_16, /* with a byte order mark */
    ROW_ENCODING_WINDOWS_1252,
    ROW_ENCODING_ISO_8859_1,
    ROW_ENCODING_ISO_8859_15,
};

/* `windows-1252`; NULL for ROW_ENCODING_NONE. */
const char *encoding_name(enum row_encoding encoding);

/* As iconv(3) calls it; big_endian is of UTF-16. */
const char *encoding_iconv_name(enum row_encoding encoding, bool big_endian);

/* By its name in any case; false: it is none of these. */
bool encoding_find(struct span name, enum row_encoding *encoding);

#endif
