/* Whole texts from one encoding to another, through iconv(3); the streams of the readers have
 * transcode.h. Private to core/row. */
#ifndef ROWFERRY_ROW_RECODE_H
#define ROWFERRY_ROW_RECODE_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/row/encoding.h"

#include <stdbool.h>

struct recoder;

/* From UTF-8 to the encoding (UTF-16: little endian), or back (big_endian: of UTF-16). NULL with
 * ERR_CONFIG where this system knows no such conversion. */
struct recoder *recode_to(enum row_encoding encoding, struct err *err);
struct recoder *recode_from(enum row_encoding encoding, bool big_endian, struct err *err);
void recode_close(struct recoder *recoder);

/* Appends the converted text. What has no place in the encoding becomes the substitute, which is
 * written as it is; without one, false, and out is as it was. */
bool recode(struct recoder *recoder, struct span text, const char *substitute, struct buf *out);

#endif
