#include "cmd/genesys-sim/login.h"

#include "core/base/base64.h"
#include "core/base/clock.h"

#include <stdlib.h>

struct refusal {
    unsigned status;
    const char *error;
    const char *description;
};

/* Whether a part of the credentials, form-encoded as RFC 6749 section 2.3.1 wants it, is the text.
 */
static bool is_part(const char *part, size_t size, const char *text)
{
    char *decoded = route_decode((struct span){part, size}, true);
    bool same = decoded && strcmp(decoded, text) == 0;

    free(decoded);
    return same;
}

/* Compares the Basic credentials with those of the client; NULL when they are equal. */
static const struct refusal *check_client(const struct options *options, const char *authorization)
{
    static const struct refusal missing = {400, "invalid_client", "client credentials are missing"},
                                unknown = {400, "invalid_client", "client not found"},
                                wrong = {401, "invalid_client", "authentication failed"};
    const struct refusal *refusal = NULL;
    struct buf plain = {0};
    const char *colon;

    if (!authorization || !str_starts(authorization, "Basic ") ||
        !base64_decode(&plain, span_of(authorization + strlen("Basic ")), BASE64_PADDED)) {
        buf_release(&plain);
        return &missing;
    }
    colon = memchr(buf_text(&plain), ':', plain.size);
    if (!colon) {
        refusal = &missing;
    } else {
        size_t size = (size_t)(colon - plain.data);

        if (!is_part(plain.data, size, options->client_id))
            refusal = &unknown;
        else if (!is_part(colon + 1, plain.size - size - 1, options->client_secret))
            refusal = &wrong;
    }
    buf_release(&plain);
    return refusal;
}

/* Checks the form: grant_type and scope, once each, and nothing else; NULL when it is right. */
static const struct refusal *check_form(struct span body)
{
    static const struct refusal malformed = {400, "invalid_request", "the form is malformed"},
                                grant = {400, "unsupported_grant_type",
                                         "grant_type must be client_credentials"},
                                scopes = {400, "invalid_scope",
                                          "scope must name customobjects:write and "
                                          "customobjects:read"};
    char *grant_type = NULL, *scope = NULL;
    const struct refusal *refusal = NULL;
    struct span name, value;

    while (!refusal && route_next_pair(&body, &name, &value)) {
        char **slot = span_is(name, "grant_type") ? &grant_type : &scope;

        if (*slot || (slot == &scope && !span_is(name, "scope")))
            refusal = &malformed;
        else
            *slot = route_decode(value, true);
        if (!*slot)
            refusal = &malformed;
    }
    if (!refusal && (!grant_type || strcmp(grant_type, "client_credentials") != 0))
        refusal = &grant;
    if (!refusal && (!scope || !request_lists(scope, span_of("customobjects:write")) ||
                     !request_lists(scope, span_of("customobjects:read"))))
        refusal = &scopes;
    free(grant_type);
    free(scope);
    return refusal;
}

void login_answer(struct sim *sim, struct request *request)
{
    static const struct refusal media = {400, "invalid_request",
                                         "Content-Type must be application/x-www-form-urlencoded"};
    struct options *options = sim->options;
    struct answer *answer = &request->answer;
    const struct refusal *refusal = NULL;
    struct fixed_answer *fixed;
    int64_t wait_ms, lifetime_us = options->token_lifetime_us;
    const char *token;

    if (!pace_take(&options->token_limit, request->at_ms, &wait_ms)) {
        sim_answer_throttled(sim, request, wait_ms);
        return;
    }
    if (!request_has_type(request, "application/x-www-form-urlencoded"))
        refusal = &media;
    if (!refusal)
        refusal = check_client(options, request->authorization);
    if (!refusal)
        refusal = check_form(buf_span(&request->body));
    if (refusal) {
        answer_login_error(answer, refusal->status, refusal->error, refusal->description);
        return;
    }
    fixed = options_answer(options, ANSWER_TOKEN, options->client_id, false);
    if (fixed) {
        if (fixed->times > 0)
            fixed->times--;
        answer_login_error(answer, fixed->status, fixed->code ? fixed->code : "access_denied",
                           "the simulator answers so because of an option");
        return;
    }
    token = tokens_issue(&sim->tokens, options->jwt_issuer, clock_monotonic_us(), lifetime_us);
    answer_json(answer, 200);
    buf_printf(&answer->body,
               "{\"access_token\":\"%s\",\"token_type\":\"bearer\",\"expires_in\":%lld}", token,
               (long long)(options->expires_in == INT64_MIN ? (lifetime_us + 999999) / 1000000
                                                            : options->expires_in));
}
