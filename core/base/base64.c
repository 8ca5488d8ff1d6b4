#include "core/base/base64.h"

static const char *const last_digits[] = {[BASE64_PADDED] = "+/", [BASE64_URL] = "-_"};

static char digit(unsigned value, enum base64 form)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

    return value < 62 ? digits[value] : last_digits[form][value - 62];
}

static int digit_value(char byte, enum base64 form)
{
    if (byte >= 'A' && byte <= 'Z')
        return byte - 'A';
    if (byte >= 'a' && byte <= 'z')
        return byte - 'a' + 26;
    if (byte >= '0' && byte <= '9')
        return byte - '0' + 52;
    if (byte == last_digits[form][0])
        return 62;
    return byte == last_digits[form][1] ? 63 : -1;
}

void base64_encode(struct buf *out, struct span bytes, enum base64 form)
{
    for (size_t i = 0; i < bytes.size; i += 3) {
        size_t count = bytes.size - i < 3 ? bytes.size - i : 3;
        uint32_t group = 0;

        for (size_t k = 0; k < 3; k++)
            group = group << 8 | (k < count ? (unsigned char)bytes.data[i + k] : 0);
        for (size_t k = 0; k <= count; k++)
            buf_append_char(out, digit(group >> (18 - 6 * k) & 63, form));
        for (size_t k = count; k < 3 && form == BASE64_PADDED; k++)
            buf_append_char(out, '=');
    }
}

bool base64_decode(struct buf *out, struct span text, enum base64 form)
{
    uint32_t bits = 0;
    unsigned count = 0;

    if (form == BASE64_PADDED) {
        if (text.size % 4)
            return false;
        for (int padding = 0; padding < 2 && text.size && text.data[text.size - 1] == '=';
             padding++)
            text.size--;
    }
    if (text.size % 4 == 1)
        return false;
    for (size_t i = 0; i < text.size; i++) {
        int value = digit_value(text.data[i], form);

        if (value < 0)
            return false;
        bits = bits << 6 | (uint32_t)value;
        count += 6;
        if (count >= 8) {
            count -= 8;
            buf_append_char(out, (char)(bits >> count & 255));
        }
        bits &= (1u << count) - 1;
    }
    return bits == 0;
}
