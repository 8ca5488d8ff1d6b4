/* What a command counted, and its summary: the table of batches, the texts for people and as JSON,
 * queries, and the command to run next. */
#pragma once

#include "core/base/buf.h"
#include "core/drain/diff.h"
#include "core/drain/meter.h"
#include "core/store/known.h"
#include "core/store/notification.h"
#include "core/store/runs.h"
#include "core/store/store.h"
#include "core/store/summary.h"

#include <stdbool.h>
#include <stdint.h>

struct cli;

enum {
    BATCH_TABLE_LINES = 20, /* older batches are added up in one line */
    BATCH_TABLE_NUMBERS = 3 + JOB_STATES,
};

struct batch_line {
    int64_t id;
    enum batch_state state;
    char *source;
    uint64_t numbers[BATCH_TABLE_NUMBERS]; /* rows read, rejected, discarded; jobs by state */
};

/* Zeroed means empty. If there are more batches than lines, it keeps those that have not ended and
 * the newest of the others. */
struct batch_table {
    unsigned limit; /* of lines; 0: BATCH_TABLE_LINES */
    struct batch_line lines[BATCH_TABLE_LINES];
    unsigned shown; /* of lines */
    uint64_t count;
    int64_t last_summed_id; /* of the batches that are added up */
    uint64_t summed[BATCH_TABLE_NUMBERS];
    uint64_t all[BATCH_TABLE_NUMBERS];
};

/* Notifications of the platform, and their deliveries to the ERP. */
struct summary_notifications {
    uint64_t received, repeated; /* stored now; known from before */
    uint64_t by_state[NOTIFICATION_STATES];
    uint64_t delivered, failed; /* deliveries of this run */
    uint64_t pending;           /* all that are left */
};

struct summary {
    int64_t started_ms, started_us; /* wall clock; monotonic */
    int64_t run_id;                 /* 0: none */
    uint64_t files;                 /* read or tried, and of these: */
    uint64_t files_known, files_refused, files_held, files_unreadable;
    uint64_t files_growing; /* left for later, not counted in files */
    uint64_t files_left;    /* left alone, not counted in files */
    uint64_t batches, batches_loading;
    uint64_t rows_read, rows_rejected, rows_discarded;
    uint64_t jobs, by_state[JOB_STATES];
    uint64_t by_verdict[VERDICTS]; /* audits */
    uint64_t audits_due;           /* batches with applied updates that are to be looked up */
    uint64_t requests_left;        /* as many as the open jobs need, without retries */
    struct store_run run;
    struct meter_replies replies;       /* of the API, in the order of their counts */
    uint64_t skipped, fetched, drifted; /* rows, by what is known (struct meter) */
    bool compares;                      /* records, for `diff`; ... */
    uint64_t compared[DIFF_VERDICTS];   /* ... and what of the rows */
    double learned_per_s;               /* the pace that the API allowed this run; 0: unknown */
    struct summary_notifications notifications;
    struct batch_table table;
    struct buf next; /* the exact command to run next, or empty */
};

void summary_begin(struct summary *summary);
void summary_release(struct summary *summary);

/* Adds a batch, whose id is higher than those before. */
void summary_add(struct summary *summary, const struct batch_counts *batch);

/* Returns the number of jobs that still have to be sent or read back. */
uint64_t summary_left(const struct summary *summary);

int64_t summary_duration_ms(const struct summary *summary);

/* Appends the `summary` line of --json and --summary. rate_per_s: of --rate; 0: none. */
void summary_json(struct summary *summary, const char *command, double rate_per_s, int exit_status,
                  struct buf *line);

/* Appends the table. columns: the width of the terminal, which shortens names; 0: no limit. */
void summary_batches_print(const struct batch_table *table, unsigned columns, struct buf *out);

/* Appends a line about audits, if there are any. due: some are still to come. */
void summary_audits(const uint64_t by_verdict[VERDICTS], bool due, struct buf *out);

/* Appends a line about how much is known of a schema's records, and how old that is. */
void summary_known(const struct known_count *count, struct buf *out);

/* Appends the members of a JSON line about a batch. */
void summary_batch_members(const struct batch_counts *batch, struct buf *line);

/* Prints the summary of a run that has ended, and stores the command to run next in summary->next.
 * It is the last line of an incomplete run. */
void summary_print(struct cli *cli);

/* Appends the line `N requests left, about 2m 42s at 300/m`, if any are left. */
void summary_forecast(const struct cli *cli, struct buf *out);

/* Appends queries to paste, for rows and jobs that a person has to look at. */
void summary_queries(const struct cli *cli, struct buf *out);
