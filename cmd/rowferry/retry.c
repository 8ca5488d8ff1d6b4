/* Puts jobs that failed or were refused back to be sent, or read back, again. */
#include "cmd/rowferry/choice.h"
#include "cmd/rowferry/command.h"
#include "cmd/rowferry/json_line.h"
#include "cmd/rowferry/words.h"
#include "core/base/clock.h"
#include "core/store/decide.h"
#include "core/store/delivery.h"

static bool visit(void *context, const struct decided *decided, struct err *err)
{
    static const char *const outcomes[] = {
        [DECIDE_MOVED] = "retried",
        [DECIDE_UNFIT] = "not_retried",
        [DECIDE_SUPERSEDED] = "superseded",
    };
    struct choice *choice = context;
    struct report *report = &choice->session.cli->report;

    (void)err;
    if (!choice_count(choice, decided))
        return true;
    if (report->json) {
        choice_json(choice, decided, outcomes[decided->end]);
        json_line_text(&choice->out, "new_state",
                       span_of(decided->end == DECIDE_MOVED ? job_state_name(decided->to) : NULL));
        report_json(report, &choice->out);
    } else if ((choice->dry_run || report->verbose || decided->end != DECIDE_MOVED) &&
               choice_line(choice, decided)) {
        if (decided->end == DECIDE_SUPERSEDED)
            choice_superseded(decided, &choice->out);
        else if (decided->end == DECIDE_UNFIT)
            buf_printf(&choice->out, "is %s by now", job_state_name(decided->state));
        else
            buf_printf(&choice->out, "%s, %s again", job_state_name(decided->state),
                       decided->to == JOB_UNKNOWN ? "read back before it is sent" : "sent");
        choice_end_line(choice);
    }
    return true;
}

static bool decide(struct choice *choice, const struct decision *decision, struct err *err)
{
    return retry_jobs(choice->session.store, decision, &choice->job_ids, err);
}

static void append_question(struct choice *choice, uint64_t count, struct buf *out)
{
    char jobs[WORDS_SIZE];

    (void)choice;
    buf_printf(out, "retry %s", words_count(count, "job", jobs));
}

static void append_counts(struct choice *choice, struct buf *out)
{
    char jobs[WORDS_SIZE];
    if (choice->job_ids.count == 0) {
        buf_append_text(out, "no matching job failed or was refused\n");
        return;
    }
    buf_printf(out, "%s %s sent again", words_count(choice->ends[DECIDE_MOVED], "job", jobs),
               choice->dry_run ? "would be" : "to be");
    choice_stay(choice, out);
}

static bool choose(struct choice *choice, struct retry_choice *wanted)
{
    struct session *session = &choice->session;
    struct err err = {0};

    if (wanted->batch_id && !session_find_batch(session, wanted->batch_id, NULL))
        return false;
    return retry_find(session->store, wanted, &choice->job_ids, &err) ||
           report_fail(&session->cli->report, &err);
}

static bool read_options(struct cli *cli, struct retry_choice *wanted)
{
    const struct options *options = &cli->options;

    if ((options->path_count > 0) == options_flag(options, OPT_ALL))
        return report_error(&cli->report, ERR_CONFIG,
                            "%s: name a batch, or use --all; see rowferry retry --help",
                            options->path_count ? "a batch and --all cannot be used together"
                                                : "no batch is named");
    wanted->states = (unsigned)options_number(options, OPT_STATE);
    wanted->record_id = options_text(options, OPT_RECORD);
    if (options_text(options, OPT_SINCE))
        wanted->since_ms = clock_now_ms() - options_number(options, OPT_SINCE);
    return choice_batch(cli, &wanted->batch_id);
}

/* --- deliveries --- */

/* The failed deliveries, shown before something is changed. */
struct failed {
    struct cli *cli;
    struct delivery_choice choice;
    struct buf out;
    uint64_t count;
};

static void list_failed(void *context, const struct delivery_failed *delivery)
{
    struct failed *failed = context;
    struct buf *out = &failed->out;

    failed->count++;
    if (failed->cli->report.json) {
        json_line_begin(out, "row");
        json_line_count(out, "notification_id", (uint64_t)delivery->id);
        json_line_text(out, "schema", delivery->schema);
        json_line_text(out, "record_id", delivery->record_id);
        json_line_count(out, "http_status", (uint64_t)delivery->http_status);
        json_line_text(out, "error", delivery->error);
        if (delivery->later_id)
            json_line_count(out, "later_delivered", (uint64_t)delivery->later_id);
        json_line_end(out);
    } else {
        buf_printf(out, "notification %lld ", (long long)delivery->id);
        words_printable_span(out, delivery->schema);
        buf_append_char(out, ' ');
        words_printable_span(out, delivery->record_id);
        buf_append_text(out, ": ");
        words_printable_span(out, delivery->error);
        if (delivery->later_id)
            buf_printf(out, "; the ERP has the record's later notification %lld",
                       (long long)delivery->later_id);
        buf_append_char(out, '\n');
    }
    report_out(&failed->cli->report, out);
}

static bool retry_failed(struct session *session, struct failed *failed, struct err *err)
{
    struct report *report = &session->cli->report;
    bool dry_run = options_flag(&session->cli->options, OPT_DRY_RUN);
    struct buf text = {0};
    uint64_t retried = failed->count;
    char count[WORDS_SIZE], question[WORDS_SIZE + 8];

    snprintf(question, sizeof question, "retry %s", words_count(retried, "delivery", count));
    if (!dry_run && retried > 1 && !choice_confirmed(session->cli, question))
        return true;
    if (!dry_run &&
        !deliveries_retry(session->store, &failed->choice, clock_now_ms(), &retried, err))
        return false;
    buf_printf(&text, "%s %s sent again\n", words_count(retried, "delivery", count),
               dry_run ? "would be" : "to be");
    if (!report->json && !report->quiet)
        report_out(report, &text);
    buf_release(&text);
    return true;
}

/* What chooses jobs and cannot choose deliveries is refused, not ignored. --all is what happens
 * anyway. */
static bool read_delivery_choice(struct cli *cli, struct delivery_choice *choice)
{
    static const enum option_id of_jobs[] = {OPT_STATE, OPT_EVEN_IF_SUPERSEDED};
    const struct options *options = &cli->options;

    if (options->path_count > 0)
        return report_error(
            &cli->report, ERR_CONFIG,
            "--deliveries does not take a batch: use --record or --since, or neither");
    for (size_t i = 0; i < sizeof of_jobs / sizeof *of_jobs; i++)
        if (options->values[of_jobs[i]].origin == FROM_ARGUMENT)
            return report_error(&cli->report, ERR_CONFIG,
                                "--%s is for jobs, not for --deliveries: leave one of them out",
                                option_at(of_jobs[i])->name);
    choice->record_id = span_of(options_text(options, OPT_RECORD));
    if (options_text(options, OPT_SINCE))
        choice->since_ms = clock_now_ms() - options_number(options, OPT_SINCE);
    return true;
}

static void retry_deliveries(struct cli *cli)
{
    struct session session = {.cli = cli};
    struct failed failed = {.cli = cli};
    struct err err = {0};

    if (!read_delivery_choice(cli, &failed.choice) || !session_look(&session))
        return;
    report_hold(&cli->report);
    if (!report_release(
            &cli->report,
            deliveries_failed(session.store, &failed.choice, list_failed, &failed, &err), &err) ||
        (failed.count > 0 && !retry_failed(&session, &failed, &err)))
        report_fail(&cli->report, &err);
    else if (failed.count == 0 && !cli->report.json) {
        buf_append_text(&failed.out, "no delivery failed\n");
        report_out(&cli->report, &failed.out);
    }
    buf_release(&failed.out);
    session_release(&session);
}

void command_retry(struct cli *cli)
{
    static const struct choice_verb verb = {decide, visit, append_question, append_counts};
    struct choice choice = {.session = {.cli = cli},
                            .verb = &verb,
                            .sends = true,
                            .dry_run = options_flag(&cli->options, OPT_DRY_RUN)};
    struct retry_choice wanted = {0};

    if (options_flag(&cli->options, OPT_DELIVERIES))
        retry_deliveries(cli);
    else if (read_options(cli, &wanted) && session_look(&choice.session) &&
             choose(&choice, &wanted))
        choice_work(&choice);
    choice_release(&choice);
}
