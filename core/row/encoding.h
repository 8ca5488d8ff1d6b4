/* The encodings that a CSV file may be in: what the bytes of a file say for and against one, and
 * conversion to UTF-8 and back through iconv(3). */
#ifndef ROWFERRY_ROW_ENCODING_H
#define ROWFERRY_ROW_ENCODING_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/str.h"

#include <iconv.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

/* A byte as UTF-8; no character: size 0. */
struct transcoded {
    char bytes[3];
    unsigned char size;
};

struct transcoder {
    enum row_encoding encoding;
    iconv_t iconv;
    struct transcoded table[256]; /* where a byte is a character */
    char *data;       /* bytes of the file: data[begin] .. data[end - 1] are not taken yet */
    size_t begin;     /* of what the window holds */
    size_t converted; /* up to here it is in the window */
    size_t end, capacity;
    size_t hashed;             /* up to here the hash has seen them */
    bool ended;                /* the file ends at data[end] */
    bool bad;                  /* what is at `converted` is not a character of the encoding */
    struct utf8_evidence utf8; /* of what was converted; only where a byte is a character */
};

/* mark: the byte order mark of UTF-16, big endian or not; ignored for the others. text_capacity:
 * bytes of converted text that are kept at once; block: bytes that one read adds. NULL with
 * ERR_CONFIG where this system knows no such conversion. */
struct transcoder *transcode_open(enum row_encoding encoding, bool big_endian, size_t text_capacity,
                                  size_t block, struct err *err);
void transcode_close(struct transcoder *transcoder);

/* Room for the next bytes of the file; the caller adds what it put there to `end`. */
static inline char *transcode_room(struct transcoder *transcoder)
{
    return transcoder->data + transcoder->end;
}

/* Drops what was taken; hashed equals begin. */
void transcode_move(struct transcoder *transcoder);

/* Converts into out what fits; the bytes of UTF-8. 0: more bytes are needed, `bad`, or the end. */
size_t transcode_more(struct transcoder *transcoder, char *out, size_t room);

/* How many bytes of the file a text was converted from. */
size_t transcode_size(const struct transcoder *transcoder, struct span text);

/* How many code points are in it. */
size_t transcode_characters(struct span text);

/* How much of the text was converted from the first `size` bytes of it. */
size_t transcode_text_size(const struct transcoder *transcoder, struct span text, size_t size);

/* `byte 0x81 is not windows-1252`, of what is bad, and what may have happened. */
void transcode_describe(const struct transcoder *transcoder, char *out, size_t out_size);

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
