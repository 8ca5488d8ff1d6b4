/* What people decide about jobs that no drain has in hand: which of them can move, and the moves,
 * in bounded transactions. No lock is needed: a drain can run at the same time. */
#pragma once

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/str.h"
#include "core/job/id.h"
#include "core/job/state.h"
#include "core/store/store.h"

#include <stdbool.h>
#include <stdint.h>

/* What a decision did to a job. */
enum decide_end {
    DECIDE_MOVED,      /* or would be, in a rehearsal */
    DECIDE_NO_JOB,     /* there is none of that id */
    DECIDE_UNFIT,      /* it is in a state that the decision is not about */
    DECIDE_SUPERSEDED, /* a later job of its record is applied, unchanged, or on its way there */
    DECIDE_SENT,       /* it was to be withdrawn, but was sent or is in hand */
    DECIDE_ENDS,
};

struct decided {
    int64_t job_id;
    enum decide_end end;
    enum job_state state; /* before the decision */
    enum job_state to;    /* after it: unknown where it is pending, and a request may have landed */
    int64_t later_id;     /* of DECIDE_SUPERSEDED: the latest such job */
    enum job_state later_state;
    struct span schema, record_id; /* valid during the visit; empty: there is no job */
};

struct decision {
    bool even_if_superseded; /* pending again though a later job of the record was sent */
    bool rehearsed;          /* nothing is written */
    int64_t now_ms;
    int64_t hold_us; /* after which a transaction ends with the job at hand; 0: 20 ms */
    /* Called for each job, in order, after its transaction is committed. */
    bool (*visit)(void *context, const struct decided *decided, struct err *err);
    void *context;

    /* Filled by resolve_jobs and the like, not by the command: the states that the decision is
     * about (bits 1 << state), the one it leads to, and what else to write in the same transaction.
     */
    unsigned from;
    enum job_state to;
    bool (*settle)(struct store *store, const struct decision *decision, const struct decided *job,
                   struct err *err);
};

/* Moves the jobs that can move. Those that become pending or unknown are due now, and have all
 * attempts again. Opens their batches again, or makes them done where nothing is left. Jobs that
 * wait for one that is withdrawn are due. job_ids: ascending, each once. Jobs that were visited
 * stay moved after a later failure; ERR_STOPPED: a signal came between two transactions. */
bool decide_jobs(struct store *store, const struct decision *decision,
                 const struct id_list *job_ids, struct err *err);

/* Inside core/store only: makes due what waits for one of the jobs from first to last. */
bool decide_wake(struct store *store, int64_t first, int64_t last, int64_t now_ms, struct err *err);

/* How a person settles a conflict: for our row, which is merged into the record as it is now, or
 * for theirs. */
enum resolution {
    RESOLVE_OURS,   /* pending: the next drain fetches the record and merges our fields into it */
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
    bool has_submitted, has_server; /* of versions */
    bool is_gone;                   /* the server does not have the record any more */
    int64_t submitted_version, server_version;
    struct buf token, server_token; /* of a lock that is not a version; or empty */
    struct buf ours, theirs;        /* the fields, as JSON objects; empty where nothing waits */
};

bool resolve_show(struct store *store, int64_t job_id, struct resolve_sides *sides,
                  struct err *err);
void resolve_sides_release(struct resolve_sides *sides);

/* Jobs that failed or were refused, and that a person has sent again: which jobs. */
struct retry_choice {
    int64_t batch_id;      /* 0: of every batch */
    unsigned states;       /* bits 1 << state, of failed and refused */
    int64_t since_ms;      /* whose last change is not before that moment; 0: whenever it was */
    const char *record_id; /* NULL: of every record */
};

/* Appends the ids of the jobs in one of those states, ascending. */
bool retry_find(struct store *store, const struct retry_choice *choice, struct id_list *job_ids,
                struct err *err);

/* Has them sent again, or read back if a request may have been applied: decide_jobs with this
 * decision. Deletes what the server said about their fields. What was built on a fetched record is
 * built on a new fetch. */
bool retry_jobs(struct store *store, const struct decision *decision, const struct id_list *job_ids,
                struct err *err);
