/* What is known of records: which of two sights is the newer one, and what makes a record unknown.
 */
#include "core/store/db.h"
#include "core/store/known.h"
#include "tests/lib/store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#define KNOWN "SELECT record_id, version, fields, seen_ms, source FROM known_record"

enum { T = 10000000 };

/* A step: `put`, `get` (version, fields, when asked), `forget` (when), `refute` (version, when) or
 * `note` (fields, modified, received). */
struct step {
    const char *what;
    int64_t version;
    const char *fields;
    int64_t at_ms, now_ms;
};

static void take(struct fixture *fixture, const struct step *step)
{
    struct span schema = span_of("Item"), id = span_of("A");
    struct known_sight sight = {.schema = schema,
                                .record_id = id,
                                .source = KNOWN_BY_PUT,
                                .version = step->version,
                                .fields = span_of(step->fields ? step->fields : ""),
                                .asked_ms = step->at_ms};
    int64_t now_ms = step->now_ms ? step->now_ms : step->at_ms + 100;
    struct err *err = &fixture->err;
    bool fine = db_begin(fixture->store, err);

    if (strcmp(step->what, "get") == 0)
        sight.source = KNOWN_BY_GET;
    if (strcmp(step->what, "forget") == 0)
        fine = fine && known_forget(fixture->store, schema, id, KNOWN_BY_GET, step->at_ms, err);
    else if (strcmp(step->what, "refute") == 0)
        fine = fine && known_refute(fixture->store, schema, id, step->version, step->at_ms, err);
    else if (strcmp(step->what, "note") == 0)
        fine = fine &&
               known_notify(fixture->store, schema, id, sight.fields, step->at_ms, now_ms, err);
    else
        fine = fine && known_learn(fixture->store, &sight, now_ms, err);
    if (!db_end(fixture->store, fine, err))
        fail_msg("%s", err->text);
}

static const struct {
    struct step steps[4];
    const char *known; /* version|fields|seen_ms|source; "": nothing */
} orders[] = {
    {{{"put", 6, "{1}", T, 0}}, "6|{1}|10000000|put"},
    {{{"get", 5, "{0}", T, 0}, {"put", 6, "{1}", T + 50, 0}}, "6|{1}|10000050|put"},
    /* it left before the PUT was applied, and came back after it */
    {{{"put", 6, "{1}", T, 0}, {"get", 5, "{0}", T - 10, T + 200}}, "6|{1}|10000000|put"},
    /* a read that lags, or a record that was made again */
    {{{"put", 6, "{1}", T, 0}, {"get", 5, "{0}", T + 10, 0}}, ""},
    {{{"put", 6, "{1}", T, 0}, {"get", 5, "{0}", T + 10, 0}, {"get", 5, "{0}", T + 2000, 0}},
     "5|{0}|10002000|get"},
    /* the same version: the later look counts, which is only about its age */
    {{{"get", 6, "{1}", T, 0}, {"get", 6, "{1}", T + 10, 0}}, "6|{1}|10000010|get"},
    {{{"get", 6, "{1}", T + 10, 0}, {"get", 6, "{1}", T, T + 20}}, "6|{1}|10000010|get"},
    /* an update in doubt: what was asked for before does not count */
    {{{"get", 5, "{0}", T, 0}, {"forget", 0, NULL, T + 10, 0}}, ""},
    {{{"forget", 0, NULL, T + 10, 0}, {"get", 5, "{0}", T, T + 20}}, ""},
    {{{"forget", 0, NULL, T + 10, 0}, {"get", 5, "{0}", T + 10, 0}}, "5|{0}|10000010|get"},
    /* a 409 against what is known, and against something else */
    {{{"get", 5, "{0}", T, 0}, {"refute", 5, NULL, T + 10, 0}}, ""},
    {{{"get", 5, "{0}", T, 0}, {"refute", 4, NULL, T + 10, 0}}, "5|{0}|10000000|get"},
    /* a clock was ahead */
    {{{"get", 5, "{0}", T * 9, T}, {"get", 5, "{0}", T, 0}}, "5|{0}|10000000|get"},
    {{{"forget", 0, NULL, T * 9, 0}, {"get", 5, "{0}", T, 0}}, "5|{0}|10000000|get"},
    {{{"get", 5, "{0}", T * 9, T}, {"get", 4, "{1}", T, 0}}, ""},
    /* notifications: fields without a version */
    {{{"note", 0, "{2}", T, 0}}, "NULL|{2}|10000000|notification"},
    {{{"note", 0, "{2}", T, 0}, {"note", 0, "{3}", T + 1, 0}}, "NULL|{3}|10000001|notification"},
    {{{"note", 0, "{3}", T + 1, 0}, {"note", 0, "{2}", T, 0}}, "NULL|{3}|10000001|notification"},
    {{{"note", 0, "{3}", T, 0}, {"note", 0, "{2}", T, 0}}, ""},
    {{{"note", 0, "{3}", T, 0}, {"note", 0, "{3}", T, 0}}, "NULL|{3}|10000000|notification"},
    {{{"note", 0, "{3}", T, 0}, {"note", 0, "", T + 1, 0}}, ""},
    {{{"note", 0, "{3}", T, 0}, {"note", 0, "", T - 1, 0}}, "NULL|{3}|10000000|notification"},
    {{{"note", 0, "", T, 0}}, ""},
    {{{"note", 0, "{3}", 0, T}}, ""},
    {{{"get", 5, "{0}", T, 0}, {"note", 0, "{3}", 0, T}}, ""},
    /* after a request: newer, older, and too near to say, since the clocks differ */
    {{{"put", 6, "{1}", T, 0}, {"note", 0, "{2}", T + KNOWN_SLACK_MS + 1, 0}},
     "NULL|{2}|10300001|notification"},
    {{{"put", 6, "{1}", T, 0}, {"note", 0, "{2}", T - KNOWN_SLACK_MS - 1, T + 9}},
     "6|{1}|10000000|put"},
    {{{"put", 6, "{1}", T, 0}, {"note", 0, "{2}", T - 5, T + 9}}, ""},
    {{{"put", 6, "{1}", T, 0}, {"note", 0, "{1}", T + 5, 0}}, "6|{1}|10000000|put"},
    {{{"forget", 0, NULL, T, 0}, {"note", 0, "{2}", T + 5, 0}}, ""},
    {{{"forget", 0, NULL, T, 0}, {"note", 0, "{2}", T + KNOWN_SLACK_MS + 1, 0}},
     "NULL|{2}|10300001|notification"},
    /* a request after a notification: begun long enough after it came, or it shows the same */
    {{{"note", 0, "{2}", T, T}, {"get", 7, "{3}", T + 1000, 0}}, "7|{3}|10001000|get"},
    {{{"note", 0, "{2}", T, T}, {"get", 7, "{2}", T - 10, T + 20}}, "7|{2}|9999990|get"},
    {{{"note", 0, "{2}", T, T}, {"get", 7, "{3}", T + 999, 0}}, ""},
    {{{"note", 0, "{2}", T, T}, {"put", 7, "{3}", T - 1, T + 5}}, ""},
};

static void the_newest_sight_counts_and_a_contradiction_makes_unknown(void **state)
{
    struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        const char *found;

        /* as a person does */
        sqlite3_exec(fixture->eye,
                     "INSERT INTO known SELECT 'Item', 'B', 1, '{}', 1, 1, 'get'; "
                     "DELETE FROM known_record; DELETE FROM known",
                     NULL, NULL, NULL);
        for (unsigned step = 0; step < 4 && orders[i].steps[step].what; step++)
            take(fixture, &orders[i].steps[step]);
        found = fixture_ask(fixture, "SELECT version, fields, seen_ms, source FROM known_record");
        if (strcmp(found, orders[i].known) != 0)
            fail_msg("order %zu: '%s', not '%s'", i, found, orders[i].known);
    }
}

static void known_records_are_found_counted_and_forgotten(void **state)
{
    struct fixture *fixture = *state;
    struct known known = {0};
    struct step put = {"put", 6, "{1}", T, 0}, note = {"note", 0, "{2}", T * 2, T};

    take(fixture, &put);
    assert_true(known_find(fixture->store, span_of("Item"), span_of("A"), &known, &fixture->err));
    assert_true(known.is_known && known.has_version && known.source == KNOWN_BY_PUT);
    assert_int_equal(known.version, 6);
    assert_int_equal(known.seen_ms, T);
    assert_true(span_is(buf_span(&known.fields), "{1}"));
    take(fixture, &note);
    assert_true(known_find(fixture->store, span_of("Item"), span_of("A"), &known, &fixture->err));
    assert_true(known.is_known && !known.has_version && known.source == KNOWN_BY_NOTIFICATION);
    assert_string_equal(fixture_ask(fixture, KNOWN), "A|NULL|{2}|20000000|notification");
    if (sqlite3_exec(fixture->eye, "DELETE FROM known_record WHERE record_id = 'A'", NULL, NULL,
                     NULL) != SQLITE_OK)
        fail_msg("%s", sqlite3_errmsg(fixture->eye));
    assert_true(known_find(fixture->store, span_of("Item"), span_of("A"), &known, &fixture->err));
    assert_false(known.is_known);
    buf_release(&known.fields);
}

static bool print_count(void *context, const struct known_count *count, struct err *err)
{
    (void)err;
    buf_printf(context, "%s %d %lld %lld; ", count->schema, (int)count->records,
               (long long)count->oldest_ms, (long long)count->newest_ms);
    return true;
}

static void what_is_read_outside_of_jobs_does_not_count_while_an_update_is_under_way(void **state)
{
    struct fixture *fixture = *state;
    struct known_sight sight = {
        span_of("Item"),    span_of("a"), KNOWN_BY_GET, 5, span_of("{0}"), 0,
        FIXTURE_NOW_MS + 9, NULL};
    struct buf counts = {0};

    fixture_batch(fixture, "Item", "a:5 b:5");
    fixture_claim(fixture, 1);
    assert_true(known_keep(fixture->store, &sight, sight.asked_ms, &fixture->err));
    assert_string_equal(fixture_ask(fixture, KNOWN), "");
    sight.record_id = span_of("b");
    assert_true(known_keep(fixture->store, &sight, sight.asked_ms, &fixture->err));
    assert_string_equal(fixture_ask(fixture, KNOWN), "b|5|{0}|1000009|get");
    fixture_settle_all(fixture, JOB_UNKNOWN);
    sight.record_id = span_of("a");
    assert_true(known_keep(fixture->store, &sight, sight.asked_ms, &fixture->err));
    assert_string_equal(fixture_ask(fixture, KNOWN), "b|5|{0}|1000009|get");
    sqlite3_exec(fixture->eye,
                 "INSERT INTO known SELECT 'Other', value, NULL, '{}', value, 1, 'notification' "
                 "FROM json_each('[5,3,7]'); "
                 "INSERT INTO known VALUES ('Gone', 'a', NULL, NULL, 1, 1, 'put')",
                 NULL, NULL, NULL);
    assert_true(known_count(fixture->store, print_count, &counts, &fixture->err));
    assert_string_equal(buf_text(&counts), "Item 1 1000009 1000009; Other 3 3 7; ");
    buf_release(&counts);
}

/* An id as ours that this database never sent comes from another copy of it. */
static void what_another_copy_sent_is_not_kept(void **state)
{
    struct fixture *fixture = *state;
    struct known_sight sight = {.schema = span_of("Item"),
                                .record_id = span_of("a"),
                                .source = KNOWN_BY_GET,
                                .version = 6,
                                .fields = span_of("{0}"),
                                .asked_ms = FIXTURE_NOW_MS + 9};
    unsigned char id[CORRELATION_SIZE];
    struct correlation_key key;

    fixture_batch(fixture, "Item", "a:5");
    correlation_key_make(span_of("Item"), span_of("hash"), 0, 0, &key);
    correlation_make(&key, 1, id);
    sight.correlation = id;
    assert_true(known_keep(fixture->store, &sight, sight.asked_ms, &fixture->err));
    assert_string_equal(fixture_ask(fixture, KNOWN), "");
    fixture_claim(fixture, 1);
    fixture_settle_at(fixture, "1/1", JOB_APPLIED, 6);
    fixture_claim(fixture, 0);
    assert_true(known_keep(fixture->store, &sight, sight.asked_ms, &fixture->err));
    assert_string_equal(fixture_ask(fixture, KNOWN), "a|6|{0}|1000009|get");
    /* an id of another form is somebody else's */
    id[6] ^= 0x40;
    sight.version = 7;
    assert_true(known_keep(fixture->store, &sight, sight.asked_ms + 1, &fixture->err));
    assert_string_equal(fixture_ask(fixture, KNOWN), "a|7|{0}|1000009|get");
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, fixture_begin, fixture_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(the_newest_sight_counts_and_a_contradiction_makes_unknown),
        WITH_STORE(known_records_are_found_counted_and_forgotten),
        WITH_STORE(what_another_copy_sent_is_not_kept),
        WITH_STORE(what_is_read_outside_of_jobs_does_not_count_while_an_update_is_under_way),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
