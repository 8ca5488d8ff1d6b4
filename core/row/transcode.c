#include "core/row/transcode.h"

#include "core/base/mem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

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

struct transcoder *transcode_open(enum row_encoding encoding, bool big_endian, size_t text_capacity,
                                  size_t block, struct err *err)
{
    struct transcoder *transcoder = mem_calloc(1, sizeof *transcoder);

    transcoder->encoding = encoding;
    /* a byte of UTF-8 comes from two of UTF-16 at most; what is read comes before it is converted
     */
    transcoder->capacity = 2 * text_capacity + 2 * block;
    transcoder->data = mem_calloc(1, transcoder->capacity);
    if (start(transcoder, big_endian, err))
        return transcoder;
    transcode_close(transcoder);
    return NULL;
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

size_t transcode_more(struct transcoder *transcoder, char *out, size_t room)
{
    char *from = transcoder->data + transcoder->converted, *to = out;
    size_t left = transcoder->end - transcoder->converted, before = transcoder->converted;
    size_t result;

    if (left == 0 || transcoder->bad)
        return 0;
    errno = 0;
    result = iconv(transcoder->iconv, &from, &left, &to, &room);
    transcoder->converted = (size_t)(from - transcoder->data);
    if (encoding_is_single_byte(transcoder->encoding))
        utf8_evidence_add(&transcoder->utf8,
                          (struct span){transcoder->data + before, transcoder->converted - before});
    if (result == (size_t)-1)
        transcoder->bad = errno == EILSEQ || (errno == EINVAL && transcoder->ended);
    return (size_t)(to - out);
}

size_t transcode_characters(struct span text)
{
    size_t count = 0;

    for (size_t i = 0; i < text.size; i++)
        count += ((unsigned char)text.data[i] & 0xC0) != 0x80;
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
