#include "core/store/resolve.h"

#include "core/store/db.h"
#include "core/store/intake.h"

enum { RESOLVE_FIND, RESOLVE_REBASE, RESOLVE_CLOSE, RESOLVE_SHOW };

static const char *const sql[] = {
    [RESOLVE_FIND] = "SELECT DISTINCT job_id FROM conflict WHERE resolved_ms IS NULL "
                     "AND job_id > ?1 AND job_id < ?2 ORDER BY job_id",
    /* a fetch comes next, whatever the job was built on before */
    [RESOLVE_REBASE] = "INSERT INTO rebase (job_id, rounds) VALUES (?1, 0) ON CONFLICT (job_id) "
                       "DO UPDATE SET rounds = 0, version = NULL, fields = NULL",
    [RESOLVE_CLOSE] = "UPDATE conflict SET resolution = ?2, resolved_ms = ?3 "
                      "WHERE job_id = ?1 AND resolved_ms IS NULL",
    /* whole sides: the view open_conflict has the fields that differ, one a line */
    [RESOLVE_SHOW] = "SELECT c.submitted_version, c.server_version, coalesce(b.fields, r.fields), "
                     "coalesce(c.server_record -> '$.fields', '{}') FROM conflict c "
                     "JOIN job_row r ON r.id = c.job_id LEFT JOIN rebase b ON b.job_id = c.job_id "
                     "WHERE c.job_id = ?1 AND c.resolved_ms IS NULL ORDER BY c.id DESC LIMIT 1",
};

const struct db_statements resolve_statements = {sql, sizeof sql / sizeof *sql};

static const struct {
    const char *name;
    enum job_state to;
} resolutions[] = {
    [RESOLVE_OURS] = {"ours", JOB_PENDING},
    [RESOLVE_THEIRS] = {"theirs", JOB_DISMISSED},
};

const char *resolution_name(enum resolution resolution)
{
    return resolutions[resolution].name;
}

bool resolve_find(struct store *store, int64_t batch_id, struct buf *job_ids, struct err *err)
{
    sqlite3_stmt *statement = db_get(store, DB_RESOLVES, RESOLVE_FIND, err);
    bool row = true;

    if (!statement)
        return false;
    sqlite3_bind_int64(statement, 1, batch_id * JOB_ROWS);
    sqlite3_bind_int64(statement, 2, batch_id ? (batch_id + 1) * JOB_ROWS : INT64_MAX);
    while (row) {
        if (!db_step(store, statement, &row, err, "look for conflicts"))
            return false;
        if (row) {
            int64_t job_id = sqlite3_column_int64(statement, 0);

            buf_append(job_ids, (const char *)&job_id, sizeof job_id);
        }
    }
    return true;
}

static bool close_conflict(struct store *store, enum resolution resolution,
                           const struct decision *decision, int64_t job_id, struct err *err)
{
    sqlite3_stmt *statement = db_get(store, DB_RESOLVES, RESOLVE_CLOSE, err);

    if (!statement)
        return false;
    sqlite3_bind_int64(statement, 1, job_id);
    db_bind_text(statement, 2, resolution_name(resolution));
    sqlite3_bind_int64(statement, 3, decision->now_ms);
    return db_run(store, statement, err, "close a conflict");
}

static bool settle_ours(struct store *store, const struct decision *decision,
                        const struct decided *job, struct err *err)
{
    sqlite3_stmt *statement = db_get(store, DB_RESOLVES, RESOLVE_REBASE, err);

    if (!statement)
        return false;
    sqlite3_bind_int64(statement, 1, job->job_id);
    return db_run(store, statement, err, "have the record fetched") &&
           close_conflict(store, RESOLVE_OURS, decision, job->job_id, err);
}

static bool settle_theirs(struct store *store, const struct decision *decision,
                          const struct decided *job, struct err *err)
{
    return close_conflict(store, RESOLVE_THEIRS, decision, job->job_id, err);
}

bool resolve_jobs(struct store *store, enum resolution resolution, const struct decision *decision,
                  const int64_t *job_ids, size_t count, struct err *err)
{
    struct decision whole = *decision;

    whole.from = 1u << JOB_CONFLICT;
    whole.to = resolutions[resolution].to;
    whole.settle = resolution == RESOLVE_OURS ? settle_ours : settle_theirs;
    return decide_jobs(store, &whole, job_ids, count, err);
}

void resolve_sides_release(struct resolve_sides *sides)
{
    buf_release(&sides->ours);
    buf_release(&sides->theirs);
}

bool resolve_show(struct store *store, int64_t job_id, struct resolve_sides *sides, struct err *err)
{
    sqlite3_stmt *statement = db_get(store, DB_RESOLVES, RESOLVE_SHOW, err);
    bool row;

    if (!statement)
        return false;
    buf_reset(&sides->ours);
    buf_reset(&sides->theirs);
    sides->has_submitted = sides->has_server = false;
    sqlite3_bind_int64(statement, 1, job_id);
    if (!db_step(store, statement, &row, err, "read a conflict"))
        return false;
    if (!row)
        return true;
    sides->has_submitted = sqlite3_column_type(statement, 0) != SQLITE_NULL;
    sides->has_server = sqlite3_column_type(statement, 1) != SQLITE_NULL;
    sides->submitted_version = sqlite3_column_int64(statement, 0);
    sides->server_version = sqlite3_column_int64(statement, 1);
    buf_append_span(&sides->ours, db_column_span(statement, 2));
    buf_append_span(&sides->theirs, db_column_span(statement, 3));
    sqlite3_reset(statement);
    return true;
}
