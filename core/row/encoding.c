#include "core/row/encoding.h"

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

const char *encoding_iconv_name(enum row_encoding encoding, bool big_endian)
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

/* One alone is more likely a letter of another encoding. */
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
