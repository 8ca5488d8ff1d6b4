#include "core/job/state.h"

#include <string.h>

#define TO(state) (1u << (state))

static const struct {
    const char *name;
    unsigned next; /* set of TO(state) */
} states[JOB_STATES] = {
    [JOB_PENDING] = {"pending",
                     TO(JOB_PENDING) | TO(JOB_SENDING) | TO(JOB_UNCHANGED) | TO(JOB_CANCELLED)},
    [JOB_SENDING] = {"sending", TO(JOB_APPLIED) | TO(JOB_UNCHANGED) | TO(JOB_CONFLICT) |
                                    TO(JOB_REFUSED) | TO(JOB_PENDING) | TO(JOB_UNKNOWN)},
    [JOB_UNKNOWN] = {"unknown", TO(JOB_UNKNOWN) | TO(JOB_APPLIED) | TO(JOB_UNCHANGED) |
                                    TO(JOB_CONFLICT) | TO(JOB_REFUSED) | TO(JOB_PENDING) |
                                    TO(JOB_FAILED)},
    [JOB_APPLIED] = {"applied", 0},
    [JOB_UNCHANGED] = {"unchanged", 0},
    [JOB_CONFLICT] = {"conflict", TO(JOB_PENDING) | TO(JOB_DISMISSED)},
    [JOB_REFUSED] = {"refused", TO(JOB_PENDING)},
    [JOB_FAILED] = {"failed", TO(JOB_PENDING) | TO(JOB_UNKNOWN)},
    [JOB_DISMISSED] = {"dismissed", 0},
    [JOB_CANCELLED] = {"cancelled", 0},
};

const char *job_state_name(enum job_state state)
{
    return states[state].name;
}

bool job_state_parse(const char *name, enum job_state *state)
{
    for (unsigned i = 0; i < JOB_STATES; i++) {
        if (strcmp(states[i].name, name) == 0) {
            *state = (enum job_state)i;
            return true;
        }
    }
    return false;
}

bool job_state_can_move(enum job_state from, enum job_state to)
{
    return states[from].next & TO(to);
}

enum job_state job_state_of_request(enum job_request request)
{
    static const enum job_state held[] = {
        [REQUEST_UPDATE] = JOB_SENDING,
        [REQUEST_READ_BACK] = JOB_UNKNOWN,
        [REQUEST_AUDIT] = JOB_UNKNOWN,
        [REQUEST_FETCH] = JOB_PENDING,
    };

    return held[request];
}

bool job_state_is_open(enum job_state state)
{
    return state == JOB_PENDING || state == JOB_SENDING || state == JOB_UNKNOWN;
}
