/* The order of a record's jobs: which earlier one a job waits for, and what it carries on from. */
#include "core/store/exchange.h"
#include "core/store/intake.h"

enum { ORDER_LATEST, ORDER_EARLIER, ORDER_CHAIN };

static const char *const sql[] = {
    [ORDER_LATEST] = "SELECT max(job_id) AS latest_id FROM record_job WHERE record_id = :record_id "
                     "AND job_id >= :first_id "
                     "AND job_id < :job_id",
    [ORDER_EARLIER] =
        "SELECT k.job_id FROM record_job k "
        "LEFT JOIN job_state s ON s.job_id = k.job_id "
        "WHERE k.record_id = :record_id AND k.job_id >= :first_id AND k.job_id < :job_id "
        "AND coalesce(s.state, 'pending') IN ('pending', 'sending', 'unknown') "
        "ORDER BY k.job_id DESC",
    [ORDER_CHAIN] =
        "SELECT (SELECT r.version FROM record_job k JOIN job_row r ON r.id = k.job_id "
        "WHERE k.record_id = :record_id AND k.job_id > :first_id AND k.job_id < :job_id ORDER BY "
        "k.job_id LIMIT 1) AS first_version, "
        "(SELECT s.server_version FROM record_job k JOIN job_state s ON s.job_id = k.job_id "
        "WHERE k.record_id = :record_id AND k.job_id > :first_id AND k.job_id < :job_id "
        "AND s.state IN ('applied', 'unchanged') ORDER BY k.job_id DESC LIMIT 1) AS "
        "returned_version",
};

const struct db_statements order_statements = {sql, sizeof sql / sizeof *sql};

static struct db_statement *get(struct turn *turn, unsigned index, struct err *err)
{
    return db_get(turn->store, DB_ORDERS, index, err);
}

static void bind_earlier(struct turn *turn, struct db_statement *statement,
                         const struct claim *claim)
{
    db_bind_span(statement, DB_RECORD_ID, claim_record_id(claim));
    db_bind_int64(statement, DB_FIRST_ID, turn->open->items[0].id * JOB_ROWS);
    db_bind_int64(statement, DB_JOB_ID, claim->job_id);
}

/* The latest earlier job of the record, in whatever state; 0: none. */
static bool find_latest(struct turn *turn, const struct claim *claim, int64_t *latest,
                        struct err *err)
{
    struct db_statement *statement = get(turn, ORDER_LATEST, err);
    bool row;

    if (!statement)
        return false;
    bind_earlier(turn, statement, claim);
    if (!db_step(turn->store, statement, &row, err, "look for earlier jobs"))
        return false;
    *latest = db_column_int64(statement, DB_LATEST_ID);
    db_reset(statement);
    return true;
}

bool order_find_earlier(struct turn *turn, const struct claim *claim, int64_t *waits_for,
                        bool *chained, struct err *err)
{
    struct db_statement *statement = get(turn, ORDER_EARLIER, err);
    int64_t latest;

    if (!statement || !find_latest(turn, claim, &latest, err))
        return false;
    *waits_for = 0;
    *chained = latest / JOB_ROWS == turn->batch->id;
    if (!latest)
        return true;
    bind_earlier(turn, statement, claim);
    while (!*waits_for) {
        const struct open_batch *batch;
        int64_t job_id;
        bool row;

        if (!db_step(turn->store, statement, &row, err, "look for earlier open jobs"))
            return false;
        if (!row)
            return true;
        job_id = db_column_int64(statement, DB_JOB_ID);
        batch = open_batches_find(turn->open, job_id / JOB_ROWS);
        if (batch && strcmp(batch->schema, turn->batch->schema) == 0)
            *waits_for = job_id;
    }
    db_reset(statement);
    return true;
}

bool order_chain_version(struct turn *turn, struct claim *claim, struct err *err)
{
    struct db_statement *statement = get(turn, ORDER_CHAIN, err);
    bool row;

    if (!statement)
        return false;
    db_bind_span(statement, DB_RECORD_ID, claim_record_id(claim));
    db_bind_int64(statement, DB_FIRST_ID, turn->batch->id * JOB_ROWS);
    db_bind_int64(statement, DB_JOB_ID, claim->job_id);
    if (!db_step(turn->store, statement, &row, err, "look for earlier versions"))
        return false;
    if (row && !db_column_is_null(statement, DB_FIRST_VERSION) &&
        !db_column_is_null(statement, DB_RETURNED_VERSION)) {
        int64_t first = db_column_int64(statement, DB_FIRST_VERSION);
        int64_t returned = db_column_int64(statement, DB_RETURNED_VERSION);

        if (claim->version >= first && claim->version <= returned)
            claim->version = returned;
    }
    db_reset(statement);
    return true;
}
