#include "core/row/encoding.h"

#include <strings.h>

static const char *const names[] = {
    [ROW_ENCODING_UTF_8] = "UTF-8",
    [ROW_ENCODING_UTF_16] = "UTF-16",
    [ROW_ENCODING_WINDOWS_1252] = "windows-1252",
    [ROW_ENCODING_ISO_8859_1] = "ISO-8859-1",
    [ROW_ENCODING_ISO_8859_15] = "ISO-8859-15",
};

const char *encoding_name(enum row_encoding encoding)
{
    return names[encoding];
}

bool encoding_find(struct span name, enum row_encoding *encoding)
{
    for (unsigned i = ROW_ENCODING_UTF_8; i < sizeof names / sizeof *names; i++) {
        if (name.size != strlen(names[i]) || strncasecmp(name.data, names[i], name.size) != 0)
            continue;
        *encoding = (enum row_encoding)i;
        return true;
    }
    return false;
}

const char *encoding_iconv_name(enum row_encoding encoding, bool big_endian)
{
    switch (encoding) {
    case ROW_ENCODING_UTF_16:
        return big_endian ? "UTF-16BE" : "UTF-16LE";
    case ROW_ENCODING_WINDOWS_1252:
        return "CP1252";
    case ROW_ENCODING_NONE:
    case ROW_ENCODING_UTF_8:
    case ROW_ENCODING_ISO_8859_1:
    case ROW_ENCODING_ISO_8859_15:
    default:
        return encoding_name(encoding);
    }
}
