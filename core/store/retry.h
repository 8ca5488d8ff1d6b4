/* Jobs that failed or were refused, and that a person has sent again. */
#ifndef ROWFERRY_STORE_RETRY_H
#define ROWFERRY_STORE_RETRY_H

#include "core/base/buf.h"
#include "core/store/decide.h"

/* Which jobs. */
struct retry_choice {
    int64_t batch_id;      /* 0: of every batch */
    unsigned states;       /* bits 1 << state, of failed and refused */
    int64_t since_ms;      /* whose last change is not before that moment; 0: whenever it was */
    const char *record_id; /* NULL: of every record */
};

/* Appends the ids of the jobs in one of those states, ascending. */
bool retry_find(struct store *store, const struct retry_choice *choice, struct id_list *job_ids,
                struct err *err);

/* Has them sent again, or read back where a request may have landed: decide_jobs with this
 * decision. What the server said of their fields is forgotten, for it is said anew or not; what
 * stood on a fetched record is built on a new fetch. */
bool retry_jobs(struct store *store, const struct decision *decision, const struct id_list *job_ids,
                struct err *err);

#endif
