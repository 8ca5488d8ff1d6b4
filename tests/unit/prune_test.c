/* Which batches may go and which stay, and that nothing is left of those that went but themselves.
 */
#include "core/store/filed.h"
#include "core/store/prune.h"

#include "core/base/crash.h"
#include "core/base/mem.h"
#include "core/store/decide.h"
#include "core/store/sweep.h"
#include "core/store/unfiled.h"
#include "tests/lib/store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { LATER_MS = FIXTURE_NOW_MS + 1000, REFUSED = 1u << JOB_REFUSED };

static void make_plan(struct fixture *fixture, int64_t before_ms, struct prune_plan *plan)
{
    if (!prune_plan_make(fixture->store, before_ms, true, plan, &fixture->err))
        fail_msg("%s", fixture->err.text);
}

/* What the plan of that moment says of each batch it speaks of: `1 goes, 2 conflict 1`. */
static const char *planned(struct fixture *fixture, int64_t before_ms)
{
    static const char *const fates[] = {"goes",    "conflict",   "audit",
                                        "unfiled", "discarding", "needed"};
    static char text[256];
    struct prune_plan plan = {0};
    size_t size = 0;

    text[0] = '\0';
    make_plan(fixture, before_ms, &plan);
    for (size_t i = 0; i < plan.count; i++) {
        const struct prune_item *item = &plan.items[i];
        int64_t detail = item->fate == PRUNE_CONFLICT ? item->conflicts : item->needed_by;

        size += (size_t)snprintf(text + size, sizeof text - size, "%s%lld %s%s", i ? ", " : "",
                                 (long long)item->batch_id, item->begun ? "still " : "",
                                 fates[item->fate]);
        if (detail)
            size += (size_t)snprintf(text + size, sizeof text - size, " %lld", (long long)detail);
    }
    prune_plan_release(&plan);
    return text;
}

static bool mark(struct fixture *fixture, int64_t before_ms)
{
    struct prune_plan plan = {0};
    bool marked;

    make_plan(fixture, before_ms, &plan);
    if (!prune_mark(fixture->store, &plan, LATER_MS, &marked, &fixture->err))
        fail_msg("%s", fixture->err.text);
    prune_plan_release(&plan);
    return marked;
}

static void note_rows(void *context, uint64_t rows, uint64_t free_bytes)
{
    uint64_t *last = context;

    (void)free_bytes;
    *last = rows;
}

/* Deletes the rows of what is marked, and gives the space back. Returns how many rows were
 * reported. */
static unsigned sweep(struct fixture *fixture)
{
    uint64_t rows = 0;
    struct sweep *sweep =
        sweep_open(fixture->store, (struct sweep_watch){note_rows, &rows}, &fixture->err);
    struct prune_plan plan = {0};
    bool fine = sweep;

    make_plan(fixture, 0, &plan);
    for (size_t i = 0; fine && i < plan.count; i++)
        fine = sweep_batch(sweep, plan.items[i].batch_id, LATER_MS, &fixture->err);
    fine = fine && sweep_shrink(sweep, &fixture->err);
    sweep_close(sweep);
    prune_plan_release(&plan);
    if (!fine || !store_set_durable(fixture->store, true, &fixture->err))
        fail_msg("%s", fixture->err.text);
    return (unsigned)rows;
}

static unsigned prune(struct fixture *fixture, int64_t before_ms)
{
    unsigned rows;

    assert_true(mark(fixture, before_ms));
    fixture_check(fixture);
    rows = sweep(fixture);
    fixture_check(fixture);
    return rows;
}

/* A batch of such rows, each of which came to that end. */
static int64_t ended(struct fixture *fixture, const char *words, enum job_state state)
{
    int64_t batch_id = fixture_batch(fixture, "Item", words);

    fixture_claim(fixture, FIXTURE_CLAIMS);
    fixture_settle_all(fixture, state);
    return batch_id;
}

/* Rows in all tables that name the batch, or a job or rejection of it, the batch itself aside.
 * Which tables there are is asked of the database, so that none that is added later is forgotten.
 */
static unsigned rows_of(struct fixture *fixture, int64_t batch_id)
{
    static const char columns[] =
        "SELECT 'SELECT ''' || t.name || ''' FROM ' || t.name || ' WHERE ' || c.name || "
        "CASE c.name WHEN 'batch_id' THEN ' = %lld' ELSE ' / 1000000000 = %lld' END "
        "FROM sqlite_schema t JOIN pragma_table_info(t.name) c WHERE t.type = 'table' "
        "AND t.name NOT IN ('batch', 'batch_tally') AND (c.name IN ('batch_id', 'rejection_id') "
        "OR c.name LIKE '%%job_id' OR (c.name = 'id' AND t.name = 'job_row'))";
    char *ask = mem_printf(columns, (long long)batch_id, (long long)batch_id);
    char *queries = mem_strdup(fixture_ask(fixture, ask)), *rest = queries;
    unsigned rows = 0, tables = 0;

    for (const char *query; (query = strsep(&rest, ";")); tables++) {
        const char *found = fixture_ask(fixture, query);

        rows += *found != '\0';
        for (; *found; found++)
            rows += *found == ';';
    }
    assert_true(tables >= 12);
    free(ask);
    free(queries);
    return rows;
}

static void what_is_finished_and_old_enough_goes(void **state)
{
    struct fixture *fixture = *state;

    ended(fixture, "a:5 !b", JOB_APPLIED);
    fixture->now_ms += 10;
    ended(fixture, "c:5", JOB_REFUSED);
    fixture_batch(fixture, "Item", "d:5");
    fixture_load_begin(fixture, "Item");
    assert_string_equal(planned(fixture, FIXTURE_NOW_MS - 1), "");
    assert_string_equal(planned(fixture, FIXTURE_NOW_MS), "1 goes");
    assert_string_equal(planned(fixture, FIXTURE_NOW_MS + 9), "1 goes");
    assert_string_equal(planned(fixture, LATER_MS), "1 goes, 2 goes");
}

static bool look_away(void *context, const struct decided *decided, struct err *err)
{
    (void)context;
    (void)decided;
    (void)err;
    return true;
}

static void a_batch_with_open_conflicts_stays_until_they_are_settled(void **state)
{
    int64_t job_ids[] = {id_of(1, 1), id_of(1, 2)};
    struct fixture *fixture = *state;
    struct decision decision = {.now_ms = FIXTURE_NOW_MS, .visit = look_away};

    ended(fixture, "a:5 b:5", JOB_CONFLICT);
    assert_string_equal(planned(fixture, LATER_MS), "1 conflict 2");
    assert_true(mark(fixture, LATER_MS));
    assert_string_equal(fixture_ask(fixture, "SELECT pruned_ms FROM batch"), "NULL");
    assert_true(resolve_jobs(fixture->store, RESOLVE_THEIRS, &decision,
                             &(struct id_list){job_ids, 1, 1}, &fixture->err));
    assert_string_equal(planned(fixture, LATER_MS), "1 conflict 1");
    decision = (struct decision){.now_ms = FIXTURE_NOW_MS, .visit = look_away};
    assert_true(resolve_jobs(fixture->store, RESOLVE_THEIRS, &decision,
                             &(struct id_list){job_ids + 1, 1, 1}, &fixture->err));
    assert_string_equal(planned(fixture, LATER_MS), "1 goes");
}

static void a_batch_whose_file_waits_to_be_moved_stays(void **state)
{
    struct fixture *fixture = *state;

    ended(fixture, "a:5", JOB_APPLIED);
    fixture_ask(fixture, "UPDATE batch SET filing = 1");
    assert_string_equal(planned(fixture, LATER_MS), "1 unfiled");
    assert_true(batch_filed(fixture->store, 1, FIXTURE_NOW_MS, &fixture->err));
    assert_string_equal(planned(fixture, LATER_MS), "1 goes");
}

static void a_refused_batch_stays_until_its_jobs_are_discarded(void **state)
{
    struct fixture *fixture = *state;
    struct intake_chunk chunk = {0};
    int64_t batch_id = fixture_load_begin(fixture, "Item");

    fixture_fill(&chunk, 1, "a:5 !b b:5");
    assert_true(batch_load(fixture->store, batch_id, &chunk, &fixture->err));
    intake_chunk_release(&chunk);
    assert_true(batch_refuse(fixture->store, batch_id, "too many", false, FIXTURE_RUN,
                             FIXTURE_NOW_MS, &fixture->err));
    assert_string_equal(planned(fixture, LATER_MS), "1 discarding");
    assert_true(batch_discard(fixture->store, batch_id, &fixture->err));
    assert_string_equal(planned(fixture, LATER_MS), "1 goes");
    prune(fixture, LATER_MS);
    assert_int_equal(rows_of(fixture, batch_id), 0);
}

/* Were the later row forgotten, a retry would put the older values over the newer ones. */
static void a_later_row_stays_while_an_earlier_job_may_be_sent_again(void **state)
{
    struct fixture *fixture = *state;

    ended(fixture, "a:5 b:5", JOB_REFUSED);
    fixture_batch(fixture, "Item", "x:5");
    fixture->now_ms -= 500; /* finished before the first */
    ended(fixture, "b:6", JOB_APPLIED);
    assert_string_equal(planned(fixture, FIXTURE_NOW_MS - 1), "2 goes, 3 needed 1000000002");
    assert_string_equal(planned(fixture, FIXTURE_NOW_MS), "1 goes, 2 goes, 3 goes");
}

static void a_later_row_of_another_schema_or_that_was_not_applied_is_not_needed(void **state)
{
    struct fixture *fixture = *state;

    ended(fixture, "a:5", JOB_REFUSED);
    fixture->now_ms -= 500;
    ended(fixture, "a:6", JOB_REFUSED);
    fixture_batch(fixture, "Account", "a:6");
    fixture_claim(fixture, 1);
    fixture_settle_all(fixture, JOB_APPLIED);
    assert_string_equal(planned(fixture, FIXTURE_NOW_MS - 1), "2 goes, 3 goes");
}

/* The batch in the middle stays for the first, and its own failed jobs keep the third. */
static void what_stays_keeps_what_it_needs_in_its_turn(void **state)
{
    struct fixture *fixture = *state;

    ended(fixture, "a:5", JOB_CONFLICT);
    fixture_batch(fixture, "Item", "a:6 b:6");
    fixture_claim(fixture, 2);
    fixture_settle(fixture, "2/1", JOB_APPLIED);
    fixture_settle(fixture, "2/2", JOB_REFUSED);
    fixture_claim(fixture, 0);
    ended(fixture, "b:7", JOB_APPLIED);
    assert_string_equal(planned(fixture, LATER_MS),
                        "1 conflict 1, 2 needed 1000000001, 3 needed 2000000002");
}

static void nothing_is_left_of_a_pruned_batch_but_itself_and_its_counters(void **state)
{
    struct fixture *fixture = *state;
    char *batch, *counters;

    ended(fixture, "a:5 b:5 !c !d", JOB_REFUSED);
    fixture_ask(fixture, "INSERT INTO server_violation (job_id, field, code, message) "
                         "VALUES (1000000001, 'sku', 'bad', 'x')");
    fixture_ask(fixture, "INSERT INTO conflict (job_id, detected_ms, resolved_ms) "
                         "VALUES (1000000002, 1, 2)");
    fixture_ask(fixture, "INSERT INTO rebase (job_id, rounds) VALUES (1000000002, 1)");
    fixture_ask(fixture, "INSERT INTO arbitration (job_id, since_ms) VALUES (1000000002, 1)");
    fixture_ask(fixture, "INSERT INTO audit (job_id, verdict, checked_ms, run_id) "
                         "VALUES (1000000001, 'missing', 1, 1)");
    ended(fixture, "a:6 !c", JOB_APPLIED);
    fixture_ask(fixture, "UPDATE batch SET finished_ms = finished_ms + 1 WHERE id = 2");
    assert_int_equal(rows_of(fixture, 1), 2 * 4 + 5 + 2 * 3 + 1);
    batch = mem_strdup(fixture_ask(fixture, "SELECT source, schema, content_hash, size_bytes, "
                                            "state, rows_read, rows_rejected, created_ms, "
                                            "finished_ms FROM batch WHERE id = 1"));
    counters = mem_strdup(fixture_ask(fixture, "SELECT * FROM batch_tally"));
    assert_int_equal(prune(fixture, FIXTURE_NOW_MS), 4);
    assert_int_equal(rows_of(fixture, 1), 0);
    assert_int_equal(rows_of(fixture, 2), 4 + 3 + 1);
    assert_string_equal(fixture_ask(fixture, "SELECT source, schema, content_hash, size_bytes, "
                                             "state, rows_read, rows_rejected, created_ms, "
                                             "finished_ms FROM batch WHERE id = 1"),
                        batch);
    assert_string_equal(fixture_ask(fixture, "SELECT * FROM batch_tally"), counters);
    assert_string_equal(fixture_ask(fixture, "SELECT pruned_ms, emptied_ms FROM batch"),
                        "1001000|1001000; NULL|NULL");
    free(batch);
    free(counters);
}

static void a_file_is_known_after_its_batch_was_pruned(void **state)
{
    struct fixture *fixture = *state;
    int64_t batch_id = 0;

    ended(fixture, "a:5", JOB_APPLIED);
    prune(fixture, LATER_MS);
    assert_true(batch_known(fixture->store, "Item", "hash", 100, &batch_id, &fixture->err));
    assert_int_equal(batch_id, 1);
}

/* From the mark on, though all rows are there yet. */
static void what_is_marked_is_seen_and_decided_about_no_more(void **state)
{
    static const char *const views[] = {"job",
                                        "job_history",
                                        "rejection",
                                        "failed_job",
                                        "rejection_by_field",
                                        "open_conflict",
                                        "server_rejection_by_field"};
    struct fixture *fixture = *state;
    struct id_list job_ids = {0};

    ended(fixture, "a:5 !b", JOB_REFUSED);
    fixture_ask(fixture, "INSERT INTO server_violation (job_id, field, code, message) "
                         "VALUES (1000000001, 'sku', 'bad', 'x')");
    assert_true(mark(fixture, LATER_MS));
    assert_true(rows_of(fixture, 1) > 0);
    for (size_t i = 0; i < sizeof views / sizeof *views; i++) {
        char *ask = mem_printf("SELECT * FROM %s", views[i]);

        assert_string_equal(fixture_ask(fixture, ask), "");
        free(ask);
    }
    assert_true(retry_find(fixture->store, &(struct retry_choice){.states = REFUSED}, &job_ids,
                           &fixture->err));
    assert_true(retry_find(fixture->store,
                           &(struct retry_choice){.states = REFUSED, .record_id = "a"}, &job_ids,
                           &fixture->err));
    assert_int_equal(job_ids.count, 0);
    assert_string_equal(fixture_ask(fixture, "SELECT jobs, refused, pruned FROM batch_summary"),
                        "1|1|1970-01-01T00:16:41.000Z");
    id_list_release(&job_ids);
}

static void nothing_is_marked_where_a_batch_was_opened_again_meanwhile(void **state)
{
    struct fixture *fixture = *state;
    struct prune_plan plan = {0};
    bool marked = true;

    ended(fixture, "a:5", JOB_APPLIED);
    ended(fixture, "b:5", JOB_REFUSED);
    make_plan(fixture, LATER_MS, &plan);
    fixture_ask(fixture, "UPDATE batch SET state = 'open', finished_ms = NULL WHERE id = 2");
    assert_true(prune_mark(fixture->store, &plan, LATER_MS, &marked, &fixture->err));
    assert_false(marked);
    assert_string_equal(fixture_ask(fixture, "SELECT pruned_ms FROM batch"), "NULL; NULL");
    prune_plan_release(&plan);
}

/* Batches of `count` rows, all applied. */
static void fill(struct fixture *fixture, unsigned count)
{
    struct buf words = {0};

    for (unsigned i = 0; i < count; i++)
        buf_printf(&words, "%s%u:5", i ? " " : "", i);
    ended(fixture, buf_text(&words), JOB_APPLIED);
    buf_release(&words);
}

static void space_is_given_back(void **state)
{
    struct fixture *fixture = *state;
    struct sweep_size before, after;

    for (unsigned i = 0; i < 40; i++)
        fill(fixture, FIXTURE_CLAIMS);
    fixture_ask(fixture, "PRAGMA wal_checkpoint(TRUNCATE)");
    assert_true(sweep_measure(fixture->store, &before, &fixture->err));
    assert_true(before.shrinks);
    prune(fixture, LATER_MS);
    assert_true(sweep_measure(fixture->store, &after, &fixture->err));
    assert_true(after.file_bytes < before.file_bytes / 2);
    assert_true(after.free_bytes * 5 < after.file_bytes);
}

#ifdef ROWFERRY_CRASH_POINTS

/* A prune in a child of its own that ends at that crash point. */
static void prune_until(struct fixture *fixture, const char *armed)
{
    pid_t child;

    store_close(fixture->store);
    fixture->store = NULL;
    child = scratch_fork();
    if (child == 0) {
        bool created;

        fixture->store = store_open(fixture->path, STORE_EXISTING, &created, &fixture->err);
        if (!fixture->store || !crash_arm(armed, &fixture->err))
            _exit(1);
        mark(fixture, LATER_MS);
        sweep(fixture);
        _exit(2);
    }
    assert_int_equal(scratch_join(child), -SIGKILL);
    fixture_reopen(fixture);
    fixture_check(fixture);
}

static void the_next_prune_finishes_what_a_crash_has_left(void **state)
{
    static const char *const points[] = {"prune-marked", "prune-committed"};
    struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        int64_t first = ended(fixture, "a:5 !b", JOB_APPLIED);

        fill(fixture, FIXTURE_CLAIMS);
        prune_until(fixture, points[i]);
        assert_non_null(strstr(planned(fixture, 0), " still goes"));
        prune(fixture, 0); /* whatever its age */
        assert_int_equal(rows_of(fixture, first), 0);
        assert_int_equal(rows_of(fixture, first + 1), 0);
        assert_string_equal(planned(fixture, LATER_MS), "");
    }
}

#endif

static void file_of(struct fixture *fixture, int64_t batch_id, uint64_t inode, int64_t filed_ms)
{
    char name[32];
    struct filed filed = {
        .batch_id = batch_id, .folder = "/inbox/done", .name = name, .inode = inode};

    snprintf(name, sizeof name, "%llu.csv", (unsigned long long)inode);
    assert_true(filed_note(fixture->store, &filed, filed_ms, &fixture->err));
}

static void files_of_finished_batches_are_listed_until_they_are_forgotten(void **state)
{
    struct fixture *fixture = *state;
    struct filed file;
    bool found;

    ended(fixture, "a:5 !b", JOB_APPLIED);
    ended(fixture, "b:5", JOB_APPLIED);
    fixture_batch(fixture, "Item", "c:5"); /* open */
    file_of(fixture, 1, 11, FIXTURE_NOW_MS);
    file_of(fixture, 2, 12, FIXTURE_NOW_MS);
    file_of(fixture, 2, 13, FIXTURE_NOW_MS + 1); /* a copy that was known */
    file_of(fixture, 3, 14, FIXTURE_NOW_MS);
    file_of(fixture, 0, 15, FIXTURE_NOW_MS); /* of no batch */
    prune(fixture, FIXTURE_NOW_MS);
    assert_true(filed_next(fixture->store, 0, FIXTURE_NOW_MS, &file, &found, &fixture->err));
    assert_true(found && file.batch_id == 1 && file.inode == 11 && file.pruned);
    assert_string_equal(file.folder, "/inbox/done");
    assert_string_equal(file.name, "11.csv");
    assert_true(filed_next(fixture->store, 2, FIXTURE_NOW_MS, &file, &found, &fixture->err));
    assert_true(found && file.inode == 15 && file.batch_id == 0 && file.pruned);
    assert_true(filed_next(fixture->store, 2, LATER_MS, &file, &found, &fixture->err));
    assert_true(found && file.inode == 13);
    assert_true(filed_forget(fixture->store, 1, &fixture->err));
    assert_true(filed_next(fixture->store, 0, FIXTURE_NOW_MS, &file, &found, &fixture->err));
    assert_true(found && file.inode == 12);
}

static void one_file_has_one_place_and_one_place_one_file(void **state)
{
    struct fixture *fixture = *state;
    struct filed file;
    bool found;

    ended(fixture, "a:5", JOB_APPLIED);
    file_of(fixture, 1, 11, FIXTURE_NOW_MS);
    file = (struct filed){.batch_id = 1, .folder = "/inbox/done", .name = "11.csv", .inode = 12};
    assert_true(filed_note(fixture->store, &file, FIXTURE_NOW_MS, &fixture->err));
    file.name = "other.csv";
    assert_true(filed_note(fixture->store, &file, FIXTURE_NOW_MS, &fixture->err));
    assert_string_equal(fixture_ask(fixture, "SELECT name, inode FROM filed"), "other.csv|12");
    assert_true(filed_at(fixture->store, "/inbox/done", "11.csv", &file, &found, &fixture->err));
    assert_false(found);
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, fixture_begin, fixture_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(what_is_finished_and_old_enough_goes),
        WITH_STORE(a_batch_with_open_conflicts_stays_until_they_are_settled),
        WITH_STORE(a_batch_whose_file_waits_to_be_moved_stays),
        WITH_STORE(a_refused_batch_stays_until_its_jobs_are_discarded),
        WITH_STORE(a_later_row_stays_while_an_earlier_job_may_be_sent_again),
        WITH_STORE(a_later_row_of_another_schema_or_that_was_not_applied_is_not_needed),
        WITH_STORE(what_stays_keeps_what_it_needs_in_its_turn),
        WITH_STORE(nothing_is_left_of_a_pruned_batch_but_itself_and_its_counters),
        WITH_STORE(a_file_is_known_after_its_batch_was_pruned),
        WITH_STORE(what_is_marked_is_seen_and_decided_about_no_more),
        WITH_STORE(nothing_is_marked_where_a_batch_was_opened_again_meanwhile),
        WITH_STORE(space_is_given_back),
#ifdef ROWFERRY_CRASH_POINTS
        WITH_STORE(the_next_prune_finishes_what_a_crash_has_left),
#endif
        WITH_STORE(files_of_finished_batches_are_listed_until_they_are_forgotten),
        WITH_STORE(one_file_has_one_place_and_one_place_one_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
