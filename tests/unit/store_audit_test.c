/* Which jobs are to be looked up in the audit log, and the verdicts on them. */
#include "core/job/id.h"
#include "core/store/audit.h"

#include "core/store/summary.h"
#include "tests/lib/store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

enum { RUN = 70, JOBS = 16 };

static struct audit_scope scope_of(int64_t run_id, int64_t batch_id, bool again)
{
    return (struct audit_scope){.run_id = run_id, .batch_id = batch_id, .again = again, .share = 1};
}

/* The jobs that the scope still has, as `BATCH/ROW RECORD VERSION answered;` */
static const char *open_jobs(struct fixture *fixture, const struct audit_scope *scope)
{
    struct audit_job jobs[JOBS];
    struct buf schema = {0}, texts = {0};
    int64_t batch_id = 0;
    unsigned count;

    buf_reset(&fixture->said);
    for (;;) {
        if (!audit_next_batch(fixture->store, scope, &batch_id, &schema, &fixture->err))
            fail_msg("%s", fixture->err.text);
        if (!batch_id)
            break;
        buf_reset(&texts);
        if (!audit_next_jobs(fixture->store, scope, id_before(batch_id), jobs, JOBS, &count, &texts,
                             &fixture->err))
            fail_msg("%s", fixture->err.text);
        for (unsigned i = 0; i < count; i++)
            buf_printf(&fixture->said, "%lld/%lld %.*s %lld%s;",
                       (long long)id_batch(jobs[i].job_id), (long long)id_row(jobs[i].job_id),
                       (int)jobs[i].record_id_size, texts.data + jobs[i].record_id,
                       (long long)jobs[i].version, jobs[i].is_answered ? "" : " in doubt");
    }
    buf_release(&schema);
    buf_release(&texts);
    return buf_text(&fixture->said);
}

static uint64_t begin(struct fixture *fixture, const struct audit_scope *scope)
{
    uint64_t jobs;

    if (!audit_begin(fixture->store, scope, &jobs, &fixture->err))
        fail_msg("%s", fixture->err.text);
    return jobs;
}

static void write_verdict(struct fixture *fixture, int64_t job_id, enum verdict verdict,
                          int64_t run_id)
{
    static const char texts[] = "x{\"id\":1}";
    const struct audit_result result = {job_id, verdict, 1, verdict == VERDICT_MISSING ? 0 : 8};

    if (!audit_write(fixture->store, &result, 1, texts, run_id, 5000, &fixture->err))
        fail_msg("%s", fixture->err.text);
}

static void jobs_that_are_due_are_looked_up_until_they_have_a_verdict(void **state)
{
    struct fixture *fixture = *state;
    struct audit_scope scope = scope_of(RUN, 0, false);
    bool due;

    fixture_batch(fixture, "Item", "a:5 b:5");
    assert_true(audit_is_due(fixture->store, 0, &due, &fixture->err));
    assert_false(due);
    assert_true(audit_expect(fixture->store, &fixture->err));
    assert_true(audit_is_due(fixture->store, 0, &due, &fixture->err));
    assert_true(due);
    assert_true(audit_is_due(fixture->store, 2, &due, &fixture->err));
    assert_false(due);
    fixture->batch_id = 1;
    fixture_claim(fixture, 2);
    fixture_settle_at(fixture, "1/2", JOB_APPLIED, 6);
    fixture_claim(fixture, 0);
    assert_int_equal(begin(fixture, &scope), 1);
    assert_string_equal(open_jobs(fixture, &scope), "1/2 b 6;");
    write_verdict(fixture, 1000000002, VERDICT_MISSING, RUN);
    assert_string_equal(open_jobs(fixture, &scope), "");
    assert_asked(fixture, "SELECT job_id, verdict, entry, checked_ms FROM audit",
                 "1000000002|missing|NULL|5000");
    assert_asked(fixture,
                 "SELECT job_id, batch_id, row_no, schema, record_id, verdict, checked "
                 "FROM audit_gap",
                 "1000000002|1|2|Item|b|missing|1970-01-01T00:00:05.000Z");
    assert_true(audit_end_batch(fixture->store, 1, &fixture->err));
    assert_true(audit_is_due(fixture->store, 0, &due, &fixture->err));
    assert_false(due);
}

/* `rowferry audit`: what was missing is asked again, in a later run, and once. */
static void what_is_missing_is_looked_up_again_and_the_counters_follow(void **state)
{
    struct fixture *fixture = *state;
    struct audit_scope first = scope_of(RUN, 0, true), second = scope_of(RUN + 1, 1, true);

    fixture_batch(fixture, "Item", "a:5 b:5 c:5");
    fixture->batch_id = 1;
    fixture_claim(fixture, 3);
    fixture_settle_at(fixture, "1/1", JOB_APPLIED, 6);
    fixture_settle_at(fixture, "1/2", JOB_APPLIED, 6);
    fixture_settle_at(fixture, "1/3", JOB_APPLIED, 6);
    fixture_claim(fixture, 0);
    assert_int_equal(begin(fixture, &first), 3);
    write_verdict(fixture, 1000000001, VERDICT_VERIFIED, RUN);
    write_verdict(fixture, 1000000002, VERDICT_MISSING, RUN);
    write_verdict(fixture, 1000000003, VERDICT_MISMATCH, RUN);
    assert_string_equal(open_jobs(fixture, &first), "");
    assert_asked(fixture, "SELECT * FROM batch_audit", "1|0|70|1|1|1");
    assert_int_equal(begin(fixture, &second), 1);
    assert_string_equal(open_jobs(fixture, &second), "1/2 b 6;");
    write_verdict(fixture, 1000000002, VERDICT_VERIFIED, RUN + 1);
    assert_asked(fixture, "SELECT * FROM batch_audit", "1|0|71|2|0|1");
    assert_asked(fixture, "SELECT verdict, entry FROM audit WHERE job_id = 1000000002",
                 "verified|{\"id\":1}");
}

/* A GET has settled it: an entry without an id would show nothing. */
static void a_job_that_was_read_back_is_in_doubt(void **state)
{
    struct fixture *fixture = *state;
    struct audit_scope scope = scope_of(RUN, 0, true);

    fixture_batch(fixture, "Item", "a:5");
    fixture_claim(fixture, 1);
    fixture_settle(fixture, "1/1", JOB_UNKNOWN);
    fixture_claim(fixture, 1);
    fixture_settle_at(fixture, "1/1", JOB_APPLIED, 6);
    fixture_claim(fixture, 0);
    begin(fixture, &scope);
    assert_string_equal(open_jobs(fixture, &scope), "1/1 a 6 in doubt;");
}

static void each_job_is_read_in_its_own_batch(void **state)
{
    struct fixture *fixture = *state;
    struct audit_scope scope = scope_of(RUN, 0, true);

    for (int i = 0; i < 3; i++) {
        fixture_batch(fixture, "Item", "a:5");
        fixture_claim(fixture, 1);
        fixture_settle_all(fixture, JOB_APPLIED);
    }
    assert_int_equal(begin(fixture, &scope), 3);
    assert_string_equal(open_jobs(fixture, &scope),
                        "1/1 a 0 in doubt;2/1 a 0 in doubt;3/1 a 0 in doubt;");
}

static void a_sample_and_a_batch_narrow_it(void **state)
{
    struct fixture *fixture = *state;
    struct audit_scope scope = scope_of(RUN, 2, true);

    for (int i = 0; i < 2; i++) {
        fixture_batch(fixture, "Item", "a:5");
        fixture_claim(fixture, 1);
        fixture_settle_all(fixture, JOB_APPLIED);
    }
    begin(fixture, &scope);
    assert_asked(fixture, "SELECT batch_id FROM batch_audit WHERE run_id = 70", "2");
    scope.share = 0;
    assert_string_equal(open_jobs(fixture, &scope), "");
}

static void a_job_without_a_row_gets_no_verdict(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5");
    write_verdict(fixture, 1000000001, VERDICT_VERIFIED, RUN);
    assert_asked(fixture, "SELECT count(*) FROM audit", "0");
}

static bool keep(void *context, const struct batch_counts *batch, struct err *err)
{
    (void)err;
    *(struct batch_counts *)context = *batch;
    return true;
}

static void summaries_count_audits(void **state)
{
    struct fixture *fixture = *state;
    struct audit_scope scope = scope_of(RUN, 0, true);
    struct batch_counts batch = {0};

    fixture_batch(fixture, "Item", "a:5");
    fixture_claim(fixture, 1);
    fixture_settle_all(fixture, JOB_APPLIED);
    assert_true(audit_expect(fixture->store, &fixture->err));
    begin(fixture, &scope);
    write_verdict(fixture, 1000000001, VERDICT_MISMATCH, RUN);
    assert_true(summary_batches(fixture->store, SUMMARY_AUDITED, RUN, keep, &batch, &fixture->err));
    assert_int_equal(batch.id, 1);
    assert_int_equal(batch.by_verdict[VERDICT_MISMATCH], 1);
    assert_int_equal(batch.by_verdict[VERDICT_VERIFIED], 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_begin, fixture_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(jobs_that_are_due_are_looked_up_until_they_have_a_verdict),
        TEST(what_is_missing_is_looked_up_again_and_the_counters_follow),
        TEST(a_job_that_was_read_back_is_in_doubt),
        TEST(each_job_is_read_in_its_own_batch),
        TEST(a_sample_and_a_batch_narrow_it),
        TEST(a_job_without_a_row_gets_no_verdict),
        TEST(summaries_count_audits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
