/* Withdraws the jobs of a batch that were not sent yet. */
#include "core/store/cancel.h"
#include "cmd/rowferry/choice.h"
#include "cmd/rowferry/command.h"
#include "cmd/rowferry/words.h"

#include <inttypes.h>

static bool visit(void *context, const struct decided *decided, struct err *err)
{
    struct choice *choice = context;
    struct report *report = &choice->session.cli->report;

    (void)err;
    if (!choice_count(choice, decided))
        return true;
    if (report->json) {
        choice_json(choice, decided, decided->end == DECIDE_MOVED ? "withdrawn" : "not_withdrawn");
        report_json(report, &choice->out);
    } else if (choice_line(choice, decided)) {
        if (decided->end == DECIDE_MOVED)
            buf_append_text(&choice->out, "withdrawn");
        else
            buf_printf(&choice->out, "stays, because it is %s%s", job_state_name(decided->state),
                       job_state_is_open(decided->state) ? " and was sent, or is being sent" : "");
        choice_end_line(choice);
    }
    return true;
}

static bool decide(struct choice *choice, const struct decision *decision, struct err *err)
{
    return cancel_batch(choice->session.store, decision, choice->batch_id, err);
}

static void append_question(struct choice *choice, uint64_t count, struct buf *out)
{
    char jobs[WORDS_SIZE];

    buf_printf(out, "withdraw %s of batch %" PRId64, words_count(count, "job", jobs),
               choice->batch_id);
}

static void append_counts(struct choice *choice, struct buf *out)
{
    uint64_t stay = choice->ends[DECIDE_SENT] + choice->ends[DECIDE_UNFIT];
    char jobs[WORDS_SIZE];

    buf_printf(out, "%s %s", words_count(choice->ends[DECIDE_MOVED], "job", jobs),
               choice->dry_run ? "would be withdrawn" : "withdrawn");
    if (stay > 0)
        buf_printf(out, ", %s %s", words_count(stay, "job", jobs), stay == 1 ? "stays" : "stay");
    buf_append_char(out, '\n');
}

/* Returns false after reporting why there is nothing to withdraw. */
static bool is_open(struct choice *choice)
{
    struct report *report = &choice->session.cli->report;
    int64_t batch_id = choice->batch_id;
    enum batch_state state;

    if (!session_find_read_batch(&choice->session, batch_id, "cancel", &state))
        return false;
    if (state != BATCH_OPEN)
        report_notice(report, "batch %" PRId64 " is %s: nothing is left to withdraw", batch_id,
                      batch_state_name(state));
    return state == BATCH_OPEN;
}

void command_cancel(struct cli *cli)
{
    static const struct choice_verb verb = {decide, visit, append_question, append_counts};
    struct choice choice = {.session = {.cli = cli},
                            .verb = &verb,
                            .dry_run = options_flag(&cli->options, OPT_DRY_RUN)};

    if (choice_batch(cli, &choice.batch_id) && session_look(&choice.session) && is_open(&choice))
        choice_work(&choice);
    choice_release(&choice);
}
