/* rowferry: loads files into SQLite as jobs, sends each job as an update to the API, and records
 * the answers.
 *
 * command.[ch] has the table of commands. Each command is in the file of its name, and uses:
 *
 *     run.c ingest.c drain.c      load.[ch]        files -> jobs      core/inbox, core/ingest
 *                                 grown.[ch]       files that grew after they were loaded
 *                                 send.[ch]        jobs -> the API    core/drain
 *                                 session.[ch]     database, run, locks, row counts
 *                                 unattended.[ch]  --summary, --metrics-file, --on-failure
 *                                 metrics.[ch]     the text for Prometheus
 *     listen.c forward.c          deliver.[ch]     notifications -> ERP core/notify; run.c, too
 *     retry.c resolve.c cancel.c  choice.[ch]      the jobs that a person decides about
 *     doctor.c                    checkup*.[ch]    its checks
 *                                 probing.[ch]     the record of --probe
 *     backup.c                                     copies of the database, core/store
 *     diff.c                      load.[ch], send.[ch]  files or jobs -> a plan, core/drain
 *     export.c                    undo.[ch]        rows, or what was there before
 *
 * All commands use:
 *
 *     cli.[ch]                                          what all commands are given
 *     options.[ch] option_table.[ch] option_value.[ch]  the table of settings, and their values
 *     dotenv.[ch] secret.[ch] trusted_file.[ch]         .env and the client secret
 *     proxy.[ch]                                        the proxy of the environment
 *     help.[ch]                                         --help, from the tables
 *     report.[ch] json_line.[ch] exit.[ch]              messages, JSON lines, the exit status
 *     summary.[ch] words.[ch]                           counts, the summary for people, words
 *     progress.[ch]                                     the progress line
 *
 * share/ has what is installed with it: manual pages, completions, systemd units, the Debian
 * package.
 *
 * core/ is below, in layers (LAYERS in the Makefile). Only this folder prints, reads arguments or
 * the environment, and knows exit statuses. */
#include "cmd/rowferry/command.h"
#include "cmd/rowferry/help.h"
#include "cmd/rowferry/summary.h"
#include "cmd/rowferry/unattended.h"
#include "core/base/crash.h"
#include "core/base/stop.h"
#include "core/store/store.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* Opens the standard descriptors that are closed: otherwise the first file that we open gets one of
 * them, and messages would go into the database. Writing to a closed one still fails. */
static void open_standard_descriptors(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == 2 ? O_WRONLY : O_RDONLY) != fd)
            _exit(EXIT_CONFIG);
}

/* Prints the version, or --help of the command or the program. No command is run, so there is no
 * summary. */
static void print_about(struct cli *cli, bool help)
{
    struct buf out = {0};

    cli->report.json = false;
    if (!help)
        buf_append_text(&out, "rowferry " ROWFERRY_VERSION "\n");
    else if (cli->command)
        help_command(cli->command, &out);
    else
        help_program(&out);
    report_out(&cli->report, &out);
    buf_release(&out);
}

static bool check_paths(const struct cli *cli, struct err *err)
{
    const struct command *command = cli->command;
    size_t count = cli->options.path_count;

    if (count < command->paths_min)
        return err_set(err, ERR_CONFIG, "no %s is named: see rowferry %s --help",
                       command->bit & (FOR_CANCEL | FOR_EXPORT) ? "batch"
                       : command->bit & FOR_DIFF                ? "batch or file"
                       : command->bit & FOR_BACKUP              ? "file or folder"
                                                                : "file",
                       command->name);
    if (count > command->paths_max)
        return err_set(err, ERR_CONFIG, "unexpected argument '%s': see rowferry %s --help",
                       cli->options.paths[command->paths_max], command->name);
    return true;
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
        /* --summary, --metrics-file and --on-failure work for a wrong command line too, as far as
           the options before the mistake and the environment set them */
        options_resolve(options, &(struct notice_sink){0}, &(struct err){0});
        cli->unattended->armed = true;
        report_fail(report, &err);
        return;
    }
    report->json = options_flag(options, OPT_JSON);
    report->quiet = options_flag(options, OPT_QUIET);
    report->verbose = options_flag(options, OPT_VERBOSE);
    report->color = report->color && !options_flag(options, OPT_NO_COLOR);
    if (options_flag(options, OPT_HELP) || options_flag(options, OPT_VERSION)) {
        print_about(cli, options_flag(options, OPT_HELP));
        return;
    }
    /* doctor goes on if a setting is wrong, and so resolves them itself */
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
        print_about(cli, true);
    } else if (strcmp(name, "--version") == 0) {
        print_about(cli, false);
    } else if (!*name) {
        report_error(&cli->report, ERR_CONFIG, "no command is given: see rowferry --help");
    } else if (*name == '-') {
        report_error(&cli->report, ERR_CONFIG,
                     "'%.*s' is not a command: options go after the command, see rowferry --help",
                     (int)strcspn(name, "="), name);
    } else if (nearest) {
        report_error(&cli->report, ERR_CONFIG,
                     "unknown command '%s': did you mean %s? See rowferry --help", name, nearest);
    } else {
        report_error(&cli->report, ERR_CONFIG, "unknown command '%s': see rowferry --help", name);
    }
}

/* In a build for tests, ROWFERRY_CRASH=NAME[:N] makes it kill itself at that point. */
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
    /* a core file would hold the secret and the token */
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    prctl(PR_SET_DUMPABLE, 0);
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
