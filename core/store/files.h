/* The files of the database as SQLite's layer for files sees them: SQLite writes them page by page,
 * and a system call for each page costs more than the page. */
#pragma once

/* Returns the name of an sqlite3_vfs that does what the default one does with fewer and larger
 * writes, for sqlite3_open_v2. Not for two threads at once before it was called once. */
const char *files_vfs(void);
