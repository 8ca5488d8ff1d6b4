/* SIGINT and SIGTERM as a descriptor: the first asks to settle and stop, the second ends the
 * process at once. */
#ifndef ROWFERRY_BASE_STOP_H
#define ROWFERRY_BASE_STOP_H

#include "core/base/err.h"

#include <stdbool.h>

/* Blocks both signals in the calling thread and opens the descriptor; before any thread starts,
 * so that all inherit the mask. */
bool stop_init(struct err *err);

/* The descriptor, readable when a signal waits, for poll(2) loops; -1 before stop_init. */
int stop_fd(void);

/* Takes waiting signals. True from the first one on; at the second it calls _exit(128 + signal).
 * Only the main thread calls it. */
bool stop_requested(void);

/* SIGINT, SIGTERM, or 0 while none came. */
int stop_signal(void);

/* Waits until ms have passed or a signal comes; returns stop_requested(). */
bool stop_wait_ms(int ms);

#endif
