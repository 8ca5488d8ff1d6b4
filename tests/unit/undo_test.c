/* What records held before: looked at, kept, and what of it puts a batch back. */
#include "core/store/undo.h"

#include "core/store/batches.h"
#include "core/store/before.h"
#include "tests/lib/store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A batch whose schema file has keepBefore. */
static void keeping_batch(struct fixture *fixture, const char *words)
{
    int64_t batch_id = fixture_batch(fixture, "Item", words);

    assert_true(batch_mark(fixture->store, batch_id, true, false, &fixture->err));
}

/* A GET showed the job's record at the version of its PUT, or nothing that could be kept. */
static void look(struct fixture *fixture, const char *job, const char *fields)
{
    int64_t version = fixture_held(fixture, job)->version;
    struct claim_outcome *outcome = fixture_settle_at(fixture, job, JOB_PENDING, version);

    outcome->next = POLICY_NEXT_SEND;
    outcome->before = fields ? before_pack(span_of(fields)) : NULL;
}

/* Looks, sends, and has the server answer with the next version. */
static void apply(struct fixture *fixture, const char *job, const char *fields)
{
    int64_t version;

    fixture_claim(fixture, 1);
    version = fixture_held(fixture, job)->version;
    look(fixture, job, fields);
    fixture_claim(fixture, 1);
    fixture_settle_at(fixture, job, JOB_APPLIED, version + 1);
    fixture_claim(fixture, 0);
}

/* --- looks --- */

static void an_update_is_sent_after_a_look_at_its_version(void **state)
{
    struct fixture *fixture = *state;

    keeping_batch(fixture, "a:5 b:1");
    assert_claims(fixture, 10, "FETCH 1/1 a v5, FETCH 1/2 b v1");
    assert_true(fixture_held(fixture, "1/1")->is_look);
    assert_string_equal(fixture_ask(fixture, "SELECT state, attempts, sent_version FROM job_state"),
                        "pending|0|NULL; pending|0|NULL");
    look(fixture, "1/1", "{\"n\":0.10}");
    look(fixture, "1/2", NULL);
    assert_claims(fixture, 10, "PUT 1/1 a v5, PUT 1/2 b v1");
    assert_true(span_is(claim_fields(fixture_held(fixture, "1/1")), "{\"n\":1}"));
    assert_string_equal(fixture_ask(fixture, "SELECT job_id, version, size, CAST(fields AS TEXT) "
                                             "FROM before_update"),
                        "1000000001|5|10|{\"n\":0.10}; 1000000002|1|NULL|NULL");
    assert_string_equal(fixture_ask(fixture, "SELECT count(*) FROM rebase"), "0");
}

static void a_look_is_not_repeated_for_the_same_version(void **state)
{
    struct fixture *fixture = *state;

    keeping_batch(fixture, "a:5");
    fixture_claim(fixture, 1);
    look(fixture, "1/1", "{}");
    fixture_claim(fixture, 1);
    fixture_settle(fixture, "1/1", JOB_PENDING)->doubt = true; /* a 503 */
    assert_claims(fixture, 10, "PUT 1/1 a v5");
    fixture_settle(fixture, "1/1", JOB_UNKNOWN)->doubt = true;
    assert_claims(fixture, 10, "GET 1/1 a v5");
    fixture_settle_at(fixture, "1/1", JOB_PENDING, 5);
    assert_claims(fixture, 10, "PUT 1/1 a v5");
}

static void a_look_that_shows_too_little_is_repeated(void **state)
{
    struct fixture *fixture = *state;

    keeping_batch(fixture, "a:5");
    fixture_claim(fixture, 1);
    fixture_settle_at(fixture, "1/1", JOB_PENDING, 4)->looks_again = true;
    assert_claims(fixture, 10, "FETCH 1/1 a v5");
    assert_true(fixture_held(fixture, "1/1")->looks_again);
    assert_string_equal(fixture_ask(fixture, "SELECT count(*) FROM before_update"), "0");
}

static void a_chained_row_is_looked_at_again_with_its_own_version(void **state)
{
    struct fixture *fixture = *state;

    keeping_batch(fixture, "a:5 a:5");
    apply(fixture, "1/1", "{\"n\":0}");
    assert_claims(fixture, 10, "FETCH 1/2 a v6");
    look(fixture, "1/2", "{\"n\":1}");
    assert_claims(fixture, 10, "PUT 1/2 a v6");
    assert_string_equal(fixture_ask(fixture, "SELECT version FROM before_update"), "5; 6");
}

static void a_fetch_keeps_what_it_shows(void **state)
{
    struct fixture *fixture = *state;
    struct claim_outcome *outcome;

    keeping_batch(fixture, "a");
    fixture_claim(fixture, 1);
    assert_false(fixture_held(fixture, "1/1")->is_look);
    outcome = fixture_settle_at(fixture, "1/1", JOB_PENDING, 41);
    outcome->next = POLICY_NEXT_SEND;
    outcome->fields = strdup("{\"n\":1,\"m\":2}");
    outcome->before = before_pack(span_of("{\"m\":2}"));
    assert_claims(fixture, 10, "PUT 1/1 a v41");
    assert_string_equal(fixture_ask(fixture, "SELECT k.version, CAST(k.fields AS TEXT), r.version "
                                             "FROM before_update k JOIN rebase r USING (job_id)"),
                        "41|{\"m\":2}|41");
}

static void other_batches_are_sent_without_a_look(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5");
    assert_claims(fixture, 10, "PUT 1/1 a v5");
}

/* --- what is stored --- */

static void texts_are_packed_and_unpacked(void **state)
{
    static const size_t sizes[] = {1, 2, 11, 100, 5000, 1 << 20};
    struct buf text = {0}, out = {0};
    struct err err = {0};

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (unsigned step = 0; step < 8; step++) {
            struct before *before;

            buf_reset(&text);
            for (size_t n = 0; n < sizes[i]; n++)
                buf_append_char(&text, (char)(n * n * step >> (step % 5)));
            before = before_pack(buf_span(&text));
            assert_int_equal(before->size, sizes[i]);
            assert_true(before->packed_size <= sizes[i]);
            assert_true(step || sizes[i] < 100 || before->packed_size < sizes[i] / 4);
            buf_reset(&out);
            assert_true(
                before_unpack((struct span){(const char *)before->packed, before->packed_size},
                              before->size, &out, &err));
            assert_true(span_equal(buf_span(&out), buf_span(&text)));
            free(before);
        }
    buf_release(&text);
    buf_release(&out);
}

static void damaged_bytes_are_an_error(void **state)
{
    struct buf out = {0};
    struct err err = {0};

    (void)state;
    assert_false(before_unpack(span_of("not zlib"), 100, &out, &err));
    assert_int_equal(err.kind, ERR_STORE);
    assert_false(before_unpack(span_of("x"), (size_t)BEFORE_SIZE_MAX + 1, &out, &err));
    assert_int_equal(out.size, 0);
    buf_release(&out);
}

/* --- what puts a batch back --- */

static bool visit(void *context, const struct undo_job *job, bool *enough, struct err *err)
{
    struct buf *seen = context;

    (void)err;
    buf_printf(seen, "%s%lld %s", seen->size ? "; " : "", (long long)id_row(job->job_id),
               job_state_name(job->state));
    if (job->state == JOB_APPLIED)
        buf_printf(seen, " %.*s v%lld %.*s jobs %llu", (int)job->record_id.size,
                   job->record_id.data, (long long)job->version,
                   job->kept ? (int)job->fields.size : 1, job->kept ? job->fields.data : "-",
                   (unsigned long long)job->jobs);
    if (job->overtaken)
        buf_printf(seen, " overtaken %llu", (unsigned long long)job->overtaken);
    *enough = true;
    return true;
}

static void assert_undo(struct fixture *fixture, unsigned states, const char *record_id,
                        const char *expected)
{
    struct buf seen = {0};
    struct undo_page page = {
        .batch_id = 1, .states = states, .record_id = record_id, .visit = visit, .context = &seen};

    while (page.after < 20)
        if (!undo_next(fixture->store, &page, &fixture->err))
            fail_msg("%s", fixture->err.text);
    assert_string_equal(buf_text(&seen), expected);
    buf_release(&seen);
}

enum { ALL = (1 << JOB_STATES) - 1 };

static void each_record_is_put_back_to_before_its_first_update(void **state)
{
    struct fixture *fixture = *state;

    keeping_batch(fixture, "a:5 b:1 a:5 a:5 c:1");
    apply(fixture, "1/1", "{\"a\":0}");
    apply(fixture, "1/2", "{\"b\":0}");
    apply(fixture, "1/3", "{\"a\":1}");
    fixture_claim(fixture, 2);
    fixture_settle_at(fixture, "1/4", JOB_UNCHANGED, 7);
    fixture_claim(fixture, 0);
    assert_undo(fixture, ALL, NULL,
                "2 applied b v2 {\"b\":0} jobs 1; 3 applied a v7 {\"a\":0} jobs 2; 4 unchanged; "
                "5 pending");
    assert_undo(fixture, 1 << JOB_APPLIED, "a", "3 applied a v7 {\"a\":0} jobs 2");
    assert_undo(fixture, 1 << JOB_UNCHANGED, NULL, "4 unchanged");
    assert_undo(fixture, ALL, "d", "");
}

static void what_is_before_a_change_of_someone_else_is_not_put_back(void **state)
{
    struct fixture *fixture = *state;

    keeping_batch(fixture, "a:5 a:5 a:9 a:9");
    apply(fixture, "1/1", "{\"a\":0}");
    apply(fixture, "1/2", "{\"a\":1}");
    apply(fixture, "1/3", "{\"a\":2,\"x\":1}");
    apply(fixture, "1/4", "{\"a\":3}");
    assert_undo(fixture, ALL, NULL, "4 applied a v11 {\"a\":2,\"x\":1} jobs 2 overtaken 2");
}

/* Nothing was shown, or another version than the one that was replaced. */
static void what_was_not_kept_is_not_made_up(void **state)
{
    struct fixture *fixture = *state;

    keeping_batch(fixture, "a:5 b:5 b:5");
    apply(fixture, "1/1", NULL);
    apply(fixture, "1/2", "{\"b\":0}");
    apply(fixture, "1/3", "{\"b\":1}");
    assert_int_equal(sqlite3_exec(fixture->eye,
                                  "UPDATE before_update SET version = 4 WHERE job_id = 1000000002",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    assert_undo(fixture, ALL, NULL, "1 applied a v6 - jobs 1; 3 applied b v7 - jobs 2");
}

static bool count_job(void *context, const struct undo_job *job, bool *enough, struct err *err)
{
    (void)job, (void)err;
    ++*(unsigned *)context;
    *enough = false;
    return true;
}

/* A transaction that reads holds up checkpoints, so a page ends, whatever is visited. */
static void a_page_has_a_few_thousand_rows(void **state)
{
    struct fixture *fixture = *state;
    struct buf words = {0};
    unsigned visited = 0;
    struct undo_page page = {
        .batch_id = 1, .states = 1 << JOB_PENDING, .visit = count_job, .context = &visited};

    for (int i = 0; i < 5000; i++)
        buf_printf(&words, "r%d:1 ", i);
    fixture_batch(fixture, "Item", buf_text(&words));
    buf_release(&words);
    assert_true(undo_next(fixture->store, &page, &fixture->err));
    assert_int_equal(visited, 4096);
    assert_int_equal(page.after, 4096);
    assert_true(undo_next(fixture->store, &page, &fixture->err));
    assert_int_equal(visited, 5000);
}

int main(void)
{
#define IN_FIXTURE(test) cmocka_unit_test_setup_teardown(test, fixture_begin, fixture_end)
    const struct CMUnitTest tests[] = {
        IN_FIXTURE(a_page_has_a_few_thousand_rows),
        IN_FIXTURE(an_update_is_sent_after_a_look_at_its_version),
        IN_FIXTURE(a_look_is_not_repeated_for_the_same_version),
        IN_FIXTURE(a_look_that_shows_too_little_is_repeated),
        IN_FIXTURE(a_chained_row_is_looked_at_again_with_its_own_version),
        IN_FIXTURE(a_fetch_keeps_what_it_shows),
        IN_FIXTURE(other_batches_are_sent_without_a_look),
        cmocka_unit_test(texts_are_packed_and_unpacked),
        cmocka_unit_test(damaged_bytes_are_an_error),
        IN_FIXTURE(each_record_is_put_back_to_before_its_first_update),
        IN_FIXTURE(what_is_before_a_change_of_someone_else_is_not_put_back),
        IN_FIXTURE(what_was_not_kept_is_not_made_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
