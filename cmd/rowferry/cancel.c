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

/* Over the batch, once. False: told. */
static bool pass(struct deciding *deciding, int64_t batch_id, bool rehearsed)
{
    struct decision decision = deciding_begin(deciding, rehearsed);
    struct err err = {0};

    decision.visit = visit;
    if (cancel_batch(deciding->session.store, &decision, batch_id, &err))
        return true;
    report_fail(&deciding->session.cli->report, &err);
    return false;
}

static bool confirmed(struct deciding *deciding, int64_t batch_id)
{
    struct buf what = {0};
    bool fine = true;

    if (deciding->ends[DECIDE_MOVED] > 1) {
        buf_append_text(&what, "withdraw ");
        words_count(&what, deciding->ends[DECIDE_MOVED], "job");
        buf_printf(&what, " of batch %" PRId64, batch_id);
        fine = choosing_confirmed(deciding->session.cli, buf_text(&what));
    }
    buf_release(&what);
    return fine;
}

static void tell_end(struct deciding *deciding)
{
    uint64_t stay = deciding->ends[DECIDE_SENT] + deciding->ends[DECIDE_UNFIT];
    struct buf counts = {0};

    words_count(&counts, deciding->ends[DECIDE_MOVED], "job");
    buf_append_text(&counts, deciding->dry_run ? " would be withdrawn" : " withdrawn");
    if (stay > 0) {
        buf_append_text(&counts, ", ");
        words_count(&counts, stay, "job");
        buf_printf(&counts, " %s", stay == 1 ? "stays" : "stay");
    }
    buf_append_char(&counts, '\n');
    deciding_tell_end(deciding, buf_text(&counts));
    buf_release(&counts);
}

/* False: there is nothing to be withdrawn from; told. */
static bool is_open(struct deciding *deciding, int64_t batch_id)
{
    struct report *report = &deciding->session.cli->report;
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

/* A rehearsal first: what it finds is shown, or asked about, before anything is changed. */
static void work(struct deciding *deciding, int64_t batch_id)
{
    if (!is_open(deciding, batch_id) || !pass(deciding, batch_id, true))
        return;
    if (!deciding->dry_run) {
        if (!confirmed(deciding, batch_id))
            return;
        pass(deciding, batch_id, false); /* what it did before it failed is summed up too */
    }
    deciding_count_batch(deciding, batch_id);
    if (deciding->ends[DECIDE_SENT] + deciding->ends[DECIDE_UNFIT] > 0)
        report_status(&deciding->session.cli->report, EXIT_ROWS);
    tell_end(deciding);
}

void command_cancel(struct cli *cli)
{
    struct deciding deciding = {.session = {.cli = cli},
                                .dry_run = options_flag(&cli->options, OPT_DRY_RUN)};
    struct err err = {0};
    int64_t batch_id;

    if (!choosing_batch(&cli->options, &batch_id, &err))
        report_fail(&cli->report, &err);
    else if (deciding_open(&deciding))
        work(&deciding, batch_id);
    deciding_release(&deciding);
}
