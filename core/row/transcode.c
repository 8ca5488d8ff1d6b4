#include "core/row/transcode.h"

#include "core/base/mem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As POSIX has it: what iconv_open gives where it fails. */
static bool is_open(iconv_t converter)
{
    return (intptr_t)converter != -1;
}

static bool start(struct transcoder *transcoder, bool big_endian, struct err *err)
{
    const char *name = encoding_iconv_name(transcoder->encoding, big_endian);

    transcoder->iconv = iconv_open("UTF-8", name);
    return is_open(transcoder->iconv) ||
           err_set(err, ERR_CONFIG, "this system cannot convert from %s: %s",
                   encoding_name(transcoder->encoding), strerror(errno));
}

/* Asks iconv for each byte once, so that the bytes of the file need not go through it. */
static void fill_table(struct transcoder *transcoder)
{
    for (unsigned byte = 0; byte < 256; byte++) {
        struct transcoded *entry = &transcoder->table[byte];
        char in = (char)byte, *from = &in, *to = entry->bytes;
        size_t left = 1, room = sizeof entry->bytes;

        if (iconv(transcoder->iconv, &from, &left, &to, &room) != (size_t)-1)
            entry->size = (unsigned char)(to - entry->bytes);
    }
}

struct transcoder *transcode_open(enum row_encoding encoding, bool big_endian, size_t text_capacity,
                                  size_t block, struct err *err)
{
    struct transcoder *transcoder = mem_calloc(1, sizeof *transcoder);

    transcoder->encoding = encoding;
    /* a byte of UTF-8 comes from two of UTF-16 at most; what is read comes before it is converted
     */
    transcoder->capacity = 2 * text_capacity + 2 * block;
    transcoder->data = mem_calloc(1, transcoder->capacity);
    if (!start(transcoder, big_endian, err)) {
        transcode_close(transcoder);
        return NULL;
    }
    if (encoding_is_single_byte(encoding))
        fill_table(transcoder);
    return transcoder;
}

void transcode_close(struct transcoder *transcoder)
{
    if (!transcoder)
        return;
    if (is_open(transcoder->iconv))
        iconv_close(transcoder->iconv);
    free(transcoder->data);
    free(transcoder);
}

void transcode_move(struct transcoder *transcoder)
{
    size_t begin = transcoder->begin;

    memmove(transcoder->data, transcoder->data + begin, transcoder->end - begin);
    transcoder->begin = transcoder->hashed = 0;
    transcoder->converted -= begin;
    transcoder->end -= begin;
}

/* How many of eight bytes come before the first above 0x7f. */
static inline size_t ascii_before(const char *at)
{
    uint64_t eight;

    memcpy(&eight, at, sizeof eight);
    eight &= UINT64_C(0x8080808080808080);
    if (!eight)
        return sizeof eight;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    return (size_t)__builtin_clzll(eight) / 8;
#else
    return (size_t)__builtin_ctzll(eight) / 8;
#endif
}

static size_t convert_bytes(struct transcoder *transcoder, char *out, size_t room)
{
    enum { EIGHT = sizeof(uint64_t) };
    const char *at = transcoder->data + transcoder->converted,
               *end = transcoder->data + transcoder->end;
    char *to = out, *last = out + room;

    while (at < end && last - to >= 2 * EIGHT) {
        const struct transcoded *entry;

        if (end - at >= EIGHT) {
            size_t ascii = ascii_before(at);

            memcpy(to, at, EIGHT);
            at += ascii;
            to += ascii;
            if (ascii == EIGHT)
                continue;
        }
        entry = &transcoder->table[(unsigned char)*at];
        if (!entry->size) {
            transcoder->bad = true;
            break;
        }
        memcpy(to, entry->bytes, sizeof entry->bytes);
        to += entry->size;
        at++;
    }
    utf8_evidence_add(&transcoder->utf8,
                      (struct span){transcoder->data + transcoder->converted,
                                    (size_t)(at - transcoder->data) - transcoder->converted});
    transcoder->converted = (size_t)(at - transcoder->data);
    return (size_t)(to - out);
}

size_t transcode_more(struct transcoder *transcoder, char *out, size_t room)
{
    char *from = transcoder->data + transcoder->converted, *to = out;
    size_t left = transcoder->end - transcoder->converted;
    size_t result;

    if (left == 0 || transcoder->bad)
        return 0;
    if (encoding_is_single_byte(transcoder->encoding))
        return convert_bytes(transcoder, out, room);
    errno = 0;
    result = iconv(transcoder->iconv, &from, &left, &to, &room);
    transcoder->converted = (size_t)(from - transcoder->data);
    if (result == (size_t)-1)
        transcoder->bad = errno == EILSEQ || (errno == EINVAL && transcoder->ended);
    return (size_t)(to - out);
}

/* A byte of UTF-8 that goes on is 10xxxxxx: its high bit is set, and the next is not. */
size_t transcode_characters(struct span text)
{
    const uint64_t highs = UINT64_C(0x8080808080808080);
    size_t count = text.size, i = 0;
    uint64_t eight;

    for (; text.size - i >= sizeof eight; i += sizeof eight) {
        memcpy(&eight, text.data + i, sizeof eight);
        if (eight & highs)
            count -= (size_t)__builtin_popcountll(eight & ~(eight << 1) & highs);
    }
    for (; i < text.size; i++)
        count -= ((unsigned char)text.data[i] & 0xC0) == 0x80;
    return count;
}

size_t transcode_size(const struct transcoder *transcoder, struct span text)
{
    size_t count = transcode_characters(text), pairs = 0;

    if (!encoding_is_utf_16(transcoder->encoding))
        return count;
    for (size_t i = 0; i < text.size; i++)
        pairs += (unsigned char)text.data[i] >= 0xF0;
    return 2 * (count + pairs);
}

size_t transcode_text_size(const struct transcoder *transcoder, struct span text, size_t size)
{
    size_t at = 0, done = 0;

    while (at < text.size && done < size) {
        size_t next = at + 1;

        while (next < text.size && ((unsigned char)text.data[next] & 0xC0) == 0x80)
            next++;
        done += transcode_size(transcoder, (struct span){text.data + at, next - at});
        at = next;
    }
    return at;
}

void transcode_describe(const struct transcoder *transcoder, char *out, size_t out_size)
{
    const unsigned char *bad = (const unsigned char *)transcoder->data + transcoder->converted;
    const struct utf8_evidence *utf8 = &transcoder->utf8;
    bool may_be_utf8 = !utf8->broken && (utf8->sequences || utf8->pending_size);

    if (!encoding_is_utf_16(transcoder->encoding))
        snprintf(out, out_size, "byte 0x%02x is not %s%s", bad[0],
                 encoding_name(transcoder->encoding),
                 may_be_utf8 ? ", and the bytes above 0x7f before it are UTF-8: if the export is "
                               "UTF-8 now, take \"encoding\" out of the schema file"
                             : "");
    else if (transcoder->end - transcoder->converted < 2)
        snprintf(out, out_size,
                 "byte 0x%02x is half a character of UTF-16: the file is cut off; have it "
                 "exported again",
                 bad[0]);
    else
        snprintf(out, out_size, "bytes 0x%02x 0x%02x are half a surrogate pair of UTF-16", bad[0],
                 bad[1]);
}
