/* Bytes of a file in a declared encoding -> UTF-8, through iconv(3), while the bytes themselves are
 * kept beside their conversion: each encoding here has a fixed count of bytes for a code point, so
 * that any piece of converted text tells which bytes it was made of. Rejected rows, hashes and
 * positions are thereby the file's own, without a way back through the conversion. Private to
 * source. */
#ifndef ROWFERRY_ROW_TRANSCODE_H
#define ROWFERRY_ROW_TRANSCODE_H

#include "core/base/err.h"
#include "core/row/encoding.h"

#include <iconv.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

#endif
