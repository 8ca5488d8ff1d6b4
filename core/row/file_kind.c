#include "core/row/file_kind.h"

#include <stdio.h>
#include <strings.h>

static const char workbook[] = "save it as \"CSV UTF-8\" and use that file";
static const char unpack[] = "unpack it and use the file in it";
static const char export_text[] = "have the program that wrote it export CSV";

/* The signature of a format, from its specification or file(1). */
struct kind {
    size_t at;
    struct span bytes;
    const char *name, *advice;
};

/* Formats that are text. */
static const struct kind text_kinds[] = {
    {0, {"%PDF-", 5}, "a PDF document", export_text},
    {0, {"%!PS", 4}, "a PostScript document", export_text},
    {0, {"{\\rtf", 5}, "an RTF document", export_text},
    {0, {"-----BEGIN PGP MESSAGE", 22}, "an encrypted message (OpenPGP)", "decrypt it first"},
    {0, {"-----BEGIN CMS", 14}, "an encrypted message (CMS)", "decrypt it first"},
    {0, {"<?xml", 5}, "an XML document, perhaps a spreadsheet", workbook},
    {0, {"<!doctype html", 14}, "an HTML page, perhaps a login or error page", export_text},
    {0, {"<html", 5}, "an HTML page, perhaps a login or error page", export_text},
    {0, {"<table", 6}, "an HTML table, as some programs name .xls", workbook},
};

/* Binary formats. Some begin with letters, as a header row can: a file that begins as text is not
 * one of them. */
static const struct kind binary_kinds[] = {
    {0, {"PK\x03\x04", 4}, "a ZIP archive, perhaps an Excel workbook (.xlsx)", workbook},
    {0, {"PK\x05\x06", 4}, "an empty ZIP archive", export_text},
    {0, {"PK\x07\x08", 4}, "a ZIP archive in parts", unpack},
    {0,
     {"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", 8},
     "an Excel 97 workbook (.xls) or another OLE2 file",
     workbook},
    {0, {"\x09\x08\x10\x00", 4}, "an old Excel workbook", workbook},
    {0, {"\x09\x08\x08\x00", 4}, "an old Excel workbook", workbook},
    {0, {"\x09\x04\x06\x00", 4}, "an old Excel workbook", workbook},
    {0, {"\x09\x02\x06\x00", 4}, "an old Excel workbook", workbook},
    {0,
     {"SQLite format 3", 16},
     "an SQLite database",
     "export the table as CSV: sqlite3 -csv -header FILE 'SELECT * FROM ...'"},
    {4, {"Standard Jet DB", 15}, "an Access database", export_text},
    {4, {"Standard ACE DB", 15}, "an Access database", export_text},
    {0, {"PAR1", 4}, "a Parquet file", export_text},
    {0, {"ORC", 3}, "an ORC file", export_text},
    {0, {"Obj\x01", 4}, "an Avro file", export_text},
    {0, {"ARROW1", 6}, "an Arrow file", export_text},
    {0, {"\x89HDF\r\n\x1A\n", 8}, "an HDF5 file", export_text},
    {0, {"\x1F\x8B", 2}, "gzip data", unpack},
    {0, {"BZh", 3}, "a bzip2 file", unpack},
    {0,
     {"\xFD"
      "7zXZ",
      5},
     "an xz file",
     unpack},
    {0, {"\x28\xB5\x2F\xFD", 4}, "a Zstandard file", unpack},
    {0, {"\x04\x22\x4D\x18", 4}, "an LZ4 file", unpack},
    {0, {"\x1F\x9D", 2}, "a file of compress(1)", unpack},
    {0, {"\x1F\xA0", 2}, "a file of compress(1)", unpack},
    {0, {"7z\xBC\xAF\x27\x1C", 6}, "a 7-Zip archive", unpack},
    {0, {"Rar!\x1A\x07", 6}, "a RAR archive", unpack},
    {0, {"MSCF", 4}, "a cabinet archive", unpack},
    {0, {"!<arch>", 7}, "an ar archive", unpack},
    {257, {"ustar", 5}, "a tar archive", unpack},
    {0, {"\x89PNG\r\n\x1A\n", 8}, "a PNG image", export_text},
    {0, {"\xFF\xD8\xFF", 3}, "a JPEG image", export_text},
    {0, {"GIF87a", 6}, "a GIF image", export_text},
    {0, {"GIF89a", 6}, "a GIF image", export_text},
    {0, {"II*\x00", 4}, "a TIFF image", export_text},
    {0, {"MM\x00*", 4}, "a TIFF image", export_text},
    {8, {"WEBP", 4}, "a WebP image", export_text},
    {4, {"ftyp", 4}, "an MP4, HEIC or similar media file", export_text},
    {0, {"OggS", 4}, "an Ogg media file", export_text},
    {0, {"ID3", 3}, "an MP3 file", export_text},
    {0,
     {"\x7F"
      "ELF",
      4},
     "a program",
     export_text},
    {0, {"\xCA\xFE\xBA\xBE", 4}, "a program", export_text},
    {0,
     {"\x00"
      "asm",
      4},
     "a program",
     export_text},
    {0, {"\xFF\xFE\x00\x00", 4}, "UTF-32", "convert it: iconv -f UTF-32 -t UTF-8"},
    {0, {"\x00\x00\xFE\xFF", 4}, "UTF-32", "convert it: iconv -f UTF-32 -t UTF-8"},
};

/* Bytes of an EBCDIC text: letters, digits and the common punctuation of code page 037 and its
 * relatives. */
static bool is_ebcdic(unsigned char byte)
{
    unsigned char low = byte & 0x0F;

    switch (byte >> 4) {
    case 0x8:
    case 0x9:
    case 0xC:
    case 0xD:
        return low >= 1 && low <= 9;
    case 0xA:
    case 0xE:
        return low >= 2 && low <= 9;
    case 0xF:
        return low <= 9;
    default:
        return memchr("\x40\x4B\x4D\x5D\x5E\x60\x61\x6B\x6D\x6F\x7A\x7D\x7F\x25\x15\x0D\x05\x7B",
                      byte, 18) != NULL;
    }
}

/* Recognizes UTF-32 without a byte order mark by the zeros of its first two characters. */
static const char *utf_32_name(struct span first)
{
    static const char zeros[3] = {0};
    const char *at = first.data;

    if (first.size >= 8 && at[0] && at[4] && memcmp(at + 1, zeros, 3) == 0 &&
        memcmp(at + 5, zeros, 3) == 0)
        return "UTF-32LE";
    if (first.size >= 8 && at[3] && at[7] && memcmp(at, zeros, 3) == 0 &&
        memcmp(at + 4, zeros, 3) == 0)
        return "UTF-32BE";
    return NULL;
}

static bool looks_like_ebcdic(struct span first)
{
    size_t fitting = 0, high = 0;

    for (size_t i = 0; i < first.size; i++) {
        unsigned char byte = (unsigned char)first.data[i];

        /* what separates words, cells and lines of a text in ASCII */
        if (memchr(" ,;\n0123456789", byte, 14))
            return false;
        fitting += is_ebcdic(byte);
        high += byte >= 0x80;
    }
    return first.size >= 8 && high * 2 >= first.size && fitting * 20 >= first.size * 19;
}

/* Returns whether four different control characters are there that text does not have. */
static bool is_binary(struct span first, char delimiter)
{
    uint32_t seen = 0;

    for (size_t i = 0; i < first.size; i++) {
        unsigned char byte = (unsigned char)first.data[i];

        if (byte < 0x20 && !memchr("\t\n\r\f\v\x1A\x1B", byte, 7) && first.data[i] != delimiter)
            seen |= 1U << byte;
    }
    return __builtin_popcount(seen) >= 4;
}

/* Returns whether the first line is text. Later lines do not count: they are in other places in an
 * export, which must be read as well. */
static bool begins_as_text(struct span first, char delimiter)
{
    const char *feed = memchr(first.data, '\n', first.size);
    size_t size = feed ? (size_t)(feed - first.data) : first.size;

    for (size_t i = 0; i < size; i++) {
        char byte = first.data[i];

        if (!byte || ((unsigned char)byte < 0x20 && !memchr("\t\r", byte, 2) && byte != delimiter))
            return false;
    }
    return str_utf8_valid((struct span){first.data, size}) + 3 >= size; /* it can be cut */
}

static const struct kind *find_kind(const struct kind *kinds, size_t count, struct span first)
{
    for (size_t i = 0; i < count; i++) {
        struct span bytes = kinds[i].bytes;
        const char *at = first.data + kinds[i].at;

        if (first.size >= kinds[i].at + bytes.size &&
            (bytes.data[0] == '<' ? strncasecmp(at, bytes.data, bytes.size)
                                  : memcmp(at, bytes.data, bytes.size)) == 0)
            return &kinds[i];
    }
    return NULL;
}

/* Skips a byte order mark and blank lines, which can precede formats that are text. */
static struct span without_blanks(struct span first)
{
    size_t before = span_starts(first, span_of("\xEF\xBB\xBF")) ? 3 : 0;

    while (before < first.size && memchr(" \t\r\n", first.data[before], 4))
        before++;
    return span_from(first, before);
}

const char *file_kind_json(struct span first)
{
    struct span text = without_blanks(first), inside;

    if (!text.size || !memchr("[{", text.data[0], 2))
        return NULL;
    inside = without_blanks(span_from(text, 1));
    if (!inside.size || inside.data[0] != (text.data[0] == '[' ? '{' : '"'))
        return NULL;
    return text.data[0] == '['
               ? "a JSON array, not CSV: convert it with jq -c '.[]', and use its output "
                 "as .ndjson"
               : "JSON, not CSV: rename it to .ndjson; where an object continues on the next line, "
                 "convert it with jq -c . first";
}

bool file_kind_fault(struct span first, char delimiter, char out[FILE_KIND_FAULT_SIZE])
{
    const struct kind *kind;
    bool text;

    if (first.size > FILE_KIND_SIZE)
        first.size = FILE_KIND_SIZE;
    text = begins_as_text(first, delimiter);
    kind = find_kind(text_kinds, sizeof text_kinds / sizeof *text_kinds, without_blanks(first));
    if (!kind && !text)
        kind = find_kind(binary_kinds, sizeof binary_kinds / sizeof *binary_kinds, first);
    if (kind)
        snprintf(out, FILE_KIND_FAULT_SIZE, "%s: %s", kind->name, kind->advice);
    else if (utf_32_name(first))
        snprintf(out, FILE_KIND_FAULT_SIZE, "UTF-32: convert it: iconv -f %s -t UTF-8",
                 utf_32_name(first));
    else if (looks_like_ebcdic(first))
        snprintf(out, FILE_KIND_FAULT_SIZE,
                 "text in EBCDIC, as mainframes write it: convert it, for example with iconv -f "
                 "IBM1141 -t UTF-8 (Germany) or IBM1047");
    else if (!text && is_binary(first, delimiter))
        snprintf(out, FILE_KIND_FAULT_SIZE,
                 "not text: it begins with control characters of several kinds; use CSV or NDJSON");
    else
        return false;
    return true;
}
