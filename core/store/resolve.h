/* Conflicts that a person settles: for our row, which is laid over the record anew, or for theirs.
 */
#ifndef ROWFERRY_STORE_RESOLVE_H
#define ROWFERRY_STORE_RESOLVE_H

#include "core/base/buf.h"
#include "core/store/decide.h"

enum resolution {
    RESOLVE_OURS,   /* pending: the next drain fetches the record and lays our fields over it */
    RESOLVE_THEIRS, /* dismissed */
};

/* `ours` or `theirs`, as options, texts and conflict.resolution spell it. */
const char *resolution_name(enum resolution resolution);

/* Appends the ids of the jobs whose conflict waits for a decision, ascending. batch_id 0:
 * of every batch. */
bool resolve_find(struct store *store, int64_t batch_id, struct id_list *job_ids, struct err *err);

/* Settles the conflicts of those jobs: decide_jobs with this decision. */
bool resolve_jobs(struct store *store, enum resolution resolution, const struct decision *decision,
                  const struct id_list *job_ids, struct err *err);

/* The two sides of a conflict that waits. Zeroed means ready; used again for one job after the
 * other. */
struct resolve_sides {
    bool has_submitted, has_server; /* a server that names no version: the record is gone */
    int64_t submitted_version, server_version;
    struct buf ours, theirs; /* the fields, as JSON objects; empty where nothing waits */
};

bool resolve_show(struct store *store, int64_t job_id, struct resolve_sides *sides,
                  struct err *err);
void resolve_sides_release(struct resolve_sides *sides);

#endif
