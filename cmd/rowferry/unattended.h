/* What monitoring reads: the files of --summary and --metrics-file, the command of --on-failure. */
#pragma once

#include "cmd/rowferry/metrics.h"

#include <stdbool.h>
#include <stdint.h>

struct cli;

struct unattended {
    bool armed;    /* a command runs, and its options are known as far as they can be */
    bool reported; /* that the metrics cannot be written */
    int64_t written_us;
    struct metrics metrics;
};

/* With --metrics-file, reads the metrics from the database and writes the file, with the run as one
 * that is working. */
void unattended_begin(struct cli *cli, struct store *store, enum summary_scope scope, int64_t id);

/* Does the same while requests are made, at most every 15 s. */
void unattended_at_work(struct cli *cli, struct store *store, enum summary_scope scope, int64_t id,
                        const struct meter *meter);

/* With --metrics-file, reads the metrics again, after run_end. */
void unattended_ask(struct cli *cli, struct store *store, enum summary_scope scope, int64_t id);

/* Ends a command: writes the summary of --json and both files, closes stdout, logs the end, and
 * runs the command of --on-failure. Returns the exit status, which is 2 instead of 0 if a file
 * cannot be written. */
int unattended_end(struct cli *cli);
