/* What all commands are given, and the commands that they print for people to paste. */
#pragma once

#include "cmd/rowferry/options.h"
#include "cmd/rowferry/report.h"

struct summary;
struct unattended;

struct cli {
    const struct command *commands; /* the table; the last has no name */
    const struct command *command;  /* the one that runs; NULL: none */
    struct options options;
    struct report report;
    struct summary *summary;
    struct unattended *unattended;
    int argc; /* as the program was started */
    char **argv;
};

/* An exit status that a command can end with; meaning NULL: that of exit_meaning. */
struct command_status {
    int code;
    const char *meaning;
};

struct command {
    const char *name;
    unsigned bit;            /* FOR_... */
    const char *arguments;   /* `[PATH...]` */
    const char *summary;     /* one line of the list of commands */
    const char *description; /* of --help; a blank line between paragraphs */
    const char *example;
    unsigned paths_min, paths_max;
    const struct command_status *statuses; /* for --help; code -1 after the last */
    /* Reports everything through cli->report and cli->summary. */
    void (*work)(struct cli *cli);
};

/* Appends the command as it was started, quoted for a shell. */
void cli_repeat(const struct cli *cli, struct buf *out);

/* Appends another command (FOR_...) with the same options as far as it takes them. */
void cli_other(const struct cli *cli, unsigned command, struct buf *out);
