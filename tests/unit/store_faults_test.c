/* Each public function of core/store on a database in which one statement fails: the n-th of the
 * call, n = 1, 2, ... until none is left, and the same with an interruption after n instructions.
 * The error names the database; what is one transaction leaves the tables as they were; nothing
 * contradicts anything else, and the same call succeeds afterwards. */
#include "core/base/mem.h"
#include "core/store/audit.h"
#include "core/store/cancel.h"
#include "core/store/census.h"
#include "core/store/decide.h"
#include "core/store/delivery.h"
#include "core/store/export.h"
#include "core/store/filed.h"
#include "core/store/history.h"
#include "core/store/keys.h"
#include "core/store/notification.h"
#include "core/store/prune.h"
#include "core/store/runs.h"
#include "core/store/summary.h"
#include "core/store/sweep.h"
#include "core/store/unfiled.h"
#include "tests/lib/fault_sql.h"
#include "tests/lib/fault_vfs.h"
#include "tests/lib/store_fixture.h"

#include "core/store/db.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Batches of the template. */
enum { MIXED = 1, LATER, LOADING, REFUSED, OLD, PARKED, SORTED };

enum { LATE_MS = FIXTURE_NOW_MS + 100000000 };

struct call {
    const char *name;
    bool (*run)(struct fixture *fixture, struct err *err);
    void (*prepare)(struct fixture *fixture); /* before the fault is armed, or NULL */
    bool is_parted;                           /* more than one transaction */
};

static struct buf template; /* the bytes of a database */

/* --- the template --- */

static void load(struct fixture *fixture, int64_t batch_id, const char *words)
{
    struct intake_chunk chunk = {0};

    fixture_fill(&chunk, 1, words);
    assert_true(batch_load(fixture->store, batch_id, &chunk, &fixture->err));
    intake_chunk_release(&chunk);
}

static struct filed filed_of(int64_t batch_id, const char *name)
{
    return (struct filed){.batch_id = batch_id,
                          .folder = "/inbox/done",
                          .name = name,
                          .device = 1,
                          .inode = (uint64_t)batch_id,
                          .size = 100};
}

/* A batch with a job in each state, one that repeats its records, one that is being read, one that
 * is refused and has its rows yet, and one that is done. */
static void fill(struct fixture *fixture)
{
    struct claim_violation *violation = mem_calloc(1, sizeof *violation);
    struct claim_outcome *outcome;
    struct filed filed;

    fixture_batch(fixture, "Item", "a:5 b:5 c:5 d:5 !x e:5 f:5 g");
    fixture_claim(fixture, 5);
    fixture_settle_at(fixture, "1/1", JOB_APPLIED, 6);
    outcome = fixture_settle_at(fixture, "1/2", JOB_CONFLICT, 8);
    outcome->conflict = true;
    outcome->server_record = mem_strdup("{\"version\":8,\"fields\":{\"n\":9}}");
    *violation = (struct claim_violation){mem_strdup("sku"), mem_strdup("bad"), mem_strdup("no")};
    outcome = fixture_settle(fixture, "1/3", JOB_REFUSED);
    outcome->violations = violation;
    outcome->violation_count = 1;
    outcome = fixture_settle(fixture, "1/4", JOB_UNKNOWN);
    outcome->doubt = true;
    outcome->not_before_ms = fixture->now_ms;
    fixture_settle(fixture, "1/6", JOB_UNKNOWN)->not_before_ms = fixture->now_ms + 1000;
    fixture_claim(fixture, 1);
    fixture_settle(fixture, "1/4", JOB_FAILED);
    fixture_claim(fixture, 0);
    fixture_batch(fixture, "Item", "a:6 e:6 h:5 h:6 !y i");
    load(fixture, fixture_load_begin(fixture, "Other"), "q:1 !z r:1");
    load(fixture, fixture_load_begin(fixture, "Refused"), "s:1 !t u:1");
    assert_true(batch_refuse(fixture->store, REFUSED, "no", false, 1, 2, &fixture->err));
    fixture_batch(fixture, "Old", "o:1 !p n:1");
    fixture->batch_id = OLD;
    fixture_claim(fixture, 2);
    fixture_settle_all(fixture, JOB_APPLIED);
    fixture_claim(fixture, 0);
    fixture->batch_id = 0;
    for (int64_t i = 1; i <= OLD; i += OLD - 1) {
        filed = filed_of(i, "x.csv");
        assert_true(filed_note(fixture->store, &filed, 1, &fixture->err));
        assert_true(batch_filed(fixture->store, i, 1, &fixture->err));
    }
    assert_true(pause_write(fixture->store, PAUSE_OF_API, 1, 100, "slow down", 1, &fixture->err));
}

/* --- the loop --- */

static void restore(struct fixture *fixture)
{
    static const char *const endings[] = {"-wal", "-shm"};
    char path[SCRATCH_SIZE + 32];

    store_close(fixture->store);
    fixture->store = NULL;
    assert_int_equal(sqlite3_close(fixture->eye), SQLITE_OK);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        snprintf(path, sizeof path, "%s%s", fixture->path, endings[i]);
        unlink(path);
    }
    scratch_write(fixture->path, template.data, template.size);
    fixture_reopen(fixture);
    assert_int_equal(sqlite3_open_v2(fixture->path, &fixture->eye, SQLITE_OPEN_READWRITE, NULL),
                     SQLITE_OK);
    fixture->now_ms = LATE_MS;
    fixture->batch_id = 0;
    fixture->spread = fixture->interrupted = false;
    fixture->run_id = FIXTURE_RUN;
}

/* All rows of all tables, as text. */
static char *contents(struct fixture *fixture)
{
    char *tables = mem_strdup(
        fixture_ask(fixture, "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name"));
    struct buf all = {0};

    for (char *table = tables, *next; *table; table = next) {
        char sql[128];

        next = table + strcspn(table, ";");
        if (*next)
            *next++ = '\0';
        next += strspn(next, " ");
        snprintf(sql, sizeof sql, "SELECT * FROM %s", table);
        buf_printf(&all, "%s: %s\n", table, fixture_ask(fixture, sql));
    }
    free(tables);
    buf_text(&all);
    return all.data;
}

static void check_error(const struct fixture *fixture, const struct call *call, enum fault_sql kind,
                        const struct err *err)
{
    char start[SCRATCH_SIZE + 64];

    snprintf(start, sizeof start, "database %s: ", store_path(fixture->store));
    if (kind == FAULT_SQL_STEP && err->kind == ERR_STOPPED)
        return;
    if (err->kind != ERR_STORE || strncmp(err->text, start, strlen(start)) != 0)
        fail_msg("%s: error %d: %s", call->name, (int)err->kind, err->text);
}

/* Returns whether the fault came. */
static bool fail_once(struct fixture *fixture, const struct call *call, enum fault_sql kind,
                      unsigned n)
{
    struct err err = {0};
    char *before, *after;
    bool fine, fired;

    restore(fixture);
    if (call->prepare)
        call->prepare(fixture);
    before = contents(fixture);
    fault_sql_arm(fixture->store->db, kind, n);
    fine = call->run(fixture, &err);
    fired = fault_sql_disarm(fixture->store->db);
    if (fine == fired)
        fail_msg("%s, fault %u of kind %d: %s", call->name, n, (int)kind,
                 fired ? "it was not reported" : err.text);
    if (!fine) {
        check_error(fixture, call, kind, &err);
        after = contents(fixture);
        if (!call->is_parted && strcmp(before, after) != 0)
            fail_msg("%s, fault %u of kind %d: half of it is done: before:\n%s\nafter:\n%s",
                     call->name, n, (int)kind, before, after);
        free(after);
        fixture_check(fixture);
        if (!call->run(fixture, &err))
            fail_msg("%s, after fault %u of kind %d: %s", call->name, n, (int)kind, err.text);
    }
    fixture_check(fixture);
    free(before);
    return fired;
}

static void fail_each(struct fixture *fixture, const struct call *calls, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        unsigned n = 1;

        while (fail_once(fixture, &calls[i], FAULT_SQL_PREPARE, n))
            n++;
        assert_true(n > 1);
        for (n = 1; fail_once(fixture, &calls[i], FAULT_SQL_STEP, n);)
            n += 1 + n / 2;
    }
}

#define FAIL_EACH(state, ...)                                                                      \
    do {                                                                                           \
        static const struct call calls[] = {__VA_ARGS__};                                          \
        fail_each(*(state), calls, sizeof calls / sizeof *calls);                                  \
    } while (0)

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
        {"census", take_census, NULL, false}, {"store_set_durable", set_durable, NULL, false});
}

/* --- decisions --- */

static bool take_decided(void *context, const struct decided *decided, struct err *err)
{
    (void)context, (void)decided, (void)err;
    return true;
}

static struct decision decision_of(const struct fixture *fixture)
{
    return (struct decision){.now_ms = fixture->now_ms, .visit = take_decided};
}

static bool resolve(struct fixture *fixture, enum resolution resolution, struct err *err)
{
    struct decision decision = decision_of(fixture);
    struct resolve_sides sides = {0};
    struct id_list job_ids = {0};
    bool fine = resolve_find(fixture->store, 0, &job_ids, err) &&
                resolve_show(fixture->store, id_of(MIXED, 2), &sides, err) &&
                resolve_jobs(fixture->store, resolution, &decision, &job_ids, err);

    id_list_release(&job_ids);
    resolve_sides_release(&sides);
    return fine;
}

static bool resolve_ours(struct fixture *fixture, struct err *err)
{
    return resolve(fixture, RESOLVE_OURS, err);
}

static bool resolve_theirs(struct fixture *fixture, struct err *err)
{
    return resolve(fixture, RESOLVE_THEIRS, err);
}

static bool retry(struct fixture *fixture, const char *record_id, struct err *err)
{
    struct retry_choice choice = {.states = JOB_SET(JOB_RETRIABLE_LIST), .record_id = record_id};
    struct decision decision = decision_of(fixture);
    struct id_list job_ids = {0};
    bool fine = retry_find(fixture->store, &choice, &job_ids, err) &&
                retry_jobs(fixture->store, &decision, &job_ids, err);

    id_list_release(&job_ids);
    return fine;
}

static bool retry_all(struct fixture *fixture, struct err *err)
{
    return retry(fixture, NULL, err);
}

static bool retry_record(struct fixture *fixture, struct err *err)
{
    return retry(fixture, "c", err);
}

static bool cancel(struct fixture *fixture, struct err *err)
{
    struct decision decision = decision_of(fixture);

    return cancel_batch(fixture->store, &decision, MIXED, err) &&
           cancel_batch(fixture->store, &decision, LATER, err);
}

static void put_off(struct fixture *fixture)
{
    fixture->batch_id = LATER;
    fixture_claim(fixture, 4);
    fixture_settle_all(fixture, JOB_PENDING);
    fixture_claim(fixture, 0);
    fixture->batch_id = 0;
}

static void a_decision_is_whole_or_not_at_all(void **state)
{
    FAIL_EACH(state, {"resolve ours", resolve_ours, NULL, false},
              {"resolve theirs", resolve_theirs, NULL, false},
              {"retry_jobs", retry_all, NULL, false}, {"retry a record", retry_record, NULL, false},
              {"cancel_batch", cancel, put_off, true});
}

/* --- the drain --- */

static bool exchange(struct fixture *fixture, struct err *err)
{
    bool fine = fixture_try(fixture, 16);

    *err = fixture->err;
    return fine;
}

/* Every kind of outcome waits to be written. */
static void settle_mixed(struct fixture *fixture)
{
    static const enum job_state ends[] = {JOB_APPLIED, JOB_CONFLICT, JOB_PENDING, JOB_REFUSED,
                                          JOB_UNKNOWN};

    fixture_claim(fixture, 6);
    for (unsigned i = 0; fixture->in_hand_count; i++) {
        struct claim *claim = fixture->in_hand[0];
        enum job_state end = claim->request == REQUEST_FETCH ? JOB_PENDING : ends[i % 5];
        struct claim_outcome *outcome;
        char job[ID_TEXT_SIZE];

        outcome = fixture_settle_at(fixture, id_print(claim->job_id, job), end, claim->version + 1);
        if (claim->request == REQUEST_FETCH) {
            outcome->next = POLICY_NEXT_SEND;
            outcome->fields = mem_strdup("{}");
        }
        outcome->doubt = end == JOB_UNKNOWN;
        if (end == JOB_UNKNOWN)
            outcome->next = POLICY_NEXT_AUDIT;
        outcome->run_retries = end == JOB_PENDING ? 9 : 0;
        outcome->not_before_ms = fixture->now_ms;
        outcome->conflict = end == JOB_CONFLICT;
        if (end == JOB_REFUSED) {
            outcome->violations = mem_calloc(1, sizeof *outcome->violations);
            outcome->violations[0] =
                (struct claim_violation){mem_strdup("sku"), mem_strdup("bad"), mem_strdup("no")};
            outcome->violation_count = 1;
        }
    }
    fixture->now_ms++;
}

static void settle_untouched(struct fixture *fixture)
{
    fixture_claim(fixture, 4);
    while (fixture->in_hand_count) {
        char job[ID_TEXT_SIZE];

        fixture_put_back(fixture, id_print(fixture->in_hand[0]->job_id, job))->last = true;
    }
    fixture->now_ms++;
}

/* Each claim is followed by what asks the audit log next, until that is known. */
static void settle_asking(struct fixture *fixture)
{
    static const enum policy_next next[] = {
        [REQUEST_UPDATE] = POLICY_NEXT_AUDIT,
        [REQUEST_READ_BACK] = POLICY_NEXT_AUDIT,
        [REQUEST_AUDIT] = POLICY_NEXT_PAGE,
        [REQUEST_FETCH] = POLICY_NEXT_SEND,
    };

    fixture_claim(fixture, 8);
    while (fixture->in_hand_count) {
        const struct claim *claim = fixture->in_hand[0];
        bool fetch = claim->request == REQUEST_FETCH, ends = claim->page > 1;
        enum job_state end = ends ? JOB_APPLIED : fetch ? JOB_PENDING : JOB_UNKNOWN;
        struct claim_outcome *outcome;
        char job[ID_TEXT_SIZE];

        outcome = fixture_settle_at(fixture, id_print(claim->job_id, job), end, claim->version + 1);
        outcome->next = ends ? POLICY_BY_STATE : next[claim->request];
        outcome->fields = fetch ? mem_strdup("{}") : NULL;
        outcome->doubt = end == JOB_UNKNOWN;
        outcome->not_before_ms = fixture->now_ms;
        snprintf(outcome->own_user, sizeof outcome->own_user, "us");
    }
    fixture->now_ms++;
}

static void ask_for_pages(struct fixture *fixture)
{
    settle_asking(fixture);
    settle_asking(fixture);
}

static void ask_to_the_end(struct fixture *fixture)
{
    ask_for_pages(fixture);
    settle_asking(fixture);
}

/* What was put off and asked by a clock that was ahead. */
static void set_back_clock(struct fixture *fixture)
{
    settle_asking(fixture);
    fixture_claim(fixture, 0);
    fixture_ask(fixture, "UPDATE arbitration SET since_ms = since_ms + 1000000000");
    fixture_ask(fixture, "UPDATE job_state SET not_before_ms = not_before_ms + 100000000000 "
                         "WHERE job_id % 2 = 0 AND not_before_ms IS NOT NULL");
}

static void try_again(struct fixture *fixture)
{
    assert_true(retry_all(fixture, &fixture->err));
    assert_true(resolve_ours(fixture, &fixture->err));
}

static void settle_again(struct fixture *fixture)
{
    try_again(fixture);
    fixture_claim(fixture, 8);
    while (fixture->in_hand_count) {
        char job[ID_TEXT_SIZE];

        fixture_settle(fixture, id_print(fixture->in_hand[0]->job_id, job), JOB_UNCHANGED);
    }
    fixture->now_ms++;
}

static void sample(struct fixture *fixture)
{
    fixture->spread = true;
}

static void drain_later(struct fixture *fixture)
{
    fixture->batch_id = LATER;
}

static bool leave(struct fixture *fixture, struct err *err)
{
    static const int64_t job_ids[] = {1000000006, 1000000004};

    return jobs_leave(fixture->store, job_ids, 2, 8, err);
}

static void interrupt(struct fixture *fixture)
{
    fixture_claim(fixture, 6);
    while (fixture->in_hand_count)
        fixture->idle[fixture->idle_count++] = fixture->in_hand[--fixture->in_hand_count];
    fixture->interrupted = true;
    fixture->run_id++; /* the next process finds them */
}

static bool recover(struct fixture *fixture, struct err *err)
{
    uint64_t recovered;
    bool fine = jobs_recover(fixture->store, fixture->now_ms, &recovered, err);

    fixture->interrupted = !fine;
    return fine;
}

static bool uncount(struct fixture *fixture, struct err *err)
{
    struct lock_mark mark = {.run_id = FIXTURE_RUN, .attempt_id = 3};

    return jobs_uncount(fixture->store, &mark, fixture->now_ms, err);
}

static void a_turn_is_whole_or_not_at_all(void **state)
{
    FAIL_EACH(
        state, {"jobs_exchange", exchange, NULL, false}, {"settle", exchange, settle_mixed, false},
        {"put back", exchange, settle_untouched, false}, {"sample", exchange, sample, false},
        {"drain a batch", exchange, drain_later, false}, {"go on", exchange, put_off, false},
        {"ask for pages", exchange, ask_for_pages, false},
        {"ask to the end", exchange, ask_to_the_end, false},
        {"set back the clock", exchange, set_back_clock, false},
        {"try again", exchange, try_again, false}, {"settle again", exchange, settle_again, false},
        {"jobs_leave", leave, NULL, false}, {"jobs_recover", recover, interrupt, true});
}

static void what_never_left_is_uncounted_whole_or_not_at_all(void **state)
{
    FAIL_EACH(state, {"jobs_uncount", uncount, NULL, false});
}

/* --- pruning and audits --- */

static bool prune(struct fixture *fixture, struct err *err)
{
    struct prune_plan plan = {0};
    bool marked;
    bool fine = prune_plan_make(fixture->store, LATE_MS, &plan, err) &&
                prune_mark(fixture->store, &plan, LATE_MS, &marked, err);

    prune_plan_release(&plan);
    return fine;
}

static void mark(struct fixture *fixture)
{
    assert_true(prune(fixture, &fixture->err));
}

static bool sweep(struct fixture *fixture, struct err *err)
{
    struct sweep *sweep = sweep_open(fixture->store, (struct sweep_watch){0}, err);
    bool fine = sweep && sweep_batch(sweep, OLD, LATE_MS, err) && sweep_shrink(sweep, err);

    sweep_close(sweep);
    return fine;
}

static const struct audit_scope scope = {.run_id = 9, .again = true, .share = 1};

static bool expect_audits(struct fixture *fixture, struct err *err)
{
    return audit_expect(fixture->store, err);
}

static bool begin_audits(struct fixture *fixture, struct err *err)
{
    uint64_t jobs;
    bool due;

    return audit_is_due(fixture->store, 0, &due, err) &&
           audit_begin(fixture->store, &scope, &jobs, err);
}

static void take_audits(struct fixture *fixture)
{
    assert_true(begin_audits(fixture, &fixture->err));
}

static bool read_audits(struct fixture *fixture, struct err *err)
{
    struct buf schema = {0}, texts = {0};
    struct audit_job jobs[4];
    int64_t batch_id = 0;
    unsigned count;
    bool fine =
        audit_next_batch(fixture->store, &scope, &batch_id, &schema, err) &&
        audit_next_jobs(fixture->store, &scope, id_before(MIXED), jobs, 4, &count, &texts, err);

    buf_release(&schema);
    buf_release(&texts);
    return fine;
}

static bool write_audits(struct fixture *fixture, struct err *err)
{
    const struct audit_result results[] = {
        {.job_id = id_of(MIXED, 1), .verdict = VERDICT_VERIFIED},
        {.job_id = id_of(OLD, 1), .verdict = VERDICT_MISSING},
    };

    return audit_write(fixture->store, results, 2, "", 9, 1, err);
}

static bool end_audits(struct fixture *fixture, struct err *err)
{
    return audit_end_batch(fixture->store, MIXED, err);
}

static void pruning_and_audits_go_on_where_they_failed(void **state)
{
    FAIL_EACH(state, {"prune_mark", prune, NULL, false}, {"sweep_batch", sweep, mark, true},
              {"audit_expect", expect_audits, NULL, false},
              {"audit_begin", begin_audits, NULL, true},
              {"read audits", read_audits, take_audits, false},
              {"audit_write", write_audits, take_audits, false},
              {"audit_end_batch", end_audits, take_audits, false});
}

/* --- notifications and their deliveries --- */

static bool answer_verdict(void *context, const struct notification *notification,
                           struct notification_verdict *verdict, struct err *err)
{
    (void)notification, (void)err;
    *verdict = *(const struct notification_verdict *)context;
    return true;
}

static bool knows_schema(void *context, struct span schema)
{
    (void)context, (void)schema;
    return true;
}

static struct notification_verdict foreign = {NOTIFICATION_FOREIGN, 0},
                                   waits = {NOTIFICATION_WAITS, 1000000006},
                                   echo = {NOTIFICATION_OF_JOB, 1000000001};

/* Two notifications of one record, and one that is not accepted. */
static bool add_notifications(struct fixture *fixture, struct notification_verdict *verdict,
                              const char *record_id, struct err *err)
{
    struct notification_decider decider = {
        .decide = answer_verdict, .context = verdict, .knows = knows_schema};
    struct notification notifications[3], *list[3];

    for (size_t i = 0; i < 3; i++) {
        notifications[i] = (struct notification){.action = span_of("update"),
                                                 .schema = span_of("Item"),
                                                 .record_id = span_of(record_id),
                                                 .body = span_of("{}"),
                                                 .modified_ms = FIXTURE_NOW_MS,
                                                 .refusal = i == 2 ? "no" : NULL};
        notifications[i].key[0] = (unsigned char)record_id[0];
        notifications[i].key[1] = (unsigned char)i;
        list[i] = &notifications[i];
    }
    return notifications_add(fixture->store, list, 3, &decider, fixture->now_ms, err);
}

static bool add_foreign(struct fixture *fixture, struct err *err)
{
    return add_notifications(fixture, &foreign, "a", err);
}

static bool add_echoes(struct fixture *fixture, struct err *err)
{
    return add_notifications(fixture, &echo, "a", err);
}

static void store_notifications(struct fixture *fixture)
{
    assert_true(add_notifications(fixture, &waits, "b", &fixture->err));
    assert_true(add_notifications(fixture, &foreign, "c", &fixture->err));
}

static bool decide_as(struct fixture *fixture, struct notification_verdict *verdict,
                      struct err *err)
{
    struct notification_decider decider = {
        .decide = answer_verdict, .context = verdict, .knows = knows_schema};
    uint64_t decided;

    return notifications_decide(fixture->store, &decider, fixture->now_ms, &decided, err);
}

static bool decide_foreign(struct fixture *fixture, struct err *err)
{
    return decide_as(fixture, &foreign, err);
}

static bool decide_echo(struct fixture *fixture, struct err *err)
{
    return decide_as(fixture, &echo, err);
}

static bool take_candidate(void *context, const struct notification_candidate *candidate,
                           bool *go_on, struct err *err)
{
    (void)context, (void)candidate, (void)err;
    *go_on = true;
    return true;
}

static void take_body(void *context, struct span body)
{
    (void)context, (void)body;
}

static void take_failed(void *context, int64_t id, struct span schema, struct span record_id,
                        int http_status, struct span error)
{
    (void)context, (void)id, (void)schema, (void)record_id, (void)http_status, (void)error;
}

static bool read_notifications(struct fixture *fixture, struct err *err)
{
    const struct notification about = {.schema = span_of("Item"), .record_id = span_of("a")};
    struct store *store = fixture->store;
    struct notification_counts counts;
    struct delivery delivery = {0};
    int64_t ids[4], next_due_ms;
    size_t count;
    bool fine = notification_candidates(store, &about, FIXTURE_NOW_MS, take_candidate, NULL, err) &&
                notification_between(store, span_of("c"), 0, 0, LATE_MS, take_body, NULL, err) &&
                notification_count(store, &counts, err) &&
                deliveries_due(store, LATE_MS, 3, ids, 4, &count, &next_due_ms, err) && count &&
                delivery_read(store, ids[0], &delivery, err) &&
                deliveries_failed(store, take_failed, NULL, err);

    delivery_release(&delivery);
    return fine;
}

static bool begin_deliveries(struct fixture *fixture, struct err *err)
{
    return deliveries_begin(fixture->store, LATE_MS, err);
}

/* The first delivery that is due, and the next of its record. */
static bool settle_deliveries(struct fixture *fixture, enum delivery_state state, struct err *err)
{
    struct delivery_outcome outcome = {
        .state = state, .attempts = 1, .http_status = 500, .error = "no"};

    outcome.id = strtoll(fixture_ask(fixture, "SELECT min(id) FROM outbox WHERE state = 'pending' "
                                              "AND not_before_ms IS NOT NULL"),
                         NULL, 10);
    outcome.not_before_ms = LATE_MS + 1;
    return deliveries_settle(fixture->store, &outcome, 1, LATE_MS, err);
}

static bool deliver(struct fixture *fixture, struct err *err)
{
    return settle_deliveries(fixture, DELIVERY_DELIVERED, err);
}

static bool put_off_delivery(struct fixture *fixture, struct err *err)
{
    return settle_deliveries(fixture, DELIVERY_PENDING, err);
}

static void fail_delivery(struct fixture *fixture)
{
    store_notifications(fixture);
    assert_true(settle_deliveries(fixture, DELIVERY_FAILED, &fixture->err));
}

static bool retry_deliveries(struct fixture *fixture, struct err *err)
{
    uint64_t count;

    return deliveries_retry(fixture->store, LATE_MS, &count, err);
}

static void a_notification_is_stored_whole_or_not_at_all(void **state)
{
    FAIL_EACH(state, {"notifications_add", add_foreign, NULL, false},
              {"add echoes", add_echoes, NULL, false},
              {"notifications_decide", decide_foreign, store_notifications, false},
              {"decide that it is an echo", decide_echo, store_notifications, false},
              {"read notifications", read_notifications, fail_delivery, false},
              {"deliveries_begin", begin_deliveries, store_notifications, false},
              {"deliveries_settle", deliver, store_notifications, false},
              {"put a delivery off", put_off_delivery, store_notifications, false},
              {"deliveries_retry", retry_deliveries, fail_delivery, false});
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

static int begin(void **state)
{
    struct fixture *fixture;
    char path[SCRATCH_SIZE + 32], sql[SCRATCH_SIZE + 64];
    size_t size = 1;
    FILE *file;

    fault_vfs_install(); /* which does not wait for the disk */
    fixture_begin(state);
    fixture = *state;
    fill(fixture);
    snprintf(path, sizeof path, "%s/template.db", fixture->folder);
    snprintf(sql, sizeof sql, "VACUUM INTO '%s'", path);
    fixture_ask(fixture, sql);
    file = fopen(path, "r");
    assert_non_null(file);
    while (size) {
        size = fread(buf_reserve(&template, 65536), 1, 65536, file);
        template.size += size;
    }
    fclose(file);
    return 0;
}

static int end(void **state)
{
    buf_release(&template);
    template = (struct buf){0};
    return fixture_end(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_loads_a_batch_is_whole_or_not_at_all, begin, end),
        cmocka_unit_test_setup_teardown(what_is_read_or_noted_is_an_error_or_complete, begin, end),
        cmocka_unit_test_setup_teardown(a_decision_is_whole_or_not_at_all, begin, end),
        cmocka_unit_test_setup_teardown(a_turn_is_whole_or_not_at_all, begin, end),
        cmocka_unit_test_setup_teardown(what_never_left_is_uncounted_whole_or_not_at_all, begin,
                                        end),
        cmocka_unit_test_setup_teardown(a_notification_is_stored_whole_or_not_at_all, begin, end),
        cmocka_unit_test_setup_teardown(opening_fails_clearly_and_can_be_repeated, begin, end),
        cmocka_unit_test_setup_teardown(pruning_and_audits_go_on_where_they_failed, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
