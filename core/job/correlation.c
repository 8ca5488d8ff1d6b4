#include "core/job/correlation.h"

#include "core/base/buf.h"

#include <xxhash.h>

enum { NUMBER_SIZE = 8 };

static void write_number(uint64_t number, unsigned char out[NUMBER_SIZE])
{
    for (int i = NUMBER_SIZE - 1; i >= 0; i--, number >>= 8)
        out[i] = (unsigned char)number;
}

static void append_number(struct buf *out, uint64_t number)
{
    unsigned char bytes[NUMBER_SIZE];

    write_number(number, bytes);
    buf_append(out, (const char *)bytes, sizeof bytes);
}

static void append_text(struct buf *out, struct span text)
{
    append_number(out, text.size);
    buf_append_span(out, text);
}

static void hash(const void *bytes, size_t size, unsigned char out[CORRELATION_SIZE])
{
    XXH128_canonical_t canonical;

    XXH128_canonicalFromHash(&canonical, XXH3_128bits(bytes, size));
    memcpy(out, canonical.digest, CORRELATION_SIZE);
}

void correlation_key_make(struct span schema, struct span content_hash, int64_t occurrence,
                          int64_t rows_before, struct correlation_key *key)
{
    struct buf text = {0};

    append_text(&text, schema);
    append_text(&text, content_hash);
    append_number(&text, (uint64_t)occurrence);
    hash(text.data, text.size, key->hash);
    key->rows_before = rows_before;
    buf_release(&text);
}

void correlation_make(const struct correlation_key *key, int64_t row_no,
                      unsigned char id[CORRELATION_SIZE])
{
    unsigned char bytes[CORRELATION_SIZE + NUMBER_SIZE];

    memcpy(bytes, key->hash, CORRELATION_SIZE);
    write_number((uint64_t)(key->rows_before + row_no), bytes + CORRELATION_SIZE);
    hash(bytes, sizeof bytes, id);
    id[6] = (unsigned char)((id[6] & 0x0F) | 0x80);
    id[8] = (unsigned char)((id[8] & 0x3F) | 0x80);
}
