/* The query plan of every statement, and of what people ask the views: no statement that runs for a
 * job or a turn may walk a table that grows, and a plan that changes is looked at by somebody. */
#include "core/store/db.h"
#include "tests/lib/store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

static const char golden_path[] = "tests/golden/query-plans.txt";

static const char *const owners[DB_OWNERS] = {
    [DB_RUNS] = "runs",       [DB_BATCHES] = "batches", [DB_CHUNKS] = "chunks",
    [DB_KEYS] = "keys",       [DB_CLAIMS] = "claims",   [DB_SETTLES] = "settles",
    [DB_TURNS] = "turns",     [DB_SUMMARIES] = "summaries",
};

/* What people ask. */
static const char *const questions[] = {
    "SELECT * FROM job WHERE id = 5000000812",
    "SELECT * FROM job WHERE batch_id = 5 AND state = 'refused'",
    "SELECT count(*) FROM job WHERE batch_id = 5",
    "SELECT state, count(*) FROM job WHERE batch_id = 5 GROUP BY state",
    "SELECT * FROM job_history WHERE record_id = 'WH-1042'",
    "SELECT * FROM job_history WHERE record_id IN ('WH-1042', 'WH-1043')",
    "SELECT * FROM job_history WHERE job_id = 5000000812",
    "SELECT a.* FROM attempt a JOIN job j ON j.id = a.job_id WHERE j.record_id = 'WH-1042'",
    "SELECT * FROM rejection WHERE batch_id = 5",
    "SELECT * FROM batch_summary WHERE batch_id = 5",
    "SELECT * FROM batch_summary",
    "SELECT * FROM run_summary ORDER BY run_id DESC LIMIT 10",
};

/* Every table that has a row for a job, a row of a file, or a request. */
static const char *const growing[] = {"job_row",      "job_state", "record_job", "attempt",
                                      "rejected_row", "violation", "conflict",   "server_violation"};

static void tell_plan(sqlite3 *db, const char *sql, struct buf *out)
{
    char *explain = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", sql);
    sqlite3_stmt *statement;

    if (sqlite3_prepare_v2(db, explain, -1, &statement, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sqlite3_errmsg(db), sql);
    while (sqlite3_step(statement) == SQLITE_ROW)
        buf_printf(out, "    %s\n", (const char *)sqlite3_column_text(statement, 3));
    sqlite3_finalize(statement);
    sqlite3_free(explain);
}

/* All statements and their plans, as the golden file has them. */
static void tell_plans(struct fixture *fixture, struct buf *out)
{
    buf_printf(out, "SQLite %.4s\n", sqlite3_libversion());
    for (unsigned owner = 0; owner < DB_OWNERS; owner++) {
        const struct db_statements *statements = db_statements_of((enum db_owner)owner);

        for (unsigned i = 0; i < statements->count; i++) {
            buf_printf(out, "\n%s %u: %s\n", owners[owner], i, statements->sql[i]);
            tell_plan(fixture->store->db, statements->sql[i], out);
        }
    }
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
        buf_printf(out, "\nquestion: %s\n", questions[i]);
        tell_plan(fixture->eye, questions[i], out);
    }
}
