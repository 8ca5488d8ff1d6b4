#include "core/notify/signature.h"

#include "core/base/base64.h"
#include "core/base/mem.h"

#include <ctype.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIGEST_SIZE = 32, KEY_MAX = 1024 };

struct key {
    unsigned char bytes[KEY_MAX];
    size_t size;
};

struct signature_keys {
    struct key keys[SIGNATURE_KEYS_MAX];
    unsigned count;
};

static void secret_buf_release(struct buf *buf)
{
    if (buf->data)
        OPENSSL_cleanse(buf->data, buf->capacity);
    buf_release(buf);
}

/* Decodes base64 with or without padding. */
static bool decode(struct span text, struct key *key)
{
    struct buf padded = {0}, bytes = {0};
    bool fine;

    while (text.size > 0 && text.data[text.size - 1] == '=')
        text.size--;
    buf_append_span(&padded, text);
    while (padded.size % 4 != 0)
        buf_append_char(&padded, '=');
    fine = base64_decode(&bytes, buf_span(&padded), BASE64_PADDED) && bytes.size > 0 &&
           bytes.size <= KEY_MAX;
    if (fine) {
        memcpy(key->bytes, bytes.data, bytes.size);
        key->size = bytes.size;
    }
    secret_buf_release(&padded);
    secret_buf_release(&bytes);
    return fine;
}

static bool read_key(struct signature_keys *keys, struct span line, struct err *err)
{
    static const struct span prefix = {"whsec_", 6};
    struct key *key = &keys->keys[keys->count];

    if (keys->count == SIGNATURE_KEYS_MAX)
        return err_set(err, ERR_CONFIG, "more than %d secrets: remove the old ones",
                       SIGNATURE_KEYS_MAX);
    if (span_starts(line, prefix)) {
        if (!decode(span_from(line, prefix.size), key))
            return err_set(err, ERR_CONFIG,
                           "what follows whsec_ is not base64: copy the whole secret again");
    } else {
        if (line.size > KEY_MAX)
            return err_set(err, ERR_CONFIG, "a secret is longer than %d bytes", KEY_MAX);
        memcpy(key->bytes, line.data, line.size);
        key->size = line.size;
    }
    keys->count++;
    return true;
}

struct signature_keys *signature_keys_read(struct span text, struct err *err)
{
    struct signature_keys *keys = mem_calloc(1, sizeof *keys);
    bool fine = true;

    while (fine && text.size > 0) {
        const char *end = memchr(text.data, '\n', text.size);
        size_t size = end ? (size_t)(end - text.data) : text.size;
        struct span line = {text.data, size};

        text = (struct span){text.data + size + (end != NULL), text.size - size - (end != NULL)};
        while (line.size > 0 && isspace((unsigned char)line.data[line.size - 1]))
            line.size--;
        line = str_trim(line);
        fine = line.size == 0 || read_key(keys, line, err);
    }
    if (fine && keys->count == 0)
        fine = err_set(err, ERR_CONFIG, "there is no secret: write one per line");
    if (fine)
        return keys;
    signature_keys_free(keys);
    return NULL;
}

void signature_keys_free(struct signature_keys *keys)
{
    if (keys)
        OPENSSL_cleanse(keys, sizeof *keys);
    free(keys);
}

static void digest(const struct key *key, struct span text, unsigned char out[DIGEST_SIZE])
{
    HMAC(EVP_sha256(), key->bytes, (int)key->size,
         (const unsigned char *)(text.data ? text.data : ""), text.size, out, NULL);
}

static bool same_text(struct span a, struct span b)
{
    return a.size == b.size && CRYPTO_memcmp(a.data, b.data, a.size) == 0;
}

/* What Standard Webhooks signs. */
static void append_signed(struct buf *out, const char *id, const char *timestamp, struct span body)
{
    buf_append_text(out, id);
    buf_append_char(out, '.');
    buf_append_text(out, timestamp);
    buf_append_char(out, '.');
    buf_append_span(out, body);
}

/* Whether one of the signatures of the header is by this key. All are compared. */
static bool is_listed(const char *header, struct span expected)
{
    bool found = false;

    while (*header) {
        size_t size = strcspn(header, " ");

        if (size > 3 && memcmp(header, "v1,", 3) == 0)
            found |= same_text((struct span){header + 3, size - 3}, expected);
        header += size;
        header += strspn(header, " ");
    }
    return found;
}

static bool by_any_key(const struct signature_keys *keys, const struct signature_headers *headers,
                       struct span body)
{
    struct buf text = {0}, encoded = {0};
    bool found = false;

    append_signed(&text, headers->id, headers->timestamp, body);
    for (unsigned i = 0; i < keys->count; i++) {
        unsigned char bytes[DIGEST_SIZE];

        digest(&keys->keys[i], buf_span(&text), bytes);
        buf_reset(&encoded);
        base64_encode(&encoded, (struct span){(const char *)bytes, sizeof bytes}, BASE64_PADDED);
        found |= is_listed(headers->signature, buf_span(&encoded));
    }
    buf_release(&text);
    buf_release(&encoded);
    return found;
}

static enum signature_verdict check_standard(const struct signature_keys *keys,
                                             const struct signature_headers *headers,
                                             struct span body, int64_t now_s)
{
    int64_t timestamp;

    if (!headers->id || !*headers->id || !headers->timestamp || !headers->signature)
        return SIGNATURE_MISSING;
    if (!str_to_int64(span_of(headers->timestamp), 0, INT64_MAX / 2, &timestamp) ||
        !by_any_key(keys, headers, body))
        return SIGNATURE_WRONG;
    return timestamp < now_s - SIGNATURE_TOLERANCE_S || timestamp > now_s + SIGNATURE_TOLERANCE_S
               ? SIGNATURE_EXPIRED
               : SIGNATURE_WITH_ID;
}

/* Hexadecimal in either case, or base64. */
static enum signature_verdict check_hub(const struct signature_keys *keys, const char *header,
                                        struct span body)
{
    static const char prefix[] = "sha256=", digits[] = "0123456789abcdef";
    char lower[2 * DIGEST_SIZE], hex[2 * DIGEST_SIZE];
    struct buf encoded = {0};
    struct span given;
    bool found = false;

    if (!header)
        return SIGNATURE_MISSING;
    if (!str_starts(header, prefix))
        return SIGNATURE_WRONG;
    given = span_of(header + sizeof prefix - 1);
    for (size_t i = 0; i < sizeof lower; i++)
        lower[i] = i < given.size ? (char)tolower((unsigned char)given.data[i]) : ' ';
    for (unsigned i = 0; i < keys->count; i++) {
        unsigned char bytes[DIGEST_SIZE];

        digest(&keys->keys[i], body, bytes);
        for (size_t k = 0; k < sizeof hex; k++)
            hex[k] = digits[bytes[k / 2] >> (k % 2 ? 0 : 4) & 15];
        buf_reset(&encoded);
        base64_encode(&encoded, (struct span){(const char *)bytes, sizeof bytes}, BASE64_PADDED);
        found |= given.size == sizeof hex && CRYPTO_memcmp(lower, hex, sizeof hex) == 0;
        found |= same_text(given, buf_span(&encoded));
    }
    buf_release(&encoded);
    return found ? SIGNATURE_OF_BODY : SIGNATURE_WRONG;
}

enum signature_verdict signature_check(const struct signature_keys *keys,
                                       const struct signature_headers *headers, struct span body,
                                       int64_t now_s)
{
    enum signature_verdict standard = check_standard(keys, headers, body, now_s), hub;

    if (standard == SIGNATURE_WITH_ID)
        return standard;
    hub = check_hub(keys, headers->hub, body);
    return hub == SIGNATURE_MISSING || (hub == SIGNATURE_WRONG && standard == SIGNATURE_EXPIRED)
               ? standard
               : hub;
}

void signature_make(const struct signature_keys *keys, const char *id, int64_t timestamp_s,
                    struct span body, struct buf *out)
{
    struct buf text = {0};
    char timestamp[24];

    snprintf(timestamp, sizeof timestamp, "%lld", (long long)timestamp_s);
    append_signed(&text, id, timestamp, body);
    for (unsigned i = 0; i < keys->count; i++) {
        unsigned char bytes[DIGEST_SIZE];

        digest(&keys->keys[i], buf_span(&text), bytes);
        buf_append_text(out, i ? " v1," : "v1,");
        base64_encode(out, (struct span){(const char *)bytes, sizeof bytes}, BASE64_PADDED);
    }
    buf_release(&text);
}
