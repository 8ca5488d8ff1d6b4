/* Rows on their way from a file into the tables, many in one transaction. */
#pragma once

#include "core/store/batches.h"

/* One row of a chunk. Offsets into chunk.text; size 0 means NULL for tags and record_id of a
 * reject. */
struct intake_row {
    uint32_t row_no;
    uint64_t line_no;
    bool has_version;
    int64_t version;
    size_t record_id, record_id_size;
    size_t fields, fields_size;
    size_t tags, tags_size;
};

struct intake_reject {
    uint32_t row_no;
    uint64_t line_no;
    size_t record_id, record_id_size;
    size_t raw, raw_size;
    size_t first_violation, violation_count; /* in chunk.violations */
};

struct intake_violation {
    size_t field, field_size;
    size_t rule, rule_size;
    size_t message, message_size;
};

/* Rows on their way into the database, in one transaction. Filled by one thread, inserted by
 * another; zeroed means empty. */
struct intake_chunk {
    struct intake_row *rows;
    size_t row_count, row_capacity;
    struct intake_reject *rejects;
    size_t reject_count, reject_capacity;
    struct intake_violation *violations;
    size_t violation_count, violation_capacity;
    struct buf text;
    struct batch_progress progress; /* after the last row of this chunk; rejected is not read */
};

void intake_chunk_release(struct intake_chunk *chunk);
void intake_chunk_reset(struct intake_chunk *chunk);
struct intake_row *intake_chunk_add_row(struct intake_chunk *chunk);
struct intake_reject *intake_chunk_add_reject(struct intake_chunk *chunk);
struct intake_violation *intake_chunk_add_violation(struct intake_chunk *chunk);

/* Step 2: inserts a chunk and the progress after it, in one transaction. ERR_BUSY if another
 * process has written the same rows or ended the batch. */
bool batch_load(struct store *store, int64_t batch_id, const struct intake_chunk *chunk,
                struct err *err);
