/* Notifications are stored once, and their deliveries wait for each other record by record. */
#include "core/store/delivery.h"
#include "core/store/notification.h"
#include "tests/lib/store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

/* What the decider of a test answers, whatever it is asked. */
struct script {
    struct notification_verdict verdict;
    bool delivers_echoes;
    unsigned asked;
};

static bool by_script(void *context, const struct notification *notification,
                      struct notification_verdict *verdict, struct err *err)
{
    struct script *script = context;

    (void)notification;
    (void)err;
    script->asked++;
    *verdict = script->verdict;
    return true;
}

/* Adds one notification in a transaction of its own; the key is its name. */
static int64_t add(struct fixture *fixture, struct script *script, const char *key,
                   const char *record_id, const char *refusal)
{
    struct notification notification = {.action = span_of(refusal ? "delete" : "update"),
                                        .schema = span_of("Item"),
                                        .record_id = span_of(record_id),
                                        .body = span_of("{}"),
                                        .refusal = refusal};
    struct notification *list[] = {&notification};
    const struct notification_decider asked = {
        .decide = by_script, .context = script, .delivers_echoes = script->delivers_echoes};

    memcpy(notification.key, key, strlen(key));
    assert_true(notifications_add(fixture->store, list, 1, &asked, fixture->now_ms, &fixture->err));
    return notification.is_repeated ? 0 : notification.id;
}

static void decide(struct fixture *fixture, struct script *script, unsigned expected)
{
    const struct notification_decider asked = {
        .decide = by_script, .context = script, .delivers_echoes = script->delivers_echoes};
    uint64_t decided;

    assert_true(
        notifications_decide(fixture->store, &asked, fixture->now_ms, &decided, &fixture->err));
    assert_int_equal(decided, expected);
}

/* The ids that are due now, in order. */
static void assert_due(struct fixture *fixture, const char *expected)
{
    struct delivery_due due[16];
    struct delivery_list list = {due, 16, 0};
    int64_t next_due_ms;
    struct buf text = {0};

    assert_true(
        deliveries_due(fixture->store, fixture->now_ms, 3, &list, 16, &next_due_ms, &fixture->err));
    for (size_t i = 0; i < list.count; i++)
        buf_printf(&text, "%s%lld", i ? " " : "", (long long)due[i].id);
    assert_string_equal(buf_text(&text), expected);
    buf_release(&text);
}

static void settle(struct fixture *fixture, int64_t id, enum delivery_state state, int status,
                   int64_t wait_ms)
{
    const struct delivery_outcome outcome = {.id = id,
                                             .state = state,
                                             .attempts = 1,
                                             .http_status = status,
                                             .not_before_ms = fixture->now_ms + wait_ms};

    assert_true(deliveries_settle(fixture->store, &outcome, 1, fixture->now_ms, &fixture->err));
}

static void one_that_comes_again_is_stored_once(void **state)
{
    struct fixture *fixture = *state;
    struct script script = {0};

    assert_int_equal(add(fixture, &script, "x", "a", NULL), 1);
    assert_int_equal(add(fixture, &script, "x", "a", NULL), 0);
    assert_int_equal(add(fixture, &script, "y", "a", NULL), 2);
    assert_asked(fixture, "SELECT id, state, reason, job_id FROM notification",
                 "1|accepted|NULL|NULL; 2|accepted|NULL|NULL");
    assert_asked(fixture, "SELECT accepted, pending FROM notification_tally", "2|2");
}

static void what_is_not_accepted_has_a_reason_and_no_delivery(void **state)
{
    struct fixture *fixture = *state;
    struct script script = {0};

    add(fixture, &script, "x", "a", "not an update");
    assert_int_equal(script.asked, 0);
    assert_asked(fixture, "SELECT action, state, reason FROM notification",
                 "delete|not_accepted|not an update");
    assert_asked(fixture, "SELECT count(*) FROM delivery", "0");
    assert_asked(fixture, "SELECT * FROM notification_tally", "1|0|1|0|0|0|0");
}

static void an_echo_is_not_delivered_unless_asked_for(void **state)
{
    struct fixture *fixture = *state;
    struct script script = {.verdict = {NOTIFICATION_OF_JOB, 3000000812}};

    add(fixture, &script, "x", "a", NULL);
    assert_asked(fixture, "SELECT state, reason, job_id FROM notification",
                 "echo|our own update, job 3/812|3000000812");
    assert_asked(fixture, "SELECT count(*) FROM delivery", "0");
    script.delivers_echoes = true;
    add(fixture, &script, "y", "a", NULL);
    assert_due(fixture, "2");
    assert_asked(fixture, "SELECT * FROM notification_tally", "1|0|0|2|1|0|0");
}

static void deliveries_of_a_record_follow_each_other(void **state)
{
    struct fixture *fixture = *state;
    struct script script = {0};

    add(fixture, &script, "1", "a", NULL);
    add(fixture, &script, "2", "b", NULL);
    add(fixture, &script, "3", "a", NULL);
    add(fixture, &script, "4", "a", NULL);
    assert_due(fixture, "1 2");
    settle(fixture, 1, DELIVERY_DELIVERED, 200, 0);
    assert_due(fixture, "2 3");
    settle(fixture, 3, DELIVERY_PENDING, 500, 1000);
    assert_due(fixture, "2");
    fixture->now_ms += 1000;
    assert_due(fixture, "2 3");
    /* a final failure does not hold up the next one */
    settle(fixture, 3, DELIVERY_FAILED, 400, 0);
    assert_due(fixture, "2 4");
    settle(fixture, 2, DELIVERY_DELIVERED, 204, 0);
    settle(fixture, 4, DELIVERY_DELIVERED, 200, 0);
    assert_due(fixture, "");
    assert_asked(fixture, "SELECT notification_id, record_id, state, http_status FROM undelivered",
                 "3|a|failed|400");
    assert_asked(fixture, "SELECT * FROM notification_tally", "1|4|0|0|0|3|1");
    add(fixture, &script, "5", "a", NULL);
    assert_due(fixture, "5");
}

static void retry_puts_back_what_failed(void **state)
{
    struct fixture *fixture = *state;
    struct script script = {0};
    uint64_t retried;

    add(fixture, &script, "1", "a", NULL);
    settle(fixture, 1, DELIVERY_FAILED, 422, 0);
    /* settled by somebody else already: nothing changes */
    settle(fixture, 1, DELIVERY_DELIVERED, 200, 0);
    assert_true(deliveries_retry(fixture->store, &(struct delivery_choice){0}, fixture->now_ms,
                                 &retried, &fixture->err));
    assert_int_equal(retried, 1);
    assert_due(fixture, "1");
    assert_asked(fixture, "SELECT pending, delivered, failed FROM notification_tally", "1|0|0");
}

/* What failed too long ago stays, and does not hold up what is put back. */
static void only_what_is_chosen_is_put_back(void **state)
{
    struct fixture *fixture = *state;
    const struct delivery_choice of_b = {.record_id = span_of("b")};
    struct delivery_choice of_late = {.since_ms = fixture->now_ms + 1000};
    struct script script = {0};
    uint64_t retried;

    add(fixture, &script, "1", "a", NULL);
    add(fixture, &script, "2", "b", NULL);
    settle(fixture, 1, DELIVERY_FAILED, 422, 0);
    settle(fixture, 2, DELIVERY_FAILED, 422, 0);
    assert_true(deliveries_retry(fixture->store, &of_b, fixture->now_ms, &retried, &fixture->err));
    assert_int_equal(retried, 1);
    assert_due(fixture, "2");
    fixture->now_ms += 1000;
    add(fixture, &script, "3", "a", NULL);
    settle(fixture, 3, DELIVERY_FAILED, 422, 0);
    assert_true(
        deliveries_retry(fixture->store, &of_late, fixture->now_ms, &retried, &fixture->err));
    assert_int_equal(retried, 1);
    assert_due(fixture, "2 3");
    assert_asked(fixture, "SELECT pending, delivered, failed FROM notification_tally", "2|0|1");
}

/* Many of one record leave the places of others in the list of what is due. */
static void of_a_record_that_is_put_back_the_oldest_is_due(void **state)
{
    struct fixture *fixture = *state;
    struct script script = {0};
    uint64_t retried;

    add(fixture, &script, "1", "a", NULL);
    add(fixture, &script, "2", "b", NULL);
    add(fixture, &script, "3", "a", NULL);
    add(fixture, &script, "4", "a", NULL);
    settle(fixture, 1, DELIVERY_FAILED, 422, 0);
    settle(fixture, 2, DELIVERY_FAILED, 422, 0);
    settle(fixture, 3, DELIVERY_FAILED, 422, 0);
    settle(fixture, 4, DELIVERY_FAILED, 422, 0);
    add(fixture, &script, "5", "a", NULL);
    fixture->now_ms += 1000;
    assert_true(deliveries_retry(fixture->store, &(struct delivery_choice){0}, fixture->now_ms,
                                 &retried, &fixture->err));
    assert_int_equal(retried, 4);
    assert_due(fixture, "5 1 2");
    settle(fixture, 5, DELIVERY_DELIVERED, 200, 0);
    settle(fixture, 1, DELIVERY_FAILED, 422, 0);
    assert_due(fixture, "2 3");
    settle(fixture, 3, DELIVERY_DELIVERED, 200, 0);
    assert_due(fixture, "2 4");
    settle(fixture, 4, DELIVERY_DELIVERED, 200, 0);
    assert_due(fixture, "2");
}

/* Job 1/1 of record a, sent and without an answer. */
static void a_job_is_on_its_way(struct fixture *fixture)
{
    fixture_batch(fixture, "Item", "a:5");
    assert_string_equal(fixture_claim(fixture, 1), "PUT 1/1 a v5");
}

static void one_that_may_be_an_echo_waits_with_those_after_it(void **state)
{
    struct fixture *fixture = *state;
    struct script script = {.verdict = {NOTIFICATION_WAITS, 1000000001}};

    a_job_is_on_its_way(fixture);
    add(fixture, &script, "1", "a", NULL);
    script.verdict.end = NOTIFICATION_FOREIGN;
    add(fixture, &script, "2", "a", NULL);
    assert_due(fixture, "");
    script.verdict = (struct notification_verdict){NOTIFICATION_OF_JOB, 1000000001};
    decide(fixture, &script, 0); /* the job is not finished */
    fixture_settle_all(fixture, JOB_APPLIED);
    decide(fixture, &script, 1);
    assert_due(fixture, "2");
    assert_asked(fixture, "SELECT state, job_id FROM notification",
                 "echo|1000000001; accepted|NULL");
    assert_asked(fixture, "SELECT * FROM notification_tally", "1|1|0|1|1|0|0");
    decide(fixture, &script, 0);
}

static void one_that_is_no_echo_after_all_goes_out_in_its_order(void **state)
{
    struct fixture *fixture = *state;
    struct script script = {0};

    a_job_is_on_its_way(fixture);
    add(fixture, &script, "1", "a", NULL);
    script.verdict = (struct notification_verdict){NOTIFICATION_WAITS, 1000000001};
    add(fixture, &script, "2", "a", NULL);
    settle(fixture, 1, DELIVERY_DELIVERED, 200, 0);
    assert_due(fixture, "");
    fixture_settle_all(fixture, JOB_REFUSED);
    script.verdict.end = NOTIFICATION_FOREIGN;
    decide(fixture, &script, 1);
    assert_due(fixture, "2");
    assert_asked(fixture, "SELECT state, job_id FROM notification", "accepted|NULL; accepted|NULL");
}

static void an_earlier_one_is_first_though_a_later_one_is_decided_first(void **state)
{
    struct fixture *fixture = *state;
    struct script script = {.verdict = {NOTIFICATION_WAITS, 1000000001}};

    a_job_is_on_its_way(fixture);
    add(fixture, &script, "1", "a", NULL);
    add(fixture, &script, "2", "a", NULL);
    fixture_settle_all(fixture, JOB_REFUSED);
    script.verdict.end = NOTIFICATION_FOREIGN;
    decide(fixture, &script, 2);
    assert_due(fixture, "1");
    settle(fixture, 1, DELIVERY_DELIVERED, 200, 0);
    assert_due(fixture, "2");
}

/* The candidates, as `JOB STATE FIELDS started echo`. */
static bool list(void *context, const struct notification_candidate *candidate, bool *go_on,
                 struct err *err)
{
    (void)go_on;
    (void)err;
    buf_printf(context, "%lld %s %.*s %lld-%lld %lld; ", (long long)candidate->job_id,
               job_state_name(candidate->state), (int)candidate->fields.size,
               candidate->fields.data, (long long)candidate->started_ms,
               (long long)candidate->ended_ms, (long long)candidate->echo_ms);
    return true;
}

static void assert_candidates(struct fixture *fixture, const char *schema, const char *expected)
{
    const struct notification notification = {.schema = span_of(schema), .record_id = span_of("a")};
    struct buf text = {0};

    assert_true(notification_candidates(fixture->store, &notification, fixture->now_ms, list, &text,
                                        &fixture->err));
    assert_string_equal(buf_text(&text), expected);
    buf_release(&text);
}

static void candidates_are_the_jobs_of_the_record_that_were_claimed(void **state)
{
    struct fixture *fixture = *state;
    struct script script = {.verdict = {NOTIFICATION_OF_JOB, 1000000001}};

    fixture_batch(fixture, "Item", "a:5 b:1");
    fixture_batch(fixture, "Other", "a:7");
    assert_candidates(fixture, "Item", "");
    fixture_claim(fixture, 3);
    fixture_settle_all(fixture, JOB_APPLIED);
    assert_candidates(fixture, "Item", "1000000001 applied {\"n\":1} 1000000-1000000 0; ");
    assert_candidates(fixture, "Nothing", "");
    add(fixture, &script, "1", "a", NULL);
    assert_candidates(fixture, "",
                      "2000000001 applied {\"n\":1} 1000000-1000000 0; "
                      "1000000001 applied {\"n\":1} 1000000-1000000 1000000; ");
}

static void tries_are_counted_from_the_start_of_a_sender(void **state)
{
    struct fixture *fixture = *state;
    struct delivery_outcome outcome = {.id = 1, .state = DELIVERY_PENDING};
    struct script script = {0};
    struct delivery delivery = {0};

    add(fixture, &script, "1", "a", NULL);
    outcome.not_before_ms = fixture->now_ms + 1000;
    outcome.attempts = 2;
    assert_true(deliveries_settle(fixture->store, &outcome, 1, fixture->now_ms, &fixture->err));
    assert_due(fixture, "");
    assert_true(deliveries_begin(fixture->store, fixture->now_ms, &fixture->err));
    assert_due(fixture, "1");
    assert_true(delivery_read(fixture->store, 1, &delivery, &fixture->err));
    assert_int_equal(delivery.attempts, 2);
    assert_int_equal(delivery.tries, 0);
    outcome.not_before_ms = fixture->now_ms;
    outcome.attempts = 4;
    assert_true(deliveries_settle(fixture->store, &outcome, 1, fixture->now_ms, &fixture->err));
    assert_due(fixture, "1");
    outcome.attempts = 5; /* three tries */
    assert_true(deliveries_settle(fixture->store, &outcome, 1, fixture->now_ms, &fixture->err));
    assert_due(fixture, "");
    delivery_release(&delivery);
}

/* --- what a sender asks for --- */

/* The list as `1 2+`: + for one that was tried before. */
static const char *listed(const struct delivery_list *list)
{
    static char text[128];
    size_t size = 0;

    text[0] = '\0';
    for (size_t i = 0; i < list->count; i++)
        size +=
            (size_t)snprintf(text + size, sizeof text - size, "%s%lld%s", i ? " " : "",
                             (long long)list->items[i].id, list->items[i].is_repeated ? "+" : "");
    return text;
}

/* Up to max deliveries that are due, `repeated` of them tried before; when the next one is. */
static int64_t find_due(struct fixture *fixture, size_t max, size_t repeated, const char *expected)
{
    struct delivery_due due[16];
    struct delivery_list list = {due, max, 0};
    int64_t next_due_ms = -1;

    assert_true(deliveries_due(fixture->store, fixture->now_ms, 3, &list, repeated, &next_due_ms,
                               &fixture->err));
    assert_string_equal(listed(&list), expected);
    return next_due_ms;
}

static void a_list_of_deliveries_has_its_size_and_as_many_repeated_ones_as_wanted(void **state)
{
    struct fixture *fixture = *state;
    struct script script = {0};
    struct delivery_due due[2];
    struct delivery_list list = {due, 2, 0};

    for (const char *record = "abcde"; *record; record++)
        add(fixture, &script, (char[]){*record, '\0'}, (char[]){*record, '\0'}, NULL);
    settle(fixture, 1, DELIVERY_PENDING, 500, 0);
    settle(fixture, 2, DELIVERY_PENDING, 500, 0);
    assert_int_equal(find_due(fixture, 9, 0, "3 4 5"), 0);
    assert_int_equal(find_due(fixture, 9, 1, "1+ 3 4 5"), 0);
    assert_int_equal(find_due(fixture, 9, 2, "1+ 2+ 3 4 5"), 0);
    find_due(fixture, 3, 2, "1+ 2+ 3");
    find_due(fixture, 0, 2, "");
    assert_true(deliveries_newest(fixture->store, fixture->now_ms, &list, &fixture->err));
    assert_string_equal(listed(&list), "5 4");
}

static void the_next_delivery_is_due_when_it_was_put_off_to(void **state)
{
    struct fixture *fixture = *state;
    struct script script = {0};

    add(fixture, &script, "1", "a", NULL);
    add(fixture, &script, "2", "b", NULL);
    settle(fixture, 1, DELIVERY_PENDING, 500, DELIVERY_WAIT_MAX_MS);
    settle(fixture, 2, DELIVERY_PENDING, 500, 70);
    assert_int_equal(find_due(fixture, 9, 9, ""), fixture->now_ms + 70);
    assert_asked(fixture, "SELECT not_before_ms - updated_ms FROM outbox", "600000; 70");
    /* by a clock that was ahead */
    settle(fixture, 1, DELIVERY_PENDING, 500, DELIVERY_WAIT_MAX_MS + 1);
    assert_int_equal(find_due(fixture, 9, 9, ""), fixture->now_ms);
    assert_asked(fixture, "SELECT not_before_ms - updated_ms FROM outbox", "0; 70");
    find_due(fixture, 9, 9, "1+");
}

static void note_failed(void *context, const struct delivery_failed *failed)
{
    buf_printf(context, "%lld %.*s %.*s %d %.*s later %lld; ", (long long)failed->id,
               (int)failed->schema.size, failed->schema.data, (int)failed->record_id.size,
               failed->record_id.data, failed->http_status, (int)failed->error.size,
               failed->error.data, (long long)failed->later_id);
}

static void failed_deliveries_are_listed_with_their_reason(void **state)
{
    struct delivery_outcome outcome = {.id = 3, .state = DELIVERY_FAILED, .error = "no route"};
    struct fixture *fixture = *state;
    struct notification_counts counts;
    struct script script = {0};
    struct buf text = {0};

    add(fixture, &script, "1", "a", NULL);
    add(fixture, &script, "2", "b", NULL);
    add(fixture, &script, "3", "c", NULL);
    add(fixture, &script, "4", "d", "not an update");
    settle(fixture, 1, DELIVERY_FAILED, 422, 0);
    assert_true(deliveries_settle(fixture->store, &outcome, 1, fixture->now_ms, &fixture->err));
    add(fixture, &script, "5", "a", NULL);
    settle(fixture, 5, DELIVERY_DELIVERED, 200, 0);
    assert_true(deliveries_failed(fixture->store, &(struct delivery_choice){0}, note_failed, &text,
                                  &fixture->err));
    assert_string_equal(buf_text(&text), "1 Item a 422  later 5; 3 Item c 0 no route later 0; ");
    assert_asked(fixture, "SELECT http_status FROM outbox WHERE id = 3", "NULL");
    assert_true(notification_count(fixture->store, &counts, &fixture->err));
    assert_int_equal(counts.by_state[NOTIFICATION_ACCEPTED], 4);
    assert_int_equal(counts.by_state[NOTIFICATION_NOT_ACCEPTED], 1);
    assert_int_equal(counts.by_state[NOTIFICATION_ECHO], 0);
    assert_int_equal(counts.pending, 1);
    assert_int_equal(counts.delivered, 1);
    assert_int_equal(counts.failed, 2);
    buf_release(&text);
}

static void a_delivery_has_the_body_and_the_key_of_its_notification(void **state)
{
    struct fixture *fixture = *state;
    struct delivery delivery = {0};
    struct script script = {0};

    add(fixture, &script, "key", "a", NULL);
    add(fixture, &script, "other", "bb", NULL);
    for (int64_t id = 2; id > 0; id--) {
        assert_true(delivery_read(fixture->store, id, &delivery, &fixture->err));
        assert_int_equal(delivery.id, id);
        assert_string_equal(buf_text(&delivery.record_id), id == 1 ? "a" : "bb");
        assert_string_equal(buf_text(&delivery.body), "{}");
        assert_string_equal((char *)delivery.key, id == 1 ? "key" : "other");
    }
    assert_false(delivery_read(fixture->store, 3, &delivery, &fixture->err));
    assert_non_null(strstr(fixture->err.text, "delivery 3 is gone"));
    delivery_release(&delivery);
}

/* --- what becomes known --- */

static bool knows(void *context, struct span schema)
{
    (void)context;
    return span_is(schema, "Item");
}

static void assert_known(struct fixture *fixture, const char *expected)
{
    assert_asked(fixture, "SELECT fields, source FROM known", expected);
}

/* Adds a notification of such fields about record a. */
static void add_known(struct fixture *fixture, struct notification_verdict verdict, const char *key,
                      const char *schema, const char *fields)
{
    struct script script = {.verdict = verdict};
    const struct notification_decider asked = {
        .decide = by_script, .context = &script, .knows = *key == '1' ? NULL : knows};
    struct notification notification = {.action = span_of("update"),
                                        .schema = span_of(schema),
                                        .record_id = span_of("a"),
                                        .body = span_of("{}"),
                                        .fields = span_of(fields),
                                        .modified_ms = fixture->now_ms};
    struct notification *list[] = {&notification};

    memcpy(notification.key, key, strlen(key));
    assert_true(notifications_add(fixture->store, list, 1, &asked, fixture->now_ms, &fixture->err));
}

static void what_others_changed_is_known_where_the_schema_asks_for_it(void **state)
{
    const struct notification_verdict foreign = {NOTIFICATION_FOREIGN, 0},
                                      ours = {NOTIFICATION_OF_JOB, 1000000001};
    struct fixture *fixture = *state;

    add_known(fixture, foreign, "1", "Item", "{\"n\":1}"); /* nothing shows whose */
    add_known(fixture, foreign, "2", "Other", "{\"n\":2}");
    assert_known(fixture, "");
    add_known(fixture, foreign, "3", "Item", "{\"n\":3}");
    assert_known(fixture, "{\"n\":3}|notification");
    fixture->now_ms += 1000;
    add_known(fixture, ours, "4", "Item", "{\"n\":4}"); /* the end of the job decides */
    assert_known(fixture, "{\"n\":3}|notification");
}

static void what_turns_out_to_be_of_others_makes_a_record_unknown(void **state)
{
    static const struct {
        struct notification_verdict verdict;
        bool asks;
        const char *known;
    } rows[] = {{{NOTIFICATION_OF_JOB, 1000000001}, true, "{\"n\":1}|get"},
                {{NOTIFICATION_FOREIGN, 0}, false, "{\"n\":1}|get"},
                {{NOTIFICATION_FOREIGN, 0}, true, "NULL|notification"}};
    struct fixture *fixture = *state;

    a_job_is_on_its_way(fixture);
    fixture_ask(fixture, "INSERT INTO known VALUES ('Item', 'a', 5, '{\"n\":1}', 1, 1, 'get')");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct script script = {.verdict = {NOTIFICATION_WAITS, 1000000001}};
        struct notification_decider asked = {.decide = by_script, .context = &script};
        uint64_t decided;

        add(fixture, &script, (char[]){(char)('1' + i), '\0'}, "a", NULL);
        if (i == 0)
            fixture_settle_all(fixture, JOB_APPLIED);
        script.verdict = rows[i].verdict;
        asked.knows = rows[i].asks ? knows : NULL;
        assert_true(
            notifications_decide(fixture->store, &asked, fixture->now_ms, &decided, &fixture->err));
        assert_int_equal(decided, 1);
        assert_known(fixture, rows[i].known);
    }
}

static void one_that_waits_for_another_job_now_goes_on_waiting(void **state)
{
    struct fixture *fixture = *state;
    struct script script = {.verdict = {NOTIFICATION_WAITS, 1000000001}};

    a_job_is_on_its_way(fixture);
    add(fixture, &script, "1", "a", NULL);
    fixture_settle_all(fixture, JOB_APPLIED);
    script.verdict.job_id = 1000000002;
    decide(fixture, &script, 0);
    assert_asked(fixture, "SELECT state, reason, job_id FROM notification",
                 "accepted|NULL|1000000002");
    assert_due(fixture, "");
    /* whoever wants all of them does not wait */
    script.delivers_echoes = true;
    decide(fixture, &script, 1);
    assert_due(fixture, "1");
    assert_asked(fixture, "SELECT state, reason, job_id FROM notification", "accepted|NULL|NULL");
    assert_asked(fixture, "SELECT * FROM notification_tally", "1|1|0|0|1|0|0");
}

static void an_echo_that_is_wanted_goes_out_when_it_is_found_to_be_one(void **state)
{
    struct fixture *fixture = *state;
    struct script script = {.verdict = {NOTIFICATION_WAITS, 1000000001}};

    a_job_is_on_its_way(fixture);
    add(fixture, &script, "1", "a", NULL);
    fixture_settle_all(fixture, JOB_APPLIED);
    script = (struct script){.verdict = {NOTIFICATION_OF_JOB, 1000000001}, .delivers_echoes = true};
    decide(fixture, &script, 1);
    assert_due(fixture, "1");
    assert_asked(fixture, "SELECT * FROM notification_tally", "1|0|0|1|1|0|0");
    script.verdict.end = NOTIFICATION_WAITS;
    add(fixture, &script, "2", "b", NULL);
    assert_due(fixture, "1 2");
}

static bool stop_at_first(void *context, const struct notification_candidate *candidate,
                          bool *go_on, struct err *err)
{
    (void)err;
    *go_on = false;
    buf_printf(context, "%lld ", (long long)candidate->job_id);
    return true;
}

static void a_walk_over_candidates_can_end_early(void **state)
{
    const struct notification notification = {.record_id = span_of("a")};
    struct fixture *fixture = *state;
    struct buf text = {0};

    fixture_batch(fixture, "Item", "a:5");
    fixture_batch(fixture, "Other", "a:7");
    fixture_claim(fixture, 2);
    assert_true(notification_candidates(fixture->store, &notification, fixture->now_ms,
                                        stop_at_first, &text, &fixture->err));
    assert_string_equal(buf_text(&text), "2000000001 ");
    buf_release(&text);
}

static void add_body(void *context, struct span body)
{
    buf_printf(context, "%.*s ", (int)body.size, body.data);
}

static void notifications_of_a_time_are_found_newest_first(void **state)
{
    struct fixture *fixture = *state;
    struct script script = {0};
    struct buf text = {0};

    add(fixture, &script, "1", "a", NULL);
    fixture->now_ms += 10;
    add(fixture, &script, "2", "a", NULL);
    add(fixture, &script, "3", "b", NULL);
    fixture->now_ms += 10;
    add(fixture, &script, "4", "a", NULL);
    fixture_ask(fixture, "UPDATE notification SET body = '{\"id\":' || id || '}'");
    assert_true(notification_between(fixture->store, span_of("a"), FIXTURE_NOW_MS, FIXTURE_NOW_MS,
                                     FIXTURE_NOW_MS + 10, add_body, &text, &fixture->err));
    assert_string_equal(buf_text(&text), "{\"id\":2} {\"id\":1} ");
    buf_release(&text);
}

#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_begin, fixture_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(one_that_comes_again_is_stored_once),
        STORE_TEST(what_is_not_accepted_has_a_reason_and_no_delivery),
        STORE_TEST(an_echo_is_not_delivered_unless_asked_for),
        STORE_TEST(deliveries_of_a_record_follow_each_other),
        STORE_TEST(retry_puts_back_what_failed),
        STORE_TEST(only_what_is_chosen_is_put_back),
        STORE_TEST(of_a_record_that_is_put_back_the_oldest_is_due),
        STORE_TEST(one_that_may_be_an_echo_waits_with_those_after_it),
        STORE_TEST(one_that_is_no_echo_after_all_goes_out_in_its_order),
        STORE_TEST(an_earlier_one_is_first_though_a_later_one_is_decided_first),
        STORE_TEST(candidates_are_the_jobs_of_the_record_that_were_claimed),
        STORE_TEST(tries_are_counted_from_the_start_of_a_sender),
        STORE_TEST(a_list_of_deliveries_has_its_size_and_as_many_repeated_ones_as_wanted),
        STORE_TEST(the_next_delivery_is_due_when_it_was_put_off_to),
        STORE_TEST(failed_deliveries_are_listed_with_their_reason),
        STORE_TEST(a_delivery_has_the_body_and_the_key_of_its_notification),
        STORE_TEST(what_others_changed_is_known_where_the_schema_asks_for_it),
        STORE_TEST(what_turns_out_to_be_of_others_makes_a_record_unknown),
        STORE_TEST(one_that_waits_for_another_job_now_goes_on_waiting),
        STORE_TEST(an_echo_that_is_wanted_goes_out_when_it_is_found_to_be_one),
        STORE_TEST(a_walk_over_candidates_can_end_early),
        STORE_TEST(notifications_of_a_time_are_found_newest_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
