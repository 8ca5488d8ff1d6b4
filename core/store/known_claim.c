#include "core/store/known_claim.h"

#include "core/store/before.h"
#include "core/store/db.h"

#include <stdlib.h>

enum { KNOWN_BASE, KNOWN_NO_BASE, KNOWN_SKIP_FRESH, KNOWN_SKIP_AGAIN };

static const char *const sql[] = {
    [KNOWN_BASE] = "INSERT INTO rebase (job_id, rounds, version, fields) "
                   "VALUES (:job_id, 0, :version, :fields) ON CONFLICT (job_id) "
                   "DO UPDATE SET version = excluded.version, fields = excluded.fields",
    [KNOWN_NO_BASE] = "DELETE FROM rebase WHERE job_id = :job_id",
    [KNOWN_SKIP_FRESH] =
        "INSERT INTO job_state (job_id, state, run_id, server_version, updated_ms) "
        "VALUES (:job_id, 'unchanged', :run_id, :version, :now_ms)",
    [KNOWN_SKIP_AGAIN] =
        "UPDATE job_state SET state = 'unchanged', run_id = :run_id, server_version = :version, "
        "updated_ms = :now_ms, not_before_ms = NULL, waits_for = NULL, http_status = NULL, "
        "error_code = NULL, error_message = NULL WHERE job_id = :job_id",
};

const struct db_statements known_claim_statements = {sql, sizeof sql / sizeof *sql};

static struct db_statement *get(struct store *store, unsigned index, const struct claim *claim,
                                struct err *err)
{
    struct db_statement *statement = db_get(store, DB_KNOWN_CLAIMS, index, err);

    db_bind_int64(statement, DB_JOB_ID, claim->job_id);
    return statement;
}

/* Puts other fields into the claim's texts. */
static void replace_fields(struct claim *claim, struct span fields)
{
    size_t begin = claim->schema_size + claim->record_id_size;
    struct buf tags = {0};

    buf_append_span(&tags, claim_tags(claim));
    claim->text.size = begin;
    buf_append_span(&claim->text, fields);
    buf_append_span(&claim->text, buf_span(&tags));
    claim->fields_size = fields.size;
    buf_release(&tags);
}

/* Stores what the PUT carries, unless that is what the row has. An earlier claim, whose PUT was
 * never sent, may have left other fields. */
static bool write_base(struct store *store, struct claim *claim, struct span fields,
                       bool was_stored, struct err *err)
{
    struct db_statement *statement;

    if (span_equal(fields, claim_fields(claim)))
        return !was_stored || db_run(store, get(store, KNOWN_NO_BASE, claim, err), err,
                                     "forget what a PUT was built on");
    statement = get(store, KNOWN_BASE, claim, err);
    db_bind_int64(statement, DB_VERSION, claim->version);
    db_bind_span(statement, DB_FIELDS, fields);
    if (!db_run(store, statement, err, "store what a PUT is built on"))
        return false;
    replace_fields(claim, fields);
    return true;
}

/* Keeps what a GET has shown as what the job's PUT replaces. */
static bool keep_known(struct store *store, int64_t job_id, const struct known *known,
                       struct err *err)
{
    struct before *before = before_pack(buf_span(&known->fields));
    bool fine = before_write(store, job_id, known->version, before, err);

    free(before);
    return fine;
}

bool known_claim_use(struct store *store, const struct known_decider *decider, struct claim *claim,
                     int64_t now_ms, struct known *known, enum known_use *use, struct err *err)
{
    struct span fields = {0};

    *use = KNOWN_FETCH;
    if (!known_find_next(store, claim_schema(claim), claim_record_id(claim), known, err))
        return false;
    if (!known->is_known)
        return true;
    if (!decider->decide(decider->context, claim, known, now_ms, use, &fields, err))
        return false;
    if (*use == KNOWN_SEND && claim->keeps_before && known->source != KNOWN_BY_GET)
        *use = KNOWN_FETCH;
    if (*use != KNOWN_SEND)
        return true;
    if (claim->keeps_before && !keep_known(store, claim->job_id, known, err))
        return false;
    claim->request = REQUEST_UPDATE;
    claim->is_known = true;
    claim->has_version = true;
    claim->version = known->version;
    claim->known_id = known->id;
    return write_base(store, claim, fields, claim->has_base, err);
}

bool known_claim_skip(struct store *store, const struct claim *claim, const struct known *known,
                      bool fresh, int64_t run_id, int64_t now_ms, struct err *err)
{
    struct db_statement *statement =
        get(store, fresh ? KNOWN_SKIP_FRESH : KNOWN_SKIP_AGAIN, claim, err);

    db_bind_int64(statement, DB_RUN_ID, run_id);
    db_bind_known(statement, DB_VERSION, known->has_version, known->version);
    db_bind_int64(statement, DB_NOW_MS, now_ms);
    return db_run(store, statement, err, "skip a job");
}

/* Whether somebody else made the record that a fetch shows another than was known of it: what is
 * known was refuted by a 409, or it differs. */
static bool find_drift(struct store *store, const struct known_decider *decider,
                       const struct claim *claim, bool *drifted, struct err *err)
{
    struct known known = {0};
    bool fine;

    *drifted = claim->is_known && !claim->outcome.shows_ours;
    if (claim->is_known || claim->outcome.shows_ours)
        return true;
    fine = known_find(store, claim_schema(claim), claim_record_id(claim), &known, err);
    if (fine && known.is_known && known.has_version)
        *drifted = known.version != claim->outcome.server_version;
    else if (fine && known.is_known)
        *drifted = !decider->same(buf_span(&known.fields), buf_span(&claim->record));
    buf_release(&known.fields);
    return fine;
}

static bool learn_shown(struct store *store, const struct known_decider *decider,
                        const struct claim *claim, int64_t now_ms, bool *drifted, struct err *err)
{
    bool is_put = claim->request == REQUEST_UPDATE;
    const struct known_sight sight = {
        .schema = claim_schema(claim),
        .record_id = claim_record_id(claim),
        .source = is_put ? KNOWN_BY_PUT : KNOWN_BY_GET,
        .version = claim->outcome.server_version,
        /* an update replaces all fields (docs/api.md) */
        .fields = claim->record.size ? buf_span(&claim->record) : claim_fields(claim),
        .known_id = claim->is_known ? claim->known_id : 0,
        .asked_ms = claim->claimed_ms,
    };

    return (claim->request != REQUEST_FETCH || claim->rounds ||
            find_drift(store, decider, claim, drifted, err)) &&
           known_learn(store, &sight, now_ms, err);
}

bool known_claim_learn(struct store *store, const struct known_decider *decider,
                       const struct claim *claim, int64_t now_ms, bool *drifted, struct err *err)
{
    const struct claim_outcome *outcome = &claim->outcome;
    struct span schema = claim_schema(claim), record_id = claim_record_id(claim);

    *drifted = false;
    if (outcome->untouched || claim->request == REQUEST_AUDIT)
        return true;
    if (outcome->shows_record)
        return learn_shown(store, decider, claim, now_ms, drifted, err);
    if (outcome->doubt || outcome->http_status == 404)
        return known_forget(store, schema, record_id,
                            claim->request == REQUEST_UPDATE ? KNOWN_BY_PUT : KNOWN_BY_GET, now_ms,
                            err);
    return claim->request != REQUEST_UPDATE || outcome->http_status != 409 ||
           known_refute(store, schema, record_id, claim->version, now_ms, err);
}
