/* The rows of a batch: which of them, in which order, and how much at once. */
#include "core/store/export.h"

#include "core/store/db.h"
#include "tests/lib/store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

struct seen {
    struct buf text;      /* `1 pending a v5; 2 rejected`, pages between `|` */
    unsigned rows_a_page; /* 0: as many as come */
    unsigned rows;        /* of this page */
    unsigned fail_at;     /* the row at which the visit fails; 0: none */
};

static bool visit(void *context, const struct export_row *row, bool *enough, struct err *err)
{
    struct seen *seen = context;
    char version[32] = "";

    if (seen->fail_at == row->row_no)
        return err_set(err, ERR_STOPPED, "stopped");
    if (row->version.known)
        snprintf(version, sizeof version, " v%lld", (long long)row->version.value);
    buf_printf(&seen->text, "%s%u %s%s%.*s%s", seen->text.size ? "; " : "", row->row_no,
               row->rejected ? "rejected" : job_state_name(row->state),
               row->record_id.size ? " " : "", (int)row->record_id.size, row->record_id.data,
               version);
    *enough = ++seen->rows == seen->rows_a_page;
    return true;
}

static const char *see(struct fixture *fixture, int64_t batch_id, unsigned states,
                       unsigned rows_a_page)
{
    static char text[4096];
    struct seen seen = {.rows_a_page = rows_a_page};
    struct export_page page = {
        .batch_id = batch_id, .states = states, .visit = visit, .context = &seen};
    struct export_batch batch = {0};

    if (!export_batch(fixture->store, batch_id, &batch, &fixture->err))
        fail_msg("%s", fixture->err.text);
    while (page.after < batch.rows) {
        seen.rows = 0;
        if (!export_next(fixture->store, &page, &fixture->err))
            fail_msg("%s", fixture->err.text);
        if (rows_a_page)
            buf_append_text(&seen.text, " |");
    }
    snprintf(text, sizeof text, "%s", buf_text(&seen.text));
    buf_release(&seen.text);
    export_batch_release(&batch);
    return text;
}

enum {
    FAILED = 1 << JOB_FAILED,
    APPLIED = 1 << JOB_APPLIED,
    PENDING = 1 << JOB_PENDING,
};

/* Two batches; of the second, row 1 is applied, row 4 refused, 2 and 5 are rejected. */
static void fill(struct fixture *fixture)
{
    fixture_batch(fixture, "Item", "x:1 !");
    fixture_claim(fixture, 1);
    fixture_settle(fixture, "1/1", JOB_APPLIED);
    fixture_claim(fixture, 0);
    fixture_batch(fixture, "Item", "a:5 !b c d:7 ! e:1");
    fixture_claim(fixture, 3);
    fixture_settle_at(fixture, "2/1", JOB_APPLIED, 6);
    fixture_settle(fixture, "2/4", JOB_REFUSED);
    fixture_settle(fixture, "2/3", JOB_APPLIED);
    fixture_claim(fixture, 0);
}

static void rows_come_in_the_order_of_the_file_whatever_became_of_them(void **state)
{
    static const char all[] =
        "1 applied a v5; 2 rejected b; 3 applied c; 4 refused d v7; 5 rejected; 6 pending e v1";
    struct fixture *fixture = *state;

    fill(fixture);
    assert_string_equal(see(fixture, 2, EXPORT_ALL, 0), all);
    assert_string_equal(see(fixture, 1, EXPORT_ALL, 0), "1 applied x v1; 2 rejected");
    assert_string_equal(see(fixture, 2, EXPORT_ALL, 2),
                        "1 applied a v5; 2 rejected b |; 3 applied c; 4 refused d v7 |; "
                        "5 rejected; 6 pending e v1 |");
}

static void only_rows_in_the_wanted_states_come(void **state)
{
    struct fixture *fixture = *state;

    fill(fixture);
    assert_string_equal(see(fixture, 2, APPLIED, 0), "1 applied a v5; 3 applied c");
    assert_string_equal(see(fixture, 2, PENDING, 0), "6 pending e v1");
    assert_string_equal(see(fixture, 2, PENDING | APPLIED | EXPORT_REJECTED, 0),
                        "1 applied a v5; 2 rejected b; 3 applied c; 5 rejected; 6 pending e v1");
    assert_string_equal(see(fixture, 2, EXPORT_REJECTED, 0), "2 rejected b; 5 rejected");
    assert_string_equal(see(fixture, 2, FAILED, 0), "");
}

static bool keep_outcome(void *context, const struct export_row *row, bool *enough, struct err *err)
{
    (void)enough;
    (void)err;
    buf_printf(context, "%lld %lld %lld %.*s %.*s %.*s; ", (long long)row->http_status.value,
               (long long)row->server_version.value, (long long)row->attempts, (int)row->error.size,
               row->error.data, (int)row->fields.size, row->fields.data, (int)row->raw.size,
               row->raw.data);
    return true;
}

static void what_became_of_a_row_comes_with_it(void **state)
{
    struct fixture *fixture = *state;
    struct buf text = {0};
    struct export_page page = {
        .batch_id = 2, .states = EXPORT_ALL, .visit = keep_outcome, .context = &text};

    fill(fixture);
    assert_true(export_next(fixture->store, &page, &fixture->err));
    assert_string_equal(buf_text(&text),
                        "200 6 1  {\"n\":1} ; 0 0 0 sku: is not a sku  !b; 200 0 0  {\"n\":3} ; "
                        "200 0 1  {\"n\":4} ; 0 0 0 sku: is not a sku  !; 0 0 0  {\"n\":6} ; ");
    buf_release(&text);
}

/* Otherwise the write-ahead log could not be taken in while somebody reads slowly. */
static void no_page_leaves_a_transaction_open(void **state)
{
    struct fixture *fixture = *state;
    struct seen seen = {.rows_a_page = 1}, failing = {.fail_at = 2};
    struct export_page page = {
        .batch_id = 2, .states = EXPORT_ALL, .visit = visit, .context = &seen};

    fill(fixture);
    assert_true(export_next(fixture->store, &page, &fixture->err));
    assert_int_equal(page.after, 1);
    assert_int_equal(sqlite3_txn_state(fixture->store->db, NULL), SQLITE_TXN_NONE);
    page.context = &failing;
    assert_false(export_next(fixture->store, &page, &fixture->err));
    assert_int_equal(fixture->err.kind, ERR_STOPPED);
    assert_int_equal(sqlite3_txn_state(fixture->store->db, NULL), SQLITE_TXN_NONE);
    buf_release(&seen.text);
    buf_release(&failing.text);
}

static void a_batch_that_there_is_not_is_an_error(void **state)
{
    struct fixture *fixture = *state;
    struct export_batch batch = {0};
    char expected[SCRATCH_SIZE + 64];

    assert_false(export_batch(fixture->store, 7, &batch, &fixture->err));
    assert_int_equal(fixture->err.kind, ERR_CONFIG);
    snprintf(expected, sizeof expected, "there is no batch 7 in %s", fixture->path);
    assert_string_equal(fixture->err.text, expected);
}

static void a_batch_is_shown_with_its_header_row(void **state)
{
    struct fixture *fixture = *state;
    struct export_batch batch = {0};

    fill(fixture);
    assert_true(export_batch(fixture->store, 2, &batch, &fixture->err));
    assert_string_equal(buf_text(&batch.schema), "Item");
    assert_string_equal(buf_text(&batch.format), "csv");
    assert_int_equal(batch.rows, 6);
    assert_int_equal(batch.rejected, 2);
    export_batch_release(&batch);
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, fixture_begin, fixture_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(rows_come_in_the_order_of_the_file_whatever_became_of_them),
        WITH_STORE(only_rows_in_the_wanted_states_come),
        WITH_STORE(what_became_of_a_row_comes_with_it),
        WITH_STORE(no_page_leaves_a_transaction_open),
        WITH_STORE(a_batch_that_there_is_not_is_an_error),
        WITH_STORE(a_batch_is_shown_with_its_header_row),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
