/* Checks everything that a nightly run needs: a table of checks, each with advice if something is
 * wrong. Changes nothing, but for the record of --probe, which it puts back. */
#include "cmd/rowferry/checkup_api.h"
#include "cmd/rowferry/checkup_database.h"
#include "cmd/rowferry/checkup_probe.h"
#include "cmd/rowferry/checkup_restored.h"
#include "cmd/rowferry/checkup_settings.h"
#include "cmd/rowferry/command.h"
#include "cmd/rowferry/json_line.h"
#include "cmd/rowferry/probing.h"
#include "cmd/rowferry/secret.h"
#include "cmd/rowferry/words.h"
#include "core/api/probe.h"
#include "core/base/stop.h"
#include "core/store/store.h"
#include "core/validate/catalog.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* In this order, because checks use what earlier ones found. */
static const struct {
    const char *name;
    void (*check)(struct checkup *checkup);
} checks[] = {
    {"configuration", check_configuration},
    {"schemas", check_schemas},
    {"database", check_database},
    {"folder", check_folder},
    {"integrity", check_integrity},
    {"counters", check_counters},
    {"work", check_work},
    {"inbox", check_inbox},
    {"login", check_login},
    {"api", check_api},
    {"clock", check_clock},
    /* of --probe */
    {"record", check_record},
    {"update", check_update},
    {"token", check_token},
    {"absent fields", check_absent},
    {"old token", check_stale},
    {"put back", check_restored},
};

enum {
    CHECKS = sizeof checks / sizeof *checks,
    PROBES = 6, /* of them, the last ones, with --probe only */
    OUTCOMES = OUTCOME_SKIPPED + 1,
    TEXT_COLUMN = 21, /* label and name come before it */
};

static const struct {
    const char *name;          /* with --json */
    const char *label, *color; /* for people */
    const char *what;          /* in the summary */
} outcomes[OUTCOMES] = {
    [OUTCOME_FINE] = {"fine", "ok", "\033[32m", "fine"},
    [OUTCOME_REMARK] = {"remark", "note", "\033[33m", "with a remark"},
    [OUTCOME_FAILED] = {"failed", "FAIL", "\033[31m", "failed"},
    [OUTCOME_SKIPPED] = {"skipped", "-", "", "not made"},
};

/* Appends lines, wrapped at the indent. Without a mark, the first continues the line that is there.
 */
static void append_lines(struct buf *out, struct buf *lines, unsigned indent, const char *mark)
{
    char *rest = lines->size ? (char *)buf_text(lines) : NULL;
    bool first = true;

    while (rest) {
        const char *line = strsep(&rest, "\n");
        unsigned column = indent + (unsigned)strlen(mark);

        if (!first || *mark)
            buf_printf(out, "%*s%s", (int)indent, "", mark);
        words_wrap(out, line, column, column);
        first = false;
    }
}

static void print(struct checkup *checkup, const char *name)
{
    struct finding *finding = &checkup->finding;
    struct report *report = &checkup->cli->report;
    const char *color = outcomes[finding->outcome].color;
    struct buf out = {0};

    report_line_wipe(report);
    if (report->json) {
        json_line_status(&out, "check");
        json_line_text(&out, "check", span_of(name));
        json_line_text(&out, "outcome", span_of(outcomes[finding->outcome].name));
        json_line_text(&out, "text", buf_span(&finding->text));
        json_line_text(&out, "advice", buf_span(&finding->advice));
        json_line_end(&out);
    } else if (!report->quiet || finding->outcome == OUTCOME_FAILED) {
        if (!report->color || !isatty(STDOUT_FILENO))
            color = "";
        buf_printf(&out, "%s%-6s%s%-15s", color, outcomes[finding->outcome].label,
                   *color ? "\033[0m" : "", name);
        append_lines(&out, &finding->text, TEXT_COLUMN, "");
        append_lines(&out, &finding->advice, TEXT_COLUMN, "-> ");
    }
    report_out(report, &out);
    report_flush(report);
    buf_release(&out);
}

/* Prints `9 checks fine, 1 with a remark, 1 failed`. */
static void print_end(struct report *report, const unsigned counts[OUTCOMES])
{
    struct buf out = {0};
    const char *separator = "\n";
    char count[WORDS_SIZE];

    if (report->json || (report->quiet && !counts[OUTCOME_FAILED]))
        return;
    for (unsigned i = 0; i < OUTCOMES; i++) {
        if (!counts[i])
            continue;
        if (*separator == '\n')
            words_count(counts[i], "check", count);
        else
            snprintf(count, sizeof count, "%u", counts[i]);
        buf_printf(&out, "%s%s %s", separator, count, outcomes[i].what);
        separator = ", ";
    }
    buf_append_char(&out, '\n');
    report_out(report, &out);
    buf_release(&out);
}

/* Looks for options that mean nothing without --probe. */
static bool check_options(struct cli *cli)
{
    static const enum option_id ids[] = {OPT_FIELDS, OPT_SCHEMA, OPT_YES, OPT_DRY_RUN};

    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        if (cli->options.values[ids[i]].origin == FROM_ARGUMENT &&
            !options_text(&cli->options, OPT_PROBE))
            return report_error(&cli->report, ERR_CONFIG, "--%s needs --probe RECORD",
                                option_at(ids[i])->name);
    return true;
}

void command_doctor(struct cli *cli)
{
    struct checkup checkup = {.cli = cli};
    unsigned counts[OUTCOMES] = {0}, count = CHECKS;

    if (!check_options(cli))
        return;
    if (!options_text(&cli->options, OPT_PROBE))
        count -= PROBES;
    for (unsigned i = 0; i < count; i++) {
        struct finding *finding = &checkup.finding;

        finding->outcome = OUTCOME_FINE;
        finding->status = EXIT_DONE;
        buf_reset(&finding->text);
        buf_reset(&finding->advice);
        /* what was written is put back anyway */
        if (stop_requested() && checks[i].check != check_restored)
            checkup_skip(&checkup, "it was stopped");
        else
            checks[i].check(&checkup);
        print(&checkup, checks[i].name);
        report_status(&cli->report, finding->status);
        counts[finding->outcome]++;
    }
    print_end(&cli->report, counts);
    if (stop_requested())
        report_stopped(&cli->report);
    probing_close(checkup.probing);
    api_probe_close(checkup.probe);
    catalog_close(checkup.catalog);
    store_close(checkup.store);
    credentials_release(&checkup.credentials);
    buf_release(&checkup.finding.text);
    buf_release(&checkup.finding.advice);
}
