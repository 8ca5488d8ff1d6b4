/* A temporary folder of a test's own, and children that a test watches. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { SCRATCH_SIZE = 256 };

/* Makes a folder under ${TMPDIR:-/tmp}; its path goes to folder. */
void scratch_make(char folder[SCRATCH_SIZE]);

/* Removes it with all it holds. */
void scratch_remove(const char *folder);

/* Replaces the file at the path. */
void scratch_write(const char *path, const void *bytes, size_t size);

/* Writes folder/NAME.json: a schema file with these properties and these settings, both the members
 * of a JSON object. */
void scratch_schema(const char *folder, const char *name, const char *properties,
                    const char *settings);

/* Reads a whole file, terminated; the caller frees it. NULL where there is none. */
char *scratch_read(const char *path);

/* fork(2), of a child that ends with this process at the latest. */
pid_t scratch_fork(void);

/* Waits for the child's end: its exit status, or minus the signal that ended it. */
int scratch_join(pid_t child);
