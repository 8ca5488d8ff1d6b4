#include "cmd/genesys-sim/tokens.h"

#include "core/base/base64.h"
#include "core/base/buf.h"
#include "core/base/clock.h"

#include <stdlib.h>
#include <sys/random.h>

static void append_jwt(struct buf *out, const char *issuer, int64_t lifetime_us)
{
    struct buf claims = {0};

    buf_append_text(&claims, "{\"iss\":\"");
    buf_append_json(&claims, span_of(issuer));
    buf_printf(&claims, "\",\"exp\":%lld}",
               (long long)((clock_now_ms() + lifetime_us / 1000) / 1000));
    base64_encode(out, span_of("{\"alg\":\"RS256\",\"typ\":\"JWT\"}"), BASE64_URL);
    buf_append_char(out, '.');
    base64_encode(out, buf_span(&claims), BASE64_URL);
    buf_append_char(out, '.');
    buf_release(&claims);
}

const char *tokens_issue(struct tokens *tokens, const char *issuer, int64_t now_us,
                         int64_t lifetime_us)
{
    size_t slot = tokens->issued++ % TOKENS_MAX;
    struct buf text = {0};
    char noise[32];

    if (issuer)
        append_jwt(&text, issuer, lifetime_us);
    /* up to 256 bytes are never returned in parts (getrandom(2)) */
    if (getrandom(noise, sizeof noise, 0) != (ssize_t)sizeof noise)
        abort();
    base64_encode(&text, (struct span){noise, sizeof noise}, BASE64_URL);
    buf_append_char(&text, '\0');
    free(tokens->token[slot].text);
    tokens->token[slot].text = text.data;
    tokens->token[slot].expires_us = now_us + lifetime_us;
    return text.data;
}

bool tokens_accept(const struct tokens *tokens, struct span text, int64_t now_us)
{
    uint64_t known = tokens->issued < TOKENS_MAX ? tokens->issued : TOKENS_MAX;

    for (uint64_t i = 1; i <= known; i++) {
        size_t slot = (tokens->issued - i) % TOKENS_MAX;

        if (tokens->token[slot].text && span_is(text, tokens->token[slot].text))
            return now_us < tokens->token[slot].expires_us;
    }
    return false;
}

void tokens_revoke(struct tokens *tokens)
{
    for (size_t i = 0; i < TOKENS_MAX; i++) {
        free(tokens->token[i].text);
        tokens->token[i].text = NULL;
    }
}
