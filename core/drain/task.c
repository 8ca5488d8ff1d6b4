#include "core/drain/task.h"

#include "core/base/mem.h"

#include <stdio.h>
#include <stdlib.h>

enum { KEPT_BYTES = 64 << 10 }; /* a larger buffer is given back after its task */

static void give_back(struct buf *buf)
{
    if (buf->capacity > KEPT_BYTES)
        buf_release(buf);
    buf_reset(buf);
}

void task_release(struct task *task)
{
    claim_release(&task->claim);
    buf_release(&task->url);
    buf_release(&task->body);
}

void task_request(struct task *task, const struct drain_options *options, const char *authorization,
                  struct http_request *request)
{
    const struct claim *claim = &task->claim;
    struct span tags = claim_tags(claim);

    give_back(&task->url);
    give_back(&task->body);
    api_record_url(&task->url, options->environment.api_url, claim_schema(claim),
                   claim_record_id(claim));
    task->authorization = authorization;
    *request = (struct http_request){
        .method = claim->read_back ? HTTP_GET : HTTP_PUT,
        .url = buf_text(&task->url),
        .authorization = authorization,
        .timeout_ms = options->timeout_ms,
        .context = task,
    };
    if (claim->read_back)
        return;
    api_update_body(&task->body, claim->version, claim_fields(claim),
                    tags.size ? tags : span_of(options->tags), options->source, claim->correlation);
    request->content_type = "application/json";
    request->body = buf_span(&task->body);
}

static enum policy_end end_of(const struct http_answer *answer)
{
    static const enum policy_end ends[] = {
        [HTTP_DONE] = POLICY_ANSWERED,       [HTTP_NEVER_LEFT] = POLICY_NEVER_LEFT,
        [HTTP_UNTRUSTED] = POLICY_UNTRUSTED, [HTTP_CUT] = POLICY_NO_ANSWER,
        [HTTP_TOO_LARGE] = POLICY_NO_ANSWER,
    };

    return ends[answer->end];
}

/* The facts that the policy judges by. */
static void read_answer(const struct claim *claim, const struct http_answer *answer,
                        struct api_fault *fault, struct policy_answer *facts)
{
    struct api_record record;

    *facts = (struct policy_answer){.end = end_of(answer),
                                    .status = answer->status,
                                    .code = "",
                                    .retry_after_ms = answer->retry_after_ms};
    fault->code[0] = fault->message[0] = '\0';
    fault->violation_count = 0;
    if (answer->end != HTTP_DONE)
        return;
    if (answer->status != 200 || !api_read_record(answer->body, &record) || !record.has_version) {
        api_read_fault(answer->body, answer->status, fault);
        facts->code = fault->code;
        if (facts->retry_after_ms < 0)
            facts->retry_after_ms = fault->retry_after_ms;
        return;
    }
    facts->has_version = true;
    facts->version = record.version;
    if (!claim->read_back)
        return;
    facts->has_correlation = record.has_correlation;
    facts->is_ours = record.has_correlation &&
                     memcmp(record.correlation, claim->correlation, sizeof record.correlation) == 0;
    facts->fields_are_ours =
        !record.has_metadata && api_fields_within(claim_fields(claim), record.fields);
}

static void copy_violations(const struct api_fault *fault, struct claim_outcome *outcome)
{
    if (!fault->violation_count)
        return;
    outcome->violations = mem_calloc(fault->violation_count, sizeof *outcome->violations);
    outcome->violation_count = fault->violation_count;
    for (size_t i = 0; i < fault->violation_count; i++) {
        outcome->violations[i].field = mem_strdup(fault->violations[i].field);
        outcome->violations[i].code = mem_strdup(fault->violations[i].code);
        outcome->violations[i].message = mem_strdup(fault->violations[i].message);
    }
}

/* What the job itself is to say when it is not done. */
static void explain(const struct claim *claim, const struct http_answer *answer,
                    const struct api_fault *fault, const struct policy_verdict *verdict,
                    struct claim_outcome *outcome)
{
    bool done = verdict->state == JOB_APPLIED || verdict->state == JOB_UNCHANGED;

    outcome->error_code[0] = outcome->error_message[0] = outcome->attempt_error[0] = '\0';
    if (answer->end != HTTP_DONE)
        snprintf(outcome->attempt_error, sizeof outcome->attempt_error, "%s", answer->error);
    else if (fault->message[0])
        snprintf(outcome->attempt_error, sizeof outcome->attempt_error, "%s", fault->message);
    if (done)
        return;
    snprintf(outcome->error_code, sizeof outcome->error_code, "%s", fault->code);
    if (verdict->state == JOB_CONFLICT) {
        snprintf(outcome->error_message, sizeof outcome->error_message,
                 "someone else changed the record: version %lld was submitted, the server has %lld",
                 (long long)claim->version, (long long)verdict->server_version);
        return;
    }
    if (outcome->attempt_error[0])
        memcpy(outcome->error_message, outcome->attempt_error, sizeof outcome->error_message);
    else
        snprintf(outcome->error_message, sizeof outcome->error_message, "%s", verdict->evidence);
}

void task_answer(struct task *task, const struct http_answer *answer,
                 const struct policy_limits *limits, int64_t now_ms, struct api_fault *fault,
                 struct policy_verdict *verdict)
{
    struct claim *claim = &task->claim;
    struct claim_outcome *outcome = &claim->outcome;
    struct policy_answer facts;

    task->job = (struct policy_job){
        .read_back = claim->read_back,
        .doubt = claim->doubt,
        .refused_token = claim->refused_token,
        .version = claim->version,
        .attempts = claim->attempts,
        .readbacks = claim->readbacks,
        .run_retries = claim->run_retries,
    };
    read_answer(claim, answer, fault, &facts);
    policy_judge(&task->job, &facts, limits, verdict);
    outcome->state = verdict->state;
    outcome->untouched = false;
    outcome->left = verdict->left;
    outcome->doubt = verdict->doubt;
    outcome->unsettled = verdict->unsettled;
    outcome->readbacks = verdict->readbacks;
    outcome->run_retries = verdict->run_retries;
    outcome->not_before_ms = now_ms + verdict->delay_ms;
    outcome->http_status = (int)answer->status;
    outcome->job_status = verdict->state == JOB_CONFLICT ? 409 : 0;
    outcome->has_server_version = verdict->has_server_version;
    outcome->server_version = verdict->server_version;
    outcome->ended_ms = answer->ended_ms;
    outcome->latency_us = answer->latency_us;
    snprintf(outcome->evidence, sizeof outcome->evidence, "%s", verdict->evidence);
    snprintf(outcome->correlation_header, sizeof outcome->correlation_header, "%s",
             answer->correlation);
    explain(claim, answer, fault, verdict, outcome);
    if (verdict->state == JOB_REFUSED)
        copy_violations(fault, outcome);
    if (verdict->state == JOB_CONFLICT)
        outcome->server_record = mem_copy(answer->body.data, answer->body.size);
}

void task_put_back(struct task *task, int64_t now_ms)
{
    struct claim *claim = &task->claim;

    claim->outcome = (struct claim_outcome){
        .untouched = true,
        .doubt = claim->doubt,
        .readbacks = claim->readbacks,
        .run_retries = claim->run_retries,
        .not_before_ms = now_ms,
        .http_status = claim->http_status,
    };
}

void task_forbid(struct task *task, int64_t now_ms)
{
    struct claim_outcome *outcome = &task->claim.outcome;

    outcome->state = policy_forbidden_state(&task->job);
    outcome->not_before_ms = now_ms;
    if (outcome->state == JOB_UNKNOWN)
        outcome->run_retries = UINT16_MAX; /* left to the next run */
}
