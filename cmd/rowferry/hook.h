/* --on-failure: the operator's command that hears of a run that did not end with 0. */
#ifndef ROWFERRY_CMD_HOOK_H
#define ROWFERRY_CMD_HOOK_H

#include "cmd/rowferry/report.h"

/* Runs it by the shell, with the summary on its standard input, ROWFERRY_EXIT_STATUS in its
 * environment, and no secret; what it writes goes to stderr. A minute is all it has. What goes
 * wrong with it is told, and changes no exit status. */
void hook_run(struct report *report, const char *command, struct span summary, int exit_status);

#endif
