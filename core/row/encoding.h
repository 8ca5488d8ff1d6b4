/* The encodings that a CSV file may be in, and what the bytes of a file say for and against one. */
#ifndef ROWFERRY_ROW_ENCODING_H
#define ROWFERRY_ROW_ENCODING_H

#include "core/base/str.h"

#include <stdbool.h>
#include <stddef.h>

enum row_encoding {
    ROW_ENCODING_NONE, /* not declared: UTF-8, or UTF-16 where a byte order mark says so */
    ROW_ENCODING_UTF_8,
    ROW_ENCODING_UTF_16, /* with a byte order mark */
    ROW_ENCODING_UTF_16LE,
    ROW_ENCODING_UTF_16BE,
    ROW_ENCODING_WINDOWS_1252, /* from here on a byte is a character */
    ROW_ENCODING_ISO_8859_1,
    ROW_ENCODING_ISO_8859_15,
    ROW_ENCODING_CP850,
    ROW_ENCODING_CP437,
    ROW_ENCODINGS,
};

/* Their names, for messages. */
#define ROW_ENCODING_LIST                                                                          \
    "UTF-8, UTF-16, UTF-16LE, UTF-16BE, windows-1252, ISO-8859-1, ISO-8859-15, CP850 or CP437"

/* `windows-1252`; NULL for ROW_ENCODING_NONE. */
const char *encoding_name(enum row_encoding encoding);

/* As iconv(3) calls it; big_endian is of ROW_ENCODING_UTF_16. */
const char *encoding_iconv_name(enum row_encoding encoding, bool big_endian);

/* By its name in any case; false: it is none of these. */
bool encoding_find(struct span name, enum row_encoding *encoding);

static inline bool encoding_is_utf_16(enum row_encoding encoding)
{
    return encoding >= ROW_ENCODING_UTF_16 && encoding <= ROW_ENCODING_UTF_16BE;
}

static inline bool encoding_is_single_byte(enum row_encoding encoding)
{
    return encoding >= ROW_ENCODING_WINDOWS_1252;
}

/* Whether nothing speaks against a text being in that single-byte encoding: it has no control
 * character but tab, CR and LF, and each byte above 0x7f is a character of windows-1252, or in
 * CP850 (every byte is one of its characters) a letter or part of a frame of several; in the others
 * every byte may occur. */
bool encoding_fits(enum row_encoding encoding, struct span text);

/* Which of windows-1252 and CP850 fit such a text, for people; likely: the first of them. NULL:
 * neither fits. */
const char *encoding_guess_single_byte(struct span text, enum row_encoding *likely);

/* UTF-16 without a byte order mark, by the zeros of its ASCII characters; else
 * ROW_ENCODING_NONE. first: the beginning of a file. */
enum row_encoding encoding_guess_utf_16(struct span first);

/* Whether the bytes above 0x7f of a file are UTF-8, found while they pass. Zeroed: ready. */
struct utf8_evidence {
    size_t sequences; /* of several bytes */
    bool broken;      /* one was not UTF-8 */
    char pending[4];  /* the beginning of one */
    size_t pending_size;
};

void utf8_evidence_add(struct utf8_evidence *evidence, struct span bytes);

#endif
