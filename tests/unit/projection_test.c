/* What records would hold after the rows that were compared so far; and the jobs that wait. */
#include "core/store/projection.h"

#include "core/store/batches.h"
#include "core/store/waiting.h"
#include "tests/lib/store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

static void keep(struct projections *projections, const char *record_id, int64_t version,
                 const char *fields)
{
    struct projection projection = {
        .state = 3, .version = version, .source = 1, .first_version = 5, .returned = version};
    struct err err = {0};

    buf_append_text(&projection.fields, fields);
    assert_true(
        projection_keep(projections, span_of("Item"), span_of(record_id), &projection, &err));
    buf_release(&projection.fields);
}

static void the_last_state_of_each_record_is_found(void **state)
{
    struct fixture *fixture = *state;
    struct projections *projections = projections_open(fixture->store, &fixture->err);
    struct projection found = {0};

    assert_non_null(projections);
    keep(projections, "a", 6, "{\"n\":1}");
    keep(projections, "b", 6, "{}");
    keep(projections, "a", 7, "{\"n\":2}");
    assert_true(projection_find(projections, span_of("Item"), span_of("a"), &found, &fixture->err));
    assert_true(found.is_there);
    assert_int_equal(found.state, 3);
    assert_int_equal(found.version, 7);
    assert_int_equal(found.source, 1);
    assert_int_equal(found.first_version, 5);
    assert_int_equal(found.returned, 7);
    assert_string_equal(buf_text(&found.fields), "{\"n\":2}");
    assert_true(
        projection_find(projections, span_of("Other"), span_of("a"), &found, &fixture->err));
    assert_false(found.is_there);
    projections_close(projections);
    /* another comparison begins with none */
    projections = projections_open(fixture->store, &fixture->err);
    assert_true(projection_find(projections, span_of("Item"), span_of("a"), &found, &fixture->err));
    assert_false(found.is_there);
    projections_close(projections);
    buf_release(&found.fields);
}

static bool visit(void *context, const struct waiting_job *job, struct err *err)
{
    struct buf *seen = context;

    buf_printf(seen, "%s%lld %.*s", seen->size ? "; " : "", (long long)id_row(job->job_id),
               (int)job->record_id.size, job->record_id.data);
    if (job->has_version)
        buf_printf(seen, " v%lld", (long long)job->version);
    buf_printf(seen, " %.*s%s%s", (int)job->fields.size, job->fields.data,
               job->has_others ? " others" : "", job->is_whole ? " whole" : "");
    return seen->size < 100 || err_set(err, ERR_STOPPED, "enough");
}

static void assert_waiting(struct fixture *fixture, int64_t batch_id, const char *expected)
{
    struct buf seen = {0};

    if (!waiting_jobs(fixture->store, batch_id, visit, &seen, &fixture->err))
        fail_msg("%s", fixture->err.text);
    assert_string_equal(buf_text(&seen), expected);
    buf_release(&seen);
}

static void the_jobs_that_are_still_to_be_sent_are_visited(void **state)
{
    struct fixture *fixture = *state;
    int64_t batch_id = fixture_batch(fixture, "Item", "a:5 b:1 a:5 c");

    assert_waiting(fixture, batch_id,
                   "1 a v5 {\"n\":1} others; 2 b v1 {\"n\":2}; 3 a v5 {\"n\":3} others; "
                   "4 c {\"n\":4}");
    fixture_claim(fixture, 2);
    fixture_settle_at(fixture, "1/1", JOB_APPLIED, 6);
    fixture_settle(fixture, "1/2", JOB_UNKNOWN);
    fixture_claim(fixture, 0);
    assert_true(batch_mark(fixture->store, batch_id, false, true, &fixture->err));
    assert_waiting(fixture, batch_id,
                   "2 b v1 {\"n\":2} whole; 3 a v5 {\"n\":3} others whole; 4 c {\"n\":4} whole");
}

static void more_jobs_than_a_page_holds_are_visited_until_the_visitor_fails(void **state)
{
    struct fixture *fixture = *state;
    struct buf words = {0}, seen = {0};

    for (unsigned i = 0; i < 150; i++)
        buf_printf(&words, "r%u:1 ", i);
    fixture_batch(fixture, "Item", buf_text(&words));
    assert_false(waiting_jobs(fixture->store, 1, visit, &seen, &fixture->err));
    assert_int_equal(fixture->err.kind, ERR_STOPPED);
    assert_in_range(seen.size, 100, 140);
    buf_release(&words);
    buf_release(&seen);
}

int main(void)
{
#define IN_FIXTURE(test) cmocka_unit_test_setup_teardown(test, fixture_begin, fixture_end)
    const struct CMUnitTest tests[] = {
        IN_FIXTURE(the_last_state_of_each_record_is_found),
        IN_FIXTURE(the_jobs_that_are_still_to_be_sent_are_visited),
        IN_FIXTURE(more_jobs_than_a_page_holds_are_visited_until_the_visitor_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
