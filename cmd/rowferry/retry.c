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

/* Over all the jobs, once. False: told. */
static bool pass(struct deciding *deciding, bool rehearsed)
{
    struct decision decision = deciding_begin(deciding, rehearsed);
    struct err err = {0};

    decision.visit = visit;
    if (retry_jobs(deciding->session.store, &decision, deciding_ids(deciding),
                   deciding_count(deciding), &err))
        return true;
    report_fail(&deciding->session.cli->report, &err);
    return false;
}

static bool confirmed(struct deciding *deciding)
{
    struct buf what = {0};
    bool fine = true;

    if (deciding->ends[DECIDE_MOVED] > 1) {
        buf_append_text(&what, "retry ");
        words_count(&what, deciding->ends[DECIDE_MOVED], "job");
        fine = choosing_confirmed(deciding->session.cli, buf_text(&what));
    }
    buf_release(&what);
    return fine;
}

static void tell_end(struct deciding *deciding)
{
    struct cli *cli = deciding->session.cli;
    uint64_t moved = deciding->ends[DECIDE_MOVED];
    struct buf counts = {0};

    if (!deciding->dry_run && moved > 0)
        command_other(cli, FOR_DRAIN, &cli->tally.next);
    if (deciding_count(deciding) == 0) {
        buf_append_text(&counts, "no such job failed or was refused\n");
    } else {
        words_count(&counts, moved, "job");
        buf_append_text(&counts, deciding->dry_run ? " would be sent again" : " to be sent again");
        deciding_stay(deciding, &counts);
    }
    deciding_tell_end(deciding, buf_text(&counts));
    buf_release(&counts);
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

/* A rehearsal first: what it finds is shown, or asked about, before anything is changed. */
static void work(struct deciding *deciding, struct retry_choice *choice)
{
    if (!choose(deciding, choice) || !pass(deciding, true))
        return;
    if (!deciding->dry_run) {
        if (!confirmed(deciding))
            return;
        pass(deciding, false); /* what it did before it failed is summed up too */
    }
    deciding_count_batches(deciding);
    if (deciding->ends[DECIDE_UNFIT] + deciding->ends[DECIDE_SUPERSEDED] > 0)
        report_status(&deciding->session.cli->report, EXIT_ROWS);
    tell_end(deciding);
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
    struct deciding deciding = {.session = {.cli = cli},
                                .dry_run = options_flag(&cli->options, OPT_DRY_RUN)};
    struct retry_choice choice = {0};
    struct err err = {0};

    if (!read_options(&cli->options, &choice, &err))
        report_fail(&cli->report, &err);
    else if (deciding_open(&deciding))
        work(&deciding, &choice);
    deciding_release(&deciding);
}
