/* Compares rows with the records that they would update: reads, and sends nothing. */
#pragma once

#include "core/base/err.h"
#include "core/base/str.h"
#include "core/store/store.h"
#include "core/target/kind.h"

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct diff;

struct diff_row {
    struct span schema, record_id, fields;
    bool has_version; /* false: it is built on the record */
    bool is_whole;    /* of `export --undo`: its fields are all that the record is to hold */
    bool has_others;  /* there can be other rows of its record */
    int64_t version;
    int64_t source; /* the file or batch: rows of one record are chained only within it */
    uint64_t row_no;
};

enum diff_verdict {
    DIFF_UPDATE,
    DIFF_UNCHANGED, /* the record holds these values */
    DIFF_MISSING,   /* there is no such record */
    DIFF_CONFLICT,  /* the record has another version, or what would be sent breaks a rule */
    DIFF_UNREAD,    /* the record could not be read */
    DIFF_VERDICTS
};

/* Texts are valid during the visit. */
struct difference {
    const struct diff_row *row;
    enum diff_verdict verdict;
    int64_t version;          /* of the record; -1: unknown */
    struct span ours, theirs; /* JSON objects: what the update would carry, and what the record
                                 holds; both empty if it is missing or was not read */
    const char *why;          /* of DIFF_CONFLICT and DIFF_UNREAD */
};

struct diff_options {
    bool read; /* read every record, also those that are known */
    /* Gives all rows to diff_add, in their order. */
    bool (*feed)(void *context, struct diff *diff, struct err *err);
    /* Called for each row, in their order. */
    bool (*visit)(void *context, const struct difference *difference, struct err *err);
    void *context;
    uint64_t rows; /* how many there are, for the progress; 0: unknown */
};

/* Checks that rows of a batch can be compared with what their schema file says now. False with
 * ERR_CONFIG as rebase_batch_target. */
bool diff_check(struct diff *diff, struct span schema, const struct target_parts *parts,
                struct err *err);

/* Takes a row; returns when there is room for the next one. Other rows are compared meanwhile.
 * False: the reading stops; then err is set, but for a signal or a pause that is too long. */
bool diff_add(struct diff *diff, const struct diff_row *row, struct err *err);

/* Inside core/drain only: compares the rows of options->diff of the loop. What a GET shows is kept
 * as known where the schema file asks for that. Errors as drain_run; ERR_BUSY if a drain begins. */
bool diff_run(struct loop *loop, struct store *store, struct err *err);
