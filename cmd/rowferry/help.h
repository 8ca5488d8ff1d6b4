/* The texts of --help, made from the tables of commands and options. */
#pragma once

#include "cmd/rowferry/cli.h"

void help_program(struct buf *out);
void help_command(const struct command *command, struct buf *out);

/* Appends what an option does, with its variables and its default. */
void help_option(const struct option *option, struct buf *out);
