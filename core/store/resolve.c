#include "core/store/resolve.h"

#include "core/store/db.h"

enum { RESOLVE_FIND, RESOLVE_REBASE, RESOLVE_CLOSE, RESOLVE_SHOW };

static const char *const sql[] = {
    [RESOLVE_FIND] = "SELECT DISTINCT job_id FROM conflict WHERE resolved_ms IS NULL "
                     "AND job_id > :first_id AND job_id < :end_id ORDER BY job_id",
    /* a fetch comes next, whatever the job was built on before */
    [RESOLVE_REBASE] =
        "INSERT INTO rebase (job_id, rounds) VALUES (:job_id, 0) ON CONFLICT (job_id) "
        "DO UPDATE SET rounds = 0, version = NULL, fields = NULL",
    [RESOLVE_CLOSE] = "UPDATE conflict SET resolution = :resolution, resolved_ms = :now_ms "
                      "WHERE job_id = :job_id AND resolved_ms IS NULL",
    /* whole sides: the view open_conflict has the fields that differ, one a line */
    [RESOLVE_SHOW] =
        "SELECT c.submitted_version, c.server_version, coalesce(b.fields, r.fields) AS ours, "
        "coalesce(c.server_record -> '$.fields', '{}') AS theirs FROM conflict c "
        "JOIN job_row r ON r.id = c.job_id LEFT JOIN rebase b ON b.job_id = c.job_id "
        "WHERE c.job_id = :job_id AND c.resolved_ms IS NULL ORDER BY c.id DESC LIMIT 1",
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

bool resolve_find(struct store *store, int64_t batch_id, struct id_list *job_ids, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_RESOLVES, RESOLVE_FIND, err);

    db_bind_batch(statement, batch_id);
    return db_collect(store, statement, job_ids, err, "look for conflicts");
}

static bool close_conflict(struct store *store, enum resolution resolution,
                           const struct decision *decision, int64_t job_id, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_RESOLVES, RESOLVE_CLOSE, err);

    db_bind_int64(statement, DB_JOB_ID, job_id);
    db_bind_text(statement, DB_RESOLUTION, resolution_name(resolution));
    db_bind_int64(statement, DB_NOW_MS, decision->now_ms);
    return db_run(store, statement, err, "close a conflict");
}

static bool settle_ours(struct store *store, const struct decision *decision,
                        const struct decided *job, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_RESOLVES, RESOLVE_REBASE, err);

    db_bind_int64(statement, DB_JOB_ID, job->job_id);
    return db_run(store, statement, err, "have the record fetched") &&
           close_conflict(store, RESOLVE_OURS, decision, job->job_id, err);
}

static bool settle_theirs(struct store *store, const struct decision *decision,
                          const struct decided *job, struct err *err)
{
    return close_conflict(store, RESOLVE_THEIRS, decision, job->job_id, err);
}

bool resolve_jobs(struct store *store, enum resolution resolution, const struct decision *decision,
                  const struct id_list *job_ids, struct err *err)
{
    struct decision whole = *decision;

    whole.from = 1u << JOB_CONFLICT;
    whole.to = resolutions[resolution].to;
    whole.settle = resolution == RESOLVE_OURS ? settle_ours : settle_theirs;
    return decide_jobs(store, &whole, job_ids, err);
}

void resolve_sides_release(struct resolve_sides *sides)
{
    buf_release(&sides->ours);
    buf_release(&sides->theirs);
}

bool resolve_show(struct store *store, int64_t job_id, struct resolve_sides *sides, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_RESOLVES, RESOLVE_SHOW, err);
    bool row;

    buf_reset(&sides->ours);
    buf_reset(&sides->theirs);
    sides->has_submitted = sides->has_server = false;
    db_bind_int64(statement, DB_JOB_ID, job_id);
    if (!db_step(store, statement, &row, err, "read a conflict"))
        return false;
    if (!row)
        return true;
    sides->has_submitted = !db_column_is_null(statement, DB_SUBMITTED_VERSION);
    sides->has_server = !db_column_is_null(statement, DB_SERVER_VERSION);
    sides->submitted_version = db_column_int64(statement, DB_SUBMITTED_VERSION);
    sides->server_version = db_column_int64(statement, DB_SERVER_VERSION);
    buf_append_span(&sides->ours, db_column_span(statement, DB_OURS));
    buf_append_span(&sides->theirs, db_column_span(statement, DB_THEIRS));
    db_reset(statement);
    return true;
}
