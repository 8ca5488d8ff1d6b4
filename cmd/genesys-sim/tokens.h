/* The bearer tokens that were issued, and when they expire. */
#pragma once

#include "core/base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum { TOKENS_MAX = 1024 };

/* A ring of the newest TOKENS_MAX; older ones are refused. Zeroed: none. */
struct tokens {
    struct {
        char *text;
        int64_t expires_us; /* monotonic clock */
    } token[TOKENS_MAX];
    uint64_t issued;
};

/* Makes a token that is valid for lifetime_us from now_us: opaque, or with an issuer (not NULL) a
 * JWT (RFC 7519) with random bytes as its signature. The text is valid until TOKENS_MAX more tokens
 * are issued or all are revoked. */
const char *tokens_issue(struct tokens *tokens, const char *issuer, int64_t now_us,
                         int64_t lifetime_us);

bool tokens_accept(const struct tokens *tokens, struct span text, int64_t now_us);

/* Forgets and frees every token; the count of those issued stays. */
void tokens_revoke(struct tokens *tokens);
