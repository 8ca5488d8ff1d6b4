/* The bearer tokens that were issued and how long each of them is good. */
#ifndef GENESYS_SIM_TOKENS_H
#define GENESYS_SIM_TOKENS_H

#include "core/base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum { TOKENS_MAX = 1024 };

/* A ring: the newest TOKENS_MAX are known, older ones are refused. Zeroed means none. */
struct tokens {
    struct {
        char *text;
        int64_t expires_us; /* monotonic clock */
    } token[TOKENS_MAX];
    uint64_t issued;
};

/* Makes a token that is good for lifetime_us from now_us: opaque, or with an issuer (not NULL) a
 * JWT (RFC 7519) whose signature is noise. The text is the ring's; a few tokens long. */
const char *tokens_issue(struct tokens *tokens, const char *issuer, int64_t now_us,
                         int64_t lifetime_us);

bool tokens_accept(const struct tokens *tokens, struct span text, int64_t now_us);

/* Forgets every token; the count of those issued stays. Releases too. */
void tokens_revoke(struct tokens *tokens);

#endif
