/* Shows the state of every batch, and the exact command that would finish it. Takes no lock. */
#include "cmd/rowferry/choice.h"
#include "cmd/rowferry/command.h"
#include "cmd/rowferry/json_line.h"
#include "cmd/rowferry/summary.h"
#include "cmd/rowferry/words.h"
#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/store/known.h"
#include "core/store/notification.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Lines of the table, so that the overview fits on a screen of 24 lines. */
enum { LINES_MAX = 5 };

/* For each lock, what its holder does. */
static const struct {
    const char *event, *text;
} works[] = {
    [LOCK_INTAKE] = {"intake", "reading files"},
    [LOCK_DRAIN] = {"drain", "sending"},
    [LOCK_DELIVERY] = {"delivery", "delivering to the ERP"},
};

enum { WORKS = sizeof works / sizeof *works };

struct standing {
    struct session session; /* without a run and without a lock */
    bool at_work[WORKS];
    char holders[WORKS][LOCK_HOLDER_SIZE];
    int64_t batch_id;     /* 0: all */
    char *loading_source; /* of a batch that is still loading */
    struct pause_info pause;
    struct run_info last;
    struct notification_counts notifications;
    struct buf details; /* of the one batch */
    struct buf known;   /* lines about what is known of records */
    bool pruned;        /* the one batch has no rows any more */
};

static void note_details(struct standing *standing, const struct batch_counts *batch)
{
    char moment[WORDS_SIZE];
    struct buf *out = &standing->details;

    buf_printf(out, "%s, read %s", batch->schema, words_time(batch->created_ms, moment));
    if (batch->finished_ms)
        buf_printf(out, ", finished %s", words_time(batch->finished_ms, moment));
    buf_append_char(out, '\n');
    if (batch->pruned_ms)
        buf_printf(out, "pruned on %.10s: its rows are deleted, its counts are kept\n",
                   words_time(batch->pruned_ms, moment));
    standing->pruned = batch->pruned_ms > 0;
    if (*batch->reason) {
        buf_append_text(out, "refused: ");
        words_printable(out, batch->reason);
        buf_append_char(out, '\n');
    }
}

static bool take_batch(void *context, const struct batch_counts *batch, struct err *err)
{
    struct standing *standing = context;
    struct cli *cli = standing->session.cli;
    struct buf line = {0};

    (void)err;
    summary_add(cli->summary, batch);
    if (!standing->loading_source && batch->state == BATCH_LOADING)
        standing->loading_source = mem_strdup(batch->source);
    if (standing->batch_id)
        note_details(standing, batch);
    if (cli->report.json) {
        json_line_status(&line, "batch");
        summary_batch_members(batch, &line);
        report_json(&cli->report, &line);
    }
    buf_release(&line);
    return true;
}

/* Notes how much is known of a schema's records, and how old it is. */
static bool take_known(void *context, const struct known_count *count, struct err *err)
{
    struct standing *standing = context;
    struct report *report = &standing->session.cli->report;
    struct buf line = {0};

    (void)err;
    if (!report->json) {
        summary_known(count, &standing->known);
        return true;
    }
    json_line_status(&line, "known");
    json_line_text(&line, "schema", span_of(count->schema));
    json_line_count(&line, "records", count->records);
    json_line_time(&line, "oldest", count->oldest_ms);
    json_line_time(&line, "newest", count->newest_ms);
    report_json(report, &line);
    buf_release(&line);
    return true;
}

/* Reads the last run that is not working now. */
static bool read_last_run(struct standing *standing, struct err *err)
{
    int running = standing->at_work[LOCK_INTAKE] + standing->at_work[LOCK_DRAIN] +
                  standing->at_work[LOCK_DELIVERY];
    struct run_info *last = &standing->last;

    last->id = INT64_MAX;
    do {
        if (!run_last(standing->session.store, last->id, last, err))
            return false;
    } while (last->id && !last->ended_ms && running-- > 0);
    return true;
}

static bool read_all(struct standing *standing, struct err *err)
{
    struct report *report = &standing->session.cli->report;
    struct store *store = standing->session.store;
    bool fine;

    for (unsigned i = 0; i < WORKS; i++)
        standing->at_work[i] =
            lock_is_held(store_path(store), (enum lock_kind)i, standing->holders[i]);
    report_hold(report);
    fine = summary_batches(store, standing->batch_id ? SUMMARY_ONE : SUMMARY_ALL,
                           standing->batch_id, take_batch, standing, err);
    return report_release(report, fine, err) &&
           (standing->batch_id || known_count(store, take_known, standing, err)) &&
           pause_read(store, PAUSE_OF_API, clock_now_ms(), &standing->pause, err) &&
           notification_count(store, &standing->notifications, err) && read_last_run(standing, err);
}

/* Stores the command to run next and returns the line before it; NULL if nothing is left, or a
 * process is working on it. Any `run` finishes a batch that is loading, a drain sends what is
 * pending. */
static const char *note_next(const struct standing *standing)
{
    struct cli *cli = standing->session.cli;
    struct buf *next = &cli->summary->next;

    if (standing->at_work[LOCK_INTAKE] || standing->at_work[LOCK_DRAIN])
        return NULL;
    if (standing->loading_source) {
        cli_other(cli, FOR_RUN, next);
        if (strcmp(standing->loading_source, "-") != 0) {
            buf_append_char(next, ' ');
            words_quote(next, standing->loading_source);
        }
        return "To read the rest and send it:";
    }
    if (summary_left(cli->summary) == 0 && cli->summary->audits_due > 0) {
        cli_other(cli, FOR_AUDIT, next);
        if (standing->batch_id)
            buf_printf(next, " --batch %" PRId64, standing->batch_id);
        return "To look up the rest in the audit log:";
    }
    if (summary_left(cli->summary) == 0)
        return NULL;
    cli_other(cli, FOR_DRAIN, next);
    if (standing->batch_id)
        buf_printf(next, " --batch %" PRId64, standing->batch_id);
    return standing->pause.until_ms > clock_now_ms() ? "To send them, when that time is over:"
                                                     : "To send them:";
}

/* The counts of notifications and deliveries in the overview. */
static const struct {
    const char *name, *text;
    size_t place;
} counters[] = {
    {"accepted", "accepted", offsetof(struct notification_counts, by_state[NOTIFICATION_ACCEPTED])},
    {"not_accepted", "not accepted",
     offsetof(struct notification_counts, by_state[NOTIFICATION_NOT_ACCEPTED])},
    {"echo", "of our own updates",
     offsetof(struct notification_counts, by_state[NOTIFICATION_ECHO])},
    {"pending", "to deliver", offsetof(struct notification_counts, pending)},
    {"delivered", "delivered", offsetof(struct notification_counts, delivered)},
    {"failed", "failed", offsetof(struct notification_counts, failed)},
};

static uint64_t count_of(const struct standing *standing, size_t counter)
{
    return *(const uint64_t *)(const void *)((const char *)&standing->notifications +
                                             counters[counter].place);
}

static bool has_notifications(const struct notification_counts *counts)
{
    return counts->by_state[NOTIFICATION_ACCEPTED] + counts->by_state[NOTIFICATION_NOT_ACCEPTED] +
               counts->by_state[NOTIFICATION_ECHO] >
           0;
}

static void append_notifications(const struct standing *standing, struct buf *out)
{
    const char *separator = "notifications: ";
    char number[WORDS_SIZE];

    if (standing->batch_id || !has_notifications(&standing->notifications))
        return;
    for (size_t i = 0; i < sizeof counters / sizeof *counters; i++) {
        if (count_of(standing, i) == 0)
            continue;
        buf_printf(out, "%s%s %s", separator, words_grouped(count_of(standing, i), number),
                   counters[i].text);
        separator = ", ";
    }
    buf_append_char(out, '\n');
    if (standing->notifications.failed > 0)
        buf_append_text(out, "  `rowferry retry --deliveries` sends again what failed\n");
}

static void show_json(const struct standing *standing)
{
    const struct run_info *last = &standing->last;
    struct report *report = &standing->session.cli->report;
    struct buf line = {0};

    for (unsigned i = 0; i < WORKS; i++) {
        if (!standing->at_work[i])
            continue;
        json_line_status(&line, "at_work");
        json_line_text(&line, "command", span_of(works[i].event));
        json_line_text(&line, "holder", span_of(standing->holders[i]));
        report_json(report, &line);
    }
    if (standing->pause.until_ms) {
        json_line_status(&line, "pause");
        json_line_time(&line, "until", standing->pause.until_ms);
        json_line_text(&line, "reason", span_of(standing->pause.reason));
        report_json(report, &line);
    }
    if (!standing->batch_id && has_notifications(&standing->notifications)) {
        json_line_status(&line, "notifications");
        for (size_t i = 0; i < sizeof counters / sizeof *counters; i++)
            json_line_count(&line, counters[i].name, count_of(standing, i));
        report_json(report, &line);
    }
    if (last->id) {
        json_line_status(&line, "last_run");
        json_line_count(&line, "run", (uint64_t)last->id);
        json_line_text(&line, "command", span_of(last->command));
        json_line_time(&line, "started", last->started_ms);
        json_line_time(&line, "ended", last->ended_ms);
        json_line_count(&line, "requests", last->requests);
        json_line_known(&line, "exit_status", last->ended_ms != 0, last->exit_status);
        report_json(report, &line);
    }
    buf_release(&line);
}

static void append_last_run(const struct run_info *last, struct buf *out)
{
    char moment[WORDS_SIZE], requests[WORDS_SIZE];

    buf_printf(out, "last run: %" PRId64 " (%s), ", last->id, last->command);
    if (!last->ended_ms) {
        buf_printf(out,
                   "started %s, has not ended\n"
                   "  it is not working: it was killed, or waits for a file to be complete\n",
                   words_time(last->started_ms, moment));
        return;
    }
    buf_printf(out, "ended %s, %s\n  exit status %d: ", words_time(last->ended_ms, moment),
               words_count(last->requests, "request", requests), last->exit_status);
    words_wrap(out, exit_meaning(last->exit_status), 4, last->exit_status > 99 ? 19 : 17);
}

static void append_surroundings(const struct standing *standing, struct buf *out)
{
    const struct run_info *last = &standing->last;
    int64_t now_ms = clock_now_ms();
    char moment[WORDS_SIZE], span[WORDS_SIZE];

    for (unsigned i = 0; i < WORKS; i++) {
        if (!standing->at_work[i])
            continue;
        buf_printf(out, "%s: ", works[i].text);
        words_printable(out, standing->holders[i]);
        buf_append_char(out, '\n');
    }
    if (last->id)
        append_last_run(last, out);
    if (standing->pause.until_ms > now_ms) {
        buf_printf(out, "parked until %s, for another %s\n  ",
                   words_time(standing->pause.until_ms, moment),
                   words_duration(standing->pause.until_ms - now_ms, span));
        words_printable(out, standing->pause.reason);
        buf_append_char(out, '\n');
    }
}

/* Appends the number of conflicts that wait for a decision. For one batch, the queries show them.
 */
static void append_conflicts(const struct standing *standing, struct buf *out)
{
    struct cli *cli = standing->session.cli;
    uint64_t conflicts = cli->summary->by_state[JOB_CONFLICT];
    char count[WORDS_SIZE];

    if (conflicts == 0 || standing->batch_id)
        return;
    buf_printf(out, "%s %s for a decision (--ours or --theirs). To look at %s:\n  ",
               words_count(conflicts, "conflict", count), conflicts == 1 ? "waits" : "wait",
               conflicts == 1 ? "it" : "them");
    cli_other(cli, FOR_RESOLVE, out);
    buf_append_text(out, " --ours --all --dry-run\n");
}

static void append_next(const struct standing *standing, const char *purpose, struct buf *out)
{
    struct cli *cli = standing->session.cli;
    uint64_t left = summary_left(cli->summary);

    if (cli->summary->batches == 0)
        return;
    buf_append_char(out, '\n');
    summary_forecast(cli, out);
    if (purpose)
        buf_printf(out, "%s\n  %s\n", purpose, buf_text(&cli->summary->next));
    else if (left == 0 && !standing->loading_source)
        buf_append_text(out, "nothing is left to send\n");
    append_conflicts(standing, out);
}

static void show_text(const struct standing *standing, const char *purpose)
{
    struct cli *cli = standing->session.cli;
    struct buf out = {0};

    words_printable(&out, store_path(standing->session.store));
    buf_append_text(&out, "\n\n");
    if (cli->summary->table.count > 0)
        summary_batches_print(&cli->summary->table, report_columns(STDOUT_FILENO), &out);
    else
        buf_append_text(&out, "No batch yet: `rowferry run` reads what waits in an inbox.\n");
    buf_append_char(&out, '\n');
    buf_append_span(&out, buf_span(&standing->details));
    summary_audits(cli->summary->by_verdict, cli->summary->audits_due > 0, &out);
    buf_append_span(&out, buf_span(&standing->known));
    append_notifications(standing, &out);
    append_surroundings(standing, &out);
    if (standing->batch_id && !standing->pruned)
        summary_queries(cli, &out);
    append_next(standing, purpose, &out);
    report_out(&cli->report, &out);
    buf_release(&out);
}

static void work(struct standing *standing)
{
    struct cli *cli = standing->session.cli;
    struct err err = {0};

    if (!read_all(standing, &err)) {
        report_fail(&cli->report, &err);
    } else if (standing->batch_id && cli->summary->table.count == 0) {
        report_error(&cli->report, ERR_CONFIG,
                     "there is no batch %" PRId64 " in '%s': `rowferry status` lists them",
                     standing->batch_id, store_path(standing->session.store));
    } else {
        const char *purpose = note_next(standing);

        if (cli->report.json)
            show_json(standing);
        else
            show_text(standing, purpose);
    }
}

void command_status(struct cli *cli)
{
    struct standing standing = {.session = {.cli = cli}};

    if (!choice_batch(cli, &standing.batch_id))
        return;
    cli->summary->table.limit = LINES_MAX;
    if (session_look(&standing.session))
        work(&standing);
    buf_release(&standing.details);
    buf_release(&standing.known);
    free(standing.loading_source);
    session_release(&standing.session);
}
