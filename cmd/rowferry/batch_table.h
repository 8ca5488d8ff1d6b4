/* The table of batches that people see: a line a batch, and only columns that hold something. */
#ifndef ROWFERRY_CMD_BATCH_TABLE_H
#define ROWFERRY_CMD_BATCH_TABLE_H

#include "core/base/buf.h"
#include "core/store/summary.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    BATCH_TABLE_LINES = 20, /* more are summed up in one line */
    BATCH_TABLE_NUMBERS = 3 + JOB_STATES,
};

struct batch_line {
    int64_t id;
    char state[16];
    bool ended; /* done or refused */
    char *source;
    uint64_t numbers[BATCH_TABLE_NUMBERS]; /* rows read, rejected, discarded; jobs by state */
};

/* Zeroed means empty. Where there are more batches than lines, those stay that have not ended, and
 * the newest of the others. */
struct batch_table {
    unsigned limit; /* of lines, where a screen has no room for more; 0: BATCH_TABLE_LINES */
    struct batch_line lines[BATCH_TABLE_LINES];
    unsigned shown; /* of lines */
    uint64_t count;
    int64_t last_summed_id; /* of what is summed up */
    uint64_t summed[BATCH_TABLE_NUMBERS];
    uint64_t all[BATCH_TABLE_NUMBERS];
};

/* A batch with a higher id than those before. */
void batch_table_add(struct batch_table *table, const struct batch_counts *batch);
void batch_table_release(struct batch_table *table);

/* Appends the table. columns: the width of the terminal, which shortens names; 0: no limit. */
void batch_table_print(const struct batch_table *table, unsigned columns, struct buf *out);

/* Appends the members of a JSON line about a batch. */
void batch_members(const struct batch_counts *batch, struct buf *line);

#endif
