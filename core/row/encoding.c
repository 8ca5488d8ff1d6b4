#include "core/row/encoding.h"

#include "core/base/mem.h"

#include <errno.h>
#include <iconv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct {
    const char *name, *iconv;
} encodings[ROW_ENCODINGS] = {
    [ROW_ENCODING_UTF_8] = {"UTF-8", "UTF-8"},
    [ROW_ENCODING_UTF_16] = {"UTF-16", "UTF-16LE"},
    [ROW_ENCODING_UTF_16LE] = {"UTF-16LE", "UTF-16LE"},
    [ROW_ENCODING_UTF_16BE] = {"UTF-16BE", "UTF-16BE"},
    [ROW_ENCODING_WINDOWS_1252] = {"windows-1252", "CP1252"},
    [ROW_ENCODING_ISO_8859_1] = {"ISO-8859-1", "ISO-8859-1"},
    [ROW_ENCODING_ISO_8859_15] = {"ISO-8859-15", "ISO-8859-15"},
    [ROW_ENCODING_CP850] = {"CP850", "CP850"},
    [ROW_ENCODING_CP437] = {"CP437", "CP437"},
};

const char *encoding_name(enum row_encoding encoding)
{
    return encodings[encoding].name;
}

bool encoding_find(struct span name, enum row_encoding *encoding)
{
    for (unsigned i = ROW_ENCODING_UTF_8; i < ROW_ENCODINGS; i++) {
        if (name.size != strlen(encodings[i].name) ||
            strncasecmp(name.data, encodings[i].name, name.size) != 0)
            continue;
        *encoding = (enum row_encoding)i;
        return true;
    }
    return false;
}

static const char *iconv_name(enum row_encoding encoding, bool big_endian)
{
    if (encoding == ROW_ENCODING_UTF_16 && big_endian)
        encoding = ROW_ENCODING_UTF_16BE;
    return encodings[encoding].iconv;
}

/* The letters of CP850 above 0x7f. */
static bool is_cp850_letter(unsigned char byte)
{
    static const struct {
        unsigned char first, last;
    } letters[] = {{0x80, 0x9B}, {0x9D, 0x9D}, {0xA0, 0xA5}, {0xB5, 0xB7},
                   {0xC6, 0xC7}, {0xD0, 0xD8}, {0xDE, 0xDE}, {0xE0, 0xED}};

    for (size_t i = 0; i < sizeof letters / sizeof *letters; i++)
        if (byte >= letters[i].first && byte <= letters[i].last)
            return true;
    return false;
}

/* What CP850 draws frames with: lines, corners, crossings and blocks. */
static bool is_cp850_frame(unsigned char byte)
{
    return byte >= 0xB0 && byte <= 0xDF && byte != 0xB8 && byte != 0xBD && byte != 0xBE &&
           byte != 0xCF && byte != 0xDD && !is_cp850_letter(byte);
}

/* A single one is more likely a letter of another encoding. */
static bool is_in_frame(struct span text, size_t i)
{
    return is_cp850_frame((unsigned char)text.data[i]) &&
           ((i > 0 && is_cp850_frame((unsigned char)text.data[i - 1])) ||
            (i + 1 < text.size && is_cp850_frame((unsigned char)text.data[i + 1])));
}

bool encoding_fits(enum row_encoding encoding, struct span text)
{
    for (size_t i = 0; i < text.size; i++) {
        unsigned char byte = (unsigned char)text.data[i];

        if (byte < 0x20 ? !memchr("\t\r\n", byte, 3) : byte == 0x7F)
            return false;
        if (byte < 0x80)
            continue;
        if (encoding == ROW_ENCODING_CP850 && !is_cp850_letter(byte) && !is_in_frame(text, i))
            return false;
        if (encoding == ROW_ENCODING_WINDOWS_1252 && memchr("\x81\x8D\x8F\x90\x9D", byte, 5))
            return false;
    }
    return true;
}

const char *encoding_guess_single_byte(struct span text, enum row_encoding *likely)
{
    bool windows = encoding_fits(ROW_ENCODING_WINDOWS_1252, text);
    bool dos = encoding_fits(ROW_ENCODING_CP850, text);

    *likely = windows ? ROW_ENCODING_WINDOWS_1252 : ROW_ENCODING_CP850;
    if (windows && dos)
        return "windows-1252 or CP850: see which one shows the right letters";
    return windows || dos ? encoding_name(*likely) : NULL;
}

enum row_encoding encoding_guess_utf_16(struct span first)
{
    size_t pairs = first.size / 2, zeros[2] = {0};

    for (size_t i = 0; i < 2 * pairs; i++)
        zeros[i % 2] += first.data[i] == '\0';
    if (pairs >= 2 && zeros[1] > pairs * 2 / 3 && zeros[0] * 20 < pairs)
        return ROW_ENCODING_UTF_16LE;
    if (pairs >= 2 && zeros[0] > pairs * 2 / 3 && zeros[1] * 20 < pairs)
        return ROW_ENCODING_UTF_16BE;
    return ROW_ENCODING_NONE;
}

static size_t skip_ascii(struct span bytes, size_t i)
{
    uint64_t eight;

    while (bytes.size - i >= sizeof eight) {
        memcpy(&eight, bytes.data + i, sizeof eight);
        if (eight & UINT64_C(0x8080808080808080))
            break;
        i += sizeof eight;
    }
    return i;
}

void utf8_evidence_add(struct utf8_evidence *evidence, struct span bytes)
{
    for (size_t i = 0; !evidence->broken && i < bytes.size; i++) {
        struct span pending = {evidence->pending, 0};

        if (!evidence->pending_size) {
            i = skip_ascii(bytes, i);
            if (i == bytes.size || (unsigned char)bytes.data[i] < 0x80)
                continue;
        }
        evidence->pending[evidence->pending_size++] = bytes.data[i];
        pending.size = evidence->pending_size;
        if (pending.size > 1 && ((unsigned char)bytes.data[i] & 0xC0) != 0x80) {
            evidence->broken = true;
        } else if (pending.size > 1 && str_utf8_valid(pending) == pending.size) {
            evidence->sequences++;
            evidence->pending_size = 0;
        } else {
            evidence->broken = !str_utf8_cut(pending);
        }
    }
}

/* --- streams --- */

/* False with ERR_CONFIG if this system lacks the conversion. */
static bool open_iconv(iconv_t *converter, const char *to, const char *from,
                       enum row_encoding encoding, struct err *err)
{
    *converter = iconv_open(to, from);
    return (intptr_t)*converter != -1 || /* as POSIX has it */
           err_set(err, ERR_CONFIG, "this system cannot convert between UTF-8 and %s: %s",
                   encoding_name(encoding), strerror(errno));
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
    const char *name = iconv_name(encoding, big_endian);
    struct transcoder *transcoder = mem_calloc(1, sizeof *transcoder);

    if (!open_iconv(&transcoder->iconv, "UTF-8", name, encoding, err)) {
        free(transcoder);
        return NULL;
    }
    transcoder->encoding = encoding;
    /* a byte of UTF-8 comes from at most two of UTF-16; what is read is stored before it is
     * converted */
    transcoder->capacity = 2 * text_capacity + 2 * block;
    transcoder->data = mem_calloc(1, transcoder->capacity);
    if (encoding_is_single_byte(encoding))
        fill_table(transcoder);
    return transcoder;
}

void transcode_close(struct transcoder *transcoder)
{
    if (!transcoder)
        return;
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

/* Returns how many of eight bytes come before the first above 0x7f. */
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
    enum { EIGHT = sizeof(uint64_t), ROOM = 2 * EIGHT };
    const char *at = transcoder->data + transcoder->converted,
               *end = transcoder->data + transcoder->end;
    char *to = out, *last = out + room;

    while (at < end && last - to >= ROOM) {
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

/* A continuation byte of UTF-8 is 10xxxxxx: its high bit is set, and the next is not. */
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
                               "UTF-8 now, remove \"encoding\" from the schema file"
                             : "");
    else if (transcoder->end - transcoder->converted < 2)
        snprintf(out, out_size,
                 "byte 0x%02x is half a character of UTF-16: the file is cut off: export it again",
                 bad[0]);
    else
        snprintf(out, out_size, "bytes 0x%02x 0x%02x are half a surrogate pair of UTF-16", bad[0],
                 bad[1]);
}

/* --- whole texts --- */

enum { ROOM_LEAST = 64 };

struct recoder {
    iconv_t iconv;
    bool from_utf8;
    size_t unit; /* bytes of the smallest character that is read */
};

/* Returns a recoder like that between two of iconv's encodings; NULL with err: iconv lacks one. */
static struct recoder *recoder_open(const char *to, const char *from, enum row_encoding encoding,
                                    struct recoder like, struct err *err)
{
    struct recoder *recoder = mem_calloc(1, sizeof *recoder);

    *recoder = like;
    if (!open_iconv(&recoder->iconv, to, from, encoding, err)) {
        free(recoder);
        return NULL;
    }
    return recoder;
}

struct recoder *recode_to(enum row_encoding encoding, struct err *err)
{
    return recoder_open(iconv_name(encoding, false), "UTF-8", encoding,
                        (struct recoder){.from_utf8 = true, .unit = 1}, err);
}

struct recoder *recode_from(enum row_encoding encoding, bool big_endian, struct err *err)
{
    return recoder_open("UTF-8", iconv_name(encoding, big_endian), encoding,
                        (struct recoder){.unit = encoding_is_utf_16(encoding) ? 2 : 1}, err);
}

void recode_close(struct recoder *recoder)
{
    if (!recoder)
        return;
    iconv_close(recoder->iconv);
    free(recoder);
}

/* Returns the size of the character that could not be converted. */
static size_t bad_size(const struct recoder *recoder, const char *at, size_t left)
{
    size_t size = recoder->unit;

    while (recoder->from_utf8 && size < left && ((unsigned char)at[size] & 0xC0) == 0x80)
        size++;
    return size < left ? size : left;
}

bool recode(struct recoder *recoder, struct span text, const char *substitute, struct buf *out)
{
    char *from = (char *)text.data; /* iconv does not change it */
    size_t left = text.size, before = out->size;

    while (left) {
        size_t room = left + ROOM_LEAST, skip;
        char *to = buf_reserve(out, room);
        size_t result = iconv(recoder->iconv, &from, &left, &to, &room);

        out->size = (size_t)(to - out->data);
        if (result != (size_t)-1 || errno == E2BIG)
            continue;
        if (!substitute) {
            out->size = before;
            return false;
        }
        buf_append_text(out, substitute);
        skip = bad_size(recoder, from, left);
        from += skip;
        left -= skip;
    }
    return true;
}
