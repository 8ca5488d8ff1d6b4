#include "core/store/first_claims.h"

#include "core/store/db.h"

/* Rows of one INSERT: begun and ended once, it costs two thirds of what one at a time does. */
enum { AT_ONCE = 16, STATE_PARAMETERS = 3, ATTEMPT_PARAMETERS = 2 };

/* The run and the time are those of all rows. Of the other parameters those of the first row have
 * names, and those of the others have the places after them. */
#define STATE                                                                                      \
    "INSERT INTO job_state (run_id, updated_ms, state, attempts, job_id, sent_version, "           \
    "correlation_id) VALUES (:run_id, :now_ms, 'sending', 1, :job_id, :version, :correlation_id)"
#define ATTEMPT                                                                                    \
    "INSERT INTO attempt (run_id, started_ms, method, job_id, sent_version) "                      \
    "VALUES (:run_id, :now_ms, 'PUT', :job_id, :version)"
#define NEXT_STATE     ",(:run_id,:now_ms,'sending',1,?,?,?)"
#define NEXT_ATTEMPT   ",(:run_id,:now_ms,'PUT',?,?)"
#define TIMES_5(text)  text text text text text
#define TIMES_15(text) TIMES_5(text) TIMES_5(text) TIMES_5(text)

enum { FIRST_STATE, FIRST_STATES, FIRST_ATTEMPT, FIRST_ATTEMPTS };

static const char *const sql[] = {
    [FIRST_STATE] = STATE,
    [FIRST_STATES] = STATE TIMES_15(NEXT_STATE),
    [FIRST_ATTEMPT] = ATTEMPT,
    [FIRST_ATTEMPTS] = ATTEMPT TIMES_15(NEXT_ATTEMPT),
};

const struct db_statements first_claim_statements = {sql, sizeof sql / sizeof *sql};

/* Binds what all rows have in common, and the places of the first. */
static struct db_statement *begin(struct store *store, unsigned index, int64_t run_id,
                                  int64_t now_ms, struct err *err)
{
    struct db_statement *statement = db_get(store, DB_FIRST_CLAIMS, index, err);

    statement->shift = 0;
    db_bind_int64(statement, DB_RUN_ID, run_id);
    db_bind_int64(statement, DB_NOW_MS, now_ms);
    return statement;
}

/* count: 1 or AT_ONCE. */
static bool write_some(struct store *store, struct claim **claims, unsigned count, int64_t run_id,
                       int64_t now_ms, struct err *err)
{
    struct db_statement *state =
        begin(store, count > 1 ? FIRST_STATES : FIRST_STATE, run_id, now_ms, err);
    struct db_statement *attempt =
        begin(store, count > 1 ? FIRST_ATTEMPTS : FIRST_ATTEMPT, run_id, now_ms, err);
    int64_t last_id;

    for (unsigned i = 0; i < count; i++) {
        const struct claim *claim = claims[i];

        state->shift = (int)i * STATE_PARAMETERS;
        db_bind_int64(state, DB_JOB_ID, claim->job_id);
        db_bind_known(state, DB_VERSION, claim->has_version, claim->version);
        db_bind_blob(state, DB_CORRELATION_ID, claim->correlation, sizeof claim->correlation);
        attempt->shift = (int)i * ATTEMPT_PARAMETERS;
        db_bind_int64(attempt, DB_JOB_ID, claim->job_id);
        db_bind_known(attempt, DB_VERSION, claim->has_version, claim->version);
    }
    if (!db_run(store, state, err, "claim jobs") || !db_run(store, attempt, err, "begin attempts"))
        return false;
    /* one after another, because nobody else inserts in between */
    last_id = sqlite3_last_insert_rowid(store->db);
    for (unsigned i = 0; i < count; i++) {
        claims[i]->attempt_id = last_id - count + 1 + i;
        claims[i]->claimed_ms = now_ms;
    }
    return true;
}

bool first_claims_write(struct store *store, struct claim **claims, unsigned count, int64_t run_id,
                        int64_t now_ms, struct err *err)
{
    unsigned size;

    for (unsigned done = 0; done < count; done += size) {
        size = count - done >= AT_ONCE ? AT_ONCE : 1;
        if (!write_some(store, claims + done, size, run_id, now_ms, err))
            return false;
    }
    return true;
}
