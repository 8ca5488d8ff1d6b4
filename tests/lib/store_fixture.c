#include "tests/lib/store_fixture.h"

#include "core/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

static void open_store(struct fixture *fixture)
{
    bool created;

    fixture->store = store_open(fixture->path, STORE_CREATE, &created, &fixture->err);
    if (!fixture->store)
        fail_msg("%s", fixture->err.text);
}

int fixture_begin(void **state)
{
    struct fixture *fixture = mem_calloc(1, sizeof *fixture);

    fixture->first_free = scratch_free_descriptor();
    scratch_make(fixture->folder);
    snprintf(fixture->path, sizeof fixture->path, "%s/test.db", fixture->folder);
    open_store(fixture);
    assert_int_equal(sqlite3_open_v2(fixture->path, &fixture->eye, SQLITE_OPEN_READWRITE, NULL),
                     SQLITE_OK);
    fixture->run_id = FIXTURE_RUN;
    fixture->now_ms = FIXTURE_NOW_MS;
    fixture->max_retries = 3;
    for (unsigned i = 0; i < FIXTURE_CLAIMS; i++)
        fixture->idle[fixture->idle_count++] = &fixture->claims[FIXTURE_CLAIMS - 1 - i];
    *state = fixture;
    return 0;
}

int fixture_end(void **state)
{
    struct fixture *fixture = *state;

    if (fixture->store)
        fixture_check_idle(fixture);
    store_close(fixture->store);
    assert_int_equal(sqlite3_close(fixture->eye), SQLITE_OK);
    assert_int_equal(scratch_free_descriptor(), fixture->first_free);
    for (unsigned i = 0; i < FIXTURE_CLAIMS; i++)
        claim_release(&fixture->claims[i]);
    buf_release(&fixture->said);
    buf_release(&fixture->answer);
    scratch_remove(fixture->folder);
    free(fixture);
    return 0;
}

void fixture_reopen(struct fixture *fixture)
{
    store_close(fixture->store);
    while (fixture->in_hand_count)
        fixture->idle[fixture->idle_count++] = fixture->in_hand[--fixture->in_hand_count];
    while (fixture->settling_count)
        fixture->idle[fixture->idle_count++] = fixture->settling[--fixture->settling_count];
    open_store(fixture);
}

static size_t put(struct intake_chunk *chunk, const char *bytes, size_t size)
{
    size_t offset = chunk->text.size;

    buf_append(&chunk->text, bytes, size);
    return offset;
}

static void fill_reject(struct intake_chunk *chunk, uint32_t row_no, const char *word, size_t size)
{
    struct intake_reject *reject = intake_chunk_add_reject(chunk);
    struct intake_violation *violation = intake_chunk_add_violation(chunk);

    *reject = (struct intake_reject){
        .row_no = row_no,
        .line_no = row_no + 1u,
        .record_id = put(chunk, word + 1, size - 1),
        .record_id_size = size - 1,
        .raw = put(chunk, word, size),
        .raw_size = size,
        .first_violation = chunk->violation_count - 1,
        .violation_count = 1,
    };
    *violation = (struct intake_violation){
        .field = put(chunk, "sku", 3),
        .field_size = 3,
        .rule = put(chunk, "pattern", 7),
        .rule_size = 7,
        .message = put(chunk, "is not a sku", 12),
        .message_size = 12,
    };
}

static void fill_row(struct intake_chunk *chunk, uint32_t row_no, const char *word, size_t size)
{
    struct intake_row *row = intake_chunk_add_row(chunk);
    const char *colon = memchr(word, ':', size);
    char fields[32];

    snprintf(fields, sizeof fields, "{\"n\":%u}", row_no);
    *row = (struct intake_row){
        .row_no = row_no,
        .line_no = row_no + 1u,
        .has_version = colon != NULL,
        .version = colon ? strtoll(colon + 1, NULL, 10) : 0,
        .record_id_size = colon ? (size_t)(colon - word) : size,
    };
    row->record_id = put(chunk, word, row->record_id_size);
    row->fields_size = strlen(fields);
    row->fields = put(chunk, fields, row->fields_size);
}

void fixture_fill(struct intake_chunk *chunk, uint32_t first_row, const char *words)
{
    uint32_t row_no = first_row;

    for (const char *word = words; *word; row_no++) {
        size_t size = strcspn(word, " ");

        if (*word == '!')
            fill_reject(chunk, row_no, word, size);
        else
            fill_row(chunk, row_no, word, size);
        word += size;
        word += strspn(word, " ");
    }
    chunk->progress.rows = row_no - 1;
    chunk->progress.bytes = 10u * (row_no - 1);
    chunk->progress.lines = row_no;
    snprintf(chunk->progress.prefix_hash, sizeof chunk->progress.prefix_hash, "prefix-%u",
             row_no - 1);
}

int64_t fixture_load_begin(struct fixture *fixture, const char *schema)
{
    const struct batch_origin origin = {
        .source = "inbox/x.csv",
        .path = "/inbox/x.csv",
        .schema = schema,
        .schema_hash = "schema-hash",
        .format = "csv",
        .options = "",
        .content_hash = "hash",
        .size_bytes = 100,
    };
    int64_t batch_id;

    if (!batch_begin(fixture->store, &origin, fixture->run_id, fixture->now_ms, &batch_id,
                     &fixture->err))
        fail_msg("%s", fixture->err.text);
    return batch_id;
}

void fixture_load(struct fixture *fixture, int64_t batch_id, uint32_t first_row, const char *words)
{
    struct intake_chunk chunk = {0};

    fixture_fill(&chunk, first_row, words);
    if (!batch_load(fixture->store, batch_id, &chunk, &fixture->err))
        fail_msg("%s", fixture->err.text);
    intake_chunk_release(&chunk);
    fixture_check(fixture);
}

void fixture_refuse(struct fixture *fixture, int64_t batch_id, const char *reason)
{
    if (!batch_refuse(fixture->store, batch_id, reason, false, FIXTURE_RUN, fixture->now_ms,
                      &fixture->err))
        fail_msg("%s", fixture->err.text);
}

void fixture_begin_run(struct fixture *fixture)
{
    uint64_t recovered;

    fixture->run_id++;
    if (!jobs_recover(fixture->store, fixture->now_ms, &recovered, &fixture->err))
        fail_msg("%s", fixture->err.text);
    assert_int_equal(recovered, 0);
}

int64_t fixture_batch(struct fixture *fixture, const char *schema, const char *words)
{
    struct intake_chunk chunk = {0};
    int64_t batch_id = fixture_load_begin(fixture, schema);

    fixture_fill(&chunk, 1, words);
    if (!batch_load(fixture->store, batch_id, &chunk, &fixture->err) ||
        !batch_open(fixture->store, batch_id, "hash", 100, fixture->run_id, fixture->now_ms,
                    &fixture->err))
        fail_msg("%s", fixture->err.text);
    intake_chunk_release(&chunk);
    fixture_check(fixture);
    return batch_id;
}

bool fixture_try(struct fixture *fixture, unsigned wanted)
{
    struct exchange *exchange = &fixture->exchange;
    struct claim *free_claims[FIXTURE_CLAIMS];

    assert_true(wanted <= fixture->idle_count);
    for (unsigned i = 0; i < wanted; i++)
        free_claims[i] = fixture->idle[fixture->idle_count - 1 - i];
    *exchange = (struct exchange){
        .run_id = fixture->run_id,
        .batch_id = fixture->batch_id,
        .max_retries = fixture->max_retries,
        .decider = fixture->decider,
        .spread = fixture->spread,
        .now_ms = fixture->now_ms,
        .settled = fixture->settling,
        .settled_count = fixture->settling_count,
        .claims = free_claims,
        .wanted = wanted,
    };
    if (!jobs_exchange(fixture->store, exchange, &fixture->err))
        return false;
    assert_true(exchange->claimed <= wanted);
    fixture->idle_count -= exchange->claimed;
    while (fixture->settling_count)
        fixture->idle[fixture->idle_count++] = fixture->settling[--fixture->settling_count];
    for (unsigned i = 0; i < exchange->claimed; i++)
        fixture->in_hand[fixture->in_hand_count++] = free_claims[i];
    return true;
}

static void print_claim(struct buf *out, const struct claim *claim)
{
    static const char *const names[] = {
        [REQUEST_UPDATE] = "PUT",
        [REQUEST_READ_BACK] = "GET",
        [REQUEST_AUDIT] = "AUDIT",
        [REQUEST_FETCH] = "FETCH",
    };
    struct span record_id = claim_record_id(claim);

    if (out->size)
        buf_append_text(out, ", ");
    buf_printf(out, "%s %lld/%lld %.*s v%lld", names[claim->request],
               (long long)id_batch(claim->job_id), (long long)id_row(claim->job_id),
               (int)record_id.size, record_id.data, (long long)claim->version);
}

const char *fixture_claim(struct fixture *fixture, unsigned wanted)
{
    unsigned before = fixture->in_hand_count;

    if (!fixture_try(fixture, wanted))
        fail_msg("%s", fixture->err.text);
    buf_reset(&fixture->said);
    for (unsigned i = before; i < fixture->in_hand_count; i++)
        print_claim(&fixture->said, fixture->in_hand[i]);
    fixture_check(fixture);
    return buf_text(&fixture->said);
}

static int64_t job_id_of(const char *job)
{
    char *slash;
    int64_t batch_id = strtoll(job, &slash, 10);

    assert_int_equal(*slash, '/');
    return id_of(batch_id, strtoll(slash + 1, NULL, 10));
}

static unsigned place_of(const struct fixture *fixture, const char *job)
{
    int64_t job_id = job_id_of(job);
    unsigned i = 0;

    while (i < fixture->in_hand_count && fixture->in_hand[i]->job_id != job_id)
        i++;
    if (i == fixture->in_hand_count)
        fail_msg("job %s is not in hand", job);
    return i;
}

struct claim *fixture_held(struct fixture *fixture, const char *job)
{
    return fixture->in_hand[place_of(fixture, job)];
}

struct claim_outcome *fixture_settle(struct fixture *fixture, const char *job, enum job_state state)
{
    unsigned place = place_of(fixture, job);
    struct claim *claim = fixture->in_hand[place];

    claim->outcome = (struct claim_outcome){
        .state = state,
        .left = true,
        .conflict = state == JOB_CONFLICT,
        .proven = true,
        .doubt = claim->doubt,
        .readbacks = claim->readbacks,
        .run_retries = claim->run_retries,
        .not_before_ms = fixture->now_ms,
        .http_status = 200,
        .ended_ms = fixture->now_ms,
        .latency_us = 1500,
    };
    fixture->in_hand[place] = fixture->in_hand[--fixture->in_hand_count];
    fixture->settling[fixture->settling_count++] = claim;
    return &claim->outcome;
}

struct claim_outcome *fixture_settle_at(struct fixture *fixture, const char *job,
                                        enum job_state state, int64_t server_version)
{
    struct claim_outcome *outcome = fixture_settle(fixture, job, state);

    outcome->has_server_version = true;
    outcome->server_version = server_version;
    return outcome;
}

void fixture_settle_all(struct fixture *fixture, enum job_state state)
{
    while (fixture->in_hand_count) {
        int64_t job_id = fixture->in_hand[0]->job_id;
        char job[ID_TEXT_SIZE];

        id_print(job_id, job);
        fixture_settle(fixture, job, state);
    }
    fixture_claim(fixture, 0);
}

struct claim_outcome *fixture_put_back(struct fixture *fixture, const char *job)
{
    int64_t now_ms = fixture->now_ms;
    struct claim_outcome *outcome = fixture_settle(fixture, job, JOB_PENDING);

    *outcome = (struct claim_outcome){.untouched = true, .not_before_ms = now_ms};
    return outcome;
}

const char *fixture_ask(struct fixture *fixture, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    bool first = true;

    buf_reset(&fixture->answer);
    if (sqlite3_prepare_v2(fixture->eye, sql, -1, &statement, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sqlite3_errmsg(fixture->eye), sql);
    while (sqlite3_step(statement) == SQLITE_ROW) {
        buf_append_text(&fixture->answer, first ? "" : "; ");
        first = false;
        for (int i = 0; i < sqlite3_column_count(statement); i++) {
            const char *text = (const char *)sqlite3_column_text(statement, i);

            buf_append_text(&fixture->answer, i ? "|" : "");
            buf_append_text(&fixture->answer, text ? text : "NULL");
        }
    }
    if (sqlite3_finalize(statement) != SQLITE_OK)
        fail_msg("%s: %s", sqlite3_errmsg(fixture->eye), sql);
    return buf_text(&fixture->answer);
}
