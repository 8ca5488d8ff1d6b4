#include "core/job/assess_audit.h"

enum {
    FIRST_MS = 500, /* between two looks into the audit log: half of the time asked so far */
    LAST_MS = 5000,
};

/* A later row of ours is there, and nothing shows that this one was: it was refused or left out by
 * the copy of the database that sent the other, or the log does not have all. */
static void assess_left_out(const struct facts *in, struct policy_verdict *out)
{
    const struct policy_job *job = in->job;

    if (!job->was_there) {
        assess_conflict(in, out, false,
                        "unproven: the record holds a later row of ours, and the audit log does "
                        "not show this one");
        return;
    }
    assess_unchanged(out);
    /* rows that follow do not build on the later one */
    out->has_server_version = job->attempts > 0;
    out->server_version = job->version;
}

/* The log has no entry that names who made the next version. It lags, so that this counts only
 * after --audit-wait. Where only an older copy of our database would leave a doubt, a second look
 * is enough: most conflicts are of that kind, and logs do not go back for ever. */
static void assess_silence(const struct facts *in, struct policy_verdict *out)
{
    const struct policy_job *job = in->job;
    const bool sure = !job->doubt && !job->is_copied;
    const int64_t limit_ms = in->limits->audit_wait_ms, half_ms = job->asked_ms / 2;
    int64_t left_ms = (sure && limit_ms > LAST_MS ? LAST_MS : limit_ms) - job->asked_ms;
    int64_t delay_ms = half_ms < FIRST_MS ? FIRST_MS : half_ms;
    bool unnamed = in->answer->entry == POLICY_UNNAMED_ENTRY;

    if (sure || delay_ms > LAST_MS)
        delay_ms = LAST_MS;
    if (left_ms <= 0 && job->is_copied) {
        assess_left_out(in, out);
    } else if (left_ms <= 0 && job->is_gone) {
        assess_conclude(
            out, JOB_REFUSED,
            unnamed ? "unproven: the record is gone, and the audit log has the next version "
                      "without a correlation id"
                    : "unproven: the record is gone, and the audit log does not have the next "
                      "version");
    } else if (left_ms <= 0) {
        assess_conflict(
            in, out, false,
            unnamed ? "unproven: the audit log has the next version without a correlation id"
                    : "unproven: the audit log does not have the next version");
    } else {
        assess_conclude(out, JOB_UNKNOWN,
                        unnamed
                            ? "the audit log has the next version without a correlation id so far"
                            : "the audit log does not have the next version yet");
        out->next = POLICY_NEXT_AUDIT;
        out->delay_ms = delay_ms < left_ms ? delay_ms : left_ms;
    }
}

/* The last page, and no entry names by an id who made the next version. Without a doubt, our
 * database says that nothing of ours may have landed. But it can be an older copy, so that neither
 * silence proves anything nor an entry of our own user. */
static void assess_last_page(const struct facts *in, struct policy_verdict *out)
{
    const bool doubt = in->job->doubt;

    if (in->answer->entry == POLICY_OUR_USERS_ENTRY && doubt) {
        assess_conclude(
            out, JOB_APPLIED,
            "the audit log has the next version by our own user, without a correlation id");
        out->has_server_version = true;
        out->server_version = in->answer->version;
    } else if (in->answer->entry == POLICY_OUR_USERS_ENTRY) {
        assess_conflict(in, out, false,
                        "unproven: the audit log has the next version by our own user, without a "
                        "correlation id");
    } else if (doubt || in->answer->entry == POLICY_NO_ENTRY) {
        assess_silence(in, out);
    } else {
        assess_conflict(in, out, true,
                        "no attempt of ours may have landed; the audit log has the next version "
                        "without a correlation id");
    }
}

/* The log could not be read. Where there is no doubt, that does not keep the job open. */
static void assess_no_page(const struct facts *in, struct policy_verdict *out)
{
    enum meaning meaning = in->meaning;
    bool never = meaning == MEANS_FORBIDDEN || meaning == MEANS_MISSING ||
                 meaning == MEANS_REFUSED || meaning == MEANS_WRONG_PLACE;

    assess_ask_again(in, out);
    assess_pause(in, out);
    if ((in->job->doubt && !in->job->is_copied) || (!never && out->state != JOB_FAILED))
        return;
    out->retry = out->unsettled = false;
    out->delay_ms = 0;
    if (in->job->is_copied)
        assess_left_out(in, out);
    else
        assess_conflict(in, out, true,
                        "no attempt of ours may have landed; the audit log could not be read");
}

void assess_audit(const struct facts *in, struct policy_verdict *out)
{
    const struct policy_answer *answer = in->answer;

    if (in->meaning != MEANS_DONE || !answer->has_page) {
        assess_no_page(in, out);
        return;
    }
    out->success = true;
    out->readbacks = 0;
    if (answer->entry == POLICY_OUR_ENTRY) {
        assess_conclude(
            out, JOB_APPLIED,
            "the audit log has the next version with our correlation id; superseded since");
        out->has_server_version = true;
        out->server_version = answer->version;
    } else if (answer->is_elsewhere) {
        /* only our update brings our id into the log: another copy of the database sent it */
        assess_conclude(
            out, JOB_APPLIED,
            "the audit log has our correlation id at another version; superseded since");
        out->has_server_version = answer->elsewhere >= 0;
        out->server_version = answer->elsewhere;
    } else if (answer->has_more) {
        assess_conclude(out, JOB_UNKNOWN, "the audit log has more pages");
        out->next = POLICY_NEXT_PAGE;
    } else if (in->job->is_copied) {
        assess_silence(in, out);
    } else if (answer->entry == POLICY_THEIR_ENTRY && in->job->is_gone) {
        assess_conclude(
            out, JOB_REFUSED,
            "the record is gone, and the audit log has its next version under another id");
    } else if (answer->entry == POLICY_THEIR_ENTRY && in->job->was_there) {
        assess_unchanged(out);
    } else if (answer->entry == POLICY_THEIR_ENTRY) {
        assess_conflict(in, out, true, "the audit log has the next version under another id");
    } else {
        assess_last_page(in, out);
    }
}
