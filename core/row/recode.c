#include "core/row/recode.h"

#include "core/base/mem.h"

#include <errno.h>
#include <iconv.h>
#include <stdlib.h>

enum { ROOM_LEAST = 64 };

struct recoder {
    iconv_t iconv;
    bool from_utf8;
    size_t unit; /* bytes of the smallest character that is read */
};

static struct recoder *open_as(enum row_encoding encoding, const char *to, const char *from,
                               struct err *err)
{
    iconv_t iconv = iconv_open(to, from);
    struct recoder *recoder;

    if ((intptr_t)iconv == -1) { /* as POSIX has it */
        err_set(err, ERR_CONFIG, "this system cannot convert between UTF-8 and %s: %s",
                encoding_name(encoding), strerror(errno));
        return NULL;
    }
    recoder = mem_calloc(1, sizeof *recoder);
    recoder->iconv = iconv;
    return recoder;
}

struct recoder *recode_to(enum row_encoding encoding, struct err *err)
{
    struct recoder *recoder = open_as(encoding, encoding_iconv_name(encoding, false), "UTF-8", err);

    if (recoder) {
        recoder->from_utf8 = true;
        recoder->unit = 1;
    }
    return recoder;
}

struct recoder *recode_from(enum row_encoding encoding, bool big_endian, struct err *err)
{
    struct recoder *recoder =
        open_as(encoding, "UTF-8", encoding_iconv_name(encoding, big_endian), err);

    if (recoder)
        recoder->unit = encoding_is_utf_16(encoding) ? 2 : 1;
    return recoder;
}

void recode_close(struct recoder *recoder)
{
    if (!recoder)
        return;
    iconv_close(recoder->iconv);
    free(recoder);
}

/* The size of the character that could not be converted. */
static size_t bad_size(const struct recoder *recoder, const char *at, size_t left)
{
    size_t size = recoder->unit;

    while (recoder->from_utf8 && size < left && ((unsigned char)at[size] & 0xC0) == 0x80)
        size++;
    return size < left ? size : left;
}

bool recode(struct recoder *recoder, struct span text, const char *substitute, struct buf *out)
{
    char *from = (char *)text.data; /* which iconv does not change */
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
