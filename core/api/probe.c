#include "core/api/probe.h"

#include "core/api/environment.h"
#include "core/api/fault.h"
#include "core/api/request.h"
#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/stop.h"
#include "core/http/body.h"
#include "core/http/pool.h"
#include "core/http/token.h"
#include "core/target/results.h"

#include <json-c/json.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

struct api_probe {
    struct api_probe_options options;
    struct http_pool *pool;
    struct token *token;
    bool persists; /* signals do not end requests */
    bool has_date;
    int64_t ahead_ms;
};

/* What the status of an answer about a record means here. The first rule that fits counts;
 * the last one fits all. ERR_NONE: the API answers, and accepts us. */
static const struct {
    long from, to;
    bool json; /* only if the body is a JSON object, as all bodies of the API are */
    enum err_kind kind;
} rules[] = {
    {200, 200, true, ERR_NONE},       {404, 404, true, ERR_NONE},    {429, 429, false, ERR_NONE},
    {401, 401, false, ERR_AUTH},      {403, 403, false, ERR_AUTH},   {408, 408, false, ERR_NETWORK},
    {501, 501, false, ERR_CONFIG},    {505, 505, false, ERR_CONFIG}, {500, 599, false, ERR_NETWORK},
    {0, LONG_MAX, false, ERR_CONFIG},
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

void api_probe_answer_release(struct api_probe_answer *answer)
{
    buf_release(&answer->body);
    *answer = (struct api_probe_answer){0};
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
        if (!http_pool_wait(probe->pool, WAIT_MS, probe->persists ? -1 : stop_fd(), err))
            return NULL;
        answer = http_pool_next(probe->pool);
        if (!answer && !probe->persists && stop_requested()) {
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
    api_probe_answer_release(result);
    result->status = answer->status;
    result->latency_us = answer->latency_us;
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
    size_t i = 0;

    json_object_put(object);
    while (answer->status < rules[i].from || answer->status > rules[i].to ||
           (rules[i].json && !json))
        i++;
    return rules[i].kind;
}

/* Copies a complete answer, and what the API says about an error. */
static void copy_answer(const struct http_answer *answer, const struct target *target,
                        struct api_probe_answer *result)
{
    struct api_fault *fault = mem_calloc(1, sizeof *fault);

    fault->retry_after_ms = -1;
    if (answer->status < 200 || answer->status > 299)
        api_read_fault(target, answer->body, answer->status, fault);
    snprintf(result->code, sizeof result->code, "%s", fault->code);
    snprintf(result->message, sizeof result->message, "%s", fault->message);
    result->wait_ms = answer->retry_after_ms >= 0 ? answer->retry_after_ms : fault->retry_after_ms;
    result->kind = find_kind(answer);
    snprintf(result->header, sizeof result->header, "%s", answer->wanted);
    buf_append_span(&result->body, answer->body);
    free(fault);
}

void api_probe_persist(struct api_probe *probe)
{
    probe->persists = true;
}

/* Takes the answer apart, if it is complete. */
static bool take_answer(const struct http_answer *answer, const struct target *target,
                        struct api_probe_answer *result, struct err *err)
{
    result->status = answer->status;
    result->latency_us = answer->latency_us;
    if (answer->end == HTTP_DONE) {
        copy_answer(answer, target, result);
        return true;
    }
    if (answer->end == HTTP_UNTRUSTED)
        return err_set(err, ERR_CONFIG, "the server's certificate is not trusted: %s",
                       answer->error);
    return err_set(err, answer->end == HTTP_TOO_LARGE ? ERR_CONFIG : ERR_NETWORK, "%s",
                   answer->error);
}

/* Changes a copy of the answer to a bulk request to what it says about its only row. False:
 * nothing, as described. */
static bool take_result(const struct target *target, struct span record_id,
                        struct target_scratch *scratch, struct http_answer *answer)
{
    struct buf id = {0};
    struct result row = {0};
    bool fine = target_own_id(target, record_id, scratch, &id);

    row.id = buf_span(&id);
    fine = fine && results_read(target, answer->body, &row, 1, scratch) && row.status;
    if (fine) {
        answer->status = row.status;
        answer->body = row.body;
    }
    buf_release(&id);
    return fine;
}

bool api_probe_send(struct api_probe *probe, const struct target *target, enum target_request kind,
                    const struct target_row *row, struct api_probe_answer *result, struct err *err)
{
    const struct api_request asked = {probe->options.environment->api_url, target, kind, *row};
    struct http_request request = {.timeout_ms = probe->options.timeout_ms};
    struct http_field fields[TARGET_HEADERS];
    struct target_scratch scratch = {0};
    struct http_answer *answer = NULL;
    struct buf url = {0}, body = {0};
    bool fine = false;

    if (kind == TARGET_SEVERAL)
        request.answer_max = HTTP_SEVERAL_MAX;
    api_probe_answer_release(result);
    request.authorization = token_authorization(probe->token, clock_monotonic_us());
    if (!request.authorization && api_probe_login(probe, result, err))
        request.authorization = token_authorization(probe->token, clock_monotonic_us());
    if (!request.authorization) {
        if (err->kind == ERR_NONE)
            err_set(err, ERR_NETWORK, "the token expired immediately");
        return false;
    }
    if (!api_request_build(&asked, &scratch, fields, &url, &body, &request))
        err_set(err, ERR_CONFIG, "the target of %.*s needs record ids of several parts",
                (int)row->schema.size, row->schema.data);
    else
        answer = exchange(probe, &request, err);
    if (answer) {
        struct http_answer own = *answer;
        bool is_list = kind == TARGET_SEVERAL && own.end == HTTP_DONE &&
                       (own.status == 200 || own.status == 201);
        bool is_read = !is_list || take_result(target, row->record_id, &scratch, &own);

        fine = take_answer(&own, target, result, err);
        result->is_unread = !is_read;
        http_pool_release(probe->pool, answer);
    }
    buf_release(&url);
    buf_release(&body);
    target_scratch_release(&scratch);
    return fine;
}

bool api_probe_record(struct api_probe *probe, const struct target *target, const char *schema,
                      const char *record_id, struct api_probe_answer *result, struct err *err)
{
    const struct target_row row = {.schema = span_of(schema), .record_id = span_of(record_id)};

    return api_probe_send(probe, target, TARGET_READ_IT, &row, result, err) &&
           (result->kind == ERR_NONE ||
            err_set(err, result->kind, "%ld%s%s (%s)", result->status, result->code[0] ? " " : "",
                    result->code, result->message));
}

bool api_probe_clock_ahead_ms(const struct api_probe *probe, int64_t *ahead_ms)
{
    if (probe->has_date)
        *ahead_ms = probe->ahead_ms;
    return probe->has_date;
}
