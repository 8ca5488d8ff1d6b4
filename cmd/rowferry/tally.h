/* What a command counted: the members of its summary. */
#ifndef ROWFERRY_CMD_TALLY_H
#define ROWFERRY_CMD_TALLY_H

#include "core/base/buf.h"
#include "core/drain/meter.h"
#include "core/store/store.h"
#include "core/store/summary.h"

#include <stdint.h>

struct tally {
    int64_t started_ms, started_us; /* wall clock; monotonic */
    int64_t run_id;                 /* 0: none */
    uint64_t files;                 /* looked at, and of these: */
    uint64_t files_known, files_refused, files_held, files_unreadable;
    uint64_t files_growing; /* left for later, not counted in files */
    uint64_t files_left;    /* left alone: not ours to read; not counted in files */
    uint64_t batches, batches_loading;
    uint64_t rows_read, rows_rejected, rows_discarded;
    uint64_t jobs, by_state[JOB_STATES];
    struct store_run run;
    struct meter_replies replies; /* of the API, in the order of their counts */
    double learned_per_s;         /* the pace that the API has taught this run; 0: none */
    struct buf next;              /* the exact command that goes on from here, or empty */
};

void tally_begin(struct tally *tally);
void tally_release(struct tally *tally);

void tally_add(struct tally *tally, const struct batch_counts *batch);

/* Jobs that still have to be sent or read back. */
uint64_t tally_left(const struct tally *tally);

int64_t tally_duration_ms(const struct tally *tally);

/* The `summary` line of --json, and of --summary. rate_per_s as --rate has it; 0: none. */
void tally_json(struct tally *tally, const char *command, double rate_per_s, int exit_status,
                struct buf *line);

/* How long `left` requests take at that rate, or at the one that was learned; -1 without any. */
int64_t tally_forecast_ms(const struct tally *tally, uint64_t left, double rate_per_s);

#endif
