/* A shell command of the operator, with a text on its standard input and a time limit. */
#pragma once

#include "core/base/err.h"
#include "core/base/str.h"

#include <stdint.h>

enum { CHILD_GRACE_MS = 5000 }; /* between SIGTERM and SIGKILL */

struct child_order {
    const char *command; /* for /bin/sh -c */
    struct span input;   /* standard input, as a file, so that it need not be read */
    char *const *environment;
    int64_t timeout_ms;
};

enum child_end {
    CHILD_EXITED,    /* status: its exit status */
    CHILD_KILLED,    /* status: the signal that ended it */
    CHILD_TIMED_OUT, /* it was ended after timeout_ms */
    CHILD_STOPPED,   /* it was ended because a signal asked to stop; status: the signal */
};

struct child_result {
    enum child_end end;
    int status;
};

/* Runs the command in its own process group and waits for it; its output goes to standard error. It
 * starts with all signals at their defaults. Ends the whole group at the time limit. The signals
 * that ask to stop must be blocked (stop_init), and only this function sees them meanwhile.
 * ERR_CONFIG: it could not be started. */
bool child_run(const struct child_order *order, struct child_result *result, struct err *err);
