/* Who holds a database that SQLite finds locked. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Fills out with `process 4711 (sqlite3)`: another process that has the write lock of the database
 * at the path, by /proc/locks (proc_locks(5)). Opens no file of the database, because closing it
 * would release this process's own locks on it (fcntl(2)). Returns false, and leaves out as it was,
 * where /proc/locks does not show it. */
bool holder_find(const char *database, char *out, size_t size);
