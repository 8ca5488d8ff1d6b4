/* The table of batches that people see: a line a batch, and only columns that hold something. */
#ifndef ROWFERRY_CMD_BATCH_TABLE_H
#define ROWFERRY_CMD_BATCH_TABLE_H

#include "core/base/buf.h"
#include "core/store/summary.h"

#include <stdint.h>

enum {
    BATCH_TABLE_LINES = 20, /* the newest of them; older ones are summed up in one line */
    BATCH_TABLE_NUMBERS = 3 + JOB_STATES,
};

struct batch_line {
    int64_t id;
    char state[16];
    char *source;
    uint64_t numbers[BATCH_TABLE_NUMBERS]; /* rows read, rejected, discarded; jobs by state */
};

/* Zeroed means empty. lines is a ring: batch n of the visit lies at n % BATCH_TABLE_LINES. */
struct batch_table {
    struct batch_line lines[BATCH_TABLE_LINES];
    uint64_t count;
    uint64_t older[BATCH_TABLE_NUMBERS];
    uint64_t all[BATCH_TABLE_NUMBERS];
};

void batch_table_add(struct batch_table *table, const struct batch_counts *batch);
void batch_table_release(struct batch_table *table);

/* Appends the table. columns: the width of the terminal, which shortens names; 0: no limit. */
void batch_table_print(const struct batch_table *table, unsigned columns, struct buf *out);

#endif
