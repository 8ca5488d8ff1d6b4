/* The query plan of every statement, and of what people ask the views: no statement that runs for a
 * job or a turn may walk a table that grows, and a plan that changes is looked at by somebody. */
#include "core/store/db.h"
#include "tests/lib/store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

static const char golden_path[] = "tests/golden/query-plans.txt";

static const char *const owners[DB_OWNERS] = {
    [DB_RUNS] = "runs",
    [DB_BATCHES] = "batches",
    [DB_UNFILED] = "unfiled",
    [DB_CHUNKS] = "chunks",
    [DB_KEYS] = "keys",
    [DB_CLAIMS] = "claims",
    [DB_FIRST_CLAIMS] = "first claims",

    [DB_ORDERS] = "orders",
    [DB_OPEN_BATCHES] = "open batches",
    [DB_TURNS] = "turns",
    [DB_SUMMARIES] = "summaries",
    [DB_DECISIONS] = "decisions",
    [DB_CANCELS] = "cancels",
    [DB_HISTORIES] = "histories",
    [DB_EXPORTS] = "exports",
    [DB_CENSUSES] = "censuses",
    [DB_PRUNES] = "prunes",
    [DB_SWEEPS] = "sweeps",
    [DB_FILED] = "filed",
    [DB_AUDITS] = "audits",
    [DB_NOTIFICATIONS] = "notifications",
    [DB_KNOWN] = "known",
    [DB_KNOWN_CLAIMS] = "known claims",
    [DB_DELIVERIES] = "deliveries",
    [DB_BEFORES] = "befores",
    [DB_UNDOS] = "undos",
    [DB_WAITING] = "waiting",
};

/* What people ask. */
static const char *const questions[] = {
    "SELECT * FROM job WHERE id = 5000000812",
    "SELECT * FROM job WHERE batch_id = 5 AND state = 'refused'",
    "SELECT count(*) FROM job WHERE batch_id = 5",
    "SELECT state, count(*) FROM job WHERE batch_id = 5 GROUP BY state",
    "SELECT * FROM job_history WHERE record_id = 'WH-1042'",
    "SELECT * FROM job_history WHERE record_id IN ('WH-1042', 'WH-1043')",
    "SELECT * FROM job_history WHERE job_id = 5000000812",
    "SELECT a.* FROM attempt a JOIN job j ON j.id = a.job_id WHERE j.record_id = 'WH-1042'",
    "SELECT * FROM rejection WHERE batch_id = 5",
    "SELECT * FROM failed_job WHERE batch_id = 5",
    "SELECT * FROM failed_job WHERE record_id = 'WH-1042'",
    "SELECT * FROM failed_job",
    "SELECT * FROM open_conflict",
    "SELECT * FROM open_conflict WHERE batch_id = 5",
    "SELECT * FROM open_conflict WHERE record_id = 'WH-1042'",
    "SELECT * FROM open_conflict WHERE job_id = 5000000812",
    "SELECT DISTINCT batch_id, row_no, schema, record_id FROM open_conflict",
    "SELECT * FROM audit_gap",
    "SELECT * FROM audit_gap WHERE batch_id = 5",
    "SELECT * FROM audit_gap WHERE record_id = 'WH-1042'",
    "SELECT verdict, entry FROM audit WHERE job_id = 5000000812",
    "SELECT * FROM rejection_by_field",
    "SELECT * FROM rejection_tally WHERE batch_id = 5 ORDER BY rows DESC",
    "SELECT * FROM server_rejection_by_field",
    "SELECT * FROM batch_summary WHERE batch_id = 5",
    "SELECT * FROM batch_summary",
    "SELECT * FROM run_summary ORDER BY run_id DESC LIMIT 10",
    "SELECT * FROM notification WHERE record_id = 'WH-1042'",
    "SELECT * FROM undelivered",
    "SELECT * FROM known_record WHERE schema = 'Item' AND record_id = 'WH-1042'",
    "SELECT * FROM delivery WHERE notification_id = 812",
    "SELECT * FROM run_summary WHERE started >= date('now', '-1 month')",
};

static void print_plan(sqlite3 *db, const char *sql, struct buf *out)
{
    char *explain = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", sql);
    sqlite3_stmt *statement;

    if (sqlite3_prepare_v2(db, explain, -1, &statement, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sqlite3_errmsg(db), sql);
    while (sqlite3_step(statement) == SQLITE_ROW)
        buf_printf(out, "    %s\n", (const char *)sqlite3_column_text(statement, 3));
    sqlite3_finalize(statement);
    sqlite3_free(explain);
}

/* All statements and their plans, as the golden file has them. */
static void print_plans(struct fixture *fixture, struct buf *out)
{
    buf_printf(out, "SQLite %.4s\n", sqlite3_libversion());
    for (unsigned owner = 0; owner < DB_OWNERS; owner++) {
        const struct db_statements *statements = db_statements_of((enum db_owner)owner);

        for (unsigned i = 0; i < statements->count; i++) {
            buf_printf(out, "\n%s %u: %s\n", owners[owner], i, statements->sql[i]);
            print_plan(fixture->store->db, statements->sql[i], out);
        }
    }
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
        buf_printf(out, "\nquestion: %s\n", questions[i]);
        print_plan(fixture->eye, questions[i], out);
    }
}

/* Every parameter and column has a name that names.h knows, so that code which uses a name of
 * another statement ends at once (db_has_no). */
static void every_statement_names_its_parameters_and_columns(void **state)
{
    struct fixture *fixture = *state;

    for (unsigned owner = 0; owner < DB_OWNERS; owner++) {
        const struct db_statements *statements = db_statements_of((enum db_owner)owner);

        for (unsigned i = 0; i < statements->count; i++)
            if (!db_get(fixture->store, (enum db_owner)owner, i, &fixture->err)->stmt)
                fail_msg("%s %u: %s", owners[owner], i, fixture->err.text);
    }
}

/* Where the first word of a plan's line is SCAN: what is walked, but constants, the fields of one
 * record, and what the statement itself made. */
static const char *walked(const char *line)
{
    static const char *const harmless[] = {"CONSTANT ROW", "(subquery", "(sorted_key", "stake\n"};
    const char *scan = line + strspn(line, " ");

    if (strncmp(scan, "SCAN ", 5) != 0 || memmem(scan, strcspn(scan, "\n"), " VIRTUAL TABLE ", 15))
        return NULL;
    scan += 5;
    for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++)
        if (strncmp(scan, harmless[i], strlen(harmless[i])) == 0)
            return NULL;
    return *scan >= '0' && *scan <= '9' ? NULL : scan; /* so many constant rows */
}

/* Whether a plan can walk that table. Plans name tables by their alias: batches and tallies are b
 * and t, runs have their name, and what few jobs come to has its index. All other tables grow; what
 * is known is counted by nobody but status and doctor (250 ms for a million records). */
static bool may_walk(const char *name)
{
    static const char *const few[] = {
        "b",
        "t",
        "batch",
        "batch_tally",
        "run",
        "pause",
        "c USING INDEX conflict_open",
        "d USING INDEX outbox_open",
        "s USING INDEX job_failed",
        "a USING INDEX audit_open",
        "u",
        "batch_audit",
        "server_violation USING COVERING INDEX server_violation_by_field",
        "rejection_by_field", /* a view, whose plan has lines of its own */
        "server_rejection_by_field",
        "known",
    };

    for (size_t i = 0; i < sizeof few / sizeof *few; i++) {
        size_t size = strlen(few[i]);

        if (strncmp(name, few[i], size) == 0 &&
            (name[size] == '\n' || (strchr(few[i], ' ') == NULL && name[size] == ' ')))
            return true;
    }
    return false;
}

static void check_walks(sqlite3 *db, const char *sql)
{
    struct buf plan = {0};

    print_plan(db, sql, &plan);
    for (const char *line = buf_text(&plan); *line; line += strcspn(line, "\n") + 1) {
        const char *name = walked(line);

        if (name && !may_walk(name))
            fail_msg("%s:\n%.*s", sql, (int)strcspn(line, "\n"), line);
    }
    buf_release(&plan);
}

static void no_statement_walks_a_table_that_grows(void **state)
{
    struct fixture *fixture = *state;

    for (unsigned owner = 0; owner < DB_OWNERS; owner++) {
        const struct db_statements *statements = db_statements_of((enum db_owner)owner);

        for (unsigned i = 0; i < statements->count; i++)
            check_walks(fixture->store->db, statements->sql[i]);
    }
}

static void no_question_of_people_walks_a_table_that_grows(void **state)
{
    struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++)
        check_walks(fixture->eye, questions[i]);
}

/* Says where the first difference is. */
static void compare(const char *expected, const char *plans)
{
    const char *line = plans;

    for (size_t i = 0; expected[i] || plans[i]; i++) {
        if (expected[i] != plans[i])
            fail_msg("the plans differ from %s (UPDATE_GOLDEN=1 writes it again) at:\n%.*s",
                     golden_path, (int)strcspn(line, "\n"), line);
        if (plans[i] == '\n')
            line = plans + i + 1;
    }
}

/* Another version of SQLite words its plans otherwise: then the tests above must do. */
static void every_plan_is_the_one_that_was_looked_at(void **state)
{
    struct buf plans = {0};
    char *expected = NULL;
    bool update = getenv("UPDATE_GOLDEN") != NULL, same_version = true;

    print_plans(*state, &plans);
    if (update) {
        scratch_write(golden_path, plans.data, plans.size);
    } else {
        expected = scratch_read(golden_path);
        if (!expected)
            fail_msg("%s is missing: UPDATE_GOLDEN=1 writes it", golden_path);
        same_version = strncmp(expected, buf_text(&plans), strcspn(expected, "\n") + 1) == 0;
        if (same_version)
            compare(expected, buf_text(&plans));
    }
    free(expected);
    buf_release(&plans);
    if (!same_version)
        skip();
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, fixture_begin, fixture_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(every_statement_names_its_parameters_and_columns),
        WITH_STORE(no_statement_walks_a_table_that_grows),
        WITH_STORE(no_question_of_people_walks_a_table_that_grows),
        WITH_STORE(every_plan_is_the_one_that_was_looked_at),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
