/* What would put back what the records of a batch held before its updates, in the order of the
 * file. */
#pragma once

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/str.h"
#include "core/job/state.h"
#include "core/store/store.h"

#include <stdbool.h>
#include <stdint.h>

/* One job. Of the applied jobs of a record, only the last one is visited: it represents those that
 * the record was updated by in a row, each at the version that the one before it made. Texts are
 * valid during the visit. */
struct undo_job {
    int64_t job_id;
    enum job_state state; /* if it is not JOB_APPLIED, the job changed nothing that is known ... */
    bool unsettled;       /* ... but JOB_FAILED can have */
    struct span record_id;
    bool kept;          /* what the record held before the first of them is known */
    struct span fields; /* ... that, as the server wrote it */
    int64_t version;    /* that the last of them made */
    uint64_t jobs;      /* how many they are */
    uint64_t overtaken; /* earlier applied jobs, before someone else changed the record */
};

struct undo_page {
    int64_t batch_id;
    unsigned states;       /* a set of 1 << state: other jobs are not visited */
    const char *record_id; /* only jobs of this record; NULL: of all */
    uint32_t after; /* the row after which the page begins; then the last one that was read */
    /* *enough: the page ends with this job. */
    bool (*visit)(void *context, const struct undo_job *job, bool *enough, struct err *err);
    void *context;
};

/* Visits the jobs among the next few thousand rows, in one short read transaction. No lock is
 * needed. */
bool undo_next(struct store *store, struct undo_page *page, struct err *err);
