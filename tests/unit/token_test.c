#include "core/base/base64.h"
#include "core/http/token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#define LOGIN  "https://login.mypurecloud.de"
#define SECRET "s3cr3t-of-ours"

enum { SECOND_US = 1000000 };

static const struct token_options usual = {
    .url = LOGIN "/oauth/token",
    .login_url = LOGIN,
    .api_host = "api.mypurecloud.de",
    .platform = true,
    .client = {.id = "client-7",
               .secret = SECRET,
               .scope = "customobjects:write customobjects:read"},
    .timeout_ms = 9000,
};

static struct token *open_token(void)
{
    return token_open(&usual);
}

static struct http_answer answer_of(long status, const char *body)
{
    return (struct http_answer){
        .end = HTTP_DONE, .status = status, .body = span_of(body), .retry_after_ms = -1};
}

/* The login answers 200 with this body. */
static enum token_verdict take_body(struct token *token, const char *body, int64_t now_us,
                                    struct err *err)
{
    struct http_answer answer = answer_of(200, "");
    char *copy = strdup(body);
    enum token_verdict verdict;
    struct http_request request;
    int64_t wait_ms;

    token_request(token, &request);
    answer.body = span_of(copy);
    verdict = token_take(token, &answer, now_us, &wait_ms, err);
    free(copy);
    return verdict;
}

static void the_token_request_is_the_one_that_the_platform_documents(void **state)
{
    struct token *token = open_token();
    struct http_request request;

    (void)state;
    token_request(token, &request);
    assert_int_equal(request.method, HTTP_POST);
    assert_string_equal(request.url, LOGIN "/oauth/token");
    assert_string_equal(request.authorization, "Basic Y2xpZW50LTc6czNjcjN0LW9mLW91cnM=");
    assert_string_equal(request.content_type, "application/x-www-form-urlencoded");
    assert_true(span_is(request.body, "grant_type=client_credentials&scope=customobjects%3Awrite"
                                      "%20customobjects%3Aread"));
    assert_int_equal(request.timeout_ms, 9000);
    assert_ptr_equal(request.context, token);
    token_close(token);
    token_close(NULL);
}

/* RFC 6749 section 2.3.1. The text before base64 is in the comment. */
static void id_and_secret_are_form_encoded_but_for_the_platform(void **state)
{
    static const struct {
        bool platform;
        const char *id, *secret, *authorization;
    } cases[] = {
        /* client-7:Az0-._~ */
        {false, "client-7", "Az0-._~", "Basic Y2xpZW50LTc6QXowLS5ffg=="},
        /* a%3Ab:p%2Bl%2Fu%20s%3D%25%C3%BC */
        {false, "a:b", "p+l/u s=%\xc3\xbc", "Basic YSUzQWI6cCUyQmwlMkZ1JTIwcyUzRCUyNSVDMyVCQw=="},
        /* a:p+l/u s=%\xc3\xbc */
        {true, "a", "p+l/u s=%\xc3\xbc", "Basic YTpwK2wvdSBzPSXDvA=="},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct token_options options = usual;
        struct http_request request;
        struct token *token;

        options.platform = cases[i].platform;
        options.client.id = cases[i].id;
        options.client.secret = cases[i].secret;
        token = token_open(&options);
        token_request(token, &request);
        assert_string_equal(request.authorization, cases[i].authorization);
        token_close(token);
    }
}

static void another_login_is_asked_for_its_scope_and_its_issuer_is_not_checked(void **state)
{
    struct token_options options = usual;
    struct http_answer answer = answer_of(404, "");
    struct http_request request;
    struct err err = {0};
    struct token *token;
    int64_t wait_ms;

    (void)state;
    options.url = "https://id.example/t?x=1";
    options.login_url = "https://id.example/t";
    options.api_host = NULL;
    options.client.scope = "api://x/.default a+b";
    token = token_open(&options);
    token_request(token, &request);
    assert_string_equal(request.url, "https://id.example/t?x=1");
    assert_true(span_is(request.body, "grant_type=client_credentials"
                                      "&scope=api%3A%2F%2Fx%2F.default%20a%2Bb"));
    assert_int_equal(token_take(token, &answer, 0, &wait_ms, &err), TOKEN_REFUSED);
    assert_string_equal(err.text, "login at https://id.example/t: HTTP 404: this is not a token "
                                  "endpoint: check --token-url");
    /* {"iss":"https://sts.elsewhere.example/"} */
    assert_int_equal(take_body(token,
                               "{\"access_token\":\"e30.eyJpc3MiOiJodHRwczovL3N0cy5lbHNld2hlcmUu"
                               "ZXhhbXBsZS8ifQ.x\"}",
                               1, &err),
                     TOKEN_FRESH);
    token_close(token);

    options.client.scope = NULL;
    token = token_open(&options);
    token_request(token, &request);
    assert_true(span_is(request.body, "grant_type=client_credentials"));
    token_close(token);
}

static void a_key_needs_no_login_and_is_not_replaced(void **state)
{
    struct token_options options = usual;
    const char *authorization;
    struct token *token;

    (void)state;
    options.client = (struct token_client){.key = "key-of-ours", .key_field = "X-Api-Key"};
    token = token_open(&options);
    authorization = token_authorization(token, INT64_MAX - 1);
    assert_string_equal(authorization, "key-of-ours");
    assert_false(token_due(token, 0));
    assert_false(token_refused(token, authorization));
    assert_ptr_equal(token_authorization(token, 0), authorization);
    assert_int_equal(token_wait_us(token, 0), 0);
    assert_string_equal(token_trouble(token), "");
    token_close(token);
}

#define HERE  "login at " LOGIN ": "
#define WRONG "this is not a login of the platform: check --environment and --login-url"

/* Every answer but a good token. */
static const struct {
    long status;
    const char *body;
    int64_t retry_after_ms;
    enum token_verdict verdict;
    int64_t wait_ms;
    enum err_kind kind;
    const char *text;
} refusals[] = {
    {400, "{\"error\":\"invalid_client\",\"description\":\"client not found: client-7\"}", -1,
     TOKEN_REFUSED, 0, ERR_AUTH,
     HERE "HTTP 400 invalid_client (client not found: client-7): unknown client, or a client of "
          "another region: check GENESYS_CLIENT_ID and --environment"},
    {401, "{\"error\":\"invalid_client\",\"error_description\":\"authentication failed\"}", -1,
     TOKEN_REFUSED, 0, ERR_AUTH,
     HERE "HTTP 401 invalid_client (authentication failed): wrong client secret: check "
          "GENESYS_CLIENT_SECRET, and that the client is active"},
    {401, "{\"error\":\"invalid_client\",\"description\":\"bad secret " SECRET "\"}", -1,
     TOKEN_REFUSED, 0, ERR_AUTH,
     HERE "HTTP 401 invalid_client: wrong client secret: check GENESYS_CLIENT_SECRET, and that "
          "the client is active"},
    {401, "{\"error\":\"Basic Y2xpZW50LTc6czNjcjN0LW9mLW91cnM=\"}", -1, TOKEN_REFUSED, 0, ERR_AUTH,
     HERE "HTTP 401: check that the client is of the type 'client credentials' and has a role"},
    {400, "{\"error\":\"unauthorized_client\",\"description\":\"\\u001b[2Jno\"}", -1, TOKEN_REFUSED,
     0, ERR_AUTH,
     HERE "HTTP 400 unauthorized_client (\\x1b[2Jno): check that the client is of the type "
          "'client credentials' and has a role"},
    {400, "{\"error\":\"invalid_request\",\"description\":\"Rate limit exceeded: 300\"}", -1,
     TOKEN_RETRY, 60000, ERR_NONE,
     HERE "HTTP 400 invalid_request (Rate limit exceeded: 300): too many tokens were asked for"},
    {400, "{\"error\":\"invalid_request\",\"description\":\"rate limit exceeded\"}", 7000,
     TOKEN_RETRY, 7000, ERR_NONE,
     HERE "HTTP 400 invalid_request (rate limit exceeded): too many tokens were asked for"},
    {400, "<html>nginx</html>", -1, TOKEN_REFUSED, 0, ERR_CONFIG, HERE "HTTP 400: " WRONG},
    {401, "", -1, TOKEN_REFUSED, 0, ERR_AUTH,
     HERE "HTTP 401: check that the client is of the type 'client credentials' and has a role"},
    {403, "{\"error\":\"access_denied\"}", -1, TOKEN_REFUSED, 0, ERR_AUTH,
     HERE "HTTP 403 access_denied: the client may not log in: check that it is active, and "
          "--environment"},
    {301, "", -1, TOKEN_REFUSED, 0, ERR_CONFIG, HERE "HTTP 301: " WRONG},
    {404, "<html>", -1, TOKEN_REFUSED, 0, ERR_CONFIG, HERE "HTTP 404: " WRONG},
    {405, "", -1, TOKEN_REFUSED, 0, ERR_CONFIG, HERE "HTTP 405: " WRONG},
    {501, "", -1, TOKEN_REFUSED, 0, ERR_CONFIG, HERE "HTTP 501: " WRONG},
    {505, "", -1, TOKEN_REFUSED, 0, ERR_CONFIG, HERE "HTTP 505: " WRONG},
    {204, "", -1, TOKEN_REFUSED, 0, ERR_CONFIG, HERE "HTTP 204: " WRONG},
    {408, "", -1, TOKEN_RETRY, 1000, ERR_NONE, HERE "HTTP 408: the login is busy"},
    {429, "{}", 90000, TOKEN_RETRY, 90000, ERR_NONE,
     HERE "HTTP 429: too many tokens were asked for"},
    {429, "{}", 0, TOKEN_RETRY, 1000, ERR_NONE, HERE "HTTP 429: too many tokens were asked for"},
    {500, "", -1, TOKEN_RETRY, 1000, ERR_NONE, HERE "HTTP 500: the login is out of order"},
    {503, "<html>", 30000, TOKEN_RETRY, 30000, ERR_NONE,
     HERE "HTTP 503: the login is out of order"},
    {200, "<html>hello</html>", -1, TOKEN_REFUSED, 0, ERR_CONFIG,
     HERE "HTTP 200 without an access_token: " WRONG},
    {200, "{\"token_type\":\"bearer\"}", -1, TOKEN_REFUSED, 0, ERR_CONFIG,
     HERE "HTTP 200 without an access_token: " WRONG},
    {200, "{\"access_token\":17}", -1, TOKEN_REFUSED, 0, ERR_CONFIG,
     HERE "HTTP 200 without an access_token: " WRONG},
    {200, "{\"access_token\":\"abc\"", -1, TOKEN_REFUSED, 0, ERR_CONFIG,
     HERE "HTTP 200 without an access_token: " WRONG},
    {200, "{\"access_token\":\"\"}", -1, TOKEN_REFUSED, 0, ERR_CONFIG,
     HERE "HTTP 200 with an access_token that no header can carry: " WRONG},
    {200, "{\"access_token\":\"a b\"}", -1, TOKEN_REFUSED, 0, ERR_CONFIG,
     HERE "HTTP 200 with an access_token that no header can carry: " WRONG},
    {200, "{\"access_token\":\"abc\\r\\nX-Evil: 1\"}", -1, TOKEN_REFUSED, 0, ERR_CONFIG,
     HERE "HTTP 200 with an access_token that no header can carry: " WRONG},
    {200, "{\"access_token\":\"abc\\u0000\"}", -1, TOKEN_REFUSED, 0, ERR_CONFIG,
     HERE "HTTP 200 with an access_token that no header can carry: " WRONG},
};

static void every_answer_of_the_login_has_its_verdict(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        struct token *token = open_token();
        struct http_answer answer = answer_of(refusals[i].status, "");
        char *body = strdup(refusals[i].body);
        struct http_request request;
        struct err err = {0};
        int64_t wait_ms = 0;

        token_request(token, &request);
        answer.body = span_of(body);
        answer.retry_after_ms = refusals[i].retry_after_ms;
        assert_int_equal(token_take(token, &answer, SECOND_US, &wait_ms, &err),
                         refusals[i].verdict);
        assert_string_equal(token_trouble(token), refusals[i].text);
        assert_int_equal(wait_ms, refusals[i].wait_ms);
        assert_int_equal(err.kind, refusals[i].kind);
        assert_string_equal(err.text, refusals[i].verdict == TOKEN_REFUSED ? refusals[i].text : "");
        assert_null(token_authorization(token, SECOND_US));
        assert_int_equal(token_failures(token), refusals[i].verdict == TOKEN_RETRY);
        free(body);
        token_close(token);
    }
}

static void an_answer_that_did_not_come_is_asked_for_again_or_explained(void **state)
{
    static const struct {
        enum http_end end;
        const char *error;
        enum token_verdict verdict;
        enum err_kind kind;
        const char *text;
    } cases[] = {
        {HTTP_NEVER_LEFT, "Could not resolve host: x", TOKEN_RETRY, ERR_NONE,
         HERE "Could not resolve host: x"},
        {HTTP_CUT, "Empty reply from server", TOKEN_RETRY, ERR_NONE,
         HERE "Empty reply from server"},
        {HTTP_TOO_LARGE, "the answer is longer than 1048576 bytes", TOKEN_REFUSED, ERR_CONFIG,
         HERE "the answer is longer than 1048576 bytes: " WRONG},
        {HTTP_UNTRUSTED, "SSL certificate problem: self-signed certificate", TOKEN_REFUSED,
         ERR_CONFIG,
         HERE "the server's certificate is not trusted (SSL certificate problem: self-signed "
              "certificate): check --environment, or name the authority that signed it with "
              "--ca-file"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct token *token = open_token();
        struct http_answer answer = {.end = cases[i].end, .retry_after_ms = -1};
        struct err err = {0};
        int64_t wait_ms = 0;

        snprintf(answer.error, sizeof answer.error, "%s", cases[i].error);
        assert_int_equal(token_take(token, &answer, 0, &wait_ms, &err), cases[i].verdict);
        assert_int_equal(err.kind, cases[i].kind);
        assert_string_equal(token_trouble(token), cases[i].text);
        assert_int_equal(wait_ms, cases[i].verdict == TOKEN_RETRY ? 1000 : 0);
        token_close(token);
    }
}

static void waits_double_up_to_a_minute_until_a_token_comes(void **state)
{
    static const int64_t expected_ms[] = {1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000};
    struct token *token = open_token();
    struct http_answer answer = answer_of(502, "");
    int64_t now_us = 5 * SECOND_US, wait_ms;
    struct http_request request;
    struct err err = {0};

    (void)state;
    for (size_t i = 0; i < sizeof expected_ms / sizeof *expected_ms; i++) {
        assert_true(token_due(token, now_us));
        token_request(token, &request);
        assert_false(token_due(token, now_us));
        assert_int_equal(token_take(token, &answer, now_us, &wait_ms, &err), TOKEN_RETRY);
        assert_int_equal(wait_ms, expected_ms[i]);
        now_us += wait_ms * 1000;
        assert_false(token_due(token, now_us - 1));
        assert_int_equal(token_failures(token), i + 1);
    }
    assert_int_equal(take_body(token, "{\"access_token\":\"t\"}", now_us, &err), TOKEN_FRESH);
    assert_int_equal(token_failures(token), 0);
    assert_string_equal(token_trouble(token), "");
    token_close(token);
}

static void the_third_token_that_had_expired_when_it_came_ends_the_run(void **state)
{
    static const struct {
        const char *body;
        int64_t latency_us;
        const char *message;
    } cases[] = {
        {"{\"access_token\":\"t\",\"expires_in\":0}", 7000,
         "expires_in is 0 s, and the login took 7"},
        {"{\"access_token\":\"t\",\"expires_in\":-5}", 0,
         "expires_in is -5 s, and the login took 0"},
        {"{\"access_token\":\"t\",\"expires_in\":0.9}", 0,
         "expires_in is 0 s, and the login took 0"},
        {"{\"access_token\":\"t\",\"expires_in\":2}", 2000000,
         "expires_in is 2 s, and the login took 2000"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct token *token = open_token();
        struct http_request request;
        struct err err = {0};
        int64_t wait_ms = 0, now_us = 77;

        for (int n = 1; n <= 3; n++) {
            struct http_answer answer = {.end = HTTP_DONE,
                                         .status = 200,
                                         .body = {cases[i].body, strlen(cases[i].body)},
                                         .retry_after_ms = -1,
                                         .latency_us = cases[i].latency_us};
            char body[128];

            snprintf(body, sizeof body, "%s", cases[i].body);
            answer.body.data = body;
            assert_true(token_due(token, now_us));
            token_request(token, &request);
            assert_int_equal(token_take(token, &answer, now_us, &wait_ms, &err),
                             n < 3 ? TOKEN_RETRY : TOKEN_REFUSED);
            assert_null(token_authorization(token, now_us));
            assert_false(n < 3 && token_due(token, now_us + wait_ms * 1000 - 1));
            now_us += wait_ms * 1000;
        }
        assert_int_equal(err.kind, ERR_AUTH);
        assert_non_null(strstr(err.text, cases[i].message));
        token_close(token);
    }
}

static void a_token_is_renewed_at_80_percent_of_its_life_however_short(void **state)
{
    static const struct {
        const char *body;
        int64_t life_s;
    } cases[] = {
        {"{\"access_token\":\"t\",\"expires_in\":86400}", 86400},
        {"{\"access_token\":\"t\",\"expires_in\":300.0}", 300},
        {"{\"access_token\":\"t\",\"expires_in\":1}", 1},
        {"{\"access_token\":\"t\"}", 300},
        {"{\"access_token\":\"t\",\"expires_in\":\"soon\"}", 300},
        {"{\"access_token\":\"t\",\"expires_in\":null}", 300},
        {"{\"access_token\":\"t\",\"expires_in\":99999999999999999999}", INT32_MAX},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct token *token = open_token();
        int64_t life_us = cases[i].life_s * SECOND_US, begin_us = 77;
        struct err err = {0};

        assert_true(token_due(token, begin_us));
        assert_int_equal(take_body(token, cases[i].body, begin_us, &err), TOKEN_FRESH);
        assert_false(token_due(token, begin_us + life_us / 5 * 4 - 1));
        assert_true(token_due(token, begin_us + life_us / 5 * 4));
        assert_string_equal(token_authorization(token, begin_us + life_us - 1), "Bearer t");
        assert_null(token_authorization(token, begin_us + life_us));
        token_close(token);
    }
}

static void the_lifetime_begins_with_the_request_of_the_token(void **state)
{
    struct http_answer answer = answer_of(200, "");
    struct token *token = open_token();
    char body[] = "{\"access_token\":\"t\",\"expires_in\":10}";
    struct err err = {0};
    int64_t wait_ms;

    (void)state;
    answer.body = span_of(body);
    answer.latency_us = 3 * SECOND_US;
    assert_int_equal(token_take(token, &answer, 4 * SECOND_US, &wait_ms, &err), TOKEN_FRESH);
    assert_true(token_due(token, 9 * SECOND_US));
    assert_null(token_authorization(token, 11 * SECOND_US));
    token_close(token);
}

static void the_old_token_is_used_until_it_expires_or_a_new_one_comes(void **state)
{
    struct token *token = open_token();
    struct http_answer failure = answer_of(503, "");
    struct http_request request;
    const char *first;
    int64_t wait_ms;
    struct err err = {0};

    (void)state;
    take_body(token, "{\"access_token\":\"one\",\"expires_in\":10}", 0, &err);
    first = token_authorization(token, 0);
    token_request(token, &request);
    assert_string_equal(token_authorization(token, 9 * SECOND_US), "Bearer one");
    token_take(token, &failure, 9 * SECOND_US, &wait_ms, &err);
    assert_string_equal(token_authorization(token, 9 * SECOND_US), "Bearer one");
    take_body(token, "{\"access_token\":\"two\",\"expires_in\":10}", 9 * SECOND_US, &err);
    assert_string_equal(token_authorization(token, 9 * SECOND_US), "Bearer two");
    assert_string_equal(first, "Bearer one");
    token_close(token);
}

static void a_refused_token_is_dropped_and_an_older_one_changes_nothing(void **state)
{
    struct token *token = open_token();
    const char *first, *second;
    struct err err = {0};

    (void)state;
    assert_false(token_refused(token, NULL));
    take_body(token, "{\"access_token\":\"one\",\"expires_in\":100}", 0, &err);
    first = token_authorization(token, 0);
    take_body(token, "{\"access_token\":\"two\",\"expires_in\":100}", 0, &err);
    second = token_authorization(token, 0);
    assert_false(token_refused(token, first));
    assert_ptr_equal(token_authorization(token, 0), second);
    assert_false(token_due(token, 0));
    assert_true(token_refused(token, second));
    assert_false(token_refused(token, second));
    assert_null(token_authorization(token, 0));
    assert_true(token_due(token, 0));
    token_close(token);
}

static void texts_of_the_last_eight_tokens_stay(void **state)
{
    struct token *token = open_token();
    const char *texts[100];
    struct err err = {0};

    (void)state;
    for (int i = 0; i < 100; i++) {
        char body[64], expected[32];

        snprintf(body, sizeof body, "{\"access_token\":\"token-%d\"}", i);
        assert_int_equal(take_body(token, body, 0, &err), TOKEN_FRESH);
        texts[i] = token_authorization(token, 0);
        for (int k = i < 7 ? 0 : i - 7; k <= i; k++) {
            snprintf(expected, sizeof expected, "Bearer token-%d", k);
            assert_string_equal(texts[k], expected);
        }
    }
    token_close(token);
}

/* A token body with a JWT of this payload. */
static const char *jwt_body(const char *payload)
{
    static char body[512];
    struct buf code = {0};

    base64_encode(&code, span_of(payload), BASE64_URL);
    snprintf(body, sizeof body, "{\"access_token\":\"eyJhbGciOiJub25lIn0.%s.c2ln\"}",
             buf_text(&code));
    buf_release(&code);
    return body;
}

static void a_jwt_must_come_from_the_environment_and_an_opaque_token_is_taken(void **state)
{
    static const struct {
        const char *payload, *issuer;
    } cases[] = {
        {"{\"iss\":\"https://login.mypurecloud.de/oauth\"}", NULL},
        {"{\"iss\":\"login.mypurecloud.de\"}", NULL},
        {"{\"iss\":\"HTTPS://MyPureCloud.DE\"}", NULL},
        {"{\"sub\":\"no issuer at all >>>???\"}", NULL},
        {"{\"iss\":5}", NULL},
        {"no JSON", NULL},
        {"{\"iss\":\"https://login.mypurecloud.com\"}", "https://login.mypurecloud.com"},
        {"{\"iss\":\"https://login.xmypurecloud.de\"}", "https://login.xmypurecloud.de"},
        {"{\"iss\":\"https://mypurecloud.de.evil.example\"}",
         "https://mypurecloud.de.evil.example"},
        {"{\"iss\":\"https://login.mypurecloud.de@evil.example/\"}",
         "https://login.mypurecloud.de@evil.example/"},
        {"{\"iss\":\"urn:purecloud:oauth\"}", "urn:purecloud:oauth"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct token *token = open_token();
        enum token_verdict expected = cases[i].issuer ? TOKEN_REFUSED : TOKEN_FRESH;
        char text[300] = "";
        struct err err = {0};

        if (cases[i].issuer)
            snprintf(text, sizeof text,
                     HERE "the token was issued by %s, which does not belong to "
                          "api.mypurecloud.de: check --environment",
                     cases[i].issuer);
        assert_int_equal(take_body(token, jwt_body(cases[i].payload), 0, &err), expected);
        assert_string_equal(err.text, text);
        token_close(token);
    }
}

static void tokens_with_dots_that_are_not_jwts_are_accepted(void **state)
{
    static const char *const bodies[] = {
        "{\"access_token\":\"a.b\"}",       "{\"access_token\":\"...\"}",
        "{\"access_token\":\"a.b.c.d\"}",   "{\"access_token\":\"a.!!.c\"}",
        "{\"access_token\":\"a.eyJ9.c\"}",  "{\"access_token\":\"a..c\"}",
        "{\"access_token\":\"a.AAAAA.c\"}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct token *token = open_token();
        struct err err = {0};

        assert_int_equal(take_body(token, bodies[i], 0, &err), TOKEN_FRESH);
        token_close(token);
    }
}

static void a_token_beyond_16_kib_is_refused(void **state)
{
    (void)state;
    for (int excess = 0; excess < 2; excess++) {
        struct token *token = open_token();
        struct buf body = {0};
        struct err err = {0};

        buf_append_text(&body, "{\"access_token\":\"");
        for (int i = 0; i < 16384 + excess; i++)
            buf_append_char(&body, 'x');
        buf_append_text(&body, "\"}");
        assert_int_equal(take_body(token, buf_text(&body), 0, &err),
                         excess ? TOKEN_REFUSED : TOKEN_FRESH);
        buf_release(&body);
        token_close(token);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_token_request_is_the_one_that_the_platform_documents),
        cmocka_unit_test(id_and_secret_are_form_encoded_but_for_the_platform),
        cmocka_unit_test(another_login_is_asked_for_its_scope_and_its_issuer_is_not_checked),
        cmocka_unit_test(a_key_needs_no_login_and_is_not_replaced),
        cmocka_unit_test(every_answer_of_the_login_has_its_verdict),
        cmocka_unit_test(an_answer_that_did_not_come_is_asked_for_again_or_explained),
        cmocka_unit_test(waits_double_up_to_a_minute_until_a_token_comes),
        cmocka_unit_test(the_third_token_that_had_expired_when_it_came_ends_the_run),
        cmocka_unit_test(a_token_is_renewed_at_80_percent_of_its_life_however_short),
        cmocka_unit_test(the_lifetime_begins_with_the_request_of_the_token),
        cmocka_unit_test(the_old_token_is_used_until_it_expires_or_a_new_one_comes),
        cmocka_unit_test(a_refused_token_is_dropped_and_an_older_one_changes_nothing),
        cmocka_unit_test(texts_of_the_last_eight_tokens_stay),
        cmocka_unit_test(a_jwt_must_come_from_the_environment_and_an_opaque_token_is_taken),
        cmocka_unit_test(tokens_with_dots_that_are_not_jwts_are_accepted),
        cmocka_unit_test(a_token_beyond_16_kib_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
