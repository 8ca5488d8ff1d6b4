/* The sandbox that rules run in: an SQLite connection that holds nothing and may do next to
 * nothing.
 */
#ifndef ROWFERRY_VALIDATE_SANDBOX_H
#define ROWFERRY_VALIDATE_SANDBOX_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/row/row.h"

#include <stdbool.h>

struct sqlite3;
struct sqlite3_stmt;

/* The one table that may be read: a name that no rule will think of, because the table is not there
 * any more when rows are checked. */
#define SANDBOX_TABLE "\001"

enum { SANDBOX_SQL_MAX = 4 << 20 /* bytes of one statement */ };

struct sandbox {
    struct sqlite3 *db;
    const struct row_shape *shape; /* whose properties are columns of SANDBOX_TABLE, or NULL */
    bool *named;                   /* per property: a statement named it since this was cleared */
    unsigned selects_left;         /* while a statement is prepared */
    unsigned ticks;                /* of the progress handler; set to 0 before each evaluation */
    char refusal[200];             /* why the authorizer said no */
};

/* An empty database in memory with a limit on the depth of expressions; its tables can still be
 * made. False with ERR_INTERNAL; sandbox_close is due in any case. */
bool sandbox_open(struct sandbox *sandbox, int depth_max, struct err *err);
void sandbox_close(struct sandbox *sandbox);

/* From here on only queries can be prepared, of expressions over parameters and, with a shape, over
 * the columns of SANDBOX_TABLE. Functions are those of the list in sandbox.c. */
void sandbox_lock(struct sandbox *sandbox, const struct row_shape *shape);

/* Prepares exactly one statement of as many SELECTs, for sqlite3_finalize; NULL where SQLite or the
 * door objects. */
struct sqlite3_stmt *sandbox_prepare(struct sandbox *sandbox, struct buf *sql, unsigned selects);

/* What the objection was; valid until the next call. */
const char *sandbox_objection(const struct sandbox *sandbox);

#endif
