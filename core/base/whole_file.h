/* Files that are replaced as a whole, and files without a name. */
#pragma once

#include "core/base/err.h"
#include "core/base/str.h"

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

/* Replaces the file at path: writes PATH.<process>.tmp next to it (O_EXCL), syncs it and renames
 * it. mode: independent of the umask. ERR_CONFIG: `cannot write PATH: ...`, also if path exists and
 * is not a regular file (a device, a link); the old file is then unchanged. */
bool whole_file_write(const char *path, struct span text, mode_t mode, struct err *err);

/* Writes the whole text to the descriptor. False with errno. */
bool whole_file_fill(int fd, struct span text);

/* Opens a temporary file without a name, which disappears when it is closed. NULL with errno. */
FILE *unnamed_file_open(void);
