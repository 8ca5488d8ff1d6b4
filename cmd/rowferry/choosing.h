/* Which jobs a person decides about, and whether it is meant: for commands that change what became
 * of jobs. */
#ifndef ROWFERRY_CMD_CHOOSING_H
#define ROWFERRY_CMD_CHOOSING_H

#include "cmd/rowferry/command.h"

/* Jobs are chosen as arguments, by --batch or by --all, and by one of these alone. Appends the ids
 * (int64_t) of the arguments to job_ids, ascending, each once. ERR_CONFIG. */
bool choosing_read(const struct options *options, struct buf *job_ids, struct err *err);

/* The batch that the first argument names; 0 without one. ERR_CONFIG. */
bool choosing_batch(const struct options *options, int64_t *batch_id, struct err *err);

/* Appends a job as it is named everywhere: `5/812`. */
void choosing_name(struct buf *out, int64_t job_id);

/* Asks `what? [y/N]` on the terminal, unless --yes was given. False: no, or a signal, or nobody to
 * ask; told, and in the exit status. */
bool choosing_confirmed(struct cli *cli, const char *what);

#endif
