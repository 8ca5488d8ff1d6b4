/* Secrets: from the environment or a file that others cannot read, wiped after use. */
#pragma once

#include "cmd/rowferry/options.h"

#include <sys/types.h>

/* Reads the secret into *secret, the caller's until secret_release; NULL if none is set. ERR_CONFIG
 * names the file, its mode and the remedy. No error text has the secret. */
bool secret_read(const struct options *options, enum option_id id, char **secret, struct err *err);
void secret_release(char *secret);

/* Whether the value of the setting is the path of a file. */
bool secret_is_file(const struct options *options, enum option_id id);

/* Whether a file with that mode is read by nobody else; a credential of a systemd service may be
 * root's. what: `holds a secret`. ERR_CONFIG with the remedy. */
bool secret_file_is_private(const char *path, mode_t mode, const char *what, struct err *err);
