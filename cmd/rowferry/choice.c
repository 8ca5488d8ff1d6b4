#include "cmd/rowferry/choice.h"

#include "cmd/rowferry/json_line.h"
#include "cmd/rowferry/summary.h"
#include "cmd/rowferry/words.h"
#include "core/base/clock.h"
#include "core/base/stop.h"
#include "core/job/id.h"

#include <inttypes.h>
#include <poll.h>
#include <unistd.h>

enum { LINES_MAX = 50 };

bool choice_read(struct cli *cli, struct id_list *job_ids)
{
    const struct options *options = &cli->options;
    int ways = (options->path_count > 0) + (options_number(options, OPT_BATCH) > 0) +
               options_flag(options, OPT_ALL);

    if (ways != 1)
        return report_error(
            &cli->report, ERR_CONFIG,
            "%s: name jobs (5/812), or use --batch or --all; see rowferry %s --help",
            ways ? "jobs are selected in several ways" : "no job is named", options->command_name);
    for (size_t i = 0; i < options->path_count; i++) {
        int64_t job_id;

        if (!id_parse(options->paths[i], &job_id))
            return report_error(&cli->report, ERR_CONFIG,
                                "'%s' is not a job: write BATCH/ROW, like 5/812",
                                options->paths[i]);
        id_list_add(job_ids, job_id);
    }
    id_list_sort(job_ids);
    return true;
}

bool choice_batch(struct cli *cli, int64_t *batch_id)
{
    const struct options *options = &cli->options;

    *batch_id = 0;
    return options->path_count == 0 ||
           str_to_int64(span_of(options->paths[0]), 1, INT32_MAX, batch_id) ||
           report_error(&cli->report, ERR_CONFIG,
                        "'%s' is not a batch: use its number, which `rowferry status` lists",
                        options->paths[0]);
}

void choice_name(struct buf *out, int64_t job_id)
{
    char text[ID_TEXT_SIZE];

    buf_append_text(out, id_print(job_id, text));
}

/* Returns the first byte of a line typed on the terminal; 0 without a line, or after a signal. */
static char read_answer(void)
{
    struct pollfd waiting[] = {{STDIN_FILENO, POLLIN, 0}, {stop_fd(), POLLIN, 0}};
    char line[256];

    while (!stop_requested()) {
        if (poll(waiting, 2, -1) > 0 && waiting[0].revents)
            return read(STDIN_FILENO, line, sizeof line) > 0 ? line[0] : '\0';
    }
    return '\0';
}

bool choice_confirmed(struct cli *cli, const char *what)
{
    struct buf question = {0};
    char answer;

    if (options_flag(&cli->options, OPT_YES))
        return true;
    if (!isatty(STDIN_FILENO))
        return report_error(
            &cli->report, ERR_CONFIG,
            "cannot ask '%s?' without a terminal: use --yes, or --dry-run to see what "
            "would be done",
            what);
    buf_printf(&question, "%s?", what);
    report_ask(&cli->report, buf_text(&question));
    buf_release(&question);
    answer = read_answer();
    if (answer == 'y' || answer == 'Y')
        return true;
    if (stop_requested()) {
        report_stopped(&cli->report);
    } else {
        report_notice(&cli->report, "nothing is changed");
        report_status(&cli->report, EXIT_ROWS);
    }
    return false;
}

void choice_release(struct choice *choice)
{
    id_list_release(&choice->job_ids);
    buf_release(&choice->out);
    session_release(&choice->session);
}

bool choice_count(struct choice *choice, const struct decided *decided)
{

    choice->ends[decided->end]++;
    if (decided->end != DECIDE_NO_JOB)
        return choice->reporting;
    if (!session_find_batch(&choice->session, id_batch(decided->job_id), NULL))
        return false;
    buf_reset(&choice->out);
    choice_name(&choice->out, decided->job_id);
    report_error(&choice->session.cli->report, ERR_CONFIG,
                 "job %s does not exist in '%s': check batch and row", buf_text(&choice->out),
                 store_path(choice->session.store));
    buf_reset(&choice->out);
    return false;
}

bool choice_shows(const struct choice *choice)
{
    return choice->session.cli->report.json || choice->lines < LINES_MAX;
}

void choice_json(struct choice *choice, const struct decided *decided, const char *outcome)
{
    struct buf *line = &choice->out;

    json_line_begin(line, "row");
    json_line_job(line, "job", decided->job_id);
    json_line_text(line, "schema", decided->schema);
    json_line_text(line, "record_id", decided->record_id);
    json_line_text(line, "state", span_of(job_state_name(decided->state)));
    json_line_text(line, "outcome", span_of(outcome));
    json_line_job(line, "superseded_by", decided->end == DECIDE_SUPERSEDED ? decided->later_id : 0);
}

bool choice_line(struct choice *choice, const struct decided *decided)
{
    struct buf *out = &choice->out;

    if (choice->lines++ >= LINES_MAX)
        return false;
    choice_name(out, decided->job_id);
    buf_append_char(out, ' ');
    words_printable_span(out, decided->schema);
    buf_append_char(out, ' ');
    words_printable_span(out, decided->record_id);
    buf_append_text(out, ": ");
    return true;
}

void choice_end_line(struct choice *choice)
{
    buf_append_char(&choice->out, '\n');
    report_out(&choice->session.cli->report, &choice->out);
}

void choice_superseded(const struct decided *decided, struct buf *out)
{
    buf_append_text(out, "superseded by ");
    choice_name(out, decided->later_id);
    buf_printf(out, ", which is %s%s", job_state_name(decided->later_state),
               job_state_is_open(decided->later_state) ? " and may be applied yet" : "");
}

void choice_stay(const struct choice *choice, struct buf *out)
{
    uint64_t stay = choice->ends[DECIDE_UNFIT] + choice->ends[DECIDE_SUPERSEDED];
    char jobs[WORDS_SIZE];

    if (stay > 0)
        buf_printf(out, ", %s %s", words_count(stay, "job", jobs),
                   stay == 1 ? "stays as it is" : "stay as they are");
    buf_append_char(out, '\n');
    if (choice->ends[DECIDE_SUPERSEDED] > 0)
        buf_append_text(out,
                        "rows that a later row has superseded stay, unless --even-if-superseded\n");
}

/* Goes over all the jobs, once. Returns false after reporting the error. */
static bool pass(struct choice *choice, bool rehearsed)
{
    struct report *report = &choice->session.cli->report;
    struct decision decision = {
        .even_if_superseded = options_flag(&choice->session.cli->options, OPT_EVEN_IF_SUPERSEDED),
        .rehearsed = rehearsed,
        .now_ms = clock_now_ms(),
        .visit = choice->verb->visit,
        .context = choice,
    };
    struct err err = {0};

    memset(choice->ends, 0, sizeof choice->ends);
    choice->reporting = rehearsed == choice->dry_run;
    return choice->verb->decide(choice, &decision, &err) || report_fail(report, &err);
}

static bool confirmed(struct choice *choice)
{
    uint64_t count = choice->ends[DECIDE_MOVED];
    struct buf what = {0};
    bool fine = true;

    if (count > 1) {
        choice->verb->append_question(choice, count, &what);
        fine = choice_confirmed(choice->session.cli, buf_text(&what));
    }
    buf_release(&what);
    return fine;
}

static void count_batch(struct choice *choice, int64_t batch_id)
{
    struct err err = {0};

    if (!summary_batches(choice->session.store, SUMMARY_ONE, batch_id, session_count_batch,
                         &choice->session, &err))
        report_fail(&choice->session.cli->report, &err);
}

/* Prints the counts, the batches, and the command to run next. */
static void print_end(struct choice *choice)
{
    struct cli *cli = choice->session.cli;
    struct buf *out = &choice->out, *next = &cli->summary->next;

    if (choice->sends && !choice->dry_run && choice->ends[DECIDE_MOVED] > 0)
        cli_other(cli, FOR_DRAIN, next);
    if (cli->report.json || (cli->report.quiet && cli->report.status == EXIT_DONE))
        return;
    if (choice->lines > LINES_MAX)
        buf_printf(out, "and %" PRIu64 " more\n", choice->lines - LINES_MAX);
    if (choice->lines > 0)
        buf_append_char(out, '\n');
    choice->verb->append_counts(choice, out);
    if (!choice->dry_run && cli->summary->table.count > 0) {
        buf_append_char(out, '\n');
        summary_batches_print(&cli->summary->table, report_columns(STDOUT_FILENO), out);
    }
    if (next->size)
        buf_printf(out, "\nTo send them:\n  %s\n", buf_text(next));
    report_out(&cli->report, out);
}

void choice_work(struct choice *choice)
{
    const struct id_list *ids = &choice->job_ids;
    const uint64_t *ends = choice->ends;

    if (!pass(choice, true) || ends[DECIDE_NO_JOB] > 0)
        return;
    if (!choice->dry_run) {
        if (!confirmed(choice))
            return;
        pass(choice, false); /* if it fails, the summary has what it did before */
    }
    if (choice->batch_id)
        count_batch(choice, choice->batch_id);
    for (size_t i = 0; i < ids->count; i++)
        if (i == 0 || id_batch(ids->items[i]) != id_batch(ids->items[i - 1]))
            count_batch(choice, id_batch(ids->items[i]));
    if (ends[DECIDE_UNFIT] + ends[DECIDE_SUPERSEDED] + ends[DECIDE_SENT] > 0)
        report_status(&choice->session.cli->report, EXIT_ROWS);
    print_end(choice);
}
