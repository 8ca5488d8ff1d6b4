/* A database with a batch of each kind, and a loop that calls a public function of core/store with
 * one statement failing: the n-th of the call, n = 1, 2, ... until none is left, and the same with
 * an interruption after n instructions. The error names the database; what is one transaction
 * leaves the tables as they were; nothing contradicts anything else, and the same call succeeds
 * afterwards.
 */
#pragma once

#include "core/base/mem.h"
#include "core/store/filed.h"
#include "core/store/runs.h"
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
    fixture->decider = NULL;
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

static void prepare(struct fixture *fixture, const struct call *call)
{
    restore(fixture);
    if (call->prepare)
        call->prepare(fixture);
}

/* Returns whether the fault came. `before` is what the call finds each time. */
static bool fail_once(struct fixture *fixture, const struct call *call, const char *before,
                      enum fault_sql kind, unsigned n)
{
    struct err err = {0};
    char *after;
    bool fine, fired;

    prepare(fixture, call);
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
        if (call->is_parted)
            fixture_check(fixture);
        if (!call->run(fixture, &err))
            fail_msg("%s, after fault %u of kind %d: %s", call->name, n, (int)kind, err.text);
    }
    fixture_check(fixture);
    return fired;
}

/* Under the address sanitizer every fourth statement is enough: the other builds have all of them.
 */
#ifdef __SANITIZE_ADDRESS__
enum { STATEMENT_STEP = 4 };
#else
enum { STATEMENT_STEP = 1 };
#endif

static void fail_each(struct fixture *fixture, const struct call *calls, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct err err = {0};
        unsigned n = 1;
        char *before;

        prepare(fixture, &calls[i]);
        before = contents(fixture);
        if (!calls[i].run(fixture, &err))
            fail_msg("%s: %s", calls[i].name, err.text);
        fixture_check(fixture);
        while (fail_once(fixture, &calls[i], before, FAULT_SQL_PREPARE, n))
            n += STATEMENT_STEP;
        assert_true(n > 1);
        for (n = 1; fail_once(fixture, &calls[i], before, FAULT_SQL_STEP, n);)
            n += 1 + n / 2;
        free(before);
    }
}

#define FAIL_EACH(state, ...)                                                                      \
    do {                                                                                           \
        static const struct call calls[] = {__VA_ARGS__};                                          \
        fail_each(*(state), calls, sizeof calls / sizeof *calls);                                  \
    } while (0)

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

#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
