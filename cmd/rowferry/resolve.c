/* Conflicts are settled: for our rows, which the next drain sends again, or for theirs. */
#include "core/store/resolve.h"
#include "cmd/rowferry/choosing.h"
#include "cmd/rowferry/ending.h"
#include "cmd/rowferry/json_line.h"
#include "cmd/rowferry/words.h"
#include "core/api/record.h"
#include "core/base/clock.h"
#include "core/store/intake.h"

#include <inttypes.h>

enum { LINES_MAX = 50, FIELDS_MAX = 8 };

struct resolving {
    struct session session; /* without a run: nothing is read or sent */
    enum resolution resolution;
    bool dry_run;
    bool telling; /* this pass names jobs */
    struct buf job_ids;
    uint64_t ends[DECIDE_ENDS]; /* of this pass */
    uint64_t lines;             /* for people, also those beyond LINES_MAX */
    struct resolve_sides sides;
    struct buf out;
};

/* The fields in which the sides differ, as they are told. */
struct fields {
    struct buf *out;
    uint64_t count;
};

static void add_field_json(void *context, struct span name)
{
    struct fields *fields = context;

    buf_append_text(fields->out, fields->count++ ? ", " : "");
    json_line_string(fields->out, name);
}

static void add_field(void *context, struct span name)
{
    struct fields *fields = context;

    if (fields->count++ >= FIELDS_MAX)
        return;
    buf_append_text(fields->out, fields->count == 1 ? ", differing in " : ", ");
    words_printable_span(fields->out, name);
}

static void add_version(struct buf *line, const char *name, bool is_there, int64_t version)
{
    if (is_there)
        buf_printf(line, ", \"%s\": %" PRId64, name, version);
    else
        json_line_text(line, name, (struct span){0});
}

static void tell_json(struct resolving *resolving, const struct decided *decided)
{
    static const char *const outcomes[] = {
        [DECIDE_MOVED] = "settled",
        [DECIDE_UNFIT] = "no_conflict",
        [DECIDE_SUPERSEDED] = "superseded",
    };
    const struct resolve_sides *sides = &resolving->sides;
    struct buf name = {0}, *line = &resolving->out;

    json_line_begin(line, "row");
    choosing_name(&name, decided->job_id);
    json_line_text(line, "job", buf_span(&name));
    json_line_text(line, "schema", decided->schema);
    json_line_text(line, "record_id", decided->record_id);
    json_line_text(line, "state", span_of(job_state_name(decided->state)));
    json_line_text(line, "outcome", span_of(outcomes[decided->end]));
    json_line_text(line, "resolution", span_of(resolution_name(resolving->resolution)));
    buf_reset(&name);
    if (decided->end == DECIDE_SUPERSEDED)
        choosing_name(&name, decided->later_id);
    json_line_text(line, "superseded_by", name.size ? buf_span(&name) : (struct span){0});
    if (resolving->dry_run) {
        add_version(line, "submitted_version", sides->has_submitted, sides->submitted_version);
        add_version(line, "server_version", sides->has_server, sides->server_version);
        buf_append_text(line, ", \"fields\": [");
        api_fields_differing(buf_span(&sides->ours), buf_span(&sides->theirs), add_field_json,
                             &(struct fields){line, 0});
        buf_append_char(line, ']');
    }
    json_line_end(line);
    report_out(&resolving->session.cli->report, line);
    buf_release(&name);
}

/* `version 5 against 7, differing in price, quantity` */
static void append_sides(const struct resolve_sides *sides, struct buf *out)
{
    struct fields fields = {out, 0};

    buf_printf(out, "version %" PRId64, sides->submitted_version);
    if (sides->has_server)
        buf_printf(out, " against %" PRId64, sides->server_version);
    else
        buf_append_text(out, ", and the record is gone");
    if (sides->has_server)
        api_fields_differing(buf_span(&sides->ours), buf_span(&sides->theirs), add_field, &fields);
    if (fields.count > FIELDS_MAX)
        buf_printf(out, " and %" PRIu64 " more", fields.count - FIELDS_MAX);
}

static void append_reason(const struct resolving *resolving, const struct decided *decided,
                          struct buf *out)
{
    if (decided->end == DECIDE_UNFIT) {
        buf_printf(out, "is %s, not in conflict", job_state_name(decided->state));
    } else if (decided->end == DECIDE_SUPERSEDED) {
        buf_append_text(out, "superseded by ");
        choosing_name(out, decided->later_id);
        buf_printf(out, ", which is %s%s", job_state_name(decided->later_state),
                   job_state_is_open(decided->later_state) ? " and may be applied yet" : "");
    } else if (resolving->dry_run) {
        append_sides(&resolving->sides, out);
    } else {
        buf_printf(out, "settled with %s", resolution_name(resolving->resolution));
    }
}

static void tell_line(struct resolving *resolving, const struct decided *decided)
{
    struct buf *out = &resolving->out;

    if (resolving->lines++ >= LINES_MAX)
        return;
    choosing_name(out, decided->job_id);
    buf_append_char(out, ' ');
    words_printable_span(out, decided->schema);
    buf_append_char(out, ' ');
    words_printable_span(out, decided->record_id);
    buf_append_text(out, ": ");
    append_reason(resolving, decided, out);
    buf_append_char(out, '\n');
    report_out(&resolving->session.cli->report, out);
}

static bool visit(void *context, const struct decided *decided, struct err *err)
{
    struct resolving *resolving = context;
    struct report *report = &resolving->session.cli->report;
    bool shown = report->json || resolving->lines < LINES_MAX;

    resolving->ends[decided->end]++;
    if (decided->end == DECIDE_NO_JOB) {
        buf_reset(&resolving->out);
        choosing_name(&resolving->out, decided->job_id);
        report_error(report, ERR_CONFIG, "there is no job %s in %s", buf_text(&resolving->out),
                     store_path(resolving->session.store));
        buf_reset(&resolving->out);
        return true;
    }
    if (!resolving->telling)
        return true;
    if (resolving->dry_run && shown &&
        !resolve_show(resolving->session.store, decided->job_id, &resolving->sides, err))
        return false;
    if (report->json)
        tell_json(resolving, decided);
    else if (resolving->dry_run || report->verbose || decided->end != DECIDE_MOVED)
        tell_line(resolving, decided);
    return true;
}

/* Over all the jobs, once. False: told. */
static bool pass(struct resolving *resolving, bool rehearsed)
{
    struct cli *cli = resolving->session.cli;
    struct err err = {0};
    struct decision decision = {
        .even_if_superseded = options_flag(&cli->options, OPT_EVEN_IF_SUPERSEDED),
        .rehearsed = rehearsed,
        .now_ms = clock_now_ms(),
        .visit = visit,
        .context = resolving,
    };

    memset(resolving->ends, 0, sizeof resolving->ends);
    if (resolve_jobs(resolving->session.store, resolving->resolution, &decision,
                     (const int64_t *)(const void *)resolving->job_ids.data,
                     resolving->job_ids.size / sizeof(int64_t), &err))
        return true;
    report_fail(&cli->report, &err);
    return false;
}

static bool confirmed(struct resolving *resolving)
{
    struct buf what = {0};
    bool fine = true;

    if (resolving->ends[DECIDE_MOVED] > 1) {
        buf_append_text(&what, "settle ");
        words_count(&what, resolving->ends[DECIDE_MOVED], "conflict");
        buf_printf(&what, " with %s", resolution_name(resolving->resolution));
        fine = choosing_confirmed(resolving->session.cli, buf_text(&what));
    }
    buf_release(&what);
    return fine;
}

/* The batches of the jobs, as they stand now. */
static bool count_batches(struct resolving *resolving, struct err *err)
{
    const int64_t *ids = (const int64_t *)(const void *)resolving->job_ids.data;
    size_t count = resolving->job_ids.size / sizeof *ids;

    for (size_t i = 0; i < count; i++)
        if ((i == 0 || ids[i] / JOB_ROWS != ids[i - 1] / JOB_ROWS) &&
            !summary_batches(resolving->session.store, SUMMARY_ONE, ids[i] / JOB_ROWS,
                             session_count_batch, &resolving->session, err))
            return false;
    return true;
}

static void append_counts(const struct resolving *resolving, struct buf *out)
{
    uint64_t moved = resolving->ends[DECIDE_MOVED];
    uint64_t superseded = resolving->ends[DECIDE_SUPERSEDED];
    uint64_t stay = resolving->ends[DECIDE_UNFIT] + superseded;

    if (resolving->lines > LINES_MAX)
        buf_printf(out, "and %" PRIu64 " more\n", resolving->lines - LINES_MAX);
    if (resolving->lines > 0)
        buf_append_char(out, '\n');
    if (moved + stay == 0) {
        buf_append_text(out, "no conflict waits for a decision\n");
        return;
    }
    words_count(out, moved, "conflict");
    buf_printf(out, "%s settled with %s", resolving->dry_run ? " would be" : "",
               resolution_name(resolving->resolution));
    if (stay > 0) {
        buf_append_text(out, ", ");
        words_count(out, stay, "job");
        buf_printf(out, " %s as %s", stay == 1 ? "stays" : "stay",
                   stay == 1 ? "it is" : "they are");
    }
    buf_append_char(out, '\n');
    if (superseded > 0)
        buf_append_text(out,
                        "what a later row has superseded stays, unless --even-if-superseded\n");
}

static void tell_end(struct resolving *resolving)
{
    struct cli *cli = resolving->session.cli;
    struct buf *out = &resolving->out, *next = &cli->tally.next;

    if (!resolving->dry_run && resolving->resolution == RESOLVE_OURS &&
        resolving->ends[DECIDE_MOVED] > 0)
        command_other(cli, FOR_DRAIN, next);
    if (cli->report.json || (cli->report.quiet && cli->report.status == EXIT_DONE))
        return;
    append_counts(resolving, out);
    if (!resolving->dry_run && resolving->session.table.count > 0) {
        buf_append_char(out, '\n');
        batch_table_print(&resolving->session.table, ending_columns(), out);
    }
    if (next->size)
        buf_printf(out, "\nTo send them:\n  %s\n", buf_text(next));
    report_out(&cli->report, out);
}

static bool choose(struct resolving *resolving)
{
    struct session *session = &resolving->session;
    int64_t batch_id = options_number(&session->cli->options, OPT_BATCH);
    char state[SESSION_STATE_SIZE];
    struct err err = {0};

    if (session->cli->options.path_count > 0)
        return true;
    if (batch_id && !session_find_batch(session, batch_id, state))
        return false;
    if (resolve_find(session->store, batch_id, &resolving->job_ids, &err))
        return true;
    report_fail(&session->cli->report, &err);
    return false;
}

/* A rehearsal first: what it finds is shown, or asked about, before anything is changed. */
static void work(struct resolving *resolving)
{
    struct report *report = &resolving->session.cli->report;
    struct err err = {0};

    resolving->telling = resolving->dry_run;
    if (!choose(resolving) || !pass(resolving, true) || resolving->ends[DECIDE_NO_JOB] > 0)
        return;
    if (!resolving->dry_run) {
        if (!confirmed(resolving))
            return;
        resolving->telling = true;
        pass(resolving, false); /* what it did before it failed is summed up too */
    }
    if (!count_batches(resolving, &err))
        report_fail(report, &err);
    if (resolving->ends[DECIDE_UNFIT] + resolving->ends[DECIDE_SUPERSEDED] > 0)
        report_status(report, EXIT_ROWS);
    tell_end(resolving);
}

static bool read_options(struct resolving *resolving, struct err *err)
{
    const struct options *options = &resolving->session.cli->options;
    bool ours = options_flag(options, OPT_OURS), theirs = options_flag(options, OPT_THEIRS);

    if (ours == theirs)
        return err_set(err, ERR_CONFIG,
                       "--ours or --theirs, one of them; see rowferry resolve --help");
    if (theirs && options_flag(options, OPT_EVEN_IF_SUPERSEDED))
        return err_set(err, ERR_CONFIG, "--even-if-superseded goes with --ours");
    resolving->resolution = ours ? RESOLVE_OURS : RESOLVE_THEIRS;
    resolving->dry_run = options_flag(options, OPT_DRY_RUN);
    return choosing_read(options, &resolving->job_ids, err);
}

void command_resolve(struct cli *cli)
{
    struct resolving resolving = {.session = {.cli = cli}};
    struct session *session = &resolving.session;
    struct err err = {0};
    bool created;

    if (read_options(&resolving, &err))
        session->store =
            store_open(options_text(&cli->options, OPT_DB), STORE_EXISTING, &created, &err);
    if (session->store)
        work(&resolving);
    else
        report_fail(&cli->report, &err);
    resolve_sides_release(&resolving.sides);
    buf_release(&resolving.job_ids);
    buf_release(&resolving.out);
    session_release(session);
}
