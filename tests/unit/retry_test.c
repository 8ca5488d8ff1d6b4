/* What failed or was refused, found and put back, and what the next claims make of it. */
#include "core/store/decide.h"

#include "core/base/mem.h"
#include "tests/lib/store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

enum { BOTH = 1u << JOB_FAILED | 1u << JOB_REFUSED };

static bool look_away(void *context, const struct decided *decided, struct err *err)
{
    unsigned *moved = context;

    (void)err;
    *moved += decided->end == DECIDE_MOVED;
    return true;
}

/* The jobs found: `1/1 1/2`. */
static const char *find(struct fixture *fixture, struct retry_choice choice)
{
    static char text[256];
    char job[ID_TEXT_SIZE];
    struct id_list job_ids = {0};
    size_t size = 0;

    text[0] = '\0';
    if (!retry_find(fixture->store, &choice, &job_ids, &fixture->err))
        fail_msg("%s", fixture->err.text);
    for (size_t i = 0; i < job_ids.count; i++)
        size += (size_t)snprintf(text + size, sizeof text - size, "%s%s", i ? " " : "",
                                 id_print(job_ids.items[i], job));
    id_list_release(&job_ids);
    return text;
}

/* Retries all there are; returns how many were. */
static unsigned retry(struct fixture *fixture)
{
    unsigned moved = 0;
    struct decision decision = {.now_ms = fixture->now_ms, .visit = look_away, .context = &moved};
    struct id_list job_ids = {0};

    if (!retry_find(fixture->store, &(struct retry_choice){.states = BOTH}, &job_ids,
                    &fixture->err) ||
        !retry_jobs(fixture->store, &decision, &job_ids, &fixture->err))
        fail_msg("%s", fixture->err.text);
    id_list_release(&job_ids);
    fixture_check(fixture);
    return moved;
}

/* Lets the claimed job give up; unsettled: its request may have landed. */
static void give_up(struct fixture *fixture, const char *job, bool unsettled)
{
    struct claim_outcome *outcome = fixture_settle(fixture, job, JOB_UNKNOWN);

    outcome->doubt = true;
    fixture_claim(fixture, 1);
    fixture_settle(fixture, job, JOB_FAILED)->unsettled = unsettled;
    fixture_claim(fixture, 0);
}

static void a_refused_job_goes_out_again_and_keeps_its_history(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5");
    fixture_claim(fixture, 1);
    fixture_settle(fixture, "1/1", JOB_REFUSED);
    fixture_claim(fixture, 0);
    assert_int_equal(retry(fixture), 1);
    assert_string_equal(fixture_ask(fixture, "SELECT state, attempts, attempts_before "
                                             "FROM job_state"),
                        "pending|1|1");
    assert_string_equal(fixture_ask(fixture, "SELECT state FROM batch"), "open");
    assert_string_equal(fixture_claim(fixture, 1), "PUT 1/1 a v5");
    assert_int_equal(fixture_held(fixture, "1/1")->attempts, 2);
    assert_int_equal(fixture_held(fixture, "1/1")->attempts_before, 1);
    fixture_settle(fixture, "1/1", JOB_APPLIED);
    fixture_claim(fixture, 0);
    assert_string_equal(fixture_ask(fixture, "SELECT state FROM batch"), "done");
    assert_string_equal(fixture_ask(fixture, "SELECT count(*) FROM attempt"), "2");
}

static void what_may_have_landed_is_read_back_first(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5 b:5");
    fixture_claim(fixture, 1);
    give_up(fixture, "1/1", true);
    fixture_claim(fixture, 1);
    give_up(fixture, "1/2", false);
    assert_int_equal(retry(fixture), 2);
    assert_string_equal(fixture_ask(fixture, "SELECT state, doubt, unsettled, sent_version "
                                             "FROM job_state ORDER BY job_id"),
                        "unknown|1|0|5; pending|1|0|5");
    assert_string_equal(fixture_claim(fixture, 2), "GET 1/1 a v5, PUT 1/2 b v5");
    assert_true(fixture_held(fixture, "1/1")->doubt);
}

static void what_the_server_said_of_the_fields_is_forgotten(void **state)
{
    struct fixture *fixture = *state;
    struct claim_outcome *outcome;

    fixture_batch(fixture, "Item", "a:5");
    fixture_claim(fixture, 1);
    outcome = fixture_settle(fixture, "1/1", JOB_REFUSED);
    outcome->violations = mem_calloc(1, sizeof *outcome->violations);
    outcome->violation_count = 1;
    outcome->violations[0] =
        (struct claim_violation){mem_strdup("sku"), mem_strdup("wrong"), mem_strdup("is wrong")};
    fixture_claim(fixture, 0);
    assert_string_equal(fixture_ask(fixture, "SELECT field FROM server_violation"), "sku");
    retry(fixture);
    fixture_claim(fixture, 1);
    fixture_settle(fixture, "1/1", JOB_APPLIED);
    fixture_claim(fixture, 0);
    assert_string_equal(fixture_ask(fixture, "SELECT count(*) FROM server_violation"), "0");
}

static void rows_of_one_record_find_their_version_anew(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5 a:5");
    for (unsigned i = 0; i < 2; i++) {
        fixture_claim(fixture, 1);
        fixture_settle_all(fixture, JOB_REFUSED);
    }
    assert_int_equal(retry(fixture), 2);
    assert_string_equal(fixture_claim(fixture, 2), "PUT 1/1 a v5");
    fixture_settle_at(fixture, "1/1", JOB_APPLIED, 6);
    fixture_claim(fixture, 0);
    assert_string_equal(fixture_claim(fixture, 2), "PUT 1/2 a v6");
}

static void what_stood_on_a_fetched_record_is_fetched_for_again(void **state)
{
    struct fixture *fixture = *state;
    struct claim_outcome *outcome;

    fixture_batch(fixture, "Item", "a");
    fixture_claim(fixture, 1);
    outcome = fixture_settle_at(fixture, "1/1", JOB_PENDING, 9);
    outcome->next = POLICY_NEXT_SEND;
    outcome->fields = mem_strdup("{\"n\":1}");
    assert_string_equal(fixture_claim(fixture, 1), "PUT 1/1 a v9");
    fixture_settle(fixture, "1/1", JOB_REFUSED);
    fixture_claim(fixture, 0);
    retry(fixture);
    assert_string_equal(fixture_ask(fixture, "SELECT job_id, rounds, version, fields FROM rebase"),
                        "1000000001|0|NULL|NULL");
    assert_string_equal(fixture_claim(fixture, 1), "FETCH 1/1 a v0");
}

static void a_superseded_job_stays(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5 b:5 a:5 b:5");
    fixture_claim(fixture, 1);
    fixture_settle_all(fixture, JOB_REFUSED);
    fixture_claim(fixture, 1);
    give_up(fixture, "1/2", true);
    fixture_claim(fixture, 2);
    fixture_settle_all(fixture, JOB_APPLIED);
    assert_int_equal(retry(fixture), 0);
    assert_string_equal(fixture_ask(fixture, "SELECT state FROM job_state ORDER BY job_id"),
                        "refused; failed; applied; applied");
}

static void jobs_are_found_by_batch_state_time_and_record(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5 b:5");
    fixture_batch(fixture, "Item", "a:6 c:6");
    fixture_claim(fixture, 1);
    fixture_settle_all(fixture, JOB_REFUSED);
    fixture_claim(fixture, 1);
    give_up(fixture, "1/2", false);
    fixture->now_ms += 1000;
    fixture_claim(fixture, 2);
    fixture_settle(fixture, "2/1", JOB_REFUSED);
    fixture_settle(fixture, "2/2", JOB_APPLIED);
    fixture_claim(fixture, 0);
    assert_string_equal(find(fixture, (struct retry_choice){.states = BOTH}), "1/1 1/2 2/1");
    assert_string_equal(find(fixture, (struct retry_choice){.states = BOTH, .batch_id = 2}), "2/1");
    assert_string_equal(find(fixture, (struct retry_choice){.states = 1u << JOB_FAILED}), "1/2");
    assert_string_equal(find(fixture, (struct retry_choice){.states = 1u << JOB_REFUSED}),
                        "1/1 2/1");
    assert_string_equal(
        find(fixture, (struct retry_choice){.states = BOTH, .since_ms = fixture->now_ms}), "2/1");
    assert_string_equal(find(fixture, (struct retry_choice){.states = BOTH, .record_id = "a"}),
                        "1/1 2/1");
    assert_string_equal(
        find(fixture, (struct retry_choice){.states = BOTH, .record_id = "a", .batch_id = 1}),
        "1/1");
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, fixture_begin, fixture_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(a_refused_job_goes_out_again_and_keeps_its_history),
        WITH_STORE(what_may_have_landed_is_read_back_first),
        WITH_STORE(what_the_server_said_of_the_fields_is_forgotten),
        WITH_STORE(rows_of_one_record_find_their_version_anew),
        WITH_STORE(what_stood_on_a_fetched_record_is_fetched_for_again),
        WITH_STORE(a_superseded_job_stays),
        WITH_STORE(jobs_are_found_by_batch_state_time_and_record),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
