#include "core/store/claim_row.h"

#include <stdio.h>

/* Whether the record is read before a job is sent for the first time. */
static bool is_fetched(const struct claim *claim)
{
    if (claim->lock == TARGET_NONE)
        return claim->reads_first;
    return !claim->has_version || claim->reads_first;
}

void claim_row_read(struct db_statement *statement, const struct open_batch *batch,
                    enum db_name fields_name, struct claim *claim)
{
    struct span schema = span_of(batch->schema);
    struct span record_id = db_column_span(statement, DB_RECORD_ID);
    struct span fields = db_column_span(statement, fields_name);
    struct span tags = db_column_span(statement, DB_TAGS);

    claim->job_id = db_column_int64(statement, DB_ID);
    claim->version = db_column_int64(statement, DB_VERSION);
    claim->lock = batch->facts.lock;
    claim->reads_first = batch->facts.reads_first;
    claim->bulk = batch->facts.bulk;
    claim->schema_hash = batch->facts.schema_hash;
    claim->has_version = claim->lock != TARGET_NONE && !db_column_is_null(statement, DB_VERSION);
    claim->is_declared = claim->lock == TARGET_OPAQUE && claim->has_version;
    claim->request = is_fetched(claim) ? REQUEST_FETCH : REQUEST_UPDATE;
    claim->is_first = claim->doubt = claim->refused_token = claim->is_gone = claim->was_there =
        claim->looks_again = claim->is_reopened = claim->is_known = claim->has_base =
            claim->is_copied = claim->has_entry = false;
    claim->seen = claim->page_hash = 0;
    claim->known_id = 0;
    claim->entry_user[0] = claim->own_user[0] = claim->put_error[0] = claim->put_code[0] = '\0';
    buf_reset(&claim->siblings);
    buf_reset(&claim->base);
    claim->token_size = claim->under_size = 0;
    claim->creates = CREATES_NOT;
    claim->attempts = claim->attempts_before = claim->readbacks = claim->run_retries =
        claim->rounds = 0;
    claim->asked_ms = claim->page = claim->shown_version = 0;
    claim->http_status = claim->put_status = 0;
    buf_reset(&claim->text);
    buf_append_span(&claim->text, schema);
    buf_append_span(&claim->text, record_id);
    buf_append_span(&claim->text, fields);
    buf_append_span(&claim->text, tags);
    claim->schema_size = schema.size;
    claim->record_id_size = record_id.size;
    claim->fields_size = fields.size;
    claim->tags_size = tags.size;
}

static void copy_column(struct db_statement *statement, enum db_name name, char *out,
                        size_t out_size)
{
    const char *text = db_column_text(statement, name);

    snprintf(out, out_size, "%s", text ? text : "");
}

/* What the audit log said on the pages before. */
static void read_audit(struct db_statement *statement, struct claim *claim)
{
    claim->is_gone = db_column_is_null(statement, DB_SERVER_VERSION);
    claim->was_there = db_column_int(statement, DB_WAS_THERE);
    claim->is_copied = db_column_int(statement, DB_IS_COPIED);
    claim->shown_version = db_column_int64(statement, DB_SERVER_VERSION);
    copy_column(statement, DB_OWN_USER, claim->own_user, sizeof claim->own_user);
    if (claim->page == 1)
        return;
    claim->seen = (uint64_t)db_column_int64(statement, DB_SEEN);
    claim->page_hash = (uint64_t)db_column_int64(statement, DB_PAGE_HASH);
    claim->has_entry = db_column_int(statement, DB_HAS_ENTRY);
    copy_column(statement, DB_ENTRY_USER, claim->entry_user, sizeof claim->entry_user);
}

/* Whether the row has what an earlier PUT was built on. If that is what was known, and the PUT
 * was never sent, it does not count: more can be known by now. */
static bool is_base_used(struct db_statement *statement)
{
    return !db_column_is_null(statement, DB_BASE_FIELDS) &&
           (db_column_int64(statement, DB_ROUNDS) > 0 ||
            db_column_int64(statement, DB_ATTEMPTS) > 0 || db_column_int(statement, DB_DOUBT));
}

/* Reads what the PUT carries besides its fields. */
static void read_base(struct db_statement *statement, struct claim *claim)
{
    struct span token = db_column_span(statement, DB_BASE_TOKEN);
    struct span under = db_column_span(statement, DB_UNDER);

    claim->has_version = !db_column_is_null(statement, DB_BASE_VERSION);
    claim->version = db_column_int64(statement, DB_BASE_VERSION);
    claim->creates = (unsigned)db_column_int64(statement, DB_CREATES);
    claim->token_size = token.size;
    claim->under_size = under.size;
    buf_append_span(&claim->base, token);
    buf_append_span(&claim->base, under);
    if (claim->lock != TARGET_STEP)
        buf_append_span(&claim->base, db_column_span(statement, DB_FIELDS));
}

/* Reads what comes next for the record: a read-back, a PUT that is built on a
 * fetched record, or a question to the audit log. */
static void read_decisions(struct db_statement *statement, int64_t now_ms, struct claim *claim)
{
    bool has_base = is_base_used(statement);
    bool unknown = span_is(db_column_span(statement, DB_STATE), "unknown");
    int64_t look_ms = now_ms;

    claim->rounds = (unsigned)db_column_int64(statement, DB_ROUNDS);
    if (unknown)
        claim->request = REQUEST_READ_BACK;
    else if (!db_column_is_null(statement, DB_ROUNDS))
        claim->request = has_base ? REQUEST_UPDATE : REQUEST_FETCH;
    if (has_base)
        read_base(statement, claim);
    if (!db_column_is_null(statement, DB_ROUNDS))
        claim->is_declared = claim->is_declared && has_base && !claim->token_size;
    if (!unknown || db_column_is_null(statement, DB_SINCE_MS))
        return;
    claim->request = REQUEST_AUDIT;
    claim->page = db_column_int64(statement, DB_PAGE);
    if (claim->page > 1)
        look_ms = db_column_int64(statement, DB_LOOK_MS);
    look_ms = look_ms < now_ms ? look_ms : now_ms;
    claim->asked_ms = look_ms - db_column_int64(statement, DB_SINCE_MS);
    if ((claim->asked_ahead = claim->asked_ms < 0))
        claim->asked_ms = 0;
    read_audit(statement, claim);
}

/* Reads what earlier claims left. *sent: its PUT is sent as it was before. */
static void read_state(struct db_statement *statement, int64_t run_id, struct claim *claim,
                       bool *sent)
{
    bool same_run = db_column_int64(statement, DB_RUN_ID) == run_id;

    claim->attempts = (unsigned)db_column_int64(statement, DB_ATTEMPTS);
    claim->attempts_before = (unsigned)db_column_int64(statement, DB_ATTEMPTS_BEFORE);
    claim->readbacks = (unsigned)db_column_int64(statement, DB_READBACKS);
    claim->doubt = db_column_int(statement, DB_DOUBT);
    claim->is_reopened = db_column_int(statement, DB_IS_REOPENED);
    claim->run_retries = same_run ? (unsigned)db_column_int64(statement, DB_RUN_RETRIES) : 0;
    claim->http_status = db_column_int(statement, DB_HTTP_STATUS);
    claim->looks_again = db_column_int(statement, DB_LOOKS_AGAIN);
    claim->put_status = db_column_int(statement, DB_PUT_STATUS);
    copy_column(statement, DB_PUT_CODE, claim->put_code, sizeof claim->put_code);
    copy_column(statement, DB_PUT_ERROR, claim->put_error, sizeof claim->put_error);
    claim->refused_token = same_run && claim->http_status == 401;
    *sent = claim->rounds || ((claim->attempts > 0 || claim->doubt) &&
                              !db_column_is_null(statement, DB_SENT_VERSION));
    if (*sent && !claim->rounds) {
        claim->has_version = true;
        claim->version = db_column_int64(statement, DB_SENT_VERSION);
        claim->is_known = db_column_is_null(statement, DB_VERSION);
    }
    if (claim->is_known && db_column_is_null(statement, DB_ROUNDS) &&
        claim->request == REQUEST_FETCH)
        claim->request = REQUEST_UPDATE;
}

void claim_row_read_again(struct db_statement *statement, const struct open_batch *batch,
                          int64_t run_id, int64_t now_ms, struct claim *claim, bool *sent)
{
    claim_row_read(statement, batch, is_base_used(statement) ? DB_BASE_FIELDS : DB_FIELDS, claim);
    claim->has_base = !db_column_is_null(statement, DB_BASE_FIELDS);
    read_decisions(statement, now_ms, claim);
    read_state(statement, run_id, claim, sent);
}
