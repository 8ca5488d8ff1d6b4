/* Deletes the rows of old batches, and with --files the files that they came from. Takes no lock.
 */
#include "core/store/prune.h"
#include "cmd/rowferry/choice.h"
#include "cmd/rowferry/command.h"
#include "cmd/rowferry/json_line.h"
#include "cmd/rowferry/progress.h"
#include "cmd/rowferry/session.h"
#include "cmd/rowferry/summary.h"
#include "cmd/rowferry/words.h"
#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/stop.h"
#include "core/inbox/place.h"
#include "core/job/id.h"
#include "core/store/filed.h"
#include "core/store/sweep.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { PRUNING_LINES = 50 }; /* of each kind, for people */

struct pruning {
    struct session session; /* without a run and without a lock */
    bool dry_run, files;
    int64_t before_ms;
    struct prune_plan plan;
    uint64_t go, stay;        /* batches of the plan */
    uint64_t asked;           /* of those that go, not begun by an earlier prune */
    uint64_t notifications;   /* that are old enough */
    uint64_t jobs, rows;      /* of those that go; rows with the rejected ones */
    uint64_t pruned, deleted; /* batches; their rows */
    uint64_t files_by_end[3]; /* enum inbox_deletion, of the last pass */
    struct sweep_size before; /* what the database took */
    struct progress progress;
    struct buf going, staying, filed; /* the lines for people */
};

static struct report *report_of(struct pruning *pruning)
{
    return &pruning->session.cli->report;
}

/* One batch of the plan, as summary_batches shows it. */
struct look {
    struct pruning *pruning;
    const struct prune_item *item;
};

static const char *const reasons[] = {
    [PRUNE_GOES] = NULL,         [PRUNE_CONFLICT] = "conflict",     [PRUNE_AUDIT] = "audit",
    [PRUNE_UNFILED] = "unfiled", [PRUNE_DISCARDING] = "discarding", [PRUNE_NEEDED] = "needed",
};

/* --- what goes and what stays --- */

static void print_json(struct pruning *pruning, const struct prune_item *item,
                       const struct batch_counts *batch, const char *outcome)
{
    struct buf line = {0};

    json_line_begin(&line, "row");
    json_line_count(&line, "batch", (uint64_t)batch->id);
    json_line_text(&line, "source", span_of(batch->source));
    json_line_time(&line, "finished", batch->finished_ms);
    json_line_count(&line, "rows", batch->jobs + batch->rows_rejected);
    json_line_text(&line, "outcome", span_of(outcome));
    json_line_text(&line, "reason", span_of(reasons[item->fate]));
    if (item->fate == PRUNE_CONFLICT)
        json_line_count(&line, "conflicts", (uint64_t)item->conflicts);
    if (item->fate == PRUNE_NEEDED)
        json_line_job(&line, "job", item->needed_by);
    report_json(report_of(pruning), &line);
    buf_release(&line);
}

static void line_going(struct pruning *pruning, const struct prune_item *item,
                       const struct batch_counts *batch)
{
    struct buf *out = &pruning->going;
    char moment[WORDS_SIZE];

    if (pruning->go == 1)
        buf_append_text(out, "  BATCH  FINISHED                    ROWS  FILE\n");
    if (pruning->go > PRUNING_LINES)
        return;
    buf_printf(out, "%7" PRId64 "  %s  %10" PRIu64 "  ", batch->id,
               words_time(batch->finished_ms, moment), batch->jobs + batch->rows_rejected);
    words_printable(out, batch->source);
    buf_append_text(out, item->begun ? " (begun before)\n" : "\n");
}

/* Appends the command that goes on with a batch. */
static void append_command(struct cli *cli, const char *command, int64_t batch_id,
                           const char *options, struct buf *out)
{
    buf_append_text(out, "\n  ");
    words_quote(out, cli->argv[0]);
    buf_printf(out, " %s", command);
    if (cli->options.values[OPT_DB].origin == FROM_ARGUMENT) {
        buf_append_text(out, " --db ");
        words_quote(out, options_text(&cli->options, OPT_DB));
    }
    buf_printf(out, " --batch %" PRId64 "%s\n", batch_id, options);
}

static void line_staying(struct pruning *pruning, const struct prune_item *item)
{
    struct buf *out = &pruning->staying;
    char count[WORDS_SIZE];

    if (pruning->stay > PRUNING_LINES)
        return;
    buf_printf(out, "batch %" PRId64 " stays: ", item->batch_id);
    if (item->fate == PRUNE_CONFLICT) {
        buf_printf(out, "%s %s for a decision (--ours or --theirs):",
                   words_count((uint64_t)item->conflicts, "conflict", count),
                   item->conflicts == 1 ? "waits" : "wait");
        append_command(pruning->session.cli, "resolve", item->batch_id, " --ours --dry-run", out);
    } else if (item->fate == PRUNE_AUDIT) {
        buf_append_text(out,
                        "its updates are still to be looked up in the audit log (or prune with "
                        "--audit none):");
        append_command(pruning->session.cli, "audit", item->batch_id, "", out);
    } else if (item->fate == PRUNE_NEEDED) {
        buf_append_text(out, "it supersedes job ");
        choice_name(out, item->needed_by);
        buf_printf(out, ", and is pruned when batch %" PRId64 " is\n", id_batch(item->needed_by));
    } else {
        buf_append_text(out, item->fate == PRUNE_UNFILED
                                 ? "the next `run` has to move its file\n"
                                 : "the next `run` has to discard jobs of it\n");
    }
}

static bool take_batch(void *context, const struct batch_counts *batch, struct err *err)
{
    struct look *look = context;
    struct pruning *pruning = look->pruning;
    const struct prune_item *item = look->item;
    bool goes = item->fate == PRUNE_GOES;

    (void)err;
    if (goes) {
        pruning->go++;
        pruning->asked += !item->begun;
        pruning->jobs += item->begun ? 0 : batch->jobs;
        pruning->rows += batch->jobs + batch->rows_rejected;
        line_going(pruning, item, batch);
    } else {
        pruning->stay++;
        line_staying(pruning, item);
    }
    if (report_of(pruning)->json && (pruning->dry_run || !goes))
        print_json(pruning, item, batch, goes ? "would_prune" : "stays");
    return true;
}

static bool look_at(struct pruning *pruning, const struct prune_item *item,
                    bool (*visit)(void *context, const struct batch_counts *batch, struct err *err),
                    struct err *err)
{
    struct report *report = report_of(pruning);
    struct look look = {pruning, item};
    bool fine;

    report_hold(report);
    fine = summary_batches(pruning->session.store, SUMMARY_ONE, item->batch_id, visit, &look, err);
    return report_release(report, fine, err);
}

static bool make_plan(struct pruning *pruning, struct err *err)
{
    pruning->go = pruning->stay = pruning->asked = pruning->jobs = pruning->rows = 0;
    buf_reset(&pruning->going);
    buf_reset(&pruning->staying);
    if (!prune_plan_make(pruning->session.store, pruning->before_ms,
                         pruning->session.cli->options.values[OPT_AUDIT].rate > 0, &pruning->plan,
                         err) ||
        !sweep_count_notifications(pruning->session.store, pruning->before_ms,
                                   &pruning->notifications, err))
        return false;
    for (size_t i = 0; i < pruning->plan.count; i++)
        if (!look_at(pruning, &pruning->plan.items[i], take_batch, err))
            return false;
    return true;
}

/* --- the files in done/ and refused/ of batches that are pruned --- */

static void report_file(struct pruning *pruning, const struct filed *file, const char *path,
                        enum inbox_deletion end)
{
    static const char *const ends[][2] = {
        [INBOX_DELETED] = {"deleted", "would_delete"},
        [INBOX_MISSING] = {"missing", "missing"},
        [INBOX_CHANGED] = {"changed", "changed"},
    };
    struct report *report = report_of(pruning);
    struct buf line = {0};

    if (report->json) {
        json_line_begin(&line, "row");
        json_line_id(&line, "batch", file->batch_id);
        json_line_text(&line, "file", span_of(path));
        json_line_text(&line, "outcome", span_of(ends[end][pruning->dry_run]));
        report_json(report, &line);
    } else if (end == INBOX_CHANGED) {
        words_printable(&line, path);
        report_notice(report, "'%s' was changed after it was filed, and is kept", buf_text(&line));
    } else if (end == INBOX_DELETED && pruning->dry_run &&
               pruning->files_by_end[end] <= PRUNING_LINES) {
        words_printable(&pruning->filed, path);
        buf_append_char(&pruning->filed, '\n');
    }
    buf_release(&line);
}

static bool delete_file(struct pruning *pruning, const struct filed *file, bool rehearsed,
                        struct err *err)
{
    const struct inbox_identity identity = {file->device, file->inode, file->size, file->mtime_ns};
    char found[INBOX_NAME_SIZE], *path;
    enum inbox_deletion end;

    if (!inbox_filed_delete(file->folder, file->name, &identity, rehearsed, found, &end, err))
        return false;
    /* the sheets next to a file are deleted without a message, unless somebody has changed them */
    if (!file->sheet || end == INBOX_CHANGED) {
        pruning->files_by_end[end]++;
        path = mem_printf("%s/%s", file->folder, *found ? found : "?");
        if (rehearsed == pruning->dry_run)
            report_file(pruning, file, path, end);
        free(path);
    }
    return rehearsed || filed_forget(pruning->session.store, file->id, err);
}

static int compare_batches(const void *batch_id, const void *item)
{
    int64_t a = *(const int64_t *)batch_id, b = ((const struct prune_item *)item)->batch_id;

    return (a > b) - (a < b);
}

/* Whether the plan, which is ascending, prunes that batch. */
static bool plan_has(const struct prune_plan *plan, int64_t batch_id)
{
    const struct prune_item *item = NULL;

    if (plan->count > 0)
        item = bsearch(&batch_id, plan->items, plan->count, sizeof *item, compare_batches);
    return item && item->fate == PRUNE_GOES;
}

/* With --files, deletes and counts the files of all batches that are pruned and old enough, and the
 * old files that belong to no batch. rehearsed: counts those that the plan would prune too, and
 * deletes nothing. It reports a file that cannot be deleted and leaves it to the next prune.
 * Returns false if it did not finish. */
static bool delete_files(struct pruning *pruning, bool rehearsed, struct err *err)
{
    struct filed file = {0};
    bool found = pruning->files;

    memset(pruning->files_by_end, 0, sizeof pruning->files_by_end);
    while (found) {
        struct err fault = {0};

        if (stop_requested())
            return err_set(err, ERR_STOPPED, "stopped");
        if (!filed_next(pruning->session.store, file.id, pruning->before_ms, &file, &found, err))
            return false;
        if (!found || !(file.pruned || (rehearsed && plan_has(&pruning->plan, file.batch_id))))
            continue;
        if (!delete_file(pruning, &file, rehearsed, &fault) && rehearsed == pruning->dry_run)
            report_fail(report_of(pruning), &fault);
    }
    return true;
}

/* --- the work --- */

static bool confirmed(struct pruning *pruning)
{
    uint64_t files = pruning->files_by_end[INBOX_DELETED];
    struct buf what = {0};
    char count[WORDS_SIZE], jobs[WORDS_SIZE];
    bool fine = true;

    if (pruning->asked > 0) {
        buf_append_text(&what, "prune ");
        buf_printf(&what, "%s with %s", words_count(pruning->asked, "batch", count),
                   words_count(pruning->jobs, "job", jobs));
    }
    if (pruning->notifications > 0)
        buf_printf(&what, "%s%s", what.size > 0 ? ", " : "prune ",
                   words_count(pruning->notifications, "notification", count));
    if (files > 0)
        buf_printf(&what, "%s%s", what.size > 0 ? " and delete " : "delete ",
                   words_count(files, "file", count));
    if (what.size > 0)
        fine = choice_confirmed(pruning->session.cli, buf_text(&what));
    buf_release(&what);
    return fine;
}

static void append_more(uint64_t count, struct buf *out)
{
    if (count > PRUNING_LINES)
        buf_printf(out, "and %" PRIu64 " more\n", count - PRUNING_LINES);
}

/* Prints the plan for people. */
static void print_plan(struct pruning *pruning)
{
    struct report *report = report_of(pruning);
    struct buf out = {0};

    if (report->json || report->quiet)
        return;
    append_more(pruning->go, &pruning->going);
    append_more(pruning->stay, &pruning->staying);
    append_more(pruning->files_by_end[INBOX_DELETED], &pruning->filed);
    buf_append_span(&out, buf_span(&pruning->going));
    if (pruning->go > 0 && pruning->stay > 0)
        buf_append_char(&out, '\n');
    buf_append_span(&out, buf_span(&pruning->staying));
    if (pruning->dry_run && pruning->filed.size > 0)
        buf_printf(&out, "%sfiles:\n%s", out.size ? "\n" : "", buf_text(&pruning->filed));
    if (out.size > 0)
        buf_append_char(&out, '\n');
    report_out(report, &out);
    report_flush(report);
    buf_release(&out);
}

/* Plans and asks until the batches that were confirmed are the ones that are marked. Returns false
 * if the answer is no, or with err. */
static bool decide(struct pruning *pruning, struct err *err)
{
    struct store *store = pruning->session.store;
    bool marked = false;

    while (!marked) {
        if (!make_plan(pruning, err) || !delete_files(pruning, true, err))
            return false;
        print_plan(pruning);
        if (pruning->dry_run)
            return true;
        if (!confirmed(pruning))
            return false;
        if (!prune_mark(store, &pruning->plan, clock_now_ms(), &marked, err))
            return false;
        if (!marked)
            report_notice(report_of(pruning), "a batch was opened again: checking again");
    }
    return true;
}

static void show_progress(void *context, uint64_t rows, uint64_t free_bytes)
{
    struct pruning *pruning = context;

    pruning->deleted = rows;
    progress_pruning(&pruning->progress, rows, pruning->rows, free_bytes);
}

static bool take_pruned(void *context, const struct batch_counts *batch, struct err *err)
{
    const struct look *look = context;

    (void)err;
    if (report_of(look->pruning)->json)
        print_json(look->pruning, look->item, batch, "pruned");
    return true;
}

static bool sweep_all(struct pruning *pruning, struct sweep *sweep, struct err *err)
{
    for (size_t i = 0; i < pruning->plan.count; i++) {
        const struct prune_item *item = &pruning->plan.items[i];

        if (item->fate != PRUNE_GOES)
            continue;
        if (stop_requested())
            return err_set(err, ERR_STOPPED, "stopped");
        if (!sweep_batch(sweep, item->batch_id, clock_now_ms(), err) ||
            !look_at(pruning, item, take_pruned, err))
            return false;
        pruning->pruned++;
    }
    return (pruning->notifications == 0 || sweep_notifications(sweep, pruning->before_ms, err)) &&
           sweep_shrink(sweep, err);
}

static bool sweep_plan(struct pruning *pruning, struct err *err)
{
    struct store *store = pruning->session.store;
    struct sweep *sweep = sweep_open(store, (struct sweep_watch){show_progress, pruning}, err);
    bool fine;

    if (!sweep)
        return false;
    progress_begin(&pruning->progress, report_of(pruning));
    fine = sweep_all(pruning, sweep, err);
    progress_end(&pruning->progress);
    sweep_close(sweep);
    return fine && store_set_durable(store, true, err);
}

/* --- the end --- */

/* Appends the size of the database before and after. */
static void append_size(struct pruning *pruning, struct buf *out)
{
    const char *path = options_text(&pruning->session.cli->options, OPT_DB);
    char now[WORDS_SIZE], then[WORDS_SIZE];
    struct sweep_size after;
    struct err err = {0};

    if (!sweep_measure(pruning->session.store, &after, &err)) {
        report_fail(report_of(pruning), &err);
        return;
    }
    words_printable(out, path);
    buf_printf(out, ": %s", words_bytes((uint64_t)after.file_bytes, now));
    if (after.file_bytes != pruning->before.file_bytes)
        buf_printf(out, ", was %s", words_bytes((uint64_t)pruning->before.file_bytes, then));
    if (after.shrinks)
        return;
    buf_printf(
        out,
        "\nit was created without auto_vacuum and cannot shrink; %s of it are free. To give\n"
        "them back, while nothing uses it:\n  sqlite3 ",
        words_bytes((uint64_t)after.free_bytes, now));
    words_quote(out, path);
    buf_append_text(out, " 'PRAGMA auto_vacuum = INCREMENTAL; VACUUM'");
}

static void append_counts(struct pruning *pruning, struct buf *out)
{
    uint64_t files = pruning->files_by_end[INBOX_DELETED];
    char count[WORDS_SIZE], rows[WORDS_SIZE];

    if (pruning->dry_run)
        buf_printf(out, "%s would be pruned, with %s", words_count(pruning->go, "batch", count),
                   words_count(pruning->rows, "row", rows));
    else
        buf_printf(out, "%s pruned, %s", words_count(pruning->pruned, "batch", count),
                   words_count(pruning->deleted, "row", rows));
    if (pruning->notifications > 0)
        buf_printf(out, ", %s", words_count(pruning->notifications, "notification", count));
    if (files > 0)
        buf_printf(out, " and %s", words_count(files, "file", count));
    if (pruning->stay > 0)
        buf_printf(out, "; %s %s", words_count(pruning->stay, "batch", count),
                   pruning->stay == 1 ? "stays" : "stay");
    buf_append_char(out, '\n');
}

static void print_end(struct pruning *pruning)
{
    struct cli *cli = pruning->session.cli;
    struct report *report = &cli->report;
    struct buf out = {0}, size = {0};

    if (report->stopped)
        cli_repeat(cli, &cli->summary->next);
    if (!pruning->dry_run)
        append_size(pruning, &size);
    if (report->json && size.size > 0) {
        report_notice(report, "%s", buf_text(&size));
    } else if (!report->json && !(report->quiet && report->status == EXIT_DONE)) {
        append_counts(pruning, &out);
        if (size.size > 0)
            buf_printf(&out, "%s\n", buf_text(&size));
        if (cli->summary->next.size > 0)
            buf_printf(&out, "\nTo resume, run the same command again:\n  %s\n",
                       buf_text(&cli->summary->next));
        report_out(report, &out);
    }
    buf_release(&size);
    buf_release(&out);
}

static void work(struct pruning *pruning)
{
    struct report *report = report_of(pruning);
    struct err err = {0};
    bool fine =
        sweep_measure(pruning->session.store, &pruning->before, &err) && decide(pruning, &err);

    if (!fine) {
        if (err.kind != ERR_NONE)
            report_fail(report, &err);
        return;
    }
    if (!pruning->dry_run && (!sweep_plan(pruning, &err) || !delete_files(pruning, false, &err)))
        report_fail(report, &err); /* what it did before is summed up too */
    print_end(pruning);
}

void command_prune(struct cli *cli)
{
    const struct options *options = &cli->options;
    struct pruning pruning = {.session = {.cli = cli},
                              .dry_run = options_flag(options, OPT_DRY_RUN),
                              .files = options_flag(options, OPT_FILES)};

    if (!options_text(options, OPT_OLDER_THAN)) {
        report_error(&cli->report, ERR_CONFIG,
                     "no age is given: use --older-than 90d; see rowferry prune --help");
        return;
    }
    pruning.before_ms = clock_now_ms() - options_number(options, OPT_OLDER_THAN);
    if (session_look(&pruning.session))
        work(&pruning);
    prune_plan_release(&pruning.plan);
    buf_release(&pruning.going);
    buf_release(&pruning.staying);
    buf_release(&pruning.filed);
    session_release(&pruning.session);
}
