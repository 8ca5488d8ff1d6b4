/* Shows what rows would change on the server: reads their records, and sends nothing. */
#include "core/drain/diff.h"
#include "cmd/rowferry/choice.h"
#include "cmd/rowferry/command.h"
#include "cmd/rowferry/json_line.h"
#include "cmd/rowferry/load.h"
#include "cmd/rowferry/send.h"
#include "cmd/rowferry/summary.h"
#include "cmd/rowferry/words.h"
#include "core/api/fields.h"
#include "core/base/mem.h"
#include "core/ingest/validate.h"
#include "core/job/id.h"
#include "core/store/export.h"
#include "core/store/waiting.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    LINES_MAX = 200, /* rows that are shown, unless --verbose */
    KINDS_MAX = 1000,
    KINDS_SHOWN = 20,
    NAME_COLUMNS = 24,
    VALUE_COLUMNS_MIN = 8,
    UNREAD_NAMED = 5,
};

/* A field that would change, in so many rows. */
struct counted {
    char *name;
    uint64_t rows;
};

struct comparing {
    struct cli *cli;
    struct session session;
    struct load load;
    const char *path; /* of the file that is read; NULL: of a batch */
    int64_t source;
    char schema[256]; /* of the batch */
    int64_t batch_id;
    unsigned columns; /* of the terminal; 0: there is none, and nothing is cut */
    bool color;
    uint64_t rows, shown, unread;
    struct counted kinds[KINDS_MAX];
    size_t kind_count;
    struct buf out;
    struct diff *diff;
};

static const struct {
    const char *name, *color; /* color: of the word, for people */
} verdicts[DIFF_VERDICTS] = {
    [DIFF_UPDATE] = {"update", "\033[32m"},   [DIFF_UNCHANGED] = {"unchanged", ""},
    [DIFF_MISSING] = {"missing", "\033[33m"}, [DIFF_CONFLICT] = {"conflict", "\033[31m"},
    [DIFF_UNREAD] = {"not read", "\033[31m"},
};

/* --- one row --- */

static void count_change(void *context, const struct api_fields_difference *difference)
{
    struct comparing *comparing = context;
    struct span name = difference->name;
    size_t i = 0;

    while (i < comparing->kind_count && !span_is(name, comparing->kinds[i].name))
        i++;
    if (i == KINDS_MAX)
        return;
    if (i == comparing->kind_count)
        comparing->kinds[comparing->kind_count++] =
            (struct counted){mem_copy(name.data, name.size), 0};
    comparing->kinds[i].rows++;
}

/* Appends printable text of at most so many characters (3 at least; 0: any number), padded to
 * `width`. */
static void append_cut(struct buf *out, struct span text, unsigned columns, unsigned width)
{
    size_t begin = out->size, count;
    struct span whole;

    words_printable_span(out, text);
    whole = span_from(buf_span(out), begin);
    count = str_utf8_length(whole);
    if (columns && count > columns) {
        out->size = begin + str_utf8_first(whole, columns - 3);
        buf_append_text(out, "...");
        count = columns;
    }
    for (; count < width; count++)
        buf_append_char(out, ' ');
}

static void print_value(struct comparing *comparing, struct span value, const char *color,
                        unsigned columns)
{
    struct buf *out = &comparing->out;

    buf_append_text(out, comparing->color ? color : "");
    append_cut(out, value.data ? value : span_of("(none)"), columns, 0);
    buf_append_text(out, comparing->color ? "\033[0m" : "");
}

/* Prints `    price  1.50 -> 2.00`, cut to the width of the terminal. */
static void print_change(void *context, const struct api_fields_difference *difference)
{
    struct comparing *comparing = context;
    unsigned room = comparing->columns, each = 0;

    if (room) {
        each = room > NAME_COLUMNS + 10 ? (room - NAME_COLUMNS - 10) / 2 : 0;
        each = each < VALUE_COLUMNS_MIN ? VALUE_COLUMNS_MIN : each;
    }
    buf_append_text(&comparing->out, "    ");
    append_cut(&comparing->out, difference->name, room ? NAME_COLUMNS : 0, NAME_COLUMNS);
    buf_append_text(&comparing->out, "  ");
    print_value(comparing, difference->theirs, "\033[31m", each);
    buf_append_text(&comparing->out, " -> ");
    print_value(comparing, difference->ours, "\033[32m", each);
    buf_append_char(&comparing->out, '\n');
}

static void print_row(struct comparing *comparing, const struct difference *difference)
{
    const struct diff_row *row = difference->row;
    struct buf *out = &comparing->out;
    const char *color = comparing->color ? verdicts[difference->verdict].color : "";

    if (difference->verdict == DIFF_UNCHANGED && !comparing->cli->report.verbose)
        return;
    if (comparing->shown++ >= LINES_MAX && !comparing->cli->report.verbose)
        return;
    if (comparing->batch_id) {
        choice_name(out, id_of(comparing->batch_id, (int64_t)row->row_no));
    } else {
        words_printable(out, comparing->cli->options.paths[row->source]);
        buf_printf(out, " row %" PRIu64, row->row_no);
    }
    buf_append_char(out, ' ');
    words_printable_span(out, row->record_id);
    buf_printf(out, ": %s%s%s", color, verdicts[difference->verdict].name, *color ? "\033[0m" : "");
    if (difference->version >= 0)
        buf_printf(out, ", version %" PRId64, difference->version);
    if (difference->why[0]) {
        buf_append_text(out, ": ");
        words_printable(out, difference->why);
    }
    buf_append_char(out, '\n');
    if (difference->verdict == DIFF_UPDATE || difference->verdict == DIFF_CONFLICT)
        api_fields_differing(difference->ours, difference->theirs, print_change, comparing);
}

static void add_change_json(void *context, const struct api_fields_difference *difference)
{
    struct buf *line = context;
    const struct span sides[] = {difference->ours, difference->theirs};
    static const char *const names[] = {", \"ours\": ", ", \"theirs\": "};

    buf_append_text(line, line->data[line->size - 1] == '[' ? "{\"field\": " : ", {\"field\": ");
    buf_append_quoted(line, difference->name);
    for (unsigned i = 0; i < 2; i++) {
        buf_append_text(line, names[i]);
        buf_append_json_text(line, sides[i].data ? sides[i] : span_of("null"));
    }
    buf_append_char(line, '}');
}

static void print_json(struct comparing *comparing, const struct difference *difference)
{
    struct buf *line = &comparing->out;

    if (difference->verdict == DIFF_UNREAD)
        return;
    json_line_begin(line, "difference");
    json_line_count(line, "row", difference->row->row_no);
    json_line_text(line, "record_id", difference->row->record_id);
    json_line_known(line, "version", difference->version >= 0, difference->version);
    json_line_text(line, "verdict", span_of(verdicts[difference->verdict].name));
    buf_append_text(line, ", \"changes\": [");
    if (difference->verdict == DIFF_UPDATE || difference->verdict == DIFF_CONFLICT)
        api_fields_differing(difference->ours, difference->theirs, add_change_json, line);
    buf_append_char(line, ']');
    json_line_end(line);
}

static bool visit(void *context, const struct difference *difference, struct err *err)
{
    struct comparing *comparing = context;
    struct report *report = &comparing->cli->report;
    const char *why = difference->why;

    (void)err;
    comparing->cli->summary->compared[difference->verdict]++;
    if (difference->verdict == DIFF_UPDATE || difference->verdict == DIFF_CONFLICT)
        api_fields_differing(difference->ours, difference->theirs, count_change, comparing);
    if (difference->verdict == DIFF_UNREAD && comparing->unread++ < UNREAD_NAMED && report->json)
        report_notice(report, "row %" PRIu64 " cannot be compared: %s", difference->row->row_no,
                      why);
    if (report->json)
        print_json(comparing, difference);
    else if (!report->quiet)
        print_row(comparing, difference);
    report_out(report, &comparing->out);
    return true;
}

/* --- where the rows are from --- */

static bool take_job(void *context, const struct waiting_job *job, struct err *err)
{
    struct comparing *comparing = context;
    const struct diff_row row = {.schema = span_of(comparing->schema),
                                 .record_id = job->record_id,
                                 .fields = job->fields,
                                 .has_version = job->has_version,
                                 .is_whole = job->is_whole,
                                 .has_others = job->has_others,
                                 .version = job->version,
                                 .row_no = id_row(job->job_id)};

    comparing->rows++;
    return diff_add(comparing->diff, &row, err);
}

static bool take_row(void *context, const char *schema, const struct row *found, struct err *err)
{
    struct comparing *comparing = context;
    const struct diff_row row = {.schema = span_of(schema),
                                 .record_id = found->record_id,
                                 .fields = found->fields,
                                 .has_version = found->has_version,
                                 .is_whole = found->is_undo,
                                 .has_others = true,
                                 .version = found->version,
                                 .source = comparing->source,
                                 .row_no = found->row_no};

    comparing->rows++;
    return diff_add(comparing->diff, &row, err);
}

/* Reads one file as validate does. Returns false if the comparison ends. */
static bool feed_file(struct comparing *comparing, const struct ingest_options *options,
                      struct err *err)
{
    struct cli *cli = comparing->cli;
    struct ingest_result result = {0};
    char rejected[WORDS_SIZE];

    if (!ingest_validate(options, comparing->path, NULL, NULL, &result, err)) {
        if (err->kind != ERR_CONFIG && err->kind != ERR_INPUT)
            return false;
        report_fail(&cli->report, err);
        *err = (struct err){0};
        return true;
    }
    if (result.rows_rejected > 0)
        report_notice(&cli->report, "%s: %s would be rejected: rowferry validate shows why",
                      comparing->path, words_count(result.rows_rejected, "row", rejected));
    load_report_checked(cli, comparing->path, &result);
    return true;
}

/* The record ids of the batch can be made of other columns than its schema file says now. */
static bool check_batch(struct comparing *comparing, struct err *err)
{
    struct export_batch batch = {0};
    bool fine = export_batch(comparing->session.store, comparing->batch_id, &batch, err) &&
                diff_check(comparing->diff, buf_span(&batch.schema), &batch.parts, err);

    export_batch_release(&batch);
    return fine;
}

static bool feed(void *context, struct diff *diff, struct err *err)
{
    struct comparing *comparing = context;
    const struct options *options = &comparing->cli->options;
    struct ingest_options checking = load_options(&comparing->load, options);
    bool fine = true;

    checking.accept = take_row;
    checking.accept_context = comparing;
    comparing->diff = diff;
    if (comparing->batch_id)
        return check_batch(comparing, err) &&
               waiting_jobs(comparing->session.store, comparing->batch_id, take_job, comparing,
                            err);
    for (size_t i = 0; fine && i < options->path_count; i++) {
        comparing->source = (int64_t)i;
        comparing->path = options->paths[i];
        fine = feed_file(comparing, &checking, err);
    }
    return fine;
}

/* --- the end --- */

static int by_rows(const void *a, const void *b)
{
    const struct counted *left = a, *right = b;

    if (left->rows != right->rows)
        return left->rows < right->rows ? 1 : -1;
    return strcmp(left->name, right->name);
}

/* Prints how many rows would change each field, and the verdicts. */
static void print_counts(struct comparing *comparing)
{
    static const char *const words[] = {[DIFF_UPDATE] = "to update",
                                        [DIFF_UNCHANGED] = "unchanged",
                                        [DIFF_MISSING] = "without a record",
                                        [DIFF_CONFLICT] = "in conflict",
                                        [DIFF_UNREAD] = "not compared"};
    const uint64_t *compared = comparing->cli->summary->compared;
    struct buf *out = &comparing->out;
    const char *between = ": ";
    char rows[WORDS_SIZE];

    if (comparing->shown > LINES_MAX && !comparing->cli->report.verbose)
        buf_printf(out, "... and %" PRIu64 " more; --verbose shows all of them\n",
                   comparing->shown - LINES_MAX);
    if (comparing->kind_count > 0) {
        qsort(comparing->kinds, comparing->kind_count, sizeof comparing->kinds[0], by_rows);
        buf_append_text(out, "\n      ROWS  FIELD\n");
        for (size_t i = 0; i < comparing->kind_count && i < KINDS_SHOWN; i++) {
            buf_printf(out, "%10" PRIu64 "  ", comparing->kinds[i].rows);
            words_printable(out, comparing->kinds[i].name);
            buf_append_char(out, '\n');
        }
        if (comparing->kind_count > KINDS_SHOWN)
            buf_printf(out, "            and %zu other fields\n",
                       comparing->kind_count - KINDS_SHOWN);
        buf_append_char(out, '\n');
    }
    buf_append_text(out, words_count(comparing->rows, "row", rows));
    for (unsigned i = 0; i < DIFF_VERDICTS; i++)
        words_listed(out, &between, compared[i], words[i]);
    buf_append_char(out, '\n');
    report_out(&comparing->cli->report, out);
}

static void report_end(struct comparing *comparing)
{
    struct report *report = &comparing->cli->report;
    const uint64_t *compared = comparing->cli->summary->compared;

    if (!report->json && !report->quiet)
        print_counts(comparing);
    if (compared[DIFF_MISSING] + compared[DIFF_CONFLICT] > 0)
        report_status(report, EXIT_ROWS);
    if (compared[DIFF_UNREAD] > 0)
        report_error(report, ERR_NETWORK,
                     "%" PRIu64 " rows were not compared, because their records could not be read: "
                     "run the same command again",
                     compared[DIFF_UNREAD]);
}

/* --- the command --- */

static bool note_batch(void *context, const struct batch_counts *batch, struct err *err)
{
    struct comparing *comparing = context;

    (void)err;
    snprintf(comparing->schema, sizeof comparing->schema, "%s", batch->schema);
    for (unsigned state = 0; state < JOB_STATES; state++)
        if (job_state_is_open((enum job_state)state))
            comparing->rows += batch->by_state[state];
    return true;
}

/* Finds what the arguments name: a batch by its number, unless there is a file of that name. */
static bool choose(struct comparing *comparing)
{
    struct cli *cli = comparing->cli;
    const struct options *options = &cli->options;
    struct session *session = &comparing->session;
    enum batch_state state;
    struct err err = {0};

    if (!str_to_int64(span_of(options->paths[0]), 1, INT32_MAX, &comparing->batch_id) ||
        access(options->paths[0], F_OK) == 0)
        comparing->batch_id = 0;
    session->scope_id = comparing->batch_id;
    session->sets_status = false;
    if (!comparing->batch_id)
        return load_open(&comparing->load, cli);
    if (options->path_count > 1)
        return report_error(&cli->report, ERR_CONFIG,
                            "'%s' is unexpected after a batch: name one batch, or files",
                            options->paths[1]);
    if (!session_find_read_batch(session, comparing->batch_id, "compare", &state))
        return false;
    if (!summary_batches(session->store, SUMMARY_ONE, comparing->batch_id, note_batch, comparing,
                         &err))
        return report_fail(&cli->report, &err);
    if (comparing->rows == 0)
        report_notice(&cli->report, "batch %" PRId64 " has no job that is still to be sent",
                      comparing->batch_id);
    return true;
}

static void compare(struct comparing *comparing, const struct credentials *credentials)
{
    struct report *report = &comparing->cli->report;
    const struct diff_options options = {
        .read = options_flag(&comparing->cli->options, OPT_READ),
        .feed = feed,
        .visit = visit,
        .context = comparing,
        .rows = comparing->rows,
    };

    comparing->columns = report_columns(STDOUT_FILENO);
    comparing->color = report->color && isatty(STDOUT_FILENO);
    comparing->rows = 0;
    send_compare(credentials, &comparing->session, &options);
    report_end(comparing);
}

void command_diff(struct cli *cli)
{
    struct comparing *comparing = mem_calloc(1, sizeof *comparing);
    struct credentials credentials = {0};

    comparing->cli = cli;
    cli->summary->compares = true;
    if (send_open(&credentials, cli) &&
        session_open(&comparing->session, cli, STORE_EXISTING, SUMMARY_ONE, false)) {
        comparing->session.scope_id = 0;
        if (choose(comparing))
            compare(comparing, &credentials);
        session_end(&comparing->session);
    }
    credentials_release(&credentials);
    load_release(&comparing->load);
    for (size_t i = 0; i < comparing->kind_count; i++)
        free(comparing->kinds[i].name);
    buf_release(&comparing->out);
    free(comparing);
}
