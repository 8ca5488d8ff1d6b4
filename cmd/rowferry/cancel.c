/* What a batch has not sent yet is withdrawn. */
#include "core/store/cancel.h"
#include "cmd/rowferry/deciding.h"
#include "cmd/rowferry/words.h"

#include <inttypes.h>

static bool visit(void *context, const struct decided *decided, struct err *err)
{
    struct deciding *deciding = context;

    (void)err;
    if (!deciding_hear(deciding, decided))
        return true;
    if (deciding->session.cli->report.json) {
        deciding_json(deciding, decided,
                      decided->end == DECIDE_MOVED ? "withdrawn" : "not_withdrawn");
        deciding_tell_json(deciding);
    } else if (deciding_line(deciding, decided)) {
        if (decided->end == DECIDE_MOVED)
            buf_append_text(&deciding->out, "withdrawn");
        else
            buf_printf(&deciding->out, "stays, is %s%s", job_state_name(decided->state),
                       job_state_is_open(decided->state) ? " and was sent, or is about to be" : "");
        deciding_tell_line(deciding);
    }
    return true;
}

static bool decide(struct deciding *deciding, const struct decision *decision, struct err *err)
{
    return cancel_batch(deciding->session.store, decision, deciding->batch_id, err);
}

static void append_question(struct deciding *deciding, uint64_t count, struct buf *out)
{
    buf_append_text(out, "withdraw ");
    words_count(out, count, "job");
    buf_printf(out, " of batch %" PRId64, deciding->batch_id);
}

static void append_counts(struct deciding *deciding, struct buf *out)
{
    uint64_t stay = deciding->ends[DECIDE_SENT] + deciding->ends[DECIDE_UNFIT];

    words_count(out, deciding->ends[DECIDE_MOVED], "job");
    buf_append_text(out, deciding->dry_run ? " would be withdrawn" : " withdrawn");
    if (stay > 0) {
        buf_append_text(out, ", ");
        words_count(out, stay, "job");
        buf_printf(out, " %s", stay == 1 ? "stays" : "stay");
    }
    buf_append_char(out, '\n');
}

/* False: there is nothing to be withdrawn from; told. */
static bool is_open(struct deciding *deciding)
{
    struct report *report = &deciding->session.cli->report;
    int64_t batch_id = deciding->batch_id;
    char state[SESSION_STATE_SIZE];

    if (!session_find_batch(&deciding->session, batch_id, state))
        return false;
    if (strcmp(state, "open") == 0)
        return true;
    if (strcmp(state, "loading") == 0)
        report_error(report, ERR_CONFIG,
                     "batch %" PRId64 " is still being read: withdraw it when that has ended",
                     batch_id);
    else
        report_notice(report, "batch %" PRId64 " is %s: nothing is left to be withdrawn", batch_id,
                      state);
    return false;
}

void command_cancel(struct cli *cli)
{
    static const struct deciding_verb verb = {decide, visit, append_question, append_counts};
    struct deciding deciding = {.session = {.cli = cli},
                                .verb = &verb,
                                .dry_run = options_flag(&cli->options, OPT_DRY_RUN)};
    struct err err = {0};

    if (!choosing_batch(&cli->options, &deciding.batch_id, &err))
        report_fail(&cli->report, &err);
    else if (session_look(&deciding.session) && is_open(&deciding))
        deciding_work(&deciding);
    deciding_release(&deciding);
}
