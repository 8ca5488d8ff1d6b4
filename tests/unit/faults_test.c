/* The n-th write of the database fails, n = 1, 2, ... until a pass sees no fault: each time a clear
 * error, nothing half written, and the same step succeeds once the disk is well again. */
#include "core/store/db.h"
#include "core/store/migrate.h"
#include "tests/lib/fault_vfs.h"
#include "tests/lib/store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

static const struct kind {
    int code;
    bool stays;
    const char *text;
} kinds[] = {
    {SQLITE_IOERR_WRITE, false, "disk I/O error: check the disk and its free space"},
    {SQLITE_IOERR_FSYNC, true, "disk I/O error: check the disk and its free space"},
    {SQLITE_FULL, true,
     "database or disk is full: free space on that disk, then run the same command again"},
};

enum { KINDS = sizeof kinds / sizeof *kinds };

static int begin(void **state)
{
    struct err err = {0};
    struct fixture *fixture;

    fault_vfs_install();
    fixture_begin(state);
    fixture = *state;
    /* pages are written before the commit, too, and copied into the database after it */
    return db_exec(fixture->store, "PRAGMA cache_size = 8; PRAGMA wal_autocheckpoint = 1", &err)
               ? 0
               : -1;
}

/* The error of a step that failed must name the database, what was being done, and what to do. */
static void check_error(const struct fixture *fixture, const struct kind *kind)
{
    char start[SCRATCH_SIZE + 64];
    const char *text = fixture->err.text;

    snprintf(start, sizeof start, "database %s: ", store_path(fixture->store));
    assert_int_equal(fixture->err.kind, ERR_STORE);
    if (strncmp(text, start, strlen(start)) != 0 || strlen(text) < strlen(kind->text) ||
        strcmp(text + strlen(text) - strlen(kind->text), kind->text) != 0)
        fail_msg("%s", text);
}

/* Does a step over and over, with a write later failing each time. prepare makes work for it. */
static void fail_every_write(struct fixture *fixture, void (*prepare)(struct fixture *fixture),
                             bool (*step)(struct fixture *fixture))
{
    for (size_t i = 0; i < KINDS; i++) {
        unsigned faults = 0;
        bool fired = true;

        for (unsigned n = 1; fired; n++) {
            bool fine;

            prepare(fixture);
            fault_vfs_arm(n, kinds[i].code, kinds[i].stays);
            fine = step(fixture);
            fired = fault_vfs_disarm();
            faults += fired;
            assert_true(fine || fired);
            if (!fine)
                check_error(fixture, &kinds[i]);
            fixture_check(fixture);
            if (!fine && !step(fixture))
                fail_msg("after the fault: %s", fixture->err.text);
            fixture_check(fixture);
        }
        assert_true(faults > 5);
    }
}

static const char *many_rows(void)
{
    static char words[16384];
    size_t size = 0;

    for (unsigned i = 0; i < 300; i++)
        size += (size_t)snprintf(words + size, sizeof words - size, "%sr%u:5 ", i % 7 ? "" : "!",
                                 i * 37 % 250);
    return words;
}

static void wipe(struct fixture *fixture)
{
    fixture_ask(fixture, "DELETE FROM batch");
    fixture_ask(fixture, "DELETE FROM batch_tally");
    fixture_ask(fixture, "DELETE FROM job_row");
    fixture_ask(fixture, "DELETE FROM record_job");
    fixture_ask(fixture, "DELETE FROM rejected_row");
    fixture_ask(fixture, "DELETE FROM violation");
    fixture_ask(fixture, "DELETE FROM rejection_tally");
    fixture_ask(fixture, "DELETE FROM record_rejection");
}

/* --- intake --- */

static int64_t latest_batch(struct fixture *fixture)
{
    return strtoll(fixture_ask(fixture, "SELECT coalesce(max(id), 0) FROM batch"), NULL, 10);
}

static void begin_batch(struct fixture *fixture)
{
    wipe(fixture);
    fixture_load_begin(fixture, "Item");
}

static bool load_chunk(struct fixture *fixture)
{
    struct intake_chunk chunk = {0};
    bool fine;

    fixture_fill(&chunk, 1, many_rows());
    fine = batch_load(fixture->store, latest_batch(fixture), &chunk, &fixture->err);
    intake_chunk_release(&chunk);
    return fine;
}

static void a_chunk_is_loaded_whole_or_not_at_all(void **state)
{
    fail_every_write(*state, begin_batch, load_chunk);
}

static void load_batch(struct fixture *fixture)
{
    begin_batch(fixture);
    assert_true(load_chunk(fixture));
}

static bool open_loaded(struct fixture *fixture)
{
    return batch_open(fixture->store, latest_batch(fixture), "hash", 100, 1, 2, &fixture->err);
}

static void opening_a_batch_can_be_repeated_from_wherever_it_failed(void **state)
{
    fail_every_write(*state, load_batch, open_loaded);
}

static void load_and_refuse(struct fixture *fixture)
{
    load_batch(fixture);
    assert_true(
        batch_refuse(fixture->store, latest_batch(fixture), "no", false, 1, 2, &fixture->err));
}

static bool discard(struct fixture *fixture)
{
    return batch_discard(fixture->store, latest_batch(fixture), &fixture->err);
}

static void discarding_can_be_repeated_from_wherever_it_failed(void **state)
{
    fail_every_write(*state, load_and_refuse, discard);
}

static bool restart(struct fixture *fixture)
{
    static const struct batch_origin origin = {
        .content_hash = "h", .schema_hash = "s", .options = "o"};
    bool fine = batch_restart(fixture->store, latest_batch(fixture), &origin, &fixture->err);

    /* half of it must never be taken for something to go on with */
    if (!fine)
        assert_string_equal(fixture_ask(fixture, "SELECT id FROM batch WHERE rows_read < 300 "
                                                 "AND schema_hash <> ''"),
                            "");
    return fine;
}

static void beginning_anew_can_be_repeated_from_wherever_it_failed(void **state)
{
    fail_every_write(*state, load_batch, restart);
}

/* --- making the database --- */

static void forget_database(struct fixture *fixture)
{
    static unsigned made;

    store_close(fixture->store);
    fixture->store = NULL;
    snprintf(fixture->path, sizeof fixture->path, "%s/%u.db", fixture->folder, ++made);
}

/* Opens it, and looks at it with other eyes when that went well. */
static bool make_database(struct fixture *fixture)
{
    char version[16];
    bool created;

    fixture->store = store_open(fixture->path, STORE_CREATE, &created, &fixture->err);
    if (!fixture->store)
        return false;
    snprintf(version, sizeof version, "%u", migration_count);
    sqlite3_close(fixture->eye);
    assert_int_equal(sqlite3_open(fixture->path, &fixture->eye), SQLITE_OK);
    assert_string_equal(fixture_ask(fixture, "PRAGMA application_id"), "1382437497");
    assert_string_equal(fixture_ask(fixture, "PRAGMA auto_vacuum"), "2");
    assert_string_equal(fixture_ask(fixture, "PRAGMA user_version"), version);
    fixture_check(fixture);
    return true;
}

/* A database is made once for each write that fails. Under the address sanitizer, which takes four
 * times as long, every fifth write is enough: the other builds have all of them. */
#ifdef __SANITIZE_ADDRESS__
enum { DATABASE_STEP = 5 };
#else
enum { DATABASE_STEP = 1 };
#endif

static void making_a_database_can_be_repeated_from_wherever_it_failed(void **state)
{
    struct fixture *fixture = *state;

    for (size_t i = 0; i < KINDS; i++) {
        unsigned faults = 0;
        bool fired = true;

        for (unsigned n = 1; fired; n += DATABASE_STEP) {
            bool fine;

            forget_database(fixture);
            fault_vfs_arm(n, kinds[i].code, kinds[i].stays);
            fine = make_database(fixture);
            fired = fault_vfs_disarm();
            faults += fired;
            assert_true(fine || fired);
            if (!fine)
                assert_int_equal(fixture->err.kind, ERR_STORE);
            if (!fine && !make_database(fixture))
                fail_msg("after the fault: %s", fixture->err.text);
        }
        assert_true(faults > 5);
    }
}

/* --- drain --- */

/* Three in hand that are answered, each another way, and rows of one record that wait. */
static void prepare_turn(struct fixture *fixture)
{
    static const enum job_state ends[] = {JOB_APPLIED, JOB_CONFLICT, JOB_PENDING, JOB_UNKNOWN};

    if (strcmp(fixture_ask(fixture, "SELECT coalesce(sum(pending), 0) < 50 FROM batch_tally"),
               "1") == 0)
        fixture_batch(fixture, "Item", many_rows());
    fixture_claim(fixture, 4);
    for (unsigned i = 0; fixture->in_hand_count; i++) {
        char job[ID_TEXT_SIZE];
        struct claim *claim = fixture->in_hand[0];
        struct claim_outcome *outcome;

        id_print(claim->job_id, job);
        outcome = fixture_settle_at(fixture, job, ends[i % 4], claim->version + 1);
        outcome->doubt = outcome->state == JOB_UNKNOWN;
    }
    fixture->now_ms++;
}

static bool turn(struct fixture *fixture)
{
    return fixture_try(fixture, 4);
}

static void a_turn_is_committed_whole_or_not_at_all(void **state)
{
    fail_every_write(*state, prepare_turn, turn);
}

static void interrupt(struct fixture *fixture)
{
    prepare_turn(fixture);
    assert_true(turn(fixture));
    /* as the next process finds it */
    while (fixture->in_hand_count)
        fixture->idle[fixture->idle_count++] = fixture->in_hand[--fixture->in_hand_count];
}

static bool recover(struct fixture *fixture)
{
    uint64_t recovered;

    fixture->interrupted =
        !jobs_recover(fixture->store, fixture->now_ms, &recovered, &fixture->err);
    return !fixture->interrupted;
}

static void recovery_is_committed_whole_or_not_at_all(void **state)
{
    fail_every_write(*state, interrupt, recover);
}

#define WITH_FAULTS(test) cmocka_unit_test_setup_teardown(test, begin, fixture_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FAULTS(a_chunk_is_loaded_whole_or_not_at_all),
        WITH_FAULTS(opening_a_batch_can_be_repeated_from_wherever_it_failed),
        WITH_FAULTS(discarding_can_be_repeated_from_wherever_it_failed),
        WITH_FAULTS(beginning_anew_can_be_repeated_from_wherever_it_failed),
        WITH_FAULTS(making_a_database_can_be_repeated_from_wherever_it_failed),
        WITH_FAULTS(a_turn_is_committed_whole_or_not_at_all),
        WITH_FAULTS(recovery_is_committed_whole_or_not_at_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
