/* The states of a job, and which may follow which: one table. */
#ifndef ROWFERRY_JOB_STATE_H
#define ROWFERRY_JOB_STATE_H

#include <stdbool.h>

enum job_state {
    JOB_PENDING,   /* waiting to be sent, perhaps not before a time */
    JOB_SENDING,   /* committed as sent before the request left */
    JOB_UNKNOWN,   /* sent, no answer; read back before anything else is sent */
    JOB_APPLIED,   /* the server has our update */
    JOB_UNCHANGED, /* these values were there already, by a GET */
    JOB_CONFLICT,  /* someone else changed the record */
    JOB_REFUSED,   /* the server rejected this row */
    JOB_FAILED,    /* gave up after --max-attempts */
    JOB_DISMISSED, /* a conflict settled in favour of the server */
    JOB_CANCELLED, /* withdrawn before it was sent */
    JOB_STATES,
};

/* What a job asks the API when it is claimed. */
enum job_request {
    REQUEST_UPDATE,    /* PUT */
    REQUEST_READ_BACK, /* GET of the record, after an ambiguous PUT or a 409 */
    REQUEST_AUDIT,     /* GET of the audit log, where the record has moved on since */
    REQUEST_FETCH,     /* GET of the record that the PUT is to be built on */
};

/* As the database and everything public spells it. */
const char *job_state_name(enum job_state state);

/* False when name is no state. */
bool job_state_parse(const char *name, enum job_state *state);

/* May a job go from one to the other? A job that is claimed again while it waits for a read-back
 * goes from `unknown` to itself; the same holds for `pending` that is put off. */
bool job_state_can_move(enum job_state from, enum job_state to);

/* The state in which a claimed job is while the API has not answered. A fetch leaves it pending: a
 * job whose fetch ends it passes through `sending`. */
enum job_state job_state_of_request(enum job_request request);

/* True for what a drain still has to work on: pending, sending, unknown. */
bool job_state_is_open(enum job_state state);

#endif
