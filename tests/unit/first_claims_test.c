/* The rows of first claims: every state and every attempt has what is its own, however many rows an
 * INSERT has. */
#include "core/store/first_claims.h"

#include "tests/lib/store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

enum { RUN_ID = 31, NOW_MS = 777, JOBS = 40 };

/* Claims of the rows 1 to count of the first batch: every third one has no version. */
static struct claim **fill(struct fixture *fixture, unsigned count)
{
    memset(fixture->claims, 0, sizeof fixture->claims);
    for (unsigned i = 0; i < count; i++) {
        struct claim *claim = &fixture->claims[i];

        claim->job_id = id_of(1, i + 1);
        claim->has_version = i % 3 != 2;
        claim->version = 100 + i;
        memset(claim->correlation, (int)i + 1, sizeof claim->correlation);
        fixture->in_hand[i] = claim;
    }
    return fixture->in_hand;
}

/* What the database must have about the claims, one line per job. */
static void expect(struct buf *text, struct claim **claims, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        const struct claim *claim = claims[i];
        char version[24] = "";

        if (claim->has_version)
            snprintf(version, sizeof version, "%lld", (long long)claim->version);
        buf_printf(text, "%s%lld|sending|1|%d|%d|%s|", i ? "; " : "", (long long)claim->job_id,
                   RUN_ID, NOW_MS, version);
        for (size_t n = 0; n < sizeof claim->correlation; n++)
            buf_printf(text, "%02X", i + 1);
        buf_printf(text, "|%lld|%d|%d|PUT|%s", (long long)claim->attempt_id, RUN_ID, NOW_MS,
                   version);
    }
}

static void each_claim_has_its_own_state_and_attempt(void **state)
{
    static const unsigned counts[] = {1, 2, 15, 16, 17, 31, 32, 33, JOBS};
    struct fixture *fixture = *state;
    struct buf words = {0}, expected = {0};

    for (unsigned row = 1; row <= JOBS; row++)
        buf_printf(&words, "r%u:1 ", row);
    fixture_batch(fixture, "Item", buf_text(&words));
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        struct claim **claims = fill(fixture, counts[i]);

        assert_true(
            first_claims_write(fixture->store, claims, counts[i], RUN_ID, NOW_MS, &fixture->err));
        buf_reset(&expected);
        expect(&expected, claims, counts[i]);
        assert_asked(fixture,
                     "SELECT s.job_id, s.state, s.attempts, s.run_id, s.updated_ms, "
                     "ifnull(s.sent_version, ''), hex(s.correlation_id), a.id, a.run_id, "
                     "a.started_ms, a.method, ifnull(a.sent_version, '') FROM job_state s "
                     "JOIN attempt a ON a.job_id = s.job_id ORDER BY a.id",
                     buf_text(&expected));
        for (unsigned n = 0; n < counts[i]; n++)
            assert_int_equal(claims[n]->claimed_ms, NOW_MS);
        fixture_ask(fixture, "DELETE FROM attempt");
        fixture_ask(fixture, "DELETE FROM job_state");
    }
    buf_release(&words);
    buf_release(&expected);
}

static void no_claims_write_nothing(void **state)
{
    struct fixture *fixture = *state;

    assert_true(first_claims_write(fixture->store, NULL, 0, RUN_ID, NOW_MS, &fixture->err));
    assert_asked(fixture, "SELECT count(*) FROM job_state", "0");
}

/* A job that has a state already is never claimed as a fresh one. */
static void a_job_with_a_state_fails_them(void **state)
{
    struct fixture *fixture = *state;
    struct claim **claims = fill(fixture, 2);

    fixture_batch(fixture, "Item", "a:1 b:1");
    assert_true(first_claims_write(fixture->store, claims + 1, 1, RUN_ID, NOW_MS, &fixture->err));
    assert_false(first_claims_write(fixture->store, claims, 2, RUN_ID, NOW_MS, &fixture->err));
    assert_int_equal(fixture->err.kind, ERR_STORE);
    assert_non_null(strstr(fixture->err.text, "claim jobs"));
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, fixture_begin, fixture_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(each_claim_has_its_own_state_and_attempt),
        WITH_STORE(no_claims_write_nothing),
        WITH_STORE(a_job_with_a_state_fails_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
