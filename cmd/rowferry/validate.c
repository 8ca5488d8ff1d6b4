/* Reports what ingest would accept and reject, or prints a schema file that fits a file.
 * Uses no database and writes nothing. */
#include "core/ingest/validate.h"
#include "cmd/rowferry/command.h"
#include "cmd/rowferry/json_line.h"
#include "cmd/rowferry/load.h"
#include "cmd/rowferry/summary.h"
#include "cmd/rowferry/words.h"
#include "core/base/mem.h"
#include "core/base/stop.h"
#include "core/ingest/suggest.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    LINES_MAX = 50,   /* violations that people see without --verbose */
    KINDS_MAX = 1000, /* a ceiling, because the rows choose the names of fields */
    KINDS_SHOWN = 20,
};

struct violation_kind {
    char *field, *rule;
    uint64_t rows;
};

/* Zeroed means empty. */
struct violation_kinds {
    struct violation_kind *items;
    size_t count, capacity;
    uint64_t others; /* rows of kinds beyond KINDS_MAX */
};

static void kinds_release(struct violation_kinds *kinds)
{
    for (size_t i = 0; i < kinds->count; i++) {
        free(kinds->items[i].field);
        free(kinds->items[i].rule);
    }
    free(kinds->items);
    *kinds = (struct violation_kinds){0};
}

/* Returns whether an earlier violation of the row is of the same kind. */
static bool is_repeated(const struct violations *violations, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (span_equal(violation_field(violations, i), violation_field(violations, index)) &&
            span_equal(violation_rule(violations, i), violation_rule(violations, index)))
            return true;
    return false;
}

static struct violation_kind *find(struct violation_kinds *kinds, struct span field,
                                   struct span rule)
{
    for (size_t i = 0; i < kinds->count; i++)
        if (span_is(field, kinds->items[i].field) && span_is(rule, kinds->items[i].rule))
            return &kinds->items[i];
    if (kinds->count == KINDS_MAX)
        return NULL;
    if (kinds->count == kinds->capacity) {
        kinds->capacity = kinds->capacity ? 2 * kinds->capacity : 16;
        kinds->items = mem_resize(kinds->items, kinds->capacity, sizeof kinds->items[0]);
    }
    kinds->items[kinds->count] = (struct violation_kind){mem_copy(field.data, field.size),
                                                         mem_copy(rule.data, rule.size), 0};
    return &kinds->items[kinds->count++];
}

/* Counts one row's violations; each pair of field and rule once. */
static void kinds_add(struct violation_kinds *kinds, const struct violations *violations)
{
    for (size_t i = 0; i < violations->count; i++) {
        struct violation_kind *kind;

        if (is_repeated(violations, i))
            continue;
        kind = find(kinds, violation_field(violations, i), violation_rule(violations, i));
        if (kind)
            kind->rows++;
        else
            kinds->others++;
    }
}

static int compare(const void *a, const void *b)
{
    const struct violation_kind *left = a, *right = b;
    int order;

    if (left->rows != right->rows)
        return left->rows < right->rows ? 1 : -1;
    order = strcmp(left->field, right->field);
    return order ? order : strcmp(left->rule, right->rule);
}

/* Appends a table, the most frequent first. */
static void kinds_print(struct violation_kinds *kinds, struct buf *out)
{
    uint64_t others = kinds->others;

    qsort(kinds->items, kinds->count, sizeof kinds->items[0], compare);
    buf_append_text(out, "      ROWS  RULE                  FIELD\n");
    for (size_t i = 0; i < kinds->count; i++) {
        const struct violation_kind *kind = &kinds->items[i];

        if (i >= KINDS_SHOWN) {
            others += kind->rows;
            continue;
        }
        buf_printf(out, "%10" PRIu64 "  %-20s  ", kind->rows, kind->rule);
        words_printable(out, *kind->field ? kind->field : "(the row)");
        buf_append_char(out, '\n');
    }
    if (others > 0)
        buf_printf(out, "%10" PRIu64 "  other kinds\n", others);
}

struct validation {
    struct cli *cli;
    const char *path;
    uint64_t lines, lines_left_out;
    struct violation_kinds kinds;
};

static void print_row_json(struct validation *validation, const struct row *row,
                           const struct violations *violations)
{
    struct buf line = {0};

    json_line_begin(&line, "row");
    json_line_count(&line, "line", row->line_no);
    json_line_count(&line, "row", row->row_no);
    json_line_text(&line, "record_id", row->record_id.size ? row->record_id : (struct span){0});
    buf_append_text(&line, ", \"violations\": [");
    for (size_t i = 0; i < violations->count; i++) {
        buf_append_text(&line, i > 0 ? ", {\"field\": " : "{\"field\": ");
        buf_append_quoted(&line, violation_field(violations, i));
        json_line_text(&line, "rule", violation_rule(violations, i));
        json_line_text(&line, "message", violation_message(violations, i));
        buf_append_char(&line, '}');
    }
    buf_append_char(&line, ']');
    report_json(&validation->cli->report, &line);
    buf_release(&line);
}

static void append_printable(struct buf *out, struct span text, const char *after)
{
    char printable[2 * VIOLATION_MESSAGE_MAX];

    buf_printf(out, "%s%s", str_printable(text, printable, sizeof printable), after);
}

/* Prints `FILE:LINE: RECORD: FIELD: MESSAGE`, as compilers do. */
static void print_row(struct validation *validation, const struct row *row,
                      const struct violations *violations)
{
    struct buf out = {0};
    char record_id[VIOLATION_QUOTE_SIZE];

    for (size_t i = 0; i < violations->count; i++) {
        struct span field = violation_field(violations, i);

        if (validation->lines >= LINES_MAX && !validation->cli->report.verbose) {
            validation->lines_left_out++;
            continue;
        }
        validation->lines++;
        words_printable(&out, validation->path);
        buf_printf(&out, ":%" PRIu64 ": ", row->line_no);
        if (row->record_id.size)
            buf_printf(&out, "%s: ", violation_show(row->record_id, record_id));
        if (field.size)
            append_printable(&out, field, ": ");
        append_printable(&out, violation_message(violations, i), "\n");
    }
    report_out(&validation->cli->report, &out);
    buf_release(&out);
}

static bool take_row(void *context, const struct row *row, const struct violations *violations,
                     struct err *err)
{
    struct validation *validation = context;

    if (stop_requested())
        return err_set(err, ERR_STOPPED, "stopped while checking %s", validation->path);
    kinds_add(&validation->kinds, violations);
    if (validation->cli->report.json)
        print_row_json(validation, row, violations);
    else
        print_row(validation, row, violations);
    return true;
}

/* Returns false after reporting an error that stops the command. */
static bool validate_file(struct validation *validation, const struct ingest_options *options,
                          const char *path)
{
    struct cli *cli = validation->cli;
    struct buf *next = &cli->summary->next;
    struct ingest_result result = {0};
    struct err err = {0};

    validation->path = path;
    if (!ingest_validate(options, path, take_row, validation, &result, &err)) {
        report_fail(&cli->report, &err);
        return err.kind == ERR_CONFIG || err.kind == ERR_INPUT;
    }
    load_report_checked(cli, path, &result);
    if (result.outcome == INGEST_LOADED) { /* the command that would load the files */
        if (next->size == 0)
            cli_other(cli, FOR_INGEST, next);
        buf_append_char(next, ' ');
        words_quote(next, path);
    }
    return true;
}

static void append_summary(struct validation *validation, struct buf *out)
{
    struct cli *cli = validation->cli;
    const struct summary *summary = cli->summary;
    char files[WORDS_SIZE], rows[WORDS_SIZE];

    if (validation->lines_left_out > 0)
        buf_printf(out, "... and %" PRIu64 " more; --verbose shows all of them\n",
                   validation->lines_left_out);
    if (validation->kinds.count > 0) {
        buf_append_char(out, '\n');
        kinds_print(&validation->kinds, out);
        buf_append_char(out, '\n');
    }
    buf_printf(out, "%s, %s: %" PRIu64 " accepted, %" PRIu64 " rejected\n",
               words_count(summary->files, "file", files),
               words_count(summary->rows_read, "row", rows),
               summary->rows_read - summary->rows_rejected, summary->rows_rejected);
    if (summary->next.size > 0 && summary->rows_read > summary->rows_rejected)
        buf_printf(out, "To load them:\n  %s\n", buf_text(&cli->summary->next));
}

/* Returns the time zone of the machine, because files do not name theirs. */
static const char *local_zone(char out[PATH_MAX])
{
    const char *zone = getenv("TZ");
    ssize_t size = readlink("/etc/localtime", out, PATH_MAX - 1);

    if (zone && *zone && *zone != ':')
        return zone;
    out[size > 0 ? size : 0] = '\0';
    zone = strstr(out, "/zoneinfo/");
    return zone ? zone + strlen("/zoneinfo/") : "UTC";
}

static void print_suggestion(struct cli *cli, const char *path, struct suggestion *suggestion)
{
    struct report *report = &cli->report;
    struct buf line = {0};

    if (report->json) {
        json_line_begin(&line, "schema");
        json_line_text(&line, "file", span_of(path));
        json_line_count(&line, "rows", suggestion->rows);
        json_line_count(&line, "accepted", suggestion->accepted);
        buf_append_text(&line, ", \"schema\": ");
        buf_append_json_text(&line, buf_span(&suggestion->schema));
        report_json(report, &line);
    } else {
        report_out(report, &suggestion->schema);
    }
    buf_release(&line);
    if (suggestion->rejected_line)
        report_notice(report,
                      "%s: with this schema file %" PRIu64 " of %" PRIu64
                      " rows are accepted; the first that is not is in line %" PRIu64 ": %s",
                      path, suggestion->accepted, suggestion->rows, suggestion->rejected_line,
                      suggestion->rejected_why);
    else
        report_notice(report, "%s: with this schema file all %" PRIu64 " rows are accepted", path,
                      suggestion->rows);
}

static void suggest_files(struct cli *cli)
{
    const struct options *options = &cli->options;
    const struct ingest_options reading = {
        .format = (enum row_format)options_number(options, OPT_FORMAT),
        .delimiter = (char)options_number(options, OPT_DELIMITER),
    };
    char zone[PATH_MAX];

    for (size_t i = 0; i < options->path_count; i++) {
        struct suggestion suggestion;
        struct err err = {0};

        if (ingest_suggest(&reading, options->paths[i], local_zone(zone), &suggestion, &err))
            print_suggestion(cli, options->paths[i], &suggestion);
        else
            report_fail(&cli->report, &err);
        buf_release(&suggestion.schema);
    }
}

void command_validate(struct cli *cli)
{
    const struct options *options = &cli->options;
    struct validation validation = {.cli = cli};
    struct load load;
    struct buf out = {0};
    bool fine;

    if (options_flag(options, OPT_SUGGEST)) {
        suggest_files(cli);
        return;
    }
    fine = load_open(&load, cli);
    if (fine) {
        const struct ingest_options checking = load_options(&load, options);

        for (size_t i = 0; fine && i < options->path_count; i++)
            fine = validate_file(&validation, &checking, options->paths[i]);
        if (cli->summary->files > 0 && !cli->report.json &&
            !(cli->report.quiet && cli->report.status == EXIT_DONE))
            append_summary(&validation, &out);
        report_out(&cli->report, &out);
    }
    buf_release(&out);
    kinds_release(&validation.kinds);
    load_release(&load);
}
