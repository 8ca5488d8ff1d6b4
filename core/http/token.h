/* The OAuth client credentials token (RFC 6749 section 4.4): when to ask, how, and what came. */
#ifndef ROWFERRY_HTTP_TOKEN_H
#define ROWFERRY_HTTP_TOKEN_H

#include "core/base/err.h"
#include "core/http/pool.h"

#include <stdbool.h>
#include <stdint.h>

struct token;

struct token_options {
    const char *login_url; /* `https://login.mypurecloud.com`, without a slash at the end */
    const char *api_host;  /* of the environment: what a JWT's issuer must belong to */
    const char *client_id;
    const char *client_secret; /* kept in memory only, wiped at the end */
    int64_t timeout_ms;
};

/* What the login said. */
enum token_verdict {
    TOKEN_FRESH,   /* there is a new token */
    TOKEN_RETRY,   /* ask again after *wait_ms: rate limit, 5xx, no answer, or a token that had
                      expired when it came, of which the third in a row is TOKEN_REFUSED */
    TOKEN_REFUSED, /* err says why: ERR_AUTH, or ERR_CONFIG: wrong environment or certificate */
};

struct token *token_open(const struct token_options *options);
void token_close(struct token *token);

/* `Bearer ...`, or NULL while there is none that still lives. The text stays until seven further
 * tokens have come; the pool needs it no longer than http_pool_start. */
const char *token_authorization(struct token *token, int64_t now_us);

/* True when a token request should start now: none is in flight, no wait is running, and there is
 * no token, it has lived 80% of its life, or it was refused. now_us: monotonic. */
bool token_due(const struct token *token, int64_t now_us);

/* Time until the wait that the login's last answer began is over; 0 without one. */
int64_t token_wait_us(const struct token *token, int64_t now_us);

/* Fills the request; its context is the token. At most one in flight. */
void token_request(struct token *token, struct http_request *request);

/* Takes the answer to token_request. TOKEN_RETRY's wait is what the answer told, else 1 s doubled
 * with each failure, at most 60 s; err is set by TOKEN_REFUSED alone. No text ever holds the secret
 * or a token. */
enum token_verdict token_take(struct token *token, const struct http_answer *answer, int64_t now_us,
                              int64_t *wait_ms, struct err *err);

/* The API answered 401 to `authorization`, as token_authorization gave it (only the address
 * counts). If that is still the present token it is dropped, so that token_due becomes true, and
 * the answer is true; an older one changes nothing. */
bool token_refused(struct token *token, const char *authorization);

/* How often the login gave no usable answer since the last token. */
unsigned token_failures(const struct token *token);

/* What was wrong with the last answer, `login at URL: ...`; "" after a token. */
const char *token_trouble(const struct token *token);

#endif
