/* What the name of a file in an inbox says about it. */
#pragma once

#include "core/row/row.h"

#include <stdbool.h>
#include <stddef.h>

/* Returns the format of a name or path by its ending, in any case, with or without .gz after it
 * (only the content decides whether it is compressed); ROW_FORMAT_NONE if it is another ending. */
enum row_format file_name_format(const char *name);

/* True if it ends in that, by the same rule. */
bool file_name_ends_in(const char *name, const char *ending);

/* Returns what to do with a file that can be an export, but in a format that is not read (.xlsx,
 * .zip, ...), such as `a workbook is not read: save it as ...`; NULL for any other name. */
const char *file_name_advice(const char *name);

/* True for the name (without folders) of a file that is still written (.part, .crdownload, ~, ...),
 * of a marker, a checksum, or a file of the desktop. */
bool file_name_is_side(const char *name);

/* Returns the n-th ending of checksum files, which are next to the file with that sum; NULL after
 * the last. algorithm: its name in OpenSSL; can be NULL. */
const char *file_name_checksum(size_t n, const char **algorithm);

/* True if one of the shell patterns, separated by commas, matches the name; patterns can be NULL.
 */
bool file_name_is_ignored(const char *name, const char *patterns);

/* Writes the other name of a marker: that of the file with the suffix instead of its ending. False
 * if it has none, or it is too long for size. */
bool file_name_stem_marker(const char *name, const char *suffix, char *marker, size_t size);
