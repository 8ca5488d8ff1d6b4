/* What a command is, and what all of them are given. */
#ifndef ROWFERRY_CMD_COMMAND_H
#define ROWFERRY_CMD_COMMAND_H

#include "cmd/rowferry/options.h"
#include "cmd/rowferry/report.h"

struct summary;
struct unattended;

struct cli {
    const struct command *command;
    struct options options;
    struct report report;
    struct summary *summary;
    struct unattended *unattended;
    int argc; /* as the program was started, for the command that resumes it */
    char **argv;
};

enum { PATHS_MANY = 1000000 };

struct command {
    const char *name;
    unsigned bit;            /* FOR_... */
    const char *arguments;   /* `[PATH...]` */
    const char *summary;     /* one line of the list of commands */
    const char *description; /* paragraphs of --help, broken to 80 columns by hand */
    const char *example;
    unsigned paths_min, paths_max;
    const int *statuses; /* what it can end with, for --help; -1 behind the last */
    /* All that it has to say goes through cli->report and cli->summary. */
    void (*work)(struct cli *cli);
};

/* The table, by index; NULL behind the last. */
const struct command *command_at(unsigned index);

/* By name; NULL: there is none, and *nearest is what may have been meant, or NULL. */
const struct command *command_find(const char *name, const char **nearest);

void command_run(struct cli *cli);
void command_ingest(struct cli *cli);
void command_drain(struct cli *cli);
void command_validate(struct cli *cli);
void command_status(struct cli *cli);
void command_history(struct cli *cli);
void command_resolve(struct cli *cli);
void command_retry(struct cli *cli);
void command_cancel(struct cli *cli);
void command_doctor(struct cli *cli);
void command_export(struct cli *cli);
void command_prune(struct cli *cli);

/* The command as it was started, quoted for a shell. */
void command_repeat(const struct cli *cli, struct buf *out);

/* Another command (FOR_...) with the same options as far as it takes them. */
void command_other(const struct cli *cli, unsigned command, struct buf *out);

#endif
