#include "core/job/state.h"

#include "core/base/str.h"

#define NAME(state, name) #name,

static const char *const job_names[] = {JOB_STATE_LIST(NAME, NAME)};
static const char *const batch_names[] = {BATCH_STATE_LIST(NAME, NAME)};

#define TO(state) (1u << JOB_##state)

/* The life of a job. A line leads from the states at its ends to those at its arrowheads; lines
 * that meet at a + are one. tests/unit/state_test.c compares the picture with the table and with
 * docs/design.md.
 *
 *                   +-------------------------------------------------------+
 *  a row is         |                                                       |
 *  accepted ---+    |                                                       |
 *              v    v                                                       |
 *  +------> [ pending ] -----------> [ cancelled ]                          |
 *  |          |  |   |                                                      |
 *  |          |  |   +----------------------+  fetched: it has these values |
 *  +----------+  |                          v                               |
 *  |     claimed |               +---> [ unchanged ]                        |
 *  |             v               |                                          |
 *  +------- [ sending ] ---------+---> [ applied ]                          |
 *  | not         |               |                     resolved, for ours   |
 *  | applied     | no answer,    +---> [ conflict ] ------------------------+
 *  |             | or killed     |          |                               |
 *  |             v               |          | resolved, for theirs          |
 *  +------- [ unknown ] ---------+          v                               |
 *           ^ |  |  ^            |     [ dismissed ]                        |
 *           +-+  |  |            |                     retried              |
 *     read again |  |            +---> [ refused ] -------------------------+
 *                |  |                                                       |
 *       too many |  | retried, a PUT                                        |
 *       attempts v  | may have landed                  retried              |
 *           [ failed ] -----------------------------------------------------+
 */
static const unsigned moves[JOB_STATES] = {
    [JOB_PENDING] = TO(PENDING) | TO(SENDING) | TO(UNCHANGED) | TO(CANCELLED),
    [JOB_SENDING] =
        TO(PENDING) | TO(UNKNOWN) | TO(APPLIED) | TO(UNCHANGED) | TO(CONFLICT) | TO(REFUSED),
    [JOB_UNKNOWN] = TO(PENDING) | TO(UNKNOWN) | TO(APPLIED) | TO(UNCHANGED) | TO(CONFLICT) |
                    TO(REFUSED) | TO(FAILED),
    [JOB_CONFLICT] = TO(PENDING) | TO(DISMISSED),
    [JOB_REFUSED] = TO(PENDING),
    [JOB_FAILED] = TO(PENDING) | TO(UNKNOWN),
};

const char *job_state_name(enum job_state state)
{
    return job_names[state];
}

const char *batch_state_name(enum batch_state state)
{
    return batch_names[state];
}

bool job_state_parse(const char *name, enum job_state *state)
{
    size_t i = span_index(span_of(name), job_names, JOB_STATES);

    if (i < JOB_STATES)
        *state = (enum job_state)i;
    return i < JOB_STATES;
}

bool batch_state_parse(const char *name, enum batch_state *state)
{
    size_t i = span_index(span_of(name), batch_names, BATCH_STATES);

    if (i < BATCH_STATES)
        *state = (enum batch_state)i;
    return i < BATCH_STATES;
}

bool job_state_can_move(enum job_state from, enum job_state to)
{
    return moves[from] & 1u << to;
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
