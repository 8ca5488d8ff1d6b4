#include "core/store/checkpointer.h"

#include "core/base/mem.h"
#include "core/store/db.h"
#include "core/store/files.h"

#include <stdlib.h>

struct checkpointer {
    sqlite3 *db;
};

struct checkpointer *checkpointer_open(const struct store *store)
{
    struct checkpointer *checkpointer = mem_calloc(1, sizeof *checkpointer);

    /* a connection knows of the log once it has read the file */
    if (sqlite3_open_v2(store->path, &checkpointer->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
                        files_vfs()) == SQLITE_OK)
        sqlite3_exec(checkpointer->db, "PRAGMA schema_version", NULL, NULL, NULL);
    return checkpointer;
}

void checkpointer_close(struct checkpointer *checkpointer)
{
    if (!checkpointer)
        return;
    sqlite3_close(checkpointer->db);
    free(checkpointer);
}

void checkpointer_run(struct checkpointer *checkpointer)
{
    sqlite3_wal_checkpoint_v2(checkpointer->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}
