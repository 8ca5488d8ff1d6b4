/* Signatures of webhooks: HMAC-SHA256 by Standard Webhooks
 * (github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md) or in the header
 * X-Hub-Signature-256 (WebSub, W3C Recommendation, section 8). */
#pragma once

#include "core/base/buf.h"
#include "core/base/err.h"

#include <stdint.h>

enum {
    SIGNATURE_KEYS_MAX = 8,
    SIGNATURE_TOLERANCE_S = 300, /* between webhook-timestamp and our clock, either way */
};

/* One key, or several while the key is changed. */
struct signature_keys;

/* Reads one secret per line: `whsec_` and base64, which encodes its bytes, or plain text. Empty
 * lines are passed over. NULL with ERR_CONFIG, which shows nothing of the secret. The caller frees
 * it with signature_keys_free, which accepts NULL. */
struct signature_keys *signature_keys_read(struct span text, struct err *err);
void signature_keys_free(struct signature_keys *keys);

/* Values of headers; NULL where the header is missing. */
struct signature_headers {
    const char *id, *timestamp, *signature; /* webhook-id, webhook-timestamp, webhook-signature */
    const char *hub;                        /* X-Hub-Signature-256 */
};

enum signature_verdict {
    SIGNATURE_WITH_ID, /* valid, and covers webhook-id */
    SIGNATURE_OF_BODY, /* valid, and covers the body alone */
    SIGNATURE_MISSING,
    SIGNATURE_EXPIRED, /* the timestamp is outside the tolerance */
    SIGNATURE_WRONG,
};

/* Either kind of signature is enough, by any of the keys. Compares in constant time. */
enum signature_verdict signature_check(const struct signature_keys *keys,
                                       const struct signature_headers *headers, struct span body,
                                       int64_t now_s);

/* Appends the value of webhook-signature: one signature by each key, with blanks between. */
void signature_make(const struct signature_keys *keys, const char *id, int64_t timestamp_s,
                    struct span body, struct buf *out);
