/* The table of commands. Each is defined in the file of its name. */
#pragma once

#include "cmd/rowferry/cli.h"

enum { PATHS_MANY = 1000000 };

/* In the order of --help; the last has no name. */
extern const struct command commands[];

/* By name; NULL: there is none, and *nearest is what may have been meant, or NULL. */
const struct command *command_find(const char *name, const char **nearest);

void command_run(struct cli *cli);
void command_ingest(struct cli *cli);
void command_drain(struct cli *cli);
void command_audit(struct cli *cli);
void command_validate(struct cli *cli);
void command_status(struct cli *cli);
void command_history(struct cli *cli);
void command_resolve(struct cli *cli);
void command_retry(struct cli *cli);
void command_cancel(struct cli *cli);
void command_doctor(struct cli *cli);
void command_export(struct cli *cli);
void command_diff(struct cli *cli);
void command_prune(struct cli *cli);
void command_backup(struct cli *cli);
void command_forward(struct cli *cli);
void command_listen(struct cli *cli);
