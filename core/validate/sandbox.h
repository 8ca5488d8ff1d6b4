/* The sandbox for rules: an SQLite connection without data that can evaluate expressions and do
 * nothing else. */
#pragma once

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/row/row.h"

#include <stdbool.h>

struct sqlite3;
struct sqlite3_stmt;

/* The only table that can be read. */
#define SANDBOX_TABLE "\001"

enum { SANDBOX_SQL_MAX = 4 << 20 /* bytes of one statement */ };

struct sandbox {
    struct sqlite3 *db;
    const struct row_shape *shape; /* its properties are the columns of the table */
    bool *named;                   /* per property: a statement named it since this was cleared */
    bool reads_clock;              /* a statement uses a function that can depend on the time */
    unsigned selects_left;         /* while a statement is prepared */
    unsigned ticks;                /* of the progress handler; set to 0 before each evaluation */
    char refusal[200];             /* the reason of the authorizer */
};

/* Opens an empty database in memory with a limit on the depth of expressions; tables can be created
 * until sandbox_lock. ERR_INTERNAL on error; the caller calls sandbox_close in any case. */
bool sandbox_open(struct sandbox *sandbox, int depth_max, struct err *err);
void sandbox_close(struct sandbox *sandbox);

/* Allows only queries from now on, of expressions over the columns of the table. sandbox.c
 * lists the functions. */
void sandbox_lock(struct sandbox *sandbox, const struct row_shape *shape);

/* Prepares one statement with that many SELECTs, for sqlite3_finalize; NULL if SQLite or the
 * sandbox refuses it. */
struct sqlite3_stmt *sandbox_prepare(struct sandbox *sandbox, struct buf *sql, unsigned selects);

/* Returns the reason of the last refusal; valid until the next call. */
const char *sandbox_objection(const struct sandbox *sandbox);
