/* A file system of SQLite's in front of the real one, whose n-th write fails. */
#pragma once

#include <stdbool.h>

/* Makes it the one that new connections use; once in a process. */
void fault_vfs_install(void);

/* The n-th write, truncation or sync from now on (1: the next) ends with SQLite's code; with
 * `stays`, so does every later one. */
void fault_vfs_arm(unsigned n, int code, bool stays);

/* From now on nothing fails. True when something did since fault_vfs_arm. */
bool fault_vfs_disarm(void);
