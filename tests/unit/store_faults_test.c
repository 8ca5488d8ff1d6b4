/* Loading a batch, runs, files, what is only read, and opening, with each statement failing. */
#include "core/store/census.h"
#include "core/store/export.h"
#include "core/store/history.h"
#include "core/store/keys.h"
#include "core/store/known.h"
#include "core/store/projection.h"
#include "core/store/runs.h"
#include "core/store/summary.h"
#include "core/store/undo.h"
#include "core/store/unfiled.h"
#include "tests/unit/store_fault_scene.h"

/* --- intake --- */

static const struct batch_origin origin = {.source = "inbox/x.csv",
                                           .path = "/inbox/x.csv",
                                           .schema = "Item",
                                           .schema_hash = "schema-hash",
                                           .format = "csv",
                                           .options = "",
                                           .content_hash = "hash",
                                           .size_bytes = 100,
                                           .filing = BATCH_INBOX};

static bool ask_batches(struct fixture *fixture, struct err *err)
{
    struct store *store = fixture->store;
    struct batch_waiting waiting;
    struct batch_read read;
    const char *source;
    int64_t id;

    return batch_known(store, "Item", "hash", 100, &id, err) &&
           batch_waiting(store, &origin, &waiting, err) &&
           batch_read_as(store, MIXED, &read, err) &&
           batch_read_shorter(store, &origin, &read, err) &&
           batch_loading(store, "Other", &id, &source, err) &&
           batch_newer(store, "Item", MIXED, &id, err);
}

static bool begin_batch(struct fixture *fixture, struct err *err)
{
    int64_t id;

    return batch_begin(fixture->store, &origin, 1, 1, &id, err);
}

static bool keep_header(struct fixture *fixture, struct err *err)
{
    return batch_set_header(fixture->store, LOADING, span_of("a,b"), err);
}

static bool read_header(struct fixture *fixture, struct err *err)
{
    struct buf header = {0};
    bool fine = batch_header(fixture->store, MIXED, &header, err);

    buf_release(&header);
    return fine;
}

static bool load_rows(struct fixture *fixture, struct err *err)
{
    static const char words[] =
        "a1 a2 a3 a4 a5 a6 a7 a8 a9 b1 b2 b3 b4 b5 b6 b7 b8 b9 c1 c2 c3 c4 c5 c6 c7 c8 c9 d1 d2 d3 "
        "d4 d5 d6 !e !f g";
    struct intake_chunk chunk = {0};
    bool fine;

    fixture_fill(&chunk, 4, words);
    fine = batch_load(fixture->store, LOADING, &chunk, err);
    intake_chunk_release(&chunk);
    return fine;
}

static bool load_keys(struct fixture *fixture, struct err *err)
{
    struct intake_chunk chunk = {0};
    bool fine;

    fixture_fill(&chunk, 1, "q:1 r:1");
    chunk.rows[1].row_no = 3;
    fine = batch_load_keys(fixture->store, LOADING, &chunk, err);
    intake_chunk_release(&chunk);
    return fine;
}

static bool open_batch(struct fixture *fixture, struct err *err)
{
    return batch_open(fixture->store, LOADING, "hash", 100, 1, 2, err);
}

static bool refuse(struct fixture *fixture, struct err *err)
{
    return batch_refuse(fixture->store, LOADING, "no", true, 1, 2, err);
}

static bool discard(struct fixture *fixture, struct err *err)
{
    return batch_discard(fixture->store, REFUSED, err);
}

static bool restart(struct fixture *fixture, struct err *err)
{
    return batch_restart(fixture->store, LOADING, &origin, err);
}

static bool take_rejection(void *context, const struct rejection *rejection, struct err *err)
{
    (void)context, (void)rejection, (void)err;
    return true;
}

static bool read_unfiled(struct fixture *fixture, struct err *err)
{
    struct batch_unfinished batch;
    bool found;

    return batch_next_unfinished(fixture->store, 0, &batch, &found, err) &&
           batch_rejections(fixture->store, MIXED, take_rejection, NULL, err);
}

static bool mark_filed(struct fixture *fixture, struct err *err)
{
    return batch_filed(fixture->store, LATER, 1, err);
}

static void what_loads_a_batch_is_whole_or_not_at_all(void **state)
{
    FAIL_EACH(state, {"ask for batches", ask_batches, NULL, false},
              {"batch_begin", begin_batch, NULL, false},
              {"batch_set_header", keep_header, NULL, false},
              {"batch_header", read_header, NULL, false}, {"batch_load", load_rows, NULL, false},
              {"batch_load_keys", load_keys, NULL, false}, {"batch_open", open_batch, NULL, true},
              {"batch_refuse", refuse, NULL, false}, {"batch_discard", discard, NULL, true},
              {"batch_restart", restart, NULL, true}, {"unfiled", read_unfiled, NULL, false},
              {"batch_filed", mark_filed, NULL, false});
}

/* --- runs, files, and what is only read --- */

static bool begin_run(struct fixture *fixture, struct err *err)
{
    int64_t id;

    return run_begin(fixture->store, "run", "1.0", 1, &id, err);
}

static bool end_run(struct fixture *fixture, struct err *err)
{
    return run_end(fixture->store, 1, 2, 0, &(struct store_run){.requests = 1}, err);
}

static bool read_runs(struct fixture *fixture, struct err *err)
{
    struct pause_info pause;
    struct run_info run;

    return run_last(fixture->store, 99, &run, err) &&
           run_last_ended(fixture->store, "run", -1, &run, err) &&
           pause_read(fixture->store, PAUSE_OF_API, 1, &pause, err);
}

static bool set_pause(struct fixture *fixture, struct err *err)
{
    return pause_write(fixture->store, PAUSE_OF_API, 1, 200, "slow down", 1, err);
}

static bool end_pause(struct fixture *fixture, struct err *err)
{
    return pause_write(fixture->store, PAUSE_OF_API, 1, 0, "", 1, err);
}

static bool note_file(struct fixture *fixture, struct err *err)
{
    struct filed filed = filed_of(MIXED, "y.csv");

    return filed_note(fixture->store, &filed, 1, err);
}

static bool read_files(struct fixture *fixture, struct err *err)
{
    struct filed filed;
    bool found;

    return filed_at(fixture->store, "/inbox/done", "x.csv", &filed, &found, err) &&
           filed_next(fixture->store, 0, LATE_MS, &filed, &found, err) &&
           filed_next_watched(fixture->store, 0, &filed, &found, err);
}

static bool unwatch_file(struct fixture *fixture, struct err *err)
{
    return filed_unwatch(fixture->store, 1, err);
}

static bool forget_file(struct fixture *fixture, struct err *err)
{
    return filed_forget(fixture->store, 1, err);
}

static bool take_batch(void *context, const struct batch_counts *batch, struct err *err)
{
    (void)context;
    return summary_balance(batch, err);
}

static bool summarise(struct fixture *fixture, struct err *err)
{
    return summary_batches(fixture->store, SUMMARY_ALL, 0, take_batch, NULL, err);
}

static bool take_event(void *context, const struct history_event *event, struct err *err)
{
    (void)context, (void)event, (void)err;
    return true;
}

static bool read_history(struct fixture *fixture, struct err *err)
{
    return history_record(fixture->store, span_of("a"), NULL, take_event, NULL, err);
}

static bool take_row(void *context, const struct export_row *row, bool *enough, struct err *err)
{
    (void)context, (void)row, (void)err;
    *enough = false;
    return true;
}

static bool export_rows(struct fixture *fixture, struct err *err)
{
    struct export_page all = {.batch_id = MIXED, .states = EXPORT_ALL, .visit = take_row};
    struct export_page claimed = {.batch_id = MIXED, .states = 1 << JOB_REFUSED, .visit = take_row};
    struct export_batch batch = {0};
    bool fine = export_batch(fixture->store, MIXED, &batch, err) &&
                export_next(fixture->store, &all, err) &&
                export_next(fixture->store, &claimed, err);

    export_batch_release(&batch);
    return fine;
}

static bool take_undo(void *context, const struct undo_job *job, bool *enough, struct err *err)
{
    (void)context, (void)job, (void)err;
    *enough = false;
    return true;
}

static bool read_undos(struct fixture *fixture, struct err *err)
{
    struct undo_page page = {.batch_id = MIXED, .states = ~0u, .visit = take_undo};

    return undo_next(fixture->store, &page, err);
}

static bool take_known(void *context, const struct known_count *count, struct err *err)
{
    (void)context, (void)err;
    return count->records > 0;
}

static void know(struct fixture *fixture)
{
    fixture_ask(fixture, "INSERT INTO known SELECT value, 'g', 5, '{}', 1, 1, 'get' "
                         "FROM json_each('[\"Item\",\"Other\"]')");
}

static bool count_known(struct fixture *fixture, struct err *err)
{
    return known_count(fixture->store, take_known, NULL, err);
}

static bool project(struct fixture *fixture, struct err *err)
{
    struct projections *projections = projections_open(fixture->store, err);
    struct projection projection = {.version = 5};
    bool fine = projections &&
                projection_keep(projections, span_of("Item"), span_of("a"), &projection, err) &&
                projection_find(projections, span_of("Item"), span_of("a"), &projection, err) &&
                projection_find(projections, span_of("Item"), span_of("b"), &projection, err);

    buf_release(&projection.fields);
    projections_close(projections);
    return fine;
}

static void take_difference(void *context, const struct census_difference *difference)
{
    (void)context;
    fail_msg("%s of batch %lld", difference->counter, (long long)difference->batch_id);
}

static bool take_census(struct fixture *fixture, struct err *err)
{
    struct census_facts facts;
    struct census_ahead ahead;
    struct census census;

    return census_facts(fixture->store, &facts, err) &&
           census_ahead(fixture->store, LATE_MS, &ahead, err) &&
           census_integrity(fixture->store, err) &&
           census_take(fixture->store, &census, take_difference, NULL, err);
}

static bool set_durable(struct fixture *fixture, struct err *err)
{
    return store_set_durable(fixture->store, false, err) &&
           store_set_durable(fixture->store, true, err);
}

static void what_is_read_or_noted_is_an_error_or_complete(void **state)
{
    FAIL_EACH(
        state, {"run_begin", begin_run, NULL, false}, {"run_end", end_run, NULL, false},
        {"read runs", read_runs, NULL, false}, {"pause_write", set_pause, NULL, false},
        {"end a pause", end_pause, NULL, false}, {"filed_note", note_file, NULL, false},
        {"read files", read_files, NULL, false}, {"filed_unwatch", unwatch_file, NULL, false},
        {"filed_forget", forget_file, NULL, false}, {"summary_batches", summarise, NULL, false},
        {"history_record", read_history, NULL, false}, {"export_next", export_rows, NULL, false},
        {"undo_next", read_undos, NULL, false}, {"known_count", count_known, know, false},
        {"projections", project, NULL, false}, {"census", take_census, NULL, false},
        {"store_set_durable", set_durable, NULL, false});
}

/* --- the database itself --- */

static void reopen_failing(struct fixture *fixture, enum fault_sql kind, bool is_new, unsigned step)
{
    bool created, fired = true;
    char path[SCRATCH_SIZE + 32];

    for (unsigned n = 1; fired; n += 1 + n / step) {
        struct err err = {0};
        struct store *store;

        snprintf(path, sizeof path, "%s/%u-%u-%u.db", fixture->folder, kind, is_new, n);
        if (!is_new)
            scratch_write(path, template.data, template.size);
        fault_sql_arm_next(kind, n);
        store = store_open(path, STORE_CREATE, &created, &err);
        fired = fault_sql_disarm(NULL);
        if (fired != !store)
            fail_msg("fault %u: %s", n, err.text);
        if (!store) {
            if (err.kind != ERR_STORE && err.kind != ERR_STOPPED)
                fail_msg("fault %u: %s", n, err.text);
            store = store_open(path, STORE_CREATE, &created, &err);
            if (!store)
                fail_msg("after fault %u: %s", n, err.text);
        }
        store_close(store);
        unlink(path);
    }
}

static void opening_fails_clearly_and_can_be_repeated(void **state)
{
    for (int is_new = 0; is_new < 2; is_new++) {
        reopen_failing(*state, FAULT_SQL_PREPARE, is_new, is_new ? 8 : 1000);
        reopen_failing(*state, FAULT_SQL_STEP, is_new, 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(what_loads_a_batch_is_whole_or_not_at_all),
        STORE_TEST(what_is_read_or_noted_is_an_error_or_complete),
        STORE_TEST(opening_fails_clearly_and_can_be_repeated),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
