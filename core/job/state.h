/* The states of jobs and of batches. These lists are the only ones: enumerators, names, counters,
 * SQL, options and completions are made from them. */
#pragma once

#include <stdbool.h>

/* A list makes its entries with two macros of (ENUMERATOR, name): FIRST makes the first one, and
 * NEXT each of the others, so that it can begin with what separates two entries. */

/* clang-format off */
#define JOB_OPEN_LIST(FIRST, NEXT)                                                                 \
    FIRST(PENDING,  pending)    /* waiting to be sent, perhaps not before a time */                \
    NEXT(SENDING,   sending)    /* committed as sent before the request left */                    \
    NEXT(UNKNOWN,   unknown)    /* sent, no answer; read back before anything else is sent */

#define JOB_ENDED_LIST(FIRST, NEXT)                                                                \
    FIRST(APPLIED,  applied)    /* the server has our update */                                    \
    NEXT(UNCHANGED, unchanged)  /* the record held these values already */                       \
    NEXT(CONFLICT,  conflict)   /* someone else changed the record */                              \
    NEXT(REFUSED,   refused)    /* the server rejected this row */                                 \
    NEXT(FAILED,    failed)     /* gave up after --max-attempts */                                 \
    NEXT(DISMISSED, dismissed)  /* a conflict settled in favour of the server */                   \
    NEXT(CANCELLED, cancelled)  /* withdrawn before it was sent */

#define JOB_STATE_LIST(FIRST, NEXT) JOB_OPEN_LIST(FIRST, NEXT) JOB_ENDED_LIST(NEXT, NEXT)

/* Sets that statements ask for; the partial indexes of the database name two of them. */
#define JOB_DUE_LIST(FIRST, NEXT)       FIRST(PENDING, pending) NEXT(UNKNOWN, unknown)
#define JOB_LANDED_LIST(FIRST, NEXT)    FIRST(APPLIED, applied) NEXT(UNCHANGED, unchanged)
#define JOB_RETRIABLE_LIST(FIRST, NEXT) FIRST(FAILED, failed) NEXT(REFUSED, refused)

#define BATCH_STATE_LIST(FIRST, NEXT)                                                              \
    FIRST(LOADING,  loading)    /* its file is being read */                                       \
    NEXT(OPEN,      open)       /* has jobs to send */                                             \
    NEXT(DONE,      done)       /* has no job in an open state */                                  \
    NEXT(REFUSED,   refused)    /* its file was refused as a whole */

#define BATCH_UNFINISHED_LIST(FIRST, NEXT) FIRST(LOADING, loading) NEXT(OPEN, open)
#define BATCH_READ_LIST(FIRST, NEXT)       FIRST(OPEN, open) NEXT(DONE, done)
#define BATCH_ENDED_LIST(FIRST, NEXT)      FIRST(DONE, done) NEXT(REFUSED, refused)
/* clang-format on */

#define JOB_ENTRY(state, name)   JOB_##state,
#define BATCH_ENTRY(state, name) BATCH_##state,

enum job_state { JOB_STATE_LIST(JOB_ENTRY, JOB_ENTRY) JOB_STATES };
enum batch_state { BATCH_STATE_LIST(BATCH_ENTRY, BATCH_ENTRY) BATCH_STATES };

/* A list as a set of bits 1 << state. */
#define JOB_BIT(state, name)    1u << JOB_##state
#define JOB_OR_BIT(state, name) | 1u << JOB_##state
#define JOB_SET(LIST)           (LIST(JOB_BIT, JOB_OR_BIT))

/* What a job asks the API when it is claimed. */
enum job_request {
    REQUEST_UPDATE,    /* PUT */
    REQUEST_READ_BACK, /* GET of the record, after an ambiguous PUT or a 409 */
    REQUEST_AUDIT,     /* GET of the audit log, where the record has moved on since */
    REQUEST_FETCH,     /* GET of the record that the PUT is to be built on */
};

/* The name in the database and in everything public. */
const char *job_state_name(enum job_state state);
const char *batch_state_name(enum batch_state state);

/* Returns false when name is not that of a state. */
bool job_state_parse(const char *name, enum job_state *state);
bool batch_state_parse(const char *name, enum batch_state *state);

/* Whether a job can go from one state to the other. A job that is claimed again while it waits for
 * a read-back goes from `unknown` to itself; one that is put off, from `pending` to itself. */
bool job_state_can_move(enum job_state from, enum job_state to);

/* The state in which a claimed job is while the API has not answered. A fetch leaves it pending: a
 * job whose fetch ends it passes through `sending`. */
enum job_state job_state_of_request(enum job_request request);

/* Whether a drain still has to work on such a job. */
static inline bool job_state_is_open(enum job_state state)
{
    return JOB_SET(JOB_OPEN_LIST) & 1u << state;
}
