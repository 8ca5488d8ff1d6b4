/* SIGINT, SIGTERM and SIGHUP as a descriptor: the first asks to settle and stop, the second ends
 * the process at once. The end of a given time asks too. */
#ifndef ROWFERRY_BASE_STOP_H
#define ROWFERRY_BASE_STOP_H

#include "core/base/err.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/* Blocks these signals, and that of the clock (SIGALRM), in the calling thread and opens the
 * descriptor; before any thread starts, so that all inherit the mask. Ignores SIGIO and
 * SIGXFSZ. */
bool stop_init(struct err *err);

/* Adds the signals that ask to stop: SIGINT, SIGTERM, and SIGHUP unless it is ignored (nohup). */
void stop_add_signals(sigset_t *set);

/* The descriptor, readable when a signal waits, for poll(2) loops; -1 before stop_init. */
int stop_fd(void);

/* Asks to stop when ms, more than 0, have passed. After stop_init. */
void stop_after_ms(int64_t ms);

/* Takes waiting signals. True from the first one on, and when the time is over; at the second
 * signal it calls _exit(128 + signal). Only the main thread calls it. */
bool stop_requested(void);

/* What stop_requested said last, for any thread. */
bool stop_noted(void);

/* SIGINT, SIGTERM, SIGHUP, or 0 while none came, be the time over or not. */
int stop_signal(void);

/* Waits until ms have passed or stopping is asked for; returns stop_requested(). */
bool stop_wait_ms(int ms);

#endif
