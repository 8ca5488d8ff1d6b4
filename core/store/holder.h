/* Who holds a database that SQLite finds locked. */
#ifndef ROWFERRY_STORE_HOLDER_H
#define ROWFERRY_STORE_HOLDER_H

#include <stdbool.h>
#include <stddef.h>

/* Fills out with `process 4711 (sqlite3)`: another process that has the write lock of the database
 * at the path, as /proc/locks tells (proc_locks(5)). Nothing is opened, because closing a file
 * would give up this process's own locks on it (fcntl(2)). False where the system does not tell;
 * out stays as it was. */
bool holder_find(const char *database, char *out, size_t size);

#endif
