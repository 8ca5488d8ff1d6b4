/* What failed or was refused is put back to be sent, or read back, again. */
#include "core/store/retry.h"
#include "cmd/rowferry/deciding.h"
#include "cmd/rowferry/json_line.h"
#include "cmd/rowferry/words.h"
#include "core/base/clock.h"

static bool visit(void *context, const struct decided *decided, struct err *err)
{
    static const char *const outcomes[] = {
        [DECIDE_MOVED] = "retried",
        [DECIDE_UNFIT] = "not_retried",
        [DECIDE_SUPERSEDED] = "superseded",
    };
    struct deciding *deciding = context;
    struct report *report = &deciding->session.cli->report;

    (void)err;
    if (!deciding_hear(deciding, decided))
        return true;
    if (report->json) {
        deciding_json(deciding, decided, outcomes[decided->end]);
        json_line_text(&deciding->out, "new_state",
                       decided->end == DECIDE_MOVED ? span_of(job_state_name(decided->to))
                                                    : (struct span){0});
        deciding_tell_json(deciding);
    } else if ((deciding->dry_run || report->verbose || decided->end != DECIDE_MOVED) &&
               deciding_line(deciding, decided)) {
        if (decided->end == DECIDE_SUPERSEDED)
            deciding_superseded(decided, &deciding->out);
        else if (decided->end == DECIDE_UNFIT)
            buf_printf(&deciding->out, "is %s by now", job_state_name(decided->state));
        else
            buf_printf(&deciding->out, "%s, %s again", job_state_name(decided->state),
                       decided->to == JOB_UNKNOWN ? "read back before it is sent" : "sent");
        deciding_tell_line(deciding);
    }
    return true;
}

static bool decide(struct deciding *deciding, const struct decision *decision, struct err *err)
{
    return retry_jobs(deciding->session.store, decision, deciding_ids(deciding),
                      deciding_count(deciding), err);
}

static void append_question(struct deciding *deciding, uint64_t count, struct buf *out)
{
    (void)deciding;
    buf_append_text(out, "retry ");
    words_count(out, count, "job");
}

static void append_counts(struct deciding *deciding, struct buf *out)
{
    if (deciding_count(deciding) == 0) {
        buf_append_text(out, "no such job failed or was refused\n");
        return;
    }
    words_count(out, deciding->ends[DECIDE_MOVED], "job");
    buf_append_text(out, deciding->dry_run ? " would be sent again" : " to be sent again");
    deciding_stay(deciding, out);
}

static bool choose(struct deciding *deciding, struct retry_choice *choice)
{
    struct session *session = &deciding->session;
    char state[SESSION_STATE_SIZE];
    struct err err = {0};

    if (choice->batch_id && !session_find_batch(session, choice->batch_id, state))
        return false;
    if (retry_find(session->store, choice, &deciding->job_ids, &err))
        return true;
    report_fail(&session->cli->report, &err);
    return false;
}

static bool read_options(const struct options *options, struct retry_choice *choice,
                         struct err *err)
{
    if ((options->path_count > 0) == options_flag(options, OPT_ALL))
        return err_set(err, ERR_CONFIG,
                       "which jobs? name their batch, or --all; see rowferry retry --help");
    choice->states = (unsigned)options_number(options, OPT_STATE);
    choice->record_id = options_text(options, OPT_RECORD);
    if (options_text(options, OPT_SINCE))
        choice->since_ms = clock_now_ms() - options_number(options, OPT_SINCE);
    return choosing_batch(options, &choice->batch_id, err);
}

void command_retry(struct cli *cli)
{
    static const struct deciding_verb verb = {decide, visit, append_question, append_counts};
    struct deciding deciding = {.session = {.cli = cli},
                                .verb = &verb,
                                .sends = true,
                                .dry_run = options_flag(&cli->options, OPT_DRY_RUN)};
    struct retry_choice choice = {0};
    struct err err = {0};

    if (!read_options(&cli->options, &choice, &err))
        report_fail(&cli->report, &err);
    else if (session_look(&deciding.session) && choose(&deciding, &choice))
        deciding_work(&deciding);
    deciding_release(&deciding);
}
