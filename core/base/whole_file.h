/* Files that are there as a whole or not at all, whenever somebody reads them, and files without a
 * name. */
#ifndef ROWFERRY_BASE_WHOLE_FILE_H
#define ROWFERRY_BASE_WHOLE_FILE_H

#include "core/base/err.h"
#include "core/base/str.h"

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

/* Puts the text in the place of what is at path: written beside it as PATH.<process>.tmp (O_EXCL),
 * brought to the disk, renamed. mode: whatever the umask. What is there and is no regular file (a
 * device, a link) is left alone, and an error. ERR_CONFIG: `cannot write PATH: ...`; the old file
 * is then as it was. */
bool whole_file_write(const char *path, struct span text, mode_t mode, struct err *err);

/* Writes all of it to the descriptor. False: errno says why. */
bool whole_file_fill(int fd, struct span text);

/* A temporary file without a name, for reading and writing: it is gone with its last descriptor.
 * The caller closes it. NULL with errno. */
FILE *unnamed_file_open(void);

#endif
