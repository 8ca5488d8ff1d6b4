#include "cmd/genesys-sim/base64.h"

void base64_append_url(struct buf *out, struct span bytes)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    unsigned bits = 0, count = 0;

    for (size_t i = 0; i < bytes.size; i++) {
        bits = (bits << 8) | (unsigned char)bytes.data[i];
        for (count += 8; count >= 6; count -= 6)
            buf_append_char(out, alphabet[(bits >> (count - 6)) & 63]);
        bits &= (1u << count) - 1;
    }
    if (count)
        buf_append_char(out, alphabet[(bits << (6 - count)) & 63]);
}

bool base64_decode(struct buf *out, struct span text)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t padding = 0;
    unsigned bits = 0, count = 0;

    if (text.size % 4)
        return false;
    while (text.size && padding < 2 && text.data[text.size - 1] == '=') {
        text.size--;
        padding++;
    }
    for (size_t i = 0; i < text.size; i++) {
        const char *found = text.data[i] ? strchr(alphabet, text.data[i]) : NULL;

        if (!found)
            return false;
        bits = (bits << 6) | (unsigned)(found - alphabet);
        count += 6;
        if (count >= 8) {
            count -= 8;
            buf_append_char(out, (char)((bits >> count) & 255));
        }
        bits &= (1u << count) - 1;
    }
    return bits == 0;
}
