/* How rowferry identifies itself to the API: the OAuth token by client credentials (RFC 6749
 * section 4.4; when to ask for one, how, and what the answers mean), or a fixed key. */
#pragma once

#include "core/base/err.h"
#include "core/http/pool.h"

#include <stdbool.h>
#include <stdint.h>

struct token;

/* Who asks. The secrets are kept in memory only, and wiped at the end. */
struct token_client {
    const char *id, *secret; /* of the OAuth client; NULL with a key */
    const char *scope;       /* that is asked for; NULL: none */
    const char *key;         /* the value of a header field instead of a token; NULL: none */
    const char *key_field;   /* the name of that field */
};

struct token_options {
    const char *url;       /* `https://login.mypurecloud.com/oauth/token` */
    const char *login_url; /* the same for messages */
    const char *api_host;  /* the issuer of a JWT must belong to it; NULL: to anybody */
    bool platform;         /* a login of the platform, which takes id and secret as they are */
    struct token_client client;
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

/* Returns `Bearer ...`, or the key, or NULL while no token is valid. The text stays until seven
 * further tokens have come; the pool needs it no longer than http_pool_start. now_us: monotonic. */
const char *token_authorization(struct token *token, int64_t now_us);

/* True when a token request should start now: none is in flight, no wait is running, and there is
 * no token, it has used 80% of its lifetime, or it was refused. Never with a key. */
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
