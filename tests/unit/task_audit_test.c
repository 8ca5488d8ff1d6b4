/* What a page of the audit log means for a job that asks for its fate. */
#include "tests/unit/task_scene.h"

/* A log can begin with the oldest entry or with the newest. */
static void the_pages_after_that_of_the_version_can_have_our_id(void **state)
{
    struct stage *stage = *state;
    struct claim *claim = &stage->task.claim;
    const struct claim_outcome *outcome;

    claim->request = REQUEST_AUDIT;
    outcome = take(stage, 200, "{\"entities\":[" AT("5", OTHER) "," ENTRY "],\"total\":3}");
    assert_int_equal(outcome->next, POLICY_NEXT_PAGE);
    assert_string_equal(outcome->audit_entry, ENTRY);
    claim->page = 2;
    claim->seen = 2;
    claim->page_hash = outcome->page_hash;
    claim->has_entry = true;
    outcome = take(stage, 200, "{\"entities\":[" AT("9", OURS) "," AT("8", OURS) "]}");
    assert_int_equal(outcome->state, JOB_APPLIED);
    assert_int_equal(outcome->server_version, 8);
    outcome = take(stage, 200, "{\"entities\":[" AT("7", OTHER) "]}");
    assert_int_equal(outcome->state, JOB_CONFLICT);
    assert_true(outcome->proven);
    claim->page = 1;
    claim->has_entry = false;
    outcome = take(stage, 200, "{\"entities\":[" ENTRY "," AT("5", OTHER) "],\"total\":99}");
    assert_int_equal(outcome->state, JOB_CONFLICT);
    assert_string_equal(outcome->audit_entry, ENTRY);
}

#define BY_USER(version, user, rest)                                                               \
    "{\"entityId\":\"A\",\"version\":" version ",\"user\":{\"id\":\"" user "\"}" rest "}"
#define OWN_ID ",\"requestCorrelationId\":\"" OWN "\""

/* On one page or on two. Another user proves nothing, because ours may have changed. */
static void the_user_of_an_entry_without_an_id_counts_where_ours_is_known(void **state)
{
    struct stage *stage = *state;
    struct claim *claim = &stage->task.claim;

    claim->request = REQUEST_AUDIT;
    add_sibling(stage, -1);
    assert_int_equal(
        take(stage, 200,
             "{\"entities\":[" BY_USER("6", "me", "") "," BY_USER("3", "me", OWN_ID) "]}")
            ->state,
        JOB_APPLIED);
    assert_int_equal(
        take(stage, 200,
             "{\"entities\":[" BY_USER("6", "you", "") "," BY_USER("3", "me", OWN_ID) "]}")
            ->state,
        JOB_UNKNOWN);
    assert_int_equal(
        take(stage, 200, "{\"entities\":[" BY_USER("6", "me", "") "],\"total\":2}")->next,
        POLICY_NEXT_PAGE);
    assert_string_equal(claim->outcome.entry_user, "me");
    assert_int_equal(claim->outcome.seen, 1);
    snprintf(claim->entry_user, sizeof claim->entry_user, "me");
    claim->page = 2;
    claim->seen = 1;
    claim->page_hash = claim->outcome.page_hash;
    assert_int_equal(
        take(stage, 200, "{\"entities\":[" BY_USER("3", "me", OWN_ID) "],\"total\":2}")->state,
        JOB_APPLIED);
    /* the same page again: it was the last one */
    assert_int_equal(
        take(stage, 200, "{\"entities\":[" BY_USER("6", "me", "") "],\"total\":3}")->next,
        POLICY_NEXT_AUDIT);
}

static void an_audit_page_shows_our_entry_or_is_not_one(void **state)
{
    struct stage *stage = *state;
    struct claim *claim = &stage->task.claim;
    const struct claim_outcome *outcome;

    claim->request = REQUEST_AUDIT;
    outcome = take(stage, 200,
                   "{\"entities\":[{\"entityId\":\"A\",\"version\":6,"
                   "\"requestCorrelationId\":\"" OURS "\"}]}");
    assert_int_equal(outcome->state, JOB_APPLIED);
    assert_int_equal(outcome->server_version, 6);
    outcome = take(stage, 200, "{\"message\":\"later\"}");
    assert_int_equal(outcome->state, JOB_UNKNOWN);
    assert_string_equal(outcome->attempt_error, "later");
    /* a log of more pages than are read */
    claim->page = 1000;
    outcome = take(stage, 200, "{\"entities\":[{\"entityId\":\"B\"}],\"total\":9999999}");
    assert_int_equal(outcome->next, POLICY_NEXT_AUDIT);
    /* the highest version has no next one */
    claim->version = INT64_MAX;
    outcome = take(stage, 200, "{\"entities\":[]}");
    assert_int_equal(outcome->state, JOB_UNKNOWN);
}

static void an_audit_entry_that_is_too_long_is_not_kept(void **state)
{
    struct stage *stage = *state;
    struct buf page = {0};
    const struct claim_outcome *outcome;

    stage->task.claim.request = REQUEST_AUDIT;
    for (int long_one = 0; long_one < 2; long_one++) {
        const size_t size = (64 << 10) + (size_t)long_one, from = strlen("{\"entities\":[");

        buf_reset(&page);
        buf_append_text(&page, "{\"entities\":[{\"entityId\":\"A\",\"version\":6,"
                               "\"requestCorrelationId\":\"" OTHER "\",\"note\":\"");
        while (page.size < from + size - 2)
            buf_append_char(&page, 'x');
        buf_append_text(&page, "\"}]}");
        outcome = take(stage, 200, buf_text(&page));
        assert_int_equal(outcome->state, JOB_CONFLICT);
        assert_int_equal(strcmp(outcome->audit_entry, "null") == 0, long_one);
    }
    buf_release(&page);
}

#define PAGE(entry, total) "{\"entities\":[" entry "],\"total\":" total "}"

/* Without a doubt, an entry without an id is another's, and silence is not. */
static void an_entry_without_an_id_is_not_silence(void **state)
{
    struct stage *stage = *state;
    struct claim *claim = &stage->task.claim;

    claim->request = REQUEST_AUDIT;
    claim->doubt = false;
    assert_int_equal(take(stage, 200, PAGE("{\"entityId\":\"A\",\"version\":6}", "1"))->state,
                     JOB_CONFLICT);
    assert_int_equal(take(stage, 200, PAGE("{\"entityId\":\"A\",\"version\":5}", "1"))->state,
                     JOB_UNKNOWN);
    /* it was on a page before */
    snprintf(claim->entry_user, sizeof claim->entry_user, "you");
    assert_int_equal(take(stage, 200, PAGE("{\"entityId\":\"A\",\"version\":5}", "1"))->state,
                     JOB_CONFLICT);
    /* an answer of another status is not a page */
    claim->doubt = true;
    assert_int_equal(take(stage, 500, PAGE(AT("6", OURS), "1"))->state, JOB_UNKNOWN);
    assert_int_equal(claim->outcome.readbacks, 1);
}

/* 40 pages are read for our id once another update was found, and each entry is stored once. */
static void the_pages_after_another_update_are_limited(void **state)
{
    struct stage *stage = *state;
    struct claim *claim = &stage->task.claim;
    const struct claim_outcome *outcome;

    claim->request = REQUEST_AUDIT;
    claim->has_entry = true;
    claim->seen = 1;
    claim->page = 39;
    outcome = take(stage, 200, PAGE(AT("9", OTHER), "99"));
    assert_int_equal(outcome->next, POLICY_NEXT_PAGE);
    assert_null(outcome->audit_entry);
    claim->page = 40;
    assert_int_equal(take(stage, 200, PAGE(AT("9", OTHER), "99"))->state, JOB_CONFLICT);
    claim->has_entry = false;
    claim->page = 999;
    outcome = take(stage, 200, PAGE("{\"entityId\":\"B\"}", "9999999"));
    assert_int_equal(outcome->next, POLICY_NEXT_PAGE);
    assert_null(outcome->audit_entry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_STAGE(the_pages_after_that_of_the_version_can_have_our_id),
        ON_STAGE(the_user_of_an_entry_without_an_id_counts_where_ours_is_known),
        ON_STAGE(an_audit_page_shows_our_entry_or_is_not_one),
        ON_STAGE(an_audit_entry_that_is_too_long_is_not_kept),
        ON_STAGE(an_entry_without_an_id_is_not_silence),
        ON_STAGE(the_pages_after_another_update_are_limited),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
