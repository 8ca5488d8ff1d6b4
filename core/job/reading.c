/* What a GET says: the table of docs/api.md#read-back, the audit log, the record to build on. */
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
    judging->verdict->looks_again = false;
}

static void settle(const struct judging *judging, enum job_state state, const char *evidence)
{
    judging->verdict->state = state;
    judging->verdict->evidence = evidence;
}

/* What did not land is sent again as it was. The service works, and the failure before this was
 * charged to the retry budget already. */
static void send_what_did_not_land(const struct judging *judging)
{
    judge_send_again(judging);
    judging->verdict->retry = false;
    judging->verdict->evidence = "the record's version shows that it did not land";
    if (judge_is_exhausted(judging))
        judging->verdict->state = JOB_FAILED;
}

/* Nothing of ours was applied, and nothing needs to be. */
static void judge_unchanged(const struct judging *judging)
{
    settle(judging, JOB_UNCHANGED, "the record holds these values already");
}

/* Only what a read cannot show because it lags is looked at once more, a moment later. */
static void look_again(const struct judging *judging)
{
    settle(judging, JOB_UNKNOWN,
           "the record has no newer version: looked at once more, because a read can lag");
    judging->verdict->looks_again = true;
    judging->verdict->delay_ms = JUDGE_LAG_MS;
}

/* The record is at the version that was sent, or below it. */
static void judge_older(const struct judging *judging)
{
    bool ahead = judging->answer->version < judging->job->version;
    bool there = judging->answer->is_there && !judging->job->doubt;

    if (judge_is_refusal(judging->job->put_status)) {
        settle(judging, JOB_REFUSED,
               "the server refused it, and the record's version shows that it did not land before");
        judging->verdict->refused = true;
    } else if ((ahead || there) && !judging->job->looks_again) {
        look_again(judging);
    } else if (there) {
        judge_unchanged(judging);
    } else if (ahead) {
        judge_conflict(judging, false, "the record is not at the version that was sent");
        judging->verdict->ahead = true;
    } else {
        send_what_did_not_land(judging);
    }
}

/* The record is beyond the version that was sent, and without our id. A PUT with version v can only
 * ever create v + 1, so the question is whose that is. */
static void judge_newer(const struct judging *judging)
{
    const struct policy_job *job = judging->job;
    const struct policy_answer *answer = judging->answer;
    bool is_next = answer->version == job->version + 1;
    bool proven = answer->next_is_known || (is_next && answer->is_anothers);

    if (answer->is_there && (proven || !job->doubt)) {
        judge_unchanged(judging);
    } else if (answer->next_is_known) {
        judge_conflict(judging, true, "another job of ours made the next version");
    } else if (proven) {
        judge_conflict(judging, true, "the next version carries another correlation id");
    } else if (is_next && !job->doubt) {
        judge_conflict(judging, true,
                       "the record has a newer version, and no attempt of ours may have landed");
    } else if (is_next && answer->fields_are_ours) {
        settle(judging, JOB_APPLIED, "the next version holds our fields, without a correlation id");
    } else {
        settle(judging, JOB_UNKNOWN,
               is_next ? "the next version holds other fields, without a correlation id"
                       : "the record has moved on beyond the next version");
        judging->verdict->next = POLICY_NEXT_AUDIT;
    }
}

static void judge_record(const struct judging *judging)
{
    note_record(judging);
    if (judging->answer->is_ours)
        settle(judging, JOB_APPLIED, "the record carries our correlation id");
    else if (judging->answer->version <= judging->job->version)
        judge_older(judging);
    else
        judge_newer(judging);
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

/* The log lags: silence is no evidence before --audit-wait is over. An entry without an id is
 * silence as well. */
static void judge_silence(const struct judging *judging)
{
    int64_t asked_ms = judging->job->asked_ms;
    int64_t left_ms = judging->limits->audit_wait_ms - asked_ms;
    int64_t delay_ms = asked_ms / 2;
    bool unnamed = judging->answer->entry == POLICY_UNNAMED_ENTRY;

    if (left_ms <= 0 && judging->job->is_gone) {
        settle(judging, JOB_REFUSED,
               unnamed ? "unproven: the record is gone, and the audit log has the next version "
                         "without a correlation id"
                       : "unproven: the record is gone, and the audit log does not have the next "
                         "version");
    } else if (left_ms <= 0) {
        judge_conflict(judging, false,
                       unnamed
                           ? "unproven: the audit log has the next version without a correlation id"
                           : "unproven: the audit log does not have the next version");
    } else {
        if (delay_ms < AUDIT_FIRST_MS)
            delay_ms = AUDIT_FIRST_MS;
        if (delay_ms > AUDIT_LAST_MS)
            delay_ms = AUDIT_LAST_MS;
        settle(judging, JOB_UNKNOWN,
               unnamed ? "the audit log has the next version without a correlation id so far"
                       : "the audit log does not have the next version yet");
        judging->verdict->next = POLICY_NEXT_AUDIT;
        judging->verdict->delay_ms = delay_ms < left_ms ? delay_ms : left_ms;
    }
}

/* The last page, where no entry says by its id whose the next version is. Without a doubt the log
 * is asked once: our own database says that nothing of ours can have landed. It may be an older
 * copy, though, and then an entry of our own user is too much of a chance. */
static void judge_last_page(const struct judging *judging)
{
    const bool doubt = judging->job->doubt;

    if (judging->answer->entry == POLICY_OUR_USERS_ENTRY && doubt) {
        settle(judging, JOB_APPLIED,
               "the audit log has the next version by our own user, without a correlation id");
        judging->verdict->has_server_version = true;
        judging->verdict->server_version = judging->answer->version;
    } else if (judging->answer->entry == POLICY_OUR_USERS_ENTRY) {
        judge_conflict(judging, false,
                       "unproven: the audit log has the next version by our own user, without a "
                       "correlation id");
    } else if (doubt) {
        judge_silence(judging);
    } else {
        judge_conflict(judging, true,
                       judging->answer->entry == POLICY_UNNAMED_ENTRY
                           ? "no attempt of ours may have landed; the audit log has the next "
                             "version without a correlation id"
                           : "no attempt of ours may have landed; the audit log does not have the "
                             "next version");
    }
}

/* Our id at another version than the one that our PUT can have made: our database does not know of
 * all that we sent. It is an older copy, and a person has to look. */
static void judge_elsewhere(const struct judging *judging)
{
    judge_conflict(judging, false,
                   "unproven: the audit log has our correlation id at another version");
}

/* A log that we may not read, or that is not there, keeps no job from its end without a doubt. */
static void judge_no_page(const struct judging *judging)
{
    enum meaning meaning = judging->meaning;
    bool never = meaning == MEANS_FORBIDDEN || meaning == MEANS_MISSING ||
                 meaning == MEANS_REFUSED || meaning == MEANS_WRONG_PLACE;

    judge_ask_again(judging);
    judge_pause(judging);
    if (judging->job->doubt || (!never && judging->verdict->state != JOB_FAILED))
        return;
    judging->verdict->retry = judging->verdict->unsettled = false;
    judging->verdict->delay_ms = 0;
    judge_conflict(judging, true,
                   "no attempt of ours may have landed; the audit log was not to be read");
}

void judge_audit(const struct judging *judging)
{
    const struct policy_answer *answer = judging->answer;

    if (judging->meaning != MEANS_DONE || !answer->has_page) {
        judge_no_page(judging);
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
    } else if (answer->is_elsewhere &&
               (!judging->job->doubt || answer->entry == POLICY_THEIR_ENTRY)) {
        judge_elsewhere(judging);
    } else if (answer->entry == POLICY_THEIR_ENTRY && judging->job->was_there) {
        judge_unchanged(judging);
    } else if (answer->entry == POLICY_THEIR_ENTRY) {
        judge_conflict(judging, true, "the audit log has the next version as another's");
    } else if (answer->has_more) {
        settle(judging, JOB_UNKNOWN, "the audit log has more pages");
        judging->verdict->next = POLICY_NEXT_PAGE;
    } else {
        judge_last_page(judging);
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
    } else if (answer->is_ours) {
        note_record(judging);
        settle(judging, JOB_APPLIED, "the record carries our correlation id");
    } else if (answer->is_there && job->attempts == 0) {
        note_record(judging);
        judge_unchanged(judging);
    } else if (answer->rule_broken) {
        note_record(judging);
        judge_conflict(judging, false, "our fields over the record's break a rule of the schema");
    } else {
        note_record(judging);
        settle(judging, JOB_PENDING, "");
        judging->verdict->next = POLICY_NEXT_SEND;
    }
}
