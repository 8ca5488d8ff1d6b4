/* Being watched: the files of --summary and --metrics-file, the command of --on-failure. */
#ifndef ROWFERRY_CMD_UNATTENDED_H
#define ROWFERRY_CMD_UNATTENDED_H

#include "cmd/rowferry/metrics.h"

#include <stdbool.h>
#include <stdint.h>

struct cli;

struct unattended {
    bool armed; /* a command is run, and its options are known as far as they will be */
    bool told;  /* that the metrics cannot be written */
    int64_t written_us;
    struct metrics metrics;
};

/* Asks the session's database for the metrics, where there is a file for them, and writes that file
 * with the run as one that is at work. */
void unattended_begin(struct cli *cli, struct store *store, enum summary_scope scope, int64_t id);

/* The same while requests are made, at most every 15 s. */
void unattended_at_work(struct cli *cli, struct store *store, enum summary_scope scope, int64_t id,
                        const struct meter *meter);

/* Asks once more, after run_end. */
void unattended_ask(struct cli *cli, struct store *store, enum summary_scope scope, int64_t id);

/* The last that a command does: the summary with --json, both files, the end of stdout, the end in
 * the log, the hook. Returns the exit status: a file that was asked for and cannot be written makes
 * 2 of 0. */
int unattended_end(struct cli *cli);

#endif
