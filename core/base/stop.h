/* SIGINT, SIGTERM and SIGHUP as a descriptor: the first signal asks to settle and stop, the second
 * ends the process at once. A time limit asks too. */
#pragma once

#include "core/base/err.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/* Blocks these signals and SIGALRM in the calling thread and opens the descriptor. Called before
 * any thread starts, so that all inherit the mask. Ignores SIGIO and SIGXFSZ. */
bool stop_init(struct err *err);

/* Adds the signals that ask to stop: SIGINT, SIGTERM, and SIGHUP unless it is ignored (nohup). */
void stop_add_signals(sigset_t *set);

/* Returns the descriptor for poll(2), readable when a signal waits; -1 before stop_init. */
int stop_fd(void);

/* Asks to stop after ms, more than 0. Called after stop_init. */
void stop_after_ms(int64_t ms);

/* Reads waiting signals. True from the first one on, and after the time limit; calls
 * _exit(128 + signal) at the second signal. Only for the main thread. */
bool stop_requested(void);

/* Returns the last result of stop_requested, in any thread. */
bool stop_noted(void);

/* Returns SIGINT, SIGTERM or SIGHUP, or 0 if there was none, even after the time limit. */
int stop_signal(void);

/* Waits for ms, or until it is to stop; returns stop_requested(). */
bool stop_wait_ms(int ms);
