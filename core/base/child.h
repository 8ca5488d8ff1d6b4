/* A command of the operator's, run by the shell, with a text on its standard input and an end in
 * sight. */
#ifndef ROWFERRY_BASE_CHILD_H
#define ROWFERRY_BASE_CHILD_H

#include "core/base/err.h"
#include "core/base/str.h"

#include <stdint.h>

enum { CHILD_GRACE_MS = 5000 }; /* between SIGTERM and SIGKILL for one that is cut */

struct child_order {
    const char *command; /* for /bin/sh -c */
    struct span input;   /* standard input, as a file: who does not read it harms nobody */
    char *const *environment;
    int64_t timeout_ms;
};

enum child_end {
    CHILD_EXITED,    /* status: its exit status */
    CHILD_KILLED,    /* status: the signal that ended it */
    CHILD_TIMED_OUT, /* it was cut at timeout_ms */
    CHILD_STOPPED,   /* it was cut because we were asked to stop; status: by which signal */
};

struct child_result {
    enum child_end end;
    int status;
};

/* Runs the command in a process group of its own and waits for it; its output goes to our standard
 * error. It starts with all signals at their defaults. Cut is the whole group. The signals
 * that ask to stop are to be blocked (stop_init), and only this function sees them meanwhile.
 * ERR_CONFIG: it could not be started. */
bool child_run(const struct child_order *order, struct child_result *result, struct err *err);

#endif
