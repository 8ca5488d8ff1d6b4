/* What people with sqlite3 see: every name and column that docs/database.md promises, and their
 * contents. */
#include "core/base/mem.h"
#include "core/store/migrate.h"
#include "tests/lib/store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* docs/database.md#views */
static const struct {
    const char *name, *columns;
} promised[] = {
    {"batch", "id, source, schema, format, content_hash, state, rows_read, rows_rejected, "
              "rows_discarded, created_ms, finished_ms"},
    {"job", "id, batch_id, row_no, line_no, record_id, version, fields, tags, state, attempts, "
            "not_before_ms, correlation_id, http_status, server_version, error_code, "
            "error_message, created_ms, updated_ms"},
    {"rejected_row", "batch_id, row_no, line_no, record_id, raw"},
    {"violation", "batch_id, row_no, field, rule, message"},
    {"run", "id, command, started_ms, ended_ms, exit_status, requests, latency_avg_ms, "
            "latency_p50_ms, latency_p95_ms, latency_p99_ms, error_rate, validation_failures, "
            "throttled"},
    {"attempt", "id, job_id, run_id, method, started_ms, ended_ms, latency_us, sent_version, "
                "http_status, error, evidence, correlation_header"},
    {"conflict", "job_id, submitted_version, server_version, server_record, resolution, "
                 "detected_ms, resolved_ms"},
    {"server_violation", "job_id, field, code, message"},
    {"pause", "scope, not_before_ms, reason, run_id"},
    {"audit", "job_id, verdict, entry, checked_ms"},
    {"audit_gap", "job_id, batch_id, row_no, schema, record_id, verdict, checked"},
    {"open_conflict", "job_id, batch_id, row_no, schema, record_id, submitted_version, "
                      "server_version, field, ours, theirs, detected"},
    {"batch_summary", "batch_id, source, schema, state, rows_read, rows_rejected, rows_discarded, "
                      "jobs, pending, sending, unknown, applied, unchanged, conflict, refused, "
                      "failed, dismissed, cancelled, started, finished"},
    {"job_history", "job_id, batch_id, source, row_no, line_no, schema, record_id, version, "
                    "sent_version, server_version, state, http_status, error_code, error_message, "
                    "attempts, correlation_id, fields, created, updated"},
    {"failed_job", "job_id, batch_id, row_no, schema, record_id, state, http_status, error_code, "
                   "error_message, attempts, updated"},
    {"rejection_by_field", "schema, field, rule, rows"},
    {"server_rejection_by_field", "schema, field, code, rows"},
    {"rejection", "batch_id, source, row_no, line_no, record_id, messages"},
    {"run_summary", "run_id, command, started, ended, exit_status, requests, latency_avg_ms, "
                    "latency_p50_ms, latency_p95_ms, latency_p99_ms, error_rate, "
                    "validation_failures, throttled"},
};

static void every_promised_column_can_be_asked_for(void **state)
{
    struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof promised / sizeof *promised; i++) {
        char *sql = mem_printf("SELECT %s FROM %s", promised[i].columns, promised[i].name);

        assert_string_equal(fixture_ask(fixture, sql), "");
        free(sql);
    }
}

/* SELECT * reads well only when the columns are in the documented order. */
static void views_begin_with_the_promised_columns_in_their_order(void **state)
{
    struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof promised / sizeof *promised; i++) {
        char *sql = mem_printf(
            "SELECT group_concat(name, ', ') FROM (SELECT name FROM pragma_table_info('%s') WHERE "
            "(SELECT type FROM sqlite_schema WHERE name = '%s') = 'view' AND '%s' <> 'job')",
            promised[i].name, promised[i].name, promised[i].name);
        const char *columns = fixture_ask(fixture, sql);

        if (strcmp(columns, "NULL") != 0)
            assert_memory_equal(columns, promised[i].columns, strlen(promised[i].columns));
        free(sql);
    }
}

static void a_job_that_was_never_claimed_is_pending_without_an_id(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "! a:5");
    assert_asked(fixture,
                 "SELECT id, batch_id, row_no, line_no, record_id, version, fields, tags, state, "
                 "attempts, not_before_ms, correlation_id, http_status, server_version, "
                 "error_code, error_message, created_ms, updated_ms FROM job",
                 "1000000002|1|2|3|a|5|{\"n\":2}|NULL|pending|0|NULL|NULL|NULL|NULL|NULL|NULL|"
                 "1000000|1000000");
}

static void a_correlation_id_reads_as_uuid_text(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5");
    fixture_claim(fixture, 1);
    fixture_ask(fixture, "UPDATE job_state SET correlation_id = "
                         "x'00112233445566778899aABBccDDeeFF'");
    assert_asked(fixture, "SELECT correlation_id FROM job", "00112233-4455-6677-8899-aabbccddeeff");
}

static void a_job_tells_its_history(void **state)
{
    struct fixture *fixture = *state;
    struct claim_outcome *outcome;

    fixture_batch(fixture, "Item", "a:5 a:5");
    fixture_batch(fixture, "Other", "a:1 b:2");
    fixture_claim(fixture, 1);
    outcome = fixture_settle_at(fixture, "1/1", JOB_REFUSED, 8);
    outcome->http_status = 422;
    snprintf(outcome->error_code, sizeof outcome->error_code, "bad.field");
    snprintf(outcome->error_message, sizeof outcome->error_message, "no such sku");
    fixture->now_ms += 1500;
    fixture_claim(fixture, 0);
    assert_asked(fixture,
                 "SELECT job_id, batch_id, source, row_no, line_no, schema, record_id, version, "
                 "sent_version, server_version, state, http_status, error_code, error_message, "
                 "attempts, length(correlation_id), fields, created, updated FROM job_history "
                 "WHERE record_id = 'a' AND schema = 'Item' ORDER BY job_id",
                 "1000000001|1|inbox/x.csv|1|2|Item|a|5|5|8|refused|422|bad.field|no such sku|1|36|"
                 "{\"n\":1}|1970-01-01T00:16:40.000Z|1970-01-01T00:16:41.500Z; "
                 "1000000002|1|inbox/x.csv|2|3|Item|a|5|NULL|NULL|pending|NULL|NULL|NULL|0|NULL|"
                 "{\"n\":2}|1970-01-01T00:16:40.000Z|1970-01-01T00:16:40.000Z");
}

static void jobs_are_found_by_id_batch_and_record(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5 b:5 c:5");
    fixture_batch(fixture, "Item", "b:6 ! a:7");
    fixture_claim(fixture, 2);
    assert_asked(fixture, "SELECT id FROM job ORDER BY id",
                 "1000000001; 1000000002; 1000000003; 2000000001; 2000000003");
    assert_asked(fixture, "SELECT id FROM job WHERE id = 2000000001", "2000000001");
    assert_asked(fixture, "SELECT id FROM job WHERE batch_id = 2 AND row_no = 3", "2000000003");
    assert_asked(fixture, "SELECT id FROM job WHERE record_id = 'b' ORDER BY id",
                 "1000000002; 2000000001");
    assert_asked(fixture, "SELECT count(*) FROM job WHERE batch_id = 2", "2");
    assert_asked(fixture, "SELECT batch_id, state, count(*) FROM job GROUP BY 1, 2 ORDER BY 1, 2",
                 "1|pending|1; 1|sending|2; 2|pending|2");
}

static void rows_are_jobs_from_the_moment_their_batch_is_open(void **state)
{
    struct fixture *fixture = *state;
    struct intake_chunk chunk = {0};
    int64_t batch_id = fixture_load_begin(fixture, "Item");

    fixture_fill(&chunk, 1, "a:5 b:5");
    assert_true(batch_load(fixture->store, batch_id, &chunk, &fixture->err));
    intake_chunk_release(&chunk);
    assert_asked(fixture, "SELECT count(*) FROM job WHERE batch_id = 1", "0");
    assert_true(batch_open(fixture->store, batch_id, "hash", 100, 1, 2, &fixture->err));
    assert_asked(fixture, "SELECT count(*) FROM job WHERE batch_id = 1", "2");
}

static void a_batch_summary_adds_up_its_jobs(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5 ! b:5 c:5");
    fixture_claim(fixture, 2);
    fixture_settle(fixture, "1/1", JOB_APPLIED);
    fixture_claim(fixture, 0);
    assert_asked(fixture, "SELECT * FROM batch_summary",
                 "1|inbox/x.csv|Item|open|4|1|0|3|1|1|0|1|0|0|0|0|0|0|1970-01-01T00:16:40.000Z|"
                 "NULL|NULL");
}

static void a_rejection_joins_the_messages_of_its_row(void **state)
{
    struct fixture *fixture = *state;
    int64_t batch_id = fixture_load_begin(fixture, "Item");
    struct intake_chunk chunk = {0};

    fixture_fill(&chunk, 4, "!k");
    chunk.rejects[0].violation_count = 2;
    *intake_chunk_add_violation(&chunk) = (struct intake_violation){
        .message = chunk.text.size,
        .message_size = 6,
    };
    buf_append_text(&chunk.text, "ragged");
    chunk.progress.rows = 1;
    assert_true(batch_load(fixture->store, batch_id, &chunk, &fixture->err));
    intake_chunk_release(&chunk);
    assert_asked(fixture, "SELECT * FROM rejection",
                 "1|inbox/x.csv|4|5|k|sku: is not a sku; ragged");
}

static void failed_jobs_are_those_that_failed_or_were_refused(void **state)
{
    struct fixture *fixture = *state;
    struct claim_outcome *outcome;

    fixture_batch(fixture, "Item", "a:5 b:5 c:5 d:5");
    fixture_batch(fixture, "Item", "a:6");
    fixture_claim(fixture, 3);
    fixture_settle(fixture, "1/1", JOB_APPLIED);
    outcome = fixture_settle(fixture, "1/2", JOB_REFUSED);
    outcome->http_status = 422;
    snprintf(outcome->error_code, sizeof outcome->error_code, "bad.field");
    snprintf(outcome->error_message, sizeof outcome->error_message, "no such sku");
    fixture_settle(fixture, "1/3", JOB_UNKNOWN);
    assert_string_equal(fixture_claim(fixture, 1), "GET 1/3 c v5");
    fixture_settle(fixture, "1/3", JOB_FAILED)->http_status = 503;
    fixture_claim(fixture, 0);
    assert_asked(fixture, "SELECT * FROM failed_job WHERE batch_id = 1",
                 "1000000002|1|2|Item|b|refused|422|bad.field|no such sku|1|"
                 "1970-01-01T00:16:40.000Z; "
                 "1000000003|1|3|Item|c|failed|503|NULL|NULL|1|1970-01-01T00:16:40.000Z");
    assert_asked(fixture, "SELECT job_id FROM failed_job WHERE record_id = 'c'", "1000000003");
    assert_asked(fixture, "SELECT count(*) FROM failed_job WHERE batch_id = 2", "0");
}

/* A violation of the row that was added to the chunk last. */
static void add_violation(struct intake_chunk *chunk, const char *field, const char *rule)
{
    struct intake_violation *violation = intake_chunk_add_violation(chunk);

    chunk->rejects[chunk->reject_count - 1].violation_count++;
    *violation = (struct intake_violation){
        .field = chunk->text.size,
        .field_size = strlen(field),
        .rule = chunk->text.size + strlen(field),
        .rule_size = strlen(rule),
    };
    buf_append_text(&chunk->text, field);
    buf_append_text(&chunk->text, rule);
}

static void rejections_are_counted_by_row_over_all_batches_of_a_schema(void **state)
{
    static const char *const schemas[] = {"Item", "Account", "Item"};
    struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof schemas / sizeof *schemas; i++) {
        struct intake_chunk chunk = {0};
        int64_t batch_id = fixture_load_begin(fixture, schemas[i]);

        fixture_fill(&chunk, 1, "a:5 !b !c");
        add_violation(&chunk, "price", "minimum");
        add_violation(&chunk, "price", "minimum");
        assert_true(batch_load(fixture->store, batch_id, &chunk, &fixture->err));
        intake_chunk_reset(&chunk);
        fixture_fill(&chunk, 4, "!d b:5");
        assert_true(batch_load(fixture->store, batch_id, &chunk, &fixture->err));
        intake_chunk_release(&chunk);
    }
    assert_asked(fixture, "SELECT * FROM rejection_by_field",
                 "Account|price|minimum|1; Account|sku|pattern|3; Item|price|minimum|2; "
                 "Item|sku|pattern|6");
    assert_asked(fixture, "SELECT * FROM rejection_tally WHERE batch_id = 3",
                 "3|price|minimum|1; 3|sku|pattern|3");
}

static void rejections_of_the_server_are_counted_by_row(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5 b:5");
    fixture_batch(fixture, "Account", "a:5");
    fixture_ask(fixture,
                "INSERT INTO server_violation (job_id, field, code, message) VALUES "
                "(1000000001, 'sku', 'invalid', 'x'), (1000000001, 'sku', 'invalid', 'y'), "
                "(1000000002, 'sku', 'invalid', 'x'), (1000000002, 'sku', 'short', 'x'), "
                "(2000000001, 'sku', 'invalid', 'x')");
    assert_asked(fixture, "SELECT * FROM server_rejection_by_field",
                 "Account|sku|invalid|1; Item|sku|invalid|2; Item|sku|short|1");
}

/* A database of the version before is migrated when it is opened. */
/* Runs each row that the query gives as a statement. */
static void run_each(struct fixture *fixture, const char *query)
{
    char *script = mem_strdup(fixture_ask(fixture, query));

    assert_int_equal(sqlite3_exec(fixture->eye, script, NULL, NULL, NULL), SQLITE_OK);
    free(script);
}

/* Makes the database as the first migrations leave it, with the rows that fit into their tables. */
static void go_back(struct fixture *fixture, unsigned version)
{
    char pragma[64];

    store_close(fixture->store);
    fixture->store = NULL;
    fixture_ask(fixture, "ATTACH ':memory:' AS kept");
    run_each(fixture, "SELECT format('CREATE TABLE kept.%s AS SELECT * FROM main.%s', name, name) "
                      "FROM main.sqlite_master WHERE type = 'table'");
    run_each(fixture, "SELECT format('DROP %s main.%s', type, name) FROM main.sqlite_master "
                      "WHERE type IN ('view', 'table') ORDER BY type DESC");
    for (unsigned i = 0; i < version; i++)
        assert_int_equal(sqlite3_exec(fixture->eye, migrations[i].sql, NULL, NULL, NULL),
                         SQLITE_OK);
    run_each(fixture,
             "SELECT format('INSERT OR REPLACE INTO main.%s (%s) SELECT %s FROM kept.%s', t.name, "
             "group_concat(n.name), group_concat(n.name), t.name) "
             "FROM main.sqlite_master t, pragma_table_info(t.name, 'main') n "
             "JOIN pragma_table_info(t.name, 'kept') k ON k.name = n.name "
             "WHERE t.type = 'table' GROUP BY t.name");
    run_each(fixture, "SELECT 'DETACH kept'");
    snprintf(pragma, sizeof pragma, "PRAGMA user_version = %u", version);
    fixture_ask(fixture, pragma);
    fixture_reopen(fixture);
}

static void rejections_of_before_are_counted_too(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5 !b !c");
    fixture_batch(fixture, "Item", "!b");
    go_back(fixture, 2);
    assert_asked(fixture, "SELECT * FROM rejection_by_field", "Item|sku|pattern|3");
    fixture_check(fixture);
    fixture_batch(fixture, "Item", "!b");
    assert_asked(fixture, "SELECT * FROM rejection_by_field", "Item|sku|pattern|4");
}

static void jobs_of_before_have_the_ids_that_any_database_gives_them(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5");
    fixture_batch(fixture, "Item", "!b");
    fixture_load_begin(fixture, "Item");
    fixture_batch(fixture, "Other", "c:5");
    fixture_batch(fixture, "Item", "d:5");
    go_back(fixture, 12);
    assert_asked(fixture, "SELECT group_concat(coalesce(occurrence, '-'), ' ') FROM batch",
                 "0 - - 0 1");
    fixture_batch(fixture, "Item", "e:5");
    assert_asked(fixture, "SELECT max(occurrence) FROM batch", "2");
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, fixture_begin, fixture_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(every_promised_column_can_be_asked_for),
        WITH_STORE(views_begin_with_the_promised_columns_in_their_order),
        WITH_STORE(a_job_that_was_never_claimed_is_pending_without_an_id),
        WITH_STORE(a_correlation_id_reads_as_uuid_text),
        WITH_STORE(a_job_tells_its_history),
        WITH_STORE(jobs_are_found_by_id_batch_and_record),
        WITH_STORE(rows_are_jobs_from_the_moment_their_batch_is_open),
        WITH_STORE(a_batch_summary_adds_up_its_jobs),
        WITH_STORE(a_rejection_joins_the_messages_of_its_row),
        WITH_STORE(failed_jobs_are_those_that_failed_or_were_refused),
        WITH_STORE(rejections_are_counted_by_row_over_all_batches_of_a_schema),
        WITH_STORE(rejections_of_the_server_are_counted_by_row),
        WITH_STORE(rejections_of_before_are_counted_too),
        WITH_STORE(jobs_of_before_have_the_ids_that_any_database_gives_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
