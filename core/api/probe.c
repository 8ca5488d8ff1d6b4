#include "core/api/probe.h"

#include "core/api/environment.h"
#include "core/api/fault.h"
#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/stop.h"
#include "core/http/body.h"
#include "core/http/pool.h"
#include "core/http/token.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>

struct api_probe {
    struct api_probe_options options;
    struct http_pool *pool;
    struct token *token;
    bool has_date;
    int64_t ahead_ms;
};

/* What the status of an answer about a record means here. The first rule that fits counts.
 * ERR_NONE: the API answers, and accepts us. */
static const struct {
    long from, to;
    bool json; /* only if the body is a JSON object, as all bodies of the API are */
    enum err_kind kind;
} rules[] = {
    {200, 200, true, ERR_NONE},    {404, 404, true, ERR_NONE},    {429, 429, false, ERR_NONE},
    {401, 401, false, ERR_AUTH},   {403, 403, false, ERR_AUTH},   {408, 408, false, ERR_NETWORK},
    {501, 501, false, ERR_CONFIG}, {505, 505, false, ERR_CONFIG}, {500, 599, false, ERR_NETWORK},
    {0, 999, false, ERR_CONFIG},
};

struct api_probe *api_probe_open(const struct api_probe_options *options, struct err *err)
{
    struct http_options http = {1, options->ca_file, options->user_agent,
                                options->client.key_field};
    struct http_pool *pool = http_pool_open(&http, err);
    struct api_probe *probe;

    if (!pool)
        return NULL;
    probe = mem_calloc(1, sizeof *probe);
    probe->options = *options;
    probe->pool = pool;
    probe->token = environment_token(options->environment, &options->client, options->timeout_ms);
    return probe;
}

void api_probe_close(struct api_probe *probe)
{
    if (!probe)
        return;
    http_pool_close(probe->pool);
    token_close(probe->token);
    free(probe);
}

/* A Date is cut to whole seconds, and was set at some moment between request and answer. */
static void compare_clocks(struct api_probe *probe, const struct http_answer *answer)
{
    int64_t date_ms = http_pool_date_ms(probe->pool, answer);

    if (!date_ms)
        return;
    probe->has_date = true;
    probe->ahead_ms = 0;
    if (answer->started_ms >= date_ms + 1000)
        probe->ahead_ms = answer->started_ms - date_ms - 999;
    else if (answer->ended_ms < date_ms)
        probe->ahead_ms = answer->ended_ms - date_ms;
}

/* Sends the request and waits for its answer, which the caller releases. NULL with err. */
static struct http_answer *exchange(struct api_probe *probe, const struct http_request *request,
                                    struct err *err)
{
    enum { WAIT_MS = 1000 }; /* a signal ends it at once */
    struct http_answer *answer = NULL;

    if (!http_pool_start(probe->pool, request, err))
        return NULL;
    while (!answer) {
        if (!http_pool_wait(probe->pool, WAIT_MS, stop_fd(), err))
            return NULL;
        answer = http_pool_next(probe->pool);
        if (!answer && stop_requested()) {
            err_set(err, ERR_STOPPED, "stopped");
            return NULL;
        }
    }
    compare_clocks(probe, answer);
    return answer;
}

bool api_probe_login(struct api_probe *probe, struct api_probe_answer *result, struct err *err)
{
    struct http_request request;
    struct http_answer *answer;
    enum token_verdict verdict;
    int64_t wait_ms = 0;

    token_request(probe->token, &request);
    answer = exchange(probe, &request, err);
    if (!answer)
        return false;
    *result = (struct api_probe_answer){answer->status, answer->latency_us, ""};
    verdict = token_take(probe->token, answer, clock_monotonic_us(), &wait_ms, err);
    http_pool_release(probe->pool, answer);
    if (verdict == TOKEN_RETRY)
        err_set(err, ERR_NETWORK, "%s", token_trouble(probe->token));
    return verdict == TOKEN_FRESH;
}

static enum err_kind find_kind(const struct http_answer *answer)
{
    struct json_object *object = body_parse(answer->body);
    bool json = object != NULL;

    json_object_put(object);
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (answer->status >= rules[i].from && answer->status <= rules[i].to &&
            (json || !rules[i].json))
            return rules[i].kind;
    return ERR_CONFIG;
}

/* Reads a complete answer. */
static bool take_answer(const struct http_answer *answer, const struct target *target,
                        struct api_probe_answer *result, struct err *err)
{
    enum err_kind kind = find_kind(answer);
    struct api_fault *fault;

    if (answer->status == 200 && kind == ERR_NONE)
        return true;
    fault = mem_calloc(1, sizeof *fault);
    api_read_fault(target, answer->body, answer->status, fault);
    snprintf(result->message, sizeof result->message, "%s", fault->message);
    if (kind != ERR_NONE)
        err_set(err, kind, "%ld%s%s (%s)", answer->status, fault->code[0] ? " " : "", fault->code,
                fault->message);
    free(fault);
    return kind == ERR_NONE;
}

bool api_probe_record(struct api_probe *probe, const struct target *target, const char *schema,
                      const char *record_id, struct api_probe_answer *result, struct err *err)
{
    const struct target_row row = {.schema = span_of(schema), .record_id = span_of(record_id)};
    struct http_request request = {.timeout_ms = probe->options.timeout_ms};
    struct target_scratch scratch = {0};
    struct http_answer *answer;
    struct buf url = {0}, body = {0};
    enum target_method method = TARGET_GET;
    bool fine = false;

    request.authorization = token_authorization(probe->token, clock_monotonic_us());
    if (!request.authorization)
        return err_set(err, ERR_NETWORK, "the token expired at once");
    buf_append_text(&url, probe->options.environment->api_url);
    if (!target_request(target, TARGET_READ_IT, &row, &scratch, &method, &url, &body))
        err_set(err, ERR_CONFIG, "the target of %s needs record ids of several parts", schema);
    else
        fine = true;
    request.url = buf_text(&url);
    if (method == TARGET_POST) {
        request.method = HTTP_POST;
        request.content_type = "application/json";
        request.body = buf_span(&body);
    }
    answer = fine ? exchange(probe, &request, err) : NULL;
    buf_release(&url);
    buf_release(&body);
    target_scratch_release(&scratch);
    if (!answer)
        return false;
    *result = (struct api_probe_answer){answer->status, answer->latency_us, ""};
    fine = false;
    if (answer->end == HTTP_DONE)
        fine = take_answer(answer, target, result, err);
    else if (answer->end == HTTP_UNTRUSTED)
        err_set(err, ERR_CONFIG, "the server's certificate is not trusted: %s", answer->error);
    else
        err_set(err, answer->end == HTTP_TOO_LARGE ? ERR_CONFIG : ERR_NETWORK, "%s", answer->error);
    http_pool_release(probe->pool, answer);
    return fine;
}

bool api_probe_clock_ahead_ms(const struct api_probe *probe, int64_t *ahead_ms)
{
    if (probe->has_date)
        *ahead_ms = probe->ahead_ms;
    return probe->has_date;
}
