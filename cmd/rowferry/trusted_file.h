/* Small files that decide what we do or who we are: whose they are, and who else can reach them. */
#ifndef ROWFERRY_CMD_TRUSTED_FILE_H
#define ROWFERRY_CMD_TRUSTED_FILE_H

#include "core/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Reads a regular file that belongs to the user or root and that nobody else can write, into memory
 * of its own, with a NUL behind it; a byte order mark
 * in front is left out. *missing tells that there is no such file, or only a folder of
 * that name (no error then). *mode: its permissions. ERR_CONFIG with the remedy. */
bool trusted_file_read(const char *path, size_t size_max, char **text, size_t *size, mode_t *mode,
                       bool *missing, struct err *err);

/* False, with ERR_CONFIG and the remedy, when somebody else may read it. what: `holds the client
 * secret` */
bool trusted_file_private(const char *path, mode_t mode, const char *what, struct err *err);

#endif
