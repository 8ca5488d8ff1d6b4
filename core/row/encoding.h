/* The encodings that a CSV file can be in: evidence for and against each, and conversion to UTF-8
 * and back through iconv(3). */
#pragma once

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum row_encoding {
    ROW_ENCODING_NONE, /* not declared: UTF-8, or UTF-16 with a byte order mark */
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

/* Finds an encoding by its name in any case. False: it is not one of these. */
bool encoding_find(struct span name, enum row_encoding *encoding);

static inline bool encoding_is_utf_16(enum row_encoding encoding)
{
    return encoding >= ROW_ENCODING_UTF_16 && encoding <= ROW_ENCODING_UTF_16BE;
}

static inline bool encoding_is_single_byte(enum row_encoding encoding)
{
    return encoding >= ROW_ENCODING_WINDOWS_1252;
}

/* Returns whether a text can be in that single-byte encoding: it has no control character but tab,
 * CR and LF, and each byte above 0x7f is a character of windows-1252, or in CP850, where every byte
 * is a character, a letter or part of a frame. In the others every byte can occur. */
bool encoding_fits(enum row_encoding encoding, struct span text);

/* Returns which of windows-1252 and CP850 fit such a text, for messages; *likely: the first of
 * them. NULL: neither. */
const char *encoding_guess_single_byte(struct span text, enum row_encoding *likely);

/* Recognizes UTF-16 without a byte order mark by the zeros of its ASCII characters; else
 * ROW_ENCODING_NONE. first: the beginning of a file. */
enum row_encoding encoding_guess_utf_16(struct span first);

/* Evidence, collected while a file is read, of whether its bytes above 0x7f are UTF-8. Zeroed is
 * empty. */
struct utf8_evidence {
    size_t sequences; /* of several bytes */
    bool broken;      /* one was not UTF-8 */
    char pending[4];  /* the beginning of one */
    size_t pending_size;
};

void utf8_evidence_add(struct utf8_evidence *evidence, struct span bytes);

/* A byte as UTF-8; size 0: it is not a character. */
struct transcoded {
    char bytes[3];
    unsigned char size;
};

struct transcoder {
    enum row_encoding encoding;
    void *iconv;                  /* iconv_t; <iconv.h> is for encoding.c */
    struct transcoded table[256]; /* for single-byte encodings */
    char *data;       /* bytes of the file; data[begin] .. data[end - 1] are not taken yet */
    size_t begin;     /* of what the window holds */
    size_t converted; /* converted up to here */
    size_t end, capacity;
    size_t hashed;             /* hashed up to here */
    bool ended;                /* the file ends at data[end] */
    bool bad;                  /* what is at `converted` is not a character of the encoding */
    struct utf8_evidence utf8; /* of what was converted; only for single-byte encodings */
};

/* big_endian: of UTF-16; ignored for the others. text_capacity: bytes of converted text that are
 * kept at once. block: bytes that one read adds. NULL with ERR_CONFIG if this system lacks the
 * conversion. */
struct transcoder *transcode_open(enum row_encoding encoding, bool big_endian, size_t text_capacity,
                                  size_t block, struct err *err);
void transcode_close(struct transcoder *transcoder);

/* Returns room for the next bytes of the file; the caller adds what it read to `end`. */
static inline char *transcode_room(struct transcoder *transcoder)
{
    return transcoder->data + transcoder->end;
}

/* Drops what was taken, which must be hashed. */
void transcode_move(struct transcoder *transcoder);

/* Converts what fits into out; returns the bytes of UTF-8. 0: more bytes are needed, or `bad`, or
 * the end. */
size_t transcode_more(struct transcoder *transcoder, char *out, size_t room);

/* Returns how many bytes of the file became a text. */
size_t transcode_size(const struct transcoder *transcoder, struct span text);

/* Returns the number of code points in a text. */
size_t transcode_characters(struct span text);

/* Returns how much of the text came from the first `size` bytes. */
size_t transcode_text_size(const struct transcoder *transcoder, struct span text, size_t size);

/* Describes what is bad: `byte 0x81 is not windows-1252`, and what can be the cause. */
void transcode_describe(const struct transcoder *transcoder, char *out, size_t out_size);

struct recoder;

/* Open a conversion from UTF-8 to the encoding (UTF-16: little endian), or back (big_endian: of
 * UTF-16). NULL with ERR_CONFIG if this system lacks the conversion. */
struct recoder *recode_to(enum row_encoding encoding, struct err *err);
struct recoder *recode_from(enum row_encoding encoding, bool big_endian, struct err *err);
void recode_close(struct recoder *recoder);

/* Appends the converted text. Characters that the encoding lacks become the substitute, which is
 * written as it is. Without one: false, and out is unchanged. */
bool recode(struct recoder *recoder, struct span text, const char *substitute, struct buf *out);
