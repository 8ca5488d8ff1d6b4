/* The exit statuses (README.md#exit-status): which error means which, and which of several wins. */
#pragma once

#include "core/base/err.h"

#include <stdbool.h>
#include <stddef.h>

enum exit_status {
    EXIT_DONE = 0,
    EXIT_INTERNAL = 1,
    EXIT_CONFIG = 2,
    EXIT_ROWS = 3,
    EXIT_LIMIT = 4,
    EXIT_INCOMPLETE = 5,
    EXIT_AUTH = 6,
    EXIT_BUSY = 7,
    EXIT_STORE = 8,
    EXIT_SIGHUP = 129,
    EXIT_SIGINT = 130,
    EXIT_SIGTERM = 143,
};

/* Returns the status that an error ends the command with. ERR_STOPPED takes a waiting signal;
 * without one, --max-time is over. Only the main thread calls it. */
int exit_of(enum err_kind kind);

/* Returns the kind as the error lines of --json have it. */
const char *exit_kind_name(enum err_kind kind);

/* Returns the one of two statuses that wins. */
int exit_combine(int a, int b);

/* Returns the meaning of a status, for --help and `status`. */
const char *exit_meaning(int status);

/* Reads the statuses in the order of their numbers, for --help. Returns false after the last. */
bool exit_listed(size_t index, int *status);
