#include "cmd/rowferry/summary.h"

#include "cmd/rowferry/cli.h"
#include "cmd/rowferry/json_line.h"
#include "cmd/rowferry/words.h"
#include "core/base/clock.h"
#include "core/base/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SOURCE_COLUMNS_MIN = 12, COLUMNS_MAX = BATCH_TABLE_NUMBERS, REPLIES_SHOWN = 5 };

#define JOBS_WHERE   "SELECT * FROM job_history WHERE "
#define FAILED_WHERE "SELECT * FROM failed_job WHERE "

/* --- the table of batches --- */

/* One printed line. `older` or `more`, and `all`, have a word instead of the id of a batch. */
struct printed {
    const char *id, *state, *source;
    const uint64_t *numbers;
};

/* A column of the table adds up numbers of a batch: a set of their indices. */
struct column {
    const char *name;
    unsigned numbers;
};

#define NUMBER(state) (1U << (3 + JOB_##state))

static const struct column wide[COLUMNS_MAX] = {
    {"ROWS", 1},
    {"REJECTED", 2},
    {"DISCARDED", 4},
    {"PENDING", NUMBER(PENDING)},
    {"SENDING", NUMBER(SENDING)},
    {"UNKNOWN", NUMBER(UNKNOWN)},
    {"APPLIED", NUMBER(APPLIED)},
    {"UNCHANGED", NUMBER(UNCHANGED)},
    {"CONFLICT", NUMBER(CONFLICT)},
    {"REFUSED", NUMBER(REFUSED)},
    {"FAILED", NUMBER(FAILED)},
    {"DISMISSED", NUMBER(DISMISSED)},
    {"CANCELLED", NUMBER(CANCELLED)},
};

/* For a terminal that has no room for all columns. */
static const struct column narrow[COLUMNS_MAX] = {
    {"ROWS", 1},
    {"REJECTED", 2},
    {"DISCARDED", 4},
    {"LEFT", NUMBER(PENDING) | NUMBER(SENDING) | NUMBER(UNKNOWN)},
    {"SETTLED", NUMBER(APPLIED) | NUMBER(UNCHANGED) | NUMBER(DISMISSED) | NUMBER(CANCELLED)},
    {"CONFLICT", NUMBER(CONFLICT)},
    {"FAILED", NUMBER(REFUSED) | NUMBER(FAILED)},
};

/* The columns that are shown, and their widths. */
struct layout {
    const struct column *columns;
    int id_width, state_width, used;
    int widths[COLUMNS_MAX]; /* 0: not shown */
    unsigned source_columns; /* 0: no limit */
};

static uint64_t value_of(const struct column *column, const uint64_t *numbers)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < BATCH_TABLE_NUMBERS; i++)
        if (column->numbers & 1U << i)
            value += numbers[i];
    return value;
}

/* Removes a line and adds its numbers up. */
static void sum_up(struct batch_table *table, unsigned index)
{
    struct batch_line *line = &table->lines[index];

    for (unsigned i = 0; i < BATCH_TABLE_NUMBERS; i++)
        table->summed[i] += line->numbers[i];
    if (line->id > table->last_summed_id)
        table->last_summed_id = line->id;
    free(line->source);
    table->shown--;
    memmove(line, line + 1, (table->shown - index) * sizeof *line);
}

/* Returns the oldest line that has ended, or else the oldest. */
static unsigned least_wanted(const struct batch_table *table)
{
    for (unsigned i = 0; i < table->shown; i++)
        if (table->lines[i].state == BATCH_DONE || table->lines[i].state == BATCH_REFUSED)
            return i;
    return 0;
}

static void add_line(struct batch_table *table, const struct batch_counts *batch)
{
    struct batch_line *line;

    if (table->shown == (table->limit ? table->limit : BATCH_TABLE_LINES))
        sum_up(table, least_wanted(table));
    line = &table->lines[table->shown++];
    *line = (struct batch_line){
        .id = batch->id,
        .state = batch->state,
        .source = mem_strdup(batch->source),
    };
    line->numbers[0] = batch->rows_read;
    line->numbers[1] = batch->rows_rejected;
    line->numbers[2] = batch->rows_discarded;
    for (unsigned state = 0; state < JOB_STATES; state++)
        line->numbers[3 + state] = batch->by_state[state];
    for (unsigned i = 0; i < BATCH_TABLE_NUMBERS; i++)
        table->all[i] += line->numbers[i];
    table->count++;
}

static int larger(int a, int b)
{
    return a > b ? a : b;
}

static struct layout lay_out_columns(const struct batch_table *table, const struct column *columns)
{
    struct layout layout = {.columns = columns, .id_width = 5, .state_width = 5};

    for (unsigned i = 0; i < table->shown; i++) {
        layout.id_width =
            larger(layout.id_width, snprintf(NULL, 0, "%" PRId64, table->lines[i].id));
        layout.state_width =
            larger(layout.state_width, (int)strlen(batch_state_name(table->lines[i].state)));
    }
    layout.used = 2 + layout.id_width + 2 + layout.state_width;
    for (unsigned i = 0; i < COLUMNS_MAX && columns[i].name; i++) {
        uint64_t all = value_of(&columns[i], table->all);

        if (i > 0 && all == 0)
            continue;
        layout.widths[i] = larger((int)strlen(columns[i].name), snprintf(NULL, 0, "%" PRIu64, all));
        layout.used += 2 + layout.widths[i];
    }
    layout.used += 2;
    return layout;
}

static struct layout lay_out(const struct batch_table *table, unsigned columns)
{
    struct layout layout = lay_out_columns(table, wide);

    if (columns == 0)
        return layout;
    if ((unsigned)layout.used + SOURCE_COLUMNS_MIN > columns)
        layout = lay_out_columns(table, narrow);
    layout.source_columns = (unsigned)larger((int)columns - layout.used, SOURCE_COLUMNS_MIN);
    return layout;
}

/* Appends the name of a file; if it is too long, only its end, which says more. */
static void print_source(const struct layout *layout, const char *source, struct buf *out)
{
    struct buf text = {0};
    size_t length;

    words_printable(&text, source);
    length = str_utf8_length(buf_span(&text));
    if (layout->source_columns == 0 || length <= layout->source_columns) {
        buf_append_span(out, buf_span(&text));
    } else {
        size_t skip = str_utf8_first(buf_span(&text), length - layout->source_columns + 3);

        buf_append_text(out, "...");
        buf_append_span(out, span_from(buf_span(&text), skip));
    }
    buf_release(&text);
}

static void print_line(const struct layout *layout, const struct printed *line, struct buf *out)
{
    buf_printf(out, "  %*s  %-*s", layout->id_width, line->id, layout->state_width, line->state);
    for (unsigned i = 0; i < COLUMNS_MAX; i++) {
        uint64_t value = value_of(&layout->columns[i], line->numbers);

        if (!layout->widths[i])
            continue;
        if (value)
            buf_printf(out, "  %*" PRIu64, layout->widths[i], value);
        else
            buf_printf(out, "  %*s", layout->widths[i], "-");
    }
    if (*line->source) {
        buf_append_text(out, "  ");
        print_source(layout, line->source, out);
    } else {
        while (out->size > 0 && out->data[out->size - 1] == ' ')
            out->size--;
    }
    buf_append_char(out, '\n');
}

void summary_batches_print(const struct batch_table *table, unsigned columns, struct buf *out)
{
    struct layout layout = lay_out(table, columns);
    char id[24], rest[48];

    buf_printf(out, "  %*s  %-*s", layout.id_width, "BATCH", layout.state_width, "STATE");
    for (unsigned i = 0; i < COLUMNS_MAX; i++)
        if (layout.widths[i])
            buf_printf(out, "  %*s", layout.widths[i], layout.columns[i].name);
    buf_append_text(out, "  FILE\n");
    if (table->count > table->shown) { /* some can be newer than a batch that has not ended */
        const char *word = table->last_summed_id < table->lines[0].id ? "older" : "more";

        snprintf(rest, sizeof rest, "%" PRIu64 " %s", table->count - table->shown, word);
        print_line(&layout, &(struct printed){"", word, rest, table->summed}, out);
    }
    for (unsigned i = 0; i < table->shown; i++) {
        const struct batch_line *line = &table->lines[i];

        snprintf(id, sizeof id, "%" PRId64, line->id);
        print_line(
            &layout,
            &(struct printed){id, batch_state_name(line->state), line->source, line->numbers}, out);
    }
    if (table->count > 1)
        print_line(&layout, &(struct printed){"all", "", "", table->all}, out);
}

/* `audited` counts jobs with any verdict. */
static void append_audits(const uint64_t by_verdict[VERDICTS], struct buf *line)
{
    uint64_t audited = 0;

    for (unsigned verdict = 0; verdict < VERDICTS; verdict++)
        audited += by_verdict[verdict];
    json_line_count(line, "audited", audited);
    json_line_count(line, "audit_missing", by_verdict[VERDICT_MISSING]);
    json_line_count(line, "audit_mismatch", by_verdict[VERDICT_MISMATCH]);
}

void summary_known(const struct known_count *count, struct buf *out)
{
    int64_t now_ms = clock_now_ms();
    char newest[WORDS_SIZE], oldest[WORDS_SIZE];

    buf_printf(out, "known: %s of ", words_count(count->records, "record", newest));
    words_printable(out, count->schema);
    buf_printf(out, ", seen %s to %s ago\n",
               words_duration(count->newest_ms < now_ms ? now_ms - count->newest_ms : 0, newest),
               words_duration(count->oldest_ms < now_ms ? now_ms - count->oldest_ms : 0, oldest));
}

void summary_batch_members(const struct batch_counts *batch, struct buf *line)
{
    json_line_count(line, "batch", (uint64_t)batch->id);
    json_line_text(line, "source", span_of(batch->source));
    json_line_text(line, "schema", span_of(batch->schema));
    json_line_text(line, "state", span_of(batch_state_name(batch->state)));
    json_line_text(line, "reason", *batch->reason ? span_of(batch->reason) : (struct span){0});
    json_line_count(line, "rows_read", batch->rows_read);
    json_line_count(line, "rows_rejected", batch->rows_rejected);
    json_line_count(line, "rows_discarded", batch->rows_discarded);
    json_line_count(line, "jobs", batch->jobs);
    for (unsigned state = 0; state < JOB_STATES; state++)
        json_line_count(line, job_state_name((enum job_state)state), batch->by_state[state]);
    append_audits(batch->by_verdict, line);
    json_line_count(line, "audits_due", batch->audits_due);
    json_line_time(line, "created", batch->created_ms);
    json_line_time(line, "finished", batch->finished_ms);
    json_line_time(line, "pruned", batch->pruned_ms);
}

/* --- counts --- */

void summary_begin(struct summary *summary)
{
    *summary = (struct summary){.started_ms = clock_now_ms(), .started_us = clock_monotonic_us()};
}

void summary_release(struct summary *summary)
{
    for (unsigned i = 0; i < summary->table.shown; i++)
        free(summary->table.lines[i].source);
    buf_release(&summary->next);
}

void summary_add(struct summary *summary, const struct batch_counts *batch)
{
    summary->batches++;
    summary->batches_loading += batch->state == BATCH_LOADING;
    summary->rows_read += batch->rows_read;
    summary->rows_rejected += batch->rows_rejected;
    summary->rows_discarded += batch->rows_discarded;
    summary->jobs += batch->jobs;
    for (unsigned state = 0; state < JOB_STATES; state++)
        summary->by_state[state] += batch->by_state[state];
    for (unsigned verdict = 0; verdict < VERDICTS; verdict++)
        summary->by_verdict[verdict] += batch->by_verdict[verdict];
    summary->requests_left += batch->requests_left;
    summary->audits_due += batch->audits_due && batch->by_state[JOB_APPLIED] > 0;
    add_line(&summary->table, batch);
}

uint64_t summary_left(const struct summary *summary)
{
    uint64_t left = 0;

    for (unsigned state = 0; state < JOB_STATES; state++)
        if (job_state_is_open((enum job_state)state))
            left += summary->by_state[state];
    return left;
}

int64_t summary_duration_ms(const struct summary *summary)
{
    return (clock_monotonic_us() - summary->started_us) / 1000;
}

/* Returns how long the requests left take at that rate, or at the one that was learned; -1:
 * unknown. */
static int64_t forecast_ms(const struct summary *summary, double rate_per_s)
{
    if (summary->learned_per_s > 0)
        rate_per_s = summary->learned_per_s;
    return rate_per_s > 0 ? (int64_t)((double)summary->requests_left / rate_per_s * 1000) : -1;
}

/* Appends the error answers: `"answers": [{"status", "code", "message", "count"}]`. */
static void append_answers(const struct meter_replies *replies, struct buf *line)
{
    buf_append_text(line, ", \"answers\": [");
    for (unsigned i = 0; i < replies->count; i++) {
        const struct meter_reply *reply = &replies->items[i];

        buf_append_text(line, i ? ", {" : "{");
        if (reply->status)
            buf_printf(line, "\"status\": %ld", reply->status);
        else
            buf_append_text(line, "\"status\": null");
        json_line_text(line, "code", reply->code[0] ? span_of(reply->code) : (struct span){0});
        json_line_text(line, "message", span_of(reply->message));
        json_line_count(line, "count", reply->count);
        buf_append_char(line, '}');
    }
    buf_append_char(line, ']');
    json_line_count(line, "answers_others", replies->others);
}

/* Appends what `diff` counted. */
static void append_compared(const struct summary *summary, struct buf *line)
{
    static const char *const names[DIFF_VERDICTS] = {[DIFF_UPDATE] = "would_update",
                                                     [DIFF_UNCHANGED] = "would_not",
                                                     [DIFF_MISSING] = "missing",
                                                     [DIFF_CONFLICT] = "conflicts",
                                                     [DIFF_UNREAD] = "unread"};

    for (unsigned i = 0; summary->compares && i < DIFF_VERDICTS; i++)
        json_line_count(line, names[i], summary->compared[i]);
}

void summary_json(struct summary *summary, const char *command, double rate_per_s, int exit_status,
                  struct buf *line)
{
    const struct store_run *run = &summary->run;
    int64_t left_ms = forecast_ms(summary, rate_per_s);
    const struct summary_notifications *notifications = &summary->notifications;

    json_line_begin(line, "summary");
    json_line_text(line, "command", span_of(command));
    json_line_id(line, "run", summary->run_id);
    json_line_time(line, "started", summary->started_ms);
    json_line_time(line, "ended", clock_now_ms());
    json_line_count(line, "files", summary->files);
    json_line_count(line, "files_known", summary->files_known);
    json_line_count(line, "files_refused", summary->files_refused);
    json_line_count(line, "files_held", summary->files_held);
    json_line_count(line, "files_unreadable", summary->files_unreadable);
    json_line_count(line, "files_growing", summary->files_growing);
    json_line_count(line, "files_left", summary->files_left);
    json_line_count(line, "batches", summary->batches);
    json_line_count(line, "rows_read", summary->rows_read);
    json_line_count(line, "rows_rejected", summary->rows_rejected);
    json_line_count(line, "rows_discarded", summary->rows_discarded);
    json_line_count(line, "jobs", summary->jobs);
    for (unsigned state = 0; state < JOB_STATES; state++)
        json_line_count(line, job_state_name((enum job_state)state), summary->by_state[state]);
    json_line_count(line, "requests", run->requests);
    json_line_count(line, "skipped", summary->skipped);
    json_line_count(line, "fetched", summary->fetched);
    json_line_count(line, "drifted", summary->drifted);
    json_line_number(line, "latency_avg_ms", (double)run->latency_avg_us / 1000, 3);
    json_line_number(line, "latency_p50_ms", (double)run->latency_p50_us / 1000, 3);
    json_line_number(line, "latency_p95_ms", (double)run->latency_p95_us / 1000, 3);
    json_line_number(line, "latency_p99_ms", (double)run->latency_p99_us / 1000, 3);
    json_line_number(line, "error_rate", run->error_rate, 4);
    json_line_count(line, "validation_failures", run->validation_failures);
    json_line_count(line, "throttled", run->throttled);
    append_audits(summary->by_verdict, line);
    append_compared(summary, line);
    append_answers(&summary->replies, line);
    json_line_count(line, "notifications", notifications->received);
    json_line_count(line, "notifications_repeated", notifications->repeated);
    json_line_count(line, "delivered", notifications->delivered);
    json_line_count(line, "deliveries_failed", notifications->failed);
    json_line_count(line, "deliveries_pending", notifications->pending);
    json_line_number(line, "duration_s", (double)summary_duration_ms(summary) / 1000, 3);
    json_line_count(line, "requests_left", summary->requests_left);
    if (left_ms < 0)
        json_line_text(line, "seconds_left", (struct span){0});
    else
        json_line_number(line, "seconds_left", (double)left_ms / 1000, 1);
    json_line_text(line, "next", buf_span(&summary->next));
    json_line_count(line, "exit_status", (uint64_t)exit_status);
    json_line_end(line);
}

/* --- for people --- */

void summary_forecast(const struct cli *cli, struct buf *out)
{
    const struct summary *summary = cli->summary;
    int64_t left_ms = forecast_ms(summary, cli->options.values[OPT_RATE].rate);
    char span[WORDS_SIZE];

    if (summary->requests_left == 0)
        return;
    buf_printf(out, "%s%s left", summary->batches_loading > 0 ? "at least " : "",
               words_count(summary->requests_left, "request", span));
    if (left_ms >= 0)
        buf_printf(out, ", about %s at ", words_duration(left_ms, span));
    if (summary->learned_per_s > 0)
        buf_printf(out, "%.1f/s, as the API allows", summary->learned_per_s);
    else if (left_ms >= 0)
        buf_append_text(out, options_text(&cli->options, OPT_RATE));
    buf_append_char(out, '\n');
}

/* Appends `5 files (2 known already, 1 refused)`. */
static void append_files(const struct summary *summary, struct buf *out)
{
    const struct {
        uint64_t count;
        const char *what;
    } kinds[] = {
        {summary->files_known, "known already"},   {summary->files_refused, "refused"},
        {summary->files_held, "held back"},        {summary->files_unreadable, "unreadable"},
        {summary->files_growing, "still growing"}, {summary->files_left, "left alone"},
    };
    const char *separator = " (";
    char files[WORDS_SIZE];

    buf_append_text(out, words_count(summary->files, "file", files));
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        words_listed(out, &separator, kinds[i].count, kinds[i].what);
    if (*separator == ',')
        buf_append_char(out, ')');
}

/* Appends the error answers of the API, the most frequent first. */
static void append_replies(const struct meter_replies *replies, struct buf *out)
{
    uint64_t others = replies->others;

    for (unsigned i = 0; i < replies->count; i++) {
        const struct meter_reply *reply = &replies->items[i];

        if (i >= REPLIES_SHOWN) {
            others += reply->count;
            continue;
        }
        buf_printf(out, "%8" PRIu64 " x ", reply->count);
        if (reply->status)
            buf_printf(out, "%ld", reply->status);
        else
            buf_append_text(out, "no answer");
        if (reply->code[0]) {
            buf_append_char(out, ' ');
            words_printable(out, reply->code);
        }
        buf_append_text(out, ": ");
        words_printable(out, reply->message);
        buf_append_text(out, reply->varies ? " (and other messages)\n" : "\n");
    }
    if (others > 0)
        buf_printf(out, "%8" PRIu64 " x other answers\n", others);
}

/* Appends what was done by what is known of records. */
static void append_known(const struct summary *summary, struct buf *out)
{
    char number[WORDS_SIZE], skipped[WORDS_SIZE];

    if (summary->skipped + summary->drifted == 0)
        return;
    buf_printf(out, "\n%s skipped, whose values are known to be there; %s fetched",
               words_count(summary->skipped, "row", skipped),
               words_grouped(summary->fetched, number));
    if (summary->drifted > 0)
        buf_printf(out, "; %s changed by somebody else since they were known",
                   words_grouped(summary->drifted, number));
    buf_append_char(out, '\n');
}

static void append_metrics(const struct summary *summary, struct buf *out)
{
    const struct store_run *run = &summary->run;
    char requests[WORDS_SIZE];

    append_known(summary, out);
    if (run->requests == 0)
        return;
    buf_printf(out, "\n%s, %.1f%% errors, %" PRIu64 " throttled\n",
               words_count(run->requests, "request", requests), 100 * run->error_rate,
               run->throttled);
    buf_printf(out, "latency in ms: %.1f on average, p50 %.1f, p95 %.1f, p99 %.1f\n",
               (double)run->latency_avg_us / 1000, (double)run->latency_p50_us / 1000,
               (double)run->latency_p95_us / 1000, (double)run->latency_p99_us / 1000);
    append_replies(&summary->replies, out);
}

/* Appends a query to paste. */
static void append_query(const struct cli *cli, const char *what, bool retried, const char *query,
                         struct buf *out)
{
    struct buf text = {0};

    buf_append_text(&text, query);
    if (cli->summary->table.count == 1)
        buf_printf(&text, " %s batch_id = %" PRId64, strstr(query, "WHERE") ? "AND" : "WHERE",
                   cli->summary->table.lines[0].id);
    buf_printf(out, "\n%s", what);
    if (retried && cli->summary->table.count == 1)
        buf_printf(out, ", which `rowferry retry %" PRId64 "` sends again",
                   cli->summary->table.lines[0].id);
    else if (retried)
        buf_append_text(out, ", which `rowferry retry BATCH` sends again");
    buf_append_text(out, ":\n  sqlite3 ");
    words_quote(out, options_text(&cli->options, OPT_DB));
    buf_printf(out, " \"%s\"\n", buf_text(&text));
    buf_release(&text);
}

void summary_queries(const struct cli *cli, struct buf *out)
{
    static const struct {
        enum job_state state;
        const char *what, *query;
        bool retried; /* `rowferry retry` sends them again */
    } kinds[] = {
        {JOB_CONFLICT, "The conflicts, which `rowferry resolve` settles",
         "SELECT * FROM open_conflict", false},
        {JOB_REFUSED, "The jobs that the API refused", FAILED_WHERE "state = 'refused'", true},
        {JOB_FAILED, "The jobs that failed", FAILED_WHERE "state = 'failed'", true},
        {JOB_UNKNOWN, "The jobs whose answer is missing", JOBS_WHERE "state = 'unknown'", false},
        {JOB_PENDING, "The jobs to be tried again", JOBS_WHERE "state = 'pending' AND attempts > 0",
         false},
    };
    const struct summary *summary = cli->summary;

    if (summary->rows_rejected > 0 &&
        summary->batches > 0) /* diff reads files and stores nothing */
        append_query(cli, "The rejected rows", false, "SELECT * FROM rejection", out);
    /* pending jobs need a look only if the run ended without sending them */
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (summary->by_state[kinds[i].state] > 0 &&
            (kinds[i].state != JOB_PENDING ||
             (summary->run.requests > 0 && cli->report.status == EXIT_INCOMPLETE)))
            append_query(cli, kinds[i].what, kinds[i].retried, kinds[i].query, out);
    if (summary->by_verdict[VERDICT_MISSING] + summary->by_verdict[VERDICT_MISMATCH] > 0)
        append_query(cli, "The updates that the audit log does not show", false,
                     "SELECT * FROM audit_gap", out);
}

/* Returns the line before the command, if the same command has something left to do, else NULL. */
static const char *resumption(const struct summary *summary, int status)
{
    static const struct {
        int status;
        bool always; /* false: only if something is left */
        const char *purpose;
    } purposes[] = {
        {EXIT_INCOMPLETE, true, "To resume, run the same command again:"},
        {EXIT_SIGHUP, true, "To resume, run the same command again:"},
        {EXIT_SIGINT, true, "To resume, run the same command again:"},
        {EXIT_SIGTERM, true, "To resume, run the same command again:"},
        {EXIT_LIMIT, false, "When that is fixed, run the same command again:"},
        {EXIT_AUTH, true, "When that is fixed, run the same command again:"},
        {EXIT_CONFIG, false, "When that is fixed, run the same command again:"},
        {EXIT_STORE, false, "When that is fixed, run the same command again:"},
        {EXIT_BUSY, true, "When the other process has ended, run the same command again:"},
    };
    bool left =
        summary_left(summary) > 0 || summary->files_held > 0 || summary->batches_loading > 0;

    for (size_t i = 0; i < sizeof purposes / sizeof *purposes; i++)
        if (purposes[i].status == status && (left || purposes[i].always))
            return purposes[i].purpose;
    return NULL;
}

/* Stores summary->next and returns the line before it, or NULL. */
static const char *note_next(struct cli *cli)
{
    const char *purpose = resumption(cli->summary, cli->report.status);

    if (purpose) {
        cli_repeat(cli, &cli->summary->next);
        return purpose;
    }
    if (cli->command->bit == FOR_INGEST && summary_left(cli->summary) > 0) {
        cli_other(cli, FOR_DRAIN, &cli->summary->next);
        return "To send them:";
    }
    return NULL;
}

void summary_audits(const uint64_t by_verdict[VERDICTS], bool due, struct buf *out)
{
    const char *separator = "audit log: ";

    for (unsigned verdict = VERDICT_NONE + 1; verdict < VERDICTS; verdict++)
        words_listed(out, &separator, by_verdict[verdict], verdict_name((enum verdict)verdict));
    if (due)
        buf_printf(out, "%snot all applied updates are looked up yet", separator);
    if (due || *separator == ',')
        buf_append_char(out, '\n');
}

static void append_counted(struct buf *out, uint64_t count, const char *what)
{
    char number[WORDS_SIZE];

    if (count > 0)
        buf_printf(out, ", %s %s", words_grouped(count, number), what);
}

/* Appends the counts of notifications and deliveries, if there are any. */
static void append_notifications(const struct cli *cli, struct buf *out)
{
    const struct summary_notifications *counts = &cli->summary->notifications;
    size_t begin = out->size;
    char received[WORDS_SIZE];

    buf_printf(out, "%s stored", words_count(counts->received, "notification", received));
    append_counted(out, counts->repeated, "known already");
    append_counted(out, counts->by_state[NOTIFICATION_NOT_ACCEPTED], "not accepted");
    append_counted(out, counts->by_state[NOTIFICATION_ECHO], "of our own updates");
    append_counted(out, counts->delivered, "delivered to the ERP");
    append_counted(out, counts->failed, "failed");
    append_counted(out, counts->pending, "left to deliver");
    buf_append_char(out, '\n');
    if (!(cli->command->bit & (FOR_FORWARD | FOR_LISTEN)) &&
        counts->delivered + counts->failed + counts->pending == 0)
        out->size = begin;
    if (counts->failed > 0) {
        buf_append_text(out, "\nThe deliveries that failed, which `rowferry retry --deliveries` "
                             "sends again:\n  sqlite3 ");
        words_quote(out, options_text(&cli->options, OPT_DB));
        buf_append_text(out, " \"SELECT * FROM undelivered WHERE state = 'failed'\"\n");
    }
}

static void append_work(const struct cli *cli, struct buf *out)
{
    const struct summary *summary = cli->summary;
    char span[WORDS_SIZE];

    buf_printf(out, "%s took %s (run %" PRId64 ")", cli->command->name,
               words_duration(summary_duration_ms(summary), span), summary->run_id);
    if (cli->command->bit & (FOR_RUN | FOR_INGEST)) {
        buf_append_text(out, ": ");
        append_files(summary, out);
    }
    buf_append_char(out, '\n');
    append_notifications(cli, out);
    if (summary->table.count > 0) {
        buf_append_char(out, '\n');
        summary_batches_print(&summary->table, report_columns(STDOUT_FILENO), out);
    }
    summary_audits(summary->by_verdict, summary->audits_due > 0, out);
    append_metrics(summary, out);
    summary_queries(cli, out);
}

void summary_print(struct cli *cli)
{
    const char *purpose;
    struct buf out = {0};

    purpose = note_next(cli);
    if (!cli->report.json && !(cli->report.quiet && cli->report.status == EXIT_DONE)) {
        if (cli->summary->table.count > 0 || cli->summary->files > 0 ||
            cli->command->bit & (FOR_FORWARD | FOR_LISTEN) || cli->report.status == EXIT_DONE)
            append_work(cli, &out);
        if (out.size > 0 && (summary_left(cli->summary) > 0 || purpose))
            buf_append_char(&out, '\n');
        summary_forecast(cli, &out);
        if (purpose)
            buf_printf(&out, "%s\n  %s\n", purpose, buf_text(&cli->summary->next));
        report_out(&cli->report, &out);
        report_flush(&cli->report);
    }
    buf_release(&out);
}
