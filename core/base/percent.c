#include "core/base/percent.h"

/* RFC 3986 section 2.3. */
static bool is_unreserved(unsigned char byte)
{
    return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
           (byte >= '0' && byte <= '9') || byte == '-' || byte == '.' || byte == '_' || byte == '~';
}

void percent_encode(struct buf *out, struct span text)
{
    static const char digits[] = "0123456789ABCDEF";
    char *at = buf_reserve(out, text.size * 3);

    for (size_t i = 0; i < text.size; i++) {
        unsigned char byte = (unsigned char)text.data[i];

        if (is_unreserved(byte)) {
            *at++ = (char)byte;
            continue;
        }
        *at++ = '%';
        *at++ = digits[byte >> 4];
        *at++ = digits[byte & 15];
    }
    out->size = (size_t)(at - out->data);
}

bool percent_decode(struct buf *out, struct span text)
{
    for (size_t i = 0; i < text.size; i++) {
        int high, low;

        if (text.data[i] != '%') {
            buf_append_char(out, text.data[i]);
            continue;
        }
        if (text.size - i < 3)
            return false;
        high = str_hex_value(text.data[i + 1]);
        low = str_hex_value(text.data[i + 2]);
        if (high < 0 || low < 0)
            return false;
        buf_append_char(out, (char)(high << 4 | low));
        i += 2;
    }
    return true;
}
