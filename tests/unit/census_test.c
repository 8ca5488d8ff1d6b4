/* Every counter against a full count: falsified ones are found, and those that change meanwhile are
 * not. */
#include "core/store/census.h"

#include "core/job/policy.h"
#include "core/store/migrate.h"
#include "core/store/runs.h"
#include "core/store/summary.h"
#include "tests/lib/store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

/* A store that looks on, as doctor's. */
static struct store *open_looking(struct fixture *fixture)
{
    bool created;
    struct store *store = store_open(fixture->path, STORE_LOOKING, &created, &fixture->err);

    if (!store)
        fail_msg("%s", fixture->err.text);
    return store;
}

static void note(void *context, const struct census_difference *difference)
{
    buf_printf(context, "%lld %s: %lld, %lld; ", (long long)difference->batch_id,
               difference->counter, (long long)difference->kept, (long long)difference->counted);
}

/* The differences that a census finds, in said. */
static const char *census_of(struct fixture *fixture, struct census *census)
{
    struct store *store = open_looking(fixture);

    buf_reset(&fixture->said);
    if (!census_take(store, census, note, &fixture->said, &fixture->err))
        fail_msg("%s", fixture->err.text);
    store_close(store);
    return buf_text(&fixture->said);
}

/* 1 open: four jobs, one of them applied, one rejected row; 2 being read; 3 done without jobs. */
static void make_batches(struct fixture *fixture)
{
    fixture_batch(fixture, "Item", "a:5 b:5 c:5 d:5 !e");
    fixture->batch_id = 1;
    fixture_claim(fixture, 2);
    fixture_settle(fixture, "1/1", JOB_APPLIED);
    fixture_claim(fixture, 0);
    fixture_load_begin(fixture, "Other");
    fixture_batch(fixture, "Item", "!");
}

static void counters_that_are_right_make_no_difference(void **state)
{
    struct fixture *fixture = *state;
    struct census census = {0};

    assert_string_equal(census_of(fixture, &census), "");
    assert_int_equal(census.batches, 0);
    make_batches(fixture);
    assert_string_equal(census_of(fixture, &census), "");
    assert_int_equal(census.batches, 3);
    assert_int_equal(census.jobs, 4);
    assert_int_equal(census.rows_rejected, 2);
}

static void a_counter_that_was_falsified_is_found_with_both_numbers(void **state)
{
    static const struct {
        const char *wrong, *right; /* statements */
        const char *differences;
    } rows[] = {
        {"UPDATE batch_tally SET applied = applied + 1 WHERE batch_id = 1",
         "UPDATE batch_tally SET applied = applied - 1 WHERE batch_id = 1",
         "1 applied jobs: 2, 1; "},
        {"UPDATE batch_tally SET pending = 0, cancelled = 2 WHERE batch_id = 1",
         "UPDATE batch_tally SET pending = 2, cancelled = 0 WHERE batch_id = 1",
         "1 pending jobs: 0, 2; 1 cancelled jobs: 2, 0; "},
        {"UPDATE batch_tally SET unknown = 9 WHERE batch_id = 2",
         "UPDATE batch_tally SET unknown = 0 WHERE batch_id = 2", "2 unknown jobs: 9, 0; "},
        {"UPDATE batch SET rows_read = 7 WHERE id = 1",
         "UPDATE batch SET rows_read = 5 WHERE id = 1", "1 rows read: 7, 5; "},
        {"UPDATE batch SET rows_rejected = 2 WHERE id = 3",
         "UPDATE batch SET rows_rejected = 1 WHERE id = 3", "3 rejected rows: 2, 1; "},
        {"UPDATE rejection_tally SET rows = 4 WHERE batch_id = 3",
         "UPDATE rejection_tally SET rows = 1 WHERE batch_id = 3",
         "3 violations by field and rule: 4, 1; "},
        {"DELETE FROM record_job WHERE job_id = 1000000003",
         "INSERT INTO record_job (record_id, job_id) VALUES ('c', 1000000003)",
         "1 record ids: 3, 4; "},
        {"UPDATE batch_tally SET next_job_id = next_job_id + 1 WHERE batch_id = 1",
         "UPDATE batch_tally SET next_job_id = next_job_id - 1 WHERE batch_id = 1",
         "1 jobs that were claimed: 2, 3; "},
        {"INSERT INTO batch_audit (batch_id, due, missing) VALUES (1, 0, 2)",
         "DELETE FROM batch_audit", "1 missing audits: 2, 0; "},
        {"INSERT INTO audit (job_id, verdict, checked_ms, run_id) "
         "VALUES (1000000001, 'verified', 1, 1)",
         "DELETE FROM audit", "1 verified audits: 0, 1; "},
        {"UPDATE job_state SET state = 'lost' WHERE job_id = 1000000001",
         "UPDATE job_state SET state = 'applied' WHERE job_id = 1000000001",
         "1 applied jobs: 1, 0; "},
    };
    struct fixture *fixture = *state;
    struct census census = {0};

    make_batches(fixture);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fixture_ask(fixture, rows[i].wrong);
        assert_string_equal(census_of(fixture, &census), rows[i].differences);
        fixture_ask(fixture, rows[i].right);
        assert_string_equal(census_of(fixture, &census), "");
    }
}

static void a_batch_without_counters_is_found(void **state)
{
    struct fixture *fixture = *state;
    struct census census = {0};

    fixture_batch(fixture, "Item", "a:5 b:5");
    fixture_ask(fixture, "DELETE FROM batch_tally");
    assert_string_equal(census_of(fixture, &census), "1 pending jobs: 0, 2; ");
    fixture_ask(fixture, "INSERT INTO batch_tally (batch_id, next_job_id, pending) "
                         "VALUES (1, 1000000001, 2)");
}

static void a_batch_that_is_read_or_discarded_needs_no_record_ids(void **state)
{
    struct fixture *fixture = *state;
    struct census census = {0};
    int64_t refused = fixture_load_begin(fixture, "Item");

    fixture_load(fixture, refused, 1, "a:5 b:5");
    fixture_refuse(fixture, refused, "no");
    fixture_load(fixture, fixture_load_begin(fixture, "Item"), 1, "c:5");
    assert_string_equal(census_of(fixture, &census), "");
}

static void times_of_a_clock_that_was_ahead_are_counted(void **state)
{
    struct fixture *fixture = *state;
    struct census_ahead ahead;
    int64_t latest_ms = FIXTURE_NOW_MS + POLICY_DELAY_MAX_MS;

    assert_true(census_ahead(fixture->store, FIXTURE_NOW_MS, &ahead, &fixture->err));
    assert_int_equal(ahead.jobs + ahead.runs, 0);
    assert_int_equal(ahead.latest_run_ms, 0);
    fixture_batch(fixture, "Item", "a:5 b:5");
    fixture_claim(fixture, 2);
    fixture_settle(fixture, "1/1", JOB_PENDING)->not_before_ms = latest_ms;
    fixture_settle(fixture, "1/2", JOB_UNKNOWN)->not_before_ms = latest_ms + 1;
    fixture->now_ms = latest_ms - 1; /* so that they stay as they are */
    fixture_claim(fixture, 0);
    fixture_ask(fixture, "INSERT INTO run(id, command, version, started_ms) VALUES "
                         "(1, 'drain', '1', 1000000), (2, 'drain', '1', 1000009), "
                         "(3, 'drain', '1', 1000005)");
    assert_true(census_ahead(fixture->store, FIXTURE_NOW_MS, &ahead, &fixture->err));
    assert_int_equal(ahead.jobs, 1);
    assert_int_equal(ahead.runs, 2);
    assert_int_equal(ahead.latest_run_ms, 1000009);
}

struct writer {
    struct fixture *fixture;
    atomic_bool done;
};

/* Intake and drain; a step that fails ends the whole program. */
static void *write_batches(void *context)
{
    enum { BATCHES = 60 };
    struct writer *writer = context;

    for (unsigned i = 0; i < BATCHES; i++) {
        fixture_batch(writer->fixture, "Item", "a b c ! d e f g !h");
        fixture_claim(writer->fixture, 7);
        fixture_settle_all(writer->fixture, JOB_APPLIED);
    }
    atomic_store(&writer->done, true);
    return NULL;
}

static void what_changes_while_it_is_counted_makes_no_difference(void **state)
{
    struct fixture *fixture = *state;
    struct store *store = open_looking(fixture);
    struct writer writer = {.fixture = fixture};
    struct census census = {0};
    struct err err = {0};
    struct buf said = {0};
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, write_batches, &writer), 0);
    while (!atomic_load(&writer.done))
        if (!census_take(store, &census, note, &said, &err))
            fail_msg("%s", err.text);
    pthread_join(thread, NULL);
    assert_true(census_take(store, &census, note, &said, &err));
    assert_string_equal(buf_text(&said), "");
    assert_int_equal(census.batches, 60);
    buf_release(&said);
    store_close(store);
}

static void facts_are_those_of_the_file(void **state)
{
    struct fixture *fixture = *state;
    struct store *store = open_looking(fixture);
    struct census_facts facts;

    assert_true(census_facts(store, &facts, &fixture->err));
    assert_int_equal(facts.version, migration_count);
    assert_int_equal(facts.newest_version, migration_count);
    assert_true(facts.size_bytes > 0 && facts.size_bytes % 4096 == 0);
    assert_int_equal(facts.free_bytes, 0);
    assert_true(facts.write_ahead);
    store_close(store);
}

static void restore_version(struct fixture *fixture)
{
    char sql[64];

    snprintf(sql, sizeof sql, "PRAGMA user_version = %u", migration_count);
    fixture_ask(fixture, sql);
}

static void an_older_version_is_looked_at_and_stays_one(void **state)
{
    struct fixture *fixture = *state;
    struct census_facts facts;
    struct store *store;

    fixture_ask(fixture, "PRAGMA user_version = 2");
    store = open_looking(fixture);
    assert_true(census_facts(store, &facts, &fixture->err));
    assert_int_equal(facts.version, 2);
    store_close(store);
    assert_string_equal(fixture_ask(fixture, "PRAGMA user_version"), "2");
    restore_version(fixture);
}

static void what_is_empty_or_newer_is_reported(void **state)
{
    struct fixture *fixture = *state;
    char path[SCRATCH_SIZE + 32], text[1024];
    bool created;

    fixture_ask(fixture, "PRAGMA user_version = 99");
    assert_null(store_open(fixture->path, STORE_LOOKING, &created, &fixture->err));
    snprintf(text, sizeof text,
             "%s was written by a newer rowferry (database version 99, this program knows %u): "
             "use that version, or another --db",
             fixture->path, migration_count);
    assert_string_equal(fixture->err.text, text);
    restore_version(fixture);
    snprintf(path, sizeof path, "%s/empty.db", fixture->folder);
    scratch_write(path, "", 0);
    assert_null(store_open(path, STORE_LOOKING, &created, &fixture->err));
    snprintf(text, sizeof text, "database %s is empty: `rowferry run` sets it up", path);
    assert_string_equal(fixture->err.text, text);
}

static void nothing_can_be_written_by_who_looks(void **state)
{
    struct fixture *fixture = *state;
    struct store *store = open_looking(fixture);

    assert_false(pause_write(store, PAUSE_OF_API, 0, 1, "x", 1, &fixture->err));
    assert_non_null(strstr(fixture->err.text, "attempt to write a readonly database"));
    store_close(store);
}

/* An index that lacks an entry, as the loss of a page would leave it. */
static void damage_is_shown_with_what_was_found_first(void **state)
{
    struct fixture *fixture = *state;
    struct store *store;
    char text[1024];

    fixture_batch(fixture, "Item", "a:5");
    fixture_claim(fixture, 1);
    store = open_looking(fixture);
    assert_true(census_integrity(store, &fixture->err));
    store_close(store);
    fixture_ask(fixture, "PRAGMA writable_schema = ON");
    fixture_ask(fixture, "UPDATE sqlite_schema SET sql = replace(sql, 'WHERE waits_for', 'WHERE "
                         "updated_ms') WHERE name = 'job_waiting'");
    store = open_looking(fixture);
    assert_false(census_integrity(store, &fixture->err));
    snprintf(text, sizeof text, "database %s is damaged: row 1 missing from index job_waiting",
             fixture->path);
    assert_string_equal(fixture->err.text, text);
    assert_int_equal(fixture->err.kind, ERR_STORE);
    store_close(store);
    fixture_ask(fixture, "UPDATE sqlite_schema SET sql = replace(sql, 'WHERE updated_ms', 'WHERE "
                         "waits_for') WHERE name = 'job_waiting'");
    fixture_reopen(fixture);
    fixture->interrupted = true;
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, fixture_begin, fixture_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(counters_that_are_right_make_no_difference),
        WITH_STORE(a_counter_that_was_falsified_is_found_with_both_numbers),
        WITH_STORE(a_batch_without_counters_is_found),
        WITH_STORE(a_batch_that_is_read_or_discarded_needs_no_record_ids),
        WITH_STORE(times_of_a_clock_that_was_ahead_are_counted),
        WITH_STORE(what_changes_while_it_is_counted_makes_no_difference),
        WITH_STORE(facts_are_those_of_the_file),
        WITH_STORE(an_older_version_is_looked_at_and_stays_one),
        WITH_STORE(what_is_empty_or_newer_is_reported),
        WITH_STORE(nothing_can_be_written_by_who_looks),
        WITH_STORE(damage_is_shown_with_what_was_found_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
