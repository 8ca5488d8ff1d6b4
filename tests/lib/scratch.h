/* A temporary folder of a test's own, and children that a test watches. */
#pragma once

#include "core/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { SCRATCH_SIZE = 256 };

/* Makes a folder under ${TMPDIR:-/tmp}; its path goes to folder. */
void scratch_make(char folder[SCRATCH_SIZE]);

/* Removes it with all it holds. */
void scratch_remove(const char *folder);

/* A folder for one test: cmocka's setup makes it, and sets *state to it; teardown removes it. */
struct scratch {
    char folder[SCRATCH_SIZE];
    char database[SCRATCH_SIZE + 16], index[SCRATCH_SIZE + 32]; /* paths at which nothing is yet */
    char expected[ERR_TEXT_SIZE];
    int first_free; /* descriptor, as it is to be at the end */
};

int scratch_begin(void **state);
int scratch_end(void **state);

/* Replaces the file at the path. */
void scratch_write(const char *path, const void *bytes, size_t size);

/* Writes folder/NAME.json: a schema file with these properties and these settings, both the members
 * of a JSON object. */
void scratch_schema(const char *folder, const char *name, const char *properties,
                    const char *settings);

/* Reads a whole file, terminated; the caller frees it. NULL where there is none. */
char *scratch_read(const char *path);

/* The lowest descriptor that is free. After a test it is the one of before, if all that was opened
 * meanwhile is closed. */
int scratch_free_descriptor(void);

/* fork(2), of a child that ends with this process at the latest. */
pid_t scratch_fork(void);

/* Waits for the child's end: its exit status, or minus the signal that ended it. */
int scratch_join(pid_t child);
