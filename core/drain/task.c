#include "core/drain/task.h"

#include "core/api/audit.h"
#include "core/base/mem.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    KEPT_BYTES = 64 << 10,  /* a larger buffer is given back after its task */
    AUDIT_PAGES_MAX = 1000, /* of one record's log: an API that goes on and on is not followed */
};

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
    if (claim->request == REQUEST_AUDIT)
        api_audit_url(&task->url, options->environment.api_url, claim_schema(claim),
                      claim_record_id(claim), claim->page);
    else
        api_record_url(&task->url, options->environment.api_url, claim_schema(claim),
                       claim_record_id(claim));
    task->authorization = authorization;
    *request = (struct http_request){
        .method = claim->request == REQUEST_UPDATE ? HTTP_PUT : HTTP_GET,
        .url = buf_text(&task->url),
        .authorization = authorization,
        .timeout_ms = options->timeout_ms,
        .context = task,
    };
    if (claim->request != REQUEST_UPDATE)
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

/* A page of the audit log, of the version that our PUT can have made. */
static void read_audit(const struct claim *claim, struct span body, struct policy_answer *facts)
{
    struct api_audit audit;
    int64_t made = claim->version < INT64_MAX ? claim->version + 1 : claim->version;

    facts->has_page =
        api_read_audit(body, claim_record_id(claim), made, claim->correlation, &audit);
    facts->has_more = audit.has_more && claim->page < AUDIT_PAGES_MAX;
    facts->version = made;
    facts->entry = POLICY_NO_ENTRY;
    if (audit.has_entry)
        facts->entry = audit.is_ours ? POLICY_OUR_ENTRY : POLICY_THEIR_ENTRY;
}

/* The record that a PUT is to be built on: builds it. */
static bool read_fetched(const struct claim *claim, const struct api_record *record,
                         struct rebase *rebase, struct policy_answer *facts,
                         struct rebased *rebased, struct err *err)
{
    if (!rebase_build(rebase, claim_schema(claim), claim_fields(claim), record->fields, rebased,
                      err))
        return false;
    facts->fields_are_ours = rebased->is_there;
    facts->rule_broken = rebased->broken;
    return true;
}

static void read_fault(const struct http_answer *answer, struct api_fault *fault,
                       struct policy_answer *facts)
{
    api_read_fault(answer->body, answer->status, fault);
    facts->code = fault->code;
    if (facts->retry_after_ms < 0)
        facts->retry_after_ms = fault->retry_after_ms;
}

/* The facts that the policy judges by. */
static bool read_answer(const struct claim *claim, const struct http_answer *answer,
                        const struct task_reader *reader, struct policy_answer *facts,
                        struct rebased *rebased, struct err *err)
{
    struct api_record record;

    *facts = (struct policy_answer){.end = end_of(answer),
                                    .status = answer->status,
                                    .code = "",
                                    .retry_after_ms = answer->retry_after_ms};
    reader->fault->code[0] = reader->fault->message[0] = '\0';
    reader->fault->violation_count = 0;
    if (answer->end != HTTP_DONE)
        return true;
    if (claim->request == REQUEST_AUDIT && answer->status == 200)
        read_audit(claim, answer->body, facts);
    if (facts->has_page)
        return true;
    if (answer->status != 200 || !api_read_record(answer->body, &record) || !record.has_version) {
        read_fault(answer, reader->fault, facts);
        return true;
    }
    facts->has_version = true;
    facts->version = record.version;
    if (claim->request == REQUEST_UPDATE)
        return true;
    facts->has_correlation = record.has_metadata;
    facts->is_ours = record.has_correlation &&
                     memcmp(record.correlation, claim->correlation, sizeof record.correlation) == 0;
    if (claim->request == REQUEST_FETCH)
        return read_fetched(claim, &record, reader->rebase, facts, rebased, err);
    facts->fields_are_ours =
        !record.has_metadata && api_fields_within(claim_fields(claim), record.fields);
    return true;
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
                    const struct rebased *rebased, struct claim_outcome *outcome)
{
    bool done = verdict->state == JOB_APPLIED || verdict->state == JOB_UNCHANGED ||
                verdict->state == JOB_DISMISSED || verdict->next == POLICY_NEXT_SEND;

    outcome->error_code[0] = outcome->error_message[0] = outcome->attempt_error[0] = '\0';
    if (answer->end != HTTP_DONE)
        snprintf(outcome->attempt_error, sizeof outcome->attempt_error, "%s", answer->error);
    else if (fault->message[0])
        snprintf(outcome->attempt_error, sizeof outcome->attempt_error, "%s", fault->message);
    if (done)
        return;
    snprintf(outcome->error_code, sizeof outcome->error_code, "%s", fault->code);
    if (verdict->state == JOB_CONFLICT && !rebased->broken) {
        snprintf(outcome->error_message, sizeof outcome->error_message,
                 "someone else changed the record: version %lld was submitted, the server has %lld",
                 (long long)claim->version,
                 (long long)(verdict->has_server_version ? verdict->server_version
                                                         : claim->shown_version));
        return;
    }
    if (claim->request == REQUEST_READ_BACK && verdict->has_server_version &&
        verdict->server_version < claim->version) {
        snprintf(
            outcome->error_message, sizeof outcome->error_message,
            "version %lld was submitted, and the record is only at %lld: check where the file's "
            "versions come from",
            (long long)claim->version, (long long)verdict->server_version);
        return;
    }
    if (outcome->attempt_error[0])
        memcpy(outcome->error_message, outcome->attempt_error, sizeof outcome->error_message);
    else
        snprintf(outcome->error_message, sizeof outcome->error_message, "%s%s%s", verdict->evidence,
                 rebased->broken ? ": " : "", rebased->broken ? rebased->broken : "");
}

static struct policy_job job_of(const struct claim *claim)
{
    return (struct policy_job){
        .request = claim->request,
        .doubt = claim->doubt,
        .refused_token = claim->refused_token,
        .is_gone = claim->is_gone,
        .version = claim->version,
        .asked_ms = claim->asked_ms,
        .put_status = claim->put_status,
        .attempts = claim->attempts,
        .attempts_before = claim->attempts_before,
        .readbacks = claim->readbacks,
        .run_retries = claim->run_retries,
        .rounds = claim->rounds,
    };
}

static void fill_outcome(const struct http_answer *answer, const struct policy_verdict *verdict,
                         int64_t now_ms, struct claim_outcome *outcome)
{
    outcome->state = verdict->state;
    outcome->untouched = false;
    outcome->left = verdict->left;
    outcome->next = verdict->next;
    outcome->conflict = verdict->conflict;
    outcome->proven = verdict->proven;
    outcome->doubt = verdict->doubt;
    outcome->unsettled = verdict->unsettled;
    outcome->readbacks = verdict->readbacks;
    outcome->run_retries = verdict->run_retries;
    outcome->not_before_ms = now_ms + verdict->delay_ms;
    outcome->http_status = (int)answer->status;
    outcome->job_status = verdict->conflict ? 409 : 0;
    outcome->has_server_version = verdict->has_server_version;
    outcome->server_version = verdict->server_version;
    outcome->ended_ms = answer->ended_ms;
    outcome->latency_us = answer->latency_us;
    snprintf(outcome->evidence, sizeof outcome->evidence, "%s", verdict->evidence);
    snprintf(outcome->correlation_header, sizeof outcome->correlation_header, "%s",
             answer->correlation);
}

bool task_answer(struct task *task, const struct http_answer *answer,
                 const struct task_reader *reader, struct policy_verdict *verdict, struct err *err)
{
    struct claim *claim = &task->claim;
    struct claim_outcome *outcome = &claim->outcome;
    struct rebased rebased = {0};
    struct policy_answer facts;
    bool fine;

    task->job = job_of(claim);
    fine = read_answer(claim, answer, reader, &facts, &rebased, err);
    if (fine)
        policy_judge(&task->job, &facts, &reader->limits, verdict);
    else
        *verdict = (struct policy_verdict){.state = JOB_PENDING,
                                           .left = true,
                                           .doubt = claim->doubt,
                                           .run_retries = claim->run_retries,
                                           .evidence = "nothing could be built on the record"};
    fill_outcome(answer, verdict, reader->now_ms, outcome);
    explain(claim, answer, reader->fault, verdict, &rebased, outcome);
    if (rebased.broken)
        outcome->job_status = 0;
    outcome->error_stays = verdict->refused && claim->request == REQUEST_READ_BACK;
    if (outcome->error_stays)
        outcome->job_status = claim->put_status;
    if (verdict->state == JOB_REFUSED || verdict->refused)
        copy_violations(reader->fault, outcome);
    /* what the audit log is asked about is kept for the day on which it has answered */
    if (verdict->has_server_version && (verdict->conflict || verdict->next == POLICY_NEXT_AUDIT))
        outcome->server_record = mem_copy(answer->body.data, answer->body.size);
    if (verdict->next == POLICY_NEXT_SEND)
        outcome->fields = mem_copy(rebased.fields.data, rebased.fields.size);
    return fine;
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
    if (outcome->state == JOB_UNKNOWN && task->claim.request != REQUEST_UPDATE)
        outcome->run_retries = UINT16_MAX; /* left to the next run */
}
