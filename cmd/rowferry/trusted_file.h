/* Small files that rowferry obeys or that hold secrets: it checks their owner and permissions. */
#pragma once

#include "core/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Reads a regular file that belongs to the user or root and that nobody else can write. *text is
 * the caller's, ends with a NUL and has no byte order mark. *missing: there is no such file, or it
 * is a folder, which is not an error. *mode: its permissions. ERR_CONFIG with the remedy. */
bool trusted_file_read(const char *path, size_t size_max, char **text, size_t *size, mode_t *mode,
                       bool *missing, struct err *err);

/* Checks that nobody else can read the file; ERR_CONFIG with the remedy. what: `has the client
 * secret`. */
bool trusted_file_private(const char *path, mode_t mode, const char *what, struct err *err);
