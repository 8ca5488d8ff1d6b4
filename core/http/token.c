#include "core/http/token.h"

#include "core/base/base64.h"
#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/base/percent.h"
#include "core/http/body.h"
#include "core/http/url.h"

#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    TEXTS_KEPT = 8,       /* tokens whose text is kept, with the present one */
    TOKEN_MAX = 16 << 10, /* bytes of a token */
    LIFE_DEFAULT_S = 300, /* where the answer names none: the platform's shortest */
    WAIT_FIRST_MS = 1000,
    WAIT_MAX_MS = 60000,
    RATE_LIMIT_WAIT_MS = 60000, /* the limit of the login is per minute */
    STILLBORN_MAX = 3,          /* tokens in a row that had expired when they came */
    TROUBLE_SIZE = 1536,
};

struct token {
    char *login_url, *request_url, *api_host;
    struct buf form;              /* the body of each request */
    bool is_key;                  /* the one text is a key, not a token */
    char *client_secret, *basic;  /* wiped when they are freed, as the texts are */
    char *texts[TEXTS_KEPT];      /* the last ones, in a ring */
    unsigned present;             /* the newest of them */
    bool alive;                   /* it was not refused */
    int64_t renew_us, expires_us; /* of the present one */
    int64_t not_before_us;        /* of the next request */
    bool in_flight;
    unsigned failures, stillborn;
    int64_t timeout_ms;
    char trouble[TROUBLE_SIZE];
};

/* What an answer without a token means. The first rule that fits counts. NULL fits everything; an
 * error of "" fits an answer that names none. */
struct rule {
    long from, to; /* statuses */
    const char *error;
    const char *description; /* how it begins */
    enum token_verdict verdict;
    int64_t wait_ms;    /* of TOKEN_RETRY where the answer names none; 0: doubled each time */
    enum err_kind kind; /* of TOKEN_REFUSED */
    const char *advice;
};

static const char no_login[] =
    "this is not a login of the platform: check --environment and --login-url";

#define NO_PROXY                                                                                   \
    "a proxy wants credentials: check the proxy's settings in the environment (https_proxy)"

static const struct rule rules[] = {
    {400, 401, "invalid_scope", NULL, TOKEN_REFUSED, 0, ERR_AUTH,
     "the client may not have this scope: check --scope"},
    {400, 400, "invalid_request", "rate limit exceeded", TOKEN_RETRY, RATE_LIMIT_WAIT_MS, ERR_NONE,
     "too many tokens were asked for"},
    {400, 400, "invalid_client", NULL, TOKEN_REFUSED, 0, ERR_AUTH,
     "unknown client, or a client of another region: check GENESYS_CLIENT_ID and --environment"},
    {401, 401, "invalid_client", NULL, TOKEN_REFUSED, 0, ERR_AUTH,
     "wrong client secret: check GENESYS_CLIENT_SECRET, and that the client is active"},
    {400, 400, "", NULL, TOKEN_REFUSED, 0, ERR_CONFIG, no_login},
    {400, 401, NULL, NULL, TOKEN_REFUSED, 0, ERR_AUTH,
     "check that the client is of the type 'client credentials' and has a role"},
    {403, 403, NULL, NULL, TOKEN_REFUSED, 0, ERR_AUTH,
     "the client may not log in: check that it is active, and --environment"},
    {407, 407, NULL, NULL, TOKEN_REFUSED, 0, ERR_CONFIG, NO_PROXY},
    {408, 408, NULL, NULL, TOKEN_RETRY, 0, ERR_NONE, "the login is busy"},
    {421, 421, NULL, NULL, TOKEN_RETRY, 0, ERR_NONE, "another connection is needed"},
    {425, 425, NULL, NULL, TOKEN_RETRY, 0, ERR_NONE, "another connection is needed"},
    {429, 429, NULL, NULL, TOKEN_RETRY, 0, ERR_NONE, "too many tokens were asked for"},
    {501, 501, NULL, NULL, TOKEN_REFUSED, 0, ERR_CONFIG, no_login},
    {505, 505, NULL, NULL, TOKEN_REFUSED, 0, ERR_CONFIG, no_login},
    {500, 599, NULL, NULL, TOKEN_RETRY, 0, ERR_NONE, "the login is out of order"},
    {0, 999, NULL, NULL, TOKEN_REFUSED, 0, ERR_CONFIG, no_login},
};

static void wipe(char *secret)
{
    if (secret)
        explicit_bzero(secret, strlen(secret));
    free(secret);
}

/* Joins `first` and `second` in memory that never moves, so that no copy of a secret remains. */
static char *joined(const char *first, struct span second)
{
    size_t size = strlen(first);
    char *text = mem_calloc(size + second.size + 1, 1);

    memcpy(text, first, size);
    memcpy(text + size, second.data, second.size);
    return text;
}

/* Appends a part of the credentials: form-encoded, as RFC 6749 section 2.3.1 wants it, but for the
 * platform's own login, which takes them as they are. A space is %20, which those who decode a form
 * and those who decode a URL read alike. */
static void append_part(struct buf *out, const char *text, bool platform)
{
    if (platform)
        buf_append_text(out, text);
    else
        percent_encode(out, span_of(text));
}

/* Builds the HTTP Basic header (RFC 7617), in memory that never moves. */
static char *basic_header(const struct token_options *options)
{
    const struct token_client *client = &options->client;
    struct buf pair = {0}, code = {0};
    char *header;

    buf_reserve(&pair, (strlen(client->id) + strlen(client->secret)) * 3 + 2);
    append_part(&pair, client->id, options->platform);
    buf_append_char(&pair, ':');
    append_part(&pair, client->secret, options->platform);
    buf_reserve(&code, pair.size * 2 + 4);
    base64_encode(&code, buf_span(&pair), BASE64_PADDED);
    header = joined("Basic ", buf_span(&code));
    explicit_bzero(pair.data, pair.size);
    explicit_bzero(code.data, code.size);
    buf_release(&pair);
    buf_release(&code);
    return header;
}

struct token *token_open(const struct token_options *options)
{
    const struct token_client *client = &options->client;
    struct token *token = mem_calloc(1, sizeof *token);

    token->login_url = mem_strdup(options->login_url);
    token->request_url = mem_strdup(options->url);
    token->api_host = options->api_host ? mem_strdup(options->api_host) : NULL;
    token->timeout_ms = options->timeout_ms;
    token->is_key = client->key;
    if (token->is_key) {
        token->texts[0] = mem_strdup(client->key);
        token->alive = true;
        token->expires_us = INT64_MAX;
        return token;
    }
    token->basic = basic_header(options);
    token->client_secret = mem_strdup(client->secret);
    buf_append_text(&token->form, "grant_type=client_credentials");
    if (client->scope) {
        buf_append_text(&token->form, "&scope=");
        percent_encode(&token->form, span_of(client->scope));
    }
    return token;
}

void token_close(struct token *token)
{
    if (!token)
        return;
    for (size_t i = 0; i < TEXTS_KEPT; i++)
        wipe(token->texts[i]);
    wipe(token->client_secret);
    wipe(token->basic);
    free(token->login_url);
    free(token->request_url);
    free(token->api_host);
    buf_release(&token->form);
    free(token);
}

const char *token_authorization(struct token *token, int64_t now_us)
{
    return token->alive && now_us < token->expires_us ? token->texts[token->present] : NULL;
}

bool token_due(const struct token *token, int64_t now_us)
{
    if (token->is_key || token->in_flight || now_us < token->not_before_us)
        return false;
    return !token->alive || now_us >= token->renew_us;
}

int64_t token_wait_us(const struct token *token, int64_t now_us)
{
    return token->not_before_us > now_us ? token->not_before_us - now_us : 0;
}

void token_request(struct token *token, struct http_request *request)
{
    *request = (struct http_request){
        .method = HTTP_POST,
        .url = token->request_url,
        .authorization = token->basic,
        .content_type = "application/x-www-form-urlencoded",
        .body = buf_span(&token->form),
        .timeout_ms = token->timeout_ms,
        .new_connection = token->failures > 0,
        .context = token,
    };
    token->in_flight = true;
}

bool token_refused(struct token *token, const char *authorization)
{
    if (token->is_key || !token->alive || authorization != token->texts[token->present])
        return false;
    token->alive = false;
    return true;
}

unsigned token_failures(const struct token *token)
{
    return token->failures;
}

const char *token_trouble(const struct token *token)
{
    return token->trouble;
}

/* Returns the advice, in words that fit a login that is not the platform's. */
static const char *fit(const struct token *token, const char *advice)
{
    return advice == no_login && !token->api_host
               ? "this is not a token endpoint: check --token-url"
               : advice;
}

/* Sets trouble to `login at URL: ...`. */
static void __attribute__((format(printf, 2, 3))) say(struct token *token, const char *format, ...)
{
    char text[TROUBLE_SIZE / 2];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    snprintf(token->trouble, TROUBLE_SIZE, "login at %s: %s", token->login_url, text);
}

static enum token_verdict refuse(const struct token *token, enum err_kind kind, struct err *err)
{
    err_set(err, kind, "%s", token->trouble);
    return TOKEN_REFUSED;
}

/* Puts the next request off for the time that the answer names, else default_ms, else longer each
 * time. */
static enum token_verdict retry(struct token *token, const struct http_answer *answer,
                                int64_t default_ms, int64_t now_us, int64_t *wait_ms)
{
    int64_t doubled_ms = token->failures < 6 ? WAIT_FIRST_MS << token->failures : WAIT_MAX_MS;

    *wait_ms = default_ms ? default_ms : doubled_ms;
    if (answer->retry_after_ms >= 0)
        *wait_ms = answer->retry_after_ms > WAIT_FIRST_MS ? answer->retry_after_ms : WAIT_FIRST_MS;
    token->failures++;
    token->not_before_us = now_us + *wait_ms * 1000;
    return TOKEN_RETRY;
}

static bool holds(struct span text, const char *part)
{
    size_t size = strlen(part);

    return size && text.size >= size && memmem(text.data, text.size, part, size);
}

/* Quotes a text of the login in out; "" where it contains our secret. */
static const char *quoted(const struct token *token, struct span text, char *out, size_t out_size)
{
    bool secret = holds(text, token->client_secret) || holds(text, strchr(token->basic, ' ') + 1);

    return str_printable(secret ? (struct span){0} : text, out, out_size);
}

static const struct rule *find_rule(long status, struct span error, struct span description)
{
    const struct rule *rule = rules;

    for (; rule < rules + sizeof rules / sizeof *rules - 1; rule++) {
        size_t size = rule->description ? strlen(rule->description) : 0;

        if (status < rule->from || status > rule->to)
            continue;
        if (rule->error && !span_is(error, rule->error))
            continue;
        if (description.size >= size &&
            (size == 0 || strncasecmp(description.data, rule->description, size) == 0))
            break;
    }
    return rule;
}

/* Takes an answer other than 200: `{"error", "description", "error_description"}`, or a gateway's.
 */
static enum token_verdict take_error(struct token *token, const struct http_answer *answer,
                                     int64_t now_us, int64_t *wait_ms, struct err *err)
{
    char error_text[64], text[256];
    struct json_object *body = body_parse(answer->body);
    struct span error = body_string(body, "error");
    struct span description = body_string(body, "description");
    const struct rule *rule;

    if (!description.size)
        description = body_string(body, "error_description");
    rule = find_rule(answer->status, error, description);
    quoted(token, error, error_text, sizeof error_text);
    quoted(token, description, text, sizeof text);
    say(token, "HTTP %ld%s%s%s%s%s: %s", answer->status, error_text[0] ? " " : "", error_text,
        text[0] ? " (" : "", text, text[0] ? ")" : "", fit(token, rule->advice));
    json_object_put(body);
    if (rule->verdict == TOKEN_RETRY)
        return retry(token, answer, rule->wait_ms, now_us, wait_ms);
    return refuse(token, rule->kind, err);
}

/* Takes the end of a transfer without a complete answer. */
static enum token_verdict take_nothing(struct token *token, const struct http_answer *answer,
                                       int64_t now_us, int64_t *wait_ms, struct err *err)
{
    if (answer->end == HTTP_UNTRUSTED) {
        say(token,
            "the server's certificate is not trusted (%s): check --environment, or name the "
            "authority that signed it with --ca-file",
            answer->error);
        return refuse(token, ERR_CONFIG, err);
    }
    if (answer->end == HTTP_PROXY) {
        say(token, "407: " NO_PROXY);
        return refuse(token, ERR_CONFIG, err);
    }
    if (answer->end == HTTP_TOO_LARGE) {
        say(token, "%s: %s", answer->error, fit(token, no_login));
        return refuse(token, ERR_CONFIG, err);
    }
    say(token, "%s", answer->error);
    return retry(token, answer, 0, now_us, wait_ms);
}

/* True of visible ASCII, which a header can carry. RFC 6750 section 2.1 allows less. */
static bool is_sendable(struct span text)
{
    if (text.size == 0 || text.size > TOKEN_MAX)
        return false;
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] < 0x21 || text.data[i] > 0x7E)
            return false;
    return true;
}

/* Returns the payload of a JWT (RFC 7519), the middle one of three base64url parts; NULL when the
 * token is opaque. The caller puts it (json_object_put). */
static struct json_object *jwt_payload(struct span text)
{
    const char *end = text.data + text.size;
    const char *first = memchr(text.data, '.', text.size);
    const char *second = first ? memchr(first + 1, '.', (size_t)(end - first - 1)) : NULL;
    struct json_object *payload = NULL;
    struct buf bytes = {0};

    if (!second || memchr(second + 1, '.', (size_t)(end - second - 1)))
        return NULL;
    if (base64_decode(&bytes, (struct span){first + 1, (size_t)(second - first - 1)}, BASE64_URL))
        payload = body_parse(buf_span(&bytes));
    buf_release(&bytes);
    return payload;
}

/* True when a JWT was issued by the login of the API, and for every opaque token. */
static bool check_issuer(struct token *token, struct span text)
{
    struct json_object *payload = jwt_payload(text);
    struct span issuer = body_string(payload, "iss");
    struct url url = {.host = issuer};
    char shown[256];
    bool good = !issuer.size || !token->api_host;

    if (!good) {
        if (!url_parse(issuer, &url))
            url.host = issuer;
        good = url_same_domain(span_of(token->api_host), url.host);
        say(token, "the token was issued by %s, which does not belong to %s: check --environment",
            str_printable(issuer, shown, sizeof shown), token->api_host);
    }
    json_object_put(payload);
    return good;
}

/* Returns the lifetime in seconds that the answer names (RFC 6749 section 5.1). */
static int64_t life_s(struct json_object *body)
{
    struct json_object *value;
    int64_t seconds = LIFE_DEFAULT_S;

    if (json_object_object_get_ex(body, "expires_in", &value) &&
        (json_object_is_type(value, json_type_int) || json_object_is_type(value, json_type_double)))
        seconds = json_object_get_int64(value);
    return seconds < INT32_MAX ? seconds : INT32_MAX;
}

static void adopt(struct token *token, struct span text, int64_t issued_us, int64_t life)
{
    token->present = (token->present + 1) % TEXTS_KEPT;
    wipe(token->texts[token->present]);
    token->texts[token->present] = joined("Bearer ", text);
    token->alive = true;
    token->renew_us = issued_us + life / 5 * 4;
    token->expires_us = issued_us + life;
    token->not_before_us = 0;
    token->failures = token->stillborn = 0;
    token->trouble[0] = '\0';
}

/* Takes a token that had expired when it came. The next ones can be better, but the third such
 * token in a row ends the run. */
static enum token_verdict take_stillborn(struct token *token, int64_t life,
                                         const struct http_answer *answer, int64_t now_us,
                                         int64_t *wait_ms, struct err *err)
{
    say(token,
        "the token had expired when it came: expires_in is %lld s, and the login took %lld ms to "
        "answer: check the login's settings for this client, and the network to it",
        (long long)life, (long long)(answer->latency_us / 1000));
    if (++token->stillborn >= STILLBORN_MAX)
        return refuse(token, ERR_AUTH, err);
    *wait_ms = WAIT_FIRST_MS;
    token->not_before_us = now_us + *wait_ms * 1000;
    return TOKEN_RETRY;
}

static enum token_verdict take_token(struct token *token, const struct http_answer *answer,
                                     int64_t now_us, int64_t *wait_ms, struct err *err)
{
    struct json_object *body = body_parse(answer->body);
    int64_t life = life_s(body);
    struct span text = body_string(body, "access_token");
    enum token_verdict verdict = TOKEN_REFUSED;

    if (!text.data)
        say(token, "HTTP 200 without an access_token: %s", fit(token, no_login));
    else if (!is_sendable(text))
        say(token, "HTTP 200 with an access_token that no header can carry: %s",
            fit(token, no_login));
    else if (check_issuer(token, text))
        verdict = TOKEN_FRESH;
    if (verdict == TOKEN_REFUSED)
        refuse(token, ERR_CONFIG, err);
    else if (life * 1000000 <= answer->latency_us)
        verdict = take_stillborn(token, life, answer, now_us, wait_ms, err);
    else
        adopt(token, text, now_us - answer->latency_us, life * 1000000);
    if (text.data)
        explicit_bzero((char *)text.data, text.size);
    json_object_put(body);
    return verdict;
}

enum token_verdict token_take(struct token *token, const struct http_answer *answer, int64_t now_us,
                              int64_t *wait_ms, struct err *err)
{
    token->in_flight = false;
    if (answer->end != HTTP_DONE)
        return take_nothing(token, answer, now_us, wait_ms, err);
    if (answer->status != 200)
        return take_error(token, answer, now_us, wait_ms, err);
    return take_token(token, answer, now_us, wait_ms, err);
}
