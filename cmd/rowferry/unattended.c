#include "cmd/rowferry/unattended.h"

#include "cmd/rowferry/cli.h"
#include "cmd/rowferry/option_table.h"
#include "cmd/rowferry/summary.h"
#include "cmd/rowferry/words.h"
#include "core/base/child.h"
#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/base/whole_file.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    AGAIN_US =
        15000000, /* between two writings of the metrics, about as often as Prometheus reads them */
    METRICS_MODE =
        0644, /* the node exporter is another user; the file has only counts and a path */
    SUMMARY_MODE = 0600,
    HOOK_TIMEOUT_MS = 60000,
};

/* Returns the path of the database, absolute if possible. The caller frees it. */
static char *database_of(const struct cli *cli)
{
    const char *path = options_text(&cli->options, OPT_DB);
    char *whole = realpath(path, NULL), *folder;

    if (whole)
        return whole;
    folder = *path == '/' ? NULL : realpath(".", NULL);
    whole = mem_printf("%s%s%s", folder ? folder : "", folder ? "/" : "", path);
    free(folder);
    return whole;
}

static bool write_metrics(struct cli *cli, int64_t ended_ms, int exit_status, struct err *err)
{
    const char *path = options_text(&cli->options, OPT_METRICS_FILE);
    struct metrics *metrics = &cli->unattended->metrics;
    struct buf text = {0};
    bool fine;

    if (!metrics->database)
        metrics->database = database_of(cli);
    metrics_print(metrics,
                  &(struct metrics_run){metrics->database, cli->command->name,
                                        cli->summary->started_ms, ended_ms, exit_status},
                  &text);
    fine = whole_file_write(path, buf_span(&text), METRICS_MODE, err);
    buf_release(&text);
    cli->unattended->written_us = clock_monotonic_us();
    return fine;
}

void unattended_ask(struct cli *cli, struct store *store, enum summary_scope scope, int64_t id)
{
    struct err err = {0};

    if (options_text(&cli->options, OPT_METRICS_FILE) &&
        !metrics_ask(&cli->unattended->metrics, store, cli->command->name, scope, id, &err))
        report_detail(&cli->report, "metrics: %s", err.text);
}

void unattended_begin(struct cli *cli, struct store *store, enum summary_scope scope, int64_t id)
{
    struct err err = {0};

    if (!options_text(&cli->options, OPT_METRICS_FILE))
        return;
    unattended_ask(cli, store, scope, id);
    if (write_metrics(cli, 0, 0, &err) || cli->unattended->reported)
        return;
    cli->unattended->reported = true;
    report_notice(&cli->report, "%s", err.text);
}

void unattended_at_work(struct cli *cli, struct store *store, enum summary_scope scope, int64_t id,
                        const struct meter *meter)
{
    struct unattended *unattended = cli->unattended;

    if (clock_monotonic_us() - unattended->written_us < AGAIN_US)
        return;
    unattended->metrics.meter = *meter;
    unattended_begin(cli, store, scope, id);
}

/* Reports an error that changes the exit status only if it is 0. */
static void fail(struct report *report, const struct err *err)
{
    int status = report->status;

    report_fail(report, err);
    if (status != EXIT_DONE)
        report->status = status;
}

static void make_summary(struct cli *cli, struct buf *line)
{
    summary_json(cli->summary, cli->command ? cli->command->name : "",
                 cli->options.values[OPT_RATE].rate, cli->report.status, line);
}

/* Writes both files, the summary last, because a failure changes it. */
static void write_files(struct cli *cli, struct buf *summary)
{
    const char *path = options_text(&cli->options, OPT_SUMMARY);
    struct err err = {0};

    if (options_text(&cli->options, OPT_METRICS_FILE) &&
        !write_metrics(cli, clock_now_ms(), cli->report.status, &err))
        fail(&cli->report, &err);
    make_summary(cli, summary);
    if (path && !whole_file_write(path, buf_span(summary), SUMMARY_MODE, &err)) {
        fail(&cli->report, &err);
        make_summary(cli, summary);
    }
}

static void log_end(struct cli *cli, const struct buf *line)
{
    const struct summary *summary = cli->summary;
    struct buf members = {0}, text = {0};
    const char *separator = ": ";
    char span[WORDS_SIZE], rows[WORDS_SIZE], jobs[WORDS_SIZE];

    if (!cli->report.log)
        return;
    buf_append_text(&members, ", \"summary\": ");
    buf_append(&members, line->data, line->size - 1); /* less its line end */
    buf_printf(&text, "%s, %" PRIu64 " rejected, %s", words_count(summary->rows_read, "row", rows),
               summary->rows_rejected, words_count(summary->jobs, "job", jobs));
    for (unsigned state = 0; state < JOB_STATES; state++)
        words_listed(&text, &separator, summary->by_state[state],
                     job_state_name((enum job_state)state));
    report_event(&cli->report, "ended", &members, "%s ended after %s with exit status %d (%s): %s",
                 cli->command->name, words_duration(summary_duration_ms(summary), span),
                 cli->report.status, exit_meaning(cli->report.status), buf_text(&text));
    buf_release(&members);
    buf_release(&text);
}

/* Whether the hook does not get the variable: secrets, the exit status, which is set again, and the
 * hook itself, because a hook that runs rowferry and fails would never end. */
static bool is_withheld(const char *variable)
{
    static const char *const own[] = {"ROWFERRY_EXIT_STATUS", "ROWFERRY_ON_FAILURE"};
    size_t size = strcspn(variable, "=");
    struct span name = {variable, size};

    return span_is_one_of(name, own, sizeof own / sizeof *own) || option_is_secret(name);
}

/* Returns the environment without what is withheld, after `first`. The strings are not copied. */
static char **make_environment(char *first)
{
    size_t count = 0, kept = 0;
    char **made;

    while (environ && environ[count])
        count++;
    made = mem_calloc(count + 2, sizeof made[0]);
    made[kept++] = first;
    for (size_t i = 0; i < count; i++)
        if (!is_withheld(environ[i]))
            made[kept++] = environ[i];
    return made;
}

static void report_hook(struct report *report, const struct child_result *result)
{
    switch (result->end) {
    case CHILD_EXITED:
        if (result->status != 0)
            report_notice(report, "the command of --on-failure ended with exit status %d",
                          result->status);
        break;
    case CHILD_KILLED:
        report_notice(report, "the command of --on-failure was killed by signal %d",
                      result->status);
        break;
    case CHILD_TIMED_OUT:
        report_notice(report, "the command of --on-failure was stopped: it took longer than %d s",
                      HOOK_TIMEOUT_MS / 1000);
        break;
    case CHILD_STOPPED:
        report_notice(report, "the command of --on-failure was ended by signal %d", result->status);
        break;
    }
}

/* Runs the command with the shell, with the summary on its standard input, ROWFERRY_EXIT_STATUS in
 * its environment, and no secret. Its output goes to stderr, and it is ended after a minute.
 * Reports what goes wrong with it, which does not change the exit status. */
static void run_hook(struct report *report, const char *command, struct span summary,
                     int exit_status)
{
    char *status = mem_printf("ROWFERRY_EXIT_STATUS=%d", exit_status);
    char **environment = make_environment(status);
    struct child_result result = {0};
    struct err err = {0};

    fflush(stderr);
    if (child_run(&(struct child_order){command, summary, environment, HOOK_TIMEOUT_MS}, &result,
                  &err))
        report_hook(report, &result);
    else
        report_notice(report, "the command of --on-failure: %s", err.text);
    free(environment);
    free(status);
}

/* Does what follows the last byte on stdout. */
static void end_command(struct cli *cli, struct buf *summary, int reported)
{
    const char *hook = options_text(&cli->options, OPT_ON_FAILURE);

    if (cli->report.status != reported)
        write_files(cli, summary);
    log_end(cli, summary);
    if (hook && cli->report.status != EXIT_DONE)
        run_hook(&cli->report, hook, buf_span(summary), cli->report.status);
}

int unattended_end(struct cli *cli)
{
    struct buf summary = {0}, line = {0};
    int reported;

    if (cli->unattended->armed)
        write_files(cli, &summary);
    else
        make_summary(cli, &summary);
    reported = cli->report.status;
    if (cli->report.json) {
        buf_append_span(&line, buf_span(&summary));
        report_out(&cli->report, &line);
    }
    report_close(&cli->report);
    if (cli->unattended->armed)
        end_command(cli, &summary, reported);
    metrics_release(&cli->unattended->metrics);
    buf_release(&summary);
    buf_release(&line);
    return cli->report.status;
}
