/* What a GET says: the read-back table, the audit log, the record to build on. API.md section 3. */
#include "core/job/judging.h"

enum {
    AUDIT_FIRST_MS = 500, /* between two looks into the audit log: half of the time asked so far */
    AUDIT_LAST_MS = 5000,
};

/* Someone else changed the record. Only what is proven is rebased or dismissed by itself. */
static void judge_conflict(const struct judging *judging, bool proven, const char *evidence)
{
    struct policy_verdict *verdict = judging->verdict;

    verdict->conflict = true;
    verdict->proven = proven;
    verdict->evidence = evidence;
    verdict->state = JOB_CONFLICT;
    if (!proven)
        return;
    switch (judging->limits->on_conflict) {
    case POLICY_PARK:
        break;
    case POLICY_DISMISS:
        verdict->state = JOB_DISMISSED;
        break;
    case POLICY_REBASE:
        if (judging->job->rounds >= POLICY_ROUNDS_MAX)
            break;
        verdict->state = JOB_PENDING;
        verdict->next = POLICY_NEXT_FETCH;
        verdict->doubt = false; /* no PUT so far can land any more */
        break;
    }
}

/* The record is answered by a version; an answered GET ends the count of those without. */
static void note_record(const struct judging *judging)
{
    judging->verdict->success = true;
    judging->verdict->has_server_version = true;
    judging->verdict->server_version = judging->answer->version;
    judging->verdict->readbacks = 0;
}

static void settle(const struct judging *judging, enum job_state state, const char *evidence)
{
    judging->verdict->state = state;
    judging->verdict->evidence = evidence;
}

/* What did not land is sent again as it was. The service works, and the failure before this was
 * charged to the retry budget already. */
static void judge_not_landed(const struct judging *judging)
{
    if (judge_is_refusal(judging->job->put_status)) {
        settle(judging, JOB_REFUSED,
               "the server refused it, and the record's version shows that it did not land before");
        judging->verdict->refused = true;
        return;
    }
    judge_send_again(judging);
    judging->verdict->retry = false;
    judging->verdict->evidence = "the record's version shows that it did not land";
    if (judge_is_exhausted(judging))
        judging->verdict->state = JOB_FAILED;
}

/* The record held against the PUT in question: a PUT with version v can only ever create v + 1. */
static void judge_record(const struct judging *judging)
{
    const struct policy_job *job = judging->job;
    const struct policy_answer *answer = judging->answer;

    note_record(judging);
    if (answer->is_ours) {
        settle(judging, JOB_APPLIED, "the record carries our correlation id");
    } else if (answer->version <= job->version) {
        judge_not_landed(judging);
    } else if (!job->doubt) {
        judge_conflict(judging, true,
                       "the record has a newer version, and no attempt of ours may have landed");
    } else if (answer->version > job->version + 1) {
        settle(judging, JOB_UNKNOWN, "the record has moved on beyond the next version");
        judging->verdict->next = POLICY_NEXT_AUDIT;
    } else if (answer->has_correlation) {
        judge_conflict(judging, true, "the next version carries another correlation id");
    } else if (answer->fields_are_ours) {
        settle(judging, JOB_APPLIED, "the next version holds our fields, without a correlation id");
    } else {
        judge_conflict(judging, true, "the next version holds other fields");
    }
}

void judge_read_back(const struct judging *judging)
{
    if (judging->meaning == MEANS_DONE && judging->answer->has_version) {
        judge_record(judging);
    } else if (judging->meaning == MEANS_MISSING && !judging->job->doubt) {
        settle(judging, JOB_REFUSED, "the record is gone");
    } else if (judging->meaning == MEANS_MISSING) {
        settle(judging, JOB_UNKNOWN, "the record is gone");
        judging->verdict->readbacks = 0;
        judging->verdict->next = POLICY_NEXT_AUDIT;
    } else {
        judge_ask_again(judging);
        judge_pause(judging);
    }
}

/* The log lags: silence is no evidence before --audit-wait is over. */
static void judge_silence(const struct judging *judging)
{
    int64_t asked_ms = judging->job->asked_ms;
    int64_t left_ms = judging->limits->audit_wait_ms - asked_ms;
    int64_t delay_ms = asked_ms / 2;

    if (left_ms <= 0 && judging->job->is_gone) {
        settle(judging, JOB_REFUSED,
               "unproven: the record is gone, and the audit log does not have the next version");
    } else if (left_ms <= 0) {
        judge_conflict(judging, false, "unproven: the audit log does not have the next version");
    } else {
        if (delay_ms < AUDIT_FIRST_MS)
            delay_ms = AUDIT_FIRST_MS;
        if (delay_ms > AUDIT_LAST_MS)
            delay_ms = AUDIT_LAST_MS;
        settle(judging, JOB_UNKNOWN, "the audit log does not have the next version yet");
        judging->verdict->next = POLICY_NEXT_AUDIT;
        judging->verdict->delay_ms = delay_ms < left_ms ? delay_ms : left_ms;
    }
}

void judge_audit(const struct judging *judging)
{
    const struct policy_answer *answer = judging->answer;

    if (judging->meaning != MEANS_DONE || !answer->has_page) {
        judge_ask_again(judging);
        judge_pause(judging);
        return;
    }
    judging->verdict->success = true;
    judging->verdict->readbacks = 0;
    if (answer->entry == POLICY_OUR_ENTRY) {
        settle(judging, JOB_APPLIED,
               "the audit log has the next version with our correlation id; superseded since");
        judging->verdict->has_server_version = true;
        judging->verdict->server_version = answer->version;
    } else if (answer->entry == POLICY_THEIR_ENTRY && judging->job->is_gone) {
        settle(judging, JOB_REFUSED,
               "the record is gone, and the audit log has its next version as another's");
    } else if (answer->entry == POLICY_THEIR_ENTRY) {
        judge_conflict(judging, true, "the audit log has the next version as another's");
    } else if (answer->has_more) {
        settle(judging, JOB_UNKNOWN, "the audit log has more pages");
        judging->verdict->next = POLICY_NEXT_PAGE;
    } else {
        judge_silence(judging);
    }
}

void judge_fetch(const struct judging *judging)
{
    const struct policy_job *job = judging->job;
    const struct policy_answer *answer = judging->answer;

    if (judging->meaning == MEANS_MISSING) {
        settle(judging, JOB_REFUSED, "there is no such record");
    } else if (judging->meaning == MEANS_REFUSED || judging->meaning == MEANS_CONFLICT) {
        judging->verdict->state = JOB_REFUSED;
    } else if (judging->meaning != MEANS_DONE || !answer->has_version) {
        judge_send_again(judging);
        judge_pause(judging);
    } else if (answer->is_ours && job->attempts > 0) {
        note_record(judging);
        settle(judging, JOB_APPLIED, "the record carries our correlation id");
    } else if (answer->fields_are_ours && job->attempts == 0) {
        note_record(judging);
        settle(judging, JOB_UNCHANGED, "the record holds these values already");
    } else if (answer->rule_broken) {
        note_record(judging);
        judge_conflict(judging, false, "our fields over the record's break a rule of the schema");
    } else {
        note_record(judging);
        settle(judging, JOB_PENDING, "");
        judging->verdict->next = POLICY_NEXT_SEND;
    }
}
