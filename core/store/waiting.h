/* The jobs of a batch that are still to be sent, in the order of its file. */
#pragma once

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/str.h"
#include "core/store/store.h"

#include <stdbool.h>
#include <stdint.h>

struct waiting_job {
    int64_t job_id;
    bool has_version; /* false: it is built on the record as it is then */
    bool is_whole;    /* the batch undoes: its fields are all that the record is to hold */
    bool has_others;  /* other rows of the batch have its record */
    int64_t version;
    struct span record_id, fields;
};

/* Calls visit for each such job, whose texts are valid during the visit. It reads some at a time,
 * without a transaction that stays open. ERR_STORE, or what visit fails with. */
bool waiting_jobs(struct store *store, int64_t batch_id,
                  bool (*visit)(void *context, const struct waiting_job *job, struct err *err),
                  void *context, struct err *err);
