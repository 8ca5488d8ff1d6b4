/* rowferry: rows of files become jobs in SQLite, jobs become updates on the API, answers become
 * rows again.
 *
 * The map. A command reads like its own summary and stays thin; command.[ch] has the table of them:
 *
 *     run.c ingest.c drain.c      load.[ch]     files -> batches      core/inbox, core/ingest
 *                                 grown.[ch]    filed files that were still written
 *                                 send.[ch]     jobs -> the API       core/drain
 *                                 session.[ch]  database, run, locks, books
 *                                 unattended.[ch] for those who do not look: files, and a command
 *                                 metrics.[ch]  what Prometheus reads
 *     validate.c                                violations, and counted by field and rule
 *     status.c history.c export.c
 *     retry.c resolve.c cancel.c  choice.[ch]   the jobs that a person decides about
 *     prune.c                                   old batches, and their files in done/
 *     doctor.c                    checkup*.[ch] what it looks at
 *
 * What they are given and what they say:
 *
 *     cli.[ch]                                          all of it, and commands to paste
 *     options.[ch] option_table.[ch] option_value.[ch]  one table of settings, and their values
 *     dotenv.[ch] secret.[ch] trusted_file.[ch]         .env, the client secret, whose they are
 *     proxy.[ch]                                        the proxy that the environment names
 *     help.[ch]                                         --help, from the tables
 *     report.[ch] json_line.[ch] log.[ch] exit.[ch]     messages, JSON lines, the exit status
 *     summary.[ch] words.[ch]                           counts, the summary for people, words
 *     progress.[ch]                                     how far it is
 *
 * What is installed beside it stands in share/: manual pages, completions, systemd, Debian.
 *
 * Below lies core/, in layers (the Makefile's LAYERS): base, row (bytes <-> rows), validate (schema
 * files), job (states, verdicts), store (SQLite), http (libcurl), api (the wire), inbox, ingest,
 * drain. Only this folder prints, reads arguments or the environment, and knows exit statuses. */
#include "cmd/rowferry/command.h"
#include "cmd/rowferry/help.h"
#include "cmd/rowferry/summary.h"
#include "cmd/rowferry/unattended.h"
#include "cmd/rowferry/words.h"
#include "core/base/crash.h"
#include "core/base/stop.h"
#include "core/store/store.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* A descriptor below 3 that is closed would be given to the first file that we open, and then
 * messages would be written into the database. Output that was meant for a closed one must not
 * vanish: writing to it fails, as it would without this. */
static void open_standard_descriptors(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == 2 ? O_WRONLY : O_RDONLY) != fd)
            _exit(EXIT_CONFIG);
}

/* A core file would hold the secret and the token. */
static void forbid_core_dumps(void)
{
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    prctl(PR_SET_DUMPABLE, 0);
}

static void print_help(struct cli *cli)
{
    struct buf out = {0};

    if (cli->command)
        help_command(cli->command, &out);
    else
        help_program(&out);
    report_out(&cli->report, &out);
    buf_release(&out);
}

static void print_version(struct cli *cli)
{
    struct buf out = {0};

    buf_append_text(&out, "rowferry " ROWFERRY_VERSION "\n");
    report_out(&cli->report, &out);
    buf_release(&out);
}

static bool check_paths(const struct cli *cli, struct err *err)
{
    const struct command *command = cli->command;
    size_t count = cli->options.path_count;

    if (count < command->paths_min)
        return err_set(
            err, ERR_CONFIG, "`rowferry %s` needs %s; see rowferry %s --help", command->name,
            command->bit & (FOR_CANCEL | FOR_EXPORT) ? "a batch" : "a file", command->name);
    if (count > command->paths_max)
        return err_set(err, ERR_CONFIG, "one argument too many: '%s'; see rowferry %s --help",
                       cli->options.paths[command->paths_max], command->name);
    return true;
}

/* A command line that cannot be read is a failure like others to those who watch: by what was read
 * of it, and the environment. */
static void watch_despite(struct cli *cli)
{
    struct err ignored = {0};

    options_resolve(&cli->options, &(struct notice_sink){0}, &ignored);
    cli->unattended->armed = true;
}

static void work(struct cli *cli)
{
    struct options *options = &cli->options;
    struct report *report = &cli->report;
    struct notice_sink notices = report_sink(report);
    struct err err = {0};
    bool fine;

    options->command = cli->command->bit;
    options->command_name = report->command = cli->command->name;
    if (!options_read_arguments(options, cli->argc - 2, cli->argv + 2, &err)) {
        watch_despite(cli);
        report_fail(report, &err);
        return;
    }
    report->json = options_flag(options, OPT_JSON);
    report->quiet = options_flag(options, OPT_QUIET);
    report->verbose = options_flag(options, OPT_VERBOSE);
    report->color = report->color && !options_flag(options, OPT_NO_COLOR);
    if (options_flag(options, OPT_HELP) || options_flag(options, OPT_VERSION)) {
        report->json = false; /* no command is run, so there is nothing to sum up */
        if (options_flag(options, OPT_HELP))
            print_help(cli);
        else
            print_version(cli);
        return;
    }
    /* doctor goes on where a setting is wrong, and so resolves them itself */
    fine = cli->command->bit == FOR_DOCTOR || options_resolve(options, &notices, &err);
    report->log = (enum log_format)options_number(options, OPT_LOG_FORMAT);
    cli->unattended->armed = true;
    if (!fine || !check_paths(cli, &err)) {
        report_fail(report, &err);
        return;
    }
    if (options_number(options, OPT_MAX_TIME) > 0)
        stop_after_ms(options_number(options, OPT_MAX_TIME));
    cli->command->work(cli);
}

static void dispatch(struct cli *cli)
{
    const char *name = cli->argc > 1 ? cli->argv[1] : "", *nearest;

    cli->command = command_find(name, &nearest);
    if (cli->command) {
        work(cli);
    } else if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        cli->report.json = false;
        print_help(cli);
    } else if (strcmp(name, "--version") == 0) {
        cli->report.json = false;
        print_version(cli);
    } else if (!*name) {
        report_error(&cli->report, ERR_CONFIG, "which command? see rowferry --help");
    } else if (*name == '-') {
        report_error(&cli->report, ERR_CONFIG,
                     "options stand behind the command, and '%.*s' is none; see rowferry --help",
                     (int)strcspn(name, "="), name);
    } else if (nearest) {
        report_error(&cli->report, ERR_CONFIG,
                     "unknown command '%s'; did you mean %s? see rowferry --help", name, nearest);
    } else {
        report_error(&cli->report, ERR_CONFIG, "unknown command '%s'; see rowferry --help", name);
    }
}

/* Of a build for tests: ROWFERRY_CRASH=NAME[:N] makes it kill itself there. */
static bool arm_crash(struct err *err)
{
#ifdef ROWFERRY_CRASH_POINTS
    const char *text = getenv("ROWFERRY_CRASH");

    return !text || crash_arm(text, err);
#else
    (void)err;
    return true;
#endif
}

int main(int argc, char **argv)
{
    struct summary summary;
    struct unattended unattended = {0};
    struct cli cli = {.commands = commands,
                      .summary = &summary,
                      .unattended = &unattended,
                      .argc = argc,
                      .argv = argv};
    struct err err = {0};
    int status;

    open_standard_descriptors();
    forbid_core_dumps();
    umask(077);
    signal(SIGPIPE, SIG_IGN);
    store_prepare();
    report_init(&cli.report, argc, argv);
    summary_begin(&summary);
    if (stop_init(&err) && arm_crash(&err))
        dispatch(&cli);
    else
        report_fail(&cli.report, &err);
    status = unattended_end(&cli);
    options_release(&cli.options);
    summary_release(&summary);
    return status;
}
