/* Which notifications are echoes of our own updates. */
#include "core/notify/echo.h"

#include "core/base/clock.h"
#include "tests/lib/store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

/* Every combination of facts against the rules in words. */
static void the_table_says_what_the_rules_say(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits < 64; bits++)
        for (int owner = API_OWNER_UNKNOWN; owner <= API_ANOTHERS; owner++) {
            const struct echo_facts facts = {
                .owner = (enum api_owner)owner,
                .is_open = bits & 1,
                .is_applied = bits & 2,
                .has_same_fields = bits & 4,
                .is_likely = bits & 8,
                .is_overwritten = bits & 16,
                .has_another_echo = bits & 32,
            };
            enum echo_verdict expected = ECHO_NO;

            if (owner == API_OURS && facts.is_open)
                expected = ECHO_WAIT;
            else if (owner == API_OURS)
                expected =
                    facts.has_another_echo && (!facts.has_same_fields || facts.is_overwritten)
                        ? ECHO_NO
                        : ECHO_YES;
            else if (owner == API_OWNER_UNKNOWN && facts.has_same_fields && facts.is_likely &&
                     !facts.is_overwritten)
                expected = facts.is_open ? ECHO_WAIT : facts.is_applied ? ECHO_YES : ECHO_NO;
            assert_int_equal(echo_decide(&facts), expected);
        }
}

/* --- in the store: job 1/1 of record a, whose fields are {"n":1}, sent at FIXTURE_NOW_MS --- */

static const char *iso(int64_t ms)
{
    static char texts[2][CLOCK_ISO_SIZE];
    static unsigned next;

    return clock_iso(ms, texts[next++ % 2]);
}

/* The state that a notification of record a gets. Each is added after the last. */
static const char *add(struct fixture *fixture, int64_t modified_ms, const char *author,
                       const char *fields, const char *metadata)
{
    struct echo echo = {.store = fixture->store, .client_id = "our-client"};
    const struct notification_decider decider = {.decide = echo_of_store, .context = &echo};
    struct payload_reader reader = {0};
    char problem[PAYLOAD_PROBLEM_SIZE];
    struct payload payload;
    struct notification *list[] = {&payload.notification};
    struct buf body = {0};

    buf_printf(&body,
               "{\"action\":\"update\",\"schemaName\":\"Item\",\"record\":{\"id\":\"a\","
               "\"modifiedTime\":\"%s\",\"modifiedBy\":{\"id\":\"%s\"},\"fields\":%s%s}}",
               iso(modified_ms), author, fields, metadata);
    assert_true(payload_read(&reader, buf_span(&body), NULL, &payload, problem));
    assert_true(
        notifications_add(fixture->store, list, 1, &decider, fixture->now_ms, &fixture->err));
    buf_release(&body);
    payload_reader_release(&reader);
    echo_release(&echo);
    return fixture_ask(fixture, "SELECT state || iif(state = 'accepted' AND job_id IS NOT NULL, "
                                "' waits', '') FROM notification ORDER BY id DESC LIMIT 1");
}

static void decide(struct fixture *fixture)
{
    struct echo echo = {.store = fixture->store};
    const struct notification_decider decider = {.decide = echo_of_store, .context = &echo};
    uint64_t decided;

    assert_true(
        notifications_decide(fixture->store, &decider, fixture->now_ms, &decided, &fixture->err));
    echo_release(&echo);
}

static void send(struct fixture *fixture, enum job_state state)
{
    fixture_batch(fixture, "Item", "a:5");
    fixture_claim(fixture, 1);
    if (state != JOB_SENDING)
        fixture_settle_all(fixture, state);
}

static void without_jobs_nothing_is_an_echo(void **state)
{
    assert_string_equal(add(*state, FIXTURE_NOW_MS, "our-client", "{\"n\":1}", ""), "accepted");
}

static void equal_fields_in_time_are_an_echo(void **state)
{
    struct fixture *fixture = *state;

    send(fixture, JOB_APPLIED);
    assert_string_equal(add(fixture, FIXTURE_NOW_MS, "x", "{\"n\":1.0,\"added\":true}", ""),
                        "echo");
    assert_string_equal(
        add(fixture, FIXTURE_NOW_MS + 60000, "x", "{\"added\":true,\"n\":1,\"m\":null}", ""),
        "echo");
    assert_string_equal(add(fixture, FIXTURE_NOW_MS - 60000, "x", "{\"n\":1}", ""), "echo");
    assert_string_equal(add(fixture, FIXTURE_NOW_MS + 60001, "x", "{\"n\":1}", ""), "accepted");
    assert_string_equal(add(fixture, FIXTURE_NOW_MS - 60001, "x", "{\"n\":1}", ""), "accepted");
}

/* The start of 1970, as a time that cannot be read, is not known; when it was received proves
 * nothing. */
static void equal_fields_at_an_unknown_time_are_somebody_elses(void **state)
{
    struct fixture *fixture = *state;

    fixture->now_ms = clock_now_ms();
    send(fixture, JOB_APPLIED);
    assert_string_equal(add(fixture, 0, "x", "{\"n\":1}", ""), "accepted");
    assert_string_equal(add(fixture, 0, "our-client", "{\"n\":1,\"m\":null}", ""), "echo");
}

static void equal_fields_by_our_client_are_an_echo_at_any_time(void **state)
{
    struct fixture *fixture = *state;

    send(fixture, JOB_APPLIED);
    assert_string_equal(add(fixture, FIXTURE_NOW_MS + 900000, "our-client", "{\"n\":1}", ""),
                        "echo");
}

static void other_fields_are_somebody_elses(void **state)
{
    struct fixture *fixture = *state;

    send(fixture, JOB_APPLIED);
    assert_string_equal(add(fixture, FIXTURE_NOW_MS, "our-client", "{\"n\":2}", ""), "accepted");
    assert_string_equal(add(fixture, FIXTURE_NOW_MS, "our-client", "{}", ""), "accepted");
    assert_string_equal(add(fixture, FIXTURE_NOW_MS, "our-client", "null", ""), "accepted");
}

/* Many platforms write times in whole seconds. */
static void a_change_at_the_time_of_the_echo_came_in_between(void **state)
{
    struct fixture *fixture = *state;

    send(fixture, JOB_APPLIED);
    assert_string_equal(add(fixture, FIXTURE_NOW_MS, "x", "{\"n\":1}", ""), "echo");
    assert_string_equal(add(fixture, FIXTURE_NOW_MS, "x", "{\"n\":500}", ""), "accepted");
    assert_string_equal(add(fixture, FIXTURE_NOW_MS + 900, "x", "{\"n\":1}", ""), "accepted");
}

static void the_same_values_again_after_others_are_somebody_elses(void **state)
{
    struct fixture *fixture = *state;

    send(fixture, JOB_APPLIED);
    assert_string_equal(add(fixture, FIXTURE_NOW_MS + 10, "x", "{\"n\":1}", ""), "echo");
    assert_string_equal(add(fixture, FIXTURE_NOW_MS + 20, "x", "{\"n\":2}", ""), "accepted");
    assert_string_equal(add(fixture, FIXTURE_NOW_MS + 30, "x", "{\"n\":1}", ""), "accepted");
}

static void a_change_before_ours_does_not_count(void **state)
{
    struct fixture *fixture = *state;

    fixture->now_ms -= 100;
    assert_string_equal(add(fixture, FIXTURE_NOW_MS - 100, "x", "{\"n\":2}", ""), "accepted");
    fixture->now_ms += 100;
    send(fixture, JOB_APPLIED);
    assert_string_equal(add(fixture, FIXTURE_NOW_MS + 10, "x", "{\"n\":1}", ""), "echo");
}

static void a_notification_that_is_early_waits_for_its_job(void **state)
{
    struct fixture *fixture = *state;

    send(fixture, JOB_SENDING);
    assert_string_equal(add(fixture, FIXTURE_NOW_MS + 1, "x", "{\"n\":1}", ""), "accepted waits");
    assert_string_equal(add(fixture, FIXTURE_NOW_MS + 2, "x", "{\"n\":2}", ""), "accepted");
    fixture_settle_all(fixture, JOB_APPLIED);
    decide(fixture);
    assert_string_equal(fixture_ask(fixture, "SELECT state FROM notification"), "echo; accepted");
}

static void a_job_that_was_refused_has_no_echo(void **state)
{
    struct fixture *fixture = *state;

    send(fixture, JOB_SENDING);
    assert_string_equal(add(fixture, FIXTURE_NOW_MS + 1, "x", "{\"n\":1}", ""), "accepted waits");
    fixture_settle_all(fixture, JOB_REFUSED);
    decide(fixture);
    assert_string_equal(fixture_ask(fixture, "SELECT state, job_id FROM notification"),
                        "accepted|NULL");
    assert_string_equal(add(fixture, FIXTURE_NOW_MS + 2, "x", "{\"n\":1}", ""), "accepted");
}

/* `,"metadata":{...}` with the id of job 1/1, or that id with another digit. */
static const char *metadata(struct fixture *fixture, bool ours)
{
    static char text[128];

    snprintf(text, sizeof text, ",\"metadata\":{\"requestCorrelationId\":\"%s\"}",
             fixture_ask(fixture, "SELECT correlation_id FROM job WHERE id = 1000000001"));
    if (!ours)
        text[38] = text[38] == 'a' ? 'b' : 'a';
    return text;
}

static void the_id_in_the_metadata_decides_where_there_is_one(void **state)
{
    struct fixture *fixture = *state;

    send(fixture, JOB_APPLIED);
    assert_string_equal(
        add(fixture, FIXTURE_NOW_MS + 900000, "x", "{\"n\":3}", metadata(fixture, true)), "echo");
    assert_string_equal(
        add(fixture, FIXTURE_NOW_MS, "our-client", "{\"n\":1}", metadata(fixture, false)),
        "accepted");
    /* a text that is not an id counts as none, and then fields and time decide */
    assert_string_equal(add(fixture, FIXTURE_NOW_MS + 1, "x", "{\"n\":1}",
                            ",\"metadata\":{\"requestCorrelationId\":\"\"}"),
                        "echo");
}

static void metadata_that_somebody_left_in_place_is_no_echo(void **state)
{
    struct fixture *fixture = *state;

    send(fixture, JOB_APPLIED);
    assert_string_equal(add(fixture, FIXTURE_NOW_MS + 1, "x", "{\"n\":1}", metadata(fixture, true)),
                        "echo");
    assert_string_equal(add(fixture, FIXTURE_NOW_MS + 2, "x", "{\"n\":4}", metadata(fixture, true)),
                        "accepted");
}

/* Fields that we do not send belong to others, whoever the id in the metadata is of. */
static void a_field_that_is_added_after_the_echo_is_somebody_elses(void **state)
{
    struct fixture *fixture = *state;

    send(fixture, JOB_APPLIED);
    assert_string_equal(add(fixture, FIXTURE_NOW_MS + 1, "x", "{\"n\":1}", ""), "echo");
    assert_string_equal(add(fixture, FIXTURE_NOW_MS + 2, "x", "{\"n\":1,\"m\":2}", ""), "accepted");
    assert_string_equal(
        add(fixture, FIXTURE_NOW_MS + 3, "x", "{\"n\":1,\"m\":3}", metadata(fixture, true)),
        "accepted");
    assert_string_equal(add(fixture, FIXTURE_NOW_MS + 4, "x", "{\"n\":1}", metadata(fixture, true)),
                        "accepted");
}

static void our_values_again_under_metadata_that_somebody_left_are_no_echo(void **state)
{
    struct fixture *fixture = *state;

    send(fixture, JOB_APPLIED);
    assert_string_equal(add(fixture, FIXTURE_NOW_MS + 1, "x", "{\"n\":1}", metadata(fixture, true)),
                        "echo");
    assert_string_equal(add(fixture, FIXTURE_NOW_MS + 2, "x", "{\"n\":1}", metadata(fixture, true)),
                        "echo");
    assert_string_equal(add(fixture, FIXTURE_NOW_MS + 3, "x", "{\"n\":4}", metadata(fixture, true)),
                        "accepted");
    assert_string_equal(add(fixture, FIXTURE_NOW_MS + 4, "x", "{\"n\":1}", metadata(fixture, true)),
                        "accepted");
}

/* A GET showed that another copy of the database had sent it. */
static void a_job_that_was_never_sent_here_has_an_echo_by_its_id(void **state)
{
    struct fixture *fixture = *state;

    send(fixture, JOB_APPLIED);
    fixture_ask(fixture, "DELETE FROM attempt");
    assert_string_equal(add(fixture, FIXTURE_NOW_MS, "x", "{\"n\":1}", ""), "accepted");
    assert_string_equal(add(fixture, FIXTURE_NOW_MS + 1, "x", "{\"n\":1}", metadata(fixture, true)),
                        "echo");
}

#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_begin, fixture_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_says_what_the_rules_say),
        STORE_TEST(without_jobs_nothing_is_an_echo),
        STORE_TEST(equal_fields_in_time_are_an_echo),
        STORE_TEST(equal_fields_at_an_unknown_time_are_somebody_elses),
        STORE_TEST(equal_fields_by_our_client_are_an_echo_at_any_time),
        STORE_TEST(other_fields_are_somebody_elses),
        STORE_TEST(a_change_at_the_time_of_the_echo_came_in_between),
        STORE_TEST(the_same_values_again_after_others_are_somebody_elses),
        STORE_TEST(a_change_before_ours_does_not_count),
        STORE_TEST(a_notification_that_is_early_waits_for_its_job),
        STORE_TEST(a_job_that_was_refused_has_no_echo),
        STORE_TEST(the_id_in_the_metadata_decides_where_there_is_one),
        STORE_TEST(a_job_that_was_never_sent_here_has_an_echo_by_its_id),
        STORE_TEST(metadata_that_somebody_left_in_place_is_no_echo),
        STORE_TEST(a_field_that_is_added_after_the_echo_is_somebody_elses),
        STORE_TEST(our_values_again_under_metadata_that_somebody_left_are_no_echo),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
