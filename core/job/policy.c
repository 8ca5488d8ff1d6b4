#include "core/job/policy.h"

#include "core/job/assess_audit.h"

#include <string.h>

enum {
    LAG_MS = 1000,        /* how old the state can be that a read shows */
    THROTTLED_MS = 60000, /* where a target says `throttled`, and the answer names no time */
};

/* True when what the PUT was answered means that the server will never take it. */
static bool was_refused(const struct policy_job *job)
{
    enum meaning meaning = meaning_of_answer(job->lock, job->put_status, job->put_said, false);

    return job->put_status &&
           (meaning == MEANS_REFUSED || meaning == MEANS_FORBIDDEN || meaning == MEANS_WRONG_PLACE);
}

/* True when no attempt is left. */
static bool is_exhausted(const struct facts *in)
{
    return in->job->attempts >= in->limits->max_attempts + in->job->attempts_before;
}

/* True when the request was to find out whether a PUT landed. */
static bool asks_for_fate(const struct facts *in)
{
    return job_state_of_request(in->job->request) == JOB_UNKNOWN;
}

/* The server did nothing and nothing is counted: the job is as it was before the request. */
static void assess_uncounted(const struct facts *in, struct policy_verdict *out,
                             enum policy_run run)
{
    out->state = policy_spared_state(in->job);
    out->run = run;
    out->excused = true;
}

/* The same request again, counted. */
static void assess_repeat(const struct facts *in, struct policy_verdict *out)
{
    if (asks_for_fate(in))
        assess_ask_again(in, out);
    else
        assess_send_again(in, out);
}

/* The answer does not show whether the request had any effect. */
static void assess_useless(const struct facts *in, struct policy_verdict *out)
{
    if (in->job->request != REQUEST_UPDATE) {
        assess_repeat(in, out);
        return;
    }
    out->state = JOB_UNKNOWN;
    out->doubt = true;
    out->retry = true;
    /* the read-back after the last attempt can end the job */
    if (is_exhausted(in))
        out->delay_ms = LAG_MS;
}

/* A 401, which is final with a fixed key. Two tokens in a row that were refused to the same job
 * stop the run, unless the second one works for other jobs. Then it may have been revoked, too;
 * that counts as a retry, so it ends. */
static void assess_token(const struct facts *in, struct policy_verdict *out)
{
    const struct policy_job *job = in->job;
    bool blocked = strcmp(in->answer->code, "ip.not.authorized") == 0;

    if (blocked || in->limits->fixed_key || (job->refused_token && !in->limits->token_accepted)) {
        assess_uncounted(in, out, POLICY_STOP_AUTH);
        return;
    }
    if (job->refused_token) {
        assess_repeat(in, out);
        out->state = policy_spared_state(job);
        out->unsettled = false;
        out->readbacks = job->readbacks;
    } else {
        assess_uncounted(in, out, POLICY_NEW_TOKEN);
    }
    out->run = POLICY_NEW_TOKEN;
    out->excused = true;
}

/* The server refused this PUT, which does not show whether an earlier one landed. */
static void assess_refusal(const struct facts *in, struct policy_verdict *out)
{
    out->state = in->job->doubt ? JOB_UNKNOWN : JOB_REFUSED;
    out->delay_ms = in->job->doubt ? LAG_MS : 0;
    out->refused = true;
}

/* A 403, or an answer that is not the API's. For the job it is a refusal; whether it concerns all
 * jobs is decided for the run. */
static void assess_denied(const struct facts *in, struct policy_verdict *out, enum policy_run run)
{
    if (asks_for_fate(in))
        assess_ask_again(in, out);
    else
        assess_refusal(in, out);
    out->excused = true;
    if (!in->limits->kind_works)
        out->run = run;
}

/* A refusal concerns the record alone, unless every request gets the same. */
static void assess_own_refusal(const struct facts *in, struct policy_verdict *out)
{
    bool own = in->meaning == MEANS_MISSING || in->meaning == MEANS_REFUSED;

    if (own && in->answer->end == POLICY_ANSWERED && !asks_for_fate(in) &&
        out->state == JOB_REFUSED && !in->limits->kind_works)
        out->run = POLICY_REFUSING;
}

/* The PUT is sent with the same values as an update of a record that is not there, or that is. */
static void assess_send_as(const struct facts *in, struct policy_verdict *out, unsigned creates)
{
    out->state = JOB_PENDING;
    out->creates = creates;
    out->next = in->job->reads_first && !creates ? POLICY_NEXT_FETCH : POLICY_NEXT_SEND;
}

/* The record that the PUT was for is not there: it is created, an upsert sent again. A path that is
 * wrong looks the same. */
static void assess_put_missing(const struct facts *in, struct policy_verdict *out)
{
    const struct policy_job *job = in->job;
    unsigned next = job->missing == TARGET_UPSERT ? CREATES_AGAIN : CREATES_MISSING;

    if (job->missing != TARGET_REFUSE && job->creates < next && job->rounds < POLICY_ROUNDS_MAX)
        assess_send_as(in, out, next);
    else
        assess_refusal(in, out);
}

/* The record that the PUT was to create is there, so that a read which did not show it lagged. */
static void assess_put_exists(const struct facts *in, struct policy_verdict *out)
{
    const struct policy_job *job = in->job;

    if (job->creates && job->rounds < POLICY_ROUNDS_MAX && !job->doubt) {
        assess_send_as(in, out, CREATES_NOT);
        out->works = true;
        out->delay_ms = job->reads_first ? LAG_MS : 0;
    } else if (job->creates && job->doubt) {
        out->state = JOB_UNKNOWN;
    } else {
        assess_refusal(in, out);
    }
}

/* A 409: the read-back that follows shows whose update the record holds. A PUT that was built on a
 * fetched record or on what was known, and none of whose attempts may have landed, is built again
 * on a new fetch, after the second one when reads do not lag any more. */
static void assess_put_conflict(const struct facts *in, struct policy_verdict *out)
{
    const struct policy_job *job = in->job;

    out->state = JOB_UNKNOWN;
    if (job->doubt || job->is_declared ||
        (!job->is_known && (!job->rounds || job->rounds >= POLICY_ROUNDS_MAX)))
        return;
    out->state = JOB_PENDING;
    out->next = POLICY_NEXT_FETCH;
    out->delay_ms = job->rounds > 1 ? LAG_MS : 0;
}

static void assess_put(const struct facts *in, struct policy_verdict *out)
{
    const struct policy_answer *answer = in->answer;

    switch (in->meaning) {
    case MEANS_DONE:
        if (in->job->lock == TARGET_STEP && !answer->has_version) {
            assess_useless(in, out);
            return;
        }
        out->state = JOB_APPLIED;
        out->success = true;
        out->has_server_version = answer->has_version;
        out->server_version = answer->version;
        return;
    case MEANS_UNCHANGED:
        assess_conclude(out, in->job->doubt ? JOB_APPLIED : JOB_UNCHANGED,
                        "the server says that the record holds these values");
        out->success = true;
        return;
    case MEANS_MISSING:
        assess_put_missing(in, out);
        return;
    case MEANS_EXISTS:
        assess_put_exists(in, out);
        return;
    case MEANS_AMBIGUOUS:
        assess_useless(in, out);
        return;
    case MEANS_NOT_DONE:
        /* a read-back settles the last attempt, and what no lock would notice */
        if (!is_exhausted(in))
            assess_send_again(in, out);
        if (is_exhausted(in) || (!answer->said && (in->job->lock == TARGET_NONE ||
                                                   (answer->is_shared && answer->status > 499))))
            assess_useless(in, out);
        out->doubt = true;
        assess_pause(in, out);
        return;
    case MEANS_CONFLICT:
        assess_put_conflict(in, out);
        out->works = true;
        return;
    case MEANS_TOKEN:
    case MEANS_FORBIDDEN:
    case MEANS_PROXY:
    case MEANS_THROTTLED:
    case MEANS_WRONG_PLACE:
    case MEANS_REFUSED:
    case MEANS_STOP:
        break;
    }
    assess_refusal(in, out);
}

/* True of a GET that was answered with a record that shows what the lock is about. */
static bool shows_record(const struct facts *in)
{
    return in->job->lock == TARGET_STEP ? in->answer->has_version : in->answer->has_record;
}

/* The GET was answered with a record, which ends the count of those that were not. */
static void assess_note_record(const struct facts *in, struct policy_verdict *out)
{
    out->success = true;
    out->has_server_version = in->answer->has_version;
    out->server_version = in->answer->version;
    out->readbacks = 0;
    out->looks_again = false;
}

/* The update did not land and is sent again. The service works, and the retry budget was already
 * charged for the failure before. */
static void assess_not_landed(const struct facts *in, struct policy_verdict *out)
{
    assess_send_again(in, out);
    out->retry = false;
    out->evidence = in->job->lock == TARGET_STEP ? "the record's version shows that it did not land"
                                                 : "the record shows that it did not land";
    if (is_exhausted(in))
        out->state = JOB_FAILED;
}

/* The record is read again after a moment where a lagging read would show the same. */
static void assess_look_again(struct policy_verdict *out)
{
    assess_conclude(out, JOB_UNKNOWN,
                    "the record has no newer version: read again, because a read can lag");
    out->looks_again = true;
    out->delay_ms = LAG_MS;
}

/* The record is at the version that was sent, or at an older one. */
static void assess_older(const struct facts *in, struct policy_verdict *out)
{
    bool ahead = in->job->lock == TARGET_STEP && in->answer->version < in->job->version;
    bool there = in->answer->is_there && !in->job->doubt;

    if (was_refused(in->job)) {
        assess_conclude(
            out, JOB_REFUSED,
            "the server refused it, and the record's version shows that it did not land before");
        out->refused = true;
    } else if ((ahead || there) && !in->job->looks_again) {
        assess_look_again(out);
    } else if (there) {
        assess_unchanged(out);
    } else if (ahead) {
        assess_conflict(in, out, false, "the record is not at the version that was sent");
        out->ahead = true;
    } else {
        assess_not_landed(in, out);
    }
}

/* The record holds a later row of ours that this database never sent: the database is an older
 * copy, or another copy of it is in use. That copy is done with this job, and only the audit log
 * can show whether it applied it. */
static void assess_copied(struct policy_verdict *out)
{
    assess_conclude(out, JOB_UNKNOWN,
                    "the record holds a later row of ours, which this database has not sent");
    out->next = POLICY_NEXT_AUDIT;
    out->is_copied = true;
}

/* True when the record that the PUT was built on was older than an earlier job of ours made it: the
 * fetch lagged, and the PUT did not land. */
static bool was_behind(const struct facts *in)
{
    return in->answer->is_behind && in->job->rounds && !in->job->is_declared && !is_exhausted(in);
}

/* The row is built again, when a fetch does not lag any more. */
static void assess_behind(struct policy_verdict *out)
{
    assess_fetch_again(out);
    out->delay_ms = LAG_MS;
    out->evidence = "an earlier job of ours made the record newer than the one that was fetched";
}

/* The record has a newer version than was sent, and not our id. A PUT with version v can only
 * create v + 1, so the question is who made that. */
static void assess_newer(const struct facts *in, struct policy_verdict *out)
{
    const struct policy_job *job = in->job;
    const struct policy_answer *answer = in->answer;
    bool is_next = answer->version == job->version + 1;
    bool proven = answer->next_is_known || (is_next && answer->is_anothers);

    if (answer->is_there && (proven || !job->doubt)) {
        assess_unchanged(out);
    } else if (was_behind(in)) {
        assess_behind(out);
    } else if (answer->next_is_known) {
        assess_conflict(in, out, true, "another job of ours made the next version");
    } else if (proven) {
        assess_conflict(in, out, true, "the next version carries another correlation id");
    } else if (is_next && !job->doubt) {
        assess_conflict(in, out, true,
                        "the record has a newer version, and no attempt of ours may have landed");
    } else if (is_next && answer->fields_are_ours) {
        assess_conclude(out, JOB_APPLIED,
                        "the next version holds our fields, without a correlation id");
    } else if (job->no_audit && answer->fields_are_ours) {
        assess_conclude(out, JOB_APPLIED, "the record holds our fields, without a correlation id");
    } else if (job->no_audit) {
        assess_conflict(in, out, is_next,
                        is_next ? "the next version holds other fields"
                                : "unproven: the record has moved on beyond the next version");
    } else {
        assess_conclude(out, JOB_UNKNOWN,
                        is_next ? "the next version holds other fields, without a correlation id"
                                : "the record has moved on beyond the next version");
        out->next = POLICY_NEXT_AUDIT;
    }
}

/* The record's token is not the one that was sent, and it does not carry our id. The token does not
 * show how often the record has changed. */
static void assess_other_token(const struct facts *in, struct policy_verdict *out)
{
    bool doubt = in->job->doubt;

    if (in->answer->fields_are_ours && doubt)
        assess_conclude(out, JOB_APPLIED, "the record has changed since, and holds our fields");
    else if (in->answer->fields_are_ours)
        assess_unchanged(out);
    else if (was_behind(in))
        assess_behind(out);
    else
        assess_conflict(in, out, !doubt,
                        doubt ? "unproven: the record has changed, and holds other fields"
                              : "the record has changed, and no attempt of ours landed");
}

/* The record is read again when no stray request can land any more. */
static void assess_wait_for_stray(const struct facts *in, struct policy_verdict *out,
                                  const char *evidence)
{
    assess_conclude(out, JOB_UNKNOWN, evidence);
    out->looks_again = true;
    out->delay_ms = in->limits->timeout_ms < ASSESS_BACKOFF_MAX_MS ? in->limits->timeout_ms
                                                                   : ASSESS_BACKOFF_MAX_MS;
}

/* Nothing shows who changed the record: ours is there, or is sent again when no stray request can
 * land any more. */
static void assess_without_lock(const struct facts *in, struct policy_verdict *out)
{
    if (in->answer->fields_are_ours) {
        assess_conclude(out, JOB_APPLIED, "the record holds our fields");
    } else if (was_refused(in->job)) {
        assess_conclude(out, JOB_REFUSED, "unproven: refused, and the record holds other fields");
        out->refused = true;
    } else if (!in->job->looks_again) {
        assess_wait_for_stray(in, out, "the record holds other fields so far");
    } else {
        assess_not_landed(in, out);
        if (in->job->reads_first && out->state == JOB_PENDING)
            out->next = POLICY_NEXT_FETCH;
        out->evidence = "the record holds other fields: sent again, because there is no lock";
    }
}

/* A read-back found no record. */
static void assess_gone(const struct facts *in, struct policy_verdict *out)
{
    const struct policy_job *job = in->job;

    out->readbacks = 0;
    out->looks_again = false;
    if (was_refused(job) && (job->lock == TARGET_NONE || job->creates)) {
        assess_conclude(out, JOB_REFUSED, "unproven: refused, and there is no such record");
        out->refused = true;
    } else if (job->doubt && job->missing == TARGET_UPSERT && !job->looks_again) {
        /* no server refuses a second upsert that has no lock */
        assess_wait_for_stray(in, out, "the record is not there so far");
    } else if (job->creates || (job->lock == TARGET_NONE && job->missing != TARGET_REFUSE)) {
        assess_not_landed(in, out);
        out->evidence = "the record is not there: it did not land";
    } else if (!job->doubt) {
        assess_conclude(out, JOB_REFUSED, "the record is gone");
    } else if (job->lock != TARGET_STEP || job->no_audit) {
        assess_conclude(out, JOB_REFUSED, "unproven: the record is gone");
    } else {
        assess_conclude(out, JOB_UNKNOWN, "the record is gone");
        out->next = POLICY_NEXT_AUDIT;
    }
}

static void assess_read_back(const struct facts *in, struct policy_verdict *out)
{
    const struct policy_job *job = in->job;
    const struct policy_answer *answer = in->answer;

    if (in->meaning == MEANS_DONE && shows_record(in)) {
        assess_note_record(in, out);
        if (answer->is_ours)
            assess_conclude(out, JOB_APPLIED, "the record carries our correlation id");
        else if (answer->is_later)
            assess_copied(out);
        else if (job->lock == TARGET_NONE)
            assess_without_lock(in, out);
        else if (job->lock == TARGET_STEP && !job->creates)
            (answer->version <= job->version ? assess_older : assess_newer)(in, out);
        else
            (answer->token_is_sent ? assess_older : assess_other_token)(in, out);
    } else if (in->meaning == MEANS_MISSING) {
        assess_gone(in, out);
    } else {
        assess_ask_again(in, out);
        assess_pause(in, out);
    }
}

/* A look at the record that a PUT replaces, because its fields are to be kept. It has to show the
 * version of the PUT: a lower one is read again, because a read can lag. Otherwise the answer to
 * the PUT counts. */
static void assess_look(const struct facts *in, struct policy_verdict *out)
{
    const struct policy_job *job = in->job;

    assess_conclude(out, JOB_PENDING, "");
    if (in->answer->has_version && in->answer->version < job->version && !job->looks_again) {
        out->looks_again = true;
        out->delay_ms = LAG_MS;
        return;
    }
    out->next = POLICY_NEXT_SEND;
}

static void assess_fetch(const struct facts *in, struct policy_verdict *out)
{
    const struct policy_job *job = in->job;
    const struct policy_answer *answer = in->answer;

    if (in->meaning == MEANS_MISSING && job->is_look) {
        out->looks_again = false;
        assess_look(in, out);
    } else if (in->meaning == MEANS_MISSING && job->missing != TARGET_REFUSE) {
        assess_send_as(in, out, CREATES_MISSING);
        out->success = true;
        out->evidence = "there is no such record: it is created";
    } else if (in->meaning == MEANS_MISSING) {
        assess_conclude(out, JOB_REFUSED, "there is no such record");
    } else if (in->meaning == MEANS_REFUSED || in->meaning == MEANS_CONFLICT) {
        out->state = JOB_REFUSED;
    } else if (in->meaning != MEANS_DONE || !shows_record(in)) {
        assess_send_again(in, out);
        assess_pause(in, out);
    } else if (answer->is_ours) {
        assess_note_record(in, out);
        assess_conclude(out, JOB_APPLIED, "the record carries our correlation id");
    } else if (answer->is_later) {
        assess_note_record(in, out);
        assess_copied(out);
    } else if (answer->is_there && !job->doubt) {
        assess_note_record(in, out);
        assess_unchanged(out);
    } else if (answer->rule_broken) {
        assess_note_record(in, out);
        assess_conflict(in, out, false, "our fields over the record's break a rule of the schema");
    } else {
        assess_note_record(in, out);
        if (job->is_look) {
            assess_look(in, out);
            return;
        }
        assess_conclude(out, JOB_PENDING, "");
        out->next = POLICY_NEXT_SEND;
    }
}

/* Assesses what means the same for every request. Returns false for the rest. */
static bool assess_common(const struct facts *in, struct policy_verdict *out)
{
    const struct policy_answer *answer = in->answer;

    if (answer->end == POLICY_NEVER_LEFT || answer->end == POLICY_UNTRUSTED ||
        answer->end == POLICY_PROXY) {
        out->left = false;
        assess_uncounted(in, out,
                         answer->end == POLICY_UNTRUSTED ? POLICY_STOP_CONFIG
                         : answer->end == POLICY_PROXY   ? POLICY_STOP_PROXY
                                                         : POLICY_UNREACHABLE);
        return true;
    }
    if (answer->end == POLICY_NO_ANSWER) {
        assess_useless(in, out);
        return true;
    }
    /* the log was asked only to be sure: that it is denied does not concern the run */
    if (in->job->request == REQUEST_AUDIT && (!in->job->doubt || in->job->is_copied) &&
        (in->meaning == MEANS_FORBIDDEN || in->meaning == MEANS_WRONG_PLACE))
        return false;
    switch (in->meaning) {
    case MEANS_TOKEN:
        assess_token(in, out);
        return true;
    case MEANS_FORBIDDEN:
        assess_denied(in, out, POLICY_FORBIDDEN);
        return true;
    case MEANS_PROXY:
        assess_uncounted(in, out, POLICY_STOP_PROXY);
        return true;
    case MEANS_THROTTLED:
        assess_uncounted(in, out, POLICY_PAUSE);
        out->pause_ms = answer->retry_after_ms;
        if (out->pause_ms < 0 && answer->status != 429)
            out->pause_ms = THROTTLED_MS;
        return true;
    case MEANS_STOP:
        assess_uncounted(in, out, POLICY_STOP_TARGET);
        return true;
    case MEANS_WRONG_PLACE:
        if (answer->is_shared && answer->status > 499 && in->limits->kind_works) {
            assess_useless(in, out);
            /* if the record shows that it did not land, it is refused */
            out->delay_ms = LAG_MS;
        } else {
            assess_denied(in, out, POLICY_WRONG_PLACE);
        }
        return true;
    case MEANS_DONE:
    case MEANS_AMBIGUOUS:
    case MEANS_NOT_DONE:
    case MEANS_MISSING:
    case MEANS_CONFLICT:
    case MEANS_REFUSED:
    case MEANS_UNCHANGED:
    case MEANS_EXISTS:
        break;
    }
    return false;
}

void policy_assess(const struct policy_job *job, const struct policy_answer *answer,
                   const struct policy_limits *limits, struct policy_verdict *verdict)
{
    static void (*const requests[])(const struct facts *in, struct policy_verdict *out) = {
        [REQUEST_UPDATE] = assess_put,
        [REQUEST_READ_BACK] = assess_read_back,
        [REQUEST_AUDIT] = assess_audit,
        [REQUEST_FETCH] = assess_fetch,
    };
    const struct facts facts = {
        job, answer, limits,
        meaning_of_answer(job->lock, answer->status, answer->said, answer->is_garbled)};

    *verdict = (struct policy_verdict){
        .left = true,
        .doubt = job->doubt,
        .looks_again = job->looks_again,
        .readbacks = job->readbacks,
        .run_retries = job->run_retries,
        .evidence = "",
    };
    if (!assess_common(&facts, verdict))
        requests[job->request](&facts, verdict);
    assess_own_refusal(&facts, verdict);
    verdict->works = verdict->works || verdict->success;
}

enum job_state policy_spared_state(const struct policy_job *job)
{
    return job_state_of_request(job->request) == JOB_UNKNOWN ? JOB_UNKNOWN : JOB_PENDING;
}
