#include "cmd/rowferry/deciding.h"

#include "cmd/rowferry/ending.h"
#include "cmd/rowferry/json_line.h"
#include "cmd/rowferry/words.h"
#include "core/base/clock.h"
#include "core/store/intake.h"

#include <inttypes.h>
#include <unistd.h>

enum { LINES_MAX = 50 };

void deciding_release(struct deciding *deciding)
{
    buf_release(&deciding->job_ids);
    buf_release(&deciding->out);
    session_release(&deciding->session);
}

size_t deciding_count(const struct deciding *deciding)
{
    return deciding->job_ids.size / sizeof(int64_t);
}

const int64_t *deciding_ids(const struct deciding *deciding)
{
    return (const int64_t *)(const void *)deciding->job_ids.data;
}

bool deciding_hear(struct deciding *deciding, const struct decided *decided)
{
    deciding->ends[decided->end]++;
    if (decided->end != DECIDE_NO_JOB)
        return deciding->telling;
    if (session_was_pruned(&deciding->session, decided->job_id / JOB_ROWS))
        return false;
    buf_reset(&deciding->out);
    choosing_name(&deciding->out, decided->job_id);
    report_error(&deciding->session.cli->report, ERR_CONFIG, "there is no job %s in %s",
                 buf_text(&deciding->out), store_path(deciding->session.store));
    buf_reset(&deciding->out);
    return false;
}

bool deciding_shows(const struct deciding *deciding)
{
    return deciding->session.cli->report.json || deciding->lines < LINES_MAX;
}

void deciding_json(struct deciding *deciding, const struct decided *decided, const char *outcome)
{
    struct buf name = {0}, *line = &deciding->out;

    json_line_begin(line, "row");
    choosing_name(&name, decided->job_id);
    json_line_text(line, "job", buf_span(&name));
    json_line_text(line, "schema", decided->schema);
    json_line_text(line, "record_id", decided->record_id);
    json_line_text(line, "state", span_of(job_state_name(decided->state)));
    json_line_text(line, "outcome", span_of(outcome));
    buf_reset(&name);
    if (decided->end == DECIDE_SUPERSEDED)
        choosing_name(&name, decided->later_id);
    json_line_text(line, "superseded_by", name.size ? buf_span(&name) : (struct span){0});
    buf_release(&name);
}

void deciding_tell_json(struct deciding *deciding)
{
    json_line_end(&deciding->out);
    report_out(&deciding->session.cli->report, &deciding->out);
}

bool deciding_line(struct deciding *deciding, const struct decided *decided)
{
    struct buf *out = &deciding->out;

    if (deciding->lines++ >= LINES_MAX)
        return false;
    choosing_name(out, decided->job_id);
    buf_append_char(out, ' ');
    words_printable_span(out, decided->schema);
    buf_append_char(out, ' ');
    words_printable_span(out, decided->record_id);
    buf_append_text(out, ": ");
    return true;
}

void deciding_tell_line(struct deciding *deciding)
{
    buf_append_char(&deciding->out, '\n');
    report_out(&deciding->session.cli->report, &deciding->out);
}

void deciding_superseded(const struct decided *decided, struct buf *out)
{
    buf_append_text(out, "superseded by ");
    choosing_name(out, decided->later_id);
    buf_printf(out, ", which is %s%s", job_state_name(decided->later_state),
               job_state_is_open(decided->later_state) ? " and may be applied yet" : "");
}

void deciding_stay(const struct deciding *deciding, struct buf *out)
{
    uint64_t stay = deciding->ends[DECIDE_UNFIT] + deciding->ends[DECIDE_SUPERSEDED];

    if (stay > 0) {
        buf_append_text(out, ", ");
        words_count(out, stay, "job");
        buf_printf(out, " %s as %s", stay == 1 ? "stays" : "stay",
                   stay == 1 ? "it is" : "they are");
    }
    buf_append_char(out, '\n');
    if (deciding->ends[DECIDE_SUPERSEDED] > 0)
        buf_append_text(out,
                        "what a later row has superseded stays, unless --even-if-superseded\n");
}

static struct decision begin(struct deciding *deciding, bool rehearsed)
{
    memset(deciding->ends, 0, sizeof deciding->ends);
    deciding->telling = rehearsed == deciding->dry_run;
    return (struct decision){
        .even_if_superseded = options_flag(&deciding->session.cli->options, OPT_EVEN_IF_SUPERSEDED),
        .rehearsed = rehearsed,
        .now_ms = clock_now_ms(),
        .visit = deciding->verb->visit,
        .context = deciding,
    };
}

/* Over all the jobs, once. False: told. */
static bool pass(struct deciding *deciding, bool rehearsed)
{
    struct decision decision = begin(deciding, rehearsed);
    struct err err = {0};

    if (deciding->verb->decide(deciding, &decision, &err))
        return true;
    report_fail(&deciding->session.cli->report, &err);
    return false;
}

static bool confirmed(struct deciding *deciding)
{
    uint64_t count = deciding->ends[DECIDE_MOVED];
    struct buf what = {0};
    bool fine = true;

    if (count > 1) {
        deciding->verb->append_question(deciding, count, &what);
        fine = choosing_confirmed(deciding->session.cli, buf_text(&what));
    }
    buf_release(&what);
    return fine;
}

static void count_batch(struct deciding *deciding, int64_t batch_id)
{
    struct err err = {0};

    if (!summary_batches(deciding->session.store, SUMMARY_ONE, batch_id, session_count_batch,
                         &deciding->session, &err))
        report_fail(&deciding->session.cli->report, &err);
}

/* Each of them once, as it stands now. */
static void count_batches(struct deciding *deciding)
{
    const int64_t *ids = deciding_ids(deciding);

    if (deciding->batch_id)
        count_batch(deciding, deciding->batch_id);
    for (size_t i = 0; i < deciding_count(deciding); i++)
        if (i == 0 || ids[i] / JOB_ROWS != ids[i - 1] / JOB_ROWS)
            count_batch(deciding, ids[i] / JOB_ROWS);
}

/* Counts, the batches, and what goes on from here. */
static void tell_end(struct deciding *deciding)
{
    struct cli *cli = deciding->session.cli;
    struct buf *out = &deciding->out, *next = &cli->tally.next;

    if (deciding->sends && !deciding->dry_run && deciding->ends[DECIDE_MOVED] > 0)
        command_other(cli, FOR_DRAIN, next);
    if (cli->report.json || (cli->report.quiet && cli->report.status == EXIT_DONE))
        return;
    if (deciding->lines > LINES_MAX)
        buf_printf(out, "and %" PRIu64 " more\n", deciding->lines - LINES_MAX);
    if (deciding->lines > 0)
        buf_append_char(out, '\n');
    deciding->verb->append_counts(deciding, out);
    if (!deciding->dry_run && deciding->session.table.count > 0) {
        buf_append_char(out, '\n');
        batch_table_print(&deciding->session.table, report_columns(STDOUT_FILENO), out);
    }
    if (next->size)
        buf_printf(out, "\nTo send them:\n  %s\n", buf_text(next));
    report_out(&cli->report, out);
}

void deciding_work(struct deciding *deciding)
{
    const uint64_t *ends = deciding->ends;

    if (!pass(deciding, true) || ends[DECIDE_NO_JOB] > 0)
        return;
    if (!deciding->dry_run) {
        if (!confirmed(deciding))
            return;
        pass(deciding, false); /* what it did before it failed is summed up too */
    }
    count_batches(deciding);
    if (ends[DECIDE_UNFIT] + ends[DECIDE_SUPERSEDED] + ends[DECIDE_SENT] > 0)
        report_status(&deciding->session.cli->report, EXIT_ROWS);
    tell_end(deciding);
}
