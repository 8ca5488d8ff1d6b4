/* The OAuth token by client credentials (RFC 6749 section 4.4): when to ask for one, how, and what
 * the answers mean. */
#ifndef ROWFERRY_HTTP_TOKEN_H
#define ROWFERRY_HTTP_TOKEN_H

#include "core/base/err.h"
#include "core/http/pool.h"

#include <stdbool.h>
#include <stdint.h>

struct token;

struct token_options {
    const char *login_url; /* `https://login.mypurecloud.com`, without a slash at the end */
    const char *api_host;  /* of the environment: the issuer of a JWT must belong to it */
    const char *client_id;
    const char *client_secret; /* kept in memory only, wiped at the end */
    int64_t timeout_ms;
};

/* What the login said. */
enum token_verdict {
    TOKEN_FRESH,   /* there is a new token */
    TOKEN_RETRY,   /* ask again after *wait_ms: rate limit, 5xx, no answer, or a token that had
                      expired when it came; the third such token in a row is TOKEN_REFUSED */
    TOKEN_REFUSED, /* err says why: ERR_AUTH, or ERR_CONFIG: wrong environment or certificate */
};

struct token *token_open(const struct token_options *options);
void token_close(struct token *token);

/* Returns `Bearer ...`, or NULL while no token is valid. The text stays until seven further tokens
 * have come; the pool needs it no longer than http_pool_start. now_us: monotonic. */
const char *token_authorization(struct token *token, int64_t now_us);

/* True when a token request should start now: none is in flight, no wait is running, and there is
 * no token, it has used 80% of its lifetime, or it was refused. */
bool token_due(const struct token *token, int64_t now_us);

/* Returns the rest of the wait that the last answer of the login began; 0 without one. */
int64_t token_wait_us(const struct token *token, int64_t now_us);

/* Fills the request, whose context is the token. One at a time can be in flight. */
void token_request(struct token *token, struct http_request *request);

/* Takes the answer to token_request. The wait of TOKEN_RETRY is what the answer names, else 1 s
 * doubled with each failure, at most 60 s. Only TOKEN_REFUSED sets err. No text ever contains the
 * secret or a token. */
enum token_verdict token_take(struct token *token, const struct http_answer *answer, int64_t now_us,
                              int64_t *wait_ms, struct err *err);

/* Notes that the API answered 401 to `authorization`, a pointer that token_authorization returned.
 * If that is still the present token, drops it, so that token_due becomes true, and returns true.
 * An older one changes nothing. */
bool token_refused(struct token *token, const char *authorization);

/* Returns how often the login gave no usable answer since the last token. */
unsigned token_failures(const struct token *token);

/* Returns what was wrong with the last answer, `login at URL: ...`; "" after a token. */
const char *token_trouble(const struct token *token);

#endif
