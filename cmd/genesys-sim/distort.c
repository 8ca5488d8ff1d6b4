#include "cmd/genesys-sim/distort.h"

#include "cmd/genesys-sim/faults.h"
#include "core/base/mem.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <zlib.h>

enum {
    RECORD = 1u << DISTORT_PUT | 1u << DISTORT_GET,
    AUDIT = 1u << DISTORT_AUDIT,
    ALL = RECORD | AUDIT | 1u << DISTORT_TOKEN,
    WEBHOOK = 1u << DISTORT_WEBHOOK,
    STREAMS = 23, /* of numbers a scope, so that a seed gives the same ones in all versions */
    BOMB_SIZE = 64 << 20,
    GZIP_WINDOW = 15 + 16 /* deflateInit2: the largest window, with gzip's header */
};

static const struct {
    const char *name;
    unsigned scopes;
    const char *help;
} kinds[DISTORT_KINDS] = {
    [DISTORT_NO_ID] = {"no-id", RECORD | AUDIT, "the correlation id is missing"},
    [DISTORT_BLANK_ID] = {"blank-id", RECORD | AUDIT, "it is an empty string"},
    [DISTORT_GARBLED_ID] = {"garbled-id", RECORD | AUDIT, "it is not a UUID"},
    [DISTORT_UPPER_ID] = {"upper-id", RECORD | AUDIT, "it is in upper case"},
    [DISTORT_NO_METADATA] = {"no-metadata", RECORD | WEBHOOK, "the record has no metadata"},
    [DISTORT_NO_FIELDS] = {"no-fields", RECORD, "the record has no fields member"},
    [DISTORT_NULL_FIELDS] = {"null-fields", RECORD, "fields is null"},
    [DISTORT_TEXT_FIELDS] = {"text-fields", RECORD, "fields is a string"},
    [DISTORT_ARRAY_FIELDS] = {"array-fields", RECORD, "fields is an array"},
    [DISTORT_NO_USER] = {"no-user", AUDIT, "the entry has no user"},
    [DISTORT_OTHER_USER] = {"other-user", AUDIT, "the user is another one than the author"},
    [DISTORT_OUR_USER] = {"our-user", AUDIT, "the user is our client, whoever the author is"},
    [DISTORT_NO_NEXT] = {"no-next", AUDIT, "the page has no nextUri"},
    [DISTORT_REPEATED] = {"repeated-page", AUDIT, "later pages repeat the first one"},
    [DISTORT_ENDLESS] = {"endless", AUDIT, "each page has other entries, and a next page"},
    [DISTORT_NO_TOTAL] = {"no-total", AUDIT, "the page has no total"},
    [DISTORT_LOW_TOTAL] = {"low-total", AUDIT, "total is half of the right number"},
    [DISTORT_HIGH_TOTAL] = {"high-total", AUDIT, "total is twice the right number, plus 1"},
    [DISTORT_GZIP] = {"gzip", ALL, "the body is encoded with gzip"},
    [DISTORT_DEFLATE] = {"deflate", ALL, "the body is encoded with deflate"},
    [DISTORT_BROTLI] = {"br", ALL, "the body is encoded with Brotli"},
    [DISTORT_BOMB] = {"bomb", ALL, "64 MiB of spaces after the body, encoded with gzip"},
    [DISTORT_BROKEN_GZIP] = {"broken-gzip", ALL, "the first half of the body encoded with gzip"},
    [DISTORT_UNKNOWN_CODING] = {"unknown-coding", ALL, "a Content-Encoding that does not exist"},
    [DISTORT_LOST] = {"lost", WEBHOOK | AUDIT,
                      "the notification is never sent; the entry never shows"},
    [DISTORT_DUPLICATED] = {"duplicated", WEBHOOK, "it is sent twice, with the same id"},
    [DISTORT_REORDERED] = {"reordered", WEBHOOK, "it is sent after the next ones"},
    [DISTORT_NO_WEBHOOK_ID] = {"no-webhook-id", WEBHOOK,
                               "it is signed by X-Hub-Signature-256 only"},
    [DISTORT_UNSIGNED] = {"unsigned", WEBHOOK, "it has no signature"},
    [DISTORT_BAD_SIGNATURE] = {"bad-signature", WEBHOOK, "its signatures are wrong"},
    [DISTORT_OTHER_ID] = {"other-id", AUDIT, "the correlation id is that of another update"},
};

static const char *const scopes[DISTORT_SCOPES] = {
    [DISTORT_PUT] = "put:",     [DISTORT_GET] = "get:",         [DISTORT_AUDIT] = "audit:",
    [DISTORT_TOKEN] = "token:", [DISTORT_WEBHOOK] = "webhook:",
};

bool distort_parse(struct distortions *distortions, const char *text, struct err *err)
{
    const char *equals = strchr(text, '=');
    int scope = 0, kind = 0;
    char *end = NULL;
    double p;

    if (strcmp(text, "none") == 0) {
        memset(distortions->probability, 0, sizeof distortions->probability);
        return true;
    }
    while (scope < DISTORT_SCOPES && !str_starts(text, scopes[scope]))
        scope++;
    if (scope < DISTORT_SCOPES && equals) {
        const char *name = text + strlen(scopes[scope]);

        while (kind < DISTORT_KINDS &&
               !span_is((struct span){name, (size_t)(equals - name)}, kinds[kind].name))
            kind++;
    }
    if (scope == DISTORT_SCOPES || !equals || kind == DISTORT_KINDS ||
        !(kinds[kind].scopes & 1u << scope))
        return err_set(err, ERR_CONFIG,
                       "'%s' is not SCOPE:KIND=P with a scope and kind that --help lists", text);
    p = strtod(equals + 1, &end);
    if (end == equals + 1 || *end || !isfinite(p) || p < 0 || p > 1)
        return err_set(err, ERR_CONFIG, "'%s' needs a probability from 0 to 1", text);
    distortions->probability[scope][kind] = p;
    return true;
}

bool distort_draws(struct distortions *distortions, enum distort_scope scope,
                   enum distort_kind kind, uint64_t n)
{
    double p = scope < DISTORT_SCOPES ? distortions->probability[scope][kind] : 0;
    uint64_t stream = faults_mix(distortions->seed, (uint64_t)scope * STREAMS + kind + 1);

    if (p <= 0 || (double)(faults_mix(stream, n) >> 11) * 0x1.0p-53 >= p)
        return false;
    distortions->drawn[kind]++;
    return true;
}

enum distort_kind distort_draw_one(struct distortions *distortions, enum distort_scope scope,
                                   enum distort_kind first, enum distort_kind last, uint64_t n)
{
    for (enum distort_kind kind = first; kind <= last; kind++)
        if (distort_draws(distortions, scope, kind, n))
            return kind;
    return DISTORT_KINDS;
}

bool distort_append_id(struct distortions *distortions, enum distort_scope scope, uint64_t n,
                       struct buf *out, struct span id)
{
    static const char *const garbled[] = {
        "\"0\"",
        "\"0c0c0c0c-1111-4222-8333\"",
        "\"zzzzzzzz-1111-4222-8333-444444444444\"",
        "42",
        "null",
        "{\"id\":\"0c0c0c0c-1111-4222-8333-444444444444\"}",
    };
    enum distort_kind kind =
        distort_draw_one(distortions, scope, DISTORT_NO_ID, DISTORT_UPPER_ID, n);

    if (kind == DISTORT_NO_ID)
        return false;
    buf_append_text(out, "\"requestCorrelationId\":");
    if (kind == DISTORT_BLANK_ID)
        buf_append_text(out, "\"\"");
    else if (kind == DISTORT_GARBLED_ID)
        buf_append_text(out, garbled[n % (sizeof garbled / sizeof *garbled)]);
    else if (kind != DISTORT_UPPER_ID)
        buf_append_span(out, id);
    else
        for (size_t i = 0; i < id.size; i++)
            buf_append_char(out, (char)toupper((unsigned char)id.data[i]));
    return true;
}

/* Compresses plain with zlib; window_bits as in deflateInit2. */
static void compress_into(struct buf *out, struct span plain, int window_bits)
{
    z_stream stream = {.avail_in = (uInt)plain.size};
    unsigned char part[4096], *bytes = (unsigned char *)mem_copy(plain.data, plain.size);
    int result = Z_OK;

    if (deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY) !=
        Z_OK)
        abort();
    stream.next_in = bytes;
    while (result == Z_OK) {
        stream.next_out = part;
        stream.avail_out = sizeof part;
        result = deflate(&stream, Z_FINISH);
        buf_append(out, (const char *)part, sizeof part - stream.avail_out);
    }
    deflateEnd(&stream);
    free(bytes);
}

/* Writes a Brotli stream (RFC 7932 section 9.2) of uncompressed meta-blocks of at most 65536 bytes.
 * First the bit 0, which is WBITS = 16. A block is ISLAST 0, MNIBBLES 0 (4 nibbles), MLEN - 1 in 16
 * bits and ISUNCOMPRESSED 1, padded to a whole byte; the end is ISLAST 1 and ISLASTEMPTY 1. */
static void brotli_into(struct buf *out, struct span plain)
{
    unsigned shift = 1; /* WBITS is one bit before the first block */

    while (plain.size) {
        uint32_t size = plain.size < 65536 ? (uint32_t)plain.size : 65536;
        uint32_t header = ((size - 1) << 3 | UINT32_C(1) << 19) << shift;

        for (int i = 0; i < 3; i++)
            buf_append_char(out, (char)(header >> 8 * i & 0xFF));
        buf_append(out, plain.data, size);
        plain = span_from(plain, size);
        shift = 0;
    }
    buf_append_char(out, (char)(3u << shift));
}

const char *distort_code(struct distortions *distortions, enum distort_scope scope, uint64_t n,
                         struct buf *body)
{
    static const char *const codings[DISTORT_KINDS] = {
        [DISTORT_GZIP] = "gzip",        [DISTORT_DEFLATE] = "deflate",
        [DISTORT_BROTLI] = "br",        [DISTORT_BOMB] = "gzip",
        [DISTORT_BROKEN_GZIP] = "gzip", [DISTORT_UNKNOWN_CODING] = "x-unheard-of",
    };
    enum distort_kind kind =
        distort_draw_one(distortions, scope, DISTORT_GZIP, DISTORT_UNKNOWN_CODING, n);
    struct buf coded = {0};

    if (kind == DISTORT_KINDS)
        return NULL;
    if (kind == DISTORT_UNKNOWN_CODING)
        return codings[kind];
    if (kind == DISTORT_BOMB) {
        memset(buf_reserve(body, BOMB_SIZE), ' ', BOMB_SIZE);
        body->size += BOMB_SIZE;
    }
    if (kind == DISTORT_BROTLI)
        brotli_into(&coded, buf_span(body));
    else
        compress_into(&coded, buf_span(body), kind == DISTORT_DEFLATE ? 15 : GZIP_WINDOW);
    if (kind == DISTORT_BROKEN_GZIP)
        coded.size /= 2;
    buf_release(body);
    *body = coded;
    return codings[kind];
}

const char *distort_name(enum distort_kind kind)
{
    return kinds[kind].name;
}

const char *distort_help(enum distort_kind kind)
{
    return kinds[kind].help;
}
