/* What the name of a file in an inbox says of it. */
#ifndef ROWFERRY_INBOX_FILE_NAME_H
#define ROWFERRY_INBOX_FILE_NAME_H

#include "core/row/row.h"

#include <stdbool.h>
#include <stddef.h>

/* The format that a name or path ends in, in any case and perhaps with .gz after it (what is
 * compressed is determined from its content alone); ROW_FORMAT_NONE: none of ours. */
enum row_format file_name_format(const char *name);

/* Whether it ends in that, by the same rule. */
bool file_name_ends_in(const char *name, const char *ending);

/* What to do with a file of a format that is not read though it may be somebody's export (.xlsx,
 * .zip, ...), as `it is a workbook: save it as ...`; NULL: it is none of those. */
const char *file_name_advice(const char *name);

/* Whether the name (without folders) is one that programs give a file while they write it (.part,
 * .crdownload, ~, ...), or that of a marker, a checksum or a file of the desktop. */
bool file_name_is_side(const char *name);

/* The endings of checksum files, which lie next to the file whose sum they hold: the n-th, or NULL
 * after the last. algorithm: as OpenSSL names it; may be NULL. */
const char *file_name_checksum(size_t n, const char **algorithm);

/* Whether one of the shell patterns, with commas between them, fits the name; patterns may be NULL.
 */
bool file_name_is_ignored(const char *name, const char *patterns);

/* The other name that a marker of the suffix has: that of the file without its ending. False: there
 * is none, or it is too long for size. */
bool file_name_stem_marker(const char *name, const char *suffix, char *marker, size_t size);

#endif
