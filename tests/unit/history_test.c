#include "core/store/history.h"

#include "core/base/mem.h"
#include "tests/lib/store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>

static void print_number(struct buf *out, const char *name, struct history_number number)
{
    if (number.known)
        buf_printf(out, " %s=%" PRId64, name, number.value);
}

static void print_text(struct buf *out, const char *name, struct span text)
{
    if (text.data)
        buf_printf(out, " %s='%.*s'", name, (int)text.size, text.data);
}

/* All members of an event, on one line. */
static bool print_event(void *context, const struct history_event *event, struct err *err)
{
    static const char *const kinds[] = {"read",     "rejected", "request",
                                        "conflict", "settled",  "state"};
    struct buf *out = context;

    (void)err;
    buf_printf(out, "%" PRId64 " %.*s %" PRId64 "/%" PRId64 " %s", event->at_ms,
               (int)event->schema.size, event->schema.data, id_batch(event->job_id),
               (int64_t)id_row(event->job_id), kinds[event->kind]);
    print_text(out, "source", event->source);
    print_number(out, "line", event->line_no);
    print_number(out, "version", event->version);
    print_text(out, "fields", event->fields);
    print_number(out, "server", event->server_version);
    print_number(out, "run", event->run_id);
    print_number(out, "ended", event->ended_ms);
    print_number(out, "us", event->latency_us);
    print_number(out, "http", event->http_status);
    print_text(out, "what", event->what);
    print_text(out, "code", event->code);
    print_text(out, "error", event->error);
    print_text(out, "evidence", event->evidence);
    print_text(out, "correlation", event->correlation);
    print_number(out, "attempts", event->attempts);
    print_number(out, "due", event->due_ms);
    print_number(out, "waits_for", event->waits_for);
    buf_append_char(out, '\n');
    return true;
}

static void assert_text(struct fixture *fixture, const char *record, const char *schema,
                        const char *expected)
{
    struct buf text = {0};

    if (!history_record(fixture->store, span_of(record), schema, print_event, &text, &fixture->err))
        fail_msg("%s", fixture->err.text);
    assert_string_equal(buf_text(&text), expected);
    buf_release(&text);
}

static void a_row_that_was_never_sent_is_pending_since_it_was_read(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "b:1 a:5");
    assert_text(fixture, "a", NULL,
                "1000000 Item 1/2 read source='inbox/x.csv' line=3 version=5 fields='{\"n\":2}'\n"
                "1000000 Item 1/2 state what='pending'\n");
}

static void requests_conflict_and_decision_come_in_the_order_of_time(void **state)
{
    struct fixture *fixture = *state;
    struct claim_outcome *outcome;

    fixture_batch(fixture, "Item", "a:5 b:5");
    fixture->now_ms += 10;
    fixture_claim(fixture, 1);
    fixture->now_ms += 10;
    fixture_settle(fixture, "1/1", JOB_UNKNOWN)->http_status = 0;
    fixture->settling[0]->outcome.latency_us = 9000;
    snprintf(fixture->settling[0]->outcome.attempt_error, CLAIM_ERROR_SIZE, "timed out");
    fixture->now_ms += 10;
    fixture_claim(fixture, 1);
    outcome = fixture_settle_at(fixture, "1/1", JOB_CONFLICT, 8);
    snprintf(outcome->evidence, sizeof outcome->evidence, "someone else");
    snprintf(outcome->correlation_header, sizeof outcome->correlation_header, "c-1");
    snprintf(outcome->error_code, sizeof outcome->error_code, "version.conflict");
    snprintf(outcome->error_message, sizeof outcome->error_message, "changed");
    fixture->now_ms += 10;
    fixture_claim(fixture, 0);
    fixture_ask(fixture, "UPDATE conflict SET resolution = 'theirs', resolved_ms = 1000100");
    fixture_ask(fixture, "UPDATE job_state SET state = 'dismissed', updated_ms = 1000100");
    assert_text(fixture, "a", "Item",
                "1000000 Item 1/1 read source='inbox/x.csv' line=2 version=5 fields='{\"n\":1}'\n"
                "1000010 Item 1/1 request version=5 run=7 ended=1000020 us=9000 what='PUT' "
                "error='timed out'\n"
                "1000030 Item 1/1 request run=7 ended=1000030 us=1500 http=200 what='GET' "
                "evidence='someone else' correlation='c-1'\n"
                "1000040 Item 1/1 conflict version=5 server=8\n"
                "1000100 Item 1/1 settled what='theirs'\n"
                "1000100 Item 1/1 state server=8 http=200 what='dismissed' code='version.conflict' "
                "error='changed' attempts=1\n");
}

static void an_attempt_without_an_end_is_text_and_what_a_job_waits_for(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5 a:6");
    fixture_claim(fixture, 2);
    assert_text(fixture, "a", NULL,
                "1000000 Item 1/1 read source='inbox/x.csv' line=2 version=5 fields='{\"n\":1}'\n"
                "1000000 Item 1/1 request version=5 run=7 what='PUT'\n"
                "1000000 Item 1/1 state what='sending' attempts=1\n"
                "1000000 Item 1/2 read source='inbox/x.csv' line=3 version=6 fields='{\"n\":2}'\n"
                "1000000 Item 1/2 state what='pending' attempts=0 waits_for=1000000001\n");
}

static void rejected_rows_are_text_with_all_that_is_wrong(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "b:1 !a !c !");
    fixture_ask(fixture, "INSERT INTO violation VALUES (1, 2, 1, '', 'row', 'is ragged')");
    assert_text(fixture, "a", NULL,
                "1000000 Item 1/2 rejected source='inbox/x.csv' line=3 "
                "error='sku: is not a sku; is ragged'\n");
}

static void records_of_several_schemas_are_text_one_after_the_other(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5");
    fixture->now_ms += 10;
    fixture_batch(fixture, "Account", "a:2 !a");
    fixture->now_ms += 10;
    fixture_batch(fixture, "Item", "a:6");
    assert_text(
        fixture, "a", NULL,
        "1000010 Account 2/1 read source='inbox/x.csv' line=2 version=2 fields='{\"n\":1}'\n"
        "1000010 Account 2/1 state what='pending'\n"
        "1000010 Account 2/2 rejected source='inbox/x.csv' line=3 error='sku: is not a sku'\n"
        "1000000 Item 1/1 read source='inbox/x.csv' line=2 version=5 fields='{\"n\":1}'\n"
        "1000000 Item 1/1 state what='pending'\n"
        "1000020 Item 3/1 read source='inbox/x.csv' line=2 version=6 fields='{\"n\":1}'\n"
        "1000020 Item 3/1 state what='pending'\n");
    assert_text(
        fixture, "a", "Account",
        "1000010 Account 2/1 read source='inbox/x.csv' line=2 version=2 fields='{\"n\":1}'\n"
        "1000010 Account 2/1 state what='pending'\n"
        "1000010 Account 2/2 rejected source='inbox/x.csv' line=3 error='sku: is not a sku'\n");
    assert_text(fixture, "a", "Nothing", "");
    assert_text(fixture, "A", NULL, "");
}

static bool stop_at_once(void *context, const struct history_event *event, struct err *err)
{
    (void)event;
    ++*(int *)context;
    return err_set(err, ERR_STOPPED, "enough");
}

static void a_visit_that_fails_ends_it(void **state)
{
    struct fixture *fixture = *state;
    int visits = 0;

    fixture_batch(fixture, "Item", "a:5");
    assert_false(
        history_record(fixture->store, span_of("a"), NULL, stop_at_once, &visits, &fixture->err));
    assert_string_equal(fixture->err.text, "enough");
    assert_int_equal(visits, 1);
    /* and nothing is held open */
    fixture_batch(fixture, "Item", "a:6");
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, fixture_begin, fixture_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(a_row_that_was_never_sent_is_pending_since_it_was_read),
        WITH_STORE(requests_conflict_and_decision_come_in_the_order_of_time),
        WITH_STORE(an_attempt_without_an_end_is_text_and_what_a_job_waits_for),
        WITH_STORE(rejected_rows_are_text_with_all_that_is_wrong),
        WITH_STORE(records_of_several_schemas_are_text_one_after_the_other),
        WITH_STORE(a_visit_that_fails_ends_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
