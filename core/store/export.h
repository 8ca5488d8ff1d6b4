/* The rows of a batch with their outcomes, in the order of the file. */
#pragma once

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/str.h"
#include "core/job/state.h"
#include "core/store/store.h"
#include "core/target/kind.h"

#include <stdbool.h>
#include <stdint.h>

/* A set of 1 << state, and this bit for rows that never became jobs. */
enum { EXPORT_REJECTED = 1 << JOB_STATES, EXPORT_ALL = (EXPORT_REJECTED << 1) - 1 };

/* What has to be known of a batch before its rows are written. Release the texts. */
struct export_batch {
    struct buf schema, format; /* terminated */
    struct buf columns;
    struct target_parts parts; /* of its record ids; the text is that of columns */
    struct buf header;         /* as batch_set_header kept it; empty: there was none */
    uint32_t rows;             /* no row has a higher number */
    uint64_t rejected;
    bool keeps_before; /* what its records held before is stored */
    bool undoes;       /* its rows are of `export --undo` */
};

void export_batch_release(struct export_batch *batch);

/* ERR_CONFIG: there is no such batch. */
bool export_batch(struct store *store, int64_t batch_id, struct export_batch *batch,
                  struct err *err);

/* A number that may be NULL in the database. */
struct export_number {
    bool known;
    int64_t value;
};

/* Texts are valid during the visit. */
struct export_row {
    bool rejected;
    uint32_t row_no;
    enum job_state state; /* of a job */
    struct span record_id;
    struct export_number version, http_status, server_version;
    struct span fields, tags; /* of a job */
    struct span raw;          /* of a rejected row: the bytes of the file */
    struct span error_code;
    struct span audit; /* verdict; of a job that was looked up in the audit log */
    struct span error; /* of a rejected row: every violation; of a refused job: also the server's */
    int64_t attempts;  /* also those before a retry */
    int64_t updated_ms;
};

struct export_page {
    int64_t batch_id;
    unsigned states;
    const char *record_id; /* only rows of this record; NULL: of all */
    uint32_t after; /* the row after which the page begins; then the last one that was read */
    /* *enough: the page ends with this row. */
    bool (*visit)(void *context, const struct export_row *row, bool *enough, struct err *err);
    void *context;
};

/* Visits the wanted rows among the next few thousand, in one short read transaction, so that a slow
 * reader of the output delays nobody. No lock is needed. */
bool export_next(struct store *store, struct export_page *page, struct err *err);
